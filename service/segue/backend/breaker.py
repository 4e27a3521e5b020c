"""When dials make sense: not while a service is out, has no quota for a new session, or refuses the credential.

Knows no clock and does no I/O.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from segue.core.actions import Purpose
from segue.core.events import LinkHeld, LinkLost, LinkOpened, LossCause

# So many dials that failed in a row show that it is not the dials, as in Envoy (outlier detection, `consecutive_5xx`),
# unless the first of them is older than this, in seconds.
_FAILURES = 5
_FAILURE_WINDOW = 60.0
# The first pause is gRPC's (doc/connection-backoff.md, INITIAL_BACKOFF); the longest one is far below its two minutes,
# because a session gives up after one. In seconds.
FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 10.0
# The Gemini API counts its quotas by the minute.
_QUOTA_PAUSE = 60.0
# A key that is refused is seldom good again before somebody has done something about it, in seconds.
_REFUSED_PAUSE = 60.0
_LONGEST_REFUSED_PAUSE = 600.0
# Connections that are held may find nothing out for long.
_HELD = (Purpose.RENEWAL, Purpose.PREWARMING)

Outcome: TypeAlias = LinkHeld | LinkOpened | LinkLost


class Request(Protocol):
    """A dial that is wanted: of a model of this family, for this purpose."""

    @property
    def family(self) -> str:
        """The name of the model's profile."""

    @property
    def purpose(self) -> Purpose:
        """Where dials have to wait, the first purposes come first."""

    @property
    def takes_ready(self) -> bool:
        """Whether a connection that stands already will do."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a dial is not tried, in the terms of LinkLost, and after how many seconds it makes sense again."""

    cause: LossCause
    message: str
    retry_delay: float
    elsewhere: bool = False


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
    until: float = float("-inf")
    pause: float = 0.0
    probe: object | None = None

    def open(self, lost: LinkLost, pause: float, now: float) -> None:
        self.is_open, self.why, self.pause = True, lost.message, pause
        self.until = now + max(pause, lost.retry_delay or 0.0)

    def holds(self, now: float) -> bool:
        """Return whether whoever can do so does well to go elsewhere."""
        return self.is_open and (now < self.until or self.probe is not None)


class Trust:
    """Whether the service accepts a credential. A dial is tried all the same, where there is no other credential."""

    def __init__(self) -> None:
        self._refused = _Stop(LossCause.CREDENTIALS)

    @property
    def lost(self) -> bool:
        """Return whether the credential was refused, and not accepted since."""
        return self._refused.is_open

    def given(self, now: float) -> bool:
        """Return whether the service accepts the credential, as far as is known, or it is time to find out."""
        return not self._refused.holds(now)

    @property
    def back_at(self) -> float:
        """Return from when on it is worth a try, where it is lost."""
        return self._refused.until

    def begin(self, dial: Request, now: float) -> None:
        """Take it that a dial begins: the first one after a pause finds out whether that is over."""
        if self._refused.is_open and not self._refused.holds(now) and dial.purpose not in _HELD:
            self._refused.probe = dial

    def settle(self, dial: object, outcome: Outcome, now: float) -> None:
        """Take how a dial came out, or what a link was lost to later."""
        if isinstance(outcome, LinkHeld):
            return
        tried = dial is self._refused.probe
        self.withdraw(dial)
        if isinstance(outcome, LinkOpened):
            self._refused.is_open = False
        elif outcome.cause is LossCause.CREDENTIALS:
            if tried:
                self._refused.open(outcome, min(self._refused.pause * 2, _LONGEST_REFUSED_PAUSE), now)
            elif not self._refused.is_open:
                self._refused.open(outcome, _REFUSED_PAUSE, now)

    def withdraw(self, dial: object) -> None:
        """Forget a dial: nobody wants to know any more."""
        if dial is self._refused.probe:
            self._refused.probe = None


class Breaker:
    """Whether dials of one family make sense: not while the service is out, after 5 failures in a row.

    Without quota only new sessions are held off: one that lost its link has given back its part of the quota too.
    """

    def __init__(self) -> None:
        self._outage = _Stop(LossCause.UNAVAILABLE)
        self._quota = _Stop(LossCause.QUOTA)
        self._failed_at: deque[float] = deque(maxlen=_FAILURES)

    @property
    def is_open(self) -> bool:
        """Return whether any dials are held off, or wait for what the one finds that was let through."""
        return self._outage.is_open or self._quota.is_open

    @property
    def spent(self) -> bool:
        """Return whether the quota was used up, and nobody was let in since."""
        return self._quota.is_open

    def welcome_at(self, now: float) -> float:
        """Return from when on a new session is not refused, as far as is known; not after `now` where it is welcome."""
        return max((stop.until for stop in (self._outage, self._quota) if stop.holds(now)), default=now)

    def welcomes(self, now: float) -> bool:
        """Return whether a new session is neither refused nor has to wait for what another finds."""
        return not (self._outage.holds(now) or self._quota.holds(now))

    def refusal(self, dial: Request, now: float) -> Refusal | None:
        """Return why a dial is not to be tried now, None where it may."""
        stop = max(self._stops(dial), key=lambda stop: stop.until, default=None)
        # A connection for nobody yet can wait.
        if stop is None or now >= stop.until or dial.purpose is Purpose.PREWARMING:
            return None
        delay = stop.until - now
        if stop is self._quota:
            message = f"There is no quota for a new session, so none is dialled for {delay:.1f} s. {stop.why}"
        else:
            message = f"One dial after another failed, so none is tried for {delay:.1f} s. The last one: {stop.why}"
        return Refusal(stop.cause, message, delay)

    def awaits_probe(self, dial: Request) -> bool:
        """Return whether a dial that is not refused has to wait for what another finds."""
        return any(dial.purpose in _HELD or stop.probe is not None for stop in self._stops(dial))

    def begin(self, dial: Request) -> None:
        """Take it that a dial begins."""
        for stop in self._stops(dial):
            stop.probe = dial

    def settle(self, dial: object, outcome: Outcome, now: float) -> None:
        """Take how a dial came out, or what a link was lost to later."""
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
                    self._outage.open(outcome, FIRST_PAUSE, now)
            # A handle that the service cannot read ends in one of these too, and Segue's own fault is none of its.
            case LinkLost(cause=LossCause.TRANSIENT | LossCause.STALLED | LossCause.INTERNAL):
                pass
            case _:
                # It answers, even where it says no to this one dial.
                self._note_answer()
                self._quota.is_open = self._quota.is_open and not tried_quota

    def withdraw(self, dial: object) -> None:
        """Forget a dial that has begun: nobody wants to know any more."""
        for stop in (self._outage, self._quota):
            if dial is stop.probe:
                stop.probe = None

    def _stops(self, dial: Request) -> Iterator[_Stop]:
        if self._outage.is_open:
            yield self._outage
        if self._quota.is_open and dial.purpose in (Purpose.OPEN, Purpose.PREWARMING):
            yield self._quota

    def _note_answer(self) -> None:
        self._failed_at.clear()
        self._outage.is_open = False

    def _failed_often(self, now: float) -> bool:
        return len(self._failed_at) == _FAILURES and now - self._failed_at[0] <= _FAILURE_WINDOW
