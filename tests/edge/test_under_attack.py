"""Clients that mean harm, or are written badly: they get no further than their limits, and others notice nothing."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from segue.edge import server
from segue_client.segue.v1.client_event_pb2 import ClientEvent, UserText
from segue_client.segue.v1.voice_session_service_pb2 import ConverseRequest
from tests.conversation import METHOD, Conversation, connected, conversing, opening
from tests.edge.house import House, count, running
from tests.scripted_backend import ScriptedBackend
from tests.waiting import WAIT_LIMIT, wait_until

pytestmark = pytest.mark.usefixtures("no_task_left", "plain_environment")

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS = 0, 1, 4


def frame(kind: int, payload: bytes, *, stream: int = 0, length: int | None = None) -> bytes:
    """Return an HTTP/2 frame (RFC 9113, section 4.1), which may be said to be longer than it is."""
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + bytes((kind, 0)) + struct.pack(">I", stream) + payload


@asynccontextmanager
async def served(backend: ScriptedBackend, conversation: Conversation) -> AsyncIterator[None]:
    """Have a session of somebody else's answered, again and again, while the body runs and three times after it."""
    await conversation.open()
    link = backend.links[-1]
    over = asyncio.Event()

    async def converse() -> None:
        left = 3
        while left:
            left -= over.is_set()
            question = f"Question {len(link.sent)}"
            await conversation.say(ClientEvent(text=UserText(text=question)))
            await wait_until(partial(link.sent.__contains__, question))
            link.speak(0.02, "Answer.")
            link.complete()
            assert (await conversation.hear("turn_ended")).turn_ended.heard_text == "Answer."

    answering = asyncio.create_task(converse())
    try:
        yield
    finally:
        over.set()
        await answering


async def closed_within(reader: asyncio.StreamReader, limit: float) -> bool:
    """Return whether the server hangs up so soon."""
    try:
        async with asyncio.timeout(limit):
            while await reader.read(65_536):
                pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


async def test_a_flood_of_opens_that_reads_no_answer_is_read_no_more(backend: ScriptedBackend) -> None:
    async with (
        running(backend, max_sessions=2) as gateway,
        conversing(gateway.port) as other,
        served(backend, other),
        connected(gateway.port) as channel,
    ):
        call = channel.stream_stream(METHOD)()
        flooding = asyncio.create_task(flood(call))
        # What gRPC itself takes for a client that reads nothing is some 4 MiB, of answers that take 100 bytes each.
        refused = -1.0
        while count(gateway, "overloaded") > refused:
            refused = count(gateway, "overloaded")
            await asyncio.sleep(0.3)
        assert 1024 < refused < 100_000
        assert not flooding.done()
        assert len(gateway.registry) == 2
        (stream,) = (stream for stream in gateway._converser._streams if stream._first)
        assert len(stream._first) <= 2 * 1024
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)
        call.cancel()
        await wait_until(lambda: len(gateway.registry) == 1)


async def flood(call: Any) -> None:
    number = 0
    while True:
        opens = [ClientEvent(channel=number + offset, open=opening()) for offset in range(1024)]
        await call.write(ConverseRequest(events=opens).SerializeToString())
        number += 1024


async def test_a_flood_of_streams_gets_no_more_than_there_are(backend: ScriptedBackend) -> None:
    async with (
        running(backend, max_streams=20) as gateway,
        conversing(gateway.port) as other,
        served(backend, other),
        connected(gateway.port) as channel,
    ):
        calls = [channel.stream_stream(METHOD)() for _ in range(300)]
        # A connection lets 20 and 100 more through, to be told; gRPC itself turns away what comes beyond that at once.
        await wait_until(lambda: sum(call.done() for call in calls) == 281)
        codes = {await call.code() for call in calls if call.done()}
        assert codes <= {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE}
        assert count(gateway, "overloaded") >= 100
        assert gateway.metrics.registry.get_sample_value("segue_streams_active") == 20.0
        for call in calls:
            call.cancel()


async def test_a_flood_of_watches_of_its_health_leaves_the_probes_alone(backend: ScriptedBackend, house: House) -> None:
    async with running(backend, **house.settings) as gateway, connected(gateway.port) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        watches = [stub.Watch(health_pb2.HealthCheckRequest(service=f"{number}")) for number in range(300)]
        await wait_until(lambda: count(gateway, "overloaded") == 44)
        assert (await stub.Check(health_pb2.HealthCheckRequest(), timeout=WAIT_LIMIT)).status
        async with conversing(gateway.port, token="acme's") as conversation:
            await conversation.open()
        for watch in watches:
            watch.cancel()


