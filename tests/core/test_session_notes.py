"""What the model is told and is not to answer: what was heard when it was interrupted, and what the client wants known.

It goes with the user's next words, where the family of the model lets it.
"""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import (
    NoteOutcome,
    PhantomSeen,
    ResumeNoted,
    SendActivity,
    SendAudio,
    SendNote,
    SendText,
)
from segue.core.options import Mode, Options, ResumeContext, ResumePolicy
from segue.core.outputs import InputRejected, Interrupted, Rejection, Speaker, Transcript, TurnEnded
from segue.core.policy import FalseInterruption
from segue.core.profiles import NoteSlot, TextSlot, profile_of
from tests.core.conversation import OPTIONS, POLICY, Conversation, telling
from tests.core.watched import Watched

BUILT_IN = ResumeContext(ResumePolicy.BUILT_IN)
NOTED = replace(OPTIONS, resume_context=BUILT_IN)
NATIVE = replace(NOTED, model="gemini-2.5-flash-native-audio")
VERTEX = replace(NOTED, model="gemini-live-2.5-flash-native-audio")
SPOKEN_TEXT = replace(NOTED, model="gemini-3.1-flash-live-preview")
FAMILIES = (NATIVE, VERTEX, SPOKEN_TEXT, NOTED)
TOLD, LATE = ResumeNoted(NoteOutcome.TOLD), ResumeNoted(NoteOutcome.LATE)


def barge_in(call: Conversation, *, ended: bool = True) -> None:
    """Let the user begin to speak over the model, which the backend notices, and mostly says that its turn is over."""
    call.say(0.2)
    call.interrupted(by_sound=False)
    if ended:
        call.complete()


def interrupted(options: Options = NOTED) -> Conversation:
    """Return a conversation in which the user has stopped the story after 3 s of it, and the backend has ended it."""
    call = telling(options)
    call.interrupt()
    call.complete()
    call.wait(1.0)
    return call


def names(call: Conversation, *kinds: type) -> list[str]:
    return [type(action).__name__ for action in call.actions if isinstance(action, kinds)]


# When it goes.


def test_the_note_goes_with_the_next_words_and_not_with_the_interruption() -> None:
    call = interrupted(NATIVE)
    assert call.notes() == []
    call.say(0.2)
    assert call.notes() == []
    call.say(0.4)
    [note] = call.notes()
    assert 'The user heard: "Once upon a"' in note
    assert 'The user did not hear: "time there was a king and queen."' in note
    assert note.startswith("[Note from the voice system, not said by the user.")
    call.say(2.0)
    assert len(call.notes()) == 1
    assert call.did(ResumeNoted) == [TOLD]


def test_the_words_that_interrupt_carry_the_note_once_the_old_turn_is_over() -> None:
    call = telling(NATIVE)
    barge_in(call, ended=False)
    call.say(0.6)
    # Content would interrupt what the backend still makes.
    assert call.notes() == []
    call.complete()
    assert len(call.notes()) == 1


def test_the_note_waits_no_longer_than_the_words() -> None:
    call = telling(NATIVE)
    barge_in(call, ended=False)
    call.say(0.6)
    call.say(1.0, voiced=False)
    call.complete()
    # Content that nobody's words follow could leave the turn open.
    assert call.notes() == []
    call.answer(1.0, "Yes?")
    assert call.did(ResumeNoted) == [LATE]


def test_a_note_for_which_there_was_no_time_is_counted_and_given_up() -> None:
    call = interrupted(NATIVE)
    call.answer(1.0, "Anything else?")
    assert call.did(ResumeNoted) == [LATE]
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    call.exchange("No.", "Bye.")
    assert call.notes() == []
    assert call.did(ResumeNoted) == [LATE]


def test_an_interruption_after_which_all_was_heard_leaves_no_note() -> None:
    call = Conversation.opened(NATIVE)
    call.answer(2.0, "Once upon a time.")
    call.finish_generation()
    call.wait(2.5)
    call.say(0.6)
    assert call.notes() == []
    call.understand("Go on.")
    call.answer(1.0, "There was a king.")
    assert call.did(ResumeNoted) == []


def test_a_phantom_leaves_no_note() -> None:
    call = telling(NATIVE)
    call.interrupted(by_sound=False)
    call.complete()
    # What was made plays on.
    call.wait(8.0)
    assert call.did(PhantomSeen)
    call.say(0.6)
    assert call.notes() == []
    assert call.did(ResumeNoted) == []


