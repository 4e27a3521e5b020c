"""Links that overlap: the old one works until the next one is up."""

from dataclasses import replace

import pytest

from segue.core.actions import HangUp, Renewed, SetUp
from segue.core.outputs import CutCause, Interrupted
from tests.core.conversation import OTHER_VOICE, POLICY
from tests.core.renewing import due, gap_of

OVERLAP = replace(POLICY, overlap=True)


def test_links_may_overlap_until_the_next_one_is_up() -> None:
    call = due(policy=OVERLAP)
    call.wait(2.0)
    call.hold()
    call.wait(0.01)
    assert call.did(HangUp) == []
    assert call.did(SetUp)[0].link == 2
    call.link_up(2)
    assert call.did(HangUp) == [HangUp(1)]
    assert call.link == 2
    assert gap_of(call) == 0.0


def test_words_that_the_old_link_got_while_they_overlapped_are_given_to_the_next_one() -> None:
    call = due(policy=OVERLAP)
    call.wait(2.0)
    call.hold()
    call.wait(0.01)
    call.say(0.6, sample=OTHER_VOICE)
    assert call.given_seconds(1, OTHER_VOICE) == pytest.approx(0.6)
    call.link_up(2)
    call.say(0.4, sample=OTHER_VOICE)
    call.wait(2.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(1.0)


def test_a_link_that_was_held_for_long_has_time_for_its_setup_all_the_same() -> None:
    call = due(policy=OVERLAP)
    call.write("And you?")
    call.hold()
    call.answer(1.0, "Well, ")
    call.wait(7.0)
    call.answer(1.0, "I am ")
    call.wait(7.0)
    # It plays for longer than the connection is held.
    call.answer(20.0, "fine.")
    call.wait(5.5)
    call.finish_generation()
    call.complete()
    call.hand_over("h2")
    call.wait(0.1)
    # 19.6 s after it was held.
    assert call.did(SetUp)[0].link == 2
    call.wait(2.0)
    assert call.did(HangUp) == []
    call.link_up(2)
    assert call.link == 2
    assert len(call.did(Renewed)) == 1


def test_an_overlapping_link_that_is_lost_leaves_the_old_one_as_it_was() -> None:
    call = due(policy=OVERLAP)
    call.wait(2.0)
    call.hold()
    call.wait(0.01)
    call.lose_link(link=2)
    call.exchange("What time is it?", "Noon.")
    assert call.assert_turn_ended(2).heard_text == "Noon."
    assert call.got(Interrupted) == []
    # It is tried again.
    assert call.next_link == 3


def test_a_turn_of_the_old_link_that_has_begun_when_the_next_one_is_up_goes_on_there() -> None:
    call = due(policy=OVERLAP)
    call.wait(2.0)
    call.hold()
    call.wait(0.01)
    call.answer(2.0, "By the way, ")
    call.wait(0.1)
    call.link_up(2)
    assert len(call.texts(2)) == 1
    call.wait(5.0)
    assert call.assert_interrupted(2).cause is CutCause.RECOVERY
