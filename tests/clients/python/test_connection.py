"""Many sessions on one stream: what becomes of one does no harm to another."""

import asyncio
from contextlib import suppress

import pytest

import segue_client
from segue_client.segue.v1.server_event_pb2 import GoAway, ServerEvent
from segue_client.segue.v1.voice_session_service_pb2 import ConverseResponse
from tests.clients.python.scripted_server import (
    COMPLETED,
    OPENED,
    RESUMABLE,
    Stream,
    host,
    listen,
    one_after_the_other,
    resumed,
    serving,
)
from tests.waiting import wait_until

pytestmark = [pytest.mark.timeout(20), pytest.mark.usefixtures("no_task_left")]


def audio(text: str) -> segue_client.Audio:
    return segue_client.Audio(1, text.encode())


async def test_sessions_share_a_stream_each_on_its_channel() -> None:
    async with serving(host) as server, segue_client.Connection(server.target) as connection:
        async with connection.open(voice="Kore") as one, connection.open(voice="Puck") as other:
            await one.send_text("to one")
            await other.send_text("to other")
            assert [await anext(one), await anext(one)] == [one.opened, audio("to one")]
            assert [await anext(other), await anext(other)] == [other.opened, audio("to other")]
            await one.finish()
            assert [event async for event in one] == []
            await other.send_text("still there")
            assert await anext(other) == audio("still there")
        assert one.closed == other.closed
        # The next stream begins with the next session.
        async with connection.open() as third:
            await anext(third)
    assert [stream.half_closed for stream in server.streams] == [True, True]
    heard = [(event.channel, event.seq, event.WhichOneof("input")) for event in server.streams[0].heard]
    assert [event for event in heard if event[0] == 0] == [(0, 1, "open"), (0, 2, "text"), (0, 3, "close")]
    assert [event for event in heard if event[0] == 1] == [
        *((1, 1, "open"), (1, 2, "text"), (1, 3, "text"), (1, 4, "close")),
    ]
    assert [event.open.voice for event in server.streams[0].heard if event.HasField("open")] == ["Kore", "Puck"]
    assert len(server.peers) == 1


async def test_a_session_that_nobody_reads_harms_no_other() -> None:
    async def flood(stream: Stream) -> None:
        await stream.hear_until("open")
        await stream.say(OPENED)
        # More than the flow control of a stream lets through unread.
        for seq in range(1, 301):
            await stream.say(ServerEvent(seq=seq, turn=1, audio=bytes(64_000)))
        await host(stream)

    async with (
        serving(flood) as server,
        segue_client.Connection(server.target) as connection,
        connection.open() as unread,
        connection.open() as other,
    ):
        await other.send_text("hello")
        assert [await anext(other), await anext(other)] == [other.opened, audio("hello")]
        assert unread.last_seq == 300
        await unread.finish()
        assert len([event async for event in unread]) == 301


@pytest.mark.usefixtures("short_pauses")
async def test_sessions_are_resumed_together() -> None:
    async def break_off(stream: Stream) -> None:
        for channel in range(2):
            await stream.hear_until("open")
            await stream.say(_opened(f"token {channel}"), channel=channel)
        await stream.hear_until("open")
        await stream.say(_opened("token 2"), COMPLETED, channel=2)
        await stream.hear_until("text")
        await stream.break_off()

    async def resume(stream: Stream) -> None:
        for channel in range(2):
            await stream.hear_until("resume")
            await stream.say(resumed(1), channel=channel)
        await host(stream)

    async with (
        serving(one_after_the_other(break_off, resume)) as server,
        segue_client.Connection(server.target) as connection,
        connection.open() as one,
        connection.open() as other,
        connection.open() as over,
    ):
        assert len([event async for event in over]) == 1
        await anext(one)
        await other.send_text("hello")
        assert isinstance(await anext(one), segue_client.Resumed)
        assert [type(await anext(other)).__name__ for _ in range(3)] == ["Opened", "Resumed", "Audio"]
    heard = [(event.channel, event.resume.resume_token) for event in server.streams[1].heard]
    assert heard[:2] == [(0, "token 0"), (1, "token 1")]
    assert {channel for channel, _ in heard} == {0, 1}


def _opened(token: str) -> ServerEvent:
    event = ServerEvent()
    event.CopyFrom(OPENED)
    event.opened.resume_token = token
    return event


async def test_a_session_that_comes_while_the_connection_is_away_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("segue_client.pauses.FIRST", 0.05)

    async def break_off(stream: Stream) -> None:
        await stream.hear_until("open")
        await stream.say(_opened("token"))
        await stream.break_off()

    async def resume(stream: Stream) -> None:
        await stream.hear_until("resume")
        await stream.hear_until("open")
        await stream.say(resumed(1), channel=0)
        await stream.say(OPENED, channel=1)
        await host(stream)

    async with (
        serving(one_after_the_other(break_off, resume)) as server,
        segue_client.Connection(server.target) as connection,
        connection.open() as one,
    ):
        await anext(one)
        await wait_until(lambda: not one._attachment.reachable)
        async with connection.open() as other:
            await other.send_text("hello")
            assert [await anext(other), await anext(other)] == [other.opened, audio("hello")]
        assert isinstance(await anext(one), segue_client.Resumed)
    assert len(server.streams) == 2


