"""Calls that take too long: they fail in time, on whatever link, and a result that comes later is rejected."""

import json

import pytest

from segue.core.actions import Sign, Wedged
from segue.core.options import Options
from segue.core.outputs import CloseReason, EndReason, InputRejected, Rejection, ToolCallCancelled
from tests.core.conversation import OTHER_VOICE
from tests.core.waiting import BLOCKING, FREE, GATED, WEATHER, asked, last_rejection, speak


@pytest.mark.parametrize("options", [FREE, BLOCKING, GATED])
def test_a_call_that_takes_too_long_fails(options: Options) -> None:
    call = asked(options)
    call.wait(4.9)
    assert call.results() == []
    call.wait(0.2)
    assert call.got(ToolCallCancelled) == [ToolCallCancelled("c1", timed_out=True)]
    [failed] = call.results()
    assert (failed.call_id, failed.scheduling, failed.will_continue) == ("c1", None, False)
    assert json.loads(failed.response) == {"error": "the function did not answer within 5 s"}
    speak(call, "I could not find out.")
    assert call.assert_turn_ended(2).heard_text == "I could not find out."
    call.assert_open()


def test_a_result_that_comes_too_late_is_rejected() -> None:
    call = asked(BLOCKING)
    call.wait(5.1)
    call.respond("c1")
    reason, message = last_rejection(call)
    assert reason is Rejection.UNKNOWN_CALL
    assert "'c1'" in message
    assert "came too late" in message
    speak(call)
    call.respond("c1")
    assert len(call.got(InputRejected)) == 2
    assert len(call.results()) == 1


@pytest.mark.parametrize("name", ["book", "surprise"])
def test_a_call_has_30_seconds_unless_the_client_says_otherwise(name: str) -> None:
    call = asked(BLOCKING, name)
    call.wait(29.9)
    assert call.got(ToolCallCancelled) == []
    call.wait(0.2)
    assert call.got(ToolCallCancelled) == [ToolCallCancelled("c1", timed_out=True)]


def test_a_result_in_time_is_all_that_the_model_gets() -> None:
    call = asked(BLOCKING)
    call.wait(4.9)
    call.respond("c1", WEATHER)
    speak(call)
    call.wait(60.0)
    assert [result.response for result in call.results()] == [WEATHER]
    assert call.got(ToolCallCancelled) == []


def test_each_of_several_results_has_the_whole_time() -> None:
    call = asked(FREE)
    for _ in range(3):
        call.wait(4.0)
        call.respond("c1", '{"progress": 0.5}', will_continue=True)
    call.wait(4.9)
    assert call.got(ToolCallCancelled) == []
    call.wait(0.2)
    assert call.got(ToolCallCancelled) == [ToolCallCancelled("c1", timed_out=True)]
    assert not call.results()[-1].will_continue


def test_the_reply_to_a_failure_is_expected() -> None:
    call = asked(BLOCKING)
    call.wait(5.1 + 8.1)
    assert call.did(Wedged) == [Wedged(Sign.STOPPED)]


def test_the_time_of_a_call_runs_on_while_there_is_no_link() -> None:
    call = asked(BLOCKING)
    call.wait(0.1)
    call.hand_over("h2")
    call.wait(4.0)
    call.lose_link()
    call.wait(1.1)
    assert call.got(ToolCallCancelled) == [ToolCallCancelled("c1", timed_out=True)]
    assert call.results() == []
    call.link_up()
    assert [(result.link, result.call_id) for result in call.results()] == [(2, "c1")]


def test_a_call_keeps_its_deadline_over_a_recovery() -> None:
    call = asked(BLOCKING)
    call.wait(3.0)
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.wait(1.6)
    assert call.got(ToolCallCancelled) == []
    call.wait(0.2)
    assert call.got(ToolCallCancelled) == [ToolCallCancelled("c1", timed_out=True)]
    # This link knows nothing of the call.
    assert call.results() == []
    assert "did not answer within 5 s" in call.texts(2)[-1]


def test_a_call_that_failed_lifts_the_gate() -> None:
    call = asked(GATED)
    call.say(0.6, sample=OTHER_VOICE)
    assert call.given_seconds(sample=OTHER_VOICE) == 0.0
    call.wait(8.0)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)


def test_a_finishing_session_waits_for_no_call_longer_than_that() -> None:
    call = asked(BLOCKING)
    call.end_input()
    call.wait(5.1)
    speak(call, "I could not find out.")
    assert call.assert_turn_ended(2).reason is EndReason.COMPLETED
    call.assert_closed(CloseReason.COMPLETED)
