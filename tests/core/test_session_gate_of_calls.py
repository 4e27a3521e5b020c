"""The gate of a turn in which the model called: what may still come of that, and what answers the user's next words."""

from dataclasses import replace

import pytest

from segue.core.options import FunctionDeclaration, Mode, Scheduling
from segue.core.outputs import Interrupted, ToolCall
from tests.core.calling import GATED, asked
from tests.core.conversation import OPTIONS, OTHER_VOICE, Conversation, telling
from tests.core.noting import note
from tests.core.waiting import BLOCKING, bridging

THINKING = replace(OPTIONS, model="gemini-3.8-live-extended-thinking", functions=(FunctionDeclaration("weather"),))


def moved_on(call: Conversation, number: int) -> float:
    """Have the user say something else, and the model speak at once. Returns how much of that the client got."""
    call.understand("And what time is it?")
    call.wait(0.5)
    call.answer(1.0, "Noon.")
    call.wait(1.0)
    return call.heard(number)


def test_the_gate_lifts_with_the_next_words_while_the_model_waits_for_the_result() -> None:
    call = Conversation.opened(THINKING)
    call.write("What is the weather in Bonn?")
    call.answer(0.8, "Let me look.")
    call.finish_generation()
    call.work(idle=False)
    call.wait(0.7)
    # It goes on behind this end, which is none.
    call.complete()
    call.call("c1")
    call.wait(1.0)
    call.interrupt()
    call.wait(1.0)
    call.write("Tell me a story.")
    call.wait(2.0)
    call.answer(2.0, "Once upon a time.")
    call.finish_generation()
    call.complete()
    call.work(idle=True)
    call.wait(3.0)
    assert [(cut.turn, cut.heard) for cut in call.got(Interrupted)] == [(1, 0.8)]
    assert call.heard(2) == pytest.approx(2.0)


@pytest.mark.parametrize("given", ["before", "after"])
@pytest.mark.parametrize("generated", ["before", "after"])
def test_the_gate_stays_for_what_a_result_brings(given: str, generated: str) -> None:
    call = telling()
    call.call("c1")
    if generated == "before":
        call.finish_generation()
    if given == "before":
        call.respond("c1")
    call.interrupt()
    if generated == "after":
        call.finish_generation()
    if given == "after":
        call.respond("c1")
    assert moved_on(call, 2) == 0.0


def test_the_gate_stays_for_what_an_interim_answer_brings() -> None:
    call = telling(bridging(BLOCKING))
    call.call("c1")
    call.finish_generation()
    call.wait(2.0)
    assert len(call.results()) == 1
    call.interrupt()
    assert moved_on(call, 2) == 0.0


def test_the_gate_stays_for_what_a_call_brings_that_it_muted() -> None:
    call = telling()
    call.interrupt()
    call.call("c1")
    call.finish_generation()
    assert len(call.results()) == 1
    assert moved_on(call, 2) == 0.0


def test_the_gate_does_not_stay_for_the_result_of_another_turn() -> None:
    call = Conversation.opened(THINKING)
    call.call("c1")
    call.wait(0.1)
    call.complete()
    call.answer(0.5, "By the way.")
    call.finish_generation()
    call.interrupt()
    call.respond("c1")
    assert call.got(ToolCall)[0].turn == 1
    assert moved_on(call, 3) == pytest.approx(1.0)


def test_a_call_comes_through_that_follows_the_next_words() -> None:
    call = telling()
    call.interrupt()
    call.answer(5.0, "They lived.")
    call.finish_generation()
    # The end of the turn never comes.
    call.wait(5.0)
    call.say(0.6, sample=OTHER_VOICE)
    call.wait(0.8)
    call.understand("What is the weather in Bonn?")
    call.wait(0.3)
    call.call("c1")
    call.wait(0.1)
    assert [output.turn for output in call.got(ToolCall)] == [2]
    call.respond("c1")
    call.answer(1.0, "It is cold.")
    call.complete()
    call.wait(3.0)
    assert call.heard(2) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("scheduling", "blocking", "lifts"),
    [(None, False, True), (Scheduling.INTERRUPT, False, False), (None, True, False)],
)
def test_the_gate_lifts_for_words_that_the_model_had_before_a_result_that_it_does_not_wait_for(
    scheduling: Scheduling | None, blocking: bool, lifts: bool
) -> None:
    call = Conversation.opened(replace(OPTIONS, functions=(FunctionDeclaration("weather", blocking=blocking),)))
    call.write("What is the weather in Bonn?")
    call.answer(0.8, "Let me look.")
    call.call("c1")
    call.finish_generation()
    call.wait(1.0)
    call.interrupt()
    call.wait(0.5)
    call.write("What time is it?")
    call.wait(0.2)
    call.respond("c1", scheduling=scheduling)
    call.wait(0.3)
    call.answer(1.0, "Noon.")
    call.wait(2.0)
    assert call.heard(2) == (pytest.approx(1.0) if lifts else 0.0)


def test_the_gate_lifts_for_the_answer_to_what_a_call_held_back_until_its_turn_was_cut() -> None:
    call = asked(replace(GATED, mode=Mode.MANUAL))
    note(call, "The parcel has come.", answer=True)
    call.press()
    call.say(0.2)
    call.respond("c1")
    call.interrupted()
    # The end of the turn never comes.
    call.wait(0.5)
    assert "The parcel has come." in call.texts()[-1]
    call.answer(1.0, "It has come.")
    call.wait(2.0)
    assert [cut.turn for cut in call.got(Interrupted)] == [2]
    assert call.heard(3) == pytest.approx(1.0)


def test_the_gate_stays_for_what_was_on_its_way_when_a_text_went_that_a_call_had_held_back() -> None:
    call = asked(replace(GATED, mode=Mode.MANUAL))
    note(call, "The parcel has come.", answer=True)
    call.press()
    call.respond("c1")
    call.answer(1.0, "It is warm.")
    call.wait(2.0)
    assert call.heard(3) == 0.0
