"""Links: which one a session has, which one comes next, and when."""

from dataclasses import replace
from math import inf

import pytest

from segue.core.actions import Dial, HangUp, Purpose, Renewed, SetUp, Trigger
from tests.core.net import POLICY, SETUP, Net


def test_the_first_link_is_dialled_and_counts() -> None:
    net = Net()
    assert net.take() == [Dial(1, SETUP, Purpose.OPEN)]
    assert (net.links.number, net.links.up, net.links.opened) == (1, False, 0)
    assert net.links.knows(1)
    assert not net.links.knows(0)
    assert not net.links.knows(2)
    assert net.links.deadline() == inf


def test_the_first_link_that_is_up_completes_nothing() -> None:
    net = Net()
    assert net.links.go_up(1, net.now) is None
    assert (net.links.number, net.links.up, net.links.opened) == (1, True, 1)


@pytest.mark.parametrize(("jitter", "drawn", "age"), [(0.0, 0.5, 480.0), (60.0, 0.0, 480.0), (60.0, 0.5, 450.0)])
def test_the_next_link_is_dialled_at_the_age_limit_less_jitter(jitter: float, drawn: float, age: float) -> None:
    net = Net.up(replace(POLICY, renewal_jitter=jitter), drawn)
    assert net.links.deadline() == net.now + age
    net.pass_time(age)
    assert net.take() == [Dial(2, SETUP, Purpose.RENEWAL, hold=True)]
    assert net.links.knows(2)
    assert net.links.number == 1


def test_a_link_that_is_not_due_is_not_swapped() -> None:
    net = Net.up()
    assert net.links.swap_at(quiet_at=-inf) == inf
    assert not net.links.due


def test_a_link_that_is_due_is_swapped_at_the_quiet_moment_or_before_its_end() -> None:
    net = Net.due()
    assert net.links.due
    assert net.links.swap_at(quiet_at=1003.0) == 1003.0
    assert 1040.0 < net.links.swap_at(quiet_at=inf) < 1050.0


@pytest.mark.parametrize(("time_left", "used"), [(50.0, 45.0), (10.0, 5.0), (2.0, 1.0), (0.0, 0.0)])
def test_what_is_left_of_a_link_is_used_less_a_margin(time_left: float, used: float) -> None:
    net = Net.up()
    net.links.hurry(net.now, time_left)
    swap_at = net.links.swap_at(quiet_at=inf) - net.now
    assert swap_at == used


def test_a_swap_hangs_up_and_then_sets_up() -> None:
    net = Net.due()
    net.keep("h2")
    net.links.swap(net.now, cuts=False)
    assert net.take() == [HangUp(1), SetUp(2, replace(SETUP, handle="h2"))]
    assert (net.links.number, net.links.up, net.links.next) == (2, False, 0)
    assert net.links.go_up(2, net.now + 0.25) == Renewed(Trigger.GO_AWAY, 0.25, resumed=True, cut=False)


def test_a_swap_that_costs_a_turn_says_so() -> None:
    net = Net.due()
    net.links.swap(net.now, cuts=True)
    assert net.links.go_up(2, net.now) == Renewed(Trigger.GO_AWAY, 0.0, resumed=True, cut=True)


def test_a_swap_without_a_held_link_dials() -> None:
    net = Net.up()
    net.links.hurry(net.now, 50.0)
    net.links.prepare(net.now)
    net.take()
    net.links.swap(net.now, cuts=False)
    assert net.take() == [HangUp(1), HangUp(2), Dial(3, SETUP, Purpose.RECOVERY)]
    assert net.links.go_up(3, net.now) == Renewed(Trigger.GO_AWAY, 0.0, resumed=False, cut=False)


