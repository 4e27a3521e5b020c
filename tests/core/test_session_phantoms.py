"""Phantom interruptions, which nobody made, and false ones, which were made by a sound without words."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import FalseInterruptionSeen, PhantomSeen
from segue.core.outputs import CloseReason, CutCause, EndReason, Interrupted, Notice, NoticeKind
from segue.core.policy import FalseInterruption, Policy
from tests.core.conversation import OPTIONS, Conversation, voice

CONTINUE = Policy(false_interruption=FalseInterruption.CONTINUE)
WAIT = Policy(false_interruption=FalseInterruption.WAIT)
DOUBT = 1.5


def acquainted(policy: Policy = CONTINUE) -> Conversation:
    call = Conversation.opened(OPTIONS, policy)
    call.exchange("How are you?", "Fine.")
    call.wait(3.0)
    return call


def telling(*, generated: bool = False, policy: Policy = CONTINUE) -> Conversation:
    """Return a conversation in which the model is 1 s into four sentences of 2 s."""
    call = acquainted(policy)
    for words in ("There was a king. ", "He was old. ", "He had a dog. ", "It was old, too."):
        call.answer(2.0, words)
    if generated:
        call.finish_generation()
    call.wait(1.0)
    return call


# A phantom.


def test_an_interruption_that_nobody_made_is_a_phantom_after_a_second_and_a_half() -> None:
    call = telling()
    begin = call.now
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(DOUBT - 0.01)
    assert call.did(PhantomSeen) == []
    assert call.got(Interrupted) == []
    call.wait(0.02)
    assert call.did(PhantomSeen) == [PhantomSeen(cut=True)]
    assert call.when(PhantomSeen) == [pytest.approx(begin + DOUBT)]


def test_a_turn_that_was_complete_plays_on_through_a_phantom() -> None:
    call = telling(generated=True)
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(20.0)
    assert call.did(PhantomSeen) == [PhantomSeen(cut=False)]
    assert call.got(Interrupted) == []
    assert call.heard(2) == pytest.approx(8.0)
    assert call.assert_turn_ended(2).reason is EndReason.COMPLETED
    assert call.texts() == []


def test_a_turn_that_a_phantom_cut_breaks_off_at_a_sentence_and_goes_on_in_a_new_turn() -> None:
    call = telling()
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(2.0)
    [request] = call.texts()
    call.answer(2.0, "Both were happy.")
    call.finish_generation()
    call.complete()
    call.wait(20.0)
    cut = call.assert_interrupted(2)
    assert cut.cause is CutCause.PHANTOM
    assert cut.heard_text.endswith(". ")
    assert cut.heard_text + cut.unheard_text == "There was a king. He was old. He had a dog. It was old, too."
    assert call.assert_turn_ended(2).reason is EndReason.INTERRUPTED
    assert call.assert_turn_ended(3).heard_text == "Both were happy."
    assert cut.heard_text.strip() in request


def test_a_turn_plays_on_while_it_is_in_doubt() -> None:
    call = telling()
    heard = call.heard(2)
    call.interrupted(by_sound=False)
    call.wait(1.0)
    assert call.heard(2) == pytest.approx(heard + 1.0, abs=0.2)


def test_a_phantom_between_turns_costs_nothing() -> None:
    call = acquainted()
    call.wait(3.0)
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(3.0)
    assert call.did(PhantomSeen) == [PhantomSeen(cut=False)]
    assert call.got(Interrupted) == []
    assert call.texts() == []
    call.exchange("What time is it?", "Noon.")
    assert call.assert_turn_ended(2).heard_text == "Noon."


def test_a_turn_that_nobody_interrupted_is_asked_for_its_rest_once() -> None:
    call = telling()
    call.interrupted(by_sound=False)
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(10.0)
    assert len(call.texts()) == 1
    assert call.did(PhantomSeen) == [PhantomSeen(cut=True)]


def test_who_asks_for_it_is_told_of_a_phantom() -> None:
    call = Conversation.opened(replace(OPTIONS, notices=True))
    call.answer(5.0, "A story.")
    call.finish_generation()
    call.wait(1.0)
    call.interrupted(by_sound=False)
    call.wait(2.0)
    assert [notice.kind for notice in call.got(Notice)] == [NoticeKind.PHANTOM_INTERRUPT]


# In doubt, an interruption is real.


@pytest.mark.parametrize(
    "evidence",
    [
        ev.AudioReceived(0, voice(0.02), True),
        ev.UserActivityDetected(1, True),
        ev.UserTranscribed(1, "Stop."),
        ev.TextReceived(0, "Stop."),
    ],
)
def test_evidence_since_the_turn_began_makes_an_interruption_real(evidence: ev.Event) -> None:
    call = telling(generated=True)
    call.receive(evidence)
    call.wait(0.5)
    call.interrupted(by_sound=False)
    assert call.assert_interrupted(2).cause is CutCause.USER
    call.wait(1.0)
    assert call.did(PhantomSeen) == []


@pytest.mark.parametrize("late", [0.0, 1.4])
@pytest.mark.parametrize(
    "evidence",
    [
        ev.AudioReceived(0, voice(0.02), True),
        ev.UserActivityDetected(1, True),
        ev.UserTranscribed(1, "Stop."),
        ev.TextReceived(0, "Stop."),
    ],
)
def test_evidence_within_a_second_and_a_half_makes_an_interruption_real_after_all(
    evidence: ev.Event, late: float
) -> None:
    call = telling(generated=True)
    call.interrupted(by_sound=False)
    call.wait(late)
    call.receive(evidence)
    assert call.assert_interrupted(2).cause is CutCause.USER
    call.wait(1.5)
    assert call.did(PhantomSeen) == []


def test_what_the_client_stops_meanwhile_was_stopped_by_the_client() -> None:
    call = telling(generated=True)
    call.interrupted(by_sound=False)
    call.wait(0.5)
    call.interrupt()
    call.wait(3.0)
    assert call.assert_interrupted(2).cause is CutCause.CLIENT
    assert call.did(PhantomSeen) == []


def test_noise_below_the_floor_is_no_evidence() -> None:
    call = telling(generated=True)
    call.receive(ev.AudioReceived(0, voice(0.02), voiced=False))
    call.interrupted(by_sound=False)
    call.wait(2.0)
    assert call.did(PhantomSeen) == [PhantomSeen(cut=False)]


@pytest.mark.parametrize(("before", "phantom"), [(0.2, False), (0.3, True)])
def test_a_sound_shortly_before_a_turn_began_may_have_interrupted_it(before: float, phantom: bool) -> None:
    call = acquainted()
    call.receive(ev.AudioReceived(0, voice(0.02), True))
    call.wait(before)
    call.answer(8.0, "There was a king.")
    call.finish_generation()
    call.wait(1.0)
    call.interrupted(by_sound=False)
    call.wait(2.0)
    assert (call.did(PhantomSeen) != []) is phantom


@pytest.mark.parametrize(("later", "phantom"), [(0.1, False), (0.3, True)])
def test_what_came_right_before_an_interruption_may_have_made_it_though_a_turn_began_since(
    later: float, phantom: bool
) -> None:
    call = acquainted()
    call.write("Tell me a story.")
    call.wait(1.0)
    call.write("What time is it?")
    # The story had begun when that arrived, over a slow network.
    call.wait(0.3)
    call.answer(0.25, "There was ")
    call.wait(later)
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(2.0)
    assert (call.did(PhantomSeen) != []) is phantom


def test_the_words_that_a_turn_answers_are_no_evidence_against_it() -> None:
    call = acquainted()
    call.say(0.6)
    call.understand("Tell me a story.")
    call.wait(1.0)
    call.answer(8.0, "There was a king.")
    call.finish_generation()
    call.wait(1.0)
    call.interrupted(by_sound=False)
    call.wait(2.0)
    assert call.did(PhantomSeen) == [PhantomSeen(cut=False)]


def test_a_new_turn_makes_an_interruption_real_after_all() -> None:
    call = telling(generated=True)
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(0.5)
    # The model answers what nobody else has heard.
    call.answer(1.0, "Yes?")
    call.finish_generation()
    call.complete()
    call.wait(5.0)
    assert call.assert_interrupted(2).cause is CutCause.USER
    assert call.assert_turn_ended(3).heard_text == "Yes?"
    assert call.did(PhantomSeen) == []


def test_a_reply_that_was_expected_and_is_taken_back_by_nobody_is_still_expected() -> None:
    call = acquainted()
    call.write("Tell me a story.")
    call.wait(0.5)
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(12.0)
    # The text was evidence: it came after the last turn.
    assert call.did(PhantomSeen) == []


def test_a_session_that_closes_in_doubt_ends_its_turn() -> None:
    call = telling()
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(0.5)
    call.receive(ev.CloseReceived(0, False))
    call.assert_turn_ended(2)
    call.assert_closed(CloseReason.COMPLETED)


def test_a_session_that_finishes_waits_for_what_a_phantom_cut() -> None:
    call = telling()
    call.end_input()
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(3.0)
    assert len(call.texts()) == 1
    call.answer(1.0, "Both were happy.")
    call.finish_generation()
    call.complete()
    call.wait()
    assert call.assert_turn_ended(3).heard_text == "Both were happy."
    call.assert_closed(CloseReason.COMPLETED)


def test_a_link_that_is_lost_in_doubt_makes_the_interruption_a_phantom() -> None:
    call = telling()
    call.interrupted(by_sound=False)
    call.wait(0.5)
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    assert len(call.texts(2)) == 1
    call.wait(10.0)
    call.assert_interrupted(2)


# A false interruption.


def test_a_sound_without_words_makes_the_model_go_on_two_seconds_later() -> None:
    call = telling()
    call.say(0.2)
    sounded = call.now
    call.interrupted(by_sound=False)
    call.complete()
    cut = call.assert_interrupted(2)
    assert cut.cause is CutCause.USER
    assert call.texts() == []
    call.wait(10.0)
    assert call.did(FalseInterruptionSeen) == [FalseInterruptionSeen(continued=True)]
    assert call.when(FalseInterruptionSeen) == [pytest.approx(sounded + 2.0, abs=0.1)]
    [request] = call.texts()
    assert "He was old." in request
    assert cut.heard_text.strip() in request or not cut.heard_text


def test_the_rest_after_a_false_interruption_is_a_new_turn() -> None:
    call = telling()
    call.say(0.2)
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(3.0)
    call.answer(2.0, "He was old, as I said.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.assert_turn_ended(2).reason is EndReason.INTERRUPTED
    assert call.assert_turn_ended(3).heard_text == "He was old, as I said."


@pytest.mark.parametrize("words", [ev.UserTranscribed(1, "Stop."), ev.TextReceived(0, "Stop.")])
def test_words_make_an_interruption_no_false_one(words: ev.Event) -> None:
    call = telling()
    call.say(0.2)
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(1.5)
    call.receive(words)
    call.wait(3.0)
    assert call.did(FalseInterruptionSeen) == []


def test_a_sound_of_300_ms_is_taken_for_words() -> None:
    call = telling()
    call.say(0.3)
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(3.0)
    assert call.did(FalseInterruptionSeen) == []
    assert [text for text in call.texts() if "king" in text] == []


def test_a_sound_that_goes_on_into_words_makes_it_no_false_one() -> None:
    call = telling()
    call.say(0.1)
    call.interrupted(by_sound=False)
    call.complete()
    call.say(0.3)
    call.wait(5.0)
    assert call.did(FalseInterruptionSeen) == []


def test_an_answer_makes_an_interruption_no_false_one() -> None:
    call = telling()
    call.say(0.2)
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(1.0)
    call.answer(1.0, "Yes?")
    call.finish_generation()
    call.complete()
    call.wait(5.0)
    assert call.did(FalseInterruptionSeen) == []
    assert call.texts() == []


def test_what_the_client_interrupts_is_never_false() -> None:
    call = telling()
    call.say(0.2)
    call.interrupt()
    call.complete()
    call.wait(5.0)
    assert call.did(FalseInterruptionSeen) == []


def test_a_turn_is_gone_on_with_once() -> None:
    call = telling()
    call.say(0.2)
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(3.0)
    call.say(0.2)
    call.wait(5.0)
    assert len(call.did(FalseInterruptionSeen)) == 1
    assert len(call.texts()) == 1


def test_nothing_is_gone_on_with_where_the_policy_waits_for_the_user() -> None:
    call = telling(policy=WAIT)
    call.say(0.2)
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(5.0)
    assert call.did(FalseInterruptionSeen) == [FalseInterruptionSeen(continued=False)]
    assert call.texts() == []


def test_a_turn_of_which_all_was_heard_needs_no_going_on() -> None:
    call = acquainted()
    call.answer(1.0, "Yes.")
    call.finish_generation()
    call.wait(0.9)
    call.say(0.2)
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(5.0)
    assert call.texts() == []


def test_a_false_interruption_that_shows_while_the_link_is_lost_is_gone_on_from_on_the_next_one() -> None:
    call = telling()
    call.say(0.2)
    call.interrupted(by_sound=False)
    call.complete()
    call.lose_link()
    call.wait(3.0)
    assert call.did(FalseInterruptionSeen) == [FalseInterruptionSeen(continued=True)]
    assert call.texts() == []
    call.link_up()
    [request] = call.texts(2)
    assert "He was old." in request


def test_who_asks_for_it_is_told_of_a_false_interruption() -> None:
    call = Conversation.opened(replace(OPTIONS, notices=True), CONTINUE)
    call.answer(8.0, "A story.")
    call.wait(1.0)
    call.say(0.2)
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(3.0)
    assert [notice.kind for notice in call.got(Notice)] == [NoticeKind.FALSE_INTERRUPTION]


def test_a_cough_between_turns_is_not_answered_and_not_gone_on_from() -> None:
    call = acquainted()
    call.say(0.2)
    call.wait(10.0)
    assert call.did(FalseInterruptionSeen) == []
    assert call.texts() == []
