"""Tools: calls go to the client, results to the model, and what nobody waits for changes nothing."""

from dataclasses import replace

import pytest

from segue.core.actions import Dial, SendAudio, SendToolResult
from segue.core.options import Options, Scheduling
from segue.core.outputs import CloseReason, InputRejected, Rejection, ToolCall, ToolCallCancelled
from tests.core.calling import BLOCKING, FREE, FUNCTIONS, GATED, WEATHER, acquainted, asked
from tests.core.conversation import OPTIONS, OTHER_VOICE, Conversation, recover

THINKING = replace(OPTIONS, model="gemini-3.8-live-extended-thinking", functions=FUNCTIONS[:1])


def test_the_functions_go_into_the_setup() -> None:
    call = Conversation.opened(replace(FREE, built_in_tools=("google_search",)))
    setup = call.did(Dial)[0].setup
    assert setup.functions == FUNCTIONS
    assert setup.built_in_tools == ("google_search",)


def test_a_call_goes_to_the_client_and_its_result_to_the_model() -> None:
    call = asked()
    assert call.got(ToolCall) == [ToolCall(2, "c1", "weather", '{"city": "Bonn"}')]
    call.respond("c1", WEATHER, Scheduling.WHEN_IDLE)
    assert call.results() == [SendToolResult(1, "c1", "weather", WEATHER, Scheduling.WHEN_IDLE, False)]
    call.answer(1.0, "It is cold.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.assert_turn_ended(2).heard_text == "It is cold."
    assert call.got(InputRejected) == []


def test_a_call_overtakes_the_speech_before_it() -> None:
    call = acquainted()
    call.answer(10.0, "Let me see.")
    call.call("c1")
    assert call.got(ToolCall) != []
    assert call.heard(2) < 2.0


def test_parallel_calls_are_answered_in_any_order() -> None:
    call = acquainted()
    call.write("What is the weather in Bonn and Ulm?")
    call.call("c1")
    call.call("c2")
    call.respond("c2")
    call.respond("c1")
    assert [result.call_id for result in call.results()] == ["c2", "c1"]


@pytest.mark.parametrize("call_id", ["c1", "c9", ""])
def test_a_result_that_nobody_waits_for_is_rejected_and_changes_nothing(call_id: str) -> None:
    call = asked()
    call.respond("c1")
    call.respond(call_id)
    assert [rejected.reason for rejected in call.got(InputRejected)] == [Rejection.UNKNOWN_CALL]
    assert call.got(InputRejected)[0].message
    assert len(call.results()) == 1
    call.assert_open()


def test_a_result_may_come_in_parts() -> None:
    call = asked()
    call.respond("c1", '{"progress": 0.5}', will_continue=True)
    call.respond("c1", WEATHER)
    assert [result.will_continue for result in call.results()] == [True, False]
    call.respond("c1", WEATHER)
    assert [rejected.reason for rejected in call.got(InputRejected)] == [Rejection.UNKNOWN_CALL]


def test_a_model_that_waits_takes_one_result_and_the_others_as_texts() -> None:
    call = asked(BLOCKING)
    call.respond("c1", '{"progress": 0.5}', will_continue=True)
    assert [result.will_continue for result in call.results()] == [False]
    call.answer(1.0, "Wait.")
    call.finish_generation()
    call.complete()
    call.wait(2.0)
    call.respond("c1", WEATHER)
    call.wait(3.0)
    assert len(call.results()) == 1
    assert WEATHER in call.texts()[-1]


@pytest.mark.parametrize(
    ("options", "name", "scheduled"),
    [(FREE, "remind", True), (FREE, "book", False), (BLOCKING, "weather", False), (THINKING, "weather", False)],
)
def test_a_model_is_told_when_to_speak_of_a_result_where_it_has_a_choice(
    options: Options, name: str, scheduled: bool
) -> None:
    call = acquainted(options)
    call.write("Remind me.")
    call.call("c1", name)
    call.respond("c1", WEATHER, Scheduling.WHEN_IDLE)
    assert [result.scheduling for result in call.results()] == [Scheduling.WHEN_IDLE if scheduled else None]


def test_a_call_that_the_model_takes_back_is_taken_back_from_the_client() -> None:
    call = asked()
    call.cancel_calls("c1", "c7")
    assert call.got(ToolCallCancelled) == [ToolCallCancelled("c1")]
    call.respond("c1")
    assert call.results() == []
    assert [rejected.reason for rejected in call.got(InputRejected)] == [Rejection.UNKNOWN_CALL]


def test_a_call_that_was_answered_is_not_taken_back() -> None:
    call = asked()
    call.respond("c1")
    call.cancel_calls("c1")
    assert call.got(ToolCallCancelled) == []


def test_a_call_of_a_turn_that_was_cut_stays_away() -> None:
    call = acquainted()
    call.answer(5.0, "Let me see.")
    call.wait(1.0)
    call.interrupt()
    call.call("c1")
    assert call.got(ToolCall) == []


@pytest.mark.parametrize("options", [BLOCKING, GATED])
def test_a_model_that_calls_in_a_turn_that_was_cut_is_not_left_waiting(options: Options) -> None:
    call = acquainted(options)
    call.answer(5.0, "Let me see.")
    call.wait(1.0)
    call.interrupt()
    call.call("c1")
    # It would hear none of the user's next words, and some models close the link on them.
    call.say(0.6, sample=OTHER_VOICE)
    assert [result.call_id for result in call.results()] == ["c1"]
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)
    given = [type(action) for action in call.actions if isinstance(action, SendToolResult | SendAudio)]
    assert given.index(SendToolResult) < len(given) - 20


def test_a_finishing_session_takes_the_results_of_its_calls() -> None:
    call = asked()
    call.end_input()
    call.wait(5.0)
    call.respond("c1")
    assert len(call.results()) == 1
    call.answer(1.0, "It is cold.")
    call.finish_generation()
    call.complete()
    call.wait()
    assert call.assert_turn_ended(2).heard_text == "It is cold."
    call.assert_closed(CloseReason.COMPLETED)


def test_more_calls_than_anybody_makes_are_not_remembered_for_ever() -> None:
    call = acquainted()
    for number in range(200):
        call.call(f"c{number}")
    call.respond("c0")
    call.respond("c199")
    assert [result.call_id for result in call.results()] == ["c199"]


def test_an_unknown_function_goes_to_the_client_all_the_same() -> None:
    call = acquainted(replace(FREE, functions=()))
    call.call("c1", "surprise")
    assert call.got(ToolCall) == [ToolCall(2, "c1", "surprise", "{}")]


def test_what_is_said_of_a_text_after_a_call_behind_its_turn_is_another_turn() -> None:
    call = acquainted(THINKING)
    call.write("What is the weather in Bonn?")
    call.wait(1.0)
    call.complete()
    # What it calls for behind a turn is of none, though it did not say that it works.
    call.call("c1")
    call.wait(1.0)
    call.write("And what time is it?")
    call.wait(1.0)
    call.answer(1.0, "Noon.")
    call.wait(0.5)
    recover(call)
    call.wait(1.0)
    assert call.got(ToolCall)[0].turn == 2
    assert call.heard(3) == pytest.approx(1.0)
    assert "And what time is it?" not in call.texts(2)
