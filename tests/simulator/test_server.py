"""The server over real sockets: TLS and plain, paths, closes, and that nothing is left of it."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from segue.simulator.dialogue_file import parse_dialogue
from segue.simulator.faults.plan import read_fault
from segue.simulator.history import History
from segue.simulator.server import Simulator, SimulatorError
from segue.simulator.speech import SpeechLikeVoice
from segue.simulator.timing import Span, Timing
from segue.simulator.wire.schema import Flavour
from segue.simulator.wire.upgrade import Upgrade, read_upgrade
from tests.simulator.socket_client import Watched

PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
VERTEX_PATH = "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"
SETUP = {"setup": {"model": "models/gemini-live-2.5-flash-preview"}}
DIALOGUE = parse_dialogue(
    """
    [[utterances]]
    user = "Yes?"
    model = "Yes."
    [[fallback]]
    model = "I see, yes."
    """,
    "test",
)


def _simulator(**settings: Any) -> Simulator:
    return Simulator(dialogue=DIALOGUE, voice=SpeechLikeVoice(), **settings)


def _connect(simulator: Simulator, path: str = f"{PATH}?key=k") -> connect:
    secure = simulator.url.startswith("https")
    context = simulator.client_ssl_context() if secure else None
    return connect(simulator.url.replace("http", "ws", 1) + path, ssl=context, proxy=None, compression=None)


async def _receive(connection: ClientConnection) -> dict[str, Any]:
    frame = await asyncio.wait_for(connection.recv(), 10)
    assert isinstance(frame, bytes)
    message: dict[str, Any] = json.loads(frame)
    return message


async def _set_up(connection: ClientConnection) -> None:
    await connection.send(json.dumps(SETUP))
    assert await _receive(connection) == {"setupComplete": {}}


@pytest.mark.parametrize("plain", [False, True])
async def test_conversation_over_a_socket(plain: bool) -> None:
    async with _simulator(plain=plain) as simulator, _connect(simulator) as connection:
        await _set_up(connection)
        await connection.send(b'{"realtimeInput": {"text": "Hello?"}}')
        while "turnComplete" not in (await _receive(connection)).get("serverContent", {}):
            pass


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_certificate_is_good_for_both_names_of_this_machine(host: str) -> None:
    async with _simulator() as simulator:
        url = simulator.url.replace("https://127.0.0.1", f"wss://{host}")
        async with connect(f"{url}{PATH}?key=k", ssl=simulator.client_ssl_context(), proxy=None) as connection:
            await _set_up(connection)


async def test_certificate_is_trusted_by_nobody_else() -> None:
    async with _simulator() as simulator:
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(f"wss://127.0.0.1:{simulator.port}{PATH}", ssl=ssl.create_default_context(), proxy=None)


@pytest.mark.parametrize("prefix", ["", "/", "/sim/"])
async def test_any_prefix_of_the_path_is_served(prefix: str) -> None:
    async with _simulator(plain=True) as simulator, _connect(simulator, f"{prefix}{PATH}?key=k") as connection:
        await _set_up(connection)


async def test_other_path_is_not_found() -> None:
    async with _simulator(plain=True) as simulator:
        with pytest.raises(InvalidStatus, match="404"):
            await _connect(simulator, "/other")


async def test_refusal_is_an_upgrade_and_then_a_close() -> None:
    history = History()
    async with _simulator(plain=True, history=history) as simulator, _connect(simulator, PATH) as connection:
        await connection.send(json.dumps(SETUP))
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 1008
        assert closed.value.rcvd.reason.endswith("or other form of API c")
    [record] = history.of("simulator", "connection_closed")
    assert (record.fields["closed_by"], record.fields["rule"]) == ("server", "api_key_missing")


async def test_connections_are_told_apart() -> None:
    history = History()
    async with (
        _simulator(plain=True, history=history) as simulator,
        _connect(simulator) as first,
        _connect(simulator) as second,
    ):
        await _set_up(second)
        await _set_up(first)
        await first.close(1000)
        await second.close(4321, "enough")
    closed = {record.session: record.fields for record in history.of("simulator", "connection_closed")}
    assert closed == {
        "connection-1": {"code": 1000, "reason": "", "closed_by": "client", "rule": ""},
        "connection-2": {"code": 4321, "reason": "enough", "closed_by": "client", "rule": ""},
    }
    assert all("?" not in str(record.fields["path"]) for record in history.of("simulator", "connection_opened"))


async def test_broken_connection_is_the_clients() -> None:
    history = Watched()
    async with _simulator(plain=True, history=history) as simulator, _connect(simulator) as connection:
        await _set_up(connection)
        connection.transport.abort()
        await history.until("connection_closed")
    [record] = history.of("simulator", "connection_closed")
    assert (record.fields["code"], record.fields["closed_by"]) == (1006, "client")


async def test_end_of_the_server_closes_connections_and_leaves_no_task() -> None:
    before = asyncio.all_tasks()
    history = History()
    async with _simulator(history=history) as simulator:
        connection = await _connect(simulator)
        await _set_up(connection)
        await connection.send(json.dumps({"realtimeInput": {"text": "Hello?"}}))
        while "modelTurn" not in (await _receive(connection)).get("serverContent", {}):
            pass
    await connection.wait_closed()
    assert connection.close_code == 1001
    assert asyncio.all_tasks() == before
    [record] = history.of("simulator", "connection_closed")
    assert (record.fields["code"], record.fields["closed_by"]) == (1001, "server")


async def test_connection_cap_closes_by_itself() -> None:
    timing = Timing(go_away_after=0.1, close_after=0.2)
    async with _simulator(plain=True, timing=timing) as simulator, _connect(simulator) as connection:
        messages = [json.loads(frame) async for frame in _until_closed(connection)]
        assert messages == [{"goAway": {"timeLeft": "0.100s"}}]
        assert connection.close_code == 1008


async def _until_closed(connection: ClientConnection) -> AsyncIterator[str | bytes]:
    async with asyncio.timeout(10):
        with suppress(ConnectionClosed):
            while True:
                yield await connection.recv()


async def test_credentials_are_checked_by_the_hook() -> None:
    async with _simulator(plain=True, valid_credential=lambda key: key == "good") as simulator:
        async with _connect(simulator, f"{PATH}?key=good") as connection:
            await _set_up(connection)
        async with _connect(simulator, f"{PATH}?key=bad") as connection:
            await connection.send(json.dumps(SETUP))
            await asyncio.wait_for(connection.wait_closed(), 10)
            assert connection.close_reason == "API key not valid. Please pass a valid API key."


async def test_a_minted_token_opens_as_many_sessions_as_it_was_minted_for() -> None:
    async with _simulator(plain=True) as simulator:
        token = simulator.tokens.mint(uses=1)
        async with _connect(simulator, f"{PATH}Constrained?access_token={token}") as connection:
            await _set_up(connection)
        async with _connect(simulator, f"{PATH}Constrained?access_token={token}") as connection:
            await connection.send(json.dumps(SETUP))
            await asyncio.wait_for(connection.wait_closed(), 10)
            assert connection.close_code == 1008


@pytest.mark.parametrize(
    ("target", "headers", "upgrade"),
    [
        (f"{PATH}?key=a", {}, Upgrade(PATH, Flavour.DEVELOPER, "v1beta", "a")),
        (f"/{PATH}", {"x-goog-api-key": "b"}, Upgrade(f"/{PATH}", Flavour.DEVELOPER, "v1beta", "b")),
        (
            f"{PATH}Constrained?access_token=auth_tokens/x",
            {},
            Upgrade(f"{PATH}Constrained", Flavour.DEVELOPER, "v1beta", "auth_tokens/x"),
        ),
        (
            "/a//b/ws/google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent",
            {"authorization": "Bearer t"},
            Upgrade(
                "/a//b/ws/google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent", Flavour.VERTEX, "v1", "t"
            ),
        ),
        (PATH, {}, Upgrade(PATH, Flavour.DEVELOPER, "v1beta", "")),
        (f"{PATH}/more", {}, None),
        ("/ws/x", {}, None),
    ],
)
def test_handshake_is_read(target: str, headers: dict[str, str], upgrade: Upgrade | None) -> None:
    assert read_upgrade(target, headers) == upgrade


async def test_port_in_use_is_told() -> None:
    async with _simulator(plain=True) as simulator:
        with pytest.raises(SimulatorError, match=rf"cannot listen on 127\.0\.0\.1:{simulator.port}: .*in use"):
            await _simulator(plain=True, port=simulator.port).__aenter__()


@pytest.mark.parametrize(("flavour", "other"), [(Flavour.DEVELOPER, VERTEX_PATH), (Flavour.VERTEX, PATH)])
async def test_paths_of_the_other_flavour_are_not_found(flavour: Flavour, other: str) -> None:
    async with _simulator(plain=True, flavour=flavour) as simulator:
        with pytest.raises(InvalidStatus, match="404"):
            await _connect(simulator, other)
        async with _connect(simulator, VERTEX_PATH if other == PATH else PATH) as connection:
            assert connection.response


async def test_only_one_model_exists_where_one_is_named() -> None:
    async with _simulator(plain=True, model="gemini-live-2.5-flash-preview") as simulator:
        async with _connect(simulator) as connection:
            await _set_up(connection)
        async with _connect(simulator) as connection:
            await connection.send(json.dumps({"setup": {"model": "models/gemini-3.8-live"}}))
            await asyncio.wait_for(connection.wait_closed(), 10)
            assert connection.close_code == 1008
            assert str(connection.close_reason).startswith("models/gemini-3.8-live is not found")


class _Deaf:
    """A client whose buffers are full soon, and who does not read."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    async def connect(self) -> ClientConnection:
        self._socket.setblocking(False)
        await asyncio.get_running_loop().sock_connect(self._socket, ("127.0.0.1", self._simulator.port))
        url = f"{self._simulator.url.replace('http', 'ws', 1)}{PATH}?key=k"
        return await connect(url, sock=self._socket, proxy=None, compression=None, max_queue=1, ping_interval=None)


