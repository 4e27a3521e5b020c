"""Links that are lost: what follows one, after which pause, and how often that is tried."""

from dataclasses import replace
from math import inf

import pytest

from segue.core.actions import Dial, HangUp, Outcome, Purpose, Recovered, Sign
from segue.core.events import LossCause
from segue.core.outputs import CloseReason
from tests.core.net import SETUP, Net, pauses


def test_a_lost_link_is_followed_at_once() -> None:
    net = Net.up()
    net.keep("h1")
    assert net.lose() is None
    assert net.links.deadline() == net.now
    net.pass_time(0.0)
    assert net.take() == [Dial(2, replace(SETUP, handle="h1"), Purpose.RECOVERY)]
    completed = net.links.go_up(2, net.now + 0.5)
    assert completed == Recovered(LossCause.TRANSIENT, 0.5, Outcome.RESUMED)


def test_a_lost_link_without_a_handle_is_followed_by_a_fresh_one() -> None:
    net = Net.up()
    net.lose()
    net.pass_time(0.0)
    assert net.dial().setup.handle == ""
    assert net.links.go_up(2, net.now) == Recovered(LossCause.TRANSIENT, 0.0, Outcome.FRESH)


def test_a_handle_that_does_not_suffice_is_not_used() -> None:
    net = Net.up()
    net.keep("h1")
    net.sufficient = False
    net.lose()
    net.pass_time(0.0)
    assert net.dial().setup.handle == ""


def test_pauses_double_up_to_8_seconds() -> None:
    net = Net.up()
    assert pauses(net, LossCause.UNAVAILABLE, 8) == pytest.approx([0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0])


@pytest.mark.parametrize(("drawn", "second"), [(0.0, 0.125), (0.99, 0.3725)])
def test_pauses_are_drawn(drawn: float, second: float) -> None:
    net = Net.up(drawn=drawn)
    assert pauses(net, LossCause.UNAVAILABLE, 2)[1] == pytest.approx(second)


@pytest.mark.parametrize(("lasted", "pause"), [(29.0, 1.0), (30.0, 0.0)])
def test_a_link_that_lasted_is_replaced_at_once(lasted: float, pause: float) -> None:
    net = Net.up()
    pauses(net, LossCause.TRANSIENT, 3)
    net.links.go_up(net.links.number, net.now)
    net.now += lasted
    assert pauses(net, LossCause.TRANSIENT, 1) == [pause]


def test_a_link_that_lasted_and_is_wedged_leaves_no_pause_behind() -> None:
    net = Net.up()
    pauses(net, LossCause.TRANSIENT, 3)
    net.links.go_up(net.links.number, net.now)
    net.now += 30.0
    net.links.replace(Sign.SILENCE, inf, net.now)
    net.pass_time(0.0)
    assert pauses(net, LossCause.TRANSIENT, 1) == [0.25]


def test_a_quota_pauses_longer() -> None:
    net = Net.up()
    assert pauses(net, LossCause.QUOTA, 3) == [5.0, 10.0, 20.0]


def test_the_time_that_the_service_names_is_waited_for() -> None:
    net = Net.up()
    net.lose(retry_delay=3.0)
    assert net.links.deadline() == net.now + 3.0


@pytest.mark.parametrize("cause", [LossCause.CREDENTIALS, LossCause.MODEL, LossCause.REJECTED])
def test_what_another_link_would_not_change_ends_it(cause: LossCause) -> None:
    net = Net.up()
    closing = net.lose(cause)
    assert closing is not None
    assert net.take() == [Recovered(cause, 0.0, Outcome.FAILED)]
    assert (net.links.number, net.links.deadline()) == (0, inf)


@pytest.mark.parametrize("cause", [LossCause.QUOTA, LossCause.INTERNAL])
def test_what_may_change_ends_it_only_before_the_first_link(cause: LossCause) -> None:
    assert Net().lose(cause) is not None
    assert Net.up().lose(cause) is None


