"""Who may dial when: the budget and the breaker, in virtual time."""

import heapq
from dataclasses import dataclass
from itertools import count
from math import inf
from random import Random

import pytest

from segue.backend.breaker import Refusal
from segue.backend.gate import DialGate
from segue.core import events as ev
from segue.core.actions import Purpose
from segue.core.events import LossCause


@dataclass(eq=False)
class Dial:
    purpose: Purpose = Purpose.OPEN
    family: str = "3.8-live"
    takes_ready: bool = False


class Gate:
    """A gate and its clock."""

    def __init__(self, rate: float = 50.0, burst: int = 100) -> None:
        self.gate: DialGate[Dial] = DialGate(rate, burst)
        self.now = 1_000.0

    def ask(self, *dials: Dial) -> list[tuple[Dial, Refusal | None]]:
        for dial in dials:
            self.gate.ask(dial, self.now)
        return self.gate.decide(self.now)

    def begin(self, dial: Dial | None = None) -> Dial:
        """Ask for a dial that must begin at once."""
        dial = dial or Dial()
        assert self.ask(dial) == [(dial, None)]
        return dial

    def refused(self, dial: Dial | None = None) -> Refusal:
        """Ask for a dial that must be refused at once."""
        ((_, refusal),) = self.ask(dial or Dial())
        assert refusal is not None
        return refusal

    def lose(self, dial: Dial, cause: LossCause = LossCause.UNAVAILABLE, retry_delay: float | None = None) -> None:
        self.gate.settle(dial, ev.LinkLost(1, cause, "Nobody is there. Check the network.", retry_delay), self.now)

    def open(self, dial: Dial) -> None:
        self.gate.settle(dial, ev.LinkOpened(1), self.now)

    def fail(self, times: int, cause: LossCause = LossCause.UNAVAILABLE) -> None:
        for _ in range(times):
            self.lose(self.begin(), cause)

    def is_open(self, family: str = "3.8-live") -> bool:
        return self.gate.is_open(family)

    def run_until_all_began(self) -> list[tuple[float, Dial]]:
        """Let time pass until nothing waits, and return what began when."""
        began = []
        while self.gate.waiting:
            self.now = max(self.now, self.gate.deadline())
            for dial, refusal in self.gate.decide(self.now):
                assert refusal is None
                began.append((self.now, dial))
        return began


