"""A token bucket: so many a second in the long run, so many at once after a while without any. It knows no clock."""

from math import inf

# A sum of intervals is off by less than this, in seconds.
_ROUNDING = 1e-6


class Bucket:
    """A token bucket, kept as the time when it is full again (GCRA, ITU-T I.371), so that no sum of tokens drifts.

    Attributes:
        interval: how long one token takes to come back, in seconds.
    """

    def __init__(self, rate: float, burst: int) -> None:
        self.interval = 1 / rate
        self._allowance = (burst - 1) * self.interval + _ROUNDING
        self._full_at = -inf

    @property
    def next_at(self) -> float:
        """When there is a token."""
        return self._full_at - self._allowance

    @property
    def spare_at(self) -> float:
        """When half of the tokens would be left."""
        return self._full_at - self._allowance / 2

    def has(self, now: float) -> bool:
        """Return whether there is a token."""
        return now >= self.next_at

    def take(self, now: float) -> None:
        """Take a token, whether there is one or not."""
        self._full_at = max(self._full_at, now) + self.interval
