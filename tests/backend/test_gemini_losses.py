import asyncio
import ssl
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import pytest
import trustme
from structlog.testing import capture_logs
from websockets.asyncio.server import ServerConnection

from segue.backend.salvage import Oddity
from segue.core.events import LinkEvent, LinkLost, LinkOpened, LossCause, TurnCompleted
from segue.core.profiles import TextSlot
from tests.backend.live_server import PATIENCE, SETUP, LiveServer, Serving, accept, dialled, say, stay


@pytest.mark.parametrize(
    ("code", "reason", "cause"),
    [
        (1000, "", LossCause.TRANSIENT),
        (1001, "", LossCause.TRANSIENT),
        (1007, "Request contains an invalid argument.", LossCause.INVALID),
        (1008, "The operation was aborted.", LossCause.TRANSIENT),
        (1011, "The service is currently unavailable.", LossCause.UNAVAILABLE),
        (1011, "You exceeded your current quota", LossCause.QUOTA),
        (1012, "service restart", LossCause.TRANSIENT),
        (1013, "try again later", LossCause.UNAVAILABLE),
        (1014, "bad gateway", LossCause.TRANSIENT),
        (4000, "app", LossCause.TRANSIENT),
    ],
)
async def test_every_close_has_a_cause(
    serving: Serving, trusting: ssl.SSLContext, code: int, reason: str, cause: LossCause
) -> None:
    async def script(ws: ServerConnection) -> None:
        await accept(ws)
        await ws.close(code, reason)

    async with serving(script) as live, dialled(live.key, trusting) as (_, link, reports):
        loss = await reports.until(LinkLost)
        assert loss.cause is cause
        assert loss.code == code
        assert f"{code}" in loss.message
        link.send_audio(b"\x00\x00", 16_000)
        link.send_text("too late", TextSlot.CONTENT)
        await link.wait_closed()
        assert reports.events == [LinkOpened(1), loss]


@pytest.mark.parametrize(
    ("code", "reason", "cause"),
    [
        (1007, "API key not valid. Please pass a valid API key.", LossCause.CREDENTIALS),
        (1007, "Request contains an invalid argument.", LossCause.REJECTED),
        (1008, "models/x is not found for API version v1beta", LossCause.MODEL),
        (1011, "Internal error encountered.", LossCause.TRANSIENT),
        (1000, "", LossCause.TRANSIENT),
    ],
)
async def test_a_close_in_place_of_the_setup_has_one_too(
    serving: Serving, trusting: ssl.SSLContext, code: int, reason: str, cause: LossCause
) -> None:
    async def script(ws: ServerConnection) -> None:
        await ws.recv()
        await ws.close(code, reason)

    async with serving(script) as live, dialled(live.key, trusting) as (_, _, reports):
        loss = await reports.until(LinkLost)
        assert (loss.cause, loss.code) == (cause, code)
        assert reports.events == [loss]


@pytest.mark.parametrize(
    ("code", "reason", "cause"),
    [
        (1007, "Request contains an invalid argument.", LossCause.INVALID),
        (1008, "Requested entity was not found.", LossCause.HANDLE),
        (1008, "BidiGenerateContent session not found", LossCause.HANDLE),
    ],
)
async def test_a_refusal_of_a_handle_is_not_one_of_the_setup(
    serving: Serving, trusting: ssl.SSLContext, code: int, reason: str, cause: LossCause
) -> None:
    async def script(ws: ServerConnection) -> None:
        await ws.recv()
        await ws.close(code, reason)

    async with serving(script) as live, dialled(live.key, trusting, replace(SETUP, handle="h")) as (_, _, reports):
        loss = await reports.until(LinkLost)
        assert (loss.cause, loss.code) == (cause, code)