def test_overlapping_links_change_places_when_the_next_one_is_up() -> None:
    net = Net.due(replace(POLICY, overlap=True))
    net.links.swap(net.now, cuts=False)
    assert net.take() == [SetUp(2, replace(SETUP, handle="h1"))]
    assert (net.links.number, net.links.up) == (1, True)
    assert net.links.go_up(2, net.now + 0.25) == Renewed(Trigger.GO_AWAY, 0.0, resumed=True, cut=False)
    assert net.take() == [HangUp(1)]
    assert net.links.number == 2


def test_an_overlapping_link_takes_the_place_of_one_that_is_lost() -> None:
    net = Net.due(replace(POLICY, overlap=True))
    net.links.swap(net.now, cuts=False)
    assert net.lose() is None
    assert (net.links.number, net.links.next, net.links.up) == (2, 0, False)
    assert net.links.deadline() == net.now + 60.0


def test_links_that_the_service_refuses_to_overlap_overlap_no_more() -> None:
    net = Net.due(replace(POLICY, overlap=True))
    net.links.swap(net.now, cuts=False)
    net.links.lose_next(net.now)
    net.links.prepare(net.now)
    net.links.hold(net.now)
    net.take()
    net.links.swap(net.now, cuts=False)
    assert net.take() == [HangUp(1), SetUp(3, replace(SETUP, handle="h1"))]


@pytest.mark.parametrize(("waited", "overlaps"), [(39.0, True), (41.0, False)])
def test_links_overlap_only_while_there_is_time_for_a_setup_that_fails(waited: float, overlaps: bool) -> None:
    net = Net.due(replace(POLICY, overlap=True))
    net.links.swap(net.now + waited, cuts=False)
    assert (HangUp(1) not in net.take()) is overlaps


@pytest.mark.parametrize("trigger", [Trigger.CONTEXT, Trigger.UPDATE])
def test_a_link_whose_context_is_full_or_outdated_gives_way_to_one_without_a_handle(trigger: Trigger) -> None:
    net = Net.up()
    net.keep("h1")
    net.links.start_afresh(trigger, net.now)
    net.links.start_afresh(Trigger.CONTEXT, net.now)
    net.links.prepare(net.now)
    assert net.dial().setup.handle == ""
    net.links.hold(net.now)
    net.links.swap(net.now, cuts=False)
    assert net.links.go_up(2, net.now) == Renewed(trigger, 0.0, resumed=False, cut=False)


def test_a_link_that_begins_afresh_leaves_no_handle_of_what_was_before() -> None:
    net = Net.up()
    net.links.start_afresh(Trigger.UPDATE, net.now)
    net.links.prepare(net.now)
    net.keep("h1")
    net.links.hold(net.now)
    net.take()
    net.lose()
    net.links.tick(net.now)
    assert net.dial().setup.handle == ""
    net.links.go_up(net.links.number, net.now)
    net.lose()
    net.pass_time(1.0)
    assert net.dial().setup.handle == ""


def test_a_connection_is_held_for_20_seconds() -> None:
    net = Net.due()
    net.pass_time(19.9)
    assert net.take() == []
    net.pass_time(0.2)
    assert net.take() == [HangUp(2), Dial(3, replace(SETUP, handle="h1"), Purpose.RENEWAL, hold=True)]


def test_a_renewal_that_cannot_be_dialled_is_tried_again_less_and_less_often() -> None:
    net = Net.up()
    net.links.hurry(net.now, 500.0)
    net.links.prepare(net.now)
    pauses = []
    for _ in range(6):
        net.take()
        lost_at = net.now
        net.links.lose_next(net.now)
        while not net.actions:
            net.pass_time(max(0.0, net.links.deadline() - net.now))
        pauses.append(net.now - lost_at)
    assert pauses == [2.0, 4.0, 8.0, 16.0, 16.0, 16.0]


def test_hanging_up_leaves_nothing() -> None:
    net = Net.due()
    net.links.hang_up()
    assert net.take() == [HangUp(1), HangUp(2)]
    assert (net.links.number, net.links.next, net.links.up, net.links.deadline()) == (0, 0, False, inf)
    net.links.hang_up()
    assert net.take() == []
