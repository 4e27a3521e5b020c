"""What a link's connection tells, and that it goes when its link does."""

import asyncio
import gc
import ssl
from collections.abc import Iterator
from weakref import ref

import pytest
from google.genai.live import AsyncSession
from websockets.asyncio.server import ServerConnection

from segue.backend.connection import LiveConnection, connection_of
from segue.backend.gemini import _CONNECTION, GeminiBackend
from segue.core.events import LinkEvent, LinkHeld, LinkLost, LinkOpened, TurnCompleted
from tests.backend.live_server import PATIENCE, SETUP, Reports, Script, Serving, accept, dialled, say, stay
from tests.waiting import wait_until


async def be_good(ws: ServerConnection) -> None:
    await accept(ws)
    await stay(ws)


async def refuse(ws: ServerConnection) -> None:
    await ws.recv()
    await ws.close(1011, "Internal error encountered.")


async def say_goodbye(ws: ServerConnection) -> None:
    await accept(ws)
    await ws.close(1011, "Deadline expired before operation could complete.")


async def break_off(ws: ServerConnection) -> None:
    await accept(ws)
    ws.transport.abort()


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[ref[object]]]:
    """Leave no reference cycle to a collection; what is traced are the connections and their TLS."""
    traces: list[ref[object]] = []

    def trace(session: AsyncSession) -> LiveConnection:
        connection = connection_of(session)
        traces.extend((ref(connection), ref(connection.transport.get_extra_info("ssl_object"))))
        return connection

    monkeypatch.setattr("segue.backend.gemini_link.connection_of", trace)
    # So long an abort that no close needs any more keeps a connection.
    monkeypatch.setattr("segue.backend.gemini_link.CLOSE_TIMEOUT", 0.05)
    gc.collect()
    gc.disable()
    yield traces
    gc.enable()


@pytest.mark.parametrize(
    ("script", "hold", "until"),
    [
        (be_good, False, LinkOpened),
        (be_good, True, LinkHeld),
        (stay, False, None),
        (refuse, False, LinkLost),
        (say_goodbye, False, LinkLost),
        (break_off, False, LinkLost),
    ],
)
async def test_nothing_of_a_link_waits_for_a_collection(
    serving: Serving,
    trusting: ssl.SSLContext,
    traces: list[ref[object]],
    script: Script,
    hold: bool,
    until: type[LinkEvent] | None,
) -> None:
    async with serving(script) as live:
        backend = GeminiBackend(live.key, ssl_context=trusting)
        reports = Reports()
        link = backend.dial(1, SETUP, reports, hold=hold)
        traces.append(ref(link))
        if until is not None:
            await reports.until(until)
        else:
            await wait_until(lambda: len(traces) == 3)
        link.hang_up()
        await asyncio.wait_for(link.wait_closed(), PATIENCE)
        del link
        await wait_until(lambda: [trace() for trace in traces] == [None] * 3)
        await backend.close()


async def test_every_pong_tells_the_round_trip_time(
    serving: Serving, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_CONNECTION, "ping_interval", 0.01)
    measured: list[float] = []

    async def script(ws: ServerConnection) -> None:
        await accept(ws)
        # A pong that nobody asked for says nothing of the time.
        await ws.pong(b"unasked")
        await say(ws, {"serverContent": {"turnComplete": True}})
        await stay(ws)

    async with serving(script) as live, dialled(live.key, trusting) as (backend, _, _):
        backend.rtt_measured = measured.append
        reports = Reports()
        backend.dial(2, SETUP, reports)
        await reports.until(TurnCompleted)
        await wait_until(lambda: len(measured) >= 3)
        assert all(0.0 < seconds < PATIENCE for seconds in measured)
