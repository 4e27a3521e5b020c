"""What answers a result, and what answers the words beside it."""

from dataclasses import replace

import pytest

from segue.core.actions import Dial, OddKind, OddTurn
from segue.core.options import Scheduling
from segue.core.outputs import CutCause, EndReason, TurnEnded
from tests.core.calling import BLOCKING, FREE, FUNCTIONS, WEATHER, acquainted, asked
from tests.core.conversation import OPTIONS, OTHER_VOICE, recover

# This one calls behind the end of its turn, and says that it goes on.
THINKING = replace(OPTIONS, model="gemini-3.8-live-extended-thinking", functions=FUNCTIONS[:1])


@pytest.mark.parametrize(
    ("scheduling", "owed"), [(None, True), (Scheduling.WHEN_IDLE, True), (Scheduling.SILENT, False)]
)
def test_a_reply_is_expected_after_a_result_that_asks_for_one(scheduling: Scheduling | None, owed: bool) -> None:
    call = asked(BLOCKING)
    call.respond("c1", WEATHER, scheduling)
    if not owed:
        # The model has nothing to say, and says so.
        call.complete()
    call.wait(8.5)
    assert (call.did(Dial)[-1].link == 2) is owed


@pytest.mark.parametrize("scheduling", [None, Scheduling.WHEN_IDLE, Scheduling.SILENT])
def test_a_turn_that_did_not_wait_for_its_result_may_end_behind_it(scheduling: Scheduling | None) -> None:
    call = acquainted(FREE)
    call.write("Remind me.")
    call.call("c1", "remind")
    call.respond("c1", WEATHER, scheduling)
    call.wait(0.05)
    # The end of the turn that called was under way when the result came.
    call.complete()
    call.wait(0.5)
    assert len(call.results()) == 1
    assert call.texts() == ["Remind me."]
    assert call.did(OddTurn) == []


