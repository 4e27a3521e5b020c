"""The proxy over real sockets: what it passes on both ways, how connections end, and that nothing is left of it."""

import asyncio
import io
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request, Response

from segue.record.proxy import ProxyError, RecordingProxy
from segue.record.recording import Recorder
from segue.record.redaction import Redaction
from segue.simulator.server import Simulator
from segue.simulator.speech import SpeechLikeVoice
from tests.record.recorded import DIALOGUE
from tests.waiting import wait_until

PATH = "//ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"

pytestmark = pytest.mark.usefixtures("no_task_left", "no_environment_proxy")

Converse = Callable[[ServerConnection], Awaitable[None]]


@pytest.fixture
def no_environment_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


class Recorded:
    """What a proxy wrote so far."""

    def __init__(self) -> None:
        self.output = io.StringIO()

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        events = [json.loads(line) for line in self.output.getvalue().splitlines()]
        return [event for event in events if event["ev"] in kinds]

    def closed(self) -> tuple[str, int, str]:
        [event] = self.events("closed")
        return event["by"], event["code"], event["reason"]


@asynccontextmanager
async def service(converse: Converse, **settings: Any) -> AsyncIterator[str]:
    """A server that is no Live API; its URL."""
    async with serve(converse, "127.0.0.1", 0, compression=None, ping_interval=None, **settings) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def proxying(upstream: str, recorded: Recorded, **settings: Any) -> AsyncIterator[RecordingProxy]:
    recorder = Recorder(recorded.output, Redaction(), time.monotonic)
    async with RecordingProxy(upstream, recorder, plain=True, **settings) as proxy:
        yield proxy


def dial(proxy: RecordingProxy, path: str = PATH, **settings: Any) -> connect:
    return connect(proxy.url.replace("http", "ws", 1) + path, proxy=None, **settings)


async def echo(connection: ServerConnection) -> None:
    async for frame in connection:
        await connection.send(frame)


async def wait_for_close(connection: ClientConnection | ServerConnection) -> ConnectionClosed:
    with pytest.raises(ConnectionClosed) as closed:
        await asyncio.wait_for(connection.recv(), 10)
    return closed.value


async def test_frames_pass_unchanged_and_keep_their_opcode() -> None:
    recorded = Recorded()
    frames: list[str | bytes] = [
        '{"setup": {"model": "m"}}',
        b'{\n  "setupComplete": {}\n}\n',
        "é",
        b"\xff\x00",
        "",
        b"",
    ]
    async with service(echo) as url, proxying(url, recorded) as proxy, dial(proxy) as client:
        for frame in frames:
            await client.send(frame)
            assert await asyncio.wait_for(client.recv(), 10) == frame
    opcodes = ["text", "binary"] * 3
    assert [event["opcode"] for event in recorded.events("client_frame")] == opcodes
    assert [event["opcode"] for event in recorded.events("server_frame")] == opcodes
    assert recorded.events("server_frame")[1]["json"] == {"setupComplete": {}}
    assert recorded.closed() == ("client", 1000, "")


async def test_path_query_and_headers_pass_unchanged_and_are_recorded_without_secrets() -> None:
    recorded = Recorded()
    requests: list[Request] = []

    def note(_: ServerConnection, request: Request) -> None:
        requests.append(request)

    target = f"{PATH}?key=my-secret-key&access_token=auth_tokens%2Fmine"
    headers = {"x-goog-api-key": "my-other-key", "Authorization": "Token auth_tokens/mine", "x-goog-user-project": "p"}
    async with service(echo, process_request=note) as url, proxying(url, recorded) as proxy:
        await (await dial(proxy, target, additional_headers=headers, user_agent_header="sdk/1")).close()
    [request] = requests
    assert request.path == target
    assert {name: request.headers[name] for name in headers} == headers
    assert request.headers.get_all("User-Agent") == ["sdk/1"]
    assert "Sec-WebSocket-Extensions" not in request.headers
    [handshake] = recorded.events("handshake")
    assert handshake["path"] == f"{PATH}?key=key-1&access_token=token-1"
    shown = {name.lower(): value for name, value in handshake["headers"]}
    assert (shown["x-goog-api-key"], shown["authorization"]) == ("key-2", "Token token-1")
    assert shown["user-agent"] == "sdk/1"
    for secret in ("my-secret-key", "my-other-key", "auth_tokens/"):
        assert secret not in recorded.output.getvalue()


async def test_compression_is_off_on_both_sides() -> None:
    async with service(echo) as url, proxying(url, Recorded()) as proxy, dial(proxy) as client:
        assert not client.protocol.extensions


