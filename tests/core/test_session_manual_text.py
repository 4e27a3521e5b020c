"""Text under manual turn detection: a part of an activity, or content beside it."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import SendNote, SendText, Wedged
from segue.core.options import Options
from segue.core.outputs import CutCause, InputRejected
from segue.core.profiles import NoteSlot, TextSlot
from tests.core.conversation import Conversation, telling
from tests.core.pressing import MANUAL, SPOKEN_TEXT, acquainted, answer, shape, speak

NATIVE = replace(MANUAL, model="gemini-2.5-flash-native-audio")
NATIVE_VERTEX = replace(MANUAL, model="gemini-live-2.5-flash-native-audio")


def test_text_outside_an_activity_is_wrapped_in_one_where_it_is_a_part_of_what_is_said() -> None:
    call = Conversation.opened(SPOKEN_TEXT)
    call.write("What time is it?")
    call.wait(1.0)
    assert shape(call, 1) == ["start", "text", "end"]


def test_text_within_an_activity_is_a_part_of_it() -> None:
    call = Conversation.opened(SPOKEN_TEXT)
    call.press()
    call.write("What time is it?")
    call.release()
    call.wait(1.0)
    assert shape(call, 1) == ["start", "text", "end"]


def test_text_that_is_content_needs_no_activity() -> None:
    call = Conversation.opened(MANUAL)
    call.write("What time is it?")
    call.wait(1.0)
    assert shape(call, 1) == ["text"]


def test_text_alone_leaves_without_its_activity_where_text_is_content() -> None:
    call = telling(MANUAL)
    call.press()
    call.write("What time")
    call.wait(1.0)
    call.write("is it?")
    assert shape(call, 1) == []
    assert call.assert_interrupted(1).cause is CutCause.USER
    call.release()
    assert call.texts() == ["What time\nis it?"]
    assert [action.slot for action in call.did(SendText)] == [TextSlot.CONTENT]
    assert shape(call, 1) == ["text"]


def test_text_waits_for_the_first_sound_of_an_activity_where_it_is_content() -> None:
    call = Conversation.opened(MANUAL)
    call.press()
    call.write("What time is it?")
    assert shape(call, 1) == []
    call.say(0.6, voiced=False)
    # A click is none.
    call.say(0.1)
    assert shape(call, 1) == ["start", "audio"]
    call.say(0.6)
    call.release()
    assert shape(call, 1) == ["start", "audio", "text", "audio", "end"]
    assert [action.slot for action in call.did(SendText)] == [TextSlot.REALTIME]


@pytest.mark.parametrize("options", [MANUAL, NATIVE, NATIVE_VERTEX])
def test_text_in_a_silent_activity_leaves_alone_where_it_is_content(options: Options) -> None:
    call = Conversation.opened(options)
    for text in ("One.", "Two."):
        call.press()
        call.say(0.4, voiced=False)
        call.write(text)
        call.say(0.4, voiced=False)
        assert call.texts() == ([] if text == "One." else ["One."])
        call.release()
        answer(call)
    assert [(action.text, action.slot) for action in call.did(SendText)] == [
        ("One.", TextSlot.CONTENT),
        ("Two.", TextSlot.CONTENT),
    ]
    # The activity goes on with what is said next, and the next text outside of it needs none.
    assert shape(call, 1) == ["start", "audio", "text", "audio", "text"]
    call.write("Three.")
    answer(call)
    speak(call)
    assert shape(call, 1) == ["start", "audio", "text", "audio", "text", "audio", "end"]
    assert call.texts() == ["One.", "Two.", "Three."]
    assert call.did(Wedged) == []


def test_text_that_waits_for_a_sound_goes_over_to_the_next_link() -> None:
    call = acquainted()
    call.press()
    call.say(0.4, voiced=False)
    call.write("What time is it?")
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.say(0.6)
    call.wait(1.0)
    call.release()
    assert call.texts(1) == []
    assert call.texts(2) == ["What time is it?"]
    assert shape(call, 2)[-1] == "end"


def test_so_many_texts_wait_for_a_sound() -> None:
    call = Conversation.opened(MANUAL)
    call.press()
    for number in range(33):
        call.write(f"This is text {number}.")
    (rejected,) = call.got(InputRejected)
    assert "end it" in rejected.message
    call.release()
    assert call.texts()[0].count("text") == 32


def test_a_note_waits_for_an_activity_with_a_sound_where_text_is_content() -> None:
    call = acquainted()
    call.receive(ev.NoteReceived(0, "It rains.", False))
    call.press()
    call.say(0.6, voiced=False)
    call.release()
    assert shape(call, 1)[-2:] == ["audio", "end"]
    assert call.notes() == []
    call.wait(1.0)
    speak(call)
    call.wait(1.0)
    assert shape(call, 1)[-2:] == ["note", "end"]


def test_text_goes_into_an_activity_as_content_that_waits_where_no_other_text_is_taken() -> None:
    call = Conversation.opened(NATIVE_VERTEX)
    call.press()
    call.say(0.6)
    call.write("What time is it?")
    call.release()
    assert shape(call, 1) == ["start", "audio", "note", "end"]
    assert call.did(SendNote) == [SendNote(1, "What time is it?", NoteSlot.CONTENT)]
    call.wait(1.0)
    call.write("And now?")
    assert [action.slot for action in call.did(SendText)] == [TextSlot.CONTENT]


def test_activities_of_text_alone_need_no_pause_between_them() -> None:
    call = acquainted()
    for words in ("One.", "Two."):
        call.press()
        call.write(words)
        call.release()
    assert call.texts() == ["One.", "Two."]


def test_text_alone_that_was_not_answered_is_given_to_the_next_link_as_text() -> None:
    call = acquainted()
    call.press()
    call.write("What time is it?")
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.wait(5.0)
    assert shape(call, 2) == []
    call.release()
    assert shape(call, 2) == ["text"]
    call.lose_link()
    call.wait(2.0)
    call.link_up()
    call.wait(0.1)
    assert shape(call, 3) == ["text"]


def test_a_note_goes_inside_the_activity_before_its_end() -> None:
    call = acquainted(NATIVE)
    speak(call)
    call.understand("What time is it?")
    call.wait(0.5)
    answer(call, "Noon.")
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    speak(call)
    call.wait(1.0)
    given = shape(call, 2)
    assert "note" in given
    assert given.index("note") < given.index("end")