def test_a_model_that_goes_on_after_a_sound_without_words_needs_no_note() -> None:
    call = Conversation.opened(NATIVE, replace(POLICY, false_interruption=FalseInterruption.CONTINUE))
    call.answer(4.0, "Once upon a time")
    call.wait(1.0)
    barge_in(call)
    call.say(4.0, voiced=False)
    assert len(call.texts()) == 1
    call.say(0.6)
    assert call.notes() == []
    assert call.did(ResumeNoted) == []


def test_a_model_that_waits_after_a_sound_without_words_is_told_with_the_words_that_come() -> None:
    call = telling(NATIVE)
    barge_in(call)
    call.say(4.0, voiced=False)
    assert call.notes() == []
    call.say(0.6)
    assert len(call.notes()) == 1


def test_a_sound_that_the_model_will_not_be_asked_about_again_leaves_the_note() -> None:
    call = Conversation.opened(NATIVE, replace(POLICY, false_interruption=FalseInterruption.CONTINUE))
    for _ in range(17):
        call.answer(4.0, "Once upon a time")
        call.wait(1.0)
        barge_in(call)
        call.say(4.0, voiced=False)
    assert len(call.texts()) == 16
    call.say(0.6)
    assert len(call.notes()) == 1


def test_nothing_goes_while_a_call_is_waited_for_and_audio_is_held_back() -> None:
    profile = replace(profile_of(SPOKEN_TEXT.model), gates_calls=True)
    call = Conversation.opened(SPOKEN_TEXT, replace(POLICY, profiles=(profile,)))
    call.write("What is the weather?")
    call.call("c1")
    note(call, "The user is in Bonn.")
    call.say(0.6)
    assert call.notes() == []
    call.respond("c1")
    call.say(0.1)
    assert len(call.notes()) == 1


def test_all_turns_that_an_interruption_cut_are_told() -> None:
    call = Conversation.opened(NATIVE)
    for words in ("Once upon a time. ", "There was a king. "):
        call.answer(2.0, words)
    call.finish_generation()
    call.complete()
    call.answer(1.0, "The end.")
    call.finish_generation()
    call.complete()
    call.wait(1.9)
    call.interrupt()
    call.say(0.6)
    [note] = call.notes()
    assert 'The user heard: "Once upon a time."' in note
    assert 'The user did not hear: "There was a king. The end."' in note


def test_a_second_interruption_before_any_answer_takes_nothing_away() -> None:
    call = interrupted()
    call.say(0.6)
    call.understand("Hm.")
    # A reply that has not begun is numbered and cut.
    call.interrupt()
    assert [cut.turn for cut in call.got(Interrupted)] == [1, 2]
    call.write("Where were we?")
    assert "time there was a king" in call.texts()[-1]


def test_each_interruption_has_a_note_of_its_own() -> None:
    call = interrupted(NATIVE)
    call.say(0.6)
    call.understand("And then?")
    call.wait(1.0)
    call.answer(4.0, "Then he died.")
    call.wait(1.0)
    barge_in(call)
    call.say(0.6)
    first, second = call.notes()
    assert "king and queen" not in second.partition("You: ")[0].partition("did not hear")[2]
    assert 'did not hear: "Then he died."' in second
    assert 'You: "Once upon a"' in second
    assert call.did(ResumeNoted) == [TOLD, TOLD]
    assert first != second


# Where it goes.


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


# What it says.


def test_the_users_words_are_told_where_they_are_known() -> None:
    call = telling(NATIVE)
    barge_in(call, ended=False)
    call.say(0.6)
    call.understand(" Wait,")
    call.understand(" st")
    call.understand("op.")
    call.complete()
    [note] = call.notes()
    assert 'words when interrupting: "Wait, stop."' in note


def test_what_was_said_before_is_told() -> None:
    call = Conversation.opened(replace(NATIVE, resume_context=ResumeContext(ResumePolicy.BUILT_IN, history_turns=1)))
    call.exchange("How are you?", "Fine.")
    call.exchange("What time is it?", "Noon.")
    call.answer(4.0, "Once upon a time.")
    call.wait(1.0)
    barge_in(call)
    call.say(0.6)
    [note] = call.notes()
    assert 'User: "What time is it?"\nYou: "Noon."' in note
    assert "Fine." not in note


