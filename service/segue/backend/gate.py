"""When a link may be dialled: the urgent first, no more than the service takes, and none while it does not answer.

A network blip makes all sessions of a pod dial at once, and an outage makes them dial for as long as it lasts. The gate
knows no clock and does no I/O.
"""

from collections import deque
from dataclasses import dataclass
from itertools import chain
from math import inf
from typing import Generic, Protocol, TypeAlias, TypeVar

from segue.core.actions import Purpose
from segue.core.events import LinkHeld, LinkLost, LinkOpened, LossCause

# So many dials that failed in a row show that it is not the dials, as in Envoy (outlier detection, `consecutive_5xx`),
# unless the first of them is older than this, in seconds.
_FAILURES = 5
_FAILURE_WINDOW = 60.0
# The first pause is gRPC's (doc/connection-backoff.md, INITIAL_BACKOFF); the longest one is far below its two minutes,
# because a session gives up after one. In seconds.
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 10.0
# The Gemini API counts its quotas by the minute.
_QUOTA_PAUSE = 60.0
# What the service may ask for at most.
_LONGEST_DELAY = 600.0
# A sum of intervals is off by less than this, in seconds.
_ROUNDING = 1e-6

Outcome: TypeAlias = LinkHeld | LinkOpened | LinkLost


class Request(Protocol):
    """A dial that is wanted: of a model of this family, for this purpose."""

    @property
    def family(self) -> str:
        """The name of the model's profile."""

    @property
    def purpose(self) -> Purpose:
        """Where dials have to wait, the first purposes come first."""


_R = TypeVar("_R", bound=Request)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a dial is not tried, in the terms of LinkLost, and after how many seconds it makes sense again."""

    cause: LossCause
    message: str
    retry_delay: float


class DialGate(Generic[_R]):
    """Decides which dials may begin, for one credential. Dials are told apart by identity.

    After each `ask`, `settle` and `withdraw`, and when `deadline` has come, carry out what `decide` returns.

    Args:
        rate: so many dials a second may begin in the long run.
        burst: so many may begin at once, 1 or more.
    """

    def __init__(self, rate: float, burst: int) -> None:
        self._bucket = _Bucket(rate, burst)
        self._breakers: dict[str, _Breaker] = {}
        self._waiting: dict[Purpose, dict[_R, None]] = {purpose: {} for purpose in Purpose}

    def ask(self, dial: _R) -> None:
        """Take a dial that wants to begin."""
        self._breakers.setdefault(dial.family, _Breaker())
        self._waiting[dial.purpose][dial] = None

    def decide(self, now: float) -> list[tuple[_R, Refusal | None]]:
        """Return the dials that are to begin, with None, and those that are refused; the others go on waiting."""
        decided: list[tuple[_R, Refusal | None]] = []
        all_closed = not any(breaker.is_open for breaker in self._breakers.values())
        for dial in chain.from_iterable(self._waiting.values()):
            breaker = self._breakers[dial.family]
            refusal = breaker.refusal(dial, now)
            if refusal is None:
                if not self._bucket.has(now):
                    if all_closed:
                        break
                    continue
                if not breaker.begin(dial):
                    continue
                self._bucket.take(now)
            decided.append((dial, refusal))
        for dial, _ in decided:
            del self._waiting[dial.purpose][dial]
        return decided

    def deadline(self) -> float:
        """Return when a dial that waits may begin, inf where only another's outcome decides that."""
        waits = any(
            not self._breakers[dial.family].awaits_probe(dial) for dial in chain.from_iterable(self._waiting.values())
        )
        return self._bucket.next_at if waits else inf

    def settle(self, dial: _R, outcome: Outcome, now: float) -> None:
        """Take how a dial that began came out: held, opened, or lost before it was opened."""
        self._breakers[dial.family].settle(dial, outcome, now)

    def withdraw(self, dial: _R) -> None:
        """Forget a dial that waits or has begun: nobody wants to know any more."""
        self._waiting[dial.purpose].pop(dial, None)
        self._breakers[dial.family].withdraw(dial)

    def is_open(self, family: str) -> bool:
        """Return whether the breaker of a family is open, or waits for what the one dial finds that it let through."""
        return self._breakers[family].is_open

    @property
    def waiting(self) -> list[_R]:
        """The dials that wait, the first to begin first."""
        return list(chain.from_iterable(self._waiting.values()))


