"""The quiet moment: a renewal waits until nobody speaks and nothing is owed."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import FalseInterruptionSeen, HangUp, SetUp
from segue.core.options import FunctionDeclaration
from segue.core.outputs import CutCause, EndReason, Interrupted
from tests.core.conversation import OPTIONS, voice
from tests.core.renewing import due


def test_a_quiet_moment_is_used() -> None:
    call = due()
    call.wait(3.0)
    at = call.now
    call.hold()
    call.wait(0.01)
    assert call.did(SetUp)[0].link == 2
    assert call.when(SetUp) == [pytest.approx(at, abs=0.011)]


def test_the_old_link_is_hung_up_before_the_next_one_is_set_up() -> None:
    call = due()
    call.hold()
    call.wait(2.0)
    order = [action for action in call.actions if isinstance(action, HangUp | SetUp)]
    assert [(type(action), action.link) for action in order] == [(HangUp, 1), (SetUp, 2)]


def test_the_next_link_is_not_set_up_before_it_is_held() -> None:
    call = due()
    call.wait(20.0)
    assert call.did(SetUp) == []
    assert call.did(HangUp) == []


def test_no_moment_is_quiet_until_a_second_after_the_users_voice() -> None:
    call = due()
    call.hold()
    call.receive(ev.AudioReceived(0, voice(0.02), voiced=True))
    spoke = call.now
    call.wait(40.0)
    [at] = call.when(SetUp)
    assert at - spoke >= 1.0


def test_no_moment_is_quiet_while_the_user_speaks() -> None:
    call = due()
    call.say(0.5)
    call.hold()
    call.say(10.0)
    assert call.did(SetUp) == []


def test_no_moment_is_quiet_while_a_reply_is_expected() -> None:
    call = due()
    call.write("And you?")
    call.hold()
    call.wait(5.0)
    assert call.did(SetUp) == []
    call.answer(1.0, "Me too.")
    call.finish_generation()
    call.complete()
    call.hand_over("h2")
    call.wait(0.05)
    assert call.setups[-1].setup.handle == "h2"


def test_no_moment_is_quiet_while_a_turn_is_being_made() -> None:
    call = due()
    call.answer(1.0, "By the way,")
    call.hold()
    call.wait(5.0)
    assert call.did(SetUp) == []


def test_a_turn_that_still_plays_and_is_complete_is_quiet_once_its_handle_came() -> None:
    call = due()
    call.hold()
    call.answer(10.0, "A story.")
    call.finish_generation()
    call.complete()
    assert call.did(SetUp) == []
    call.hand_over("h2")
    call.wait(0.01)
    assert call.setups[-1].setup.handle == "h2"
    call.link_up()
    call.wait(15.0)
    assert call.heard(2) == pytest.approx(10.0)
    assert call.assert_turn_ended(2).reason is EndReason.COMPLETED
    assert call.got(Interrupted) == []


def test_the_handle_of_a_turn_is_waited_for_a_second_at_most() -> None:
    call = due()
    call.answer(10.0, "A story.")
    call.hold()
    call.wait(0.5)
    call.finish_generation()
    call.complete()
    at = call.now
    call.wait(5.0)
    assert call.when(SetUp) == [pytest.approx(at + 1.0)]
    assert call.setups[-1].setup.handle == "h1"


@pytest.mark.parametrize("told", [True, False])
def test_no_moment_is_quiet_before_the_answer_to_a_text_that_interrupted_what_had_just_begun(told: bool) -> None:
    call = due()
    call.hold()
    call.write("And you?")
    call.wait(0.8)
    call.write("Hello?")
    call.wait(0.1)
    call.reading = told
    call.answer(0.4, "Me")
    call.wait(0.1)
    call.interrupted(by_sound=False)
    call.complete()
    call.reading = True
    call.wait(5.0)
    assert call.assert_interrupted(2).cause is CutCause.USER
    assert call.did(FalseInterruptionSeen) == []
    assert call.did(SetUp) == []
    call.answer(1.0, "Good day.")
    call.finish_generation()
    call.complete()
    call.wait(2.0)
    assert len(call.did(SetUp)) == 1


@pytest.mark.parametrize("blocking", [True, False])
def test_no_moment_is_quiet_while_a_call_waits_for_its_result(blocking: bool) -> None:
    call = due(replace(OPTIONS, functions=(FunctionDeclaration("weather", blocking=blocking),)))
    call.call("c1")
    call.complete()
    call.hold()
    call.wait(10.0)
    assert call.did(SetUp) == []


def test_no_moment_is_quiet_while_the_model_says_that_it_goes_on_working() -> None:
    call = due(replace(OPTIONS, model="gemini-3.8-live-extended-thinking"))
    call.hold()
    call.work(idle=False)
    call.wait(10.0)
    assert call.did(SetUp) == []
    call.work(idle=True)
    call.wait(2.0)
    assert len(call.did(SetUp)) == 1


def test_a_model_that_never_says_that_it_is_idle_again_is_waited_for_no_longer_than_it_may_work() -> None:
    call = due(replace(OPTIONS, model="gemini-3.8-live-extended-thinking"))
    call.work(idle=False)
    at = call.now
    call.write("And you?")
    call.wait(2.0)
    call.answer(1.0, "Me too.")
    call.finish_generation()
    # Nobody made a sound, and the end of the turn does not say that it was that of the work.
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(23.0)
    call.hold()
    call.wait(10.0)
    assert call.when(SetUp) == [pytest.approx(at + 30.0, abs=0.011)]
