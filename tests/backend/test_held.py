"""Links whose connection is opened ahead of their setup."""

import asyncio
import ssl
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs
from websockets.asyncio.server import ServerConnection

from segue.backend import gemini_link
from segue.backend.gemini import GeminiBackend
from segue.core.events import HandleReceived, LinkEvent, LinkHeld, LinkLost, LinkOpened, LossCause, TurnCompleted
from segue.core.profiles import TextSlot
from segue.simulator.world.link import ENDING_TIMEOUT
from tests.backend.live_server import PATIENCE, SETUP, LiveServer, Reports, Serving, accept, dialled, say, stay

NEWEST = replace(SETUP, handle="newest", system_instruction="Be brief.")


class Upgraded:
    """A script that tells what it hears, from the upgrade on, and answers the setup."""

    def __init__(self) -> None:
        self.connections: asyncio.Queue[ServerConnection] = asyncio.Queue()
        self.setups: asyncio.Queue[Any] = asyncio.Queue()

    async def __call__(self, ws: ServerConnection) -> None:
        self.connections.put_nowait(ws)
        self.setups.put_nowait(await accept(ws))
        async for _ in ws:
            await say(ws, {"serverContent": {"turnComplete": True}})

    async def connection(self) -> ServerConnection:
        return await asyncio.wait_for(self.connections.get(), PATIENCE)


async def test_a_held_link_says_nothing_until_it_is_set_up(serving: Serving, trusting: ssl.SSLContext) -> None:
    service = Upgraded()
    async with serving(service) as live, dialled(live.key, trusting, hold=True) as (_, link, reports):
        await reports.until(LinkHeld)
        ws = await service.connection()
        # What is sent meanwhile is dropped, and pings are answered, before which a frame would have come.
        link.send_text("too early", TextSlot.REALTIME)
        await asyncio.wait_for(await ws.ping(), PATIENCE)
        assert service.setups.empty()

        link.set_up(NEWEST)
        link.set_up(SETUP)
        await reports.until(LinkOpened)
        setup = service.setups.get_nowait()["setup"]
        assert setup["sessionResumption"] == {"handle": "newest"}
        assert setup["systemInstruction"]["parts"] == [{"text": "Be brief."}]
        assert setup["model"] == "models/gemini-3.8-live"
        link.send_text("now", TextSlot.REALTIME)
        await reports.until(TurnCompleted)
        assert reports.events == [LinkHeld(1), LinkOpened(1), TurnCompleted(1, "")]


@pytest.mark.parametrize("who", ["key", "express_key", "project"])
async def test_a_held_link_is_set_up_with_another_model_as_if_it_was_dialled_with_it(
    serving: Serving, trusting: ssl.SSLContext, who: str
) -> None:
    service = Upgraded()
    other = replace(SETUP, model="gemini-live-2.5-flash")
    async with serving(service) as live:
        paths = []
        for held in (False, True):
            setup = SETUP if held else other
            async with dialled(getattr(live, who), trusting, setup, hold=held) as (_, link, reports):
                link.set_up(other)
                await reports.until(LinkOpened)
                paths.append(service.setups.get_nowait()["setup"]["model"])
    assert paths[0].endswith("models/gemini-live-2.5-flash")
    assert paths[1] == paths[0]


async def test_a_link_may_be_set_up_before_its_connection_stands(serving: Serving, trusting: ssl.SSLContext) -> None:
    service = Upgraded()
    async with serving(service) as live, dialled(live.key, trusting, hold=True) as (_, link, reports):
        link.set_up(NEWEST)
        await reports.until(LinkOpened)
        assert service.setups.get_nowait()["setup"]["sessionResumption"] == {"handle": "newest"}
        assert reports.events == [LinkOpened(1)]


