"""What tenants use of their limits, by a clock of the test's."""

import pytest

from segue.core.outputs import Closed, CloseReason, Next
from segue.node.quotas import Account, Quotas
from segue.tenants import ANYBODY, Tenant

DAY = 86_400.0
NOON = 20_000.5 * DAY


class Clock:
    def __init__(self) -> None:
        self.utc = NOON
        self.spent: list[str] = []
        self.quotas = Quotas(lambda account: self.spent.append(account.name), lambda: self.utc)

    def refused(self, tenant: Tenant, now: float = 0.0) -> Closed:
        closed = self.quotas.refusal(tenant, now)
        assert closed is not None
        assert (closed.reason, closed.next) == (CloseReason.QUOTA, Next.OPEN_AGAIN)
        assert tenant.name not in closed.message
        return closed


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_sessions_at_once_are_refused_until_one_ends(clock: Clock) -> None:
    tenant = Tenant(name="acme", sessions=2)
    account = clock.quotas.account("acme")
    for _ in range(2):
        assert clock.quotas.refusal(tenant, 0.0) is None
        account.sessions += 1
    assert "2 sessions at once" in clock.refused(tenant).message
    assert clock.quotas.refusal(Tenant(name="other", sessions=2), 0.0) is None
    account.sessions -= 1
    assert clock.quotas.refusal(tenant, 0.0) is None


def test_a_tenant_that_may_have_no_session_has_none(clock: Clock) -> None:
    assert clock.refused(Tenant(name="acme", sessions=0)).retry_delay


def test_opens_beyond_the_rate_are_told_when_there_is_room(clock: Clock) -> None:
    tenant = Tenant(name="acme", opens_per_second=2)
    assert clock.quotas.refusal(tenant, 10.0) is None
    assert clock.quotas.refusal(tenant, 10.0) is None
    closed = clock.refused(tenant, 10.1)
    assert "2 sessions a second" in closed.message
    assert closed.retry_delay == pytest.approx(0.4, abs=1e-3)
    # What is refused costs nothing.
    assert clock.quotas.refusal(tenant, 10.5) is None
    assert clock.refused(tenant, 10.6).retry_delay == pytest.approx(0.4, abs=1e-3)


def test_a_rate_below_one_a_second_lets_one_through_at_once(clock: Clock) -> None:
    tenant = Tenant(name="acme", opens_per_second=0.1)
    assert clock.quotas.refusal(tenant, 0.0) is None
    assert clock.refused(tenant, 1.0).retry_delay == pytest.approx(9.0, abs=1e-3)


def test_a_session_that_the_tenant_may_not_have_uses_up_no_open(clock: Clock) -> None:
    tenant = Tenant(name="acme", sessions=1, opens_per_second=1)
    clock.quotas.account("acme").sessions = 1
    clock.refused(tenant)
    clock.quotas.account("acme").sessions = 0
    assert clock.quotas.refusal(tenant, 0.0) is None


def test_the_audio_of_a_day_is_told_once_and_is_back_at_midnight(clock: Clock) -> None:
    tenant = Tenant(name="acme", audio_seconds_per_day=60)
    assert clock.quotas.refusal(tenant, 0.0) is None
    account = clock.quotas.account("acme")
    account.sessions = 1
    account.spend(59.9)
    assert clock.spent == []
    assert clock.quotas.refusal(tenant, 0.0) is None
    account.spend(0.1)
    account.spend(0.1)
    assert clock.spent == ["acme"]
    closed = clock.refused(tenant)
    assert "60 s of audio a day" in closed.message
    assert closed.retry_delay == DAY / 2
    clock.utc = NOON + DAY / 2 - 1
    assert clock.refused(tenant).retry_delay == 1.0
    clock.utc += 1
    assert clock.quotas.refusal(tenant, 0.0) is None
    assert account.audio == 0.0
    account.spend(61.0)
    assert clock.spent == ["acme", "acme"]


def test_a_limit_that_is_changed_holds_from_the_next_open_on(clock: Clock) -> None:
    account = clock.quotas.account("acme")
    account.spend(100.0)
    clock.refused(Tenant(name="acme", audio_seconds_per_day=100))
    assert clock.quotas.refusal(Tenant(name="acme", audio_seconds_per_day=101), 0.0) is None
    assert clock.quotas.refusal(Tenant(name="acme", opens_per_second=1), 0.0) is None
    clock.refused(Tenant(name="acme", opens_per_second=1))
    assert clock.quotas.refusal(Tenant(name="acme", opens_per_second=5), 0.0) is None
    assert clock.quotas.refusal(Tenant(name="acme"), 0.0) is None


def test_who_has_no_limits_is_never_refused(clock: Clock) -> None:
    account = clock.quotas.account("")
    account.sessions = 100_000
    account.spend(1e9)
    assert clock.quotas.refusal(ANYBODY, 0.0) is None
    assert clock.spent == []


def test_who_is_idle_at_midnight_is_forgotten(clock: Clock) -> None:
    busy, idle = clock.quotas.account("busy"), clock.quotas.account("idle")
    busy.sessions = 1
    clock.utc += DAY
    clock.quotas.turn_over()
    assert clock.quotas.account("busy") is busy
    assert clock.quotas.account("idle") is not idle


def test_an_account_alone_counts_too() -> None:
    account = Account("")
    account.spend(1.5)
    assert account.audio == 1.5
