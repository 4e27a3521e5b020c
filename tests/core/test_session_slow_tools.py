"""Calls that take long: they fail in time, a model that waits is told that they go on, and nobody is talked over."""

import json
from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import Dial, OddKind, OddTurn, PhantomSeen, SendText, SendToolResult, Sign, Wedged
from segue.core.options import FunctionDeclaration, Mode, Options, Scheduling
from segue.core.outputs import (
    CloseReason,
    CutCause,
    EndReason,
    InputRejected,
    Interrupted,
    Rejection,
    ToolCall,
    ToolCallCancelled,
    TurnEnded,
)
from tests.core.conversation import OPTIONS, OTHER_VOICE, Conversation

FUNCTIONS = (
    FunctionDeclaration("weather", timeout=5.0),
    FunctionDeclaration("book", blocking=True),
    FunctionDeclaration("remind", blocking=False, timeout=5.0),
)
# This family goes on while a call is under way; the next ones wait, and the last closes the link on audio meanwhile.
FREE = replace(OPTIONS, functions=FUNCTIONS)
BLOCKING = replace(OPTIONS, model="gemini-3.1-flash-live-preview", functions=FUNCTIONS[:2])
GATED = replace(OPTIONS, model="gemini-2.5-flash-native-audio", functions=FUNCTIONS)
WEATHER = '{"degrees": 7}'
INTERIM_AFTER = 1.5


def bridging(options: Options = BLOCKING) -> Options:
    return replace(options, interim_after=INTERIM_AFTER)


def asked(options: Options, name: str = "weather", *, others: tuple[str, ...] = ()) -> Conversation:
    """Return a conversation in which the model calls a function to answer a text, and others beside it."""
    call = Conversation.opened(options)
    call.exchange("How are you?", "Fine.")
    call.hand_over("h1")
    call.wait(1.0)
    call.write("What is the weather in Bonn?")
    call.wait(0.5)
    call.call("c1", name, '{"city": "Bonn"}')
    for number, other in enumerate(others, 2):
        call.call(f"c{number}", other)
    return call


def put_off(options: Options | None = None, name: str = "book") -> Conversation:
    """Return one in which the model got an interim answer and speaks on it, in the turn that called."""
    call = asked(options or bridging(), name)
    call.wait(INTERIM_AFTER + 0.1)
    call.answer(2.0, "I am on it.")
    return call


def speak(call: Conversation, words: str = "It is cold.") -> None:
    """Let the model say something and end its turn, and the client hear it."""
    call.answer(1.0, words)
    call.finish_generation()
    call.complete()
    call.wait(3.0)


def statuses(call: Conversation) -> list[str]:
    """Return the interim answers that the model was given."""
    responses = [json.loads(result.response) for result in call.results()]
    return [response["status"] for response in responses if "status" in response]


def last_rejection(call: Conversation) -> tuple[Rejection, str]:
    rejected = call.got(InputRejected)[-1]
    return rejected.reason, rejected.message


# Calls fail in time.


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


# Interim answers.


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


# Interim answers and links.


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


# Results that interrupt.


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
