"""The window: how much audio is on its way to a client that acknowledges."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.outputs import Audio, CloseReason, Transcript
from tests.core.conversation import OPTIONS, Conversation

# A frame has 1920 bytes: four of them fit.
LIMITED = replace(OPTIONS, max_unacked_bytes=4 * 1920 + 1919, unpaced=True)


def audio_of(call: Conversation) -> int:
    return len(call.got(Audio))


def acknowledge(call: Conversation, seq: int | None = None) -> None:
    call.receive(ev.AckReceived(max((send.seq for _, send in call.sent), default=0) if seq is None else seq, 0, None))


def test_a_client_that_never_acknowledges_is_not_limited() -> None:
    call = Conversation.opened(LIMITED)
    call.answer(2.0)
    assert audio_of(call) == 50


def test_no_limit_is_none() -> None:
    call = Conversation.opened(replace(LIMITED, max_unacked_bytes=0))
    acknowledge(call)
    call.answer(2.0)
    acknowledge(call)
    assert audio_of(call) == 50


def test_from_the_first_acknowledgement_on_no_more_is_released_than_fits() -> None:
    call = Conversation.opened(LIMITED)
    acknowledge(call)
    call.answer(2.0, "Words.")
    assert audio_of(call) == 4
    call.wait(5.0)
    assert audio_of(call) == 4
    acknowledge(call)
    assert audio_of(call) == 8
    # What was acknowledged before says nothing new.
    acknowledge(call, 1)
    assert audio_of(call) == 8


def test_so_much_is_released_as_was_acknowledged() -> None:
    call = Conversation.opened(LIMITED)
    acknowledge(call)
    call.answer(2.0)
    acknowledge(call, call.sent[-1][1].seq - 1)
    assert audio_of(call) == 7


def test_what_was_released_before_the_first_acknowledgement_fills_the_window_as_well() -> None:
    call = Conversation.opened(LIMITED)
    call.answer(2.0)
    released = call.sent[-1][1].seq
    acknowledge(call, 1)
    call.answer(2.0)
    assert audio_of(call) == 50
    acknowledge(call, released - 4)
    assert audio_of(call) == 50
    acknowledge(call, released - 3)
    assert audio_of(call) == 51


def test_words_wait_behind_their_audio_and_what_is_urgent_does_not() -> None:
    call = Conversation.opened(LIMITED)
    acknowledge(call)
    call.answer(2.0, "Words.")
    assert call.got(Transcript) == []
    call.interrupt()
    assert call.assert_interrupted(1).heard == pytest.approx(0.0)
    call.wait(1.0)
    call.assert_turn_ended(1)


def test_a_client_that_stops_acknowledging_does_not_keep_a_session_from_ending() -> None:
    call = Conversation.opened(LIMITED)
    acknowledge(call)
    call.answer(2.0)
    call.finish_generation()
    call.complete()
    call.end_input()
    call.wait(60.0)
    call.assert_closed(CloseReason.COMPLETED)


def test_a_window_that_holds_no_audio_event_is_refused() -> None:
    call = Conversation(replace(OPTIONS, max_unacked_bytes=1919))
    call.open()
    closed = call.assert_closed(CloseReason.INVALID_OPEN)
    assert "has 1920" in closed.message
