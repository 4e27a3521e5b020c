"""Unanswered words: the link that replaces a lost one is given them again, and they are answered once."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import InputReplayed, Sign, Wedged
from segue.core.options import Mode, Options, ServerDetection
from segue.core.outputs import Audio, EndReason, InputAck, Interrupted, Speaker, Transcript, TurnEnded
from tests.core.conversation import HUSH, OPTIONS, OTHER_VOICE, VOICE, Conversation, acquainted, recover, voice

SILENCE = 0.8


def answer(call: Conversation, words: str = "Noon.") -> None:
    """Let the model answer; all of it is played, and some time passes."""
    call.answer(1.0, words)
    call.finish_generation()
    call.complete()
    call.wait(3.0)


def test_unanswered_speech_is_given_again_and_answered_once() -> None:
    call = acquainted()
    call.say(1.0, sample=OTHER_VOICE)
    call.wait(0.3)
    recover(call)
    call.wait(3.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(1.0)
    # What was answered is not given again.
    assert call.given_seconds(2, VOICE) == 0.0
    [replayed] = call.did(InputReplayed)
    assert 1.0 <= replayed.seconds <= 1.5
    answer(call)
    assert call.assert_turn_ended(2).heard_text == "Noon."
    # An answered word is never given again, whatever is lost.
    recover(call)
    call.wait(3.0)
    assert call.given_seconds(3, OTHER_VOICE) == 0.0


def test_a_text_that_interrupted_what_nobody_had_heard_of_is_given_again() -> None:
    call = acquainted()
    call.write("And you?")
    call.wait(0.8)
    call.write("Hello?")
    call.wait(0.1)
    call.reading = False
    call.answer(0.4, "Me")
    call.interrupted(by_sound=False)
    call.complete()
    call.reading = True
    recover(call)
    assert call.texts(2) == ["And you?\nHello?"]


@pytest.mark.parametrize("options", [OPTIONS, replace(OPTIONS, mode=Mode.MANUAL)])
@pytest.mark.parametrize("demanded", [True, False])
def test_a_text_that_crossed_an_answer_is_given_again_and_what_that_answered_is_not(
    demanded: bool, options: Options
) -> None:
    call = Conversation.opened(options)
    call.hand_over("h1")
    call.write("And you?")
    call.wait(0.8)
    call.receive(ev.NoteReceived(0, "Say hello.", answer=True)) if demanded else call.write("Hello?")
    call.wait(0.1)
    call.answer(0.4, "Me")
    call.wait(0.1)
    assert call.got(Audio)
    call.interrupted(by_sound=False)
    call.complete()
    recover(call)
    [again] = call.texts(2)
    assert ("Say hello." if demanded else "Hello?") in again
    assert "And you?" not in again
    answer(call, "Hello.")
    recover(call)
    assert call.texts(3) == []


def test_a_text_that_crossed_an_answer_is_given_to_the_link_that_replaces_one_that_says_no_more() -> None:
    call = acquainted()
    call.write("And you?")
    call.wait(0.8)
    call.write("Hello?")
    call.wait(0.1)
    call.answer(0.4, "Me")
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(8.5)
    assert call.did(Wedged) == [Wedged(Sign.SILENCE)]
    call.link_up()
    assert call.texts(2) == ["Hello?"]


@pytest.mark.parametrize(("later", "answered"), [(0.5, True), (0.1, False)])
def test_a_text_in_the_middle_of_words_is_answered_by_what_begins_behind_it(later: float, answered: bool) -> None:
    call = acquainted()
    call.say(1.0, sample=OTHER_VOICE)
    call.write("Hello?")
    call.say(later, sample=OTHER_VOICE)
    call.answer(0.4, "Hello.")
    call.say(0.4, sample=OTHER_VOICE)
    recover(call)
    call.wait(3.0)
    assert call.texts(2) == ([] if answered else ["Hello?"])
    # The words around it are not.
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(1.4 + later)


def test_a_text_in_the_middle_of_an_activity_is_answered_with_that() -> None:
    call = acquainted(replace(OPTIONS, mode=Mode.MANUAL))
    call.press()
    call.say(1.0)
    call.write("Hello?")
    call.say(0.5)
    call.answer(0.4, "Hello.")
    call.say(0.4)
    call.release()
    recover(call)
    call.wait(3.0)
    assert any("Hello?" in note for note in [*call.texts(2), *call.notes(2)])


def test_words_whose_answer_was_made_are_not_kept_because_the_link_ended_before_it_said_so() -> None:
    call = acquainted()
    call.write("Hello?")
    call.wait(0.5)
    call.complete("NEED_MORE_INPUT")
    call.say(2.0)
    call.wait(1.0)
    call.answer(1.0, "Noon.")
    call.finish_generation()
    recover(call)
    call.wait(5.0)
    assert call.assert_turn_ended(2).reason is EndReason.COMPLETED
    assert (call.texts(2), call.given_seconds(2)) == ([], 0.0)
    assert call.session.held_bytes < 0.31 * 32_000


def test_the_transcript_of_words_that_are_given_again_is_told_once() -> None:
    call = acquainted()
    call.say(1.0)
    call.understand("What time is it?")
    call.wait(0.5)
    recover(call)
    call.wait(2.0)
    call.understand("What time ")
    call.understand("is it?")
    answer(call)
    call.exchange("What time is it?", "Still noon.")
    said = [transcript.text for transcript in call.got(Transcript) if transcript.speaker is Speaker.USER]
    # Whoever asks again is heard again.
    assert said == ["How are you?", "What time is it?", "What time is it?"]


@pytest.mark.parametrize(
    ("model", "told"),
    [("gemini-3.8-live", ["Noon where?", "Noon ", "there?"]), ("gemini-3.1-flash-live", ["Noon where?", "there?"])],
)
def test_words_that_are_given_again_in_text_are_known_where_text_is_taken_for_speech(
    model: str, told: list[str]
) -> None:
    call = acquainted(replace(OPTIONS, model=model))
    call.say(15.5)
    call.understand("Noon where?")
    call.wait(1.0)
    recover(call)
    assert call.texts(2) == ["Noon where?"]
    call.say(0.6)
    call.understand("Noon ")
    call.understand("there?")
    assert [transcript.text for transcript in call.got(Transcript) if transcript.speaker is Speaker.USER][1:] == told


def test_a_replay_begins_300_ms_before_the_first_sound() -> None:
    call = acquainted()
    call.say(2.0, voiced=False)
    call.say(0.6, sample=OTHER_VOICE)
    recover(call)
    call.wait(3.0)
    before = call.given_audio(2).partition(OTHER_VOICE)[0]
    assert before == HUSH * round(0.3 * 16_000)


def test_silence_within_words_shrinks_to_500_ms() -> None:
    call = acquainted()
    call.say(0.6, sample=OTHER_VOICE)
    call.say(0.4, voiced=False)
    call.say(0.6, sample=OTHER_VOICE)
    call.say(3.0, voiced=False)
    call.say(0.6, sample=OTHER_VOICE)
    recover(call, after=0.1)
    call.wait(5.0)
    audio = call.given_audio(2)
    silences = [len(silence) / 32_000 for silence in audio.split(voice(0.02, OTHER_VOICE)) if silence]
    # The short silence within the words as it was, the long one, and what ends them.
    assert silences[:2] == pytest.approx([0.4, 0.5])
    assert len(silences) == 3
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(1.8)


@pytest.mark.parametrize("silence_ms", [None, 300, 1500])
def test_silence_that_lets_the_detector_find_the_end_follows_replayed_words(silence_ms: int | None) -> None:
    call = acquainted(replace(OPTIONS, detection=ServerDetection(silence_ms=silence_ms)))
    call.say(0.6, sample=OTHER_VOICE)
    # The user waits for the answer, in silence.
    call.say(3.0, voiced=False)
    recover(call)
    call.say(4.0, voiced=False)
    after = call.given_audio(2).rpartition(voice(0.02, OTHER_VOICE))[2]
    duration = SILENCE if silence_ms is None else silence_ms / 1000
    assert len(after) / 32_000 >= duration + 0.2 - 1e-6


def test_who_speaks_while_the_link_is_lost_is_not_taken_to_have_finished() -> None:
    call = acquainted()
    call.say(0.6, sample=OTHER_VOICE)
    call.lose_link()
    call.say(0.6, sample=OTHER_VOICE)
    call.link_up()
    call.say(0.6, sample=OTHER_VOICE)
    call.wait(3.0)
    audio = call.given_audio(2)
    words = audio[audio.find(OTHER_VOICE) : audio.rfind(OTHER_VOICE) + 2]
    # All of it, with no silence between.
    assert words == OTHER_VOICE * round(1.8 * 16_000)


def test_silence_alone_is_never_given_again() -> None:
    call = acquainted()
    call.say(3.0, voiced=False)
    recover(call)
    call.wait(5.0)
    assert call.did(InputReplayed) == []
    assert HUSH not in call.given_audio(2)


def test_unanswered_text_is_given_again_and_answered_once() -> None:
    call = acquainted()
    call.write("What time is it?")
    call.wait(1.0)
    recover(call)
    assert call.texts(2) == ["What time is it?"]
    [replayed] = call.did(InputReplayed)
    assert replayed.seconds == 0.0
    answer(call)
    recover(call)
    assert call.texts(3) == []
    assert [ended.heard_text for ended in call.got(TurnEnded)] == ["Fine.", "Noon."]


def test_text_and_speech_are_given_again_in_their_order() -> None:
    call = acquainted()
    call.say(0.6, sample=OTHER_VOICE)
    call.write("I mean the time.")
    recover(call)
    call.wait(3.0)
    given = [piece if isinstance(piece, str) else OTHER_VOICE in piece for piece in call.given(2)]
    assert given.index(True) < given.index("I mean the time.")


def test_input_while_the_link_is_lost_is_given_to_the_next_one() -> None:
    call = acquainted()
    call.lose_link()
    call.say(0.6, sample=OTHER_VOICE)
    call.write("And you?")
    call.link_up()
    call.wait(3.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(0.6)
    assert call.texts(2) == ["And you?"]


def test_numbered_input_while_the_link_is_lost_is_acknowledged_once_the_next_one_has_it() -> None:
    call = Conversation()
    call.open(seq=1)
    call.link_up()
    call.wait(2.0)
    call.lose_link()
    call.write("Hello?", seq=2)
    call.wait(5.0)
    assert call.got(InputAck) == [InputAck(1)]
    call.link_up()
    call.wait(2.0)
    assert call.got(InputAck) == [InputAck(1), InputAck(2)]


def test_more_than_15_seconds_of_speech_are_given_again_in_words() -> None:
    call = acquainted()
    call.say(15.5, sample=OTHER_VOICE)
    call.understand("I would like to order a pizza.")
    call.wait(1.0)
    recover(call)
    call.wait(10.0)
    assert call.texts(2) == ["I would like to order a pizza."]
    assert call.given_seconds(2, OTHER_VOICE) == 0.0


def test_a_text_is_given_again_once_with_speech_that_is_given_in_words() -> None:
    call = acquainted()
    call.say(15.5)
    call.understand("What time is it?")
    call.write("And where am I?")
    call.receive(ev.NoteReceived(0, "Somebody is at the door.", True))
    call.say(1.0, voiced=False)
    recover(call)
    call.wait(3.0)
    given = "\n".join(call.texts(2))
    assert given.count("What time is it?") == given.count("And where am I?") == 1
    assert given.count("Somebody is at the door.") == 1


def test_15_seconds_of_speech_are_given_again_as_they_were() -> None:
    call = acquainted()
    call.say(14.5, sample=OTHER_VOICE)
    call.understand("I would like to order a pizza.")
    call.wait(1.0)
    recover(call)
    call.wait(10.0)
    assert call.texts(2) == []
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(14.5)


def test_more_than_15_seconds_of_speech_that_nobody_understood_are_given_again_as_they_were() -> None:
    call = acquainted()
    call.say(16.0, sample=OTHER_VOICE)
    call.wait(1.0)
    recover(call)
    call.wait(10.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(16.0)


@pytest.mark.parametrize(
    ("cause", "texts", "seconds"),
    [(ev.LossCause.TRANSIENT, [], 1.0), (ev.LossCause.INVALID, ["What time is it?"], 0.0)],
)
def test_words_are_given_as_text_where_the_audio_may_be_what_was_invalid(
    cause: ev.LossCause, texts: list[str], seconds: float
) -> None:
    call = acquainted()
    call.say(1.0, sample=OTHER_VOICE)
    call.understand("What time is it?")
    call.wait(1.0)
    call.lose_link(cause)
    call.link_up()
    call.wait(2.0)
    assert call.texts(call.link) == texts
    assert call.given_seconds(call.link, OTHER_VOICE) == pytest.approx(seconds)


def test_words_whose_answer_was_made_and_not_heard_are_given_again() -> None:
    call = acquainted()
    call.reading = False
    call.write("What time is it?")
    # Nothing of the answer has left.
    call.answer(1.0, "Noon.")
    call.lose_link()
    call.reading = True
    call.read()
    call.wait(0.3)
    call.link_up()
    assert call.texts(2) == ["What time is it?"]
    answer(call)
    assert call.heard(2) == pytest.approx(1.0)
    assert [ended.turn for ended in call.got(TurnEnded)] == [1, 2]
    assert call.got(Interrupted) == []


def test_a_turn_whose_number_the_client_has_seen_has_an_end() -> None:
    call = acquainted()
    call.write("What time is it?")
    # Less than a frame: nothing of it has left but the words that it answers.
    call.receive(ev.ModelAudio(1, b"\x01\x02" * 24))
    call.understand("What time is it?")
    assert [transcript.turn for transcript in call.got(Transcript)][-1] == 2
    recover(call)
    assert call.texts(2) == ["What time is it?"]
    answer(call)
    assert call.assert_turn_ended(2).heard == 0.0
    assert call.assert_turn_ended(3).heard_text == "Noon."


def test_words_whose_answer_has_begun_are_not_given_again() -> None:
    call = acquainted()
    call.say(1.0, sample=OTHER_VOICE)
    call.understand("What time is it?")
    call.wait(1.0)
    call.answer(4.0, "It is ")
    recover(call)
    call.wait(10.0)
    assert call.given_seconds(2, OTHER_VOICE) == 0.0
    assert call.did(InputReplayed) == []


def test_a_cough_is_not_given_again() -> None:
    call = acquainted()
    call.say(0.1, sample=OTHER_VOICE)
    call.say(0.5, voiced=False)
    recover(call)
    call.wait(5.0)
    assert call.given_seconds(2, OTHER_VOICE) == 0.0
    assert call.did(InputReplayed) == []


def test_a_cough_that_somebody_understood_is_given_again() -> None:
    call = acquainted()
    call.say(0.1, sample=OTHER_VOICE)
    call.understand("Yes.")
    recover(call)
    call.wait(5.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(0.1)


@pytest.mark.parametrize("understood_after", [0.1, 0.4])
def test_words_are_given_again_with_the_sound_that_cut_off_their_answer(understood_after: float) -> None:
    call = acquainted()
    call.say(1.2, sample=OTHER_VOICE)
    call.wait(0.9)
    call.say(0.1)
    call.interrupted(by_sound=False)
    call.complete()
    call.hand_over("h2")
    call.wait(understood_after)
    call.understand("What time is it?")
    call.wait(9.0)
    assert call.setups[-1].setup.handle == "h2"
    call.link_up()
    call.wait(2.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(1.2, abs=0.05)


def test_words_whose_answer_was_made_to_its_end_are_not_given_again() -> None:
    call = acquainted()
    call.reading = False
    call.write("What time is it?")
    # All of the answer is there, and nothing of it has left.
    call.answer(1.0, "Noon.")
    call.finish_generation()
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.reading = True
    call.read()
    call.wait(2.0)
    assert call.texts(2) == []
    assert call.assert_turn_ended(2).heard_text == "Noon."
    assert call.heard(2) == pytest.approx(1.0)