def test_what_the_note_says_was_heard_is_final() -> None:
    call = telling(NATIVE)
    barge_in(call)
    call.say(0.2)
    assert len(call.notes()) == 1
    assert call.got(TurnEnded) == []
    call.report_heard(1, 1.0)
    call.wait(1.0)
    ended = call.assert_turn_ended(1)
    assert ended.heard_text == "Once upon a "
    assert f'heard: "{ended.heard_text.strip()}"' in call.notes()[0]
    assert f'not hear: "{ended.unheard_text}"' in call.notes()[0]


def test_what_the_client_says_was_heard_is_what_the_note_says() -> None:
    call = telling(NATIVE)
    barge_in(call)
    call.report_heard(1, 1.0)
    call.say(0.6)
    [note] = call.notes()
    assert 'The user heard: "Once"' in note
    assert call.assert_turn_ended(1).heard_text == "Once "


# Other links.


@pytest.mark.parametrize("handle", ["", "h1"])
@pytest.mark.parametrize("options", [NATIVE, SPOKEN_TEXT])
def test_a_note_that_waits_outlives_the_link(options: Options, handle: str) -> None:
    call = interrupted(options)
    call.hand_over(handle)
    call.lose_link()
    call.wait(1.0)
    call.link_up()
    call.wait(1.0)
    assert not any("interrupted" in note for note in call.notes())
    call.say(0.6)
    [note] = [note for note in call.notes(2) if "interrupted" in note]
    assert "king and queen" in note
    assert call.did(ResumeNoted) == [TOLD]


def test_a_note_outlives_a_renewal() -> None:
    call = interrupted(NATIVE)
    call.hand_over("h1")
    call.go_away(50.0)
    call.renew()
    assert call.link == 2
    call.wait(1.0)
    call.say(0.6)
    assert len([note for note in call.notes(2) if "king and queen" in note]) == 1


@pytest.mark.parametrize("begun", [False, True])
def test_a_note_that_nobody_answered_is_told_to_the_next_link_with_the_words(begun: bool) -> None:
    call = interrupted(NATIVE)
    call.hand_over("h1")
    call.say(0.6)
    call.understand("And then?")
    call.say(1.0, voiced=False)
    assert len(call.notes(1)) == 1
    if begun:
        # The client has had nothing of it.
        call.reading = False
        call.answer(0.25)
    call.lose_link()
    call.reading = True
    call.wait(1.0)
    call.link_up()
    call.wait(2.0)
    assert call.given_seconds(2) == pytest.approx(0.6, abs=0.2)
    assert len([note for note in call.notes(2) if "king and queen" in note]) == 1


def test_a_note_that_came_too_late_is_in_time_where_the_answer_is_lost() -> None:
    call = telling(NATIVE)
    barge_in(call, ended=False)
    call.say(0.6)
    call.understand("And then?")
    call.say(1.0, voiced=False)
    call.complete()
    call.reading = False
    call.answer(0.25)
    assert call.did(ResumeNoted) == [LATE]
    call.lose_link()
    call.reading = True
    call.wait(1.0)
    call.link_up()
    call.wait(2.0)
    assert len([note for note in call.notes(2) if "king and queen" in note]) == 1
    assert call.did(ResumeNoted) == [LATE, TOLD]


def test_a_note_that_was_answered_is_not_told_again() -> None:
    call = interrupted(NATIVE)
    call.say(0.6)
    call.understand("And then?")
    call.wait(1.0)
    call.answer(1.0, "Then he died.")
    call.complete()
    call.wait(2.0)
    call.lose_link()
    call.wait(1.0)
    call.link_up()
    call.say(0.6)
    assert not any("queen" in note for note in call.notes(2))
    assert call.did(ResumeNoted) == [TOLD]


# Policies.


def test_the_clients_own_wording() -> None:
    wording = ResumeContext(ResumePolicy.TEMPLATE, "They missed {unheard}. Go on with {sentence}.")
    call = interrupted(replace(NATIVE, resume_context=wording))
    call.say(0.6)
    [note] = call.notes()
    assert 'They missed "time there was a king and queen.". Go on with "Once upon a time there was a king' in note


def test_the_servers_own_wording() -> None:
    call = Conversation.opened(NATIVE, replace(POLICY, resume_template="Missed: {unheard}"))
    call.answer(4.0, "Once upon a time.")
    call.wait(1.0)
    barge_in(call)
    call.say(0.6)
    assert [note.partition("user. ")[2] for note in call.notes()] == ['Missed: "Once upon a time." End of the note.]']


def test_a_client_that_wants_to_tells_the_model_itself() -> None:
    call = telling(replace(NATIVE, resume_context=ResumeContext(ResumePolicy.CLIENT)))
    barge_in(call)
    call.receive(ev.NoteReceived(0, "They only heard: Once upon a.", answer=False))
    call.say(0.6)
    [note] = call.notes()
    assert "They only heard" in note
    assert call.did(ResumeNoted) == []


