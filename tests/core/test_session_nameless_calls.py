"""Calls without ids, as older models of Vertex AI make them: an answer is for the oldest call of its function."""

from dataclasses import replace

import pytest

from segue.core.actions import SendToolResult
from segue.core.options import FunctionDeclaration
from segue.core.outputs import InputRejected, ToolCall, ToolCallCancelled
from tests.core.conversation import OPTIONS, Conversation

FUNCTIONS = (FunctionDeclaration("weather"), FunctionDeclaration("book"))
WAITING = replace(OPTIONS, model="gemini-live-2.5-flash", functions=FUNCTIONS)
BONN, ULM = '{"degrees": 7}', '{"degrees": 9}'


def asked(*names: str, options: object = WAITING) -> tuple[Conversation, list[str]]:
    """Return a conversation in which the model calls these functions at once, and the ids that the client knows."""
    assert isinstance(options, type(WAITING))
    call = Conversation.opened(options)
    call.exchange("How are you?", "Fine.")
    call.hand_over("h1")
    call.wait(1.0)
    call.write("What is the weather in Bonn and in Ulm?")
    for name in names:
        call.call("", name)
    return call, [made.call_id for made in call.got(ToolCall)]


def results(call: Conversation) -> list[tuple[str, str, str]]:
    return [(result.call_id, result.name, result.response) for result in call.did(SendToolResult)]


def test_the_client_gets_an_id_for_each_and_the_model_its_answer_without() -> None:
    call, (weather, book) = asked("weather", "book")
    assert weather != book
    assert "" not in (weather, book)
    call.respond(book, ULM)
    call.respond(weather, BONN)
    assert results(call) == [("", "book", ULM), ("", "weather", BONN)]
    call.answer(1.0, "7 degrees.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    call.write("And now?")
    call.call("", "weather")
    assert len({made.call_id for made in call.got(ToolCall)}) == 3


def test_answers_to_one_function_are_given_in_the_order_of_its_calls() -> None:
    call, (bonn, ulm, book) = asked("weather", "weather", "book")
    call.respond(ulm, ULM)
    call.respond(book, BONN)
    call.wait(1.0)
    assert results(call) == [("", "book", BONN)]
    call.respond(bonn, BONN)
    call.wait(0.0)
    assert results(call)[1:] == [("", "weather", BONN), ("", "weather", ULM)]


def test_an_answer_that_more_will_follow_keeps_the_next_one_waiting() -> None:
    free = replace(WAITING, functions=(FunctionDeclaration("weather", blocking=False),))
    call, (bonn, ulm) = asked("weather", "weather", options=free)
    call.respond(bonn, '{"degrees": 6}', will_continue=True)
    call.respond(ulm, ULM)
    assert len(results(call)) == 1
    call.respond(bonn, BONN)
    assert [response for _, _, response in results(call)[1:]] == [BONN, ULM]


def test_one_that_fails_in_time_keeps_nobody_waiting() -> None:
    call, (_, ulm) = asked("weather", "weather")
    call.respond(ulm, ULM)
    call.wait(31.0)
    first, second = [response for _, _, response in results(call)]
    assert "did not answer" in first
    assert second == ULM


def test_interim_answers_go_out_in_order_as_well() -> None:
    call, (bonn, ulm) = asked("weather", "weather", options=replace(WAITING, interim_after=1.0))
    call.wait(0.5)
    call.respond(ulm, ULM)
    call.wait(1.0)
    # The first call is over for the model, so that the answer that it gets now is the second one's.
    assert ["still working" in response for _, _, response in results(call)] == [True, False]
    assert results(call)[1][2] == ULM
    assert bonn != ulm


def test_both_of_two_slow_calls_are_bridged() -> None:
    call, _ = asked("weather", "weather", options=replace(WAITING, interim_after=1.0))
    call.wait(1.5)
    assert ["still working" in response for _, _, response in results(call)] == [True, True]


@pytest.mark.parametrize("named", ["", "segue-1"])
def test_a_call_can_be_answered_once(named: str) -> None:
    call, (weather,) = asked("weather")
    call.respond(weather, BONN)
    call.respond(named, BONN)
    assert len(results(call)) == 1
    assert len(call.got(InputRejected)) == 1


def test_a_service_that_takes_calls_back_without_ids_takes_back_all_of_them() -> None:
    call, ids = asked("weather", "weather")
    call.cancel_calls("")
    assert [cancelled.call_id for cancelled in call.got(ToolCallCancelled)] == ids


def test_calls_with_ids_are_answered_in_any_order() -> None:
    call, _ = asked()
    call.call("c1", "weather")
    call.call("c2", "weather")
    call.respond("c2", ULM)
    assert results(call) == [("c2", "weather", ULM)]
