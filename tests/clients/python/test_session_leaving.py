"""Leaving a session, in good order or not, and cancelling what waits in it."""

import asyncio

import pytest

import segue_client
from tests.clients.python.scripted_server import OPENED, Stream, answer_once, listen, serving

pytestmark = [pytest.mark.timeout(20), pytest.mark.usefixtures("no_task_left")]


async def fail(target: str) -> None:
    async with segue_client.connect(target) as session:
        await anext(session)
        raise RuntimeError("the body's own")


async def test_close_ends_the_session_in_the_middle() -> None:
    async with serving(listen) as server, segue_client.connect(server.target) as session:
        await session.close()
        await session.close()
        assert [type(event).__name__ async for event in session] == ["Opened"]
        with pytest.raises(segue_client.InputClosedError, match="takes no more input"):
            await session.send_text("Wait!")
    assert [event.WhichOneof("input") for event in server.streams[0].heard] == ["open", "close"]


async def test_leaving_early_closes_the_session() -> None:
    async with serving(answer_once) as server:
        async with segue_client.connect(server.target) as session:
            await session.send_text("Hello!")
            async for event in session:
                if isinstance(event, segue_client.Audio):
                    break
        assert session.closed is not None
        assert server.streams[0].heard[-1].WhichOneof("input") == "close"


async def test_leaving_does_not_wait_for_a_server_that_does_not_play_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segue_client.connection._FAREWELL_TIMEOUT", 0.02)
    cancelled = asyncio.Event()

    async def stall(stream: Stream) -> None:
        await stream.say(OPENED)
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with serving(stall) as server:
        async with segue_client.connect(server.target) as session:
            await anext(session)
        await cancelled.wait()
    assert session.closed is None


async def test_an_exception_in_the_body_cancels_the_stream() -> None:
    cancelled = asyncio.Event()

    async def script(stream: Stream) -> None:
        await stream.say(OPENED)
        try:
            await stream.hear_out()
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with serving(script) as server:
        with pytest.raises(RuntimeError, match="the body's own"):
            await fail(server.target)
        await cancelled.wait()
    assert "close" not in [event.WhichOneof("input") for event in server.streams[0].heard]


async def test_a_time_out_while_waiting_does_not_harm_the_session() -> None:
    async with serving(answer_once) as server, segue_client.connect(server.target) as session:
        await anext(session)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await anext(session)
        await session.send_text("Hello!")
        assert isinstance(await anext(session), segue_client.Audio)


async def test_a_cancelled_send_does_not_harm_the_session() -> None:
    async with serving(answer_once) as server, segue_client.connect(server.target) as session:
        sending = asyncio.create_task(session.send_text("Hello!"))
        await asyncio.sleep(0)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        assert sending.cancelled()
        await session.finish()
        assert [type(event).__name__ async for event in session] == ["Opened", "Audio", "Audio", "TurnEnded"]


async def test_a_cancelled_body_leaves_at_once() -> None:
    async with serving(listen) as server:
        inside = asyncio.Event()

        async def converse() -> None:
            async with segue_client.connect(server.target) as session:
                async for _ in session:
                    inside.set()

        conversation = asyncio.create_task(converse())
        await inside.wait()
        conversation.cancel()
        with pytest.raises(asyncio.CancelledError):
            await conversation


async def test_a_listener_that_outlives_the_context_ends_with_the_session() -> None:
    async with serving(answer_once) as server:
        async with segue_client.connect(server.target) as session:
            listener = asyncio.create_task(_collect(session))
            await session.send_text("Hello!")
            await asyncio.sleep(0)
        assert isinstance((await listener)[0], segue_client.Opened)


async def _collect(session: segue_client.Session) -> list[segue_client.Event]:
    return [event async for event in session]
