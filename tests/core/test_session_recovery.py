"""Recovery: a link that is lost is replaced, and the client notices nothing."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import Dial, InputReplayed, Outcome, Purpose, Recovered, SendText
from segue.core.options import FunctionDeclaration
from segue.core.outputs import CloseReason, CutCause, EndReason, Interrupted, Notice, NoticeKind
from tests.core.conversation import OPTIONS, acquainted, recover

# The client notices nothing.


def test_a_link_that_is_lost_between_turns_is_replaced_at_once_and_nothing_is_said() -> None:
    call = acquainted()
    before = len(call.outputs)
    call.lose_link()
    dial = call.did(Dial)[-1]
    assert (dial.link, dial.purpose, dial.hold, dial.setup.handle) == (2, Purpose.RECOVERY, False, "h1")
    call.wait(0.3)
    call.link_up()
    [recovered] = call.did(Recovered)
    assert (recovered.cause, recovered.outcome) == (ev.LossCause.TRANSIENT, Outcome.RESUMED)
    assert recovered.seconds == pytest.approx(0.3)
    assert call.outputs[before:] == []
    assert call.did(InputReplayed) == []
    call.exchange("What time is it?", "Noon.")
    assert call.assert_turn_ended(2).heard_text == "Noon."


def test_who_asks_for_it_is_told_of_a_recovery() -> None:
    call = acquainted(replace(OPTIONS, notices=True))
    recover(call)
    [notice] = call.got(Notice)
    assert notice.kind is NoticeKind.RECOVERED
    assert notice.took == pytest.approx(0.3)


def test_a_loss_after_generation_is_invisible() -> None:
    call = acquainted()
    call.write("Tell me a story.")
    call.answer(10.0, "A long story.")
    call.finish_generation()
    call.wait(2.0)
    recover(call)
    call.wait(20.0)
    assert call.heard(2) == pytest.approx(10.0)
    assert call.assert_turn_ended(2).reason is EndReason.COMPLETED
    assert call.got(Interrupted) == []
    # It was answered: nothing is asked again.
    assert call.texts() == ["Tell me a story."]


def test_a_link_that_is_lost_under_a_turn_that_was_cut_leaves_the_cut_as_it_was() -> None:
    call = acquainted()
    call.answer(10.0, "A long story.")
    call.wait(2.0)
    call.interrupt()
    recover(call)
    call.wait(5.0)
    assert call.assert_interrupted(2).cause is CutCause.CLIENT
    assert call.assert_turn_ended(2).reason is EndReason.INTERRUPTED
    assert call.texts() == []


def test_a_gate_does_not_outlive_its_link() -> None:
    call = acquainted()
    call.answer(10.0, "A long story.")
    call.wait(2.0)
    call.interrupt()
    recover(call)
    call.exchange("What time is it?", "Noon.")
    assert call.assert_turn_ended(3).heard_text == "Noon."
    assert call.heard(3) == pytest.approx(1.0)


# Sessions that are ending.


def test_a_half_closed_session_still_gets_its_answer_after_a_loss() -> None:
    call = acquainted()
    call.write("What time is it?")
    call.end_input()
    recover(call)
    assert call.texts(2) == ["What time is it?"]
    call.answer(1.0, "Noon.")
    call.finish_generation()
    call.complete()
    call.wait()
    assert call.assert_turn_ended(2).heard_text == "Noon."
    call.assert_closed(CloseReason.COMPLETED)


def test_a_client_that_vanishes_during_a_recovery_leaves_nothing() -> None:
    call = acquainted()
    call.lose_link()
    call.receive(ev.StreamLost())
    assert call.link == 0
    assert call.session.deadline() == float("inf")


def test_a_call_whose_link_was_lost_before_its_result_is_told_as_text() -> None:
    call = acquainted(replace(OPTIONS, functions=(FunctionDeclaration("weather"),)))
    call.write("What is the weather?")
    call.call("c1", "weather", '{"city": "Bonn"}')
    recover(call)
    call.respond("c1", '{"degrees": 7}')
    assert call.results() == []
    text = call.did(SendText)[-1].text
    assert '{"degrees": 7}' in text
