"""Where the note on an interruption goes: the slot of the model's family, and what of it comes back as an echo."""

from dataclasses import replace

import pytest

from segue.core.actions import ResumeNoted, SendActivity, SendAudio, SendNote
from segue.core.options import Mode, Options
from segue.core.outputs import Speaker, Transcript
from segue.core.profiles import NoteSlot
from tests.core.conversation import Conversation, telling
from tests.core.noting import FAMILIES, NATIVE, NOTED, SPOKEN_TEXT, TOLD, VERTEX, interrupted
from tests.core.watched import Watched


def names(call: Conversation, *kinds: type) -> list[str]:
    return [type(action).__name__ for action in call.actions if isinstance(action, kinds)]


@pytest.mark.parametrize(
    ("options", "slot"),
    [(NATIVE, NoteSlot.CONTENT), (VERTEX, NoteSlot.SYSTEM), (SPOKEN_TEXT, NoteSlot.REALTIME)],
)
def test_the_slot_for_words_that_the_model_hears_itself(options: Options, slot: NoteSlot) -> None:
    call = interrupted(options)
    call.say(0.6)
    assert [note.slot for note in call.did(SendNote)] == [slot]
    # In the middle of the words.
    sent = names(call, SendAudio, SendNote)
    assert sent[sent.index("SendNote") - 1] == "SendAudio"
    assert sent[-1] == "SendAudio"


def test_a_family_without_a_slot_is_told_with_a_text() -> None:
    call = interrupted()
    call.say(0.6)
    assert call.notes() == []
    call.write("Go on.")
    [text] = call.texts()
    assert text.startswith("[Note from the voice system")
    assert text.endswith("End of the note.]\n\nGo on.")
    assert call.notes() == []
    assert call.did(ResumeNoted) == [TOLD]


@pytest.mark.parametrize("options", FAMILIES)
@pytest.mark.parametrize("mode", Mode)
def test_a_text_has_the_note_before_it_in_one_message(options: Options, mode: Mode) -> None:
    call = interrupted(replace(options, mode=mode))
    call.write("Go on.")
    call.wait(1.0)
    [text] = call.texts()
    assert "king and queen" in text
    assert text.endswith("\n\nGo on.")
    assert call.notes() == []


@pytest.mark.parametrize("options", FAMILIES)
def test_a_text_that_stops_what_still_plays_carries_the_note(options: Options) -> None:
    call = telling(options)
    call.finish_generation()
    call.complete()
    call.write("Wait, who?")
    [text] = call.texts()
    assert 'did not hear: "time there was a king and queen."' in text
    assert text.endswith("\n\nWait, who?")


@pytest.mark.parametrize(
    ("options", "slot"),
    [
        (NATIVE, NoteSlot.CONTENT),
        (VERTEX, NoteSlot.SYSTEM),
        (SPOKEN_TEXT, NoteSlot.REALTIME),
        (NOTED, NoteSlot.REALTIME),
    ],
)
def test_the_slot_for_words_that_the_client_signals_is_their_end(options: Options, slot: NoteSlot) -> None:
    call = Watched(replace(options, mode=Mode.MANUAL))
    call.open()
    call.link_up()
    call.answer(4.0, "Once upon a time.")
    call.wait(1.0)
    call.press()
    call.complete()
    call.wait(0.6)
    call.say(1.0)
    assert call.notes() == []
    call.release()
    call.wait(0.5)
    assert [note.slot for note in call.did(SendNote)] == [slot]
    sent = names(call, SendActivity, SendNote, SendAudio)
    assert sent[-2:] == ["SendNote", "SendActivity"]
    assert [activity.started for activity in call.did(SendActivity)] == [True, False]
    assert call.did(ResumeNoted) == [TOLD]


def test_what_the_service_takes_for_speech_is_not_told_to_the_client() -> None:
    call = interrupted(SPOKEN_TEXT)
    call.say(0.6)
    [note] = call.notes()
    half = len(note) // 2
    # Words that the note holds as well are the user's all the same.
    for words in (" king", note[:half], "Wait,", note[half:], " time"):
        call.understand(words)
    assert [said.text for said in call.got(Transcript) if said.speaker is Speaker.USER] == [" king", "Wait,", " time"]


def test_a_text_with_a_note_that_the_service_repeats_is_not_told_either() -> None:
    call = interrupted(SPOKEN_TEXT)
    call.write("Go on.")
    call.understand(call.texts()[0])
    assert [said for said in call.got(Transcript) if said.speaker is Speaker.USER] == []


def test_a_short_echo_is_followed_through_its_parts() -> None:
    call = interrupted(SPOKEN_TEXT)
    call.write("Go on.")
    for word in call.texts()[0].split():
        call.understand(f" {word}")
    assert [said for said in call.got(Transcript) if said.speaker is Speaker.USER] == []
    call.understand("Please.")
    assert [said.text for said in call.got(Transcript) if said.speaker is Speaker.USER] == ["Please."]