async def test_a_flood_of_wrong_tokens_leaves_few_lines_in_the_log(
    backend: ScriptedBackend, house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(backend, **house.settings) as gateway, connected(gateway.port) as channel:
        for _ in range(10):
            calls = [channel.stream_stream(METHOD)(metadata=(("authorization", "Bearer x"),)) for _ in range(100)]
            codes = await asyncio.gather(*(call.code() for call in calls))
            assert set(codes) == {grpc.StatusCode.UNAUTHENTICATED}
        assert count(gateway, "unauthenticated") == 1000.0
    assert capsys.readouterr().out.count("call_refused") < 60


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
async def test_a_message_that_is_too_large_ends_its_stream_alone(
    backend: ScriptedBackend, compression: grpc.Compression
) -> None:
    async with (
        running(backend) as gateway,
        conversing(gateway.port) as other,
        served(backend, other),
        connected(gateway.port) as channel,
    ):
        # Packed, it is 32 KiB.
        call = channel.stream_stream(METHOD)(compression=compression)
        with suppress(grpc.aio.AioRpcError):
            await call.write(bytes(32 * 2**20))
        async with asyncio.timeout(WAIT_LIMIT):
            # Where a call ends during a write, grpc.aio puts INTERNAL in place of its status (grpc#36066).
            assert await call.code() in {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INTERNAL}


async def test_metadata_that_is_too_large_ends_its_call_alone(backend: ScriptedBackend) -> None:
    async with (
        running(backend) as gateway,
        conversing(gateway.port) as other,
        served(backend, other),
        conversing(gateway.port, token="x" * 20_000) as conversation,
    ):
        await conversation.hear_out()
        assert await conversation.call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_frame_that_is_too_large_ends_its_connection(backend: ScriptedBackend) -> None:
    async with running(backend) as gateway, conversing(gateway.port) as other, served(backend, other):
        reader, writer = await asyncio.open_connection("localhost", gateway.port)
        writer.write(PREFACE + frame(SETTINGS, b"") + frame(DATA, bytes(1000), stream=1, length=2**24 - 1))
        assert await closed_within(reader, WAIT_LIMIT)
        writer.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that waits for no more than half a second."""
    options = dict(server._OPTIONS)
    assert options["grpc.server_handshake_timeout_ms"] == 10_000
    assert options["grpc.max_connection_idle_ms"] == 300_000
    options |= {"grpc.server_handshake_timeout_ms": 500, "grpc.max_connection_idle_ms": 500}
    monkeypatch.setattr(server, "_OPTIONS", tuple(options.items()))


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize(
    "said",
    [
        b"",
        PREFACE[:10],
        PREFACE,
        PREFACE + frame(SETTINGS, b""),
        # Headers that go on, as nothing says that they end.
        PREFACE + frame(SETTINGS, b"") + frame(HEADERS, b"\x00\x05", stream=1),
        # The beginning of a TLS handshake.
        b"\x16\x03\x01\x02\x00",
    ],
    ids=["nothing", "half a preface", "no settings", "no call", "half of the headers", "half a handshake"],
)
async def test_who_is_too_slow_to_begin_is_hung_up_on(
    backend: ScriptedBackend, house: House, impatient: None, said: bytes, secure: bool
) -> None:
    tls, credentials = (house.tls, house.trusting()) if secure else ({}, None)
    async with (
        running(backend, **tls) as gateway,
        conversing(gateway.port, credentials) as other,
        served(backend, other),
    ):
        connections = [await asyncio.open_connection("localhost", gateway.port) for _ in range(50)]
        for _, writer in connections:
            writer.write(said)
        closed = await asyncio.gather(*(closed_within(reader, WAIT_LIMIT) for reader, _ in connections))
        assert all(closed)
        for _, writer in connections:
            writer.close()


async def test_who_reads_nothing_harms_no_other(backend: ScriptedBackend) -> None:
    async with running(backend) as gateway, conversing(gateway.port) as other, connected(gateway.port) as channel:
        deaf = channel.stream_stream(METHOD)()
        await deaf.write(ConverseRequest(events=[ClientEvent(open=opening())]).SerializeToString())
        await wait_until(lambda: backend.links)
        talkative = backend.links[0]
        await wait_until(lambda: gateway.metrics.registry.get_sample_value("segue_streams_active") == 2.0)
        async with served(backend, other):
            for _ in range(200):
                talkative.speak(1.0)
                await asyncio.sleep(0)
        (driver,) = (driver for driver in gateway.registry._drivers if driver.session.held_bytes)
        # No more is kept than the model may be ahead.
        assert driver.session.held_bytes < 10 * 2**20
        deaf.cancel()