async def test_a_link_may_be_set_up_within_the_report(serving: Serving, trusting: ssl.SSLContext) -> None:
    events: list[LinkEvent] = []
    opened = asyncio.Event()

    def report(event: LinkEvent) -> None:
        events.append(event)
        if isinstance(event, LinkHeld):
            link.set_up(NEWEST)
        else:
            opened.set()

    async with serving(Upgraded()) as live:
        backend = GeminiBackend(live.key, ssl_context=trusting)
        link = backend.dial(1, SETUP, report, hold=True)
        await asyncio.wait_for(opened.wait(), PATIENCE)
        await backend.close()
    assert events == [LinkHeld(1), LinkOpened(1)]


async def test_an_old_link_works_while_the_next_is_held(serving: Serving, trusting: ssl.SSLContext) -> None:
    async with serving(Upgraded()) as live, dialled(live.key, trusting) as (backend, old, first):
        await first.until(LinkOpened)
        second = Reports()
        new = backend.dial(2, SETUP, second, hold=True)
        await second.until(LinkHeld)
        old.send_text("still here", TextSlot.REALTIME)
        await first.until(TurnCompleted)
        old.hang_up()
        new.set_up(NEWEST)
        await second.until(LinkOpened)
        new.send_text("here now", TextSlot.REALTIME)
        await second.until(TurnCompleted)
        assert second.events == [LinkHeld(2), LinkOpened(2), TurnCompleted(2, "")]


