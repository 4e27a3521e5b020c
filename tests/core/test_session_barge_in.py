"""Whether the user may interrupt the model: always, never, or once a turn has played for a while."""

from collections.abc import Callable
from dataclasses import replace
from math import inf

import pytest

from segue.core import events as ev
from segue.core.actions import JudgeSpeech, PhantomSeen, SendActivity, SendAudio, SendText, Sign, Wedged
from segue.core.options import FunctionDeclaration, Mode, Options
from segue.core.outputs import (
    Audio,
    CloseReason,
    CutCause,
    EndReason,
    InputRejected,
    Interrupted,
    Rejection,
    ToolCall,
    TurnEnded,
)
from tests.core.conversation import OPTIONS, OTHER_VOICE, VOICE, Conversation, recover, telling, told, voice

NEVER = replace(OPTIONS, barge_in_after=inf)
# A turn of 10 s can be interrupted from 5 s on; `telling` leaves off after 3 s.
AFTER = replace(OPTIONS, barge_in_after=5.0)
MANUAL_NEVER = replace(NEVER, mode=Mode.MANUAL)
MANUAL_AFTER = replace(AFTER, mode=Mode.MANUAL)
# Audio during a call closes the link.
GATED = replace(NEVER, model="gemini-2.5-flash-native-audio", functions=(FunctionDeclaration("weather"),))


def play_out(call: Conversation) -> None:
    """Let the story end, for the backend and for the client."""
    call.finish_generation()
    call.complete()
    call.wait(12.0)


@pytest.mark.parametrize("begin", [telling, told])
def test_what_is_said_meanwhile_is_given_to_the_model_and_answered_afterwards(
    begin: Callable[[Options], Conversation],
) -> None:
    call = begin(NEVER)
    call.say(0.6, sample=OTHER_VOICE)
    call.wait(1.0)
    assert call.given_seconds(sample=OTHER_VOICE) == 0.0
    if begin is telling:
        call.finish_generation()
        call.complete()
    call.wait(12.0)
    assert call.got(Interrupted) == []
    assert call.heard(1) == pytest.approx(10.0)
    assert call.assert_turn_ended(1).reason is EndReason.COMPLETED
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)
    # The silence that tells the model that the user has finished comes with it.
    assert len(call.given_audio()) / 32_000 >= 1.6
    call.answer(1.0, "Yes.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.heard(2) == pytest.approx(1.0)
    assert call.did(Wedged) == []


def test_what_is_held_back_is_owed_an_answer_from_when_it_is_given() -> None:
    call = telling(NEVER)
    call.say(0.6)
    play_out(call)
    call.wait(12.0)
    assert [wedged.sign for wedged in call.did(Wedged)][:1] == [Sign.SILENCE]
    ended = [at for at, send in call.sent if isinstance(send.output, TurnEnded)]
    assert call.when(Wedged)[0] >= ended[0] + 8.0


def test_silence_that_is_heard_meanwhile_is_not_kept() -> None:
    call = telling(NEVER)
    given = len(call.given_audio())
    call.say(4.0, voiced=False)
    # Only the silence after what was heard last is fed.
    assert len(call.given_audio()) - given <= 2 * 32_000
    play_out(call)
    assert call.given_seconds() == 0.0
    call.say(0.2)
    assert call.given_seconds() == pytest.approx(0.2)


def test_who_begins_in_the_turn_and_ends_after_it_is_heard_as_a_whole() -> None:
    call = told(NEVER)
    call.wait(6.5)
    call.say(1.0)
    assert call.given_seconds() == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("lost", [False, True])
def test_silence_follows_what_was_said_so_shortly_before_the_end_that_it_is_not_known_to_be_over(lost: bool) -> None:
    call = told(NEVER)
    call.wait(6.0)
    call.say(0.6)
    if lost:
        call.lose_link()
        call.wait(0.3)
        call.link_up()
    call.wait(4.0)
    assert call.given_seconds() == pytest.approx(0.6)
    silence = call.given_audio(call.link).rpartition(VOICE)[2]
    assert len(silence) / 32_000 >= 0.8


def test_a_text_waits_for_the_end_of_the_turn_and_is_answered_then() -> None:
    call = telling(NEVER)
    call.write("And the queen?")
    call.wait(2.0)
    assert call.texts() == []
    play_out(call)
    assert call.texts() == ["And the queen?"]
    assert call.got(Interrupted) == []


def test_a_note_that_is_to_be_answered_waits_too() -> None:
    call = telling(NEVER)
    call.receive(ev.NoteReceived(0, "The user nodded.", True))
    call.wait(2.0)
    assert call.texts() == []
    play_out(call)
    assert len(call.texts()) == 1


def test_so_many_texts_wait_and_no_more() -> None:
    call = telling(NEVER)
    for number in range(33):
        call.write(str(number))
    (rejected,) = call.got(InputRejected)
    assert rejected.reason is Rejection.INPUT_OVERFLOW
    play_out(call)
    assert "\n".join(call.texts()).split("\n") == [str(number) for number in range(32)]


def test_more_speech_than_can_wait_is_refused_and_the_first_of_it_is_kept() -> None:
    call = Conversation.opened(NEVER)
    for _ in range(60):
        call.answer(1.0, "Word. ")
    call.wait(1.0)
    call.say(0.4, sample=OTHER_VOICE)
    call.say(30.0)
    call.say(0.4, voiced=False)
    assert {rejected.reason for rejected in call.got(InputRejected)} == {Rejection.INPUT_OVERFLOW}
    call.finish_generation()
    call.complete()
    call.wait(60.0)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.4)


