"""Links: which one a session has, which one comes next, and when."""

from dataclasses import replace
from math import inf

import pytest

from segue.core.actions import Action, Dial, HangUp, Outcome, Purpose, Recovered, Renewed, SetUp, Setup, Sign, Trigger
from segue.core.events import LinkLost, LossCause
from segue.core.handles import Handle
from segue.core.links import Links
from segue.core.options import Modality, ServerDetection
from segue.core.outputs import Closed, CloseReason
from segue.core.policy import Policy
from segue.core.profiles import Profile

PROFILE = Profile("test", ("test",))
POLICY = Policy(renewal_jitter=0.0)
SETUP = Setup("test", "", "", "", Modality.AUDIO, ServerDetection(), None)


class Net:
    """Links at 1000 s, and what they do."""

    def __init__(self, policy: Policy = POLICY, drawn: float = 0.5) -> None:
        self.actions: list[Action] = []
        self.now = 1000.0
        # Whether what a handle lacks can be told.
        self.sufficient = True
        self.links = Links(
            PROFILE,
            policy,
            lambda handle: replace(SETUP, handle=handle.token if handle else ""),
            lambda handle: self.sufficient,
            lambda: drawn,
            self.actions,
        )
        self.links.open(self.now)

    @classmethod
    def up(cls, policy: Policy = POLICY, drawn: float = 0.5) -> "Net":
        """Return links of which the first is up."""
        net = cls(policy, drawn)
        net.links.go_up(1, net.now)
        net.take()
        return net

    @classmethod
    def due(cls, policy: Policy = POLICY) -> "Net":
        """Return links of which the first is up and is to end in 50 s, and the second is held."""
        net = cls.up(policy)
        net.keep("h1")
        net.links.hurry(net.now, 50.0)
        net.links.prepare(net.now)
        net.links.hold(net.now)
        net.take()
        return net

    def take(self) -> list[Action]:
        """Return what was done since last asked."""
        taken = self.actions.copy()
        self.actions.clear()
        return taken

    def keep(self, token: str) -> None:
        self.links.keep(Handle(token, self.now, 0, 0))

    def lose(self, cause: LossCause = LossCause.TRANSIENT, retry_delay: float | None = None) -> Closed | None:
        return self.links.lose(LinkLost(self.links.number, cause, "gone", retry_delay), self.now)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, with a tick at every deadline."""
        until = self.now + seconds
        while (at := self.links.deadline()) <= until:
            self.now = max(self.now, at)
            self.links.tick(self.now)
            self.links.prepare(self.now)
            assert self.links.deadline() > self.now
        self.now = until

    def dial(self) -> Dial:
        """Return the one dial since last asked."""
        [dial] = [action for action in self.take() if isinstance(action, Dial)]
        return dial


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


def test_a_link_whose_context_is_full_gives_way_to_one_without_a_handle() -> None:
    net = Net.up()
    net.keep("h1")
    net.links.start_afresh(net.now)
    net.links.start_afresh(net.now)
    net.links.prepare(net.now)
    assert net.dial().setup.handle == ""
    net.links.hold(net.now)
    net.links.swap(net.now, cuts=False)
    assert net.links.go_up(2, net.now) == Renewed(Trigger.CONTEXT, 0.0, resumed=False, cut=False)


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


# Recovery.


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


def pauses(net: Net, cause: LossCause, count: int) -> list[float]:
    """Return the pauses before the next dials while each link is lost at once."""
    taken = []
    for _ in range(count):
        assert net.lose(cause) is None
        lost_at = net.now
        while not net.links.number:
            net.pass_time(max(0.0, net.links.deadline() - net.now))
        taken.append(net.now - lost_at)
    return taken


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


# Wedges.


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


def test_hanging_up_leaves_nothing() -> None:
    net = Net.due()
    net.links.hang_up()
    assert net.take() == [HangUp(1), HangUp(2)]
    assert (net.links.number, net.links.next, net.links.up, net.links.deadline()) == (0, 0, False, inf)
    net.links.hang_up()
    assert net.take() == []