# More than a socket's buffers hold, all at once.
_FLOOD = Timing(first_audio=Span(0.0, 0.0), generation_speed=Span(1e6, 1e6))
_LONG = parse_dialogue(
    f"""
    [[utterances]]
    user = "Yes?"
    model = "Yes."
    [[fallback]]
    model = "{"Once upon a time. " * 250}"
    """,
    "test",
)


async def test_client_that_does_not_read_is_heard_and_then_broken_off() -> None:
    history = Watched()
    async with Simulator(
        plain=True, dialogue=_LONG, voice=SpeechLikeVoice(), timing=_FLOOD, history=history, write_timeout=0.5
    ) as simulator:
        connection = await _Deaf(simulator).connect()
        await _set_up(connection)
        await connection.send(json.dumps({"realtimeInput": {"text": "Tell me."}}))
        await history.until("generation_complete_sent")
        await connection.send(json.dumps({"realtimeInput": {"text": "Stop!"}}))
        await history.until("interrupted_sent")
        assert not history.of("simulator", "connection_closed")
        assert await history.until("connection_closed") == {
            "code": 1006,
            "reason": "",
            "closed_by": "server",
            "rule": "",
        }
        await _discard(connection)


async def test_client_that_reads_late_gets_everything() -> None:
    history = Watched()
    async with Simulator(
        plain=True, dialogue=_LONG, voice=SpeechLikeVoice(), timing=_FLOOD, history=history
    ) as simulator:
        connection = await _Deaf(simulator).connect()
        await _set_up(connection)
        await connection.send(json.dumps({"realtimeInput": {"text": "Tell me."}}))
        await history.until("generation_complete_sent")
        chunks = 0
        while "generationComplete" not in (message := await _receive(connection))["serverContent"]:
            chunks += "modelTurn" in message["serverContent"]
        assert chunks == len(history.of("simulator", "audio_sent"))
        await connection.close()


async def test_end_of_the_server_does_not_wait_for_stalled_reads() -> None:
    stalled = read_fault({"fault": "stalled_reads", "seconds": 3600.0, "turn": 1})
    history = Watched()
    async with _simulator(plain=True, faults=[stalled], history=history) as simulator:
        connection = await _connect(simulator)
        await _set_up(connection)
        await connection.send(json.dumps({"realtimeInput": {"text": "Hello?"}}))
        await history.until("fault_struck")
        assert "serverContent" in await _receive(connection)
    await _discard(connection)


async def _discard(connection: ClientConnection) -> None:
    async for _ in _until_closed(connection):
        pass