@pytest.mark.parametrize(
    ("code", "reason"),
    [(1000, ""), (1001, "bye"), (1007, "API key not valid."), (1008, "x" * 123), (1011, ""), (4321, "é")],
)
async def test_close_of_the_service_is_passed_on(code: int, reason: str) -> None:
    recorded = Recorded()

    async def close(connection: ServerConnection) -> None:
        await connection.send("last words")
        await connection.close(code, reason)

    async with service(close) as url, proxying(url, recorded) as proxy, dial(proxy) as client:
        assert await client.recv() == "last words"
        closed = await wait_for_close(client)
        assert closed.rcvd
        assert (closed.rcvd.code, closed.rcvd.reason) == (code, reason)
    assert recorded.closed() == ("server", code, reason)


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "bye"), (3000, "enough")])
async def test_close_of_the_client_is_passed_on_after_its_last_words(code: int, reason: str) -> None:
    recorded, heard = Recorded(), asyncio.get_running_loop().create_future()

    async def listen(connection: ServerConnection) -> None:
        frames = [await connection.recv()]
        closed = await wait_for_close(connection)
        heard.set_result((frames, closed.rcvd and (closed.rcvd.code, closed.rcvd.reason)))

    async with service(listen) as url, proxying(url, recorded) as proxy, dial(proxy) as client:
        await client.send("last words")
        await client.close(code, reason)
        assert await asyncio.wait_for(heard, 10) == (["last words"], (code, reason))
    assert recorded.closed() == ("client", code, reason)


async def test_close_without_a_code_is_passed_on_without_one() -> None:
    recorded, heard = Recorded(), asyncio.get_running_loop().create_future()

    async def listen(connection: ServerConnection) -> None:
        closed = await wait_for_close(connection)
        heard.set_result(closed.rcvd and closed.rcvd.code)

    async with service(listen) as url, proxying(url, recorded) as proxy, dial(proxy) as client:
        async with client.send_context():
            client.protocol.send_close()
        assert await asyncio.wait_for(heard, 10) == 1005
    assert recorded.closed() == ("client", 1005, "")


async def test_connection_that_the_service_broke_off_is_broken_off() -> None:
    recorded = Recorded()

    async def abort(connection: ServerConnection) -> None:
        connection.transport.abort()

    async with service(abort) as url, proxying(url, recorded) as proxy, dial(proxy) as client:
        closed = await wait_for_close(client)
        assert closed.rcvd is None
    assert recorded.closed() == ("server", 1006, "")


async def test_connection_that_the_client_broke_off_is_broken_off() -> None:
    recorded, heard = Recorded(), asyncio.get_running_loop().create_future()

    async def listen(connection: ServerConnection) -> None:
        heard.set_result((await wait_for_close(connection)).rcvd)

    async with service(listen) as url, proxying(url, recorded) as proxy, dial(proxy) as client:
        client.transport.abort()
        assert await asyncio.wait_for(heard, 10) is None
    assert recorded.closed() == ("client", 1006, "")


async def test_rejection_of_the_service_is_the_answer() -> None:
    recorded = Recorded()

    def refuse(_: ServerConnection, request: Request) -> Response:
        key = request.headers["x-goog-api-key"]
        return Response(403, "Forbidden", Headers({"Retry-After": "7"}), f"bad key {key}".encode())

    async with service(echo, process_request=refuse) as url, proxying(url, recorded) as proxy:
        with pytest.raises(InvalidStatus) as refusal:
            await dial(proxy, additional_headers={"x-goog-api-key": "my-secret-key"})
    response = refusal.value.response
    assert (response.status_code, response.reason_phrase, response.body) == (403, "Forbidden", b"bad key my-secret-key")
    assert response.headers["Retry-After"] == "7"
    [rejected] = recorded.events("rejected")
    assert (rejected["by"], rejected["status"], rejected["body"]) == ("server", 403, "bad key key-1")


async def test_redirect_is_not_followed_with_the_key() -> None:
    recorded, elsewhere = Recorded(), []

    async def note(connection: ServerConnection) -> None:
        elsewhere.append(connection)

    async with service(note) as other:

        def redirect(_: ServerConnection, __: Request) -> Response:
            return Response(302, "Found", Headers({"Location": other}), b"")

        async with service(echo, process_request=redirect) as url, proxying(url, recorded) as proxy:
            with pytest.raises((InvalidStatus, ConnectionClosed)):
                async with dial(proxy) as client:
                    await client.recv()
    assert recorded.events("rejected")[0]["status"] == 302


async def test_service_that_is_not_there_is_a_bad_gateway() -> None:
    recorded = Recorded()
    async with service(echo) as url:
        pass
    async with proxying(url, recorded) as proxy:
        with pytest.raises(InvalidStatus, match="502"):
            await dial(proxy)
    assert recorded.events("rejected")[0]["by"] == "proxy"