@pytest.mark.parametrize("opened", [False, True])
async def test_a_broken_connection_is_transient(serving: Serving, trusting: ssl.SSLContext, opened: bool) -> None:
    async def script(ws: ServerConnection) -> None:
        if opened:
            await accept(ws)
        else:
            await ws.recv()
        ws.transport.abort()

    async with serving(script) as live, dialled(live.key, trusting) as (_, _, reports):
        loss = await reports.until(LinkLost)
        assert (loss.cause, loss.code) == (LossCause.TRANSIENT, 1006)


FIRST_WORDS = (
    '{"serverContent":{}}',
    '{"sessionResumptionUpdate":{}}',
    '{"setupComplete":null}',
    "{}",
    "hello",
    b"\xff",
    b"",
    '{"error":{"code":400,"message":"bad"}}',
)


async def test_the_setup_may_be_accepted_after_other_words(serving: Serving, trusting: ssl.SSLContext) -> None:
    async def script(ws: ServerConnection) -> None:
        await ws.recv()
        for words in FIRST_WORDS:
            await ws.send(words)
        await say(ws, {"setupComplete": {}}, {"serverContent": {"turnComplete": True}})
        await stay(ws)

    async with serving(script) as live, dialled(live.key, trusting) as (backend, _, reports):
        await reports.until(TurnCompleted)
        assert reports.events == [LinkOpened(1), TurnCompleted(1, "")]
        assert backend.odd_messages == {Oddity.EARLY: len(FIRST_WORDS)}


@pytest.mark.parametrize("first", FIRST_WORDS)
async def test_other_words_alone_fail_the_setup(serving: Serving, trusting: ssl.SSLContext, first: str | bytes) -> None:
    async def script(ws: ServerConnection) -> None:
        await ws.recv()
        await ws.send(first)
        await stay(ws)

    async with serving(script) as live, dialled(live.key, trusting, setup_timeout=0.1) as (_, _, reports):
        loss = await reports.until(LinkLost)
        assert (loss.cause, loss.code) == (LossCause.UNAVAILABLE, 1006)
        assert reports.events == [loss]


async def test_a_silent_service_fails_the_setup(serving: Serving, trusting: ssl.SSLContext) -> None:
    async with serving(stay) as live, dialled(live.key, trusting, setup_timeout=0.1) as (_, _, reports):
        loss = await reports.until(LinkLost)
        assert (loss.cause, loss.code) == (LossCause.UNAVAILABLE, 1006)
        assert "0.1 s" in loss.message


async def test_a_peer_without_tls_or_words_fails_the_setup(trusting: ssl.SSLContext) -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        live = LiveServer(server.sockets[0].getsockname()[1])
        async with dialled(live.key, trusting, setup_timeout=0.1) as (_, _, reports):
            assert (await reports.until(LinkLost)).cause is LossCause.UNAVAILABLE


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (HTTPStatus.UNAUTHORIZED, LossCause.CREDENTIALS),
        (HTTPStatus.NOT_FOUND, LossCause.REJECTED),
        (HTTPStatus.TOO_MANY_REQUESTS, LossCause.QUOTA),
        (HTTPStatus.SERVICE_UNAVAILABLE, LossCause.UNAVAILABLE),
    ],
)
async def test_a_rejected_upgrade_has_a_cause(
    serving: Serving, trusting: ssl.SSLContext, status: HTTPStatus, cause: LossCause
) -> None:
    async with serving(stay, status) as live, dialled(live.key, trusting) as (_, _, reports):
        assert (await reports.until(LinkLost)).cause is cause


async def test_a_closed_port_is_unavailable(trusting: ssl.SSLContext) -> None:
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as server:
        live = LiveServer(server.sockets[0].getsockname()[1])
    async with dialled(live.key, trusting) as (_, _, reports):
        loss = await reports.until(LinkLost)
        assert (loss.cause, loss.code) == (LossCause.UNAVAILABLE, 0)
        assert live.url in loss.message