class TestBudget:
    @pytest.mark.parametrize("rate", [0.1, 3.0, 7.7, 50.0, 999.0])
    @pytest.mark.parametrize("burst", [1, 7, 100])
    def test_a_burst_begins_at_once_and_the_rest_at_the_rate(self, rate: float, burst: int) -> None:
        gate = Gate(rate, burst)
        started = gate.now
        assert len(gate.ask(*(Dial(Purpose.RECOVERY) for _ in range(burst + 20)))) == burst
        began = gate.run_until_all_began()
        assert [at - started for at, _ in began] == pytest.approx([number / rate for number in range(1, 21)], abs=1e-5)

    def test_a_pod_of_300_sessions_dials_all_of_them_within_4_seconds(self) -> None:
        gate = Gate()
        started = gate.now
        gate.ask(*(Dial(Purpose.RECOVERY) for _ in range(300)))
        assert gate.run_until_all_began()[-1][0] - started <= 4.0

    def test_what_is_not_used_is_saved_up_to_a_burst(self) -> None:
        gate = Gate(rate=10, burst=5)
        assert len(gate.ask(*(Dial() for _ in range(5)))) == 5
        gate.now += 0.2
        assert len(gate.ask(*(Dial() for _ in range(5)))) == 2
        gate.run_until_all_began()
        gate.now += 3_600
        assert len(gate.ask(*(Dial() for _ in range(9)))) == 5

    def test_recovery_goes_before_open_before_renewal(self) -> None:
        gate = Gate(rate=10, burst=1)
        gate.begin()
        late = [Dial(purpose) for purpose in (Purpose.RENEWAL, Purpose.OPEN, Purpose.RECOVERY, Purpose.RECOVERY)]
        assert gate.ask(*late) == []
        renewal, opening, first, second = late
        assert [dial for _, dial in gate.run_until_all_began()] == [first, second, opening, renewal]

    def test_who_is_gone_does_not_use_up_the_budget(self) -> None:
        gate = Gate(rate=10, burst=1)
        gate.begin()
        gone, other = Dial(), Dial()
        gate.ask(gone, other)
        gate.gate.withdraw(gone)
        assert gate.gate.waiting == [other]
        ((at, dial),) = gate.run_until_all_began()
        assert dial is other
        assert at == pytest.approx(1_000.1)

    def test_a_new_session_waits_for_5_seconds_at_most(self) -> None:
        gate = Gate(rate=2, burst=1)
        gate.begin()
        asked_at = gate.now
        dials = [Dial() for _ in range(30)]
        assert gate.ask(*dials) == []
        began = 0
        while not (turned_away := [refusal for _, refusal in gate.gate.decide(gate.now) if refusal is not None]):
            began += 1
            gate.now = gate.gate.deadline()
        assert gate.now - asked_at == pytest.approx(5.0)
        assert {refusal.cause for refusal in turned_away} == {LossCause.UNAVAILABLE}
        # So long it would have taken to dial all of them.
        assert turned_away[0].retry_delay == pytest.approx(len(turned_away) / 2)
        assert "for 5 s" in turned_away[0].message
        assert gate.gate.waiting == []

    def test_a_new_session_does_not_wait_for_ever_for_what_another_finds(self) -> None:
        gate = Gate()
        gate.fail(5)
        gate.now += 1.0
        gate.begin()
        assert gate.ask(Dial()) == []
        gate.now = gate.gate.deadline()
        ((_, refusal),) = gate.gate.decide(gate.now)
        assert refusal is not None
        assert gate.gate.deadline() == inf

    def test_nothing_is_due_while_nothing_waits(self) -> None:
        gate = Gate(rate=10, burst=1)
        assert gate.gate.deadline() == inf
        gate.begin()
        assert gate.gate.deadline() == inf
        dial = Dial()
        gate.ask(dial)
        assert gate.gate.deadline() == pytest.approx(1_000.1)
        gate.gate.withdraw(dial)
        assert gate.gate.deadline() == inf