def test_a_turn_that_waited_for_its_result_and_does_not_speak_of_it_is_asked_again() -> None:
    call = asked(BLOCKING)
    call.respond("c1", WEATHER)
    call.wait(1.0)
    call.complete()
    call.wait(1.0)
    assert WEATHER in call.texts()[-1]
    assert call.did(OddTurn) == [OddTurn(OddKind.EMPTY)]
    call.answer(1.0, "It is cold.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.got(TurnEnded)[-1].heard_text == "It is cold."


def test_no_reply_is_expected_before_the_last_of_parallel_results() -> None:
    call = asked(BLOCKING)
    call.call("c2", "book")
    call.respond("c1")
    call.wait(20.0)
    assert len(call.did(Dial)) == 1
    call.respond("c2")
    call.wait(8.5)
    assert len(call.did(Dial)) == 2


def test_a_result_that_interrupts_a_turn_which_began_before_it_arrived_is_owed_an_answer_still() -> None:
    call = acquainted()
    call.write("What is the weather in Bonn?")
    call.answer(0.5, "Let me look.")
    call.call("c1")
    call.finish_generation()
    call.complete()
    call.hand_over("h2")
    call.wait(2.0)
    call.write("Tell me a story.")
    call.wait(1.0)
    call.respond("c1", WEATHER, Scheduling.INTERRUPT)
    # The story has begun when that arrives.
    call.wait(0.2)
    call.answer(0.25, "Once ")
    call.wait(0.1)
    call.interrupted(by_sound=False)
    call.complete()
    assert call.assert_interrupted(3).cause is CutCause.TOOL
    call.go_away(50.0)
    call.hold()
    call.wait(3.0)
    assert call.link == 1
    call.answer(0.5, "It is cold.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.assert_turn_ended(4).heard_text == "It is cold."
    assert call.link == 2


@pytest.mark.parametrize("ends_again", [False, True])
def test_a_call_behind_a_turn_that_is_interrupted_once_it_has_ended_is_no_part_of_it(ends_again: bool) -> None:
    call = acquainted(THINKING)
    call.write("What is the weather in Bonn?")
    call.answer(0.5, "Let me look.")
    call.finish_generation()
    call.work(idle=False)
    call.wait(0.4)
    call.complete()
    call.interrupted(by_sound=False)
    if ends_again:
        call.complete()
    call.call("c1")
    call.wait(0.5)
    call.respond("c1", WEATHER)
    call.answer(0.5, "It is cold.")
    call.finish_generation()
    call.complete()
    call.work(idle=True)
    call.wait(3.0)
    assert [result.response for result in call.results()] == [WEATHER]
    call.assert_interrupted(2)
    assert call.assert_turn_ended(3).heard_text == "It is cold."


def test_words_that_are_answered_while_a_call_behind_its_turn_is_under_way_are_answered() -> None:
    call = acquainted(THINKING)
    call.write("What is the weather in Bonn?")
    call.finish_generation()
    call.work(idle=False)
    call.complete()
    call.call("c1")
    call.wait(0.5)
    call.say(0.6, sample=OTHER_VOICE)
    call.understand("And in Ulm?")
    call.wait(1.0)
    call.answer(0.5, "Let me look.")
    call.wait(0.1)
    assert call.assert_turn_ended(2).reason is EndReason.COMPLETED
    assert call.heard(3) > 0.0
    call.lose_link()
    call.link_up()
    call.respond("c1")
    call.wait(2.0)
    assert OTHER_VOICE not in call.given_audio(2)
    # The result is told with what it was asked for, and with nothing that was said later.
    [result] = [text for text in call.texts(2) if WEATHER in text]
    assert "Bonn" in result
    assert "Ulm" not in result


def test_words_that_came_while_the_model_told_a_result_are_answered_in_the_turn_behind_it() -> None:
    call = acquainted(THINKING)
    call.write("What is the weather in Bonn?")
    call.finish_generation()
    call.work(idle=False)
    call.complete()
    call.call("c1")
    call.say(0.6, sample=OTHER_VOICE)
    call.respond("c1", WEATHER)
    call.say(0.3, sample=OTHER_VOICE)
    call.answer(0.5, "It is cold.")
    call.say(0.3, sample=OTHER_VOICE)
    call.finish_generation()
    call.wait(0.8)
    call.understand("And in Ulm?")
    # The model goes on, because it has heard that meanwhile.
    call.work(idle=False)
    call.complete()
    call.answer(0.5, "It is warm.")
    call.finish_generation()
    call.wait(0.6)
    assert call.assert_turn_ended(3).heard_text == "It is cold."
    assert call.heard(4) == pytest.approx(0.5)
    call.lose_link()
    call.link_up()
    call.wait(2.0)
    assert OTHER_VOICE not in call.given_audio(2)


def test_the_end_of_what_is_muted_behind_a_turn_whose_end_was_put_off_is_no_answer_to_the_words_that_cut_it() -> None:
    call = acquainted(THINKING)
    call.write("What is the weather in Bonn?")
    call.answer(0.5, "Let me look.")
    call.finish_generation()
    call.work(idle=False)
    call.complete()
    call.call("c1")
    call.wait(0.5)
    call.respond("c1", WEATHER)
    call.interrupt()
    call.say(0.6, sample=OTHER_VOICE)
    call.answer(0.5, "It is cold.")
    call.finish_generation()
    call.wait(1.5)
    call.work(idle=True)
    call.complete()
    assert call.did(OddTurn) == []
    # The words are owed an answer still.
    recover(call)
    call.wait(2.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(0.6)


def test_words_that_came_while_a_result_was_waited_for_are_answered_in_the_turn_behind_it() -> None:
    call = acquainted(THINKING)
    call.write("What is the weather in Bonn?")
    call.call("c1")
    call.say(0.6, sample=OTHER_VOICE)
    call.wait(0.5)
    call.respond("c1", WEATHER)
    call.answer(0.5, "It is cold.")
    call.finish_generation()
    call.wait(0.6)
    # The model goes on, because it has heard that meanwhile.
    call.work(idle=False)
    call.complete()
    call.answer(0.5, "It is warm.")
    call.finish_generation()
    call.wait(0.6)
    assert call.assert_turn_ended(2).heard_text == "It is cold."
    assert call.heard(3) == pytest.approx(0.5)
    call.lose_link()
    call.link_up()
    call.wait(2.0)
    assert OTHER_VOICE not in call.given_audio(2)


def test_an_answer_breaks_off_with_its_link_though_a_call_behind_the_turn_before_it_is_under_way() -> None:
    call = acquainted(THINKING)
    call.say(0.6)
    call.answer(0.3, "Let me look.")
    call.say(0.4, sample=OTHER_VOICE)
    call.finish_generation()
    call.work(idle=False)
    call.complete()
    call.call("c1")
    call.say(0.4, sample=OTHER_VOICE)
    call.wait(1.0)
    call.understand("And in Ulm?")
    call.answer(2.0, "It is warm. It will rain.")
    call.wait(0.5)
    call.lose_link()
    call.link_up()
    call.wait(3.0)
    assert call.assert_interrupted(4).cause is CutCause.RECOVERY
