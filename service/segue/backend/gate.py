"""When a link may be dialled: the urgent first, no more than the service takes, and none while it does not answer.

A network blip makes all sessions of a pod dial at once, and an outage makes them dial for as long as it lasts. The gate
knows no clock and does no I/O.
"""

from itertools import chain
from math import inf
from typing import Generic, TypeVar

from segue.backend.breaker import FIRST_PAUSE, Breaker, Outcome, Refusal, Request, Trust
from segue.bucket import Bucket
from segue.core.actions import Purpose
from segue.core.events import LinkLost, LossCause

# A new session waits for its turn for so long, which is what a setup may take, in seconds.
_LONGEST_WAIT = 5.0
# What the credential is to blame for, and not the dial or the link.
BLAMED = frozenset({LossCause.CREDENTIALS, LossCause.QUOTA})

_R = TypeVar("_R", bound=Request)


class DialGate(Generic[_R]):
    """Decides which dials may begin, for one credential. Dials are told apart by identity.

    After each `ask`, `settle` and `withdraw`, and when `deadline` has come, carry out what `decide` returns.

    Args:
        rate: so many dials a second may begin in the long run.
        burst: so many may begin at once, 1 or more.
    """

    def __init__(self, rate: float, burst: int) -> None:
        self._bucket = Bucket(rate, burst)
        self._trust = Trust()
        self._breakers: dict[str, Breaker] = {}
        # Since when each dial waits.
        self._waiting: dict[Purpose, dict[_R, float]] = {purpose: {} for purpose in Purpose}

    def ask(self, dial: _R, now: float) -> None:
        """Take a dial that wants to begin."""
        self._breakers.setdefault(dial.family, Breaker())
        self._waiting[dial.purpose][dial] = now

    def decide(self, now: float, ready: int = 0) -> list[tuple[_R, Refusal | None]]:
        """Return the dials that are to begin, with None, and those that are refused; the others go on waiting.

        The first `ready` dials that can do with a connection that stands already need no part of the budget.
        """
        decided: list[tuple[_R, Refusal | None]] = []
        all_closed = not any(breaker.is_open for breaker in self._breakers.values())
        for dial in chain.from_iterable(self._waiting.values()):
            breaker = self._breakers[dial.family]
            refusal = breaker.refusal(dial, now)
            if refusal is None:
                stands = ready > 0 and dial.takes_ready
                if not stands and now < self._affordable_at(dial):
                    if all_closed and not ready:
                        break
                    continue
                if self._awaits(dial):
                    continue
                breaker.begin(dial)
                self._trust.begin(dial, now)
                if stands:
                    ready -= 1
                else:
                    self._bucket.take(now)
            decided.append((dial, refusal))
        for dial, _ in decided:
            del self._waiting[dial.purpose][dial]
        return decided + self._turn_away(now)

    def _turn_away(self, now: float) -> list[tuple[_R, Refusal | None]]:
        """Return the new sessions that have waited for too long; they wait no more."""
        new = self._waiting[Purpose.OPEN]
        late = [dial for dial, asked_at in new.items() if now >= asked_at + _LONGEST_WAIT]
        delay = max(FIRST_PAUSE, len(self.waiting) * self._bucket.interval)
        for dial in late:
            del new[dial]
        message = f"No link could be dialled for {_LONGEST_WAIT:g} s, since others came first. Try again later."
        return [(dial, Refusal(LossCause.UNAVAILABLE, message, delay)) for dial in late]

    def deadline(self) -> float:
        """Return when a dial that waits may begin, or has waited for too long; inf for never."""
        waits = next((dial for dial in chain.from_iterable(self._waiting.values()) if not self._awaits(dial)), None)
        # A session that lost its link looks itself to it that it does not wait for too long.
        asked_at = next(iter(self._waiting[Purpose.OPEN].values()), inf)
        return min(inf if waits is None else self._affordable_at(waits), asked_at + _LONGEST_WAIT)

    def settle(self, dial: _R, outcome: Outcome, now: float) -> None:
        """Take how a dial that began came out: held, opened, or lost before it was opened."""
        # That a connection for nobody fails keeps nobody from trying.
        if dial.purpose is not Purpose.PREWARMING or (isinstance(outcome, LinkLost) and outcome.cause in BLAMED):
            self._trust.settle(dial, outcome, now)
            self._breakers[dial.family].settle(dial, outcome, now)

    def shun(self, family: str, lost: LinkLost, now: float) -> None:
        """Take what a link of this family was lost to that was up, for which the credential is to blame."""
        self._trust.settle(lost, lost, now)
        self._breakers[family].settle(lost, lost, now)

    def withdraw(self, dial: _R) -> None:
        """Forget a dial that waits or has begun: nobody wants to know any more."""
        self._waiting[dial.purpose].pop(dial, None)
        self._trust.withdraw(dial)
        if breaker := self._breakers.get(dial.family):
            breaker.withdraw(dial)

    def is_open(self, family: str) -> bool:
        """Return whether the breaker of a family is open, or waits for what the one dial finds that it let through."""
        return self._breakers[family].is_open

    @property
    def available(self) -> bool:
        """Return whether the credential was neither refused nor out of quota when last tried, for any family."""
        return not self._trust.lost and not any(breaker.spent for breaker in self._breakers.values())

    def trusts(self, now: float) -> bool:
        """Return whether the service accepts the credential, as far as is known, or it is time to find out."""
        return self._trust.given(now)

    def sound(self, family: str, now: float) -> bool:
        """Return whether a session that lost its credential does well to dial here: this one was not refused."""
        return not self._trust.lost and self.welcomes(family, now)

    def welcomes(self, family: str, now: float) -> bool:
        """Return whether a new session does well to dial here: nothing is wrong, or it is time to find out."""
        breaker = self._breakers.get(family)
        return self.trusts(now) and (breaker is None or breaker.welcomes(now))

    def welcome_at(self, family: str, now: float) -> float:
        """Return from when on a new session does so, as far as is known; not after `now` where it does already."""
        breaker = self._breakers.get(family)
        at = now if breaker is None else breaker.welcome_at(now)
        return at if self.trusts(now) else max(at, self._trust.back_at)

    @property
    def waiting(self) -> list[_R]:
        """The dials that wait, the first to begin first."""
        return list(chain.from_iterable(self._waiting.values()))

    def _affordable_at(self, dial: _R) -> float:
        # Half of a burst is kept for whoever is in need.
        return self._bucket.spare_at if dial.purpose is Purpose.PREWARMING else self._bucket.next_at

    def _awaits(self, dial: _R) -> bool:
        if dial.purpose is Purpose.PREWARMING and self._trust.lost:
            return True
        return self._breakers[dial.family].awaits_probe(dial)