class TestBreaker:
    def test_it_opens_after_5_failures_in_a_row_and_refuses_at_once(self) -> None:
        gate = Gate()
        gate.fail(4)
        assert not gate.is_open()
        gate.fail(1)
        assert gate.is_open()
        gate.now += 0.25
        refusal = gate.refused()
        assert refusal.cause is LossCause.UNAVAILABLE
        assert refusal.retry_delay == pytest.approx(0.75)
        assert refusal.message.startswith("One dial after another failed, so none is tried for 0.8 s.")
        assert refusal.message.endswith("Nobody is there. Check the network.")

    def test_each_family_has_its_own(self) -> None:
        gate = Gate()
        gate.fail(5)
        gate.begin(Dial(family="half-cascade"))
        assert not gate.is_open("half-cascade")

    @pytest.mark.parametrize("purpose", [purpose for purpose in Purpose if purpose is not Purpose.PREWARMING])
    def test_it_refuses_whatever_the_purpose(self, purpose: Purpose) -> None:
        gate = Gate()
        gate.fail(5)
        gate.refused(Dial(purpose))

    def test_a_success_begins_a_new_row(self) -> None:
        gate = Gate()
        gate.fail(4)
        gate.open(gate.begin())
        gate.fail(4)
        assert not gate.is_open()

    def test_a_connection_that_is_only_held_does_not(self) -> None:
        gate = Gate()
        gate.fail(4)
        gate.gate.settle(gate.begin(Dial(Purpose.RENEWAL)), ev.LinkHeld(1), gate.now)
        gate.fail(1)
        assert gate.is_open()

    def test_failures_that_are_far_apart_are_no_row(self) -> None:
        gate = Gate()
        for _ in range(20):
            gate.fail(1)
            gate.now += 16
        assert not gate.is_open()

    @pytest.mark.parametrize(
        "cause", [cause for cause in LossCause if cause not in (LossCause.UNAVAILABLE, LossCause.QUOTA)]
    )
    def test_faults_of_one_session_do_not_open_it(self, cause: LossCause) -> None:
        gate = Gate()
        gate.fail(20, cause)
        assert not gate.is_open()

    @pytest.mark.parametrize(
        ("cause", "opens"),
        [
            (LossCause.HANDLE, False),
            (LossCause.INVALID, False),
            (LossCause.REJECTED, False),
            (LossCause.TRANSIENT, True),
            (LossCause.INTERNAL, True),
        ],
    )
    def test_an_answer_ends_the_row_and_a_broken_connection_does_not(self, cause: LossCause, opens: bool) -> None:
        gate = Gate()
        gate.fail(4)
        gate.fail(1, cause)
        gate.fail(1)
        assert gate.is_open() is opens

    def test_after_the_pause_one_dial_tries_and_the_others_wait_for_what_it_finds(self) -> None:
        gate = Gate()
        gate.fail(5)
        gate.now += 1.0
        probe = gate.begin()
        others = [Dial(), Dial(Purpose.RECOVERY)]
        assert gate.ask(*others) == []
        gate.now += 4.9
        assert gate.gate.decide(gate.now) == []
        assert gate.gate.deadline() > gate.now
        gate.open(probe)
        assert not gate.is_open()
        assert gate.gate.decide(gate.now) == [(others[1], None), (others[0], None)]

    def test_while_it_fails_the_pauses_grow_to_10_seconds(self) -> None:
        gate = Gate()
        gate.fail(5)
        pauses = []
        for _ in range(6):
            delay = gate.refused().retry_delay
            pauses.append(delay)
            gate.now += delay
            probe, other = gate.begin(), Dial()
            assert gate.ask(other) == []
            gate.lose(probe)
            ((dial, refusal),) = gate.gate.decide(gate.now)
            assert dial is other
            assert refusal is not None
        assert pauses == pytest.approx([1, 2, 4, 8, 10, 10])

    def test_a_success_forgets_how_long_the_pauses_were(self) -> None:
        gate = Gate()
        gate.fail(5)
        gate.now += 1.0
        gate.lose(gate.begin())
        gate.now += 2.0
        gate.open(gate.begin())
        gate.fail(5)
        assert gate.refused().retry_delay == pytest.approx(1.0)

    def test_another_tries_where_nobody_waits_for_the_first_any_more(self) -> None:
        gate = Gate()
        gate.fail(5)
        gate.now += 1.0
        probe, other = gate.begin(), Dial()
        gate.ask(other)
        gate.gate.withdraw(probe)
        assert gate.gate.decide(gate.now) == [(other, None)]
        assert gate.is_open()

    def test_a_connection_that_is_held_does_not_try_and_waits_for_what_another_finds(self) -> None:
        gate = Gate()
        gate.fail(5)
        gate.now += 1.0
        held = Dial(Purpose.RENEWAL)
        assert gate.ask(held) == []
        assert gate.gate.deadline() == inf
        probe = gate.begin(Dial(Purpose.RECOVERY))
        gate.open(probe)
        assert gate.gate.decide(gate.now) == [(held, None)]

    def test_a_connection_that_was_held_as_it_opened_does_not_close_it(self) -> None:
        gate = Gate()
        held = gate.begin(Dial(Purpose.RENEWAL))
        gate.fail(5)
        gate.now += 1.0
        gate.gate.settle(held, ev.LinkHeld(1), gate.now)
        assert gate.is_open()
        # A setup that is accepted later does.
        gate.open(held)
        assert not gate.is_open()

    def test_a_service_that_takes_connections_and_no_setup_is_dialled_less_and_less_often(self) -> None:
        gate = Gate()
        gate.fail(5)
        delays = []
        for _ in range(5):
            delays.append(gate.refused().retry_delay)
            gate.now += delays[-1]
            held = Dial(Purpose.RENEWAL)
            assert gate.ask(held) == []
            probe = gate.begin()
            gate.gate.settle(probe, ev.LinkHeld(1), gate.now)
            assert gate.ask(*(Dial(Purpose.RECOVERY) for _ in range(80))) == []
            gate.now += 4.9
            gate.lose(probe)
            assert all(refusal is not None for _, refusal in gate.gate.decide(gate.now))
        assert delays == pytest.approx([1, 2, 4, 8, 10])

    def test_a_no_to_the_one_that_tries_shows_that_the_service_answers(self) -> None:
        gate = Gate()
        gate.fail(5)
        gate.now += 1.0
        gate.lose(gate.begin(), LossCause.REJECTED)
        assert not gate.is_open()

    def test_what_says_nothing_about_the_service_leaves_the_next_to_try(self) -> None:
        gate = Gate()
        gate.fail(5)
        gate.now += 1.0
        gate.lose(gate.begin(), LossCause.TRANSIENT)
        assert gate.is_open()
        gate.begin()

    def test_failures_of_dials_under_way_do_not_prolong_the_pause_and_their_success_ends_it(self) -> None:
        gate = Gate()
        under_way = [gate.begin() for _ in range(20)]
        for dial in under_way[:19]:
            gate.lose(dial)
            gate.now += 0.01
        assert gate.refused().retry_delay == pytest.approx(1.0 - 0.15)
        gate.open(under_way[19])
        assert not gate.is_open()

    @pytest.mark.parametrize(("asked", "delay"), [(0.5, 1.0), (30.0, 30.0)])
    def test_the_service_may_ask_for_a_longer_pause(self, asked: float, delay: float) -> None:
        gate = Gate()
        gate.fail(4)
        gate.lose(gate.begin(), retry_delay=asked)
        assert gate.refused().retry_delay == pytest.approx(delay)

    def test_one_that_may_try_still_needs_the_budget(self) -> None:
        gate = Gate(rate=0.5, burst=5)
        gate.fail(5)
        gate.now += 1.0
        first, second = Dial(Purpose.RECOVERY), Dial(Purpose.RECOVERY)
        assert gate.ask(first, second) == []
        gate.now = gate.gate.deadline()
        assert gate.gate.decide(gate.now) == [(first, None)]
        assert gate.gate.deadline() == inf

    def test_a_refusal_needs_no_budget_and_does_not_wait_behind_others(self) -> None:
        gate = Gate(rate=0.1, burst=5)
        gate.fail(5)
        assert gate.ask(Dial(Purpose.RECOVERY, "half-cascade")) == []
        gate.refused()

    def test_who_waits_and_hangs_up_lets_no_second_one_try(self) -> None:
        gate = Gate()
        gate.fail(5)
        gate.now += 1.0
        gate.begin()
        waiting = Dial()
        gate.ask(waiting)
        gate.gate.withdraw(waiting)
        assert gate.ask(Dial()) == []

    def test_one_family_that_waits_does_not_hold_up_another(self) -> None:
        gate = Gate()
        gate.fail(5)
        gate.now += 1.0
        gate.begin()
        gate.ask(Dial(Purpose.RECOVERY))
        gate.begin(Dial(Purpose.RENEWAL, "half-cascade"))