def test_a_client_may_interrupt_whatever_the_user_may() -> None:
    call = telling(NEVER)
    call.say(0.6)
    call.interrupt()
    call.wait(1.5)
    assert call.assert_interrupted(1).cause is CutCause.CLIENT
    assert call.given_seconds() == pytest.approx(0.6)


def test_the_backend_that_interrupts_all_the_same_is_asked_to_go_on() -> None:
    call = telling(NEVER)
    call.say(0.6)
    call.interrupted()
    call.say(0.2)
    call.complete()
    call.wait(2.0)
    assert call.did(PhantomSeen) == [PhantomSeen(cut=True)]
    assert len(call.texts()) == 1
    call.wait(10.0)
    assert call.assert_interrupted(1).cause is CutCause.PHANTOM


def test_the_backend_that_answers_all_the_same_breaks_the_turn_off() -> None:
    call = telling(NEVER)
    call.say(0.6)
    call.interrupted()
    call.complete()
    call.answer(1.0, "What?")
    call.wait(12.0)
    assert call.assert_interrupted(1).cause is CutCause.PHANTOM
    call.assert_turn_ended(1)
    assert call.heard(2) == pytest.approx(1.0)


def test_an_answer_that_comes_while_words_are_held_back_does_not_answer_them() -> None:
    call = told(NEVER)
    call.say(0.6, sample=OTHER_VOICE)
    # The model goes on by itself.
    call.answer(1.0, "And.")
    call.finish_generation()
    call.complete()
    call.wait(12.0)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)
    assert call.session._line.succession.owed


def test_a_detector_of_the_backend_interrupts_nothing() -> None:
    call = told(NEVER)
    call.receive(ev.UserActivityDetected(call.link, True))
    call.wait(12.0)
    assert call.got(Interrupted) == []


def test_what_is_held_back_is_given_to_the_next_link_once() -> None:
    call = telling(NEVER)
    call.say(0.6, sample=OTHER_VOICE)
    call.lose_link()
    call.wait(0.5)
    call.link_up()
    call.wait(20.0)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)


def test_what_may_not_interrupt_yet_may_not_on_another_link_and_interrupts_once_it_may() -> None:
    call = telling(AFTER)
    call.write("And the queen?")
    recover(call)
    assert len(call.texts(2)) == 1
    assert call.texts(2)[0].startswith("[Note")
    call.wait(1.5)
    assert call.got(Interrupted) == []
    call.wait(0.5)
    assert call.texts(2)[1:] == ["And the queen?"]
    assert call.assert_interrupted(1).heard == pytest.approx(5.0, abs=0.1)


def test_what_may_be_said_while_there_is_no_link_is_given_to_the_next_one() -> None:
    call = told(NEVER)
    call.say(0.6, sample=OTHER_VOICE)
    call.lose_link()
    call.wait(10.0)
    call.link_up()
    call.wait(2.0)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)


def test_a_session_that_finishes_answers_what_was_held_back() -> None:
    call = telling(NEVER)
    call.write("And the queen?")
    call.end_input()
    play_out(call)
    assert call.texts() == ["And the queen?"]
    call.answer(1.0, "She, too.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    call.assert_closed(CloseReason.COMPLETED)
    assert call.heard(2) == pytest.approx(1.0)


def test_a_call_lets_go_of_what_it_held_back_and_of_nothing_else() -> None:
    call = telling(GATED)
    call.call("c1")
    assert len(call.got(ToolCall)) == 1
    call.say(0.6, sample=OTHER_VOICE)
    call.respond("c1")
    call.wait(0.5)
    assert call.given_seconds(sample=OTHER_VOICE) == 0.0
    play_out(call)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)


