"""A session finishes: what runs is finished, what is lost is said, and nothing remains."""

import pytest

from segue.core import events as ev
from segue.core.actions import End, HangUp, SendAudio
from segue.core.ending import REPLY_TIMEOUT
from segue.core.outputs import (
    Closed,
    CloseReason,
    CutCause,
    EndReason,
    InputAck,
    InputRejected,
    Interrupted,
    Next,
    Rejection,
    TurnEnded,
)
from segue.core.session import State
from tests.core.conversation import Conversation, voice


def answering() -> Conversation:
    """Return a conversation in which the model is 1 s into an answer of 3 s that the backend has not ended."""
    call = Conversation.opened()
    call.answer(3.0, "A short answer.")
    call.wait(1.0)
    return call


def test_a_half_closed_session_without_a_turn_closes_at_once() -> None:
    call = Conversation.opened()
    call.end_input()
    closed = call.assert_closed(CloseReason.COMPLETED)
    assert closed.next is Next.NONE
    assert call.did(HangUp) == [HangUp(1)]


def test_a_half_closed_session_plays_its_turn_to_the_end() -> None:
    call = answering()
    call.end_input()
    assert call.session.state is State.FINISHING
    call.complete()
    call.wait()
    assert call.heard(1) == pytest.approx(3.0)
    assert call.assert_turn_ended(1).reason is EndReason.COMPLETED
    call.assert_closed(CloseReason.COMPLETED)


def test_a_half_closed_session_waits_for_the_answer_to_the_last_words() -> None:
    call = Conversation.opened()
    call.say(1.0)
    call.end_input()
    call.wait(5.0)
    # The detector needs the silence that a client that ended its input no longer sends.
    assert len(call.did(SendAudio)) > 60
    call.answer(1.0)
    call.complete()
    call.wait()
    assert call.heard(1) == pytest.approx(1.0)
    call.assert_closed(CloseReason.COMPLETED)


def test_a_half_closed_session_that_gets_no_answer_on_any_link_says_so() -> None:
    call = Conversation.opened()
    call.write("hello")
    call.end_input()
    at = call.now
    for link in (2, 3):
        call.wait(9.0)
        assert call.link == link
        call.link_up()
    call.wait()
    call.assert_closed(CloseReason.BACKEND_WEDGED)
    assert call.texts() == ["hello"] * 3
    assert call.now - at < 30.0


def test_a_half_closed_session_waits_only_so_long_for_an_answer_that_nobody_owes() -> None:
    call = Conversation.opened()
    call.say(0.2)
    call.end_input()
    at = call.now
    call.wait()
    call.assert_closed(CloseReason.COMPLETED)
    assert call.now - at == pytest.approx(REPLY_TIMEOUT)


def test_a_turn_that_was_generated_and_that_nobody_ends_is_over_some_time_after_it_was_played() -> None:
    call = answering()
    call.finish_generation()
    call.end_input()
    at = call.now
    call.wait()
    assert call.heard(1) == pytest.approx(3.0)
    assert call.assert_turn_ended(1).reason is EndReason.COMPLETED
    call.assert_closed(CloseReason.COMPLETED)
    assert call.now - at == pytest.approx(2.0 + 8.0, abs=0.1)


def test_a_turn_that_stops_is_gone_on_with_before_a_half_closed_session_ends() -> None:
    call = answering()
    call.end_input()
    call.wait(11.0)
    call.link_up()
    call.answer(1.0, "Here is the rest.")
    call.finish_generation()
    call.complete()
    call.wait()
    assert call.assert_turn_ended(2).heard_text == "Here is the rest."
    call.assert_closed(CloseReason.COMPLETED)


def test_a_session_that_is_half_closed_before_its_link_is_up_still_answers() -> None:
    call = Conversation()
    call.open()
    call.write("hello")
    call.end_input()
    call.wait(60.0)
    call.link_up()
    assert call.given() == ["hello"]
    call.answer(1.0)
    call.complete()
    call.wait()
    assert call.heard(1) == pytest.approx(1.0)
    call.assert_closed(CloseReason.COMPLETED)


def test_a_session_that_is_half_closed_and_never_gets_its_link_says_why() -> None:
    call = Conversation()
    call.open()
    call.end_input()
    while call.link:
        call.lose_link(ev.LossCause.UNAVAILABLE)
        call.wait(1.0)
    call.assert_closed(CloseReason.BACKEND_UNAVAILABLE)


