"""Calls: from the model's call until it has answered with the result."""

from dataclasses import replace
from math import inf

import pytest

from segue.core.calls import Calls
from segue.core.options import FunctionDeclaration, Scheduling
from tests.core.conversation import OPTIONS

DECLARED = replace(
    OPTIONS,
    functions=(
        FunctionDeclaration("weather"),
        FunctionDeclaration("book", blocking=True),
        FunctionDeclaration("remind", blocking=False),
    ),
)


def calling(*names: str, wait: bool = True) -> Calls:
    """Return calls a, b, ... of these functions, one a second from 10 s on, all of turn 1."""
    calls = Calls(DECLARED, wait=wait)
    for index, name in enumerate(names):
        calls.add("abc"[index], name, "{}", 1, 10.0 + index)
    return calls


def respond(calls: Calls, call_id: str, at: float | None = None, *, will_continue: bool = False) -> None:
    """Give a result to the session and, where a time is named, to the link."""
    call = calls.find(call_id)
    assert call is not None
    call.respond("{}", Scheduling.WHEN_IDLE, will_continue=will_continue)
    call.given_at = inf if at is None else at


@pytest.mark.parametrize(
    ("name", "wait", "waits"),
    [
        ("weather", True, True),
        ("weather", False, False),
        ("book", False, True),
        ("remind", True, False),
        ("unknown", True, True),
        ("unknown", False, False),
    ],
)
def test_a_model_waits_as_its_family_or_the_declaration_says(name: str, wait: bool, waits: bool) -> None:
    calls = calling(name, wait=wait)
    assert calls.pending
    assert calls.waiting is waits


def test_without_calls_nobody_waits() -> None:
    calls = calling()
    assert (calls.pending, calls.waiting, calls.find("a"), calls.to_give()) == (False, False, None, [])


def test_a_call_waits_until_the_link_has_the_result() -> None:
    calls = calling("weather")
    respond(calls, "a")
    assert (calls.pending, calls.waiting) == (False, True)
    assert [call.id for call in calls.to_give()] == ["a"]
    calls.to_give()[0].given_at = 12.0
    assert not calls.waiting
    assert calls.to_give() == []


def test_a_result_is_awaited_once() -> None:
    calls = calling("weather")
    respond(calls, "a")
    assert calls.find("a") is None


def test_a_result_in_parts_is_awaited_until_its_last_part() -> None:
    calls = calling("weather")
    respond(calls, "a", 12.0, will_continue=True)
    assert calls.answer(20.0)
    assert not calls.answer(21.0)
    assert calls.pending
    respond(calls, "a", 13.0)
    assert not calls.pending
    assert calls.answer(20.0)
    assert calls.find("a") is None


def test_what_was_begun_before_a_result_was_given_does_not_answer_it() -> None:
    calls = calling("weather")
    respond(calls, "a", 12.0)
    assert not calls.answer(11.9)
    assert calls.answer(12.0)


def test_calls_that_were_answered_are_forgotten_and_others_are_not() -> None:
    calls = calling("weather", "weather")
    respond(calls, "a", 12.0)
    assert calls.answer(20.0)
    assert not calls.answer(20.0)
    assert calls.pending
    assert calls.of(1)
    assert not calls.of(2)


def test_a_call_that_is_taken_back_is_forgotten() -> None:
    calls = calling("weather")
    assert calls.cancel("a")
    assert not calls.cancel("a")
    assert not calls.pending
    assert calls.find("a") is None


def test_a_call_whose_result_came_is_not_taken_back() -> None:
    calls = calling("weather")
    respond(calls, "a", 12.0)
    assert not calls.cancel("a")


def test_a_link_that_resumes_from_after_a_call_knows_it_and_one_from_before_does_not() -> None:
    calls = calling("weather")
    # What comes at once has an order all the same.
    calls.remember(10.0)
    calls.add("b", "weather", "{}", 1, 10.0)
    calls.move(since=10.0)
    assert [call is not None and call.known for call in (calls.find("a"), calls.find("b"))] == [True, False]
    # Not even by a later handle of another link.
    calls.remember(99.0)
    calls.move(since=99.0)
    assert [call is not None and call.known for call in (calls.find("a"), calls.find("b"))] == [True, False]


def test_nobody_waits_on_a_link_that_does_not_know_the_call() -> None:
    calls = calling("weather")
    calls.move(since=-inf)
    assert calls.pending
    assert not calls.waiting


def test_a_result_is_given_again_to_a_link_that_resumes_from_before_it() -> None:
    calls = calling("weather")
    calls.remember(11.0)
    respond(calls, "a", 12.0)
    calls.move(since=11.0)
    assert [(call.id, call.known) for call in calls.to_give()] == [("a", True)]


def test_a_result_that_the_model_has_and_never_spoke_of_is_given_in_other_words() -> None:
    calls = calling("weather")
    respond(calls, "a", 12.0)
    calls.move(since=13.0)
    [call] = calls.to_give()
    assert not call.known


def test_results_in_other_words_wait_for_the_last_of_their_turn() -> None:
    calls = calling("weather", "weather")
    calls.move(since=-inf)
    respond(calls, "a")
    assert calls.to_give() == []
    respond(calls, "b")
    assert [call.id for call in calls.to_give()] == ["a", "b"]


def test_results_do_not_wait_for_those_of_another_turn() -> None:
    calls = calling("weather")
    calls.add("z", "weather", "{}", 2, 15.0)
    calls.move(since=-inf)
    respond(calls, "a")
    assert [call.id for call in calls.to_give()] == ["a"]


def test_a_turn_that_ends_has_not_spoken_of_the_results_that_it_waited_for_and_that_nothing_answered() -> None:
    calls = calling("weather")
    calls.add("b", "remind", "{}", 2, 11.0)
    assert calls.unspoken(1) == []
    respond(calls, "a", 12.0)
    respond(calls, "b", 12.0)
    assert calls.unanswered
    assert calls.unspoken(2) == []
    assert [call.id for call in calls.unspoken(1)] == ["a"]
    assert calls.answer(20.0)
    assert calls.unspoken(1) == []


@pytest.mark.parametrize("names", [("book", "remind"), ("remind", "book")])
def test_a_model_waits_for_all_that_it_calls_in_a_turn_with_a_function_that_blocks(names: tuple[str, str]) -> None:
    calls = calling(*names)
    respond(calls, "ab"[names.index("book")], 12.0)
    assert calls.waiting
    # One that ends its turn does not.
    calls.end(2)
    assert calls.waiting
    calls.end(1)
    assert not calls.waiting


def test_the_oldest_calls_are_forgotten_when_there_are_too_many() -> None:
    calls = Calls(DECLARED, wait=True)
    for number in range(100):
        calls.add(f"c{number}", "weather", "{}", 1, 10.0)
    assert calls.find("c35") is None
    assert calls.find("c36") is not None
    assert calls.find("c99") is not None
