"""Malformed input of every kind over a real socket: it closes with the proper code, and nothing is left of it."""

import asyncio
import json
import os
import struct
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from segue.simulator.dialogue_file import parse_dialogue
from segue.simulator.history import History
from segue.simulator.rules.rulebook import Violation
from segue.simulator.server import Simulator
from segue.simulator.speech import SpeechLikeVoice
from segue.simulator.wire.reader import read
from segue.simulator.wire.schema import Flavour
from tests.waiting import wait_until

PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=k"
SETUP = json.dumps({"setup": {"model": "models/gemini-live-2.5-flash-preview"}})
DIALOGUE = parse_dialogue('[[utterances]]\nuser = "Yes?"\nmodel = "Yes."\n[[fallback]]\nmodel = "I see."', "test")
PATIENCE = 10.0
FIN, TEXT, BINARY, CONTINUATION, PING, CLOSE = 0x80, 1, 2, 0, 9, 8


@asynccontextmanager
async def _clean_simulator() -> AsyncIterator[tuple[Simulator, History]]:
    """A simulator in which every connection is at its end, and none has left a task, before it is stopped."""
    before = asyncio.all_tasks()
    history = History()
    async with Simulator(plain=True, dialogue=DIALOGUE, voice=SpeechLikeVoice(), history=history) as simulator:
        serving = asyncio.all_tasks()
        yield simulator, history
        await wait_until(lambda: asyncio.all_tasks() <= serving)
        assert not simulator.links
        assert len(history.of("simulator", "connection_opened")) == len(history.of("simulator", "connection_closed"))
    await wait_until(lambda: asyncio.all_tasks() <= before)


def _dial(simulator: Simulator) -> connect:
    url = simulator.url.replace("http", "ws", 1) + PATH
    return connect(url, proxy=None, compression=None, max_size=None, ping_interval=None)


async def _set_up(connection: ClientConnection) -> None:
    await connection.send(SETUP)
    assert json.loads(await asyncio.wait_for(connection.recv(), PATIENCE)) == {"setupComplete": {}}


async def _close_code(connection: ClientConnection) -> tuple[int | None, str | None]:
    async with asyncio.timeout(PATIENCE):
        try:
            while True:
                await connection.recv()
        except ConnectionClosed:
            return connection.close_code, connection.close_reason


