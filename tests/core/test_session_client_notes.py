"""The client's notes: what it wants the model to know, with the user's next words or to be answered at once."""

from dataclasses import replace

import pytest

from segue.core.actions import PhantomSeen, SendText
from segue.core.options import Mode, Options
from segue.core.outputs import InputRejected, Interrupted, Rejection, Transcript
from segue.core.profiles import TextSlot
from tests.core.conversation import Conversation, telling, told
from tests.core.noting import FAMILIES, NATIVE, SPOKEN_TEXT, note
from tests.core.watched import Watched


def rejections(call: Conversation) -> list[tuple[Rejection, str]]:
    return [(rejected.reason, rejected.message) for rejected in call.got(InputRejected)]


@pytest.mark.parametrize("options", [NATIVE, SPOKEN_TEXT])
def test_a_note_waits_for_the_users_words(options: Options) -> None:
    call = Conversation.opened(options)
    note(call, "The user is in Bonn.")
    note(call, "It rains.")
    call.wait(5.0)
    assert call.notes() == []
    call.say(0.6)
    [told] = call.notes()
    assert told.index("The user is in Bonn.") < told.index("It rains.")
    call.wait(5.0)
    call.say(0.6)
    assert len(call.notes()) == 1


def test_a_note_that_comes_again_is_no_other() -> None:
    call = Conversation.opened()
    for _ in range(2):
        note(call, "The user is in Bonn.", seq=1)
    call.write("Where am I?", seq=2)
    assert call.texts()[0].count("Bonn") == 1


def test_a_note_goes_before_a_text() -> None:
    call = Conversation.opened()
    note(call, "The user is in Bonn.")
    call.write("Where am I?")
    [text] = call.texts()
    assert text == (
        "[Note from the voice system, not said by the user. The user is in Bonn. End of the note.]\n\nWhere am I?"
    )


def test_a_note_before_the_first_link_waits_for_it() -> None:
    call = Conversation()
    call.open()
    note(call, "The user is in Bonn.")
    call.write("Where am I?")
    call.link_up()
    assert "Bonn" in call.texts()[0]


def test_a_note_that_nobody_answered_goes_to_the_next_link() -> None:
    call = Conversation.opened()
    note(call, "The user is in Bonn.")
    call.write("Where am I?")
    call.lose_link()
    call.wait(1.0)
    call.link_up()
    assert "Bonn" in call.texts(2)[0]
    call.answer(1.0, "In Bonn.")
    call.complete()
    call.wait(2.0)
    call.write("And now?")
    assert "Bonn" not in call.texts(2)[1]


def test_only_notes_that_nobody_answered_go_to_the_next_link() -> None:
    call = Conversation.opened()
    note(call, "The user is in Bonn.")
    call.write("Where am I?")
    call.answer(1.0, "In Bonn.")
    call.complete()
    call.wait(2.0)
    note(call, "The user is in Ulm.")
    call.write("And now?")
    call.lose_link()
    call.wait(1.0)
    call.link_up()
    [text] = call.texts(2)
    assert "Ulm" in text
    assert "Bonn" not in text


def test_a_note_is_not_answered_by_what_had_begun_before_it() -> None:
    call = Conversation.opened()
    call.write("Where am I?")
    call.reading = False
    call.answer(0.25, "In")
    note(call, "The user is in Ulm.")
    call.write("And now?")
    call.reading = True
    call.read()
    call.lose_link()
    call.wait(1.0)
    call.link_up()
    assert any("Ulm" in text for text in call.texts(2))


def test_a_turn_that_is_lost_does_not_bring_back_what_was_answered_before_it() -> None:
    call = Conversation.opened()
    note(call, "The user is in Bonn.")
    call.write("Where am I?")
    call.answer(1.0, "In Bonn.")
    call.complete()
    call.wait(2.0)
    call.reading = False
    call.answer(0.25, "By the way,")
    call.lose_link()
    call.reading = True
    call.wait(1.0)
    call.link_up()
    call.write("And now?")
    assert not any("Bonn" in text for text in call.texts(2))


def test_notes_that_were_answered_make_room_for_others() -> None:
    call = Conversation.opened()
    for question in range(3):
        note(call, "x" * 40_000)
        call.write(f"Question {question}?")
        call.answer(0.5, "Yes.")
        call.complete()
        call.wait(2.0)
    assert rejections(call) == []