class Farewells:
    """A script that gives out a handle, and takes its time to let a client go; it notes what happens in which order."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.may_go = asyncio.Event()

    async def __call__(self, ws: ServerConnection) -> None:
        setup = (await accept(ws))["setup"]
        self.seen.append(setup["sessionResumption"].get("handle", "fresh"))
        await say(ws, {"sessionResumptionUpdate": {"newHandle": "newest", "resumable": True}})
        ws.transport.pause_reading()
        await self.may_go.wait()
        ws.transport.resume_reading()
        await ws.wait_closed()
        self.seen.append("gone")


async def test_a_conversation_is_resumed_when_its_old_connection_is_gone(
    serving: Serving, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segue.backend.gemini_link._ENDING_TIMEOUT", PATIENCE)
    service = Farewells()
    async with serving(service) as live, dialled(live.key, trusting) as (backend, old, first):
        await first.until(HandleReceived)
        second = Reports()
        new = backend.dial(2, SETUP, second, hold=True)
        await second.until(LinkHeld)
        old.hang_up()
        new.set_up(NEWEST)
        service.may_go.set()
        await second.until(LinkOpened)
        assert service.seen == ["fresh", "gone", "newest"]


async def test_a_connection_that_does_not_end_keeps_nobody_waiting_for_long(
    serving: Serving, trusting: ssl.SSLContext
) -> None:
    service = Farewells()
    async with serving(service) as live, dialled(live.key, trusting) as (backend, old, first):
        await first.until(HandleReceived)
        old.hang_up()
        second = Reports()
        backend.dial(2, NEWEST, second)
        await second.until(LinkOpened)
        assert service.seen == ["fresh", "newest"]
        service.may_go.set()


def test_the_wait_for_a_connection_that_ends_is_within_what_a_renewal_may_add() -> None:
    # A round trip for the setup and 50 ms, of which the gateway itself needs some.
    assert gemini_link._ENDING_TIMEOUT <= 0.8 * 0.05
    assert ENDING_TIMEOUT == gemini_link._ENDING_TIMEOUT


async def test_a_conversation_may_be_resumed_while_its_old_connection_stands(
    serving: Serving, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segue.backend.gemini_link._ENDING_TIMEOUT", 2 * PATIENCE)
    service = Farewells()
    async with serving(service) as live, dialled(live.key, trusting) as (backend, _, first):
        await first.until(HandleReceived)
        second = Reports()
        backend.dial(2, NEWEST, second)
        await second.until(LinkOpened)
        assert service.seen == ["fresh", "newest"]
        service.may_go.set()


@pytest.mark.parametrize("close", [True, False])
async def test_a_held_connection_that_ends_is_a_loss(serving: Serving, trusting: ssl.SSLContext, close: bool) -> None:
    service = Upgraded()
    async with serving(service) as live, dialled(live.key, trusting, hold=True) as (_, link, reports):
        await reports.until(LinkHeld)
        ws = await service.connection()
        if close:
            await ws.close(1011, "Deadline expired before operation could complete.")
        else:
            ws.transport.abort()
        loss = await reports.until(LinkLost)
        assert (loss.cause, loss.code) == (LossCause.TRANSIENT, 1011 if close else 1006)
        link.set_up(NEWEST)
        await asyncio.wait_for(link.wait_closed(), PATIENCE)
        assert reports.events == [LinkHeld(1), loss]


async def test_a_close_that_leaves_the_connection_is_found_by_the_setup(
    serving: Serving, trusting: ssl.SSLContext
) -> None:
    service = Upgraded()
    async with serving(service) as live, dialled(live.key, trusting, hold=True) as (_, link, reports):
        await reports.until(LinkHeld)
        ws = await service.connection()
        ws.protocol.send_close(1011, "The service is currently unavailable.")
        ws.send_data()
        # From here on it writes nothing, not even the end of the connection.
        ws.send_data = lambda: None  # type: ignore[method-assign]
        link.set_up(NEWEST)
        assert (await reports.until(LinkLost)).cause is LossCause.UNAVAILABLE


async def test_a_held_link_is_not_timed_and_its_setup_is(serving: Serving, trusting: ssl.SSLContext) -> None:
    async with serving(stay) as live, dialled(live.key, trusting, hold=True, setup_timeout=0.6) as (_, link, reports):
        await reports.until(LinkHeld)
        # Longer than the time-out: that it does not strike cannot be waited for otherwise.
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(link.wait_closed(), 0.8)
        assert reports.events == [LinkHeld(1)]
        link.set_up(NEWEST)
        loss = await reports.until(LinkLost)
        assert (loss.cause, loss.code) == (LossCause.UNAVAILABLE, 1006)
        assert "setup within 0.6 s" in loss.message


async def test_a_connection_that_never_stands_is_timed(trusting: ssl.SSLContext) -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        live = LiveServer(server.sockets[0].getsockname()[1])
        async with dialled(live.key, trusting, hold=True, setup_timeout=0.1) as (_, _, reports):
            loss = await reports.until(LinkLost)
            assert (loss.cause, loss.code) == (LossCause.UNAVAILABLE, 0)
            assert reports.events == [loss]


async def test_nothing_is_left_of_a_held_link_that_is_hung_up(serving: Serving, trusting: ssl.SSLContext) -> None:
    service = Upgraded()
    with capture_logs() as logs:
        async with serving(service) as live, dialled(live.key, trusting, hold=True) as (backend, link, reports):
            await reports.until(LinkHeld)
            ws = await service.connection()
            link.hang_up()
            link.set_up(NEWEST)
            async with asyncio.timeout(PATIENCE):
                await link.wait_closed()
                await ws.wait_closed()
            assert ws.close_code == 1000
            assert service.setups.empty()
            assert reports.events == [LinkHeld(1)]
            assert not backend._links
    assert logs == []


async def test_a_held_link_may_be_hung_up_within_the_report(serving: Serving, trusting: ssl.SSLContext) -> None:
    service = Upgraded()
    events: list[LinkEvent] = []

    def report(event: LinkEvent) -> None:
        events.append(event)
        link.hang_up()

    with capture_logs() as logs:
        async with serving(service) as live:
            backend = GeminiBackend(live.key, ssl_context=trusting)
            link = backend.dial(1, SETUP, report, hold=True)
            await asyncio.wait_for(link.wait_closed(), PATIENCE)
            await backend.close()
    assert events == [LinkHeld(1)]
    assert service.setups.empty()
    assert logs == []


async def test_a_backend_closes_with_links_that_are_held(serving: Serving, trusting: ssl.SSLContext) -> None:
    async with serving(Upgraded()) as live:
        backend = GeminiBackend(live.key, ssl_context=trusting)
        reports = [Reports() for _ in range(3)]
        for number, report in enumerate(reports):
            backend.dial(number, SETUP, report, hold=True)
        for report in reports:
            await report.until(LinkHeld)
        await asyncio.wait_for(backend.close(), PATIENCE)
        assert all(len(report.events) == 1 for report in reports)
