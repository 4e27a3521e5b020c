"""What a handle covers: what was said before it was made is not given again to the link that resumes with it."""

from dataclasses import replace

import pytest

from segue.core.actions import Dial
from tests.core.conversation import OTHER_VOICE, POLICY, VOICE, Conversation, acquainted, recover


def test_what_was_said_before_the_turn_that_a_handle_covers_is_not_given_again() -> None:
    call = Conversation.opened()
    call.say(0.6)
    call.wait(2.0)
    # The model has nothing to say to that, and the handle after its empty turn covers it.
    call.complete("NO_SPEECH")
    call.hand_over("h1")
    call.say(0.6, sample=OTHER_VOICE)
    recover(call)
    call.wait(3.0)
    assert call.setups[-1].setup.handle == "h1"
    assert call.given_seconds(2, VOICE) == 0.0
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(0.6)


def test_what_is_being_said_when_the_turn_ends_is_not_covered() -> None:
    call = acquainted()
    call.write("What time is it?")
    call.answer(1.0, "Noon.")
    call.finish_generation()
    call.say(0.3, sample=OTHER_VOICE)
    call.complete()
    call.hand_over("h2")
    call.say(0.3, sample=OTHER_VOICE)
    recover(call, after=0.1)
    call.wait(3.0)
    assert call.setups[-1].setup.handle == "h2"
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(0.6)


def test_an_index_tells_what_a_handle_covers() -> None:
    call = Conversation.opened(policy=replace(POLICY, transparent=True))
    assert call.setups[0].setup.transparent
    call.exchange("How are you?", "Fine.")
    call.write("One.")
    call.write("Two.")
    messages = len(call.given())
    call.hand_over("h1", consumed=messages - 1)
    recover(call)
    assert call.texts(2) == ["Two."]


def test_words_that_a_handle_covers_are_given_again_while_their_answer_is_owed() -> None:
    call = Conversation.opened(policy=replace(POLICY, transparent=True))
    call.write("One.")
    call.hand_over("h1", consumed=1)
    recover(call)
    assert call.texts(2) == ["One."]


def test_an_index_that_covers_all_leaves_nothing_to_give_again() -> None:
    call = Conversation.opened(policy=replace(POLICY, transparent=True))
    call.write("One.")
    call.answer(1.0, "Yes?")
    call.finish_generation()
    call.complete()
    call.hand_over("h1", consumed=1)
    recover(call)
    assert call.texts(2) == []


def test_the_newest_handle_is_used() -> None:
    call = acquainted()
    call.hand_over("h2")
    call.hand_over("")
    call.lose_link()
    assert call.did(Dial)[-1].setup.handle == "h2"