async def test_a_certificate_that_is_not_trusted_is_told(serving: Serving) -> None:
    async with serving(stay) as live, dialled(live.key, ssl.create_default_context()) as (_, _, reports):
        loss = await reports.until(LinkLost)
        assert loss.cause is LossCause.UNAVAILABLE
        assert "SSL_CERT_FILE" in loss.message


async def test_the_certificates_of_the_environment_are_trusted(
    serving: Serving, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))

    async def script(ws: ServerConnection) -> None:
        await accept(ws)
        await stay(ws)

    async with serving(script) as live, dialled(live.key, None) as (_, _, reports):
        await reports.until(LinkOpened)


async def test_a_wrong_model_name_is_told(trusting: ssl.SSLContext) -> None:
    live = LiveServer(1)
    async with dialled(live.key, trusting, replace(SETUP, model="a?b")) as (_, _, reports):
        assert (await reports.until(LinkLost)).cause is LossCause.MODEL


async def test_a_message_beyond_all_measure_is_a_loss(serving: Serving, trusting: ssl.SSLContext) -> None:
    async def script(ws: ServerConnection) -> None:
        await accept(ws)
        await ws.send(bytes(16 * 2**20 + 1))
        await stay(ws)

    async with serving(script) as live, dialled(live.key, trusting) as (_, _, reports):
        loss = await reports.until(LinkLost)
        assert loss.cause is LossCause.TRANSIENT
        assert "exceeds limit" in loss.message


async def test_a_service_that_stops_reading_is_given_up(serving: Serving, trusting: ssl.SSLContext) -> None:
    async def script(ws: ServerConnection) -> None:
        await accept(ws)
        ws.transport.pause_reading()
        await stay(ws)

    async with (
        serving(script) as live,
        dialled(live.key, trusting, max_unsent_bytes=100_000) as (_, link, reports),
    ):
        await reports.until(LinkOpened)
        sent = 0
        while not any(isinstance(event, LinkLost) for event in reports.events):
            link.send_audio(bytes(16_000), 16_000)
            sent += 16_000
            assert sent < 100_000_000
            await asyncio.sleep(0)
        loss = reports.events[-1]
        assert isinstance(loss, LinkLost)
        assert (loss.cause, loss.code) == (LossCause.STALLED, 1006)
        assert "100000 bytes" in loss.message


async def test_a_close_is_noticed_though_the_connection_stays(serving: Serving, trusting: ssl.SSLContext) -> None:
    async def script(ws: ServerConnection) -> None:
        await accept(ws)
        ws.protocol.send_close(1011, "The service is currently unavailable.")
        ws.send_data()
        # From here on it writes nothing, not even the end of the connection.
        ws.send_data = lambda: None  # type: ignore[method-assign]
        await stay(ws)

    async with serving(script) as live, dialled(live.key, trusting) as (_, link, reports):
        await reports.until(LinkOpened)
        async with asyncio.timeout(PATIENCE):
            while not any(isinstance(event, LinkLost) for event in reports.events):
                link.send_audio(bytes(640), 16_000)
                await asyncio.sleep(0.01)
        assert (await reports.until(LinkLost)).cause is LossCause.UNAVAILABLE


async def test_a_fault_of_the_listener_is_told_and_logged(serving: Serving, trusting: ssl.SSLContext) -> None:
    async def script(ws: ServerConnection) -> None:
        await accept(ws)
        await stay(ws)

    lost = asyncio.get_running_loop().create_future()

    def report(event: LinkEvent) -> None:
        if isinstance(event, LinkLost):
            lost.set_result(event)
        else:
            raise KeyError("made-up-key")

    async with serving(script) as live, dialled(live.key, trusting) as (backend, _, _):
        with capture_logs() as logs:
            backend.dial(2, SETUP, report)
            loss = await asyncio.wait_for(lost, PATIENCE)
        assert loss.cause is LossCause.INTERNAL
        assert [entry["event"] for entry in logs] == ["link_failed"]
        assert "made-up-key" not in str(logs)
