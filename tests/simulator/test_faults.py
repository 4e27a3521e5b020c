"""Every fault through a real WebSocket client.

A fault without a test here fails `test_fault_is_shown`.
"""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from segue.simulator.faults import ALL_FAULTS
from segue.simulator.faults.closing import CLOSES
from segue.simulator.faults.plan import read_fault
from segue.simulator.history import History
from segue.simulator.server import Simulator
from segue.simulator.switches import Switches
from tests.simulator.socket_client import (
    DIALOGUE,
    ECHOING,
    PATH,
    TIMING,
    TOOL,
    VOICE,
    Client,
    conversation,
    keys,
    order,
    pcm,
)

WHOLE = ["modelTurn", "generationComplete", "turnComplete"]
YES = VOICE.speak("Yes.")

Shown = Callable[[Client], Awaitable[None]]
SHOWN: dict[str, tuple[list[dict[str, Any]], Shown]] = {}


def shows(*faults: dict[str, Any]) -> Callable[[Shown], Shown]:
    """Register what shows the first of these faults."""

    def register(shown: Shown) -> Shown:
        SHOWN[faults[0]["fault"]] = (list(faults), shown)
        return shown

    return register


@pytest.mark.parametrize("name", [kind.name for kind in ALL_FAULTS])
async def test_fault_is_shown(name: str) -> None:
    assert name in SHOWN, "no test shows it"
    faults, shown = SHOWN[name]
    history = History()
    async with conversation(*faults, history=history) as client:
        await shown(client)
    assert name in {record.fields["fault"] for record in history.of("simulator", "fault_struck")}


async def test_without_a_fault_all_is_well() -> None:
    async with conversation() as client:
        await client.set_up()
        assert await client.turn() == WHOLE
        assert order(await client.interrupt()) == ["interrupted", "turnComplete", *WHOLE]


@shows({"fault": "phantom_after_generation", "turn": 1, "seconds": 0.02})
async def phantom_after_generation(client: Client) -> None:
    await client.set_up()
    assert await client.turn("A story!") == ["modelTurn", "generationComplete", "interrupted", "turnComplete"]
    # Its true end does not come a second time; what was asked meanwhile is answered after it.
    assert await client.turn() == WHOLE


@shows({"fault": "phantom_after_turn", "turn": 1})
async def phantom_after_turn(client: Client) -> None:
    await client.set_up()
    assert await client.turn() == WHOLE
    assert order([await client.receive()]) == ["interrupted"]
    assert await client.turn() == WHOLE


@shows({"fault": "phantom_before_turn"})
async def phantom_before_turn(client: Client) -> None:
    await client.set_up()
    assert await client.turn() == ["interrupted", "turnComplete"]
    assert order(await client.until("turnComplete")) == WHOLE


@shows({"fault": "phantom_by_echo", "turn": 1})
async def phantom_by_echo(client: Client) -> None:
    await client.set_up()
    assert await client.turn("A story!") == ["modelTurn", "inputTranscription", "interrupted", "turnComplete"]
    await client.is_left_alone()


@shows({"fault": "phantom_after_greeting"})
async def phantom_after_greeting(client: Client) -> None:
    await client.set_up()
    assert await client.turn() == WHOLE
    assert order([await client.receive()]) == ["interrupted"]
    for _ in range(2):
        assert await client.turn() == ["turnComplete"]


@shows({"fault": "repeated_interrupted", "times": 4})
async def repeated_interrupted(client: Client) -> None:
    await client.set_up()
    got = await client.interrupt()
    assert [*map(keys, got[:5])] == [{"serverContent", "interrupted"}] * 4 + [keys(got[4])]
    assert "turnComplete" in keys(got[4])


@shows({"fault": "late_chunks", "chunks": 3})
async def late_chunks(client: Client) -> None:
    await client.set_up()
    got = await client.interrupt()
    assert order(got) == ["interrupted", "modelTurn", "turnComplete", *WHOLE]
    assert [*map(order, ([each] for each in got[1:5]))] == [["modelTurn"]] * 3 + [["turnComplete"]]