def _raw(head: int, payload: bytes) -> bytes:
    """A masked frame, whose mask of zeros leaves the payload as it is."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size)
    return bytes([head]) + length + bytes(4) + payload


NOT_JSON = "Invalid JSON payload received."


@pytest.mark.parametrize("set_up", [False, True])
@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        pytest.param("no JSON", NOT_JSON, id="no JSON"),
        pytest.param("", NOT_JSON, id="nothing"),
        pytest.param(b"", NOT_JSON, id="no bytes"),
        pytest.param(b"\x00\xff\xfe\x80" * 1000, NOT_JSON, id="binary garbage"),
        pytest.param(SETUP.encode("utf-16"), "", id="another encoding"),
        pytest.param("[" * 1_000_000, NOT_JSON, id="deep lists"),
        pytest.param('{"setup":' * 100_000, NOT_JSON, id="deep objects"),
        pytest.param('{"realtimeInput": {"text": 1}}', "Invalid value at", id="wrong type"),
        pytest.param('{"realtimeInput": {"audio": {"data": "*"}}}', "Invalid value at", id="no base64"),
        pytest.param('{"a": 1}', 'Invalid JSON payload received. Unknown name "a": Cannot find', id="unknown field"),
        pytest.param("[]", "Invalid", id="no object"),
        pytest.param("9" * 10_000, NOT_JSON, id="long number"),
        pytest.param('{"' + "x" * 5_000_000 + '": 1}', "Invalid JSON payload received. Unknown name", id="huge name"),
        pytest.param('{"setup": {"model": "' + "x" * 5_000_000 + '"}}', "", id="huge value"),
    ],
)
async def test_a_malformed_message_closes(frame: str | bytes, reason: str, set_up: bool) -> None:
    async with _clean_simulator() as (simulator, _), _dial(simulator) as connection:
        if set_up:
            await _set_up(connection)
        await connection.send(frame)
        code, told = await _close_code(connection)
        assert code in {1007, 1008}
        assert told
        assert told.startswith(reason)


def test_what_was_refused_is_not_kept() -> None:
    frames = (json.dumps({"x" * 1_000_000 + str(number): 1}) for number in range(20))
    tracemalloc.start()
    try:
        for frame in frames:
            assert isinstance(read(frame, Flavour.DEVELOPER), Violation)
        assert tracemalloc.get_traced_memory()[0] < 5_000_000
    finally:
        tracemalloc.stop()


async def test_a_text_frame_that_is_no_utf_8_closes() -> None:
    async with _clean_simulator() as (simulator, _), _dial(simulator) as connection:
        await _set_up(connection)
        connection.transport.write(_raw(FIN | TEXT, b"\xff\xff"))
        assert (await _close_code(connection))[0] == 1007


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(_raw(FIN | 3, b"x"), id="reserved opcode"),
        pytest.param(_raw(FIN | 0x40 | TEXT, b"x"), id="reserved bit"),
        pytest.param(_raw(FIN | CONTINUATION, b"x"), id="continuation of nothing"),
        pytest.param(_raw(TEXT, b"x") + _raw(FIN | TEXT, b"y"), id="message within a message"),
        pytest.param(_raw(PING, b"x"), id="fragmented ping"),
        pytest.param(_raw(FIN | PING, b"x" * 126), id="long ping"),
        pytest.param(_raw(FIN | CLOSE, b"\x03"), id="half a close code"),
        pytest.param(bytes([FIN | TEXT, 1]) + b"x", id="unmasked frame"),
    ],
)
async def test_a_frame_against_the_protocol_closes(frame: bytes) -> None:
    async with _clean_simulator() as (simulator, _), _dial(simulator) as connection:
        await _set_up(connection)
        connection.transport.write(frame)
        assert (await _close_code(connection))[0] == 1002


async def test_a_message_in_fragments_is_one_message() -> None:
    async with _clean_simulator() as (simulator, _), _dial(simulator) as connection:
        await connection.send([SETUP[at : at + 7] for at in range(0, len(SETUP), 7)])
        assert json.loads(await asyncio.wait_for(connection.recv(), PATIENCE)) == {"setupComplete": {}}


async def test_fragments_that_nobody_ends_are_dropped_with_the_connection() -> None:
    async with _clean_simulator() as (simulator, history):
        connection = await _dial(simulator)
        connection.transport.write(_raw(BINARY, b"{") + _raw(CONTINUATION, b" ") * 1000)
        await connection.close()
        await wait_until(lambda: history.of("simulator", "connection_closed"))


async def test_every_ping_of_a_flood_is_answered_or_the_newest() -> None:
    async with _clean_simulator() as (simulator, _), _dial(simulator) as connection:
        await _set_up(connection)
        pongs = [await connection.ping(os.urandom(4)) for _ in range(2000)]
        # A pong answers all pings before it.
        await asyncio.wait_for(asyncio.gather(*pongs), PATIENCE)
        await connection.send('{"realtimeInput": {"text": "Hello?"}}')
        assert await asyncio.wait_for(connection.recv(), PATIENCE)


@pytest.mark.parametrize("set_up", [False, True])
async def test_a_client_that_says_no_more_is_let_go(set_up: bool) -> None:
    async with _clean_simulator() as (simulator, history):
        connection = await _dial(simulator)
        if set_up:
            await _set_up(connection)
        # The half of the connection that goes to the simulator ends here, without a close frame.
        connection.transport.write_eof()
        await asyncio.wait_for(connection.wait_closed(), PATIENCE)
        await wait_until(lambda: history.of("simulator", "connection_closed"))


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n\r\n", b"x" * 100_000])
async def test_what_is_no_upgrade_is_refused(sent: bytes) -> None:
    async with _clean_simulator() as (simulator, history):
        reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
        writer.write(sent)
        writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            try:
                answer = await reader.read()
            except ConnectionResetError:
                answer = b""
        assert not answer or answer.startswith(b"HTTP/1.1 4")
        writer.close()
        assert not history.of("simulator", "connection_opened")


async def test_a_connection_that_breaks_within_a_frame_is_let_go() -> None:
    async with _clean_simulator() as (simulator, history):
        connection = await _dial(simulator)
        await _set_up(connection)
        connection.transport.write(_raw(FIN | TEXT, b"x" * 1000)[:500])
        connection.transport.abort()
        await wait_until(lambda: history.of("simulator", "connection_closed"))
