"""Activities and links that change: each link gets whole ones."""

from dataclasses import replace

import pytest

from segue.core.outputs import TurnEnded
from tests.core.conversation import OTHER_VOICE, POLICY, Conversation
from tests.core.pressing import MANUAL, SPOKEN_TEXT, acquainted, answer, shape, speak


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
