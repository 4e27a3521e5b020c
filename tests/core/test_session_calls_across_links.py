"""Calls outlive their links: neither they nor their results are lost with one."""

import pytest

from segue.core import events as ev
from segue.core.actions import Dial, SendText
from segue.core.options import Options
from segue.core.outputs import EndReason, InputRejected, Interrupted, Rejection, ToolCall
from tests.core.calling import BLOCKING, FREE, GATED, WEATHER, acquainted, asked
from tests.core.conversation import OTHER_VOICE


@pytest.mark.parametrize("options", [FREE, GATED, BLOCKING])
def test_a_call_that_the_handle_postdates_is_answered_by_its_id_on_the_next_link(options: Options) -> None:
    call = asked(options)
    call.hand_over("h2")
    call.lose_link()
    assert call.did(Dial)[-1].setup.handle == "h2"
    call.wait(0.3)
    call.link_up()
    call.respond("c1", WEATHER)
    assert [(result.link, result.call_id) for result in call.results()] == [(2, "c1")]


def test_a_call_that_the_handle_does_not_know_is_answered_as_text() -> None:
    call = asked()
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.respond("c1", WEATHER)
    assert call.results() == []
    text = call.did(SendText)[-1].text
    for words in ("weather", "Bonn", WEATHER):
        assert words in text


