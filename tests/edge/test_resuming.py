"""Clients that lose their stream and come back on another one."""

from collections.abc import AsyncIterator

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from segue.gateway import Gateway
from segue_client.segue.v1.client_event_pb2 import (
    Ack,
    ClientEvent,
    CloseSession,
    Heard,
    Interrupt,
    ResumeSession,
    UserText,
)
from segue_client.segue.v1.error_pb2 import Error
from segue_client.segue.v1.server_event_pb2 import SessionClosed
from tests.conversation import Conversation, conversing, kinds, numbers, opening, seconds
from tests.scripted_backend import ScriptedBackend
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("no_task_left")

LASTING = opening(resume_window=Duration(seconds=60))


@pytest.fixture(autouse=True)
async def nobody_comes_back(gateway: Gateway) -> AsyncIterator[None]:
    """What still waits for its client in the end is ended."""
    yield
    gateway.registry.cut_off()


def detached(gateway: Gateway) -> bool:
    return all(driver.session.detached for driver in gateway.registry._drivers)


async def opened(conversation: Conversation) -> str:
    """Open a session that outlives its stream; return its token."""
    return (await conversation.open(options=LASTING)).opened.resume_token


async def resume(conversation: Conversation, token: str, last_seq: int = 0, channel: int = 0) -> None:
    await conversation.say(
        ClientEvent(channel=channel, resume=ResumeSession(resume_token=token, last_seq=last_seq, last_turn=1))
    )


def value(gateway: Gateway, name: str, **labels: str) -> float | None:
    return gateway.metrics.registry.get_sample_value(f"segue_{name}", labels)


async def test_a_session_with_a_window_has_a_token_and_others_have_none(gateway: Gateway) -> None:
    async with conversing(gateway.port) as conversation:
        token = await opened(conversation)
        assert len(token) >= 32
        assert (await conversation.open(channel=1)).opened.resume_token == ""