async def test_a_session_that_comes_behind_the_half_close_gets_the_next_stream() -> None:
    half_closed, go_on = asyncio.Event(), asyncio.Event()

    async def linger(stream: Stream) -> None:
        await host(stream)
        half_closed.set()
        await go_on.wait()

    async def converse(connection: segue_client.Connection) -> None:
        async with connection.open() as session:
            await anext(session)

    async with (
        serving(one_after_the_other(linger, host)) as server,
        segue_client.Connection(server.target) as connection,
    ):
        leaving = asyncio.create_task(converse(connection))
        await half_closed.wait()
        coming = asyncio.create_task(converse(connection))
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(leaving, coming)
    assert [[event.WhichOneof("input") for event in stream.heard] for stream in server.streams] == [
        ["open", "close"]
    ] * 2


async def test_a_loop_that_ends_does_not_wait_for_its_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segue_client.connection._FAREWELL_TIMEOUT", 60.0)
    began = asyncio.Event()

    async def converse(target: str) -> None:
        async with segue_client.connect(target) as session:
            await anext(session)
            began.set()
            await anext(session)

    async def open_only(stream: Stream) -> None:
        await stream.say(RESUMABLE)
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    async with serving(open_only) as server:
        conversation = asyncio.create_task(converse(server.target))
        await began.wait()
        # As `asyncio.run` does with every task, in any order.
        for task in asyncio.all_tasks():
            if task is conversation or "Carrier._run" in repr(task):
                task.cancel()
        await asyncio.gather(conversation, return_exceptions=True)
        assert conversation.cancelled()


async def test_an_exception_in_one_session_closes_that_one() -> None:
    async def fail(connection: segue_client.Connection) -> None:
        async with connection.open(resume_window=0):
            raise RuntimeError("the body's own")

    async with (
        serving(host) as server,
        segue_client.Connection(server.target) as connection,
        connection.open(resume_window=0) as other,
    ):
        await anext(other)
        with pytest.raises(RuntimeError, match="the body's own"):
            await fail(connection)
        await other.send_text("hello")
        assert await anext(other) == audio("hello")
    assert [(event.channel, event.seq) for event in server.streams[0].heard if event.HasField("close")] == [
        *((1, 0), (0, 0)),
    ]


async def test_a_hook_that_raises_ends_its_session_alone() -> None:
    def refuse(message: ServerEvent) -> None:
        raise RuntimeError("the hook's own")

    async with (
        serving(host) as server,
        segue_client.Connection(server.target) as connection,
        connection.open() as other,
        connection.open(on_event=refuse) as session,
    ):
        with pytest.raises(RuntimeError, match="the hook's own"):
            await anext(session)
        await other.send_text("hello")
        assert [await anext(other), await anext(other)] == [other.opened, audio("hello")]


async def test_all_sessions_hear_that_the_stream_must_move() -> None:
    async def move(stream: Stream) -> None:
        await stream.hear_until("open")
        await stream.hear_until("open")
        await stream.context.write(ConverseResponse(go_away=GoAway()))
        await host(stream)

    async with (
        serving(move) as server,
        segue_client.Connection(server.target) as connection,
        connection.open() as one,
        connection.open() as other,
    ):
        for session in (one, other):
            assert isinstance(await anext(session), segue_client.GoAway)


async def test_leaving_the_connection_lets_go_of_its_sessions() -> None:
    async with serving(listen) as server:
        async with segue_client.Connection(server.target) as connection:
            opening = connection.open()
            session = await opening.__aenter__()
            await anext(session)
            waiting = asyncio.create_task(anext(session))
            await asyncio.sleep(0)
        with pytest.raises(segue_client.StreamError, match="CANCELLED"):
            await waiting
        await opening.__aexit__(None, None, None)


async def test_a_gateway_that_does_not_listen_slows_its_senders_down() -> None:
    listens = asyncio.Event()

    async def listen_late(stream: Stream) -> None:
        await stream.say(OPENED)
        await listens.wait()
        await stream.hear_out()
        await stream.say(COMPLETED)

    async def speak(session: segue_client.Session) -> None:
        for _ in range(256):
            await session.send_audio(bytes(65_536))

    async with (
        serving(one_after_the_other(listen_late, host)) as server,
        segue_client.connect(server.target) as slow,
        segue_client.connect(server.target) as other,
    ):
        speaking = asyncio.create_task(speak(slow))
        await anext(slow)
        await other.send_text("hello")
        assert [await anext(other), await anext(other)] == [other.opened, audio("hello")]
        assert not speaking.done()
        listens.set()
        await speaking