@shows({"fault": "audio_in_interrupted"})
async def audio_in_interrupted(client: Client) -> None:
    await client.set_up()
    got = await client.interrupt()
    assert keys(got[0]) == {"serverContent", "interrupted", "modelTurn"}
    assert pcm(got[:1])


@shows({"fault": "wedge", "turn": 2})
async def wedge(client: Client) -> None:
    await client.set_up(ECHOING, inputAudioTranscription={})
    assert await client.turn() == ["inputTranscription", *WHOLE]
    await client.say("Are you there?")
    assert order([await client.receive()]) == ["inputTranscription"]
    await client.is_left_alone()


@shows({"fault": "empty_turn", "turn": 1})
async def empty_turn(client: Client) -> None:
    await client.set_up(outputAudioTranscription={})
    assert await client.turn() == ["turnComplete"]
    assert "modelTurn" in await client.turn()


@shows({"fault": "total_silence", "turn": 2})
async def total_silence(client: Client) -> None:
    await client.set_up(ECHOING, inputAudioTranscription={})
    await client.turn()
    await client.say()
    assert order(await client.until("inputTranscription")) == ["inputTranscription"]
    await client.is_left_alone()
    await client.say()
    await client.is_left_alone()


@shows({"fault": "response_rejected", "turn": 2, "turns": 3})
async def response_rejected(client: Client) -> None:
    await client.set_up()
    assert await client.turn() == WHOLE
    for _ in range(3):
        await client.say()
        [ended] = await client.until("turnComplete")
        assert ended["serverContent"]["turnCompleteReason"] == "RESPONSE_REJECTED"
        # The script takes the turn for under way until its audio would be over.
        await client.is_left_alone()
    assert await client.turn() == WHOLE


@shows({"fault": "empty_reply_to_tool"})
async def empty_reply_to_tool(client: Client) -> None:
    await client.set_up(tools=[TOOL])
    await client.say("Look!")
    [*_, asked] = await client.until("toolCall")
    [call] = asked["toolCall"]["functionCalls"]
    await client.send({"toolResponse": {"functionResponses": [{"id": call["id"], "name": "look", "response": {}}]}})
    got = await client.until("turnComplete")
    assert order(got) == ["outputTranscription", "generationComplete", "turnComplete"]
    assert got[0]["serverContent"]["outputTranscription"] == {}
    assert await client.turn() == WHOLE


@shows({"fault": "text_ignored", "turn": 1})
async def text_ignored(client: Client) -> None:
    await client.set_up()
    await client.say()
    await client.is_left_alone()
    await client.send(
        {"clientContent": {"turns": [{"role": "user", "parts": [{"text": "Well?"}]}], "turnComplete": True}}
    )
    assert order(await client.until("turnComplete")) == WHOLE
    assert await client.turn() == WHOLE


@shows({"fault": "generation_stops", "turn": 1, "chunk": 3})
async def generation_stops(client: Client) -> None:
    await client.set_up()
    await client.say()
    assert order(await client.until("modelTurn", 2)) == ["modelTurn"]
    await client.is_left_alone()
    assert await client.turn() == WHOLE


@shows({"fault": "missing_turn_complete", "turn": 1})
async def missing_turn_complete(client: Client) -> None:
    await client.set_up()
    await client.say()
    assert order(await client.until("generationComplete")) == WHOLE[:2]
    await client.is_left_alone()
    assert await client.turn() == WHOLE


@shows({"fault": "early_turn_complete", "turn": 1}, {"fault": "early_turn_complete", "turn": 2, "truncates": False})
async def early_turn_complete(client: Client) -> None:
    await client.set_up()
    assert await client.turn() == ["modelTurn", "turnComplete"]
    await client.is_left_alone()
    assert await client.turn() == ["modelTurn", "turnComplete"]
    assert order(await client.until("generationComplete")) == WHOLE[:2]


@shows({"fault": "near_silent_audio", "turn": 1})
async def near_silent_audio(client: Client) -> None:
    await client.set_up()
    await client.say()
    whispered = np.frombuffer(pcm(await client.until("turnComplete")), "<i2")
    assert len(whispered) * 2 == len(YES)
    assert 0 < np.abs(whispered).max() <= 8
    await client.say()
    assert pcm(await client.until("turnComplete")) == YES


