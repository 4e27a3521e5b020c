"""Facts of the Live API and of its Python SDK that no other test shows: the SDK, in this process, and raw sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from google import genai
from google.genai import errors, live, types
from google.oauth2.credentials import Credentials
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from segue.simulator.dialogue_file import parse_dialogue
from segue.simulator.faults.plan import read_fault
from segue.simulator.server import Simulator
from segue.simulator.timing import Span, Timing
from tests.simulator.live_client import NEWEST, VOICE, LiveClient

PATIENCE = 10.0
MODEL = "gemini-live-2.5-flash-preview"
DIALOGUE = parse_dialogue(
    """
    [[utterances]]
    user = "Yes?"
    model = "Yes."
    [[fallback]]
    model = "I see."
    delay = 0.0
    """,
    "test",
)


def _simulator(**settings: Any) -> Simulator:
    return Simulator(dialogue=DIALOGUE, voice=VOICE, **settings)


def _client(simulator: Simulator, **websocket: Any) -> genai.Client:
    arguments = {"ssl": simulator.client_ssl_context(), "proxy": None, "close_timeout": 0.2, **websocket}
    options = types.HttpOptions(base_url=simulator.url, async_client_args=arguments)
    return genai.Client(api_key="a-key", http_options=options)


@asynccontextmanager
async def _session(simulator: Simulator, **websocket: Any) -> AsyncIterator[live.AsyncSession]:
    config = types.LiveConnectConfig(session_resumption=types.SessionResumptionConfig())
    async with _client(simulator, **websocket).aio.live.connect(model=MODEL, config=config) as session:
        yield session


@asynccontextmanager
async def _raw(simulator: Simulator, path: str) -> AsyncIterator[ClientConnection]:
    url = simulator.url.replace("http", "ws", 1) + path
    async with connect(url, proxy=None, compression=None) as connection:
        yield connection


async def _error_of_receive(session: live.AsyncSession) -> errors.APIError:
    try:
        while True:
            await session._receive()
    except errors.APIError as error:
        return error


class _Frames:
    """What the SDK takes for its connection."""

    def __init__(self, *frames: bytes) -> None:
        self._frames = list(frames)

    async def recv(self, decode: bool) -> bytes:
        return self._frames.pop(0)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "ws://127.0.0.1:1", "https://127.0.0.1:1"])
def test_the_python_sdk_makes_every_base_url_secure(url: str) -> None:
    client = genai.Client(api_key="a-key", http_options=types.HttpOptions(base_url=url))
    assert str(client._api_client._websocket_base_url()).startswith("wss://127.0.0.1:1")


@pytest.mark.parametrize("version", ["v1", "v1alpha", "v1beta", "v1beta1", "v2"])
async def test_any_version_of_the_api_is_served(version: str) -> None:
    path = f"//ws/google.ai.generativelanguage.{version}.GenerativeService.BidiGenerateContent?key=k"
    async with _simulator(plain=True) as simulator, _raw(simulator, path) as connection:
        await connection.send(json.dumps({"setup": {"model": f"models/{MODEL}"}}))
        frame = await asyncio.wait_for(connection.recv(), PATIENCE)
        assert frame == b'{\n  "setupComplete": {}\n}\n'


async def test_receive_ends_with_the_turn_and_the_handle_comes_in_the_next() -> None:
    async with asyncio.timeout(PATIENCE), _simulator() as simulator, _session(simulator) as session:
        for _ in range(2):
            await session.send_realtime_input(text="And?")
            messages = [message async for message in session.receive()]
            assert messages[-1].server_content
            assert messages[-1].server_content.turn_complete
        # What followed the first turn came at the beginning of the second.
        updates = [message.session_resumption_update for message in messages if message.session_resumption_update]
        assert updates
        assert updates[0].new_handle


async def test_no_timeout_of_the_sdk_covers_the_setup() -> None:
    # Longer than the time that the handshake may take.
    slow = Timing(setup=Span(1.0, 1.0))
    async with asyncio.timeout(PATIENCE), _simulator(timing=slow) as simulator:
        began_at = asyncio.get_running_loop().time()
        async with _session(simulator, open_timeout=0.5):
            assert asyncio.get_running_loop().time() - began_at >= 1.0


@pytest.mark.parametrize(
    "frame", [b'{"interactionStatus": "IDLE"}', b'{"error": {"code": 500}}', b'{"server_content": {}}']
)
async def test_a_message_without_a_known_key_is_a_type_error(frame: bytes) -> None:
    frames: Any = _Frames(frame)
    session = live.AsyncSession(genai.Client(api_key="a-key")._api_client, frames)
    with pytest.raises(TypeError):
        await session._receive()


async def test_a_close_in_place_of_the_setup_is_an_api_error_with_its_code() -> None:
    async with _simulator(valid_credential=lambda key: False) as simulator:
        with pytest.raises(errors.APIError) as raised:
            async with _session(simulator):
                pass
    assert (raised.value.code, raised.value.details) == (1007, "API key not valid. Please pass a valid API key.")


async def test_a_close_is_an_api_error_of_receive_and_not_of_send() -> None:
    timing = Timing(go_away_after=0.3, close_after=0.4)
    async with asyncio.timeout(PATIENCE), _simulator(timing=timing) as simulator, _session(simulator) as session:
        error = await _error_of_receive(session)
        assert error.code == 1008
        assert str(error.details).startswith("Connection aborted because the client failed to close")
        with pytest.raises(ConnectionClosed):
            await session.send_realtime_input(text="And?")


async def test_a_frame_that_is_too_large_looks_like_a_broken_connection() -> None:
    async with asyncio.timeout(PATIENCE), _simulator() as simulator, _session(simulator, max_size=1000) as session:
        await session.send_realtime_input(text="And?")
        error = await _error_of_receive(session)
    assert error.code == 1006
    assert "1009" in str(error.__context__)


@pytest.mark.parametrize("transparent", [False, True])
async def test_the_sdk_refuses_transparent_resumption_on_the_developer_api(transparent: bool) -> None:
    config = types.LiveConnectConfig(session_resumption=types.SessionResumptionConfig(transparent=transparent))
    async with _simulator() as simulator:
        with pytest.raises(ValueError, match="transparent parameter is only supported in"):
            async with _client(simulator).aio.live.connect(model=MODEL, config=config):
                pass


async def test_vertex_takes_transparent_resumption_and_explicit_signals() -> None:
    config = types.LiveConnectConfig(
        session_resumption=types.SessionResumptionConfig(transparent=True), explicit_vad_signal=True
    )
    async with asyncio.timeout(PATIENCE), _simulator() as simulator:
        arguments = {"ssl": simulator.client_ssl_context(), "proxy": None, "close_timeout": 0.2}
        client = genai.Client(
            vertexai=True,
            project="p",
            location="us-central1",
            credentials=Credentials(token="a-token"),  # type: ignore[no-untyped-call]
            http_options=types.HttpOptions(base_url=simulator.url, async_client_args=arguments),
        )
        async with client.aio.live.connect(model=MODEL, config=config) as session:
            assert session.session_id


def _faulty(*faults: dict[str, Any]) -> Simulator:
    return _simulator(faults=[read_fault(fault) for fault in faults])


async def test_late_pongs_look_like_a_broken_connection() -> None:
    async with asyncio.timeout(PATIENCE), _faulty({"fault": "slow_pongs", "seconds": 5.0}) as simulator:
        async with _session(simulator, ping_interval=0.1, ping_timeout=0.2) as session:
            error = await _error_of_receive(session)
        assert error.code == 1006
        assert "keepalive ping timeout" in str(error.__context__)


async def test_leaving_takes_the_close_timeout_where_nobody_answers() -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE), _faulty({"fault": "stalled_reads", "turn": 1, "seconds": 5.0}) as simulator:
        async with _session(simulator, close_timeout=0.5) as session:
            await session.send_realtime_input(text="And?")
            # From the first message of the turn on, its connection is not read.
            assert await session._receive()
            left_at = loop.time()
        assert 0.5 <= loop.time() - left_at < 2.0


def test_thinking_is_not_to_be_set_on_the_newest_family_and_it_is_always_proactive() -> None:
    for fields in (
        {"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}}},
        {"proactivity": {"proactiveAudio": False}},
    ):
        client = LiveClient()
        client.send({"setup": {"model": NEWEST, **fields}})
        assert client.close
        assert client.close.code == 1007


def test_content_interrupts_all_session_long_on_the_newest_family() -> None:
    client = LiveClient().set_up(NEWEST)
    for _ in range(3):
        client.content("long")
        client.wait_for("modelTurn")
    assert len(client.times("interrupted")) == 2
    assert client.close is None
