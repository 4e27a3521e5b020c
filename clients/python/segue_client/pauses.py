"""How long to wait before trying again what failed."""

from math import inf
from random import uniform

# In seconds.
FIRST = 0.1
LONGEST = 5.0


class Pauses:
    """Pauses that double from 0.1 s to 5 s. Each is cut by up to a half, so that clients do not come all at once."""

    def __init__(self, *, first_at_once: bool = False) -> None:
        self._first_at_once = first_at_once
        self._pause = 0.0
        self._tried_at = -inf

    def next(self, now: float) -> float:
        """Return how long to wait, at the time `now` in seconds, after a failure.

        What was tried and then lasted 5 s had worked: the pauses begin anew.
        """
        if now - self._tried_at > LONGEST:
            self._pause = 0.0 if self._first_at_once else FIRST
        else:
            self._pause = min(max(2 * self._pause, FIRST), LONGEST)
        pause = uniform(self._pause / 2, self._pause)
        self._tried_at = now + pause
        return pause