def test_before_the_first_link_it_is_tried_three_times_more() -> None:
    net = Net()
    outcomes = []
    for _ in range(4):
        outcomes.append(net.lose(LossCause.UNAVAILABLE) is None)
        net.pass_time(2.0)
    assert outcomes == [True, True, True, False]
    assert {action.purpose for action in net.take() if isinstance(action, Dial)} == {Purpose.OPEN}


def test_a_session_dials_ten_times_without_an_answer() -> None:
    net = Net.up()
    lost = 0
    while lost < 50 and net.lose() is None:
        lost += 1
        net.pass_time(0.0)
        while not net.links.number:
            net.pass_time(max(0.0, net.links.deadline() - net.now))
        net.links.go_up(net.links.number, net.now)
        # What a session lost so often does not come from a slow clock.
        assert net.now < 1000.0 + 60.0
    assert lost in (10, 11)


def test_each_answer_gives_one_dial_back() -> None:
    net = Net.up()
    for _ in range(50):
        assert net.lose() is None
        net.pass_time(0.0)
        net.links.go_up(net.links.number, net.now)
        net.links.answered()


def test_an_answer_that_is_only_begun_gives_no_dial_back_and_leaves_the_pauses() -> None:
    net = Net.up()
    pauses_taken = []
    for _ in range(8):
        pauses_taken += pauses(net, LossCause.TRANSIENT, 1)
        net.links.go_up(net.links.number, net.now)
        net.links.begun()
    assert pauses_taken == pytest.approx([0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0])


@pytest.mark.parametrize("up", [True, False])
def test_a_dial_that_nothing_is_heard_of_is_waited_for_for_a_minute(up: bool) -> None:
    net = Net.up()
    if up:
        net.links.hurry(net.now, 50.0)
        net.links.prepare(net.now)
        net.links.swap(net.now, cuts=False)
    else:
        net.lose()
        net.links.tick(net.now)
    begin = net.now
    assert net.links.deadline() == begin + 60.0
    assert net.links.overdue(begin + 59.9) is None
    net.take()
    number = net.links.number
    closing = net.links.overdue(begin + 60.0)
    assert closing is not None
    assert closing.reason is CloseReason.BACKEND_UNAVAILABLE
    assert net.take() == [Recovered(LossCause.UNAVAILABLE, 60.0, Outcome.FAILED), HangUp(number)]
    assert net.links.deadline() == inf


def test_time_gives_dials_back() -> None:
    net = Net.up()
    for _ in range(20):
        assert net.lose() is None
        while not net.links.number:
            net.pass_time(1.0)
        net.links.go_up(net.links.number, net.now)
        net.pass_time(30.0)


def test_a_dial_comes_back_after_half_a_minute_and_no_sooner() -> None:
    for pause, more in ((29.0, False), (31.0, True)):
        net = Net()
        for _ in range(3):
            assert net.lose(LossCause.UNAVAILABLE) is None
            net.pass_time(2.0)
        # What it took so far counts, too.
        net.pass_time(pause - 6.0)
        assert (net.lose(LossCause.UNAVAILABLE) is None) is more


def test_who_has_had_no_link_for_a_minute_hangs_up() -> None:
    net = Net.up()
    assert net.lose(LossCause.UNAVAILABLE, retry_delay=59.0) is None
    net.pass_time(59.0)
    closing = net.lose(LossCause.UNAVAILABLE, retry_delay=2.0)
    assert closing is not None
    assert closing.reason is CloseReason.BACKEND_UNAVAILABLE
    assert net.take()[-1] == Recovered(LossCause.UNAVAILABLE, 59.0, Outcome.FAILED)


def test_a_renewal_that_fails_has_been_without_a_link_since_it_began() -> None:
    net = Net.due()
    net.links.swap(net.now, cuts=False)
    net.pass_time(2.0)
    net.lose()
    net.pass_time(0.0)
    assert net.links.go_up(3, net.now + 1.0) == Recovered(LossCause.TRANSIENT, 3.0, Outcome.RESUMED)


def test_a_link_that_is_lost_takes_the_held_one_with_it() -> None:
    net = Net.due()
    net.lose()
    net.pass_time(0.0)
    assert net.take() == [HangUp(2), Dial(3, replace(SETUP, handle="h1"), Purpose.RECOVERY)]