def test_notes_that_wait_are_bounded() -> None:
    call = Conversation.opened()
    note(call, "x" * 40_000, seq=1)
    note(call, "ü" * 20_000, seq=2)
    call.wait(0.1)
    assert rejections(call) == [
        (
            Rejection.INPUT_OVERFLOW,
            "over 65536 bytes of notes wait for the user's next words: send fewer or shorter ones",
        )
    ]


@pytest.mark.parametrize("answer", [False, True])
def test_a_note_without_words_or_with_too_many_is_rejected(answer: bool) -> None:
    call = Conversation.opened()
    note(call, " ", answer=answer)
    note(call, "x" * 65_537, answer=answer)
    assert [reason for reason, _ in rejections(call)] == [Rejection.EMPTY, Rejection.TOO_LARGE]


def test_a_note_that_comes_late_is_rejected() -> None:
    call = telling()
    call.end_input()
    note(call, "The user is in Bonn.")
    assert [reason for reason, _ in rejections(call)] == [Rejection.ENDING]


@pytest.mark.parametrize("options", FAMILIES)
@pytest.mark.parametrize("mode", Mode)
def test_a_note_that_is_to_be_answered_is_sent_at_once(options: Options, mode: Mode) -> None:
    call = Watched(replace(options, mode=mode))
    call.open()
    call.link_up()
    note(call, "The parcel has come.", answer=True)
    call.wait(0.5)
    fence = "[Note from the voice system, not said by the user. The parcel has come. End of the note.]"
    assert call.texts() == [fence]
    slot = TextSlot.REALTIME if options is SPOKEN_TEXT else TextSlot.CONTENT
    assert [text.slot for text in call.did(SendText)] == [slot]
    if options is SPOKEN_TEXT:
        call.understand(fence)
    assert call.got(Transcript) == []
    call.answer(1.0, "Your parcel is here.")
    call.complete()
    call.wait(20.0)
    assert len(call.texts()) == 1
    call.assert_open()


def test_a_note_that_is_to_be_answered_is_owed_an_answer_on_any_link() -> None:
    call = Conversation.opened()
    note(call, "The parcel has come.", answer=True)
    call.lose_link()
    call.wait(1.0)
    # Not even words of the user take its place.
    call.write("Hello?")
    call.link_up()
    call.wait(1.0)
    [text] = call.texts(2)
    assert "The parcel has come." in text
    assert text.endswith("\nHello?")
    call.answer(1.0, "Your parcel is here.")
    call.complete()
    call.wait(2.0)
    call.lose_link()
    call.wait(1.0)
    call.link_up()
    call.wait(1.0)
    assert call.texts(3) == []


def test_a_note_that_nobody_answers_is_told_to_another_link() -> None:
    call = Conversation.opened()
    note(call, "The parcel has come.", answer=True)
    call.wait(9.0)
    call.link_up()
    call.wait(1.0)
    assert "The parcel has come." in call.texts(2)[0]


def test_a_model_that_a_note_interrupts_was_not_interrupted_by_nobody() -> None:
    call = telling()
    note(call, "The parcel has come.", answer=True)
    call.interrupted(by_sound=False)
    call.complete()
    call.assert_interrupted(1)
    call.answer(1.0, "Your parcel is here.")
    call.wait(5.0)
    assert call.did(PhantomSeen) == []
    assert call.heard(2) == pytest.approx(1.0)


def test_a_note_that_is_to_be_answered_cuts_nothing_that_is_only_played() -> None:
    call = told()
    note(call, "The parcel has come.", answer=True)
    call.wait(1.0)
    call.answer(1.0, "It has come.")
    call.wait(10.0)
    assert call.got(Interrupted) == []
    assert call.heard(1) == pytest.approx(10.0)
    assert call.heard(2) == pytest.approx(1.0)


def test_notes_that_are_to_be_answered_are_bounded() -> None:
    call = Conversation()
    call.open()
    for _ in range(33):
        note(call, "The parcel has come.", answer=True)
    call.read()
    assert [reason for reason, _ in rejections(call)] == [Rejection.INPUT_OVERFLOW]
