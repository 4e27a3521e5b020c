"""Sessions over real gRPC: what is said arrives in order and in fair shares, and what ends leaves nothing behind."""

import asyncio
import logging

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from segue.core import events as ev
from segue.core.closings import FATAL
from segue.edge.converse import MAX_RESPONSE_BYTES, MAX_RESPONSE_EVENTS
from segue.gateway import Gateway
from segue_client.segue.v1.client_event_pb2 import Ack, ClientEvent, CloseSession, Heard, Interrupt, UserText
from segue_client.segue.v1.error_pb2 import Error
from segue_client.segue.v1.server_event_pb2 import Interrupted, SessionClosed, TurnEnded
from tests.conversation import Conversation, connected, conversing, kinds, numbers, opening, seconds
from tests.scripted_backend import ScriptedBackend, speech
from tests.waiting import wait_until

HI = ClientEvent(text=UserText(text="Hi"))


def has_let_go(gateway: Gateway, backend: ScriptedBackend) -> bool:
    sample = gateway.metrics.registry.get_sample_value
    gauges = [sample(f"segue_{name}_active") for name in ("streams", "sessions", "links")]
    return not len(gateway.registry) and gauges == [0, 0, 0] and all(link.hung_up for link in backend.links)


async def test_a_turn_is_said_in_order_and_without_gaps(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        opened = await conversation.open()
        assert (opened.seq, opened.opened.model) == (0, "gemini-3.8-live")
        assert opened.opened.session_id
        assert opened.opened.resume_token == ""
        (link,) = backend.links
        link.say(ev.UserTranscribed(1, "Hello?"))
        link.speak(0.2, "Hello.")
        link.complete()
        ended = await conversation.hear("turn_ended")
        said = conversation.heard[1:]
        assert numbers(said) == list(range(1, len(said) + 1))
        assert kinds(said) == ["transcript", *["audio"] * 5, "transcript", "turn_ended"]
        assert b"".join(event.audio for event in said) == speech(0.2)
        assert {event.turn for event in said[1:]} == {1}
        assert (ended.turn_ended.reason, ended.turn_ended.heard_text) == (TurnEnded.REASON_COMPLETED, "Hello.")
        assert seconds(ended.turn_ended.audio_duration) == pytest.approx(0.2)


async def test_an_interrupt_silences_the_turn_and_the_split_of_its_words_is_final_with_the_ack(
    gateway: Gateway, backend: ScriptedBackend
) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open()
        (link,) = backend.links
        link.speak(1.0, "One. ")
        link.speak(1.0, "Two.")
        await conversation.hear("audio")
        await conversation.say(ClientEvent(interrupt=Interrupt(turn=1)))
        cut = await conversation.hear("interrupted")
        assert cut.interrupted.cause == Interrupted.CAUSE_CLIENT
        await conversation.say(ClientEvent(ack=Ack(seq=cut.seq, heard=Heard(turn=1, duration=Duration(seconds=1)))))
        link.speak(1.0, "Three.")
        ended = await conversation.hear("turn_ended")
        assert (ended.turn_ended.heard_text, ended.turn_ended.unheard_text) == ("One. ", "Two.")
        after = conversation.heard[conversation.heard.index(cut) :]
        assert "audio" not in kinds(after)


async def test_numbered_input_is_acknowledged(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.say(ClientEvent(seq=1, open=opening()))
        await conversation.say(ClientEvent(seq=2, text=UserText(text="Hi")))
        while (ack := await conversation.hear("input_ack")).input_ack.seq < 2:
            pass
        assert (ack.seq, ack.input_ack.seq) == (0, 2)


async def test_a_half_close_lets_the_running_turn_finish(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open()
        (link,) = backend.links
        link.speak(0.1, "One. ")
        await conversation.hear("audio")
        await conversation.half_close()
        await wait_until(lambda: next(iter(gateway.registry._drivers)).session.state.name == "FINISHING")
        link.speak(0.1, "Two.")
        link.complete()
        rest = await conversation.hear_out()
        ended, closed = rest[-2:]
        assert ended.turn_ended.heard_text == "One. Two."
        assert closed.closed.error.reason == Error.REASON_COMPLETED
        assert closed.closed.totals.turns == 1
        assert seconds(closed.closed.totals.output_audio) == pytest.approx(0.2)
        code, _ = await conversation.status()
        assert code is grpc.StatusCode.OK
        assert link.hung_up


async def test_a_half_close_ends_a_stream_without_sessions(gateway: Gateway) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.half_close()
        assert await conversation.hear_out() == []
        code, _ = await conversation.status()
        assert code is grpc.StatusCode.OK


async def test_a_half_close_ends_every_session_of_the_stream(gateway: Gateway) -> None:
    async with conversing(gateway.port) as conversation:
        for channel in range(3):
            await conversation.open(channel)
        await conversation.half_close()
        rest = await conversation.hear_out()
        assert {event.channel for event in rest} == {0, 1, 2}
        assert {event.closed.error.reason for event in rest} == {Error.REASON_COMPLETED}


async def test_input_and_half_close_in_one_go_are_still_answered(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.say(ClientEvent(open=opening()), HI)
        await conversation.half_close()
        await wait_until(lambda: backend.links and backend.links[0].sent == ["Hi"])
        backend.links[0].speak(0.1, "Hello.")
        backend.links[0].complete()
        rest = await conversation.hear_out()
        assert kinds(rest)[-2:] == ["turn_ended", "closed"]


@pytest.mark.parametrize("finish_turn", [True, False])
async def test_a_close_finishes_the_turn_only_where_asked(
    gateway: Gateway, backend: ScriptedBackend, finish_turn: bool
) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open()
        (link,) = backend.links
        link.speak(0.4, "Goodbye.")
        link.complete()
        await conversation.hear("audio")
        await conversation.say(ClientEvent(close=CloseSession(finish_turn=finish_turn)))
        ended = await conversation.hear("turn_ended")
        expected = TurnEnded.REASON_COMPLETED if finish_turn else TurnEnded.REASON_SESSION_CLOSED
        assert ended.turn_ended.reason == expected
        closed = await conversation.hear("closed")
        assert (closed.closed.error.reason, closed.closed.next) == (Error.REASON_COMPLETED, SessionClosed.NEXT_NONE)
        assert closed.seq == ended.seq + 1
        assert link.hung_up
        await conversation.open(1)


@pytest.mark.parametrize("abrupt", [True, False], ids=["the connection breaks", "the call is cancelled"])
async def test_a_client_that_vanishes_in_mid_turn_leaves_nothing_behind(
    gateway: Gateway, backend: ScriptedBackend, caplog: pytest.LogCaptureFixture, abrupt: bool
) -> None:
    async with connected(gateway.port) as channel:
        conversation = Conversation(channel)
        for number in range(3):
            await conversation.open(number)
            backend.links[number].speak(5.0)
            await conversation.hear("audio", number)
        if abrupt:
            await channel.close()
        else:
            conversation.call.cancel()
        await wait_until(lambda: has_let_go(gateway, backend))
    closed = {"reason": "stream_lost"}
    assert gateway.metrics.registry.get_sample_value("segue_sessions_closed_total", closed) == 3.0
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_client_that_vanishes_while_nothing_is_said_has_not_ended_its_input(gateway: Gateway) -> None:
    for _ in range(20):
        async with conversing(gateway.port) as conversation:
            await conversation.open()
    await wait_until(lambda: not len(gateway.registry))
    closed = {"reason": "stream_lost"}
    assert gateway.metrics.registry.get_sample_value("segue_sessions_closed_total", closed) == 20.0


async def test_clients_that_vanish_while_much_is_written_leave_nothing_behind_and_no_traceback(
    gateway: Gateway, backend: ScriptedBackend, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async def vanish(steps: int) -> None:
        async with conversing(gateway.port) as conversation:
            await conversation.say(ClientEvent(open=opening()), HI)
            for _ in range(steps):
                await conversation.next()

    def talk() -> None:
        for link in backend.links:
            link.speak(1.0)

    vanishing = asyncio.gather(*(vanish(steps) for steps in range(40)))
    while not vanishing.done():
        talk()
        await asyncio.wait((vanishing,), timeout=0.005)
    await vanishing
    await wait_until(lambda: has_let_go(gateway, backend))
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert "Traceback" not in capfd.readouterr().err


async def test_a_long_backlog_of_one_session_delays_another_by_no_message(
    gateway: Gateway, backend: ScriptedBackend
) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(0)
        await conversation.open(1)
        backlogged, quick = backend.links
        before = len(conversation.messages)
        backlogged.speak(60.0)
        quick.say(ev.ModelTranscribed(1, "Quick."))
        await conversation.hear("transcript", 1)
        assert len(conversation.messages) - before == 1
        backlogged.complete()
        await wait_until(lambda: gateway.metrics.audio_out._value.get() > 59.9)
        quick.say(ev.ModelTranscribed(1, " Again."))
        await conversation.hear("transcript", 1)
        audio = [event for event in conversation.heard if event.WhichOneof("output") == "audio"]
        assert sum(len(event.audio) for event in audio) == len(speech(60.0))
        assert numbers(audio) == list(range(1, 1501))


@pytest.mark.parametrize("frame_ms", [10, 40, 682.625, 1000])
async def test_no_message_holds_more_than_64_events_or_256_kib(
    gateway: Gateway, backend: ScriptedBackend, frame_ms: float
) -> None:
    frame = Duration(nanos=round(frame_ms * 1e6) % 10**9, seconds=int(frame_ms // 1000))
    async with conversing(gateway.port) as conversation:
        for channel in range(6):
            await conversation.open(channel, opening(output_frame_duration=frame))
        for link in backend.links:
            link.speak(20.0, "word " * 20_000)
        for channel in range(6):
            await conversation.hear("transcript", channel)
    sizes = [message.ByteSize() for message in conversation.messages]
    assert max(sizes) <= MAX_RESPONSE_BYTES
    assert max(len(message.events) for message in conversation.messages) <= MAX_RESPONSE_EVENTS
    # Under load messages fill up.
    assert max(len(message.events) for message in conversation.messages) > 32 or max(sizes) > 128 * 1024


CAUSES = {
    ev.LossCause.CREDENTIALS: Error.REASON_BACKEND_CREDENTIALS,
    ev.LossCause.MODEL: Error.REASON_BACKEND_MODEL,
    ev.LossCause.REJECTED: Error.REASON_BACKEND_REJECTED,
}


def test_every_cause_that_no_new_link_mends_is_tested() -> None:
    assert CAUSES.keys() == FATAL


@pytest.mark.parametrize("opened", [True, False], ids=["in mid-turn", "before the setup"])
@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.name)
async def test_a_failure_that_no_new_link_mends_closes_the_session_with_its_cause(
    gateway: Gateway, backend: ScriptedBackend, cause: ev.LossCause, opened: bool
) -> None:
    backend.opens = opened
    async with conversing(gateway.port) as conversation:
        await conversation.say(ClientEvent(open=opening()))
        if opened:
            await conversation.hear("opened")
            backend.links[0].speak(0.1, "Hel")
            await conversation.hear("transcript")
        await wait_until(lambda: backend.links)
        backend.links[0].lose(cause, "the service says why")
        closed = (await conversation.hear("closed")).closed
        assert (closed.error.reason, closed.error.message) == (CAUSES[cause], "the service says why")
        assert closed.next == SessionClosed.NEXT_NONE
        assert not closed.error.HasField("retry_delay")
        if opened:
            (ended,) = [event.turn_ended for event in conversation.heard if event.HasField("turn_ended")]
            assert ended.reason == TurnEnded.REASON_LINK_LOST
        backend.opens = True
        await conversation.open(1)


async def test_the_services_own_retry_delay_is_passed_on(gateway: Gateway, backend: ScriptedBackend) -> None:
    backend.opens = False
    async with conversing(gateway.port) as conversation:
        await conversation.say(ClientEvent(open=opening()))
        await wait_until(lambda: backend.links)
        backend.links[0].lose(ev.LossCause.QUOTA, "come back later", retry_delay=37.5)
        closed = (await conversation.hear("closed")).closed
        assert seconds(closed.error.retry_delay) == 37.5
