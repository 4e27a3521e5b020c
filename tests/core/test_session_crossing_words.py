"""Words that were on their way when the model began to answer what was said before them: they interrupt that."""

from dataclasses import replace

import pytest

from segue.core.actions import FalseInterruptionSeen, Sign, Wedged
from segue.core.options import Mode, Options
from segue.core.outputs import Audio, Interrupted, TurnEnded
from tests.core.conversation import OPTIONS, OTHER_VOICE, VOICE, Conversation, acquainted, recover

MANUAL = replace(OPTIONS, mode=Mode.MANUAL)


def speak(call: Conversation, sample: bytes, seconds: float = 1.0) -> None:
    """Let the user say something."""
    manual = call.options.mode is Mode.MANUAL
    if manual:
        call.press()
    call.say(seconds, sample=sample)
    if manual:
        call.release()


def crossed(options: Options = OPTIONS, first: float = 1.0, *, reading: bool = True, text: str = "") -> Conversation:
    """Return a conversation whose backend was slow to read: it was interrupted by words that came before its answer."""
    call = Conversation.opened(options)
    call.hand_over("h1")
    speak(call, OTHER_VOICE, first)
    call.wait(1.5)
    speak(call, VOICE)
    call.wait(0.4)
    call.understand("What time is it?")
    call.reading = reading
    call.answer(0.4, "Noon")
    call.wait(0.1)
    if text:
        call.write(text)
    call.interrupted(by_sound=False)
    call.complete()
    call.reading = True
    call.wait(0.6)
    return call


@pytest.mark.parametrize(("options", "reading"), [(OPTIONS, True), (OPTIONS, False), (MANUAL, True)])
def test_words_that_crossed_an_answer_are_owed_one_and_given_again_where_none_comes(
    options: Options, reading: bool
) -> None:
    call = crossed(options, reading=reading)
    assert bool(call.got(Audio)) is reading
    assert len(call.got(Interrupted)) == 1
    call.wait(8.5)
    assert call.did(Wedged) == [Wedged(Sign.SILENCE)]
    assert call.did(FalseInterruptionSeen) == []
    call.link_up()
    call.wait(3.0)
    assert call.given_seconds(2, VOICE) == pytest.approx(1.0)
    # What was being answered is not asked again.
    assert call.given_seconds(2, OTHER_VOICE) == 0.0


def test_words_that_crossed_an_answer_are_given_again_once() -> None:
    call = crossed()
    call.answer(1.0, "Fine.")
    call.finish_generation()
    call.complete()
    call.wait(12.0)
    assert call.did(Wedged) == []
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.wait(3.0)
    assert call.given_seconds(2) == 0.0


def test_what_a_text_interrupts_was_not_crossed_by_the_words_before_it() -> None:
    call = crossed(text="Hello?")
    call.wait(8.5)
    call.link_up()
    call.wait(3.0)
    assert call.texts(2) == ["Hello?"]
    assert call.given_seconds(2) == 0.0


def test_the_only_words_did_not_cross_their_own_answer() -> None:
    call = acquainted()
    call.say(1.0)
    call.wait(0.9)
    call.understand("What time is it?")
    call.answer(0.4, "Noon")
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(3.0)
    assert call.did(FalseInterruptionSeen) == [FalseInterruptionSeen(continued=False)]


def test_words_behind_a_mere_sound_did_not_cross_an_answer() -> None:
    call = crossed(first=0.1)
    call.wait(9.0)
    assert call.did(Wedged) == []
    assert len(call.did(FalseInterruptionSeen)) == 1


@pytest.mark.parametrize("renewed", [False, True])
def test_words_behind_others_that_the_model_had_no_answer_to_did_not_cross_one(renewed: bool) -> None:
    call = acquainted()
    call.say(1.0, sample=OTHER_VOICE)
    call.wait(1.2)
    call.understand("Well.")
    call.await_input()
    call.complete()
    call.hand_over("h2")
    call.wait(2.0)
    if renewed:
        recover(call)
        call.wait(3.0)
        assert call.given_seconds(2, OTHER_VOICE) == 0.0
    call.say(1.0)
    call.wait(0.9)
    call.understand("What time is it?")
    call.answer(0.4, "Noon")
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(9.0)
    assert call.did(Wedged) == []
    assert call.did(FalseInterruptionSeen) == [FalseInterruptionSeen(continued=False)]


