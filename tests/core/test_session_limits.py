"""A session's limits: how long it lasts, and how long nobody speaks."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import HangUp
from segue.core.options import Options
from segue.core.outputs import CloseReason, EndReason, Next
from tests.core.conversation import OPTIONS, Conversation

IMPATIENT = replace(OPTIONS, idle_timeout=5.0)


def test_a_session_ends_when_nobody_says_anything() -> None:
    call = Conversation.opened(IMPATIENT)
    at = call.now
    call.wait()
    closed = call.assert_closed(CloseReason.IDLE_TIMEOUT)
    assert (closed.next, closed.message) == (Next.OPEN_AGAIN, "nobody said anything for 5 s")
    assert call.now - at == 5.0
    assert call.did(HangUp) == [HangUp(1)]


def test_a_session_that_gets_no_link_ends_as_well() -> None:
    call = Conversation(IMPATIENT)
    call.open()
    call.wait()
    call.assert_closed(CloseReason.IDLE_TIMEOUT)


@pytest.mark.parametrize("options", [replace(OPTIONS, idle_timeout=60.0), replace(OPTIONS, max_duration=60.0)])
def test_a_session_that_gives_up_at_its_limit_closes_once(options: Options) -> None:
    # A link is waited for that long.
    call = Conversation(options)
    call.open()
    call.lose_link()
    call.wait()
    call.assert_closed(CloseReason.BACKEND_UNAVAILABLE)


def test_voice_keeps_a_session() -> None:
    call = Conversation.opened(IMPATIENT)
    call.say(8.0)
    call.assert_open()
    call.wait(4.9)
    call.assert_open()
    call.wait()
    call.assert_closed(CloseReason.IDLE_TIMEOUT)


def test_silence_keeps_no_session() -> None:
    call = Conversation.opened(IMPATIENT)
    call.say(5.02, voiced=False)
    call.assert_closed(CloseReason.IDLE_TIMEOUT)


@pytest.mark.parametrize("said", [ev.TextReceived(0, "hello"), ev.UserTranscribed(1, "hello")])
def test_words_keep_a_session(said: ev.Event) -> None:
    call = Conversation.opened(IMPATIENT)
    call.wait(4.0)
    call.receive(said)
    call.wait(4.0)
    call.assert_open()


def test_an_answer_that_plays_keeps_a_session() -> None:
    call = Conversation.opened(IMPATIENT)
    call.answer(20.0)
    call.complete()
    call.wait(24.9)
    call.assert_open()
    call.wait(0.2)
    call.assert_closed(CloseReason.IDLE_TIMEOUT)


def test_an_answer_that_the_client_got_ahead_of_time_keeps_a_session_while_it_plays() -> None:
    call = Conversation.opened(replace(IMPATIENT, unpaced=True))
    call.answer(20.0)
    call.complete()
    call.wait(24.9)
    call.assert_open()
    call.wait(0.2)
    call.assert_closed(CloseReason.IDLE_TIMEOUT)


def test_a_turn_that_was_cut_keeps_no_session() -> None:
    call = Conversation.opened(IMPATIENT)
    call.answer(20.0)
    call.interrupt()
    call.wait(5.1)
    call.assert_closed(CloseReason.IDLE_TIMEOUT)


def test_a_session_ends_when_it_has_lasted_as_long_as_it_may() -> None:
    call = Conversation.opened(replace(OPTIONS, max_duration=30.0))
    at = call.now
    call.answer(60.0)
    call.wait()
    closed = call.assert_closed(CloseReason.MAX_DURATION)
    assert (closed.next, closed.message) == (Next.OPEN_AGAIN, "max_duration of 30 s is over")
    assert call.now - at == 30.0
    assert call.assert_turn_ended(1).reason is EndReason.SESSION_CLOSED


def test_a_session_that_finishes_lasts_no_longer_either() -> None:
    call = Conversation.opened(replace(OPTIONS, max_duration=30.0))
    call.answer(60.0)
    call.end_input()
    call.wait()
    call.assert_closed(CloseReason.MAX_DURATION)


def test_a_session_that_waits_for_nothing_has_no_deadline() -> None:
    call = Conversation()
    assert call.session.deadline() == float("inf")
    call.open()
    assert call.session.deadline() == call.now + OPTIONS.idle_timeout
    call.receive(ev.StreamLost())
    assert call.session.deadline() == float("inf")
