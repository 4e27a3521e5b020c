"""Words that were on their way when the model began to answer what was said before them: they interrupt that."""

from dataclasses import replace

import pytest

from segue.core.actions import FalseInterruptionSeen, Sign, Wedged
from segue.core.options import Mode, Options
from segue.core.outputs import Audio, Interrupted
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
