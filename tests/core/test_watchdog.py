"""The watchdog: what a link owes, and when it is taken to be wedged."""

from dataclasses import replace
from math import inf

import pytest

from segue.core.profiles import Profile
from segue.core.watchdog import Watchdog

PROFILE = Profile("test", ("test",))
THINKING = replace(PROFILE, thinking=12.0)
PROACTIVE = replace(PROFILE, proactive=True)


@pytest.fixture
def watchdog() -> Watchdog:
    return Watchdog(PROFILE)


def test_nothing_is_owed_at_first(watchdog: Watchdog) -> None:
    assert watchdog.deadline() == inf


def test_a_reply_may_take_8_seconds(watchdog: Watchdog) -> None:
    watchdog.expect(10.0)
    assert watchdog.deadline() == 18.0


def test_more_words_start_the_allowance_anew_and_earlier_ones_do_not(watchdog: Watchdog) -> None:
    watchdog.expect(10.0)
    watchdog.expect(14.0)
    watchdog.expect(12.0)
    assert watchdog.deadline() == 22.0


def test_what_was_given_is_owed_no_more(watchdog: Watchdog) -> None:
    watchdog.expect(10.0)
    watchdog.settle()
    assert watchdog.deadline() == inf


def test_a_model_that_thinks_may_take_longer() -> None:
    watchdog = Watchdog(THINKING)
    watchdog.expect(10.0)
    assert watchdog.deadline() == 30.0


def test_a_suspect_link_has_3_seconds_until_it_answers(watchdog: Watchdog) -> None:
    watchdog.suspect(5.0)
    watchdog.expect(10.0)
    assert watchdog.deadline() == 13.0
    watchdog.hear()
    watchdog.expect(20.0)
    assert watchdog.deadline() == 28.0


@pytest.mark.parametrize(("suspect", "deadline"), [(True, 13.0), (False, 18.0)])
def test_a_link_that_replaced_a_lost_one_is_suspect_and_owes_what_was_owed(suspect: bool, deadline: float) -> None:
    watchdog = Watchdog(PROFILE)
    watchdog.expect(10.0)
    watchdog.renew(suspect=suspect)
    assert watchdog.deadline() == deadline


def test_work_is_waited_for_30_seconds_at_most(watchdog: Watchdog) -> None:
    watchdog.note_busy(True, 10.0)
    watchdog.expect(10.0)
    assert watchdog.deadline() == 40.0


def test_work_that_is_over_leaves_the_usual_allowance(watchdog: Watchdog) -> None:
    watchdog.expect(10.0)
    watchdog.note_busy(True, 11.0)
    watchdog.note_busy(False, 15.0)
    # It went on for that long.
    assert 18.0 <= watchdog.deadline() <= 23.0


def test_work_does_not_outlive_its_link(watchdog: Watchdog) -> None:
    watchdog.note_busy(True, 10.0)
    watchdog.renew(suspect=False)
    watchdog.expect(10.0)
    assert watchdog.deadline() == 18.0


def test_the_first_sign_of_trouble_is_remembered_until_an_answer(watchdog: Watchdog) -> None:
    assert watchdog.trouble_at == inf
    watchdog.suspect(5.0)
    watchdog.suspect(9.0)
    watchdog.note_empty_turn(12.0)
    assert watchdog.trouble_at == 5.0
    watchdog.hear()
    assert watchdog.trouble_at == inf


@pytest.mark.parametrize(("profile", "limit"), [(PROFILE, 2), (PROACTIVE, 3)])
def test_empty_turns_in_a_row_are_a_wedge(profile: Profile, limit: int) -> None:
    watchdog = Watchdog(profile)
    assert [watchdog.note_empty_turn(float(at)) for at in range(limit)] == [False] * (limit - 1) + [True]


def test_an_answer_ends_the_row(watchdog: Watchdog) -> None:
    watchdog.note_empty_turn(1.0)
    watchdog.hear()
    assert not watchdog.note_empty_turn(2.0)


def test_what_comes_of_a_result_that_was_given_again_is_no_answer_until_it_is_trusted(watchdog: Watchdog) -> None:
    watchdog.note_empty_turn(1.0)
    watchdog.retold = True
    watchdog.expect(2.0)
    watchdog.hear()
    assert (watchdog.since, watchdog.trouble_at) == (None, 1.0)
    watchdog.renew(suspect=False)
    assert watchdog.note_empty_turn(3.0)
    watchdog.trust()
    assert watchdog.trouble_at == inf
    assert not watchdog.note_empty_turn(4.0)


def test_another_link_begins_a_new_row(watchdog: Watchdog) -> None:
    watchdog.note_empty_turn(1.0)
    watchdog.renew(suspect=False)
    assert not watchdog.note_empty_turn(2.0)


def test_one_empty_turn_on_a_suspect_link_is_a_wedge(watchdog: Watchdog) -> None:
    watchdog.suspect(1.0)
    assert watchdog.note_empty_turn(2.0)


def test_a_link_that_is_given_its_time_is_suspect_all_the_same_until_it_answers(watchdog: Watchdog) -> None:
    watchdog.renew(suspect=True, patient=True)
    watchdog.expect(10.0)
    assert watchdog.deadline() == 18.0
    assert watchdog.note_empty_turn(11.0)
    watchdog.hear()
    watchdog.suspect(15.0)
    watchdog.expect(20.0)
    assert watchdog.deadline() == 23.0


def test_faint_audio_and_rejections_are_no_wedge_unless_they_are_made_to_be(watchdog: Watchdog) -> None:
    assert not any(watchdog.note_faint(10.0) for _ in range(10))
    assert not any(watchdog.note_rejection(True) for _ in range(10))


def test_faint_audio_in_a_row_can_be_a_wedge() -> None:
    watchdog = Watchdog(replace(PROFILE, faint_audio_limit=3.0))
    assert [watchdog.note_faint(seconds) for seconds in (2.0, 0.0, 2.0, 1.0)] == [False, False, False, True]


def test_faint_audio_of_another_link_does_not_count() -> None:
    watchdog = Watchdog(replace(PROFILE, faint_audio_limit=3.0))
    watchdog.note_faint(2.0)
    watchdog.renew(suspect=False)
    assert not watchdog.note_faint(2.0)


def test_rejections_in_a_row_can_be_a_wedge() -> None:
    watchdog = Watchdog(replace(PROFILE, rejections_limit=2))
    assert [watchdog.note_rejection(rejected) for rejected in (True, False, True, True)] == [False, False, False, True]