def test_words_cross_the_answer_to_others_that_were_given_again_though_another_link_had_no_answer_to_them() -> None:
    call = Conversation.opened()
    call.say(1.0, sample=OTHER_VOICE)
    call.wait(1.2)
    call.understand("Well.")
    call.await_input()
    call.complete()
    call.wait(2.0)
    recover(call)
    call.wait(3.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(1.0)
    call.say(1.0)
    call.wait(0.4)
    call.understand("What time is it?")
    call.answer(0.4, "Noon")
    call.interrupted(by_sound=False)
    call.complete()
    recover(call)
    call.wait(3.0)
    assert call.given_seconds(3) == pytest.approx(1.0)
    assert call.given_seconds(3, OTHER_VOICE) == 0.0


def test_words_behind_a_text_did_not_cross_their_answer_on_a_link_that_was_not_given_the_text() -> None:
    call = acquainted()
    call.write("Hello?")
    call.wait(0.3)
    call.say(0.5)
    call.interrupted()
    call.complete()
    call.hand_over("h2")
    call.say(1.0)
    call.wait(1.2)
    recover(call)
    call.wait(3.0)
    assert call.texts(2) == []
    assert call.given_seconds(2) == pytest.approx(1.5, abs=0.05)
    call.understand("What time is it?")
    call.answer(0.4, "Noon")
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(9.0)
    assert call.did(Wedged) == []
    assert call.did(FalseInterruptionSeen) == [FalseInterruptionSeen(continued=False)]


def test_a_text_whose_answer_was_cut_crosses_no_later_one() -> None:
    call = acquainted()
    call.write("And you?")
    call.wait(0.8)
    call.answer(2.0, "Fine, too.")
    call.say(1.0)
    call.interrupted()
    call.complete()
    call.wait(0.9)
    call.write("Hello?")
    call.wait(0.1)
    call.reading = False
    call.answer(0.4, "Noon")
    call.interrupted(by_sound=False)
    call.complete()
    call.reading = True
    recover(call)
    call.wait(3.0)
    assert call.texts(2) == ["Hello?"]
    assert call.given_seconds(2) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("after", [False, True])
def test_nothing_is_kept_of_words_whose_answer_was_played_though_it_was_never_said_to_be_whole(after: bool) -> None:
    call = Conversation.opened()
    speak(call, OTHER_VOICE)
    call.wait(1.5)
    speak(call, VOICE)
    call.wait(0.4)
    call.reading = not after
    call.answer(0.4, "Noon")
    assert call.session.held_bytes > 32_000
    # It has no end but this, which may come before the client has anything of it.
    call.complete()
    call.reading = True
    call.read()
    call.wait(1.0)
    assert len(call.got(TurnEnded)) == 1
    assert call.session.held_bytes == 0


def test_nothing_is_kept_of_an_activity_with_a_text_whose_answer_was_played() -> None:
    call = Conversation.opened(MANUAL)
    call.press()
    call.write("And you?")
    call.say(1.0)
    call.release()
    call.wait(0.4)
    call.answer(0.4, "Noon")
    assert call.session.held_bytes > 32_000
    call.complete()
    call.wait(1.0)
    assert call.session.held_bytes == 0


def test_nothing_is_kept_of_words_that_a_call_answered_once_its_turn_is_over() -> None:
    call = Conversation.opened()
    speak(call, OTHER_VOICE)
    call.wait(1.5)
    speak(call, VOICE)
    call.wait(0.4)
    call.call("c1")
    assert call.session.held_bytes > 32_000
    call.respond("c1", '{"sky": "clear"}')
    call.answer(0.4, "Clear")
    call.complete()
    call.wait(1.0)
    assert call.session.held_bytes == 0


@pytest.mark.parametrize("whole", [False, True])
def test_what_a_text_interrupts_once_the_model_has_ended_it_was_not_crossed_by_the_words_before_it(whole: bool) -> None:
    call = acquainted()
    speak(call, OTHER_VOICE)
    call.wait(1.5)
    speak(call, VOICE)
    call.wait(0.4)
    call.understand("What time is it?")
    call.answer(4.0, "Noon")
    if whole:
        call.finish_generation()
    call.complete()
    call.wait(1.5)
    call.write("Hello?")
    recover(call)
    call.wait(3.0)
    assert call.texts(2) == ["Hello?"]
    assert call.given_seconds(2) == 0.0


def test_words_crossed_an_answer_that_the_model_ended_while_it_was_in_doubt_whether_they_interrupt_it() -> None:
    call = acquainted()
    speak(call, OTHER_VOICE)
    call.wait(1.5)
    speak(call, VOICE)
    call.wait(0.6)
    call.answer(2.0, "Noon")
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(0.2)
    assert call.got(Interrupted) == []
    call.understand("What time is it?")
    assert len(call.got(Interrupted)) == 1
    recover(call)
    call.wait(3.0)
    assert call.given_seconds(2) == pytest.approx(1.0)


def test_nothing_is_kept_of_words_whose_answer_the_client_cut_though_the_model_never_ended_it() -> None:
    call = acquainted()
    speak(call, OTHER_VOICE)
    call.wait(1.5)
    speak(call, VOICE)
    call.wait(0.4)
    call.understand("What time is it?")
    call.answer(2.0, "Noon")
    assert call.session.held_bytes > 32_000
    call.wait(0.5)
    call.interrupt()
    call.wait(1.0)
    assert call.session.held_bytes == 0
