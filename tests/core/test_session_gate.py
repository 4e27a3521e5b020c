"""The gate: what is muted after an interruption, and what is not."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import Wedged
from segue.core.outputs import Audio, CutCause, EndReason, Interrupted, TurnEnded
from segue.core.session import State
from tests.core.conversation import OTHER_VOICE, POLICY, Conversation, recover, telling, told


def test_what_the_backend_still_sends_of_a_cut_turn_is_muted() -> None:
    call = telling()
    call.interrupted()
    call.answer(2.0, "They lived.")
    call.receive(ev.ModelText(1, "They lived."))
    call.finish_generation()
    call.wait(10.0)
    call.assert_interrupted(1)
    assert call.assert_turn_ended(1).unheard_text == "time there was a king and queen."
    assert call.dropped("interrupted") == pytest.approx(12.0 - call.heard(1))


def test_the_gate_lifts_when_the_backend_ends_the_turn() -> None:
    call = telling()
    call.interrupted()
    call.answer(1.0)
    call.complete()
    call.answer(1.0, "Yes?")
    call.complete()
    call.wait(5.0)
    assert call.heard(2) == pytest.approx(1.0)
    call.assert_turn_ended(1)
    call.assert_turn_ended(2)


def test_the_gate_lifts_some_time_after_the_next_words_when_the_backend_never_ends_the_turn() -> None:
    call = telling()
    call.interrupt()
    call.understand("And the dragon?")
    call.wait(2.9)
    call.answer(1.0)
    assert call.heard(2) == 0.0
    call.wait(0.1)
    call.answer(1.0, "It slept.")
    call.complete()
    call.wait(2.0)
    assert call.heard(2) == pytest.approx(1.0)
    call.assert_interrupted(1)


@pytest.mark.parametrize(("over", "heard_text"), [(False, ""), (True, " every evening")])
def test_words_that_follow_the_gate_have_their_place_behind_what_was_muted(over: bool, heard_text: str) -> None:
    call = telling(policy=replace(POLICY, transcripts_run_ahead=True))
    call.interrupt()
    call.understand("And the dragon?")
    call.wait(3.0)
    if over:
        call.complete()
    call.answer(0.5, " every evening")
    call.answer(0.5, " for")
    call.answer(1.0)
    call.wait(1.5)
    call.interrupt(2, heard=1.4)
    call.wait(1.0)
    ended = call.assert_turn_ended(2)
    assert (ended.heard_text, ended.heard_text + ended.unheard_text) == (heard_text, " every evening for")


def test_the_gate_lifts_for_the_answer_to_words_that_nobody_understood_once_the_backend_gave_up_its_turn() -> None:
    call = telling()
    call.interrupted()
    call.wait(1.0)
    call.say(0.6, sample=OTHER_VOICE)
    call.answer(0.5, "They lived.")
    assert call.heard(2) == 0.0
    call.wait(1.5)
    call.answer(1.0, "Yes.")
    call.complete()
    call.wait(2.0)
    assert call.heard(2) == pytest.approx(1.0)
    call.assert_interrupted(1)


def test_a_turn_that_begins_says_the_end_of_the_one_that_was_cut() -> None:
    call = telling()
    call.interrupted()
    call.complete()
    call.answer(1.0)
    ends = [type(output) for output in call.outputs if isinstance(output, TurnEnded) or getattr(output, "turn", 0) == 2]
    assert ends[0] is TurnEnded
    call.assert_turn_ended(1)


def test_a_turn_that_the_backend_forgot_to_end_is_over_when_new_words_are_answered() -> None:
    call = Conversation.opened()
    call.answer(1.0, "One.")
    call.finish_generation()
    call.wait(2.0)
    call.write("And then?")
    call.answer(1.0, "Two.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.assert_turn_ended(1).heard_text == "One."
    assert call.assert_turn_ended(2).heard_text == "Two."
    assert call.assert_turn_ended(1).reason is EndReason.COMPLETED


def test_words_behind_the_last_of_a_turn_belong_to_it() -> None:
    call = Conversation.opened()
    call.write("Count.")
    call.answer(1.0, "One")
    call.finish_generation()
    call.receive(ev.ModelTranscribed(1, " and two."))
    call.complete()
    call.wait(3.0)
    assert call.assert_turn_ended(1).heard_text.startswith("One")
    assert [ended.turn for ended in call.got(TurnEnded)] == [1]


def test_a_second_interrupted_for_one_cut_is_not_a_second_interruption() -> None:
    call = telling()
    call.interrupted()
    call.interrupted()
    call.complete()
    call.interrupted()
    call.answer(1.0)
    call.complete()
    call.wait(2.0)
    assert len(call.got(Interrupted)) == 1
    assert call.heard(2) == pytest.approx(1.0)


def test_a_second_interrupted_for_one_cut_takes_back_no_reply_that_is_expected() -> None:
    call = telling()
    call.write("What time is it?")
    call.interrupted(by_sound=False)
    call.complete()
    call.interrupted(by_sound=False)
    # What was heard of the story is still waited for.
    assert call.got(TurnEnded) == []
    call.report_heard(1, 1.0)
    call.answer(1.0, "Noon.")
    call.complete()
    call.wait(2.0)
    assert [cut.turn for cut in call.got(Interrupted)] == [1]
    assert call.assert_turn_ended(1).heard == 1.0
    assert call.assert_turn_ended(2).heard_text == "Noon."


def test_an_interrupted_for_a_turn_that_is_over_does_not_mute_the_next() -> None:
    call = Conversation.opened()
    call.answer(0.5)
    call.complete()
    call.wait(2.0)
    call.interrupted()
    call.complete()
    call.answer(1.0)
    call.complete()
    call.wait(2.0)
    assert call.got(Interrupted) == []
    assert call.heard(2) == pytest.approx(1.0)


def test_the_end_of_what_was_interrupted_is_no_answer_to_the_words_that_interrupted_it() -> None:
    call = told()
    call.say(0.4)
    call.understand("Stop.")
    # The pair belongs to the story, which the backend had ended.
    call.interrupted()
    call.complete()
    call.end_input()
    call.wait(1.0)
    call.answer(1.0, "All right.")
    call.complete()
    call.wait(3.0)
    assert call.assert_turn_ended(call.got(TurnEnded)[-1].turn).heard_text == "All right."


@pytest.mark.parametrize(("later", "waits"), [(1.9, True), (2.1, False)])
def test_the_end_of_what_was_interrupted_comes_soon_or_is_an_end_of_its_own(later: float, waits: bool) -> None:
    call = told()
    call.say(0.4)
    call.understand("Stop.")
    call.interrupted()
    call.wait(later)
    call.complete()
    call.end_input()
    call.wait(0.5)
    assert (call.session.state is State.FINISHING) is waits


def test_a_reply_that_is_expected_can_be_cut_before_it_begins() -> None:
    call = Conversation.opened()
    call.write("Tell me a story.")
    call.interrupt()
    cut = call.assert_interrupted(1)
    assert (cut.cause, cut.heard, cut.unheard_text) == (CutCause.CLIENT, 0.0, "")
    # The backend does not know, and tells it.
    call.answer(10.0, "Once upon a time")
    call.complete()
    call.wait(1.0)
    assert call.got(Audio) == []
    assert call.assert_turn_ended(1).reason is EndReason.INTERRUPTED
    call.answer(1.0)
    call.complete()
    call.wait(2.0)
    assert call.heard(2) == pytest.approx(1.0)


def test_a_reply_that_was_cut_before_it_began_does_not_mute_the_reply_to_the_next_words() -> None:
    call = Conversation.opened()
    call.understand("I would like")
    call.interrupt()
    call.understand("a pizza.")
    call.wait(1.0)
    call.answer(1.0, "Which one?")
    call.complete()
    call.wait(2.0)
    assert call.heard(2) == pytest.approx(1.0)


def test_a_reply_that_was_cut_before_it_began_is_cut_once() -> None:
    call = Conversation.opened()
    call.write("Tell me a story.")
    call.interrupt()
    call.interrupt()
    call.interrupted()
    assert [cut.cause for cut in call.got(Interrupted)] == [CutCause.CLIENT, CutCause.NONE]


def test_a_reply_that_the_backend_takes_back_before_it_begins_gets_its_number() -> None:
    call = Conversation.opened()
    call.write("Tell me a story.")
    call.write("No, the time, please.")
    call.interrupted()
    call.complete()
    call.wait(1.0)
    call.answer(1.0, "Noon.")
    call.complete()
    call.wait(2.0)
    assert call.assert_interrupted(1).cause is CutCause.USER
    assert call.assert_turn_ended(1).reason is EndReason.INTERRUPTED
    assert call.assert_turn_ended(2).heard_text == "Noon."
    assert call.heard(2) == pytest.approx(1.0)


def test_words_that_were_answered_and_understood_late_are_no_expected_reply() -> None:
    call = telling()
    call.understand("Tell me a story.")
    call.interrupted()
    call.complete()
    call.wait(1.0)
    call.interrupt()
    assert [cut.cause for cut in call.got(Interrupted)] == [CutCause.USER, CutCause.NONE]


@pytest.mark.parametrize("cut", ["backend", "generated", "generated later"])
def test_the_gate_lifts_with_the_next_words_when_nothing_more_can_come(cut: str) -> None:
    call = telling()
    if cut == "backend":
        call.interrupted()
    elif cut == "generated":
        call.finish_generation()
        call.interrupt()
    else:
        call.interrupt()
        call.answer(1.0, "They lived.")
        call.finish_generation()
    call.understand("And the dragon?")
    call.wait(0.5)
    call.answer(1.0, "It slept.")
    call.complete()
    call.wait(2.0)
    assert call.heard(2) == pytest.approx(1.0)


def test_the_gate_lifts_for_the_answer_to_a_text_that_the_backend_was_interrupted_by() -> None:
    call = telling()
    call.write("And the dragon?")
    call.interrupted()
    # The end of the turn never comes.
    call.wait(0.5)
    call.answer(1.0, "It slept.")
    call.complete()
    call.wait(2.0)
    assert call.heard(2) == pytest.approx(1.0)
    assert [cut.turn for cut in call.got(Interrupted)] == [1]


def test_words_that_cut_an_answer_before_it_arrived_are_not_what_it_answers() -> None:
    call = Conversation.opened()
    call.exchange("How are you?", "Fine.")
    call.hand_over("h1")
    call.wait(1.0)
    call.write("Tell me a story.")
    # The network holds back what the model says until the user has interrupted it.
    call.wait(1.0)
    call.say(1.0, sample=OTHER_VOICE)
    call.wait(0.5)
    call.reading = False
    call.answer(1.0, "Once upon a time.")
    call.receive(ev.UserActivityDetected(1, started=True))
    call.interrupted(by_sound=False)
    call.complete()
    call.reading = True
    call.read()
    call.understand("What time is it?")
    call.wait(20.0)
    assert len(call.did(Wedged)) == 1
    call.link_up()
    call.wait(2.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(1.0)


@pytest.mark.parametrize("words", [0.4, 1.2])
def test_what_comes_late_of_a_turn_that_was_cut_is_no_part_of_the_answer_to_the_words_that_cut_it(words: float) -> None:
    call = telling()
    call.say(0.1, sample=OTHER_VOICE)
    call.interrupted(by_sound=False)
    call.complete()
    call.answer(0.25)
    call.say(words, sample=OTHER_VOICE)
    call.wait(1.0)
    call.understand("And the dragon?")
    call.answer(1.0, "It slept.")
    call.wait(0.1)
    assert call.assert_turn_ended(2).audio == pytest.approx(0.25)
    assert call.heard(3) > 0.0
    # Those words are answered.
    call.lose_link()
    call.link_up()
    call.wait(2.0)
    assert OTHER_VOICE not in call.given_audio(2)


def test_a_turn_that_began_while_the_user_spoke_goes_on_as_long_as_the_model_does() -> None:
    call = Conversation.opened()
    call.say(0.6)
    call.answer(0.25, "Once ")
    for _ in range(5):
        call.say(0.2)
        call.answer(0.25, "upon ")
    call.wait(0.4)
    call.answer(0.25, "a time.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.assert_turn_ended(1).audio == pytest.approx(1.75)


def test_a_turn_that_began_while_the_user_spoke_goes_on_with_the_result_that_it_waited_for() -> None:
    call = Conversation.opened()
    call.say(0.6)
    call.answer(0.25, "Let me look. ")
    call.call("c1")
    call.say(0.6)
    call.wait(1.0)
    call.respond("c1")
    call.answer(0.25, "It is cold.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.assert_turn_ended(1).heard_text == "Let me look. It is cold."


def test_what_comes_late_while_the_user_speaks_does_not_take_the_answer() -> None:
    call = telling()
    call.finish_generation()
    call.say(0.3, sample=OTHER_VOICE)
    call.receive(ev.UserActivityDetected(1, started=True))
    call.interrupted(by_sound=False)
    call.complete()
    call.answer(0.5)
    call.say(1.0, sample=OTHER_VOICE)
    call.wait(0.8)
    call.receive(ev.UserActivityDetected(1, started=False))
    call.answer(1.0, "Yes?")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.assert_turn_ended(3).heard_text == "Yes?"
    # The words were answered, and are not given to another link.
    recover(call)
    call.wait(3.0)
    assert call.given_seconds(2, OTHER_VOICE) == 0.0
