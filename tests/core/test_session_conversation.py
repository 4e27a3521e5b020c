"""A conversation: what the user says goes to the model, what the model says comes paced and in turns."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import Drop, Send, Wake, Wedged
from segue.core.options import Modality
from segue.core.outputs import (
    Audio,
    CloseReason,
    EndReason,
    Interrupted,
    Opened,
    Speaker,
    Text,
    Transcript,
    TurnEnded,
    Usage,
    UserActivity,
)
from tests.core.conversation import OPTIONS, Conversation, speech, voice


def test_a_question_gets_its_answer() -> None:
    call = Conversation.opened()
    call.say(1.0)
    call.understand("What time is it?")
    call.wait(0.5)
    call.answer(2.0, "It is noon.")
    call.finish_generation()
    call.wait(2.0)
    call.complete()
    call.wait(0.1)
    assert call.heard(1) == pytest.approx(2.0)
    assert Transcript(0, Speaker.USER, "What time is it?") in call.outputs
    assert Transcript(1, Speaker.MODEL, "It is noon.") in call.outputs
    ended = call.assert_turn_ended(1)
    assert (ended.reason, ended.heard_text, ended.unheard_text) == (EndReason.COMPLETED, "It is noon.", "")
    assert ended.heard == pytest.approx(2.0)
    assert ended.audio == pytest.approx(2.0)
    assert ended.first_audio_latency == pytest.approx(0.52)


def test_output_is_numbered_from_one_as_it_leaves() -> None:
    call = Conversation.opened()
    call.answer(0.5, "Hi.")
    call.complete()
    call.wait(1.0)
    numbers = [send.seq for _, send in call.sent]
    assert call.outputs[0] == Opened("call-1", "gemini-3.8-live")
    assert numbers == list(range(len(numbers)))


def test_speech_is_released_at_most_the_lead_ahead_of_the_ear() -> None:
    call = Conversation.opened()
    begin = call.now
    call.answer(10.0)
    call.wait(11.0)
    given = 0.0
    for at, send in call.sent:
        if isinstance(send.output, Audio):
            given += len(send.output.audio) / 48_000
            assert given - (at - begin) <= OPTIONS.lead + 1e-6
    assert given == pytest.approx(10.0)


def test_speech_never_runs_dry_while_there_is_any() -> None:
    call = Conversation.opened()
    begin = call.now
    call.answer(10.0)
    call.wait(11.0)
    played = 0.0
    for at, send in call.sent:
        if isinstance(send.output, Audio):
            assert at - begin <= played + 1e-6
            played += len(send.output.audio) / 48_000


def test_a_client_that_asks_for_it_gets_speech_as_fast_as_it_comes() -> None:
    call = Conversation.opened(replace(OPTIONS, unpaced=True))
    call.answer(20.0)
    call.complete()
    assert call.heard(1) == pytest.approx(20.0)
    call.wait(19.9)
    assert call.got(TurnEnded) == []
    call.wait(0.2)
    call.assert_turn_ended(1)


@pytest.mark.parametrize(("lead", "frame"), [(0.1, 1.0), (0.1, 0.01), (60.0, 1.0), (1.0, 0.04)])
def test_every_pace_delivers_every_byte(lead: float, frame: float) -> None:
    call = Conversation.opened(replace(OPTIONS, lead=lead, output_frame_duration=frame))
    for size in (1, 3, 4801, 4800, 99_999, 10_000):
        call.receive(ev.ModelAudio(1, b"\x01\x02" * (size // 2) + b"\x01" * (size % 2)))
        call.wait(0.01)
    call.complete()
    call.wait(10.0)
    sizes = [len(audio.audio) for audio in call.got(Audio)]
    assert sum(sizes) == 1 + 3 + 4801 + 4800 + 99_999 + 10_000
    assert set(sizes[:-1]) <= {round(frame * 48_000)}
    call.assert_turn_ended(1)


def test_a_turn_begins_with_whatever_comes_of_it_first() -> None:
    call = Conversation.opened()
    call.receive(ev.ModelTranscribed(1, "Well"))
    call.answer(1.0)
    call.complete()
    call.wait(2.0)
    assert [type(output) for output in call.outputs[1:3]] == [Transcript, Audio]
    call.assert_turn_ended(1)


def test_text_in_a_spoken_session_is_not_the_models_words() -> None:
    call = Conversation.opened()
    call.receive(ev.ModelText(1, "print(1)"))
    call.answer(1.0)
    assert call.got(Text) == []
    assert call.heard(1) > 0.0


def test_late_text_of_a_written_reply_that_was_cut_is_muted() -> None:
    call = Conversation.opened(replace(OPTIONS, model="gemini-2.0-flash-live-001", modality=Modality.TEXT))
    call.receive(ev.ModelText(1, "Good "))
    call.interrupted()
    call.receive(ev.ModelText(1, "day."))
    assert [text.text for text in call.got(Text)] == ["Good "]


def test_written_answers_come_at_once() -> None:
    call = Conversation.opened(replace(OPTIONS, model="gemini-2.0-flash-live-001", modality=Modality.TEXT))
    call.write("hello")
    call.receive(ev.ModelText(1, "Good "))
    call.receive(ev.ModelText(1, "day."))
    call.complete()
    assert [text.text for text in call.got(Text)] == ["Good ", "day."]
    ended = call.assert_turn_ended(1)
    assert (ended.heard_text, ended.first_audio_latency) == ("Good day.", None)


def test_turns_count_up_and_play_one_after_the_other() -> None:
    call = Conversation.opened()
    call.answer(3.0, "One.")
    call.complete()
    call.answer(3.0, "Two.")
    call.complete()
    call.wait(7.0)
    turns = [output.turn for output in call.outputs if isinstance(output, Audio | TurnEnded)]
    assert turns == sorted(turns)
    call.assert_turn_ended(1)
    call.assert_turn_ended(2)


def test_the_end_of_a_turn_is_said_when_it_was_played() -> None:
    call = Conversation.opened()
    begin = call.now
    call.answer(3.0)
    call.complete()
    call.wait(5.0)
    [at] = [at for at, send in call.sent if isinstance(send.output, TurnEnded)]
    assert at - begin == pytest.approx(3.0)


def test_a_turn_that_nobody_ends_ends_8_seconds_after_it_was_played() -> None:
    call = Conversation.opened()
    call.answer(3.0)
    call.finish_generation()
    call.wait(10.9)
    assert call.heard(1) == pytest.approx(3.0)
    assert call.got(TurnEnded) == []
    call.wait(0.2)
    assert call.assert_turn_ended(1).reason is EndReason.COMPLETED


def test_the_end_of_generation_lets_the_last_short_frame_go() -> None:
    call = Conversation.opened()
    call.receive(ev.ModelAudio(1, speech(0.05)))
    assert call.heard(1) == pytest.approx(0.04)
    call.finish_generation()
    assert call.heard(1) == pytest.approx(0.05)


def test_an_end_of_generation_without_a_turn_means_nothing() -> None:
    call = Conversation.opened()
    assert call.receive(ev.GenerationCompleted(1)) == []


def test_an_empty_turn_is_no_turn() -> None:
    call = Conversation.opened()
    call.say(0.5)
    call.understand("Hm")
    call.complete()
    call.answer(1.0)
    call.complete()
    call.wait(2.0)
    assert [ended.turn for ended in call.got(TurnEnded)] == [1]
    # The words were settled by the turn without an answer, so nothing is known of how long the second one took.
    assert call.assert_turn_ended(1).first_audio_latency is None


def test_a_refusal_names_the_reason_of_the_backend() -> None:
    call = Conversation.opened()
    call.answer(0.5)
    call.complete("PROHIBITED_CONTENT")
    call.wait(1.0)
    ended = call.assert_turn_ended(1)
    assert (ended.reason, ended.backend_reason) == (EndReason.REFUSED, "PROHIBITED_CONTENT")


def test_usage_goes_with_the_turn_that_cost_it_and_into_the_sums() -> None:
    call = Conversation.opened()
    call.answer(0.5)
    call.complete(usage=Usage(10, 20, 30))
    call.wait(1.0)
    assert call.assert_turn_ended(1).usage == Usage(10, 20, 30)
    call.receive(ev.UsageReported(1, Usage(1, 2, 3)))
    call.receive(ev.CloseReceived(0, False))
    totals = call.assert_closed(CloseReason.COMPLETED).totals
    assert totals is not None
    assert totals.usage == Usage(11, 22, 33)
    assert (totals.turns, totals.interruptions) == (1, 0)
    assert totals.output_audio == pytest.approx(0.5)
    assert totals.duration == pytest.approx(1.0)


def test_transcripts_that_the_client_does_not_want_stay_away() -> None:
    call = Conversation.opened(replace(OPTIONS, user_transcripts=False, model_transcripts=False))
    call.understand("Hello?")
    call.answer(1.0, "Yes.")
    call.complete()
    call.wait(2.0)
    assert call.got(Transcript) == []
    assert call.assert_turn_ended(1).heard_text == "Yes."


def test_words_that_are_understood_late_belong_to_the_turn_that_answers_them() -> None:
    call = Conversation.opened()
    call.answer(1.0)
    call.understand("What time is it?")
    assert Transcript(1, Speaker.USER, "What time is it?") in call.outputs
    call.complete()
    call.wait(2.0)
    call.assert_turn_ended(1)


@pytest.mark.parametrize("played", [False, True])
def test_words_that_are_understood_after_their_answer_was_made_do_not_interrupt_it(played: bool) -> None:
    call = Conversation.opened()
    call.say(1.0)
    call.wait(1.0)
    # The network brings it all at once.
    call.reading = played
    call.answer(1.0)
    call.finish_generation()
    call.complete()
    call.understand("What time is it?")
    call.reading = True
    call.read()
    call.wait(20.0)
    assert bool(call.got(Interrupted)) is played
    if not played:
        assert call.heard(1) == pytest.approx(1.0)
        assert Transcript(1, Speaker.USER, "What time is it?") in call.outputs
        assert not call.did(Wedged)


def test_the_detector_of_the_backend_is_passed_on() -> None:
    call = Conversation.opened()
    call.receive(ev.UserActivityDetected(1, True))
    call.receive(ev.UserActivityDetected(1, False))
    assert call.got(UserActivity) == [UserActivity(True), UserActivity(False)]


def test_silence_is_fed_when_the_audio_pauses_and_stops_when_it_was_long_enough() -> None:
    call = Conversation.opened()
    call.say(0.5)
    call.wait(0.1)
    assert len(call.given()) == 25
    call.wait(60.0)
    assert len(call.given()) - 25 in (18, 19)


def test_audio_that_does_not_pause_is_passed_on_as_it_came() -> None:
    call = Conversation.opened()
    call.say(2.0)
    assert call.given() == [voice(0.02)] * 100


def test_a_turn_that_is_longer_than_what_can_be_held_is_cut_off_and_says_so() -> None:
    call = Conversation.opened()
    call.answer(200.0, "A long story.")
    call.complete()
    call.wait(300.0)
    ended = call.assert_turn_ended(1)
    assert ended.reason is EndReason.OUTPUT_OVERFLOW
    assert ended.audio == pytest.approx(call.heard(1))
    assert 180.0 <= ended.audio <= 180.0 + OPTIONS.lead
    assert ended.audio + call.dropped("overflow") == pytest.approx(200.0)
    # The words came behind the audio that was dropped.
    assert ended.heard_text == ""
    call.answer(1.0)
    call.complete()
    call.wait(2.0)
    assert call.assert_turn_ended(2).reason is EndReason.COMPLETED


def test_a_client_that_does_not_read_holds_no_more_than_180_seconds() -> None:
    call = Conversation.opened()
    call.reading = False
    for _ in range(10):
        call.answer(30.0)
        call.complete()
    assert call.session.held_bytes <= 180 * 48_000
    assert call.dropped("overflow") == pytest.approx(120.0)


def test_a_writer_is_woken_once() -> None:
    call = Conversation.opened()
    call.reading = False
    assert Wake() in call.receive(ev.UserActivityDetected(1, True))
    assert Wake() not in call.receive(ev.UserActivityDetected(1, False))
    actions = call.read()
    assert [action.output for action in actions if isinstance(action, Send)] == [
        UserActivity(True),
        UserActivity(False),
    ]
    assert Wake() not in actions


def test_a_writer_that_takes_little_is_woken_for_the_rest() -> None:
    call = Conversation.opened()
    call.reading = False
    call.answer(0.5)
    assert Wake() in call.read(max_events=2)
    assert len(call.read(max_events=64, max_bytes=1920 * 3)) == 4


def test_a_late_answer_is_timed_from_the_last_word() -> None:
    call = Conversation.opened()
    call.say(1.0)
    call.say(0.5, voiced=False)
    call.wait(1.0)
    call.answer(1.0)
    call.complete()
    call.wait(2.0)
    assert call.assert_turn_ended(1).first_audio_latency == pytest.approx(1.52)


def test_nothing_is_dropped_in_a_conversation_without_trouble() -> None:
    call = Conversation.opened()
    for _ in range(3):
        call.say(0.5)
        call.understand("Go on.")
        call.answer(2.0, "So.")
        call.wait(2.0)
        call.complete()
        call.wait(0.5)
    assert call.did(Drop) == []
    assert [ended.reason for ended in call.got(TurnEnded)] == [EndReason.COMPLETED] * 3