def test_a_model_that_is_to_know_nothing_is_told_nothing() -> None:
    call = interrupted(replace(NATIVE, resume_context=ResumeContext(ResumePolicy.OFF)))
    call.say(0.6)
    call.write("Go on.")
    assert call.notes() == []
    assert call.texts() == ["Go on."]


# The client's notes.


def note(call: Conversation, text: str, *, answer: bool = False, seq: int = 0) -> None:
    call.receive(ev.NoteReceived(seq, text, answer))


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


def test_notes_that_are_to_be_answered_are_bounded() -> None:
    call = Conversation()
    call.open()
    for _ in range(33):
        note(call, "The parcel has come.", answer=True)
    call.read()
    assert [reason for reason, _ in rejections(call)] == [Rejection.INPUT_OVERFLOW]


# The model speaks first, and what was said before.


@pytest.mark.parametrize(("prompt", "words"), [("", "Greet the user"), ("Say that you are Ann.", "you are Ann.")])
@pytest.mark.parametrize("options", FAMILIES)
@pytest.mark.parametrize("mode", Mode)
def test_the_model_speaks_first(options: Options, mode: Mode, prompt: str, words: str) -> None:
    call = Watched(replace(options, mode=mode, first_turn=prompt))
    call.open()
    assert call.texts() == []
    call.link_up()
    call.wait(0.5)
    [text] = call.texts()
    assert words in text
    call.answer(1.0, "Hello.")
    call.complete()
    call.wait(20.0)
    assert len(call.texts()) == 1
    assert call.assert_turn_ended(1).heard_text == "Hello."


@pytest.mark.parametrize("was_up", [False, True])
def test_the_first_turn_outlives_a_link(was_up: bool) -> None:
    call = Conversation(replace(OPTIONS, first_turn=""))
    call.open()
    if was_up:
        call.link_up()
    call.lose_link()
    call.wait(1.0)
    call.link_up()
    assert len(call.texts(2)) == 1
    call.answer(1.0, "Hello.")
    call.complete()
    call.wait(2.0)
    call.lose_link()
    call.wait(1.0)
    call.link_up()
    assert call.texts(3) == []


def test_a_first_turn_that_does_not_come_is_asked_for_on_another_link() -> None:
    call = Conversation.opened(replace(OPTIONS, first_turn=""))
    call.wait(9.0)
    call.link_up()
    assert len(call.texts(2)) == 1


@pytest.mark.parametrize("written", [False, True])
def test_nobody_is_greeted_who_speaks_first(written: bool) -> None:
    call = Conversation(replace(OPTIONS, first_turn=""))
    call.open()
    if written:
        call.write("Hello.")
    else:
        call.say(0.6)
    call.link_up()
    call.wait(0.5)
    assert call.texts() == (["Hello."] if written else [])


def test_what_was_said_before_is_in_the_instruction() -> None:
    before = (("My name is Ann.", "Hello, Ann."), ("", "Still there?"))
    call = Conversation.opened(replace(OPTIONS, system_instruction="Be brief.", initial_history=before))
    said = 'User: "My name is Ann."\nYou: "Hello, Ann."\nYou: "Still there?"'
    assert call.setups[0].setup.system_instruction.startswith("Be brief.\n\n")
    assert said in call.setups[0].setup.system_instruction
    call.exchange("How are you?", "Fine.")
    call.lose_link()
    instruction = call.setups[-1].setup.system_instruction
    assert said in instruction
    assert instruction.index("Still there?") < instruction.index("How are you?")


def test_what_was_said_before_is_not_told_to_a_link_that_remembers_it() -> None:
    call = Conversation.opened(replace(NATIVE, initial_history=(("My name is Ann.", "Hello, Ann."),)))
    call.exchange("How are you?", "Fine.")
    call.hand_over("h1")
    call.lose_link()
    setup = call.setups[-1].setup
    assert (setup.handle, setup.system_instruction) == ("h1", "")
    call.link_up()
    assert call.notes() == []


def test_the_interruption_knows_what_was_said_before_the_session() -> None:
    call = telling(replace(NATIVE, initial_history=(("My name is Ann.", "Hello, Ann."),)))
    barge_in(call)
    call.say(0.6)
    assert 'User: "My name is Ann."\nYou: "Hello, Ann."' in call.notes()[0]
