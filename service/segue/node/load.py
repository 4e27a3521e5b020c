"""Whether this pod can carry one more session well."""

from collections.abc import Callable
from math import inf
from random import uniform

from segue.core.outputs import Closed, CloseReason, Next

# How much of the newest measurement goes into the smoothed lag: if twice the limit is measured, that is over the limit
# within some 3 s. No measurement counts for more than so many times the limit, so that none alone is enough.
_WEIGHT = 0.2
_MOST = 4.0
# Clients that are refused at once are not to come back at once, in seconds.
_RETRY_DELAYS = 2.0, 6.0


class Load:
    """What a pod carries, against what it may.

    Args:
        max_sessions: how many it may carry at once.
        max_lag: how late its event loop may run what is due before it takes no more, smoothed, in seconds.
        draw: returns a number between two others.

    Attributes:
        lag: how late the event loop runs what is due, smoothed, in seconds.
    """

    def __init__(
        self, max_sessions: float = inf, max_lag: float = inf, draw: Callable[[float, float], float] = uniform
    ) -> None:
        self._max_sessions = max_sessions
        self._max_lag = max_lag
        self._draw = draw
        self.lag = 0.0

    def observe_lag(self, seconds: float) -> None:
        """Take a measurement, of which there are two a second."""
        self.lag += (min(seconds, _MOST * self._max_lag) - self.lag) * _WEIGHT

    def refusal(self, sessions: int) -> Closed | None:
        """Return why a pod with so many sessions takes no more; None where it does."""
        if sessions >= self._max_sessions:
            message = f"the server carries the {self._max_sessions} sessions that it may: try another"
        elif self.lag > self._max_lag:
            message = "the server is too busy to serve another session well: try another"
        else:
            return None
        return Closed(CloseReason.OVERLOADED, message, Next.OPEN_AGAIN, retry_delay=self._draw(*_RETRY_DELAYS))