@shows({"fault": "slow_audio", "speed": 0.5})
async def slow_audio(client: Client) -> None:
    await client.set_up()
    began_at = time.monotonic()
    await client.say()
    got = await client.until("turnComplete")
    assert order(got) == WHOLE
    assert pcm(got) == YES
    assert time.monotonic() - began_at > 1.9 * len(YES) / 48000


@shows({"fault": "late_transcription", "seconds": 0.1})
async def late_transcription(client: Client) -> None:
    await client.set_up(ECHOING, inputAudioTranscription={})
    await client.say()
    assert order(await client.until("inputTranscription"))[0] == "modelTurn"


@shows({"fault": "duplicate_transcription"})
async def duplicate_transcription(client: Client) -> None:
    await client.set_up(ECHOING, inputAudioTranscription={})
    await client.say()
    first, second = [each for each in await client.until("inputTranscription", 2) if "inputTranscription" in keys(each)]
    assert first == second


@shows({"fault": "unknown_field", "turn": 1})
async def unknown_field(client: Client) -> None:
    await client.set_up()
    await client.say()
    assert all("futureField" in message for message in await client.until("turnComplete"))
    await client.say()
    assert not any("futureField" in message for message in await client.until("turnComplete"))


def shows_extra(name: str, frame: bytes) -> None:
    @shows({"fault": name, "turn": 1, "chunk": 2})
    async def extra(client: Client) -> None:
        await client.set_up()
        await client.say()
        assert "modelTurn" in keys(await client.receive())
        assert b"".join((await client.frame()).split()) == frame
        assert order(await client.until("turnComplete")) == WHOLE


shows_extra("unknown_message", b'{"interactionStatus":"IDLE"}')
shows_extra("error_message", b'{"error":{"code":500,"message":"Internalerrorencountered.","status":"INTERNAL"}}')
shows_extra("empty_message", b"{}")
shows_extra("null_value", b'{"serverContent":null}')
shows_extra("not_json", b"upstreamconnecterror")
shows_extra("usage_only", b'{"serverContent":{},"usageMetadata":{"promptTokenCount":1,"totalTokenCount":1}}')


@shows({"fault": "snake_case", "turn": 1})
async def snake_case(client: Client) -> None:
    await client.set_up()
    await client.say()
    got = await client.until("usage_metadata")
    assert all("server_content" in message and "serverContent" not in message for message in got)
    assert await client.turn() == WHOLE


@shows({"fault": "slow_setup", "seconds": 0.2})
async def slow_setup(client: Client) -> None:
    began_at = time.monotonic()
    await client.begin(sessionResumption={})
    await client.say()
    assert "setupComplete" in await client.receive()
    assert time.monotonic() - began_at > 0.19
    assert order(await client.until("turnComplete")) == WHOLE


@shows({"fault": "no_setup"})
async def no_setup(client: Client) -> None:
    await client.begin()
    await client.is_left_alone()
    await client.say()
    await client.is_left_alone()


@shows({"fault": "setup_not_first"})
async def setup_not_first(client: Client) -> None:
    await client.begin()
    assert await client.receive() == {"sessionResumptionUpdate": {}}
    assert await client.receive() == {"setupComplete": {}}
    assert await client.turn() == WHOLE


@shows({"fault": "go_away", "turn": 1, "time_left": 0.05})
async def go_away(client: Client) -> None:
    await client.set_up()
    await client.say()
    assert await client.receive() == {"goAway": {"timeLeft": "0.050s"}}
    assert order(await client.until("turnComplete")) == WHOLE
    assert await client.turn() == WHOLE


@shows({"fault": "go_away_then_close", "turn": 1, "time_left": 0.05})
async def go_away_then_close(client: Client) -> None:
    await client.set_up()
    await client.say("A story!")
    assert await client.receive() == {"goAway": {"timeLeft": "0.050s"}}
    assert "modelTurn" in keys(await client.receive())
    assert await client.is_closed() == (1011, "Deadline expired before operation could complete.")


