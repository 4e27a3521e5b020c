"""A result and words that the model has at once: what comes first may answer the result alone."""

from dataclasses import replace

import pytest

from segue.core.actions import Sign, Wedged
from segue.core.options import Mode, Options
from segue.core.outputs import CutCause, TurnEnded
from tests.core.calling import FREE, WEATHER, acquainted
from tests.core.conversation import OTHER_VOICE, Conversation

MANUAL = replace(FREE, mode=Mode.MANUAL)


def reminded(options: Options = FREE) -> Conversation:
    """Return a conversation in which the model called for something that it does not wait for."""
    call = acquainted(options)
    call.write("Remind me.")
    call.answer(0.5, "I will.")
    call.call("c1", "remind")
    call.finish_generation()
    call.complete()
    call.wait(2.0)
    return call


def tell(call: Conversation) -> None:
    """Have the model speak of the result."""
    call.answer(0.5, "It is cold.")
    call.finish_generation()
    call.complete()


def finished(after: float, *, voiced: bool = True, reading: bool = True) -> Conversation:
    """Return one that gets the result in the middle of an activity, and speaks so long after its end."""
    call = reminded(MANUAL)
    call.press()
    call.say(1.0, voiced=voiced, sample=OTHER_VOICE)
    call.respond("c1", WEATHER)
    call.say(0.5, voiced=voiced, sample=OTHER_VOICE)
    call.release()
    call.wait(after)
    call.reading = reading
    tell(call)
    call.reading = True
    return call


@pytest.mark.parametrize(
    ("after", "voiced", "reading", "owed"),
    [(0.1, True, True, True), (0.1, True, False, True), (0.1, False, True, False), (0.4, True, True, False)],
)
def test_what_begins_as_the_user_finishes_is_the_answer_to_a_result(
    after: float, voiced: bool, reading: bool, owed: bool
) -> None:
    call = finished(after, voiced=voiced, reading=reading)
    call.go_away(50.0)
    call.hold()
    call.wait(3.0)
    # While an answer is awaited, links are not changed.
    assert (call.link == 1) is owed
    call.wait(6.0)
    assert call.did(Wedged) == ([Wedged(Sign.SILENCE)] if owed else [])
    call.link_up()
    call.wait(3.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(1.5 if owed else 0.0)
    assert (call.got(TurnEnded)[-1].first_audio_latency is None) is owed


def test_what_comes_behind_the_answer_to_a_result_answers_the_words_that_ended_before_it() -> None:
    call = finished(0.1)
    call.answer(0.5, "Of course.")
    call.finish_generation()
    call.complete()
    call.wait(12.0)
    assert [end.heard_text for end in call.got(TurnEnded)][-2:] == ["It is cold.", "Of course."]
    assert call.got(TurnEnded)[-1].first_audio_latency == pytest.approx(0.1)
    assert call.did(Wedged) == []
    call.lose_link()
    call.link_up()
    call.wait(3.0)
    assert call.given_seconds(2, OTHER_VOICE) == 0.0


def written(*, reading: bool = True, interrupted: bool = False) -> Conversation:
    """Return one that gets a text right after the result, and has spoken of the result."""
    call = reminded()
    call.respond("c1", WEATHER)
    call.wait(0.1)
    call.write("And a story.")
    call.wait(0.5)
    call.reading = reading
    if interrupted:
        call.answer(0.5, "It is ")
        call.wait(0.1)
        call.interrupt()
        call.complete()
    else:
        tell(call)
    call.reading = True
    call.wait(1.0)
    return call


@pytest.mark.parametrize("reading", [True, False])
def test_a_text_behind_a_result_is_owed_an_answer_where_the_model_makes_one_more_turn(reading: bool) -> None:
    call = written(reading=reading)
    # Nothing can be resumed while it makes one.
    call.hand_over("")
    call.wait(8.5)
    assert call.did(Wedged) == [Wedged(Sign.SILENCE)]
    call.link_up()
    call.wait(1.0)
    assert call.texts(2) == ["And a story."]


def test_a_text_behind_a_result_is_answered_once() -> None:
    call = written()
    call.hand_over("")
    call.wait(0.5)
    call.answer(0.5, "Once.")
    call.finish_generation()
    call.complete()
    call.hand_over("")
    call.wait(12.0)
    assert call.did(Wedged) == []
    call.lose_link()
    call.link_up()
    call.wait(3.0)
    assert call.texts(2) == []


def test_one_more_turn_that_is_empty_is_not_followed_by_yet_another_one() -> None:
    call = written()
    call.hand_over("")
    call.wait(0.5)
    call.complete()
    call.hand_over("")
    call.wait(12.0)
    assert call.did(Wedged) == []


def test_one_more_turn_can_be_interrupted_before_its_first_word() -> None:
    call = written()
    call.hand_over("")
    call.interrupted()
    call.complete()
    assert call.assert_interrupted(4).cause is CutCause.USER


def test_one_more_turn_answers_a_newer_text_where_there_is_one() -> None:
    call = written()
    call.write("A long one.")
    call.wait(0.2)
    call.hand_over("")
    call.lose_link()
    call.link_up()
    call.wait(1.0)
    assert call.texts(2) == ["A long one."]


@pytest.mark.parametrize("behind", [True, False])
def test_a_turn_that_answers_a_result_and_cannot_be_resumed_is_no_other_one(behind: bool) -> None:
    call = reminded()
    call.write("And a story.")
    if behind:
        call.wait(0.1)
        call.respond("c1", WEATHER)
        call.wait(0.5)
        tell(call)
        call.wait(0.5)
        call.hand_over("")
    else:
        call.respond("c1", WEATHER)
        call.wait(0.1)
        call.write("A long one.")
        call.wait(0.5)
        call.answer(0.5, "It is cold.")
        call.hand_over("")
        call.finish_generation()
        call.complete()
    call.wait(12.0)
    assert call.did(Wedged) == []


@pytest.mark.parametrize("what", ["nothing", "speech", "an interruption", "another link"])
def test_a_text_behind_a_result_is_answered_with_that_for_all_that_is_known(what: str) -> None:
    call = written(interrupted=what == "an interruption")
    match what:
        case "speech":
            # What the model makes now may answer this.
            call.say(0.1, sample=OTHER_VOICE)
            call.hand_over("")
        case "an interruption":
            assert call.assert_interrupted(3).cause is CutCause.CLIENT
            call.hand_over("")
        case "another link":
            call.lose_link()
            call.link_up()
            call.hand_over("")
    call.wait(12.0)
    assert call.did(Wedged) == []