class _Bucket:
    """A token bucket, kept as the time when it is full again (GCRA, ITU-T I.371), so that no sum of tokens drifts."""

    def __init__(self, rate: float, burst: int) -> None:
        self._interval = 1 / rate
        self._allowance = (burst - 1) * self._interval + _ROUNDING
        self._full_at = -inf

    @property
    def next_at(self) -> float:
        return self._full_at - self._allowance

    def has(self, now: float) -> bool:
        return now >= self.next_at

    def take(self, now: float) -> None:
        self._full_at = max(self._full_at, now) + self._interval


class _Breaker:
    """Whether dials of one family make sense.

        closed ──5 failures in a row, or no quota──▶ open ──a pause──▶ one dial tries ──it works──▶ closed
                                                      ▲                     │
                                                      └─────it fails────────┘ the others wait for what it finds

    Without quota only new sessions are held off: one that lost its link has given back its part of the quota too.
    """

    def __init__(self) -> None:
        # None while closed.
        self._cause: LossCause | None = None
        self._why = ""
        self._until = -inf
        self._pause = 0.0
        self._failed_at: deque[float] = deque(maxlen=_FAILURES)
        # The dial that tries while it is open.
        self._probe: object | None = None

    @property
    def is_open(self) -> bool:
        return self._cause is not None

    def refusal(self, dial: Request, now: float) -> Refusal | None:
        if not self._holds_off(dial) or now >= self._until:
            return None
        assert self._cause is not None
        delay = self._until - now
        if self._cause is LossCause.QUOTA:
            message = f"There is no quota for a new session, so none is dialled for {delay:.1f} s. {self._why}"
        else:
            message = f"One dial after another failed, so none is tried for {delay:.1f} s. The last one: {self._why}"
        return Refusal(self._cause, message, delay)

    def awaits_probe(self, dial: Request) -> bool:
        return self._holds_off(dial) and self._probe is not None

    def begin(self, dial: Request) -> bool:
        """Let a dial begin that is not refused, unless it has to wait for what another finds."""
        if self._holds_off(dial):
            if self._probe is not None:
                return False
            self._probe = dial
        return True

    def settle(self, dial: Request, outcome: Outcome, now: float) -> None:
        probes = dial is self._probe
        if probes:
            self._probe = None
        match outcome:
            case LinkHeld():
                # It shows that the service is there, not that it answers setups: no failure is forgotten for it.
                if probes:
                    self._cause = None
            case LinkLost(cause=LossCause.QUOTA):
                self._failed_at.clear()
                self._open(outcome, _QUOTA_PAUSE if outcome.retry_delay is None else 0.0, now)
            case LinkLost(cause=LossCause.UNAVAILABLE):
                self._failed_at.append(now)
                if probes:
                    self._open(outcome, min(max(self._pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE), now)
                # What was under way when it opened says nothing new.
                elif self._cause is not LossCause.UNAVAILABLE and self._failed_often(now):
                    self._open(outcome, _FIRST_PAUSE, now)
            # A handle that the service cannot read ends in one of these too, and Segue's own fault is none of its.
            case LinkLost(cause=LossCause.TRANSIENT | LossCause.STALLED | LossCause.INTERNAL):
                pass
            case _:
                # It answers, even where it says no to this one dial.
                self._failed_at.clear()
                if probes or self._cause is not LossCause.QUOTA:
                    self._cause = None

    def withdraw(self, dial: Request) -> None:
        if dial is self._probe:
            self._probe = None

    def _holds_off(self, dial: Request) -> bool:
        return self._cause is LossCause.UNAVAILABLE or (self._cause is LossCause.QUOTA and dial.purpose is Purpose.OPEN)

    def _failed_often(self, now: float) -> bool:
        return len(self._failed_at) == _FAILURES and now - self._failed_at[0] <= _FAILURE_WINDOW

    def _open(self, lost: LinkLost, pause: float, now: float) -> None:
        self._cause, self._why, self._pause = lost.cause, lost.message, pause
        self._until = now + max(pause, min(lost.retry_delay or 0.0, _LONGEST_DELAY))