def test_a_result_that_was_given_as_text_and_answered_is_not_given_again() -> None:
    call = asked()
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.respond("c1", WEATHER)
    call.answer(1.0, "It is cold.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    call.lose_link()
    call.wait(2.0)
    call.link_up()
    call.wait(1.0)
    assert call.link == 3
    assert call.texts(3) == []


@pytest.mark.parametrize("handle", ["h2", ""])
def test_a_result_that_comes_while_the_link_is_lost_is_given_to_the_next_one(handle: str) -> None:
    call = asked(BLOCKING)
    call.hand_over(handle)
    call.lose_link()
    call.respond("c1", WEATHER)
    call.wait(0.3)
    call.link_up()
    call.wait(0.5)
    if handle:
        assert [(result.link, result.call_id) for result in call.results()] == [(2, "c1")]
    else:
        assert any(WEATHER in text for text in call.texts(2))


def test_a_result_that_the_lost_link_had_and_did_not_answer_is_given_again() -> None:
    call = asked(BLOCKING)
    call.hand_over("h2")
    call.respond("c1", WEATHER)
    call.wait(0.5)
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    assert [(result.link, result.call_id) for result in call.results()] == [(1, "c1"), (2, "c1")]


def test_a_result_that_the_handle_covers_and_the_model_never_spoke_of_is_given_in_other_words() -> None:
    call = asked(BLOCKING)
    call.respond("c1", WEATHER)
    call.wait(0.1)
    call.hand_over("h2")
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.wait(0.5)
    assert [(result.link, result.call_id) for result in call.results()] == [(1, "c1")]
    assert any(WEATHER in text for text in call.texts(2))


def test_what_was_made_before_a_result_came_and_heard_after_it_is_no_answer_to_it() -> None:
    call = asked()
    call.complete()
    call.hand_over("h2")
    call.reading = False
    call.answer(1.0, "One moment.")
    call.finish_generation()
    call.complete()
    call.wait(0.1)
    call.respond("c1", WEATHER)
    call.reading = True
    call.read()
    call.wait(1.0)
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    assert any(WEATHER in text for text in call.texts(2))


def test_a_result_that_was_answered_is_not_given_again() -> None:
    call = asked()
    call.respond("c1", WEATHER)
    call.answer(1.0, "It is cold.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.wait(1.0)
    assert len(call.results()) == 1
    assert call.texts(2) == []


def test_the_turn_of_a_call_that_is_under_way_survives_its_link() -> None:
    call = asked(BLOCKING)
    call.hand_over("h2")
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.respond("c1", WEATHER)
    call.answer(1.0, "It is cold.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.assert_turn_ended(2).reason is EndReason.COMPLETED
    assert call.got(Interrupted) == []
    assert call.got(ToolCall) == [ToolCall(2, "c1", "weather", '{"city": "Bonn"}')]


def test_a_call_is_answered_by_its_id_after_a_renewal_that_its_deadline_forced() -> None:
    call = asked(BLOCKING)
    call.hand_over("h2")
    call.go_away(20.0)
    call.hold()
    call.wait(19.0)
    assert call.link == 2
    call.link_up()
    call.respond("c1", WEATHER)
    assert [(result.link, result.call_id) for result in call.results()] == [(2, "c1")]


def test_words_behind_a_call_that_was_lost_are_not_swallowed() -> None:
    call = asked(GATED)
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.say(0.6, sample=OTHER_VOICE)
    call.respond("c1", WEATHER)
    call.wait(3.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(0.6)
    # They are answered before the model is told, which would interrupt it.
    assert not any(WEATHER in text for text in call.texts(2))
    call.answer(0.5, "I am listening.")
    call.finish_generation()
    call.complete()
    call.wait(1.0)
    assert any(WEATHER in text for text in call.texts(2))


def test_words_that_are_given_again_are_answered_before_the_result_of_a_call_that_was_lost_is_told() -> None:
    call = asked(GATED)
    call.lose_link()
    call.respond("c1", WEATHER)
    call.say(1.0, sample=OTHER_VOICE)
    call.wait(1.0)
    call.link_up()
    call.wait(2.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(1.0)
    assert call.texts(2) == []
    call.answer(0.5, "I am listening.")
    call.finish_generation()
    call.complete()
    call.wait(1.0)
    [told] = call.texts(2)
    assert WEATHER in told


def test_words_that_a_handle_covers_are_given_again_where_the_result_of_a_lost_call_waits_for_their_answer() -> None:
    call = asked(GATED)
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.say(1.0, sample=OTHER_VOICE)
    call.understand("What time is it?")
    call.wait(1.0)
    call.hand_over("h3", consumed=10_000)
    call.lose_link()
    call.respond("c1", WEATHER)
    call.wait(1.0)
    call.link_up()
    call.wait(2.0)
    assert call.given_seconds(3, OTHER_VOICE) == pytest.approx(1.0)


@pytest.mark.parametrize("begun", [False, True], ids=["before its first word", "in its middle"])
def test_the_result_of_a_call_that_was_lost_does_not_cut_the_answer_to_another_one(begun: bool) -> None:
    call = asked()
    call.finish_generation()
    call.complete()
    call.write("And book a table.")
    call.call("c2", "book")
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.respond("c1", WEATHER)
    if begun:
        call.answer(0.5, "It is cold.")
    call.respond("c2", '{"table": 4}')
    call.wait(1.0)
    assert not any("table" in text for text in call.texts(2)[1:])
    [told] = [text for text in call.texts(2) if WEATHER in text]
    call.answer(0.5, "It is cold.")
    call.finish_generation()
    call.complete()
    call.wait(1.0)
    assert '{"table": 4}' in call.texts(2)[-1] != told
    call.answer(1.0, "And you have a table.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.got(Interrupted) == []
    assert call.results() == []


def test_a_call_that_is_taken_back_while_the_link_is_lost_stays_taken_back() -> None:
    call = asked()
    call.cancel_calls("c1")
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.respond("c1")
    assert call.results() == []
    assert [rejected.reason for rejected in call.got(InputRejected)] == [Rejection.UNKNOWN_CALL]


def test_a_call_without_output_is_an_answer() -> None:
    call = acquainted(BLOCKING)
    call.say(0.6, sample=OTHER_VOICE)
    call.understand("What is the weather?")
    call.wait(1.0)
    call.call("c1")
    call.hand_over("h2")
    call.lose_link()
    call.link_up()
    call.wait(2.0)
    # The words have caused a call: they are answered, and not given again.
    assert call.given_seconds(2, OTHER_VOICE) == 0.0
    assert call.receive(ev.ToolResultReceived(0, "c1", WEATHER)) != []
