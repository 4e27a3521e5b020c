"""Interim answers: a model that waits for a call is told that it goes on, and nobody is talked over."""

from dataclasses import replace

import pytest

from segue.core.actions import OddKind, OddTurn, Sign, Wedged
from segue.core.options import FunctionDeclaration, Mode, Options
from segue.core.outputs import Interrupted, Rejection, ToolCallCancelled, TurnEnded
from tests.core.conversation import OTHER_VOICE
from tests.core.waiting import (
    BLOCKING,
    FREE,
    GATED,
    INTERIM_AFTER,
    WEATHER,
    asked,
    bridging,
    last_rejection,
    put_off,
    speak,
    statuses,
)


def test_there_are_none_unless_the_client_wants_them() -> None:
    call = asked(BLOCKING, "book")
    call.wait(29.0)
    assert call.results() == []


def test_a_model_that_waits_is_told_that_the_function_goes_on() -> None:
    call = asked(bridging())
    call.wait(1.4)
    assert call.results() == []
    call.wait(0.2)
    [given] = call.results()
    assert (given.call_id, given.name, given.scheduling, given.will_continue) == ("c1", "weather", None, False)
    assert "still working" in statuses(call)[0]
    assert call.got(ToolCallCancelled) == []


def test_the_client_may_word_it() -> None:
    call = asked(replace(bridging(), interim_text='Say "one moment", größe.'))
    call.wait(2.0)
    assert statuses(call) == ['Say "one moment", größe.']


@pytest.mark.parametrize(("options", "name"), [(FREE, "weather"), (GATED, "remind")])
def test_a_model_that_does_not_wait_gets_none(options: Options, name: str) -> None:
    call = asked(bridging(options), name)
    call.wait(4.5)
    assert call.results() == []


def test_a_result_in_time_needs_none() -> None:
    call = asked(bridging())
    call.wait(1.0)
    call.respond("c1", WEATHER)
    call.wait(1.0)
    assert [result.response for result in call.results()] == [WEATHER]


def test_the_result_follows_as_a_text_once_the_model_has_spoken() -> None:
    call = put_off()
    call.respond("c1", WEATHER)
    call.wait(0.5)
    # Nobody is talked over.
    assert call.texts() == ["What is the weather in Bonn?"]
    call.finish_generation()
    call.complete()
    call.wait(0.1)
    assert [WEATHER in text and "Bonn" in text for text in call.texts()] == [False, True]
    call.wait(3.0)
    speak(call)
    assert [ended.heard_text for ended in call.got(TurnEnded)[1:]] == ["I am on it.", "It is cold."]
    assert call.got(Interrupted) == []
    assert len(call.results()) == 1
    call.wait(60.0)
    assert len(call.texts()) == 2


def test_a_result_that_comes_later_follows_at_once() -> None:
    call = put_off()
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    call.respond("c1", WEATHER)
    assert WEATHER in call.texts()[-1]
    call.respond("c1", WEATHER)
    assert last_rejection(call)[0] is Rejection.UNKNOWN_CALL
    speak(call)
    assert call.got(TurnEnded)[-1].heard_text == "It is cold."
    assert call.did(Wedged) == []


def test_a_result_does_not_break_into_what_the_user_says() -> None:
    call = put_off()
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    call.say(0.6, sample=OTHER_VOICE)
    call.respond("c1", WEATHER)
    call.wait(0.5)
    call.understand("And in Ulm?")
    call.wait(0.5)
    call.answer(1.0, "I look there as well.")
    call.finish_generation()
    assert not any(WEATHER in text for text in call.texts())
    call.complete()
    call.wait(0.5)
    assert WEATHER in call.texts()[-1]


def test_a_cough_holds_a_result_up_for_a_moment_alone() -> None:
    call = put_off()
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    call.say(0.1, sample=OTHER_VOICE)
    call.respond("c1", WEATHER)
    assert not any(WEATHER in text for text in call.texts())
    call.wait(0.5)
    assert WEATHER in call.texts()[-1]