def test_a_finishing_session_tells_late_audio_once_and_late_text_each_time() -> None:
    call = answering()
    call.end_input()
    for _ in range(3):
        call.receive(ev.AudioReceived(0, voice(0.02), True))
    call.write("more")
    call.write("and more")
    assert [rejected.reason for rejected in call.got(InputRejected)] == [Rejection.ENDING] * 3
    assert call.given() == []
    assert call.dropped("ending") == pytest.approx(0.06)


def test_a_finishing_session_drops_what_it_had_before_and_closes_on_a_gap() -> None:
    call = Conversation()
    call.open(seq=1)
    call.link_up()
    call.answer(1.0)
    call.end_input()
    call.receive(ev.AudioReceived(1, voice(0.02), True))
    assert call.got(InputRejected) == []
    call.receive(ev.TextReceived(9, "more"))
    call.assert_closed(CloseReason.INPUT_GAP)


def test_a_finishing_session_can_be_interrupted() -> None:
    call = answering()
    call.end_input()
    call.interrupt()
    call.wait()
    assert call.assert_interrupted(1).cause is CutCause.CLIENT
    call.assert_turn_ended(1)
    call.assert_closed(CloseReason.COMPLETED)


def test_a_close_that_asks_for_it_finishes_the_turn() -> None:
    call = answering()
    call.receive(ev.CloseReceived(0, True))
    call.complete()
    call.wait()
    assert call.assert_turn_ended(1).reason is EndReason.COMPLETED
    call.assert_closed(CloseReason.COMPLETED)


def test_a_close_that_does_not_ask_for_it_ends_everything_at_once() -> None:
    call = answering()
    call.receive(ev.CloseReceived(0, False))
    ended = call.assert_turn_ended(1)
    assert ended.reason is EndReason.SESSION_CLOSED
    assert ended.heard == pytest.approx(1.0)
    closed = call.assert_closed(CloseReason.COMPLETED)
    assert call.did(HangUp) == [HangUp(1)]
    assert closed.totals is not None
    assert closed.totals.input_audio == 0.0


def test_a_close_says_the_end_of_a_turn_that_was_cut() -> None:
    call = answering()
    call.interrupt()
    call.receive(ev.CloseReceived(0, False))
    assert call.assert_turn_ended(1).reason is EndReason.INTERRUPTED
    call.assert_closed(CloseReason.COMPLETED)


def test_what_is_to_be_acknowledged_is_acknowledged_before_the_close() -> None:
    call = Conversation()
    call.open(seq=1)
    call.link_up()
    call.receive(ev.CloseReceived(2, False))
    assert call.got(InputAck) == [InputAck(2)]
    call.assert_closed(CloseReason.COMPLETED)


def test_nothing_is_acknowledged_after_the_close() -> None:
    call = Conversation()
    call.open(seq=1)
    call.link_up()
    call.reading = False
    call.receive(ev.CloseReceived(2, False))
    call.wait(5.0)
    call.reading = True
    call.read()
    call.assert_closed(CloseReason.COMPLETED)


def test_a_server_that_goes_down_finishes_the_turn_and_asks_to_open_again() -> None:
    call = answering()
    call.receive(ev.ShutdownRequested())
    call.complete()
    call.wait()
    call.assert_turn_ended(1)
    assert call.assert_closed(CloseReason.SHUTTING_DOWN).next is Next.OPEN_AGAIN


def test_a_used_up_quota_lets_the_turn_finish_and_says_when_there_is_more() -> None:
    call = answering()
    call.receive(ev.QuotaReached(Closed(CloseReason.QUOTA, "no more today", Next.OPEN_AGAIN, retry_delay=60.0)))
    call.complete()
    call.wait()
    call.assert_turn_ended(1)
    closed = call.assert_closed(CloseReason.QUOTA)
    assert (closed.message, closed.next, closed.retry_delay) == ("no more today", Next.OPEN_AGAIN, 60.0)
    assert closed.totals is not None


def test_a_session_that_was_ending_ends_of_what_first_made_it_end() -> None:
    call = answering()
    call.end_input()
    call.receive(ev.ShutdownRequested())
    call.complete()
    call.wait()
    assert call.assert_closed(CloseReason.COMPLETED).next is Next.NONE


# No other link can be had.


def test_a_turn_that_no_other_link_can_continue_plays_to_where_it_broke_off() -> None:
    call = answering()
    call.lose_link(ev.LossCause.CREDENTIALS)
    assert call.session.state is State.FINISHING
    call.wait()
    assert call.heard(1) == pytest.approx(3.0)
    ended = call.assert_turn_ended(1)
    assert (ended.reason, ended.heard_text) == (EndReason.LINK_LOST, "A short answer.")
    assert call.got(Interrupted) == []
    assert call.assert_closed(CloseReason.BACKEND_CREDENTIALS).next is Next.NONE
    assert call.did(HangUp) == []


