"""How many connections of one credential are to stand ready for the next sessions, and which of them are too old.

Knows no clock and does no I/O.
"""

from math import inf
from typing import Generic, TypeVar

# How long a connection is held without being used, in seconds, and from when on another is dialled to take its place.
_HOLD_TIMEOUT = 20.0
_YOUNG = 18.0
# After a connection that could not be had, or was lost unused, none is dialled for so long, doubling, in seconds.
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0

_W = TypeVar("_W")


class Reserve(Generic[_W]):
    """Connections that stand ready, and those that are dialled for it. Times are in seconds.

    Args:
        size: how many are to stand ready; 0 for none.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._dialled: set[_W] = set()
        # Since when each stands, the oldest first.
        self._ready: dict[_W, float] = {}
        self._failures = 0
        self._rests_until = -inf

    @property
    def ready(self) -> int:
        """How many stand ready."""
        return len(self._ready)

    def lacks(self, now: float) -> int:
        """Return how many are to be dialled now."""
        if now < self._rests_until:
            return 0
        young = sum(now < since + _YOUNG for since in self._ready.values())
        return max(0, self._size - young - len(self._dialled))

    def expect(self, connection: _W) -> None:
        """Take it that a connection is being dialled."""
        self._dialled.add(connection)

    def stand(self, connection: _W, now: float) -> None:
        """Take it that a connection stands."""
        self._dialled.discard(connection)
        self._ready[connection] = now

    def lose(self, connection: _W, now: float) -> None:
        """Take it that a connection could not be had, or is lost."""
        self._dialled.discard(connection)
        self._ready.pop(connection, None)
        # Those that are lost together are lost to one thing.
        if now >= self._rests_until:
            self._rests_until = now + min(_FIRST_PAUSE * 2**self._failures, _LONGEST_PAUSE)
            self._failures += 1

    def take(self) -> _W:
        """Return the oldest of those that stand ready: it is used now."""
        connection = next(iter(self._ready))
        del self._ready[connection]
        self._failures = 0
        return connection

    def weed(self, now: float) -> list[_W]:
        """Return those to hang up: they have stood for too long, or younger ones stand in their place."""
        surplus = max(0, len(self._ready) - self._size)
        old = [
            connection
            for place, (connection, since) in enumerate(self._ready.items())
            if place < surplus or now >= since + _HOLD_TIMEOUT
        ]
        for connection in old:
            del self._ready[connection]
        if old:
            # Those that last so long do not fail.
            self._failures = 0
        return old

    def clear(self) -> list[_W]:
        """Return all that stand, to be hung up: what broke other connections may have broken them."""
        cleared = list(self._ready)
        self._ready.clear()
        return cleared

    def close(self) -> list[_W]:
        """Have none stand ready from now on. Returns all that stand or are dialled, to be hung up."""
        self._size = 0
        left = [*self._dialled, *self._ready]
        self._dialled.clear()
        self._ready.clear()
        return left

    def deadline(self, now: float) -> float:
        """Return when the next one gets too old, or may be dialled again; inf for never."""
        if not self._size:
            return inf
        ages = (since + age for since in self._ready.values() for age in (_YOUNG, _HOLD_TIMEOUT))
        return min((at for at in (*ages, self._rests_until) if at > now), default=inf)