class TestQuota:
    @pytest.mark.parametrize(("asked", "delay"), [(None, 60.0), (7.0, 7.0)])
    def test_without_quota_no_new_session_is_dialled_for_a_while(self, asked: float | None, delay: float) -> None:
        gate = Gate()
        gate.lose(gate.begin(), LossCause.QUOTA, asked)
        assert gate.is_open()
        refusal = gate.refused()
        assert refusal.cause is LossCause.QUOTA
        assert refusal.retry_delay == pytest.approx(delay)
        assert "no quota for a new session" in refusal.message
        assert refusal.message.endswith("Check the network.")

    @pytest.mark.parametrize("purpose", [Purpose.RECOVERY, Purpose.RENEWAL])
    def test_sessions_that_there_are_go_on_and_do_not_show_that_there_is_room(self, purpose: Purpose) -> None:
        gate = Gate()
        gate.lose(gate.begin(), LossCause.QUOTA)
        gate.open(gate.begin(Dial(purpose)))
        gate.refused()

    def test_a_connection_that_is_only_held_shows_no_quota(self) -> None:
        gate = Gate()
        gate.lose(gate.begin(), LossCause.QUOTA)
        gate.gate.settle(gate.begin(Dial(Purpose.RENEWAL)), ev.LinkHeld(1), gate.now)
        gate.refused()

    def test_it_is_an_answer_that_ends_a_row_of_failures(self) -> None:
        gate = Gate()
        gate.fail(4)
        gate.lose(gate.begin(), LossCause.QUOTA)
        gate.lose(gate.begin(Dial(Purpose.RECOVERY)))
        gate.begin(Dial(Purpose.RECOVERY))

    def test_then_one_tries_and_its_success_lets_in_the_others(self) -> None:
        gate = Gate()
        gate.lose(gate.begin(), LossCause.QUOTA)
        gate.now += 60.0
        probe, other = gate.begin(), Dial()
        assert gate.ask(other) == []
        gate.open(probe)
        assert gate.gate.decide(gate.now) == [(other, None)]
        assert not gate.is_open()

    def test_a_service_that_is_gone_meanwhile_holds_off_everybody(self) -> None:
        gate = self.gone_without_quota()
        refusal = gate.refused(Dial(Purpose.RECOVERY))
        assert refusal.cause is LossCause.UNAVAILABLE
        assert refusal.retry_delay == pytest.approx(1.0)

    def test_a_service_that_is_gone_meanwhile_has_no_more_quota_when_it_is_back(self) -> None:
        gate = self.gone_without_quota()
        gate.now += 1.0
        gate.open(gate.begin(Dial(Purpose.RECOVERY)))
        assert gate.is_open()
        refusal = gate.refused()
        assert refusal.cause is LossCause.QUOTA
        assert refusal.retry_delay == pytest.approx(59.0)
        gate.now += 59.0
        gate.open(gate.begin())
        assert not gate.is_open()

    def test_a_service_that_is_gone_as_one_tries_for_quota_says_nothing_about_it(self) -> None:
        gate = Gate()
        gate.lose(gate.begin(), LossCause.QUOTA)
        gate.now += 60.0
        gate.lose(gate.begin())
        gate.begin(Dial(Purpose.RECOVERY))
        gate.lose(gate.begin(), LossCause.QUOTA)
        assert gate.refused().retry_delay == pytest.approx(60.0)

    def gone_without_quota(self) -> Gate:
        """Return a gate that is told that there is no quota, and then that nobody is there."""
        gate = Gate()
        gate.lose(gate.begin(), LossCause.QUOTA)
        for _ in range(5):
            gate.lose(gate.begin(Dial(Purpose.RECOVERY)))
        return gate


