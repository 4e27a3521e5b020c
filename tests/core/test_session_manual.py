"""Manual turn detection: the client says when the user speaks."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import Dial, FalseInterruptionSeen, PhantomSeen, SendActivity
from segue.core.options import Mode
from segue.core.outputs import CutCause, InputRejected, Interrupted
from segue.core.policy import FalseInterruption
from tests.core.conversation import OTHER_VOICE, POLICY, Conversation, telling
from tests.core.pressing import MANUAL, SPOKEN_TEXT, acquainted, answer, shape, speak


def test_the_mode_goes_into_the_setup() -> None:
    assert Conversation.opened(MANUAL).did(Dial)[0].setup.mode is Mode.MANUAL


def test_what_the_user_says_goes_between_a_start_and_an_end() -> None:
    call = acquainted()
    assert shape(call, 1) == ["start", "audio", "end"]
    assert call.given_seconds() == pytest.approx(0.6)
    assert call.assert_turn_ended(1).heard_text == "Fine."


def test_audio_outside_an_activity_is_not_forwarded() -> None:
    call = Conversation.opened(MANUAL)
    call.say(1.0, sample=OTHER_VOICE)
    speak(call)
    call.say(1.0, sample=OTHER_VOICE)
    call.wait(5.0)
    assert call.given_seconds(sample=OTHER_VOICE) == 0.0
    assert call.given_seconds() == pytest.approx(0.6)
    assert call.dropped("outside_activity") == pytest.approx(2.0)
    assert call.got(InputRejected) == []


def test_no_silence_is_fed() -> None:
    call = Conversation.opened(MANUAL)
    call.press()
    call.say(0.5)
    call.wait(3.0)
    assert call.given_seconds() * 32_000 == len(call.given_audio())


def test_a_second_start_and_the_end_of_nothing_mean_nothing() -> None:
    call = Conversation.opened(MANUAL)
    call.release()
    call.press()
    call.press()
    call.say(0.5)
    call.release()
    call.release()
    assert shape(call, 1) == ["start", "audio", "end"]
    call.assert_open()


def test_an_end_without_content_keeps_the_activity_open() -> None:
    call = Conversation.opened(SPOKEN_TEXT)
    call.press()
    call.release()
    assert shape(call, 1) == ["start"]
    call.say(0.5)
    call.release()
    assert shape(call, 1) == ["start", "audio", "end"]


def test_the_next_start_is_held_back_until_the_service_would_hear_it() -> None:
    call = Conversation.opened(MANUAL)
    speak(call, 0.5)
    ended = call.now
    call.wait(0.1)
    call.press()
    call.say(0.5, sample=OTHER_VOICE)
    call.wait(1.0)
    starts = [at for at, action in call.timeline if isinstance(action, SendActivity) and action.started]
    assert starts[1] - ended == pytest.approx(0.7)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.5)
    assert shape(call, 1) == ["start", "audio", "end", "start", "audio"]


def test_input_before_the_link_is_up_waits_in_its_order() -> None:
    call = Conversation(MANUAL)
    call.open()
    speak(call)
    call.link_up()
    call.wait(1.0)
    assert shape(call, 1) == ["start", "audio", "end"]
    assert call.given_seconds() == pytest.approx(0.6)


@pytest.mark.parametrize("generated", [True, False])
def test_a_start_cuts_what_is_being_said(generated: bool) -> None:
    call = telling(SPOKEN_TEXT)
    if generated:
        call.finish_generation()
        call.complete()
    call.press()
    assert call.assert_interrupted(1).cause is CutCause.USER
    assert shape(call, 1) == ["start"]


def test_a_start_that_cuts_is_the_evidence_of_its_interruption() -> None:
    call = telling(MANUAL)
    call.press()
    call.receive(ev.ModelInterrupted(1))
    call.complete()
    call.say(0.6)
    call.release()
    call.wait(1.0)
    answer(call, "Yes?")
    assert [cut.turn for cut in call.got(Interrupted)] == [1]
    assert call.assert_turn_ended(2).heard_text == "Yes?"


def test_a_start_makes_an_interruption_in_doubt_real() -> None:
    call = telling(MANUAL)
    call.finish_generation()
    call.receive(ev.ModelInterrupted(1))
    call.wait(0.5)
    call.press()
    call.wait(2.0)
    assert call.assert_interrupted(1).cause is CutCause.USER
    assert call.did(PhantomSeen) == []


def test_a_start_without_words_is_no_false_interruption() -> None:
    call = Conversation.opened(MANUAL, replace(POLICY, false_interruption=FalseInterruption.CONTINUE))
    call.answer(6.0, "Once upon a time. ")
    call.wait(1.0)
    call.press()
    call.receive(ev.ModelInterrupted(1))
    call.complete()
    call.wait(10.0)
    assert call.did(FalseInterruptionSeen) == []
    assert call.texts() == []


def test_the_answer_to_an_activity_is_timed_from_its_end() -> None:
    call = Conversation.opened(MANUAL)
    speak(call)
    call.wait(1.5)
    answer(call)
    assert call.assert_turn_ended(1).first_audio_latency == pytest.approx(1.5)


def test_a_half_closed_session_waits_for_the_answer_to_an_activity() -> None:
    call = Conversation.opened(MANUAL)
    call.press()
    call.say(0.2)
    call.release()
    call.end_input()
    call.wait(5.0)
    answer(call)
    call.wait()
    assert call.assert_turn_ended(1).heard_text == "Fine."


def test_words_of_an_activity_before_it_was_answered_are_no_part_of_the_next() -> None:
    call = Conversation.opened(MANUAL)
    speak(call)
    call.wait(0.5)
    answer(call)
    call.understand("How are you?")
    call.wait(1.0)
    speak(call)
    call.understand("What time is it?")
    call.wait(0.5)
    answer(call, "Noon.")
    call.lose_link()
    instruction = call.setups[-1].setup.system_instruction
    assert instruction.index("How are you?") < instruction.index("Fine.") < instruction.index("What time is it?")


def test_voice_outside_an_activity_cuts_nothing() -> None:
    call = telling(MANUAL)
    call.say(1.0)
    assert call.got(Interrupted) == []