def test_a_result_waits_for_the_end_of_an_activity() -> None:
    call = put_off(bridging(replace(BLOCKING, mode=Mode.MANUAL)))
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    call.press()
    call.respond("c1", WEATHER)
    call.wait(3.0)
    assert not any(WEATHER in text for text in call.texts())
    call.say(0.6)
    call.release()
    speak(call, "I look.")
    assert any(WEATHER in text for text in call.texts())


def test_the_gate_lifts_with_the_interim_answer() -> None:
    call = asked(bridging(GATED))
    call.say(0.6, sample=OTHER_VOICE)
    assert call.given_seconds(sample=OTHER_VOICE) == 0.0
    call.wait(2.0)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)


def test_the_reply_to_an_interim_answer_is_watched() -> None:
    call = asked(bridging(), "book")
    call.wait(INTERIM_AFTER + 8.1)
    assert call.did(Wedged) == [Wedged(Sign.STOPPED)]


def test_nothing_is_expected_after_it_until_the_result() -> None:
    call = put_off(replace(bridging(), functions=(FunctionDeclaration("book", timeout=60.0),)))
    call.finish_generation()
    call.complete()
    call.wait(50.0)
    assert call.did(Wedged) == []
    call.respond("c1", WEATHER)
    call.wait(8.5)
    assert call.did(Wedged) == [Wedged(Sign.SILENCE)]


def test_an_interim_answer_that_the_model_does_not_speak_of_is_not_repeated() -> None:
    call = asked(bridging(), "book")
    call.wait(2.0)
    call.complete()
    call.wait(20.0)
    assert call.did(OddTurn) == [OddTurn(OddKind.EMPTY)]
    assert call.did(Wedged) == []
    assert len(statuses(call)) == 1
    call.respond("c1", WEATHER)
    assert WEATHER in call.texts()[-1]


def test_words_that_are_owed_an_answer_stay_so_where_the_model_does_not_speak_of_an_interim_answer() -> None:
    call = asked(bridging(), "book")
    call.wait(2.0)
    call.write("Hello?")
    call.complete()
    call.wait(9.0)
    assert call.did(Wedged) == [Wedged(Sign.SILENCE)]


def test_a_result_that_never_comes_fails_after_its_interim_answer() -> None:
    call = put_off(name="weather")
    call.finish_generation()
    call.complete()
    call.wait(4.0)
    assert call.got(ToolCallCancelled) == [ToolCallCancelled("c1", timed_out=True)]
    assert "did not answer within 5 s" in call.texts()[-1]
    assert len(call.results()) == 1


def test_parallel_calls_are_put_off_one_by_one_and_told_together() -> None:
    call = asked(bridging(), "book", others=("book",))
    call.respond("c2", '{"degrees": 8}')
    call.wait(2.0)
    assert [result.call_id for result in call.results()] == ["c2", "c1"]
    speak(call, "One moment.")
    call.respond("c1", WEATHER)
    assert WEATHER in call.texts()[-1]
    assert '"degrees": 8' not in call.texts()[-1]


def test_results_of_calls_that_were_put_off_together_are_told_together() -> None:
    call = asked(bridging(), "book", others=("book",))
    call.wait(2.0)
    assert len(statuses(call)) == 2
    speak(call, "One moment.")
    call.respond("c2", '{"degrees": 8}')
    assert len(call.texts()) == 1
    call.respond("c1", WEATHER)
    assert WEATHER in call.texts()[-1]
    assert '"degrees": 8' in call.texts()[-1]


def test_no_answer_is_expected_while_the_model_waits_for_another_call() -> None:
    call = asked(bridging(), "book", others=("weather",))
    call.wait(1.0)
    call.call("c3", "book")
    call.wait(0.6)
    assert [result.call_id for result in call.results()] == ["c1", "c2"]
    call.wait(0.5)
    assert len(statuses(call)) == 2
    call.wait(0.5)
    assert len(statuses(call)) == 3


def test_a_model_whose_turn_was_cut_is_told_all_the_same_and_owes_nothing() -> None:
    call = asked(bridging(), "book")
    call.wait(1.0)
    call.interrupt()
    call.wait(1.0)
    assert len(statuses(call)) == 1
    call.wait(20.0)
    assert call.did(Wedged) == []
