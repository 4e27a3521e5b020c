"""Interim answers and links: a model is told once that its call goes on, whatever the next link remembers."""

from segue.core.actions import Wedged
from segue.core.outputs import CutCause, Rejection, ToolCall, ToolCallCancelled
from tests.core.waiting import FREE, INTERIM_AFTER, WEATHER, asked, bridging, last_rejection, put_off, speak, statuses


def test_a_link_that_does_not_remember_the_interim_answer_gets_one() -> None:
    call = asked(bridging())
    call.wait(0.1)
    call.hand_over("h2")
    call.wait(INTERIM_AFTER + 0.1)
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.wait(0.1)
    assert [result.link for result in call.results()] == [1, 2]
    assert len(statuses(call)) == 2


def test_a_result_is_given_by_its_id_to_a_link_that_does_not_remember_the_interim_answer() -> None:
    call = asked(bridging())
    call.wait(0.1)
    call.hand_over("h2")
    call.wait(INTERIM_AFTER + 0.1)
    call.lose_link()
    call.respond("c1", WEATHER)
    call.wait(0.3)
    call.link_up()
    assert [(result.link, result.response) for result in call.results()][1:] == [(2, WEATHER)]


def test_a_link_that_remembers_the_interim_answer_waits_for_the_result() -> None:
    call = asked(bridging(), "book")
    call.wait(INTERIM_AFTER + 0.1)
    call.hand_over("h2")
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.wait(20.0)
    assert call.did(Wedged) == []
    assert len(statuses(call)) == 1
    call.respond("c1", WEATHER)
    assert WEATHER in call.texts(2)[-1]
    speak(call)
    assert call.assert_turn_ended(2).heard_text == "It is cold."


def test_a_result_is_told_to_a_link_that_remembers_what_the_model_said_to_the_interim_answer() -> None:
    call = put_off()
    call.finish_generation()
    call.complete()
    call.hand_over("h2")
    call.wait(2.5)
    call.lose_link()
    call.respond("c1", WEATHER)
    call.wait(0.3)
    call.link_up()
    call.wait(0.1)
    assert len(statuses(call)) == 1
    assert WEATHER in call.texts(2)[-1]


def test_a_reply_to_an_interim_answer_that_broke_off_goes_on() -> None:
    call = put_off()
    call.wait(0.5)
    call.hand_over("h2")
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.wait(2.0)
    assert call.assert_interrupted(2).cause is CutCause.RECOVERY
    assert "I am on it." in call.texts(2)[0]


def test_no_interim_answer_is_given_without_a_link() -> None:
    call = asked(bridging(), "book")
    call.wait(0.1)
    call.hand_over("h2")
    call.wait(1.0)
    call.lose_link()
    call.wait(1.0)
    assert statuses(call) == []
    call.link_up()
    call.wait(0.1)
    assert [result.link for result in call.results()] == [2]


def test_a_call_that_is_taken_back_gets_nothing_more() -> None:
    call = put_off()
    call.cancel_calls("c1")
    assert call.got(ToolCallCancelled) == [ToolCallCancelled("c1")]
    call.respond("c1", WEATHER)
    assert last_rejection(call)[0] is Rejection.UNKNOWN_CALL
    call.finish_generation()
    call.complete()
    call.wait(60.0)
    assert len(call.texts()) == 1


def test_a_call_that_the_model_makes_anew_replaces_the_older_one() -> None:
    call = asked(FREE)
    call.call("c1", "weather", '{"city": "Ulm"}')
    call.respond("c1", WEATHER)
    call.respond("c1", WEATHER)
    assert [called.arguments for called in call.got(ToolCall)] == ['{"city": "Bonn"}', '{"city": "Ulm"}']
    assert len(call.results()) == 1
    assert last_rejection(call)[0] is Rejection.UNKNOWN_CALL


def test_a_result_of_a_link_that_was_lost_does_not_break_into_another_answer() -> None:
    call = asked(FREE, "remind")
    call.answer(0.5, "I will.")
    call.finish_generation()
    call.complete()
    call.wait(1.0)
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.write("Tell me a story.")
    call.answer(1.0, "Once upon a time.")
    call.respond("c1", WEATHER)
    call.wait(0.5)
    assert not any(WEATHER in text for text in call.texts(2))
    call.finish_generation()
    call.complete()
    call.wait(0.1)
    assert WEATHER in call.texts(2)[-1]
