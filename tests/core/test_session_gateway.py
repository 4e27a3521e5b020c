"""GATEWAY turn detection: Segue itself hears when the user speaks."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import Dial, FalseInterruptionSeen, JudgeSpeech, Relearn
from segue.core.options import Mode, Options, Sensitivity, ServerDetection
from segue.core.outputs import CutCause, InputRejected, Interrupted, Rejection, UserActivity
from segue.core.policy import FalseInterruption
from tests.core.conversation import OPTIONS, OTHER_VOICE, POLICY, VOICE, Conversation, recover, telling
from tests.core.pressing import answer, shape

GATEWAY = replace(OPTIONS, mode=Mode.GATEWAY)
CONTINUE = replace(POLICY, false_interruption=FalseInterruption.CONTINUE)
SPOKEN_TEXT = replace(GATEWAY, model="gemini-3.1-flash-live-preview")


def judged(call: Conversation, probability: float) -> None:
    """Answer whatever a model was asked."""
    call.receive(ev.SpeechJudged(call.did(JudgeSpeech)[-1].question, probability))


def speak(call: Conversation, seconds: float = 1.0, sample: bytes = VOICE) -> None:
    """Say something, and be silent until that is known."""
    call.say(seconds, sample=sample)
    judged(call, 0.9)
    call.say(0.7, voiced=False)
    judged(call, 0.0)


def acquainted(options: Options = GATEWAY) -> Conversation:
    call = Conversation.opened(options)
    speak(call)
    call.understand("How are you?")
    call.wait(0.5)
    answer(call)
    call.hand_over("h1")
    call.wait(1.0)
    return call


def edges(call: Conversation) -> list[bool]:
    return [activity.started for activity in call.got(UserActivity)]


def test_what_the_user_says_goes_between_a_start_and_an_end() -> None:
    call = acquainted()
    assert call.did(Dial)[0].setup.mode is Mode.GATEWAY
    assert shape(call, 1) == ["start", "audio", "end"]
    assert call.given_seconds() == pytest.approx(1.0)
    assert edges(call) == [True, False]
    assert call.assert_turn_ended(1).heard_text == "Fine."


def test_silence_is_not_forwarded() -> None:
    call = Conversation.opened(GATEWAY)
    call.say(5.0, voiced=False)
    assert call.given_audio() == b""
    assert call.got(InputRejected) == []


def test_an_activity_begins_after_100_ms_of_voice_and_300_ms_before_it() -> None:
    call = Conversation.opened(GATEWAY)
    call.say(2.0, voiced=False)
    call.say(0.08)
    assert shape(call, 1) == []
    call.say(0.02)
    assert shape(call, 1) == ["start", "audio"]
    call.wait(0.5)
    assert len(call.given_audio()) / 32_000 == pytest.approx(0.4, abs=0.02)


def test_what_the_model_says_is_cut_after_100_ms_of_voice() -> None:
    call = telling(GATEWAY)
    call.say(0.08)
    assert call.got(Interrupted) == []
    call.say(0.02)
    assert call.assert_interrupted(1).cause is CutCause.USER


def test_clicks_are_no_voice() -> None:
    call = telling(GATEWAY)
    for _ in range(10):
        call.say(0.04)
        call.say(0.2, voiced=False)
    assert call.got(Interrupted) == []
    assert shape(call, 1) == []


@pytest.mark.parametrize(
    ("tuning", "hang_over"),
    [
        (ServerDetection(), 0.6),
        (ServerDetection(end_sensitivity=Sensitivity.HIGH), 0.4),
        (ServerDetection(end_sensitivity=Sensitivity.LOW), 0.9),
        (ServerDetection(silence_ms=1_500), 1.5),
    ],
)
def test_the_user_has_finished_after_the_hang_over(tuning: ServerDetection, hang_over: float) -> None:
    call = Conversation.opened(replace(GATEWAY, detection=tuning))
    call.say(1.0)
    call.say(hang_over - 0.02, voiced=False)
    assert len(call.did(JudgeSpeech)) == 1
    call.say(0.04, voiced=False)
    assert len(call.did(JudgeSpeech)) == 2
    judged(call, 0.1)
    call.wait(0.2)
    assert shape(call, 1) == ["start", "audio", "end"]


def test_the_onset_can_be_tuned() -> None:
    call = Conversation.opened(replace(GATEWAY, detection=ServerDetection(prefix_padding_ms=300)))
    call.say(0.28)
    assert edges(call) == []
    call.say(0.02)
    assert edges(call) == [True]


def test_a_pause_is_no_end() -> None:
    call = Conversation.opened(GATEWAY)
    call.say(1.0)
    call.say(0.5, voiced=False)
    call.say(1.0)
    assert shape(call, 1) == ["start", "audio"]


def test_a_model_that_does_not_answer_holds_nothing_up() -> None:
    call = Conversation.opened(GATEWAY)
    call.say(1.0)
    call.say(0.62, voiced=False)
    assert shape(call, 1) == ["start", "audio"]
    call.say(0.12, voiced=False)
    assert shape(call, 1) == ["start", "audio", "end"]


def test_what_a_model_takes_for_speech_goes_on_for_a_moment() -> None:
    call = Conversation.opened(GATEWAY)
    call.say(1.0)
    call.say(0.62, voiced=False)
    judged(call, 0.9)
    call.say(0.26, voiced=False)
    assert shape(call, 1) == ["start", "audio"]
    call.say(0.1, voiced=False)
    assert shape(call, 1) == ["start", "audio", "end"]


def test_an_activity_ends_though_the_audio_pauses() -> None:
    call = Conversation.opened(GATEWAY)
    call.say(1.0)
    call.wait(0.9)
    assert edges(call) == [True]
    call.wait(0.4)
    assert edges(call) == [True, False]
    assert shape(call, 1) == ["start", "audio", "end"]


def test_what_is_too_short_is_not_ended_alone_and_what_follows_is_joined_to_it() -> None:
    call = Conversation.opened(GATEWAY)
    call.say(0.2)
    call.say(2.0, voiced=False)
    assert shape(call, 1) == ["start", "audio"]
    assert edges(call) == [True, False]
    speak(call, sample=OTHER_VOICE)
    assert shape(call, 1) == ["start", "audio", "end"]
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(1.0)


def test_what_is_too_short_is_ended_once_somebody_understood_it() -> None:
    call = Conversation.opened(GATEWAY)
    call.say(0.2)
    call.say(0.8, voiced=False)
    call.understand("No.")
    assert shape(call, 1) == ["start", "audio", "end"]
    call.wait(0.5)
    answer(call, "Fine.")
    assert call.assert_turn_ended(1).heard_text == "Fine."


def test_noise_that_a_model_denies_is_no_activity_any_more_and_the_model_goes_on() -> None:
    call = telling(GATEWAY, CONTINUE)
    call.say(0.4)
    assert call.assert_interrupted(1).cause is CutCause.USER
    call.receive(ev.ModelInterrupted(1))
    call.complete()
    judged(call, 0.1)
    assert call.did(Relearn) == [Relearn()]
    assert edges(call) == [True, False]
    call.wait(0.1)
    assert call.did(FalseInterruptionSeen) == [FalseInterruptionSeen(continued=True)]
    # The request ends the activity that the noise had begun.
    assert shape(call, 1) == ["start", "audio", "text", "end"]


def test_a_cough_makes_the_model_go_on_two_seconds_later() -> None:
    call = telling(GATEWAY, CONTINUE)
    call.say(0.2)
    call.receive(ev.ModelInterrupted(1))
    call.complete()
    call.say(3.0, voiced=False)
    assert call.did(FalseInterruptionSeen) == [FalseInterruptionSeen(continued=True)]
    assert shape(call, 1) == ["start", "audio", "text", "end"]


def test_what_is_understood_late_of_words_that_were_answered_is_not_taken_for_a_cough() -> None:
    call = Conversation.opened(GATEWAY)
    speak(call)
    call.wait(0.5)
    call.answer(1.0, "Fine.")
    call.finish_generation()
    call.wait(0.5)
    call.say(0.2)
    call.receive(ev.ModelInterrupted(1))
    call.complete()
    call.say(0.5, voiced=False)
    call.understand("How are you?")
    call.say(2.0, voiced=False)
    call.wait(60.0)
    # Nobody answers a cough, and that shows nothing.
    assert len(call.did(Dial)) == 1
    assert shape(call, 1) == ["start", "audio", "end", "start", "audio"]


def test_an_activity_that_never_ends_is_ended_after_a_minute() -> None:
    call = Conversation.opened(GATEWAY)
    call.say(0.5)
    judged(call, 0.9)
    call.say(59.0)
    assert edges(call) == [True]
    call.say(1.0)
    assert edges(call)[:2] == [True, False]
    assert call.did(Relearn) == [Relearn()]
    assert "end" in shape(call, 1)


def test_judgements_nobody_waits_for_mean_nothing() -> None:
    call = Conversation.opened(GATEWAY)
    call.receive(ev.SpeechJudged(1, 0.0))
    call.say(1.0)
    call.receive(ev.SpeechJudged(7, 0.0))
    call.say(2.0, voiced=False)
    call.receive(ev.SpeechJudged(1, 0.0))
    assert edges(call) == [True, False]
    manual = Conversation.opened(replace(OPTIONS, mode=Mode.MANUAL))
    manual.receive(ev.SpeechJudged(1, 0.0))
    manual.assert_open()


def test_what_is_thought_of_the_onset_may_come_with_the_end() -> None:
    call = telling(GATEWAY, CONTINUE)
    call.say(1.0)
    call.say(0.62, voiced=False)
    onset, end = call.did(JudgeSpeech)
    call.receive(ev.SpeechJudged(onset.question, 0.9))
    call.say(0.02, voiced=False)
    assert edges(call) == [True]
    call.receive(ev.SpeechJudged(end.question, 0.1))
    assert edges(call) == [True, False]


def test_a_text_ends_an_activity_that_nobody_speaks_in_any_more() -> None:
    call = Conversation.opened(GATEWAY)
    call.say(0.2)
    call.say(2.0, voiced=False)
    call.write("What time is it?")
    call.wait(0.1)
    assert shape(call, 1) == ["start", "audio", "text", "end"]


@pytest.mark.parametrize("denied", [False, True])
def test_a_note_that_is_to_be_answered_is_not_left_in_an_activity_of_a_sound(denied: bool) -> None:
    call = acquainted(SPOKEN_TEXT)
    call.say(0.4 if denied else 0.2)
    call.receive(ev.NoteReceived(0, "Somebody is at the door.", answer=True))
    if denied:
        judged(call, 0.1)
    call.say(3.0, voiced=False)
    beside = [] if denied else ["audio"]
    assert shape(call, 1)[3:] == ["start", "audio", "text", *beside, "end"]
    recover(call)
    call.wait(0.5)
    # Of the sound nothing is kept.
    assert shape(call, 2) == ["start", "text", "end"]
    answer(call, "Who is it?")
    assert call.assert_turn_ended(2).heard_text == "Who is it?"


def test_the_client_does_not_signal_activities() -> None:
    call = Conversation.opened(GATEWAY)
    call.press()
    [rejected] = call.got(InputRejected)
    assert rejected.reason is Rejection.WRONG_MODE
    assert "GATEWAY" in rejected.message


def test_the_answer_is_timed_from_the_end_of_the_words() -> None:
    call = Conversation.opened(GATEWAY)
    call.say(1.0)
    spoke = call.now
    call.say(0.8, voiced=False)
    call.wait(0.5)
    call.answer(1.0, "Fine.")
    waited = call.now - spoke
    call.finish_generation()
    call.complete()
    call.wait(2.0)
    assert call.assert_turn_ended(1).first_audio_latency == pytest.approx(waited, abs=0.05)


def test_an_activity_goes_over_to_the_next_link() -> None:
    call = acquainted()
    call.say(1.0, sample=OTHER_VOICE)
    call.lose_link()
    call.say(0.5, sample=OTHER_VOICE)
    call.link_up()
    call.say(0.5, sample=OTHER_VOICE)
    call.say(1.0, voiced=False)
    call.wait(2.0)
    assert shape(call, 2) == ["start", "audio", "end"]
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(2.0, abs=0.05)


# Interrupt, where activities are signalled.


def test_an_interrupt_stops_the_model_by_an_activity_that_the_next_words_end() -> None:
    call = telling(SPOKEN_TEXT)
    call.interrupt()
    assert shape(call, 1) == ["start"]
    call.receive(ev.ModelInterrupted(1))
    call.complete()
    call.wait(2.0)
    call.write("Never mind.")
    assert shape(call, 1) == ["start", "text", "end"]


def test_an_interrupt_of_what_was_generated_stops_nothing() -> None:
    call = telling(SPOKEN_TEXT)
    call.finish_generation()
    call.interrupt()
    assert shape(call, 1) == []


def test_the_client_is_told_only_what_segue_hears() -> None:
    call = Conversation.opened(GATEWAY)
    call.receive(ev.UserActivityDetected(1, True))
    call.receive(ev.UserActivityDetected(1, False))
    assert edges(call) == []


def test_the_answer_to_an_activity_is_not_taken_for_the_turn_that_it_cut() -> None:
    call = telling(GATEWAY)
    # The backend never says that it was interrupted.
    speak(call)
    call.understand("And the dragon?")
    call.wait(0.5)
    call.answer(1.0, "It slept.")
    call.finish_generation()
    call.complete()
    call.wait(2.0)
    assert call.assert_turn_ended(2).heard_text == "It slept."


def test_noise_does_not_make_words_before_it_forgotten() -> None:
    call = acquainted()
    speak(call, sample=OTHER_VOICE)
    call.understand("What time is it?")
    call.wait(1.0)
    call.say(0.4)
    judged(call, 0.1)
    call.wait(9.0)
    # Nothing answers them, so that another link gets them.
    call.link_up()
    call.wait(2.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(1.0, abs=0.05)
