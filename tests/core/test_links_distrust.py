"""Wedges, and handles that may be bad: which link is given up, and which handle is not used again."""

from dataclasses import replace

import pytest

from segue.core.actions import Dial, HangUp, Outcome, Purpose, Recovered, Sign
from segue.core.events import LossCause
from segue.core.outputs import CloseReason
from tests.core.net import SETUP, Net


@pytest.mark.parametrize("cause", [LossCause.HANDLE, LossCause.INVALID])
def test_a_handle_that_is_refused_is_dropped_at_once(cause: LossCause) -> None:
    net = Net.up()
    net.keep("h1")
    net.lose()
    net.pass_time(0.0)
    assert net.dial().setup.handle == "h1"
    net.lose(cause)
    net.pass_time(1.0)
    assert net.dial().setup.handle == ""


def test_a_link_that_began_to_answer_says_nothing_against_its_handle() -> None:
    net = Net.up()
    net.keep("h1")
    for _ in range(3):
        net.lose(LossCause.INVALID)
        net.pass_time(0.0)
        assert net.dial().setup.handle == "h1"
        net.links.go_up(net.links.number, net.now)
        net.links.begun()
        net.links.answered()


def test_two_links_in_a_row_that_were_lost_right_after_resuming_drop_the_handle() -> None:
    net = Net.up()
    net.keep("h1")
    handles = []
    for _ in range(4):
        net.lose()
        net.pass_time(2.0)
        handles.append(net.dial().setup.handle)
        net.links.go_up(net.links.number, net.now)
    assert handles == ["h1", "h1", "", ""]


def test_a_service_that_cannot_be_reached_says_nothing_against_a_handle() -> None:
    net = Net.up()
    net.keep("h1")
    for _ in range(4):
        net.lose(LossCause.UNAVAILABLE)
        net.pass_time(4.0)
        assert net.dial().setup.handle == "h1"


def test_a_wedged_link_is_hung_up_and_followed_at_once() -> None:
    net = Net.up()
    net.keep("h1")
    net.now += 10.0
    assert net.links.replace(Sign.SILENCE, net.now, net.now) is None
    net.pass_time(0.0)
    assert net.take() == [HangUp(1), Dial(2, replace(SETUP, handle="h1"), Purpose.RECOVERY)]
    assert net.links.go_up(2, net.now) == Recovered(Sign.SILENCE, 0.0, Outcome.RESUMED)


def test_handles_from_the_time_of_the_trouble_are_dropped() -> None:
    net = Net.up()
    for token in ("h1", "h2", "h3"):
        net.keep(token)
        net.now += 10.0
    net.links.replace(Sign.SILENCE, trouble_at=1010.0, now=net.now)
    net.pass_time(0.0)
    assert net.dial().setup.handle == "h1"


def test_a_link_is_given_up_on_a_suspicion_only_while_there_are_dials_to_spare() -> None:
    net = Net.up()
    for _ in range(5):
        assert net.links.spare
        net.lose()
        net.pass_time(5.0)
        net.links.go_up(net.links.number, net.now)
    net.lose()
    net.pass_time(5.0)
    assert not net.links.spare


def test_a_link_that_replaced_a_wedged_one_is_not_given_up_on_a_suspicion() -> None:
    net = Net.up()
    net.links.replace(Sign.SILENCE, net.now, net.now)
    net.pass_time(0.0)
    net.links.go_up(net.links.number, net.now)
    assert not net.links.spare
    net.links.answered()
    assert net.links.spare


def test_four_handles_are_remembered() -> None:
    net = Net.up()
    for number in range(5):
        net.keep(f"h{number}")
        net.now += 10.0
    net.links.replace(Sign.SILENCE, trouble_at=1015.0, now=net.now)
    net.pass_time(0.0)
    assert net.dial().setup.handle == "h1"
    net = Net.up()
    for number in range(5):
        net.keep(f"h{number}")
        net.now += 10.0
    net.links.replace(Sign.SILENCE, trouble_at=1005.0, now=net.now)
    net.pass_time(0.0)
    assert net.dial().setup.handle == ""


def test_the_ladder_has_three_rungs() -> None:
    net = Net.up()
    net.keep("h1")
    net.now += 10.0
    assert net.links.replace(Sign.SILENCE, net.now, net.now) is None
    net.pass_time(0.0)
    assert net.dial().setup.handle == "h1"
    net.links.go_up(2, net.now)
    net.pass_time(3.0)
    assert net.links.replace(Sign.SILENCE, net.now, net.now) is None
    net.pass_time(0.0)
    assert net.dial().setup.handle == ""
    net.links.go_up(3, net.now)
    net.pass_time(3.0)
    closing = net.links.replace(Sign.SILENCE, net.now, net.now)
    assert closing is not None
    assert closing.reason is CloseReason.BACKEND_WEDGED
    assert net.take() == [HangUp(3), Recovered(Sign.SILENCE, 0.0, Outcome.FAILED)]


def test_an_answer_begins_the_ladder_anew() -> None:
    net = Net.up()
    for number in range(5):
        net.keep(f"h{number}")
        net.now += 10.0
        assert net.links.replace(Sign.STOPPED, net.now, net.now) is None
        net.pass_time(0.0)
        assert net.dial().setup.handle == f"h{number}"
        net.links.go_up(net.links.number, net.now)
        net.links.answered()
    assert net.links.wedges == 0
