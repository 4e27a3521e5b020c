"""Text under manual turn detection: a part of an activity, or content beside it."""

from dataclasses import replace

from segue.core.actions import SendNote, SendText
from segue.core.outputs import CutCause
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


def test_an_activity_begins_with_its_first_audio_where_text_is_content() -> None:
    call = Conversation.opened(MANUAL)
    call.press()
    call.write("What time is it?")
    assert shape(call, 1) == []
    call.say(0.6)
    call.release()
    assert shape(call, 1) == ["start", "text", "audio", "end"]
    assert [action.slot for action in call.did(SendText)] == [TextSlot.REALTIME]


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