async def test_request_that_is_no_upgrade_never_reaches_the_service() -> None:
    recorded = Recorded()
    async with service(echo) as url, proxying(url, recorded) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"GET /ws HTTP/1.1\r\nHost: here\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 426 ")
        writer.close()
        await writer.wait_closed()
    assert not recorded.output.getvalue()


async def test_request_cannot_choose_another_host() -> None:
    async with service(echo) as url, proxying(url, Recorded()) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(
            b"GET @elsewhere/ws HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")
        writer.close()
        await writer.wait_closed()


async def test_back_pressure_of_the_service_reaches_the_client() -> None:
    recorded, reading = Recorded(), asyncio.Event()
    count, size = 400, 256 * 1024

    async def read_late(connection: ServerConnection) -> None:
        await reading.wait()
        for _ in range(count):
            assert len(await connection.recv()) == size
        await connection.send("enough")

    async with service(read_late) as url, proxying(url, recorded) as proxy, dial(proxy, compression=None) as client:

        async def send_all() -> None:
            for _ in range(count):
                await client.send(bytes(size))

        sending = asyncio.create_task(send_all())
        await wait_until(lambda: client.transport.get_write_buffer_size() > 0)
        assert not sending.done()
        assert len(recorded.events("client_frame")) < count
        reading.set()
        assert await asyncio.wait_for(client.recv(), 60) == "enough"
        await sending


async def test_client_that_leaves_a_stalled_service_frees_both_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segue.record.proxy._LAST_FRAMES_TIMEOUT", 0.05)
    recorded, done = Recorded(), asyncio.Event()

    async def never_read(connection: ServerConnection) -> None:
        await done.wait()
        connection.transport.abort()

    async with service(never_read, max_queue=1) as url, proxying(url, recorded) as proxy:
        client = await dial(proxy, compression=None)
        sending = asyncio.create_task(_send_until_closed(client))
        await wait_until(lambda: client.transport.get_write_buffer_size() > 0)
        client.transport.abort()
        await sending
        await wait_until(lambda: recorded.events("closed"))
        done.set()
    assert recorded.closed() == ("client", 1006, "")


async def _send_until_closed(client: ClientConnection) -> None:
    with suppress(ConnectionClosed):
        while True:
            await client.send(bytes(256 * 1024))


async def test_end_of_the_proxy_closes_both_sides() -> None:
    recorded, heard = Recorded(), asyncio.get_running_loop().create_future()

    async def listen(connection: ServerConnection) -> None:
        heard.set_result((await wait_for_close(connection)).rcvd)

    async with service(listen) as url:
        async with proxying(url, recorded) as proxy:
            client = await dial(proxy)
        closed = await wait_for_close(client)
        assert closed.rcvd
        assert closed.rcvd.code == 1001
        assert (await asyncio.wait_for(heard, 10)).code == 1001
    assert recorded.closed() == ("proxy", 1001, "")


async def test_connections_are_told_apart() -> None:
    recorded = Recorded()
    async with service(echo) as url, proxying(url, recorded) as proxy, dial(proxy) as first, dial(proxy) as second:
        await second.send("2")
        await second.recv()
        await first.send("11")
        await first.recv()
    frames = recorded.events("client_frame")
    assert [(event["connection"], event["json"]) for event in frames] == [(2, 2), (1, 11)]


async def test_tls_on_both_sides_with_a_certificate_of_its_own() -> None:
    recorder = Recorder(io.StringIO(), Redaction(), time.monotonic)
    async with Simulator(dialogue=DIALOGUE, voice=SpeechLikeVoice()) as simulator:
        trusted = simulator.client_ssl_context()
        async with RecordingProxy(simulator.url, recorder, upstream_ssl=trusted) as proxy:
            for host in ("127.0.0.1", "localhost"):
                url = f"wss://{host}:{proxy.port}{PATH}?key=k"
                async with connect(url, ssl=proxy.client_ssl_context(), proxy=None) as client:
                    await client.send('{"setup": {"model": "models/gemini-live-2.5-flash-preview"}}')
                    assert json.loads(await client.recv()) == {"setupComplete": {}}
            with pytest.raises(ssl.SSLCertVerificationError):
                await connect(proxy.url.replace("https", "wss"), ssl=ssl.create_default_context(), proxy=None)


@pytest.mark.parametrize("upstream", ["", "generativelanguage.googleapis.com", "ftp://here", "wss://"])
def test_upstream_must_be_a_url(upstream: str) -> None:
    with pytest.raises(ProxyError, match="upstream"):
        RecordingProxy(upstream, Recorder(io.StringIO(), Redaction(), time.monotonic))


async def test_port_that_is_taken_is_said() -> None:
    async with service(echo) as url:
        with pytest.raises(ProxyError, match="cannot listen"):
            async with proxying(url, Recorded(), port=int(url.rpartition(":")[2])):
                pass
