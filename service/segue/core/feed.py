"""Silence as audio: a client's audio pauses, and a detector hears the end of speech only in what it is sent."""

from functools import cache
from math import inf

# A pause in the client's audio after which silence is fed, the size of a fed piece, and how much longer than the
# detector's silence the feeding lasts, in seconds.
FEED_AFTER = 0.2
FEED_PIECE = 0.1
FEED_MARGIN = 1.0


@cache
def comfort_noise(sample_rate: int) -> bytes:
    """Return a piece of noise of a few LSB at this rate: detectors and models ignore runs of exact zeros."""
    state, samples = 1, bytearray()
    for _ in range(round(sample_rate * FEED_PIECE)):
        # The multiplier and increment are those of Numerical Recipes' generator.
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        samples += ((state >> 16) % 7 - 3).to_bytes(2, "little", signed=True)
    return bytes(samples)


class Feed:
    """When silence is to be fed. Times are in seconds.

    Args:
        silence: what the detector takes for the end of speech.
    """

    def __init__(self, silence: float) -> None:
        self._span = silence + FEED_MARGIN
        self._at = inf
        self._until = inf

    def hear(self, now: float) -> None:
        """Note that the client's audio goes on."""
        self._at = now + FEED_AFTER
        self._until = self._at + self._span

    def deadline(self) -> float:
        """Return when a piece is to be fed; inf for never."""
        return self._at if self._at < self._until else inf

    def take(self, now: float) -> bool:
        """Return whether a piece is to be fed now. Silence that could not be fed in its time is fed later."""
        if self.deadline() > now:
            return False
        late = max(0.0, now - self._at - FEED_PIECE)
        self._at += late + FEED_PIECE
        self._until += late
        return True