@pytest.mark.parametrize("blip", [0.2, 1.0, 3.0])
@pytest.mark.parametrize("takes", [0.001, 5.0], ids=["refused", "black hole"])
def test_300_sessions_come_back_within_seconds_of_a_blip_and_few_dials_are_wasted(blip: float, takes: float) -> None:
    """Every session dials until it succeeds, with a session's own back-off; a dial fails in so many seconds."""
    rng = Random(1)
    gate: DialGate[Dial] = DialGate(50.0, 100)
    order = count()
    events: list[tuple[float, int, str, Dial]] = []
    tries: dict[Dial, int] = {}
    back_at: dict[Dial, float] = {}
    failed = 0

    def at(time: float, what: str, dial: Dial) -> None:
        heapq.heappush(events, (time, next(order), what, dial))

    for _ in range(300):
        dial = Dial(Purpose.RECOVERY)
        tries[dial] = 0
        at(0.0, "ask", dial)
    idle = Dial()
    while events:
        now, _, what, dial = heapq.heappop(events)
        match what:
            case "ask":
                tries[dial] += 1
                gate.ask(dial, now)
            case "opened":
                gate.settle(dial, ev.LinkOpened(1), now)
                back_at[dial] = now
            case "lost":
                failed += 1
                gate.settle(dial, ev.LinkLost(1, LossCause.UNAVAILABLE, "x"), now)
                at(now + min(0.25 * 2 ** (tries[dial] - 1), 8.0) * (0.5 + rng.random()), "ask", dial)
        for decided, refusal in gate.decide(now):
            if refusal is not None:
                at(now + max(refusal.retry_delay, 0.1 * rng.random()), "ask", decided)
            elif now >= blip:
                at(now + 0.15, "opened", decided)
            else:
                at(now + takes, "lost", decided)
        if gate.deadline() < inf:
            at(gate.deadline(), "wake", idle)
    assert len(back_at) == 300
    # A dial into the hole is known to have failed only after its time-out, and the first ones used up the burst.
    assert max(back_at.values()) <= blip + takes + 6.5
    assert max(tries.values()) <= 5
    assert failed <= 100 + (50 * blip if takes > blip else 5)


