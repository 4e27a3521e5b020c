"""What a session yields, against a server that plays a script."""

import pytest
from google.protobuf.duration_pb2 import Duration

import segue_client
from segue_client.segue.v1.open_session_pb2 import AudioFormat, TurnDetection
from segue_client.segue.v1.server_event_pb2 import GoAway, Interrupted, Notice, ServerEvent
from segue_client.segue.v1.voice_session_service_pb2 import ConverseResponse
from tests.clients.python.scripted_server import COMPLETED, OPENED, Stream, answer_once, serving

pytestmark = [pytest.mark.timeout(20), pytest.mark.usefixtures("no_task_left")]


async def test_a_conversation_from_open_to_completed() -> None:
    async with (
        serving(answer_once) as server,
        segue_client.connect(server.target, voice="Kore", system_instruction="Be brief.") as session,
    ):
        await session.send_text("Hello!")
        heard = []
        async for event in session:
            heard.append(event)
            if isinstance(event, segue_client.TurnEnded):
                await session.finish()
    assert [type(event).__name__ for event in heard] == ["Opened", "Audio", "Audio", "TurnEnded"]
    assert session.opened == segue_client.Opened("s1", "a-model")
    assert session.closed is not None
    assert session.closed.reason == "COMPLETED"
    assert session.last_seq == 3
    opening = server.streams[0].heard[0].open
    assert (opening.voice, opening.system_instruction) == ("Kore", "Be brief.")
    assert opening.input_format == AudioFormat(encoding=AudioFormat.ENCODING_LINEAR16, sample_rate_hertz=16000)
    assert opening.output_format == AudioFormat(encoding=AudioFormat.ENCODING_LINEAR16, sample_rate_hertz=24000)
    assert opening.turn_detection.mode == TurnDetection.MODE_SERVER
    assert opening.resume_window.ToSeconds() == 120
    assert [(event.channel, event.seq) for event in server.streams[0].heard] == [(0, 1), (0, 2), (0, 3)]
    assert server.streams[0].heard[-1].close.finish_turn


@pytest.mark.parametrize("asked", [True, False])
async def test_notices_come_to_those_who_ask(asked: bool) -> None:
    async def renew(stream: Stream) -> None:
        opening = await stream.hear_until("open")
        notice = Notice(kind=Notice.KIND_RENEWED, message="the link was renewed", took=Duration(nanos=160_000_000))
        await stream.say(OPENED, *([ServerEvent(notice=notice)] if opening.open.include_notices else []), COMPLETED)
        await stream.hear_out()

    async with serving(renew) as server, segue_client.connect(server.target, include_notices=asked) as session:
        notices = [event async for event in session if isinstance(event, segue_client.Notice)]
    assert notices == [segue_client.Notice("RENEWED", "the link was renewed", 0.16)] * asked
    assert not server.streams[0].heard[0].open.HasField("tools")


async def test_the_hook_gets_every_message_as_it_came() -> None:
    raw: list[ServerEvent] = []
    async with serving(answer_once) as server, segue_client.connect(server.target, on_event=raw.append) as session:
        await session.send_text("Hello!")
        await session.finish()
        async for _ in session:
            pass
    assert [message.WhichOneof("output") for message in raw] == ["opened", "audio", "audio", "turn_ended", "closed"]
    assert [message.seq for message in raw] == [0, 1, 2, 3, 0]


async def test_an_unknown_output_is_passed_over_and_counts_as_received() -> None:
    newer = ServerEvent.FromString(ServerEvent(seq=1).SerializeToString() + b"\xc2\x3e\x01x")

    async def script(stream: Stream) -> None:
        await stream.say(OPENED, newer)
        await stream.hear_until("ack")
        await stream.say(COMPLETED)
        await stream.hear_out()

    async with serving(script) as server:
        async with segue_client.connect(server.target) as session:
            async for event in session:
                assert isinstance(event, segue_client.Opened)
                await session.ack()
        assert server.streams[0].heard[-1].ack.seq == 1


async def test_a_stream_that_must_move_says_so() -> None:
    async def script(stream: Stream) -> None:
        await stream.context.write(ConverseResponse(events=[OPENED], go_away=GoAway()))
        await stream.hear_out()
        await stream.say(COMPLETED)

    async with serving(script) as server, segue_client.connect(server.target) as session:
        await session.finish()
        assert [type(event).__name__ async for event in session] == ["Opened", "GoAway"]


async def test_interrupted_comes_with_what_a_player_needs() -> None:
    async def script(stream: Stream) -> None:
        await stream.hear_until("interrupt")
        cut = Interrupted(cause=Interrupted.CAUSE_CLIENT, heard_text="Once upon", unheard_text=" a time")
        await stream.say(OPENED, ServerEvent(seq=1, turn=1, interrupted=cut))
        await stream.hear_out()
        await stream.say(COMPLETED)

    async with serving(script) as server, segue_client.connect(server.target) as session:
        await session.interrupt()
        await session.finish()
        events = [event async for event in session]
    assert events[1:] == [segue_client.Interrupted(1, "CLIENT", "Once upon", " a time", 0.0)]
