"""What the tenants use of their limits, on this pod and since it started."""

import time
from collections.abc import Callable
from math import ceil, inf

from segue.bucket import Bucket
from segue.core.outputs import Closed, CloseReason, Next
from segue.tenants import Tenant

_DAY = 86_400.0
# When a session of the tenant may have ended is not known: try again after so many seconds.
_SESSIONS_DELAY = 5.0


class Account:
    """One tenant's use of its limits.

    Args:
        name: the tenant's; empty where nobody has to say who they are.
        spent: called once a day at most, when the day's audio is used up.

    Attributes:
        sessions: how many it has.
        audio: how much its users and their models have said today, in seconds.
        audio_limit: how much they may.
    """

    def __init__(self, name: str, spent: Callable[["Account"], None] = lambda _: None) -> None:
        self.name = name
        self.sessions = 0
        self.audio = 0.0
        self.audio_limit = inf
        self._spent = spent
        self._told = False
        self._opens: Bucket | None = None
        self._rate: float | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing of it has to be remembered until midnight."""
        return not self.sessions and not self.audio

    def spend(self, seconds: float) -> None:
        """Count so much audio."""
        self.audio += seconds
        if self.audio >= self.audio_limit and not self._told:
            self._told = True
            self._spent(self)

    def renew(self) -> None:
        """Begin a new day."""
        self.audio = 0.0
        self._told = False

    def adopt(self, tenant: Tenant) -> None:
        """Hold the tenant to the limits that it has by now."""
        limit = tenant.audio_seconds_per_day
        self.audio_limit = inf if limit is None else limit
        rate = tenant.opens_per_second
        if rate != self._rate:
            self._rate = rate
            self._opens = None if rate is None else Bucket(rate, ceil(rate))

    def open_delay(self, now: float) -> float:
        """Return in how many seconds the next session may be opened; 0 for now, which counts as opened."""
        if self._opens is None:
            return 0.0
        if not self._opens.has(now):
            return self._opens.next_at - now
        self._opens.take(now)
        return 0.0


# Whose sessions cost nobody anything.
NOBODY = Account("")


class Quotas:
    """The accounts of all tenants. Days are those of UTC.

    Args:
        spent: called when the audio that a tenant has for the day is used up.
        utc: returns the seconds since 1970 began.
    """

    def __init__(self, spent: Callable[[Account], None], utc: Callable[[], float] = time.time) -> None:
        self._spent = spent
        self._utc = utc
        self._accounts: dict[str, Account] = {}
        self._day = utc() // _DAY

    def account(self, name: str) -> Account:
        """Return the account of the tenant of this name."""
        account = self._accounts.get(name)
        if account is None:
            account = self._accounts[name] = Account(name, self._spent)
        return account

    def refusal(self, tenant: Tenant, now: float) -> Closed | None:
        """Return why the tenant may not open a session now; None where it may, which counts as opened."""
        self.turn_over()
        account = self.account(tenant.name)
        account.adopt(tenant)
        if account.audio >= account.audio_limit:
            return self.audio_spent(account)
        if tenant.sessions is not None and account.sessions >= tenant.sessions:
            return _over(f"the tenant may have {tenant.sessions} sessions at once: end one first", _SESSIONS_DELAY)
        delay = account.open_delay(now)
        if delay:
            return _over(f"the tenant may open {tenant.opens_per_second:g} sessions a second", delay)
        return None

    def audio_spent(self, account: Account) -> Closed:
        """Return how sessions end whose tenant has used up its audio of the day."""
        message = f"the tenant has used up its {account.audio_limit:g} s of audio a day; days are those of UTC"
        return _over(message, (self._day + 1) * _DAY - self._utc())

    def turn_over(self) -> None:
        """Begin a new day if there is one."""
        day = self._utc() // _DAY
        if day > self._day:
            self._day = day
            for account in self._accounts.values():
                account.renew()
            self._accounts = {name: account for name, account in self._accounts.items() if not account.idle}


def _over(message: str, delay: float) -> Closed:
    return Closed(CloseReason.QUOTA, message, Next.OPEN_AGAIN, retry_delay=delay)