def test_a_turn_that_was_generated_when_no_other_link_can_be_had_loses_nothing() -> None:
    call = answering()
    call.finish_generation()
    call.lose_link(ev.LossCause.CREDENTIALS)
    call.wait()
    assert call.heard(1) == pytest.approx(3.0)
    assert call.assert_turn_ended(1).reason is EndReason.COMPLETED
    call.assert_closed(CloseReason.BACKEND_CREDENTIALS)


def test_a_turn_that_was_cut_when_no_other_link_can_be_had_ends_as_interrupted() -> None:
    call = answering()
    call.interrupt()
    call.lose_link(ev.LossCause.CREDENTIALS)
    call.wait()
    assert call.assert_turn_ended(1).reason is EndReason.INTERRUPTED
    call.assert_closed(CloseReason.BACKEND_CREDENTIALS)


def test_between_turns_a_session_that_can_have_no_other_link_closes_at_once() -> None:
    call = Conversation.opened()
    call.lose_link(ev.LossCause.CREDENTIALS)
    call.assert_closed(CloseReason.BACKEND_CREDENTIALS)


def test_a_session_that_can_have_no_other_link_takes_no_more_input() -> None:
    call = answering()
    call.lose_link(ev.LossCause.CREDENTIALS)
    call.write("hello?")
    assert [rejected.reason for rejected in call.got(InputRejected)] == [Rejection.ENDING]
    assert call.given() == []


def test_a_call_that_is_under_way_when_no_other_link_can_be_had_ends_with_its_turn() -> None:
    call = Conversation.opened()
    call.call("c1")
    call.lose_link(ev.LossCause.CREDENTIALS)
    call.wait()
    assert call.assert_turn_ended(1).reason is EndReason.LINK_LOST
    call.assert_closed(CloseReason.BACKEND_CREDENTIALS)


def test_an_ending_session_that_loses_nothing_with_its_link_ends_as_it_would_have() -> None:
    call = answering()
    call.end_input()
    call.finish_generation()
    call.lose_link(ev.LossCause.CREDENTIALS)
    call.wait()
    assert call.assert_turn_ended(1).reason is EndReason.COMPLETED
    call.assert_closed(CloseReason.COMPLETED)


@pytest.mark.parametrize("words", ["", "And then?"])
def test_an_ending_session_that_loses_its_answer_with_its_link_says_so(words: str) -> None:
    call = Conversation.opened()
    if words:
        call.write(words)
    else:
        call.answer(1.0)
    call.end_input()
    call.lose_link(ev.LossCause.CREDENTIALS)
    call.wait()
    call.assert_closed(CloseReason.BACKEND_CREDENTIALS)


def test_a_half_close_after_a_lost_link_does_not_hide_the_loss() -> None:
    call = answering()
    call.lose_link(ev.LossCause.CREDENTIALS)
    call.end_input()
    call.wait()
    call.assert_closed(CloseReason.BACKEND_CREDENTIALS)


def test_a_client_that_vanishes_in_mid_turn_leaves_nothing() -> None:
    call = answering()
    assert call.receive(ev.StreamLost()) == [HangUp(1), End()]
    assert call.session.state is State.ENDED
    call.complete()
    call.wait()
    assert call.actions[-1] == End()


def test_a_client_that_vanishes_before_it_read_the_close_leaves_nothing() -> None:
    call = answering()
    call.reading = False
    call.receive(ev.CloseReceived(0, False))
    assert call.session.state is State.CLOSING
    [ended] = call.receive(ev.StreamLost())
    assert isinstance(ended, End)
    assert ended.closed is not None
    assert ended.closed.reason is CloseReason.COMPLETED


def test_a_session_ends_when_its_last_output_was_read() -> None:
    call = answering()
    call.reading = False
    call.receive(ev.CloseReceived(0, False))
    assert call.did(End) == []
    call.read(max_events=1)
    assert (call.got(TurnEnded) != [], call.did(End)) == (True, [])
    call.read(max_events=1)
    call.assert_closed(CloseReason.COMPLETED)


def test_a_turn_that_waits_when_the_session_closes_was_not_heard() -> None:
    call = answering()
    call.complete()
    call.answer(2.0, "More.")
    call.receive(ev.CloseReceived(0, False))
    assert call.assert_turn_ended(1).heard == pytest.approx(1.0)
    assert call.assert_turn_ended(2).heard == 0.0
    assert call.got(Interrupted) == []
