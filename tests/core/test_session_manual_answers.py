"""Under manual turn detection: an answer is owed to every activity, and what answers it."""

import pytest

from segue.core.actions import Dial, Wedged
from segue.core.outputs import CloseReason, Transcript
from tests.core.conversation import OTHER_VOICE, Conversation
from tests.core.pressing import MANUAL, acquainted, answer, shape, speak


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