async def test_a_client_that_comes_back_gets_what_it_did_not_have(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        token = await opened(conversation)
        (link,) = backend.links
        link.speak(0.4, "Once upon a time.")
        link.complete()
        had = [await conversation.hear("audio") for _ in range(3)]
        await wait_until(lambda: next(iter(gateway.registry._drivers)).session.held_bytes > 19_000)
    await wait_until(lambda: detached(gateway))
    async with conversing(gateway.port) as conversation:
        await resume(conversation, token, had[1].seq)
        resumed = await conversation.hear("resumed")
        assert (resumed.seq, resumed.resumed.output_lost) == (0, False)
        ended = await conversation.hear("turn_ended")
        said = [event for event in conversation.heard if event.seq]
        assert numbers(said) == list(range(had[1].seq + 1, ended.seq + 1))
        assert kinds(said).count("audio") == 8
        assert said[0].audio == had[2].audio
        await conversation.say(ClientEvent(text=UserText(text="And then?")))
        await wait_until(lambda: "And then?" in link.sent)
        link.speak(0.1, "That was all.")
        link.complete()
        await conversation.hear("turn_ended")
        await conversation.half_close()
        assert kinds(await conversation.hear_out())[-1] == "closed"
    assert value(gateway, "reattaches_total", outcome="resumed") == 1.0
    # What came again was counted once.
    assert value(gateway, "audio_seconds_total", direction="out") == pytest.approx(0.5)
    assert value(gateway, "sessions_opened_total") == 1.0


async def test_numbered_input_goes_on_where_the_stream_broke(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.say(
            ClientEvent(seq=1, open=LASTING),
            ClientEvent(seq=2, text=UserText(text="One.")),
            ClientEvent(seq=3, audio=b"\0\0"),
        )
        token = (await conversation.hear("opened")).opened.resume_token
        await wait_until(lambda: "One." in backend.links[-1].sent)
    await wait_until(lambda: detached(gateway))
    async with conversing(gateway.port) as conversation:
        await resume(conversation, token)
        assert (await conversation.hear("resumed")).resumed.last_input_seq == 3
        await conversation.say(
            ClientEvent(seq=2, text=UserText(text="One.")), ClientEvent(seq=6, text=UserText(text="Six."))
        )
        await wait_until(lambda: "Six." in backend.links[-1].sent)
        assert backend.links[-1].sent.count("One.") == 1
    assert value(gateway, "inputs_lost_total") == 2.0


async def test_a_second_stream_takes_the_session_over(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as first, conversing(gateway.port) as second:
        token = await opened(first)
        await first.open(channel=1)
        await resume(second, token, channel=5)
        await second.hear("resumed", 5)
        closed = await first.hear("closed")
        assert (closed.seq, closed.closed.error.reason) == (0, Error.REASON_TAKEN_OVER)
        assert closed.closed.next == SessionClosed.NEXT_RESUME
        assert not closed.closed.HasField("totals")
        backend.links[0].speak(0.1, "Hello.")
        await second.hear("audio", 5)
        # What the first one still says of it raced that, and its other session goes on.
        await first.say(ClientEvent(text=UserText(text="Hi")), ClientEvent(channel=1, text=UserText(text="Ho")))
        await wait_until(lambda: "Ho" in backend.links[1].sent)
        assert "Hi" not in backend.links[0].sent
    assert value(gateway, "reattaches_total", outcome="taken_over") == 1.0


async def test_a_session_may_be_resumed_on_the_stream_that_has_it(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        token = await opened(conversation)
        await resume(conversation, token, channel=1)
        assert (await conversation.hear("closed")).closed.error.reason == Error.REASON_TAKEN_OVER
        await conversation.hear("resumed", 1)
        backend.links[0].speak(0.1, "Hello.")
        await conversation.hear("audio", 1)


@pytest.mark.parametrize("token", ["", "x", "\N{SNOWMAN}" * 99])
async def test_a_token_of_nothing_is_refused(gateway: Gateway, token: str) -> None:
    async with conversing(gateway.port) as conversation:
        await resume(conversation, token)
        closed = await conversation.hear("closed")
        assert (closed.seq, closed.closed.error.reason) == (0, Error.REASON_RESUME_UNKNOWN)
        assert closed.closed.next == SessionClosed.NEXT_OPEN_AGAIN
        assert token == "" or token not in closed.closed.error.message
        # The channel is used up, and the stream goes on.
        await conversation.open(channel=1)


async def test_output_that_was_never_sent_is_refused_and_the_session_goes_on(
    gateway: Gateway, backend: ScriptedBackend
) -> None:
    async with conversing(gateway.port) as first, conversing(gateway.port) as second:
        token = await opened(first)
        await resume(second, token, last_seq=99)
        closed = await second.hear("closed")
        assert closed.closed.error.reason == Error.REASON_RESUME_REJECTED
        backend.links[0].speak(0.1, "Hello.")
        await first.hear("audio")


async def test_a_session_that_ended_says_how(gateway: Gateway) -> None:
    async with conversing(gateway.port) as first, conversing(gateway.port) as second:
        token = await opened(first)
        await first.say(ClientEvent(close=CloseSession()))
        await first.hear("closed")
        await resume(second, token)
        closed = (await second.hear("closed")).closed
        assert (closed.error.reason, closed.next) == (Error.REASON_COMPLETED, SessionClosed.NEXT_NONE)


async def test_a_resume_on_a_channel_that_has_a_session_is_rejected(gateway: Gateway) -> None:
    async with conversing(gateway.port) as conversation:
        token = await opened(conversation)
        await resume(conversation, token)
        rejected = (await conversation.hear("input_rejected")).input_rejected
        assert rejected.reason == rejected.REASON_ALREADY_OPEN


async def test_what_was_heard_before_the_stream_broke_counts(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        token = await opened(conversation)
        backend.links[0].speak(4.0, "Once upon a time.")
        last = [await conversation.hear("audio") for _ in range(100)][-1]
    await wait_until(lambda: detached(gateway))
    async with conversing(gateway.port) as conversation:
        heard = Heard(turn=1, duration=Duration(seconds=1))
        resume = ResumeSession(resume_token=token, last_seq=last.seq, last_turn=1, heard=heard)
        await conversation.say(ClientEvent(resume=resume), ClientEvent(interrupt=Interrupt()))
        interrupted = (await conversation.hear("interrupted")).interrupted
        assert 1.0 <= seconds(interrupted.heard_duration) < 2.0


async def test_a_gateway_that_stops_ends_the_sessions_that_wait_for_their_clients(
    gateway: Gateway, backend: ScriptedBackend
) -> None:
    async with conversing(gateway.port) as conversation:
        await opened(conversation)
        backend.links[0].speak(30.0, "A long story.")
        await conversation.hear("audio")
    await wait_until(lambda: detached(gateway))
    gateway.cut_off()
    await gateway.stop()
    assert len(gateway.registry) == 0


async def test_acknowledged_output_is_kept_no_longer(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await opened(conversation)
        backend.links[0].speak(2.0, "A story.")
        last = [await conversation.hear("audio") for _ in range(50)][-1]
        session = next(iter(gateway.registry._drivers)).session
        held = session.held_bytes
        await conversation.say(ClientEvent(ack=Ack(seq=last.seq)))
        await wait_until(lambda: session.held_bytes < held - 90_000)


async def test_a_stream_whose_sessions_all_went_elsewhere_ends_with_its_half_close(gateway: Gateway) -> None:
    async with conversing(gateway.port) as first, conversing(gateway.port) as second:
        token = await opened(first)
        await resume(second, token)
        await first.hear("closed")
        await first.half_close()
        assert await first.hear_out() == []
        assert (await first.status())[0] is grpc.StatusCode.OK