class TestAfter:
    """AFTER: at once when the turn has played for so long."""

    def test_words_of_before_interrupt_the_turn_when_they_may(self) -> None:
        call = telling(AFTER)
        call.say(0.6)
        assert call.given_seconds() == 0.0
        call.wait(1.3)
        assert call.given_seconds() == 0.0
        call.wait(0.2)
        assert call.given_seconds() == pytest.approx(0.3, abs=0.3)
        call.receive(ev.ModelInterrupted(call.link))
        cut = call.assert_interrupted(1)
        assert cut.cause is CutCause.USER
        assert cut.heard == pytest.approx(5.1, abs=0.2)

    def test_they_interrupt_what_the_backend_has_ended(self) -> None:
        call = told(AFTER)
        call.say(0.6)
        assert call.got(Interrupted) == []
        call.wait(2.0)
        assert call.assert_interrupted(1).heard == pytest.approx(5.0, abs=0.1)

    def test_a_shorter_turn_is_over_before(self) -> None:
        call = Conversation.opened(AFTER)
        call.answer(2.0, "Fine.")
        call.finish_generation()
        call.complete()
        call.wait(1.0)
        call.say(0.4)
        call.wait(2.0)
        assert call.got(Interrupted) == []
        assert call.given_seconds() == pytest.approx(0.4)

    def test_from_then_on_it_is_as_ever(self) -> None:
        call = told(AFTER)
        call.wait(2.1)
        call.say(0.4)
        assert call.assert_interrupted(1).cause is CutCause.USER
        assert call.given_seconds() == pytest.approx(0.4)

    def test_an_answer_that_has_not_begun_can_be_interrupted(self) -> None:
        call = Conversation.opened(AFTER)
        call.write("Hello!")
        call.say(0.4)
        assert call.given_seconds() == pytest.approx(0.4)

    def test_a_cough_is_given_and_asks_for_no_answer(self) -> None:
        call = told(AFTER)
        call.say(0.1)
        call.wait(30.0)
        assert call.got(Interrupted) == []
        assert call.given_seconds() == pytest.approx(0.1)
        assert call.did(Wedged) == []


class TestManual:
    """MANUAL: a start cuts nothing before it may."""

    def test_words_of_the_user_wait_their_turn(self) -> None:
        call = telling(MANUAL_NEVER)
        call.press()
        call.say(0.6)
        call.release()
        assert call.did(SendActivity) == []
        play_out(call)
        assert call.got(Interrupted) == []
        assert [action.started for action in call.did(SendActivity)] == [True, False]
        assert call.given_seconds() == pytest.approx(0.6)
        call.wait(8.0)
        assert [wedged.sign for wedged in call.did(Wedged)] == [Sign.SILENCE]

    def test_a_start_cuts_once_it_may(self) -> None:
        call = telling(MANUAL_AFTER)
        call.press()
        call.wait(1.9)
        assert call.did(SendActivity) == []
        call.wait(0.2)
        assert call.assert_interrupted(1).heard == pytest.approx(5.0, abs=0.1)
        call.say(0.4)
        call.release()
        call.wait(1.0)
        order = [type(action) for action in call.actions if isinstance(action, SendActivity | SendAudio | SendText)]
        assert (order[0], order[1], order[-1]) == (SendActivity, SendAudio, SendActivity)
        assert call.given_seconds() == pytest.approx(0.4)

    def test_quiet_words_are_held_back_as_well(self) -> None:
        call = telling(MANUAL_NEVER)
        call.press()
        call.say(0.6, voiced=False, sample=VOICE)
        call.release()
        play_out(call)
        assert len(call.given_audio()) / 32_000 == pytest.approx(0.6)


def test_a_turn_that_nobody_can_hear_yet_is_protected_as_well() -> None:
    call = Conversation.opened(AFTER)
    call.reading = False
    call.answer(3.0, "Fine.")
    call.receive(ev.AudioReceived(0, voice(0.4), True))
    assert call.given_seconds() == 0.0


def test_a_noise_that_is_denied_is_not_given_to_the_model() -> None:
    call = told(replace(NEVER, mode=Mode.GATEWAY))
    call.say(0.5)
    call.receive(ev.SpeechJudged(call.did(JudgeSpeech)[-1].question, 0.1))
    call.wait(12.0)
    assert call.got(Interrupted) == []
    assert call.given_audio() == b""
    call.say(0.5)
    assert call.given_seconds() == pytest.approx(0.5)


