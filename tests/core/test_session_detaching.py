"""A client that loses its stream, and comes back or not."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import Detached, End, HangUp, InputLost, Send, SendActivity
from segue.core.attachment import ACK_TIMEOUT, HOLD
from segue.core.options import Mode, Options
from segue.core.outputs import (
    Audio,
    Closed,
    CloseReason,
    CutCause,
    EndReason,
    InputAck,
    Interrupted,
    Next,
    Opened,
    Resumed,
    Transcript,
    TurnEnded,
)
from segue.core.session import Session, State
from tests.core.conversation import OPTIONS, TELEPHONE, Conversation

LASTING = replace(OPTIONS, resume_window=60.0)


def answering(options: Options = LASTING, seconds: float = 5.0) -> Conversation:
    """The model is 2 s into an answer."""
    call = Conversation.opened(options)
    call.answer(seconds, "It was a dark night. Nobody was about.")
    call.complete()
    call.wait(2.0)
    return call


def sent_since(call: Conversation, count: int) -> list[Send]:
    return [send for _, send in call.sent[count:]]


def test_a_session_with_a_window_tells_how_to_come_back() -> None:
    call = Conversation(LASTING, resume_token="secret")
    call.open()
    call.link_up()
    assert call.got(Opened) == [Opened("call-1", OPTIONS.model, "secret")]
    assert "secret" not in repr(call.got(Opened))


def test_a_session_without_one_does_not() -> None:
    call = Conversation(OPTIONS, resume_token="secret")
    call.open()
    call.link_up()
    assert call.got(Opened) == [Opened("call-1", OPTIONS.model)]


def test_what_was_sent_is_kept_until_it_is_acknowledged() -> None:
    call = answering()
    assert call.session.unacknowledged_bytes > 2.0 * OPTIONS.output_format.bytes_per_second
    call.report_heard(1, 1.0)
    assert call.session.unacknowledged_bytes == 0


def test_a_session_outlives_its_stream_and_says_nothing_meanwhile() -> None:
    call = answering()
    sent = len(call.sent)
    call.lose_stream()
    call.wait(HOLD - 0.1)
    assert len(call.sent) == sent
    assert call.session.state is State.OPEN
    assert not [action for action in call.actions if isinstance(action, End | HangUp)]


def test_who_was_never_told_how_to_come_back_ends_the_session() -> None:
    call = Conversation(LASTING)
    call.open()
    assert call.receive(ev.StreamLost()) == [HangUp(1), End()]


def test_a_client_that_is_back_soon_hears_the_rest() -> None:
    call = answering()
    sent = len(call.sent)
    call.lose_stream()
    call.wait(5.0)
    call.resume()
    assert sent_since(call, sent)[0] == Send(0, Resumed(0, output_lost=False))
    call.wait(10.0)
    assert not call.got(Interrupted)
    assert sum(len(audio.audio) for audio in call.got(Audio)) == 5.0 * 48_000
    ended = call.assert_turn_ended(1)
    assert ended.heard == 5.0
    seqs = [send.seq for _, send in call.sent if send.seq]
    assert seqs == list(range(1, len(seqs) + 1))


def test_what_it_did_not_get_comes_again_with_the_same_numbers() -> None:
    call = answering()
    had = [send for _, send in call.sent if send.seq]
    call.lose_stream()
    sent = len(call.sent)
    call.resume(had[-11].seq)
    again = sent_since(call, sent)
    assert again[0] == Send(0, Resumed(0, output_lost=False))
    assert again[1:11] == [replace(send, again=True) for send in had[-10:]]
    assert not any(send.again for send in again[11:])
    call.wait(10.0)
    numbers = [send.seq for send in sent_since(call, sent) if send.seq]
    assert numbers == list(range(had[-10].seq, numbers[-1] + 1))


def test_it_comes_again_in_messages_of_the_size_that_fits_and_in_order() -> None:
    call = answering()
    had = [send for _, send in call.sent if send.seq]
    call.lose_stream()
    sent = len(call.sent)
    call.reading = False
    call.resume(0)
    messages: list[list[Send]] = []
    while call.woken and len(messages) < 1000:
        before = len(call.sent)
        call.read(max_events=3, max_bytes=2 * len(call.got(Audio)[0].audio))
        messages.append(sent_since(call, before))
    assert all(len(message) <= 3 for message in messages)
    again = [send for send in sent_since(call, sent) if send.seq]
    assert again[: len(had)] == [replace(send, again=True) for send in had]


def test_what_did_not_reach_the_client_is_still_to_be_played() -> None:
    call = answering()
    had = [send for _, send in call.sent if send.seq]
    call.lose_stream()
    call.wait(5.0)
    # Of 3 s that were sent it got 1 s, and it played all of that.
    frames = [send.seq for send in had if isinstance(send.output, Audio)]
    call.resume(frames[round(1.0 / 0.04) - 1], turn=1, heard=1.0)
    released = len(call.got(Audio))
    call.wait(1.0)
    assert len(call.got(Audio)) <= released + round(1.0 / 0.04)
    call.interrupt()
    [interrupted] = call.got(Interrupted)
    assert abs(interrupted.heard - 2.0) < 0.2


def test_the_clock_of_what_was_heard_stands_while_nobody_listens() -> None:
    call = answering()
    call.lose_stream()
    call.wait(5.0)
    call.resume()
    call.interrupt()
    [interrupted] = call.got(Interrupted)
    assert abs(interrupted.heard - 2.0) < 0.1


def test_a_client_that_stays_away_for_longer_misses_what_was_said() -> None:
    call = answering()
    sent = len(call.sent)
    call.lose_stream()
    call.wait(HOLD + 1.0)
    assert len(call.sent) == sent
    call.resume()
    [interrupted] = call.got(Interrupted)
    assert interrupted.cause is CutCause.DETACHED
    assert abs(interrupted.heard - 2.0) < 0.1
    assert not [send for send in sent_since(call, sent) if isinstance(send.output, Audio)]
    call.wait(1.0)
    call.assert_turn_ended(1)


def test_what_the_model_begins_to_say_meanwhile_is_missed_as_well() -> None:
    call = Conversation.opened(LASTING)
    call.lose_stream()
    call.wait(HOLD + 1.0)
    call.answer(3.0, "It was a dark night.")
    call.complete()
    call.wait(1.0)
    call.resume()
    call.wait(1.0)
    assert [cut.cause for cut in call.got(Interrupted)] == [CutCause.DETACHED]
    assert not call.got(Audio)
    assert call.assert_turn_ended(1).heard == 0.0


def test_an_activity_that_was_open_ends_when_nobody_waits_for_its_end_any_more() -> None:
    call = Conversation.opened(Options("gemini-3.8-live", input_format=TELEPHONE, mode=Mode.MANUAL, resume_window=60.0))
    call.press()
    call.say(1.0)
    call.lose_stream()
    call.wait(HOLD - 0.1)
    assert [sent.started for sent in call.did(SendActivity)] == [True]
    call.wait(0.2)
    assert [sent.started for sent in call.did(SendActivity)] == [True, False]


def test_a_session_whose_client_does_not_come_back_ends() -> None:
    call = answering()
    call.lose_stream()
    call.wait(60.1)
    [ended] = call.did(End)
    assert ended.closed is not None
    assert (ended.closed.reason, ended.closed.next) == (CloseReason.DETACHED, Next.OPEN_AGAIN)
    assert ended.closed.totals is not None
    assert call.session.state is State.ENDED
    assert not call.got(Closed)


def test_a_limit_ends_a_session_that_waits_for_its_client() -> None:
    call = answering(replace(LASTING, max_duration=20.0))
    call.lose_stream()
    call.wait(30.0)
    [ended] = call.did(End)
    assert ended.closed is not None
    assert ended.closed.reason is CloseReason.MAX_DURATION


def test_output_that_is_not_kept_any_more_is_said_to_be_lost() -> None:
    call = answering(replace(LASTING, lead=40.0), seconds=40.0)
    had = [send for _, send in call.sent if send.seq]
    call.lose_stream()
    sent = len(call.sent)
    call.resume(3)
    again = sent_since(call, sent)
    assert again[0] == Send(0, Resumed(0, output_lost=True))
    assert replace(again[1], again=False) in had
    assert again[1].seq > 4


def test_acknowledged_output_is_not_kept() -> None:
    call = answering(replace(LASTING, lead=40.0), seconds=40.0)
    held = call.session.held_bytes
    call.receive(ev.AckReceived(call.last_seq, 0, None))
    assert call.session.held_bytes < held - 500_000


def test_a_client_that_has_what_was_never_sent_is_refused_and_the_session_lives_on() -> None:
    call = answering()
    fault = call.session.fault_of_resume(call.last_seq + 1)
    assert fault is not None
    assert (fault.reason, fault.next) == (CloseReason.RESUME_REJECTED, Next.OPEN_AGAIN)
    assert call.session.fault_of_resume(call.last_seq) is None
    call.assert_open()


def test_a_session_that_has_ended_cannot_be_resumed() -> None:
    call = answering()
    # The stream that is to be told may be dead.
    call.reading = False
    call.receive(ev.CloseReceived(0, False))
    assert call.session.state is State.CLOSING
    fault = call.session.fault_of_resume(0)
    assert fault is not None
    assert fault.reason is CloseReason.COMPLETED
    new = Session("call-2").fault_of_resume(0)
    assert new is not None
    assert new.reason is CloseReason.RESUME_UNKNOWN


def test_another_stream_may_take_a_session_over() -> None:
    call = answering()
    last = call.last_seq
    sent = len(call.sent)
    call.resume(last - 2)
    again = sent_since(call, sent)
    assert [send.seq for send in again[:3]] == [0, last - 1, last]
    call.wait(10.0)
    call.assert_turn_ended(1)


def test_what_was_half_closed_ends_when_its_client_is_back() -> None:
    call = answering()
    call.end_input()
    call.lose_stream()
    call.wait(5.0)
    call.resume()
    call.wait(10.0)
    call.assert_closed(CloseReason.COMPLETED)


def test_numbered_input_goes_on_after_what_came_before() -> None:
    call = Conversation.opened(LASTING)
    call.write("One.", seq=1)
    call.lose_stream()
    call.resume()
    assert call.got(Resumed) == [Resumed(1, output_lost=False)]
    call.write("One.", seq=1)
    call.write("Three.", seq=3)
    assert call.did(InputLost) == [InputLost(1)]
    call.write("Five.", seq=5)
    call.assert_closed(CloseReason.INPUT_GAP)


def test_input_is_acknowledged_once_it_is_answered() -> None:
    call = Conversation.opened(LASTING)
    call.write("One.", seq=1)
    call.write("Two.", seq=2)
    call.wait(3.0)
    assert not call.got(InputAck)
    call.answer(1.0, "Yes.")
    call.wait(2.0)
    assert call.got(InputAck) == [InputAck(2)]


def test_silence_is_acknowledged_though_nobody_answers_it() -> None:
    call = Conversation.opened(LASTING)
    call.say(3.0, voiced=False, seq=1)
    assert call.got(InputAck)[-1].input_seq >= 50


def test_words_that_a_handle_covers_are_acknowledged_though_nobody_answered_them() -> None:
    call = Conversation.opened(LASTING)
    call.say(1.0, seq=1)
    call.say(2.0, voiced=False, seq=51)
    assert all(ack.input_seq < 50 for ack in call.got(InputAck))
    call.complete()
    call.receive(ev.HandleReceived(1, "h1"))
    call.wait(3.0)
    assert call.got(InputAck)[-1].input_seq == 150


def test_a_client_that_acknowledged_and_stops_is_gone() -> None:
    call = answering(seconds=30.0)
    call.receive(ev.AckReceived(call.last_seq, 0, None))
    call.wait(ACK_TIMEOUT + 0.5)
    [detached] = call.did(Detached)
    assert (detached.closed.reason, detached.closed.next) == (CloseReason.DETACHED, Next.RESUME)
    sent = len(call.sent)
    call.wait(5.0)
    assert len(call.sent) == sent
    call.resume()
    call.wait(30.0)
    assert call.assert_turn_ended(1).heard == 30.0


def test_a_client_that_has_nothing_to_acknowledge_is_not_gone() -> None:
    call = answering(seconds=3.0)
    call.wait(5.0)
    call.receive(ev.AckReceived(call.last_seq, 0, None))
    call.wait(60.0)
    assert not call.did(Detached)


def test_words_that_come_while_nobody_listens_are_told_when_somebody_does() -> None:
    call = answering(seconds=1.0)
    call.say(1.0)
    call.lose_stream()
    call.receive(ev.UserTranscribed(call.link, "Good morning"))
    assert not call.got(Transcript) or call.got(Transcript)[-1].text != "Good morning"
    call.resume()
    assert call.got(Transcript)[-1].text == "Good morning"


def test_the_end_of_a_turn_is_told_once() -> None:
    call = answering(seconds=2.5)
    call.lose_stream()
    call.wait(HOLD + 1.0)
    call.resume()
    call.wait(1.0)
    assert len(call.got(TurnEnded)) == 1


@pytest.mark.parametrize("left", [0, 4])
def test_what_is_acknowledged_meanwhile_does_not_come_again(left: int) -> None:
    call = answering()
    last = call.last_seq
    call.lose_stream()
    assert call.session.detached
    sent = len(call.sent)
    call.reading = False
    call.resume(last - 10)
    assert not call.session.detached
    call.receive(ev.AckReceived(last - left, 0, None))
    call.read()
    assert [send.seq for send in sent_since(call, sent) if send.again] == list(range(last - left + 1, last + 1))


@pytest.mark.parametrize("window", [0, 9_600], ids=["no window", "a window"])
def test_whoever_ends_the_input_gets_the_rest_and_need_not_acknowledge_it(window: int) -> None:
    call = answering(replace(LASTING, max_unacked_bytes=window), seconds=20.0)
    call.report_heard(1, 1.0)
    call.receive(ev.InputEnded())
    call.wait(30.0)
    assert call.did(Detached) == []
    [ended] = call.got(TurnEnded)
    assert ended.reason is EndReason.COMPLETED
    assert ended.heard == pytest.approx(20.0)
    [closed] = call.got(Closed)
    assert closed.reason is CloseReason.COMPLETED


@pytest.mark.parametrize(
    ("said", "model"),
    # The second takes text for speech.
    [("audio", "gemini-3.8-live"), ("text", "gemini-3.1-flash-live-preview")],
)
def test_what_a_client_goes_on_with_is_a_part_of_an_activity_again_that_was_ended_for_it(said: str, model: str) -> None:
    call = pressing_and_gone_for(HOLD + 1.0, model)
    assert [action.started for action in call.did(SendActivity)] == [True, False]
    call.resume()
    if said == "audio":
        call.say(1.0)
    else:
        call.write("And another thing.")
    call.release()
    call.wait(3.0)
    assert [action.started for action in call.did(SendActivity)] == [True, False, True, False]


@pytest.mark.parametrize("away", [1.0, HOLD + 1.0], ids=["in time", "late"])
def test_a_client_that_had_finished_meanwhile_begins_nothing(away: float) -> None:
    call = pressing_and_gone_for(away)
    call.resume()
    call.release()
    call.wait(3.0)
    assert [action.started for action in call.did(SendActivity)] == [True, False]


def pressing_and_gone_for(seconds: float, model: str = "gemini-3.8-live") -> Conversation:
    """The user speaks, the client has said so, and its stream is gone for so long."""
    call = Conversation.opened(Options(model, input_format=TELEPHONE, mode=Mode.MANUAL, resume_window=60.0))
    call.press()
    call.say(1.0)
    call.lose_stream()
    call.wait(seconds)
    return call