class TestReadyConnections:
    """What is dialled for nobody yet, and who needs no dial."""

    def test_they_come_last_and_leave_half_of_a_burst(self) -> None:
        gate = Gate(rate=10, burst=4)
        ahead = [Dial(Purpose.PREWARMING) for _ in range(4)]
        renewal = Dial(Purpose.RENEWAL)
        assert [dial for dial, _ in gate.ask(*ahead, renewal)] == [renewal, ahead[0]]
        for _ in range(2):
            gate.begin(Dial(Purpose.RECOVERY))
        began = gate.run_until_all_began()
        assert [dial for _, dial in began] == ahead[1:]
        assert [at - 1_000.0 for at, _ in began] == pytest.approx([0.25, 0.35, 0.45], abs=1e-5)

    def test_they_wait_while_others_wait(self) -> None:
        gate = Gate(rate=10, burst=1)
        gate.begin()
        ahead, opening = Dial(Purpose.PREWARMING), Dial()
        assert gate.ask(ahead, opening) == []
        assert [dial for _, dial in gate.run_until_all_began()] == [opening, ahead]

    @pytest.mark.parametrize("cause", [LossCause.UNAVAILABLE, LossCause.QUOTA, LossCause.CREDENTIALS])
    def test_none_is_dialled_while_something_is_wrong(self, cause: LossCause) -> None:
        gate = Gate()
        gate.fail(5 if cause is LossCause.UNAVAILABLE else 1, cause)
        ahead = Dial(Purpose.PREWARMING)
        assert gate.ask(ahead) == []
        assert gate.gate.deadline() == inf
        gate.now += 60.0
        assert gate.gate.decide(gate.now) == []
        gate.open(gate.begin())
        assert gate.gate.decide(gate.now) == [(ahead, None)]

    def test_that_they_fail_keeps_nobody_from_trying(self) -> None:
        gate = Gate()
        for _ in range(5):
            gate.lose(gate.begin(Dial(Purpose.PREWARMING)))
        assert not gate.is_open()
        gate.begin()

    def test_that_they_are_refused_tells_of_the_credential(self) -> None:
        gate = Gate()
        gate.lose(gate.begin(Dial(Purpose.PREWARMING)), LossCause.CREDENTIALS)
        assert not gate.gate.available

    def test_who_can_use_one_needs_no_part_of_the_budget(self) -> None:
        gate = Gate(rate=10, burst=1)
        gate.begin()
        takers = [Dial(takes_ready=True) for _ in range(3)]
        other = Dial(Purpose.RECOVERY)
        for dial in (other, *takers):
            gate.gate.ask(dial, gate.now)
        assert gate.gate.decide(gate.now, ready=2) == [(taker, None) for taker in takers[:2]]
        assert [dial for _, dial in gate.run_until_all_began()] == [other, takers[2]]

    def test_a_breaker_holds_off_those_too_that_could_use_one(self) -> None:
        gate = Gate()
        gate.fail(5)
        gate.gate.ask(dial := Dial(takes_ready=True), gate.now)
        ((refused, refusal),) = gate.gate.decide(gate.now, ready=1)
        assert refused is dial
        assert refusal is not None


