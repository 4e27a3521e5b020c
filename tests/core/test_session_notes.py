"""The note on an interruption: it goes with the user's next words, once, on whatever link they go to."""

from dataclasses import replace

import pytest

from segue.core.actions import PhantomSeen, ResumeNoted
from segue.core.options import Options
from segue.core.outputs import Interrupted
from segue.core.policy import FalseInterruption
from segue.core.profiles import profile_of
from tests.core.conversation import POLICY, Conversation, telling
from tests.core.noting import LATE, NATIVE, SPOKEN_TEXT, TOLD, barge_in, interrupted, note

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
    call.wait(2.1)
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