@shows({"fault": "go_away_then_silence", "turn": 1, "time_left": 0.2})
async def go_away_then_silence(client: Client) -> None:
    await client.set_up()
    await client.say()
    assert await client.receive() == {"goAway": {"timeLeft": "0.200s"}}
    with pytest.raises(ConnectionClosed):
        await client.receive()
    assert client.connection.close_code == 1008
    assert str(client.connection.close_reason).startswith("Connection aborted because the client failed to close")


@shows({"fault": "slow_pongs", "seconds": 0.2})
async def slow_pongs(client: Client) -> None:
    await client.set_up()
    assert await asyncio.wait_for(await client.connection.ping(), 5) > 0.19
    assert await client.turn() == WHOLE


@shows({"fault": "stalled_reads", "turn": 1, "seconds": 0.3})
async def stalled_reads(client: Client) -> None:
    await client.set_up()
    assert await client.turn() == WHOLE
    stalled = client.simulator.links["connection-1"].heard_at
    await client.say()
    assert order(await client.until("turnComplete")) == WHOLE
    assert client.simulator.links["connection-1"].heard_at - stalled > 0.29


@shows({"fault": "tcp_reset", "turn": 1, "chunk": 2})
async def tcp_reset(client: Client) -> None:
    await client.set_up()
    await client.say()
    await client.receive()
    with pytest.raises(ConnectionClosed) as closed:
        await client.receive()
    assert closed.value.rcvd is None
    assert isinstance(closed.value.__cause__, ConnectionResetError)


@shows({"fault": "close", "turn": 1, "chunk": 2, "code": 4000, "reason": "ä" * 100})
async def close(client: Client) -> None:
    await client.set_up()
    await client.say()
    assert "modelTurn" in keys(await client.receive())
    assert await client.is_closed() == (4000, "ä" * 61)


@shows({"fault": "quota"})
async def quota(client: Client) -> None:
    await client.begin()
    assert await client.is_closed() == (1011, CLOSES["quota"].reason)


@pytest.mark.parametrize("cause", CLOSES)
async def test_reported_close(cause: str) -> None:
    async with conversation({"fault": "close", "cause": cause, "second": 0.01}) as client:
        assert await client.is_closed() == (CLOSES[cause].code, CLOSES[cause].cut_reason)


async def test_quota_as_the_switch_has_it() -> None:
    async with conversation({"fault": "quota"}, switches=Switches(quota_closes_with_1008=True)) as client:
        await client.begin()
        assert await client.is_closed() == (1008, CLOSES["quota"].reason)


@pytest.mark.parametrize("compression", [False, True])
async def test_compression_is_negotiated_as_the_switch_has_it(compression: bool) -> None:
    switches = Switches(compression=compression)
    async with (
        Simulator(plain=True, dialogue=DIALOGUE, voice=VOICE, switches=switches) as simulator,
        connect(simulator.url.replace("http", "ws", 1) + PATH, proxy=None) as connection,
    ):
        assert connection.response
        assert ("Sec-WebSocket-Extensions" in connection.response.headers) == compression


async def test_large_frames_are_refused_as_the_switch_has_it() -> None:
    async with conversation(switches=Switches(max_frame_bytes=200)) as client:
        await client.set_up()
        await client.say("x" * 200)
        code, _ = await client.is_closed()
        assert code == 1009


async def test_tls_connection_is_reset_too() -> None:
    plan = read_fault({"fault": "tcp_reset", "turn": 1})
    async with Simulator(dialogue=DIALOGUE, voice=VOICE, timing=TIMING, faults=[plan]) as simulator:
        url = simulator.url.replace("http", "ws", 1) + PATH
        async with connect(url, ssl=simulator.client_ssl_context(), proxy=None) as connection:
            client = Client(connection, simulator)
            await client.set_up()
            await client.say()
            with pytest.raises(ConnectionClosed) as closed:
                await client.receive()
    assert closed.value.rcvd is None
    assert isinstance(closed.value.__cause__, ConnectionResetError | ssl.SSLError)