class TestTrust:
    """Whether a credential is of use."""

    def test_a_credential_that_is_refused_is_out_for_long_and_for_longer_each_time(self) -> None:
        gate = Gate()
        assert gate.gate.welcomes("3.8-live", gate.now)
        pauses = []
        for _ in range(6):
            gate.lose(gate.begin(), LossCause.CREDENTIALS)
            assert not gate.gate.available
            assert not gate.gate.sound("3.8-live", gate.now)
            pauses.append(gate.gate.welcome_at("3.8-live", gate.now) - gate.now)
            gate.now += pauses[-1] - 0.1
            assert not gate.gate.trusts(gate.now)
            gate.now += 0.2
            assert gate.gate.welcomes("half-cascade", gate.now)
        assert pauses == pytest.approx([60.0, 120.0, 240.0, 480.0, 600.0, 600.0])

    def test_one_dial_finds_out(self) -> None:
        gate = Gate()
        gate.lose(gate.begin(), LossCause.CREDENTIALS)
        gate.now += 60.0
        probe = gate.begin()
        assert not gate.gate.welcomes("3.8-live", gate.now)
        gate.gate.withdraw(probe)
        assert gate.gate.welcomes("3.8-live", gate.now)
        probe = gate.begin()
        gate.open(probe)
        assert gate.gate.available
        assert gate.gate.sound("3.8-live", gate.now)

    def test_where_there_is_no_other_each_dial_tries(self) -> None:
        gate = Gate()
        gate.lose(gate.begin(), LossCause.CREDENTIALS)
        gate.lose(gate.begin(), LossCause.CREDENTIALS)
        # It was not time to find out, so that the pause does not grow.
        assert gate.gate.welcome_at("3.8-live", gate.now) == gate.now + 60.0
        gate.open(gate.begin())
        assert gate.gate.available

    def test_a_connection_that_is_held_finds_nothing_out(self) -> None:
        gate = Gate()
        gate.lose(gate.begin(), LossCause.CREDENTIALS)
        gate.now += 60.0
        held = gate.begin(Dial(Purpose.RENEWAL))
        gate.gate.settle(held, ev.LinkHeld(1), gate.now)
        assert gate.gate.welcomes("3.8-live", gate.now)
        assert not gate.gate.available

    def test_without_quota_it_is_out_for_the_family_until_a_new_session_got_in(self) -> None:
        gate = Gate()
        gate.lose(gate.begin(), LossCause.QUOTA)
        assert (gate.gate.trusts(gate.now), gate.gate.available) == (True, False)
        assert (gate.gate.welcomes("3.8-live", gate.now), gate.gate.welcomes("2.5", gate.now)) == (False, True)
        assert gate.gate.welcome_at("3.8-live", gate.now) == gate.now + 60.0
        assert not gate.gate.sound("3.8-live", gate.now)
        gate.now += 60.0
        assert gate.gate.welcomes("3.8-live", gate.now)
        # Who loses his own meanwhile may come, though no new session has found out.
        assert gate.gate.sound("3.8-live", gate.now)
        assert not gate.gate.available
        gate.open(gate.begin())
        assert gate.gate.available

    def test_what_a_link_that_was_up_is_lost_to_counts(self) -> None:
        gate = Gate()
        dial = gate.begin()
        gate.open(dial)
        for cause, retry_delay in ((LossCause.QUOTA, 7.0), (LossCause.CREDENTIALS, None)):
            gate.gate.shun(dial.family, ev.LinkLost(1, cause, "No.", retry_delay), gate.now)
        assert not gate.gate.trusts(gate.now)
        gate.now += 60.0
        gate.gate.shun(dial.family, ev.LinkLost(1, LossCause.QUOTA, "No.", 7.0), gate.now)
        assert gate.gate.welcome_at("3.8-live", gate.now) == gate.now + 7.0
