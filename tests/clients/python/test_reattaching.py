"""A session whose stream breaks: it goes on by itself, and nothing is heard twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import grpc
import pytest

import segue_client
from segue_client.segue.v1.error_pb2 import Error
from segue_client.segue.v1.server_event_pb2 import ServerEvent, SessionClosed
from tests.clients.python.broken_streams import (
    audio,
    break_when_resumed,
    breaking,
    closed,
    ended,
    resuming,
    said,
)
from tests.clients.python.scripted_server import (
    COMPLETED,
    RESUMABLE,
    TOKEN,
    Script,
    Stream,
    one_after_the_other,
    resumed,
    serving,
)

pytestmark = [pytest.mark.timeout(20), pytest.mark.usefixtures("no_task_left", "short_pauses")]


async def vanish(stream: Stream) -> None:
    await stream.hear_until("open")
    await stream.say(RESUMABLE, audio(1), audio(2))


REST = resuming(audio(2), audio(3), ended(4))


@pytest.mark.parametrize(
    "broken",
    [
        breaking(audio(1), audio(2)),
        breaking(audio(1), audio(2), code=grpc.StatusCode.UNKNOWN),
        breaking(audio(1), audio(2), code=grpc.StatusCode.INTERNAL),
        breaking(audio(1), audio(2), code=grpc.StatusCode.CANCELLED),
        breaking(audio(1), audio(2), code=grpc.StatusCode.RESOURCE_EXHAUSTED),
        vanish,
    ],
)
async def test_an_answer_that_was_cut_off_in_the_middle_comes_to_its_end_once(broken: Script) -> None:
    raw: list[ServerEvent] = []
    async with (
        serving(one_after_the_other(broken, break_when_resumed, REST)) as server,
        segue_client.connect(server.target, on_event=raw.append) as session,
    ):
        events = []
        async for event in session:
            events.append(event)
            if isinstance(event, segue_client.TurnEnded):
                await session.finish()
    assert [type(event).__name__ for event in events] == [
        *("Opened", "Audio", "Audio", "Resumed", "Audio", "TurnEnded"),
    ]
    assert [event.pcm[0] for event in events if isinstance(event, segue_client.Audio)] == [1, 2, 3]
    assert [message.seq for message in raw] == [0, 1, 2, 0, 3, 4, 0]
    for stream in server.streams[1:]:
        request = stream.heard[0]
        assert (request.channel, request.seq, request.resume.resume_token) == (0, 0, TOKEN)
        assert (request.resume.last_seq, request.resume.last_turn, request.resume.HasField("heard")) == (2, 1, False)
    assert len(server.streams) == 3


async def test_a_gap_in_the_output_is_told() -> None:
    async def lose(stream: Stream) -> None:
        await stream.hear_until("resume")
        await stream.say(resumed(1, output_lost=True), audio(7))
        await stream.say(COMPLETED)
        await stream.hear_out()

    async with (
        serving(one_after_the_other(breaking(audio(1)), lose)) as server,
        segue_client.connect(server.target) as session,
    ):
        events = [event async for event in session]
    assert segue_client.Resumed(1, output_lost=True) in events
    assert session.last_seq == 7


async def test_what_was_heard_last_is_told_to_the_next_stream() -> None:
    async def hear_acks(stream: Stream) -> None:
        await stream.say(RESUMABLE, audio(1, turn=2))
        for _ in range(3):
            await stream.hear_until("ack")
        await stream.break_off()

    async with (
        serving(one_after_the_other(hear_acks, resuming())) as server,
        segue_client.connect(server.target) as session,
    ):
        await anext(session)
        await anext(session)
        await session.ack(turn=2, heard=0.5)
        await session.ack(turn=1, heard=4.0)
        await session.ack()
        assert isinstance(await anext(session), segue_client.Resumed)
    assert said(server.streams[0]) == [(1, "open"), *[(0, "ack")] * 3]
    heard = server.streams[1].heard[0].resume.heard
    assert (heard.turn, heard.duration.ToMilliseconds()) == (2, 500)


async def test_a_session_that_must_move_is_resumed_on_another_channel() -> None:
    async def move(stream: Stream) -> None:
        await stream.hear_until("open")
        await stream.say(RESUMABLE, audio(1), closed(Error.REASON_DETACHED))
        await stream.say(audio(2), ServerEvent(closed=SessionClosed()), channel=0)
        for channel, delay in ((1, 0.0), (2, 0.001)):
            await stream.hear_until("resume")
            await stream.say(ServerEvent(closed=SessionClosed()), channel=channel - 1)
            await stream.say(closed(Error.REASON_SHUTTING_DOWN, retry_delay=delay), channel=channel)
        await stream.hear_until("resume")
        await stream.say(resumed(1), audio(2), channel=3)
        await stream.hear_until("text")
        await stream.hear_until("close")
        await stream.say(COMPLETED, channel=3)

    async with serving(move) as server, segue_client.connect(server.target) as session:
        await session.send_text("hello")
        await session.finish()
        assert [type(event).__name__ async for event in session] == ["Opened", "Audio", "Resumed", "Audio"]
    # Some of it may have come too late on the first channel as well.
    again = [(event.channel, event.WhichOneof("input")) for event in server.streams[0].heard if event.channel]
    assert again == [(1, "resume"), (2, "resume"), (3, "resume"), (3, "text"), (3, "close")]
    assert len(server.streams) == 1


async def test_output_is_acknowledged_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segue_client.attachment.ACK_DELAY", 0.01)

    async def play(stream: Stream) -> None:
        await stream.say(RESUMABLE, audio(1), audio(2))
        await stream.hear_until("ack")
        await stream.say(audio(3))
        await stream.hear_until("ack")
        await stream.say(COMPLETED)
        await stream.hear_out()

    async with serving(play) as server, segue_client.connect(server.target) as session:
        assert len([event async for event in session]) == 4
    acks = [event for event in server.streams[0].heard if event.HasField("ack")]
    assert [(event.seq, event.ack.seq, event.ack.HasField("heard")) for event in acks] == [(0, 2, False), (0, 3, False)]


@asynccontextmanager
async def line_to(target: str) -> AsyncIterator[tuple[str, list[asyncio.StreamWriter]]]:
    """Carry connections on to a server; closing the writers cuts them."""
    ends: list[asyncio.StreamWriter] = []
    host, port = target.split(":")

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        ends.extend((writer, far_writer))
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

    server = await asyncio.start_server(carry, "localhost", 0)
    async with server:
        yield f"localhost:{server.sockets[0].getsockname()[1]}", ends
        for end in ends:
            end.close()


async def test_a_line_that_is_cut_is_no_end() -> None:
    async def open_only(stream: Stream) -> None:
        await stream.say(RESUMABLE, audio(1))
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    async with (
        serving(one_after_the_other(open_only, resuming(audio(2)))) as server,
        line_to(server.target) as (target, ends),
        segue_client.connect(target) as session,
    ):
        assert [type(await anext(session)).__name__ for _ in range(2)] == ["Opened", "Audio"]
        for end in ends.copy():
            end.transport.abort()
        await session.send_text("a")
        await session.finish()
        assert [type(event).__name__ async for event in session] == ["Resumed", "Audio"]
    assert said(server.streams[1]) == [(0, "resume"), (2, "a"), (3, "close")]
    assert len(server.peers) == 2
