"""Results that interrupt the model: what the client is told of it, and what is owed then."""

import pytest

from segue.core import events as ev
from segue.core.actions import Dial, PhantomSeen, SendText, SendToolResult, Sign, Wedged
from segue.core.options import Options, Scheduling
from segue.core.outputs import CutCause, Interrupted, TurnEnded
from tests.core.conversation import Conversation
from tests.core.waiting import BLOCKING, FREE, WEATHER, asked, put_off, speak


def telling(options: Options = FREE) -> Conversation:
    """Return a conversation in which the model tells something while a call is under way."""
    call = asked(options, "remind")
    call.answer(10.0, "Once upon a time.")
    call.wait(2.0)
    return call


def test_a_result_that_interrupts_the_model_is_the_cause_that_the_client_is_told() -> None:
    call = telling()
    call.respond("c1", WEATHER, Scheduling.INTERRUPT)
    call.wait(0.5)
    assert call.got(Interrupted) == []
    call.interrupted(by_sound=False)
    assert call.assert_interrupted(2).cause is CutCause.TOOL
    call.complete()
    speak(call)
    assert call.got(TurnEnded)[-1].heard_text == "It is cold."
    assert call.did(PhantomSeen) == []
    assert call.notes() == []
    # Nothing had interrupted but that: nobody is asked to go on.
    assert call.texts() == ["What is the weather in Bonn?"]


def test_the_answer_to_a_result_that_interrupted_is_watched() -> None:
    call = telling()
    call.respond("c1", WEATHER, Scheduling.INTERRUPT)
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(8.5)
    assert call.did(Wedged) == [Wedged(Sign.SILENCE)]


def test_an_interruption_long_after_the_result_has_another_cause() -> None:
    call = telling()
    call.respond("c1", WEATHER, Scheduling.INTERRUPT)
    call.wait(2.5)
    call.interrupted(by_sound=False)
    call.wait(2.0)
    assert call.did(PhantomSeen) == [PhantomSeen(cut=True)]


def test_a_user_who_speaks_after_the_result_is_who_interrupts() -> None:
    call = telling()
    call.respond("c1", WEATHER, Scheduling.INTERRUPT)
    call.wait(0.1)
    call.interrupted()
    assert call.assert_interrupted(2).cause is CutCause.USER


@pytest.mark.parametrize("scheduling", [None, Scheduling.WHEN_IDLE, Scheduling.SILENT])
def test_no_other_result_interrupts(scheduling: Scheduling | None) -> None:
    call = telling()
    call.respond("c1", WEATHER, scheduling)
    call.interrupted(by_sound=False)
    call.wait(2.0)
    assert call.did(PhantomSeen) == [PhantomSeen(cut=True)]


def test_a_model_that_waits_is_not_interrupted_by_what_it_waits_for() -> None:
    call = asked(BLOCKING)
    call.respond("c1", WEATHER, Scheduling.INTERRUPT)
    call.answer(10.0, "It is cold.")
    call.wait(1.0)
    call.interrupted(by_sound=False)
    call.wait(2.0)
    assert call.did(PhantomSeen) == [PhantomSeen(cut=True)]


def test_an_interruption_of_the_answer_to_a_result_has_another_cause() -> None:
    call = telling()
    call.respond("c1", WEATHER, Scheduling.INTERRUPT)
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(0.5)
    call.answer(10.0, "It is cold.")
    call.wait(1.0)
    call.interrupted(by_sound=False)
    call.wait(2.0)
    assert call.did(PhantomSeen) == [PhantomSeen(cut=True)]


def test_what_still_plays_is_interrupted_as_well() -> None:
    call = telling()
    call.finish_generation()
    call.complete()
    call.wait(1.0)
    call.respond("c1", WEATHER, Scheduling.INTERRUPT)
    assert call.assert_interrupted(2).cause is CutCause.TOOL
    # The backend may say so too: that is of nothing.
    call.interrupted(by_sound=False)
    call.complete()
    speak(call)
    assert call.got(TurnEnded)[-1].heard_text == "It is cold."
    assert len(call.got(Interrupted)) == 1
    assert call.did(PhantomSeen) == []


def test_a_result_that_interrupts_is_told_at_once_even_as_a_text() -> None:
    call = put_off()
    call.wait(0.5)
    call.respond("c1", WEATHER, Scheduling.INTERRUPT)
    assert WEATHER in call.texts()[-1]
    call.interrupted(by_sound=False)
    assert call.assert_interrupted(2).cause is CutCause.TOOL
    call.complete()
    speak(call)
    assert call.got(TurnEnded)[-1].heard_text == "It is cold."
    given = [type(action) for action in call.actions if isinstance(action, SendToolResult | SendText)]
    assert given == [SendText, SendToolResult, SendText]
    assert len(call.did(Dial)) == 1
    assert isinstance(call.receive(ev.Tick()), list)


def test_what_had_just_begun_when_a_result_was_told_is_interrupted_by_that() -> None:
    call = put_off()
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    call.respond("c1", WEATHER)
    assert WEATHER in call.texts()[-1]
    call.wait(0.1)
    call.answer(0.4, "By the way,")
    call.interrupted(by_sound=False)
    assert call.assert_interrupted(3).cause is CutCause.TOOL
    call.complete()
    call.wait(8.5)
    assert call.did(PhantomSeen) == []
    assert call.did(Wedged) == [Wedged(Sign.SILENCE)]


def test_a_result_that_was_told_and_not_answered_is_told_again_to_the_next_link() -> None:
    call = put_off()
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    call.hand_over("h2")
    call.respond("c1", WEATHER)
    assert WEATHER in call.texts(1)[-1]
    call.go_away(10.0)
    call.hold()
    call.wait(10.0)
    assert call.link == 2
    call.link_up()
    assert WEATHER in call.texts(2)[-1]
    call.answer(1.0, "It is cold.")
    assert call.did(Wedged) == []
