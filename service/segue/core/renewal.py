"""Renewal of a link before the service ends it: when, what for, and by which one, dialled ahead and held until then."""

from collections.abc import Callable
from math import inf

from segue.core.actions import Trigger
from segue.core.policy import Policy
from segue.core.profiles import Profile

# How long a connection is held without being used, in seconds.
_HOLD_TIMEOUT = 20.0
# How long before the end that `goAway` announces a link is renewed at the latest, and when a renewal that could not be
# dialled is tried again, doubling up to the longest, in seconds.
_GO_AWAY_MARGIN = 5.0
_REDIAL_DELAY = 2.0
_LONGEST_REDIAL_DELAY = 16.0
# A dial has so much time at least, in seconds, before the old link is given up for it: the service may let that live.
_DIAL_TIMEOUT = 1.0
# A link that the service ends within this time is a short one, in seconds; in a row of them none follows at once.
_SHORT = 30.0
# A setup that nobody answers is given up after this time, unless an operator has other wishes, in seconds.
_SETUP_TIMEOUT = 5.0


class Renewal:
    """That of the link that is up. Times are in seconds.

    Args:
        draw: gives numbers from 0 to 1.

    Attributes:
        next: the link that is to follow, 0 for none.
        at: from when on the link is renewed at a quiet moment.
        by: when it is renewed at the latest, whatever goes on.
        trigger: what for.
        since: since when the swap is under way; inf where none is.
        cuts: whether that costs a turn its rest.
        credential: that of the next link, once it is held.
    """

    def __init__(self, profile: Profile, policy: Policy, draw: Callable[[], float]) -> None:
        self._profile = profile
        self._jitter = policy.renewal_jitter
        self._draw = draw
        self.next = 0
        self._dialled_at = -inf
        # Since when the next one is held; inf until it is.
        self._held_at = inf
        self.at = inf
        self.by = inf
        self.trigger = Trigger.AGE
        self.since = inf
        self.cuts = False
        self.credential = ""
        self._overlaps = policy.overlap
        # When the service ends the link, as far as it said.
        self._ends_at = inf
        self._redial_at = -inf
        self._redials = 0
        self._planned_at = -inf
        self._short_ones = 0
        self._rests_until = -inf

    @property
    def under_way(self) -> bool:
        """Return whether the swap was begun and is not complete."""
        return self.since < inf

    @property
    def held(self) -> bool:
        """Return whether the connection of the next link stands, and waits for its setup."""
        return self._held_at < inf

    def plan(self, now: float) -> None:
        """Take it that a link is up from now on."""
        short = self._ends_at < inf and now < self._planned_at + _SHORT
        self._short_ones = self._short_ones + 1 if short else 0
        if self._short_ones > 1:
            self._rests_until = now + min(_REDIAL_DELAY * 2 ** (self._short_ones - 2), _LONGEST_REDIAL_DELAY)
        self._planned_at = now
        self.at = now + self._profile.age_limit - self._jitter * self._draw()
        self.by = now + self._profile.age_deadline
        self.trigger = Trigger.AGE
        self.since = self._ends_at = inf

    def hurry(self, now: float, time_left: float) -> None:
        """Take it that the service ends the link soon."""
        self._ends_at = min(self._ends_at, now + time_left)
        if self.at > now:
            self.trigger = Trigger.GO_AWAY
        self.at = min(self.at, now)
        self.by = min(self.by, now + max(time_left - _GO_AWAY_MARGIN, time_left / 2))
        if time_left > _GO_AWAY_MARGIN:
            # Links that last so long are not too many, however short they are.
            self._rests_until = -inf

    def start_afresh(self, trigger: Trigger, now: float) -> None:
        """Have the link be replaced at the next quiet moment by one that remembers nothing but what it is told."""
        if not self.trigger.afresh:
            self.trigger = trigger
            self.at = min(self.at, now)

    def swap_at(self, quiet_at: float) -> float:
        """Return when the swap is to begin, if it is quiet from that time on; inf for never."""
        if self.under_way:
            return inf
        if self.held:
            return max(self.at, min(self.by, quiet_at))
        # A link that nobody ends is better than none, and a dial that is under way has half of the time that is left.
        if self.next:
            return max((self.by + self._ends_at) / 2, self._dialled_at + _DIAL_TIMEOUT)
        return max(self.by, self._rests_until) if self._ends_at < inf else inf

    def overlaps_at(self, now: float) -> bool:
        """Return whether the link is to last until the next one is up: not where a setup that fails lasted too long."""
        return self._overlaps and self.held and now + _SETUP_TIMEOUT < self.by

    def begin(self, now: float, *, cuts: bool) -> None:
        """Take it that the swap begins."""
        self.since, self.cuts = now, cuts

    def end(self) -> None:
        """Take it that the swap is no longer under way."""
        self.since = inf

    def expect(self, link: int, now: float) -> None:
        """Take it that the next link is being dialled."""
        self.next, self._dialled_at = link, now

    def hold(self, now: float, credential: str) -> None:
        """Take it that the connection of the next link stands."""
        self._held_at, self._redials, self.credential = now, 0, credential

    def take(self) -> int:
        """Return the next link, 0 for none: it is no longer the next."""
        taken, self.next, self._held_at = self.next, 0, inf
        return taken

    def fail(self, now: float) -> None:
        """Take it that the next link is gone; another one is dialled, at once where the swap was under way."""
        # Where a service does not have a session on two links, that was why: the next one waits for the old one's end.
        self._overlaps = self._overlaps and not self.under_way
        self.take()
        self._redials += 1
        delay = min(_REDIAL_DELAY * 2 ** (self._redials - 1), _LONGEST_REDIAL_DELAY)
        self._redial_at = now if self.under_way else now + delay
        self.end()

    def deadline(self) -> float:
        """Return when the next link is to be dialled, or has been held for too long; inf for never."""
        return self._held_at + _HOLD_TIMEOUT if self.next else max(self.at, self._redial_at, self._rests_until)
