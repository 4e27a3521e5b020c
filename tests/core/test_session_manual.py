"""Manual turn detection: the client says when the user speaks."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import (
    Action,
    Dial,
    FalseInterruptionSeen,
    PhantomSeen,
    SendActivity,
    SendAudio,
    SendNote,
    SendText,
    Wedged,
)
from segue.core.options import Mode, Options
from segue.core.outputs import CloseReason, CutCause, InputRejected, Interrupted, Transcript, TurnEnded
from segue.core.policy import FalseInterruption
from segue.core.profiles import NoteSlot, TextSlot
from tests.core.conversation import OPTIONS, OTHER_VOICE, POLICY, VOICE, Conversation, telling

MANUAL = replace(OPTIONS, mode=Mode.MANUAL)
# Text is a part of what the user says there.
SPOKEN_TEXT = replace(MANUAL, model="gemini-3.1-flash-live-preview")
NATIVE = replace(MANUAL, model="gemini-2.5-flash-native-audio")
NATIVE_VERTEX = replace(MANUAL, model="gemini-live-2.5-flash-native-audio")


def speak(call: Conversation, seconds: float = 0.6, sample: bytes = VOICE) -> None:
    """Press, speak, and release."""
    call.press()
    call.say(seconds, sample=sample)
    call.release()


def answer(call: Conversation, words: str = "Fine.") -> None:
    """Let the model answer; all of it is played, and a second more passes."""
    call.answer(1.0, words)
    call.finish_generation()
    call.complete()
    call.wait(2.0)


def acquainted(options: Options = MANUAL) -> Conversation:
    """Return a conversation of one exchange, which its handle h1 covers."""
    call = Conversation.opened(options)
    speak(call)
    call.understand("How are you?")
    call.wait(0.5)
    answer(call)
    call.hand_over("h1")
    call.wait(1.0)
    return call


def shape(call: Conversation, link: int) -> list[str]:
    """Return what a link was given: edges, and whatever came between them."""
    given: list[str] = []
    for action in call.actions:
        if getattr(action, "link", 0) != link:
            continue
        kind = named(action)
        if kind and given[-1:] != [kind]:
            given.append(kind)
    return given


def named(action: Action) -> str:
    match action:
        case SendActivity():
            return "start" if action.started else "end"
        case SendAudio():
            return "audio"
        case SendText():
            return "text"
        case SendNote():
            return "note"
    return ""


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


# Text.


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


# An answer is owed.


def test_an_activity_without_an_answer_for_8_seconds_is_a_wedge() -> None:
    call = acquainted()
    speak(call, sample=OTHER_VOICE)
    call.wait(7.9)
    assert len(call.did(Dial)) == 1
    # The detector's silence counts, though the client does not wait for it.
    call.wait(1.0)
    assert call.did(Dial)[-1].setup.handle == "h1"
    call.link_up()
    call.wait(2.0)
    assert shape(call, 2) == ["start", "audio", "end"]
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(0.6)


def test_nothing_is_owed_while_the_activity_is_open() -> None:
    call = acquainted()
    call.press()
    call.say(0.6)
    call.wait(30.0)
    assert len(call.did(Dial)) == 1


def test_nothing_is_owed_on_the_next_link_either_while_the_activity_is_open() -> None:
    call = acquainted()
    call.press()
    call.say(1.0, sample=OTHER_VOICE)
    # A pause, but no end.
    call.wait(2.0)
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.wait(20.0)
    assert len(call.did(Dial)) == 2
    call.say(0.6, sample=OTHER_VOICE)
    call.release()
    assert shape(call, 2) == ["start", "audio", "end"]
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(1.6)


def test_a_half_close_ends_the_activity_and_waits_for_its_answer() -> None:
    call = Conversation.opened(MANUAL)
    call.press()
    call.say(0.6)
    call.end_input()
    assert shape(call, 1) == ["start", "audio", "end"]
    call.wait(1.0)
    answer(call)
    call.wait()
    assert call.assert_turn_ended(1).heard_text == "Fine."
    call.assert_closed(CloseReason.COMPLETED)


# Links that change.


def test_an_activity_that_was_not_answered_is_given_to_the_next_link_with_its_edges() -> None:
    call = acquainted()
    speak(call, sample=OTHER_VOICE)
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.wait(2.0)
    assert shape(call, 2) == ["start", "audio", "end"]
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(0.6)
    # What ends the words is the edge.
    assert len(call.given_audio(2)) == 0.6 * 32_000


def test_an_activity_that_goes_on_while_the_link_is_lost_is_one_on_the_next() -> None:
    call = acquainted()
    call.press()
    call.say(0.6, sample=OTHER_VOICE)
    call.lose_link()
    call.say(0.4, sample=OTHER_VOICE)
    call.link_up()
    call.say(0.6, sample=OTHER_VOICE)
    call.release()
    call.wait(2.0)
    assert shape(call, 2) == ["start", "audio", "end"]
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(1.6)


def test_an_activity_that_is_open_and_was_answered_is_opened_on_the_next_link() -> None:
    call = acquainted()
    call.press()
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.say(0.6, sample=OTHER_VOICE)
    call.release()
    call.wait(2.0)
    assert shape(call, 2) == ["start", "audio", "end"]


def test_an_activity_that_begins_and_ends_while_the_link_is_lost_is_given_to_the_next() -> None:
    call = acquainted()
    call.lose_link()
    speak(call, sample=OTHER_VOICE)
    call.link_up()
    call.wait(2.0)
    assert shape(call, 2) == ["start", "audio", "end"]
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(0.6)


def test_an_activity_that_was_answered_is_not_given_again() -> None:
    call = acquainted()
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.wait(2.0)
    assert shape(call, 2) == []


@pytest.mark.parametrize("during_the_loss", [True, False])
def test_text_that_is_given_again_is_wrapped_again(during_the_loss: bool) -> None:
    call = Conversation.opened(SPOKEN_TEXT)
    if during_the_loss:
        call.lose_link()
    call.write("What time is it?")
    if not during_the_loss:
        call.wait(1.0)
        call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.wait(2.0)
    assert shape(call, 2) == ["start", "text", "end"]


def test_an_activity_whose_content_the_handle_covers_is_not_ended_empty() -> None:
    call = Conversation.opened(MANUAL, replace(POLICY, transparent=True))
    call.press()
    call.say(0.6)
    call.hand_over("h1", consumed=99)
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.release()
    call.wait(1.0)
    assert shape(call, 2) in ([], ["start"], ["start", "audio", "end"])


def test_an_activity_that_ends_behind_its_answer_is_not_ended_on_the_next_link() -> None:
    call = acquainted()
    call.press()
    call.write("What about it?")
    call.answer(1.0, "It is so. ")
    call.finish_generation()
    call.complete()
    call.wait(2.0)
    call.release()
    call.write("And then?")
    call.wait(0.2)
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.wait(2.0)
    # The end of an activity that this link never saw begin is none.
    assert "end" not in shape(call, 2) or "start" in shape(call, 2)
    assert "And then?" in call.texts(2)[-1]


def test_an_activity_is_not_broken_by_a_renewal() -> None:
    call = acquainted()
    call.go_away(40.0)
    call.hold()
    call.press()
    call.say(1.0, sample=OTHER_VOICE)
    call.wait(5.0)
    # Who pauses has not finished.
    assert call.link == 1
    call.release()
    call.wait(1.0)
    answer(call, "Noon.")
    call.hand_over("h2")
    call.wait(1.5)
    assert call.link == 2


def test_words_of_an_activity_that_the_deadline_cuts_are_given_whole() -> None:
    call = acquainted()
    call.go_away(10.0)
    call.hold()
    call.press()
    call.say(7.0, sample=OTHER_VOICE)
    assert call.link == 2
    call.link_up()
    call.say(1.0, sample=OTHER_VOICE)
    call.release()
    call.wait(4.0)
    assert shape(call, 2) == ["start", "audio", "end"]
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(8.0)


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


def test_words_that_are_given_as_text_are_in_an_activity_where_text_is_speech() -> None:
    call = acquainted(SPOKEN_TEXT)
    speak(call, 16.0)
    call.understand("A long story.")
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.wait(2.0)
    assert shape(call, 2) == ["start", "text", "end"]
    assert call.texts(2) == ["A long story."]


def test_a_request_to_go_on_is_in_an_activity_where_text_is_speech() -> None:
    call = acquainted(SPOKEN_TEXT)
    call.answer(4.0, "Once upon a time. ")
    call.wait(1.0)
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.wait(1.0)
    assert shape(call, 2) == ["start", "text", "end"]
    assert [ended.turn for ended in call.got(TurnEnded)] == [1]


def test_a_policy_that_overlaps_links_gives_the_next_one_the_whole_activity() -> None:
    call = Conversation.opened(MANUAL, replace(POLICY, overlap=True))
    call.hand_over("h1")
    call.go_away(50.0)
    call.hold()
    call.wait(1.5)
    call.press()
    call.say(0.6)
    call.link_up(2)
    call.say(0.4)
    call.release()
    call.wait(2.0)
    assert shape(call, 2) == ["start", "audio", "end"]
    assert call.given_seconds(2) == pytest.approx(1.0)


@pytest.mark.parametrize("generated", [True, False])
def test_what_begins_while_an_activity_lasts_is_one_turn_until_it_is_made_or_pauses(generated: bool) -> None:
    call = acquainted()
    call.hand_over("h2")
    call.press()
    for _ in range(4):
        call.say(0.2, sample=OTHER_VOICE)
        call.answer(0.25, "It is ")
    call.release()
    call.wait(0.1)
    call.answer(0.25, "what I said.")
    call.understand("What time is it?")
    if generated:
        call.finish_generation()
    call.wait(0.2 if generated else 0.3)
    call.answer(1.0, "Noon.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.assert_turn_ended(2).heard_text == "It is It is It is It is what I said."
    assert call.assert_turn_ended(3).heard_text == "Noon."
    assert [said.turn for said in call.got(Transcript) if said.text == "What time is it?"] == [0]


def test_words_behind_which_an_older_answer_goes_on_have_none_yet() -> None:
    call = acquainted()
    call.press()
    call.say(0.6, sample=OTHER_VOICE)
    call.answer(0.25, "It is ")
    call.release()
    call.wait(0.1)
    call.answer(0.25, "what I said.")
    call.wait(0.5)
    call.lose_link()
    call.link_up()
    call.wait(2.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(0.6)


def test_what_comes_late_while_an_activity_lasts_is_not_the_answer_to_it() -> None:
    call = Conversation.opened(MANUAL)
    call.write("Tell me a story.")
    call.answer(1.0, "Once upon a time.")
    call.wait(0.5)
    call.press()
    call.interrupted(by_sound=False)
    call.complete()
    call.answer(0.3)
    call.say(1.0)
    call.release()
    call.understand("What time is it?")
    call.wait(0.5)
    call.answer(1.0, "It is late.")
    call.finish_generation()
    call.complete()
    call.wait(2.0)
    assert call.assert_turn_ended(2).heard_text == ""
    assert call.assert_turn_ended(3).heard_text == "It is late."
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.wait(1.0)
    assert call.given_audio(2) == b""


def test_what_comes_right_after_an_activity_answers_it() -> None:
    call = Conversation.opened(MANUAL)
    call.exchange("How are you?", "Fine.")
    speak(call)
    call.wait(0.1)
    call.answer(1.0, "It is late.")
    call.wait(0.5)
    call.interrupt()
    call.wait(20.0)
    assert call.did(Wedged) == []
