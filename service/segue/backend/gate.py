"""When a link may be dialled: the urgent first, no more than the service takes, and none while it does not answer.

A network blip makes all sessions of a pod dial at once, and an outage makes them dial for as long as it lasts. The gate
knows no clock and does no I/O.
"""

from collections import deque
from dataclasses import dataclass
from itertools import chain
from math import inf
from typing import Generic, Protocol, TypeAlias, TypeVar

from segue.bucket import Bucket
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
# A new session waits for its turn for so long, which is what a setup may take, in seconds.
_LONGEST_WAIT = 5.0

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
        self._bucket = Bucket(rate, burst)
        self._breakers: dict[str, _Breaker] = {}
        # Since when each dial waits.
        self._waiting: dict[Purpose, dict[_R, float]] = {purpose: {} for purpose in Purpose}

    def ask(self, dial: _R, now: float) -> None:
        """Take a dial that wants to begin."""
        self._breakers.setdefault(dial.family, _Breaker())
        self._waiting[dial.purpose][dial] = now

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
                if breaker.awaits_probe(dial):
                    continue
                breaker.begin(dial)
                self._bucket.take(now)
            decided.append((dial, refusal))
        for dial, _ in decided:
            del self._waiting[dial.purpose][dial]
        return decided + self._turn_away(now)

    def _turn_away(self, now: float) -> list[tuple[_R, Refusal | None]]:
        """Return the new sessions that have waited for too long; they wait no more."""
        new = self._waiting[Purpose.OPEN]
        late = [dial for dial, asked_at in new.items() if now >= asked_at + _LONGEST_WAIT]
        delay = max(_FIRST_PAUSE, len(self.waiting) * self._bucket.interval)
        for dial in late:
            del new[dial]
        message = f"No link could be dialled for {_LONGEST_WAIT:g} s, since others came first. Try again later."
        return [(dial, Refusal(LossCause.UNAVAILABLE, message, delay)) for dial in late]

    def deadline(self) -> float:
        """Return when a dial that waits may begin, or has waited for too long; inf for never."""
        waits = any(
            not self._breakers[dial.family].awaits_probe(dial) for dial in chain.from_iterable(self._waiting.values())
        )
        # A session that lost its link looks itself to it that it does not wait for too long.
        asked_at = next(iter(self._waiting[Purpose.OPEN].values()), inf)
        return min(self._bucket.next_at if waits else inf, asked_at + _LONGEST_WAIT)

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


@dataclass(slots=True)
class _Stop:
    """Why dials are held off, until when, and by which dial it is found out whether they still have to be.

    closed ──▶ open ──a pause──▶ one dial tries ──it works──▶ closed
                ▲                     │
                └─────it fails────────┘ the others wait for what it finds
    """

    cause: LossCause
    is_open: bool = False
    why: str = ""
    until: float = -inf
    pause: float = 0.0
    probe: object | None = None

    def open(self, lost: LinkLost, pause: float, now: float) -> None:
        self.is_open, self.why, self.pause = True, lost.message, pause
        self.until = now + max(pause, lost.retry_delay or 0.0)


class _Breaker:
    """Whether dials of one family make sense: not while the service is out, after 5 failures in a row.

    Without quota only new sessions are held off: one that lost its link has given back its part of the quota too.
    """

    def __init__(self) -> None:
        self._outage = _Stop(LossCause.UNAVAILABLE)
        self._quota = _Stop(LossCause.QUOTA)
        self._failed_at: deque[float] = deque(maxlen=_FAILURES)

    @property
    def is_open(self) -> bool:
        return self._outage.is_open or self._quota.is_open

    def refusal(self, dial: Request, now: float) -> Refusal | None:
        stop = max(self._stops(dial), key=lambda stop: stop.until, default=None)
        if stop is None or now >= stop.until:
            return None
        delay = stop.until - now
        if stop is self._quota:
            message = f"There is no quota for a new session, so none is dialled for {delay:.1f} s. {stop.why}"
        else:
            message = f"One dial after another failed, so none is tried for {delay:.1f} s. The last one: {stop.why}"
        return Refusal(stop.cause, message, delay)

    def awaits_probe(self, dial: Request) -> bool:
        """Return whether a dial that is not refused has to wait for what another finds."""
        stops = self._stops(dial)
        # A connection that is held may find nothing for long.
        holds = dial.purpose is Purpose.RENEWAL
        return any(holds or stop.probe is not None for stop in stops)

    def begin(self, dial: Request) -> None:
        """Take it that a dial begins."""
        for stop in self._stops(dial):
            stop.probe = dial

    def settle(self, dial: Request, outcome: Outcome, now: float) -> None:
        if isinstance(outcome, LinkHeld):
            # It shows that the service is there, not that it answers setups.
            return
        tried_outage, tried_quota = dial is self._outage.probe, dial is self._quota.probe
        self.withdraw(dial)
        match outcome:
            case LinkLost(cause=LossCause.QUOTA):
                self._note_answer()
                self._quota.open(outcome, _QUOTA_PAUSE if outcome.retry_delay is None else 0.0, now)
            case LinkLost(cause=LossCause.UNAVAILABLE):
                self._failed_at.append(now)
                if tried_outage:
                    self._outage.open(outcome, min(self._outage.pause * 2, _LONGEST_PAUSE), now)
                # What was under way when it opened says nothing new.
                elif not self._outage.is_open and self._failed_often(now):
                    self._outage.open(outcome, _FIRST_PAUSE, now)
            # A handle that the service cannot read ends in one of these too, and Segue's own fault is none of its.
            case LinkLost(cause=LossCause.TRANSIENT | LossCause.STALLED | LossCause.INTERNAL):
                pass
            case _:
                # It answers, even where it says no to this one dial.
                self._note_answer()
                self._quota.is_open = self._quota.is_open and not tried_quota

    def withdraw(self, dial: Request) -> None:
        for stop in (self._outage, self._quota):
            if dial is stop.probe:
                stop.probe = None

    def _stops(self, dial: Request) -> list[_Stop]:
        stops = (self._outage, self._quota) if dial.purpose is Purpose.OPEN else (self._outage,)
        return [stop for stop in stops if stop.is_open]

    def _note_answer(self) -> None:
        self._failed_at.clear()
        self._outage.is_open = False

    def _failed_often(self, now: float) -> bool:
        return len(self._failed_at) == _FAILURES and now - self._failed_at[0] <= _FAILURE_WINDOW
