"""What is said in a session whose stream breaks: all of it arrives, in order and once."""

import asyncio

import pytest

import segue_client
from segue_client.segue.v1.open_session_pb2 import AudioFormat, OpenSession
from segue_client.segue.v1.server_event_pb2 import InputAck, ServerEvent
from tests.clients.python.broken_streams import (
    break_when_resumed,
    breaking,
    resuming,
    said,
)
from tests.clients.python.scripted_server import (
    COMPLETED,
    RESUMABLE,
    Stream,
    one_after_the_other,
    resumed,
    serving,
)

pytestmark = [pytest.mark.timeout(20), pytest.mark.usefixtures("no_task_left", "short_pauses")]


async def test_what_is_sent_while_away_arrives_once_and_in_order() -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def hear_one(stream: Stream) -> None:
        await stream.hear_until("open")
        await stream.say(RESUMABLE)
        await stream.hear_until("text")
        await stream.say(ServerEvent(input_ack=InputAck(seq=2)))
        await stream.hear_until("text")
        await stream.break_off()

    async def resume_late(stream: Stream) -> None:
        await stream.hear_until("resume")
        asked.set()
        await go_on.wait()
        # The second text was heard, and is lost all the same.
        await stream.say(resumed(2))
        await stream.hear_out()
        await stream.say(COMPLETED)

    async with (
        serving(one_after_the_other(hear_one, break_when_resumed, resume_late)) as server,
        segue_client.connect(server.target) as session,
    ):
        await session.send_text("a")
        await session.send_text("b")
        await asked.wait()
        await session.ack(turn=1, heard=0.5)
        for words in "cd":
            await session.send_text(words)
        go_on.set()
        await session.send_text("e")
        await session.finish()
        assert [type(event).__name__ async for event in session] == ["Opened", "Resumed"]
    assert said(server.streams[2]) == [(0, "resume"), *((3 + i, c) for i, c in enumerate("bcde")), (7, "close")]
    assert server.streams[2].heard[-1].close.finish_turn


async def test_what_the_gateway_acknowledged_is_not_said_again() -> None:
    async def acknowledge(stream: Stream) -> None:
        await stream.hear_until("text")
        await stream.say(RESUMABLE, ServerEvent(input_ack=InputAck(seq=2)))
        await stream.break_off()

    # An owner of the session that knows less than the last.
    async with (
        serving(one_after_the_other(acknowledge, resuming(last_input_seq=0))) as server,
        segue_client.connect(server.target) as session,
    ):
        await session.send_text("a")
        await session.finish()
        assert [type(event).__name__ async for event in session] == ["Opened", "Resumed"]
    assert said(server.streams[1]) == [(0, "resume"), (3, "close")]


async def test_nothing_of_a_stream_of_audio_is_lost_or_repeated() -> None:
    heard: list[int] = []

    async def play(stream: Stream) -> None:
        opening = await stream.hear()
        assert opening is not None
        if opening.HasField("open"):
            heard.append(opening.seq)
            await stream.say(RESUMABLE)
        else:
            await stream.say(resumed(heard[-1]))
        while (event := await stream.hear()) is not None:
            if not event.HasField("ack"):
                heard.append(event.seq)
            if event.HasField("close"):
                await stream.say(COMPLETED)
            elif len(heard) % 70 == 0:
                await stream.break_off()

    async with serving(play) as server, segue_client.connect(server.target) as session:
        for _ in range(300):
            await session.send_audio(bytes(640))
        await session.finish()
        events = [event async for event in session]
    assert heard == list(range(1, 303))
    assert [type(event).__name__ for event in events] == ["Opened", *["Resumed"] * (len(server.streams) - 1)]
    assert len(server.streams) > 1


async def test_input_that_was_dropped_is_skipped() -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def resume_late(stream: Stream) -> None:
        asked.set()
        await go_on.wait()
        await resuming()(stream)

    mulaw = AudioFormat(encoding=AudioFormat.ENCODING_MULAW, sample_rate_hertz=8000)
    async with (
        serving(one_after_the_other(breaking(), resume_late)) as server,
        segue_client.connect(server.target, options=OpenSession(input_format=mulaw)) as session,
    ):
        await asked.wait()
        await session.send_text("a")
        for _ in range(40):
            await session.send_audio(bytes(8000))
        go_on.set()
        await session.finish()
        assert [type(event).__name__ async for event in session] == ["Opened", "Resumed"]
    _, text, *rest = server.streams[1].heard
    assert (text.text.text, text.seq) == ("a", 12)
    assert [event.seq for event in rest] == list(range(13, 44))