class TestEarly:
    """A model that begins before the user has finished."""

    def begun(self, options: Options) -> Conversation:
        call = Conversation.opened(options)
        call.say(0.6)
        call.answer(3.0, "Half an answer.")
        return call

    def test_who_was_speaking_then_interrupts_it_although_it_has_not_played_for_long(self) -> None:
        call = self.begun(AFTER)
        call.say(0.6)
        call.interrupted()
        assert call.given_seconds() == pytest.approx(1.22, abs=0.01)
        assert call.assert_interrupted(1).cause is CutCause.USER

    def test_who_was_speaking_then_is_heard_to_the_end_where_nobody_interrupts(self) -> None:
        call = self.begun(NEVER)
        call.say(0.6)
        assert call.given_seconds() == pytest.approx(1.2)
        # What is said next waits.
        call.wait(1.5)
        call.say(0.4, sample=OTHER_VOICE)
        assert call.given_seconds(sample=OTHER_VOICE) == 0.0
        assert call.got(Interrupted) == []

    def test_who_was_speaking_then_interrupts_it_for_the_service_even_where_nobody_may(self) -> None:
        call = self.begun(NEVER)
        call.say(0.6)
        call.interrupted(by_sound=False)
        call.complete()
        assert call.assert_interrupted(1).cause is CutCause.USER
        call.answer(1.0, "A whole answer.")
        call.finish_generation()
        call.complete()
        call.wait(3.0)
        assert call.assert_turn_ended(2).reason is EndReason.COMPLETED
        assert call.did(PhantomSeen) == []

    @pytest.mark.parametrize("mode", [Mode.MANUAL, Mode.GATEWAY])
    def test_it_is_one_turn_where_it_answers_a_text_in_an_activity(self, mode: Mode) -> None:
        call = Conversation.opened(replace(OPTIONS, mode=mode))
        call.press()
        call.say(0.6)
        call.write("And now?")
        for _ in range(4):
            call.answer(0.5, "Noon. ")
            call.say(0.2)
        call.release()
        call.say(1.0, voiced=False)
        call.wait(1.0)
        assert call.got(TurnEnded) == []
        assert {audio.turn for audio in call.got(Audio)} == {1}

    @pytest.mark.parametrize("mode", [Mode.MANUAL, Mode.GATEWAY])
    def test_it_goes_on_in_one_turn_where_the_model_is_told_of_activities_and_nobody_interrupts(
        self, mode: Mode
    ) -> None:
        call = Conversation.opened(replace(NEVER, mode=mode))
        call.press()
        call.say(0.6)
        for _ in range(4):
            call.answer(0.5, "And ")
            call.say(0.2)
        call.release()
        call.say(1.0, voiced=False)
        call.answer(0.5, "so on.")
        call.finish_generation()
        call.complete()
        call.wait(3.0)
        assert call.assert_turn_ended(1).heard_text == "And And And And so on."
        # The words that it has not heard to their end are answered by another one.
        call.lose_link()
        call.wait(0.5)
        call.link_up()
        call.wait(1.0)
        assert call.given_seconds(call.link) == pytest.approx(1.4)


def test_a_turn_that_waits_for_a_result_on_another_link_holds_nothing_back() -> None:
    call = telling(replace(NEVER, functions=(FunctionDeclaration("weather", blocking=True),)))
    call.call("c1")
    call.lose_link()
    call.wait(0.5)
    call.link_up()
    call.say(0.6, sample=OTHER_VOICE)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)


def test_what_is_said_after_the_client_stopped_the_model_is_answered_as_ever() -> None:
    call = telling(NEVER)
    call.interrupt()
    call.answer(10.0, "And so on.")
    call.say(0.6)
    # The service stops for these words, as it was not told that nobody may interrupt it.
    call.interrupted(by_sound=False)
    call.complete()
    call.answer(1.0, "Yes?")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.assert_interrupted(1).cause is CutCause.CLIENT
    assert call.heard(2) == pytest.approx(1.0)
    assert call.did(PhantomSeen) == []


def test_where_the_client_says_who_speaks_the_model_stops_for_it_too() -> None:
    call = telling(replace(MANUAL_NEVER, model="gemini-3.1-flash-live-preview"))
    call.interrupt()
    assert call.assert_interrupted(1).cause is CutCause.CLIENT
    assert [activity.started for activity in call.did(SendActivity)] == [True]


def test_who_was_speaking_when_a_turn_began_that_never_ends_is_answered_in_another() -> None:
    call = Conversation.opened(NEVER)
    call.say(0.6)
    call.answer(0.5, "One.")
    call.say(0.6)
    call.finish_generation()
    call.wait(1.5)
    call.answer(0.5, "Two.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.assert_turn_ended(1).heard_text == "One."
    assert call.assert_turn_ended(2).heard_text == "Two."
