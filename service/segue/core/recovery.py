"""Recovery of a link that was lost: when it is tried, after which pause, how often, and when the session gives up."""

from collections.abc import Callable
from math import inf

from segue.core.actions import Sign
from segue.core.closings import closing_of
from segue.core.events import LinkLost, LossCause
from segue.core.outputs import Closed

# A session dials so often to recover: each time the user's words are answered to the end gives one back, and so does
# each of these periods, in seconds.
_BUDGET = 10.0
_OPENING_BUDGET = 3.0
_REFILL_PERIOD = 30.0
# Who loses a link that was up for so long dials as if nothing had gone wrong before, in seconds.
_LASTING = 30.0
# The pause before the second try, which doubles from then on up to the longest one, in seconds.
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 8.0
_QUOTA_PAUSE = 5.0
# Who has had no link for so long hangs up, in seconds.
_TIMEOUT = 60.0
# So many wedged links in a row end a session.
_WEDGES = 3


def timed_out() -> Closed:
    """Return how a session ends that has waited for too long for a link that nothing is heard of."""
    message = f"No link could be had within {_TIMEOUT:g} s. Open a session again."
    return closing_of(LinkLost(0, LossCause.UNAVAILABLE, message))


class Recovery:
    """One session's. Times are in seconds.

    Args:
        draw: gives numbers from 0 to 1.

    Attributes:
        since: since when there is no link, where one was lost and none has followed yet; else inf.
        cause: what it was lost to.
        retry_at: when the next one is to be dialled; inf for never, or where that was done.
        wedges: how many links were found wedged since the user's words were last answered.
    """

    def __init__(self, draw: Callable[[], float]) -> None:
        self._draw = draw
        self.since = inf
        self.cause: LossCause | Sign = LossCause.TRANSIENT
        self.retry_at = inf
        self.wedges = 0
        self._tries = 0
        self._budget = _OPENING_BUDGET
        self._refilled_at = -inf

    @property
    def under_way(self) -> bool:
        """Return whether a link was lost and none has followed yet."""
        return self.since < inf

    @property
    def spare(self) -> bool:
        """Return whether a link may be given up on a mere suspicion."""
        return not self.wedges and self._budget >= _BUDGET / 2

    @property
    def last_resort(self) -> bool:
        """Return whether one more wedged link ends the session."""
        return self.wedges >= _WEDGES - 1

    def open(self, now: float) -> None:
        """Take it that the session dials its first link."""
        self._refilled_at = now

    def open_up(self) -> None:
        """Take it that the first link was set up: from here on there is something to recover."""
        self._budget = _BUDGET

    def answered(self) -> None:
        """Take it that the model answered words of the user to the end."""
        self._tries = self.wedges = 0
        self._budget = min(_BUDGET, self._budget + 1)

    def forgive(self, seconds: float) -> None:
        """Forget the tries before a link that is lost now and was up for so long."""
        # Pauses spare a service that refuses links, or ends them soon.
        if seconds >= _LASTING:
            self._tries = 0

    def pause(self, lost: LinkLost) -> float:
        """Return how long to wait before the next try, after such a loss."""
        pause = 0.0
        if self._tries:
            pause = min(_FIRST_PAUSE * 2 ** (self._tries - 1), _LONGEST_PAUSE) * (0.5 + self._draw())
        # What the service asks of one credential is nothing to another.
        if lost.elsewhere:
            return pause
        if lost.cause is LossCause.QUOTA:
            pause = max(pause, _QUOTA_PAUSE * 2**self._tries)
        return max(pause, lost.retry_delay or 0.0)

    def may_try(self, now: float, pause: float) -> bool:
        """Return whether to try again after this pause; else the session gives up."""
        self._budget = min(_BUDGET, self._budget + max(0.0, now - self._refilled_at) / _REFILL_PERIOD)
        self._refilled_at = now
        in_time = now + pause <= min(self.since, now) + _TIMEOUT
        return self.wedges < _WEDGES and self._budget >= 1 and in_time

    def give_up_at(self, swapped_at: float) -> float:
        """Return when a session without a link gives up; `swapped_at` is since when it has none for a swap, or inf."""
        return min(self.since, swapped_at) + _TIMEOUT

    def begin(self, cause: LossCause | Sign, since: float, retry_at: float) -> None:
        """Take it that the session is without a link since then, unless it was before, and tries again at that time."""
        if not self.under_way:
            self.since, self.cause = since, cause
        self._tries += 1
        self._budget -= 1
        self.retry_at = retry_at

    def end(self) -> None:
        """Take it that a link has followed, or that none is to."""
        self.since = self.retry_at = inf
