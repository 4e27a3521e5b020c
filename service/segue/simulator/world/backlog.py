"""What a link has sent and nobody has acknowledged, and when that is too much."""

from collections.abc import Callable

from segue.simulator.world.clock import Clock

# A link gives itself up when nothing that it sent for so long was acknowledged (backend.backlog).
BACKLOG_LIMIT = 2.0
# Linux gives a connection up whose packets are not acknowledged for so long (tcp(7), TCP_USER_TIMEOUT).
_USER_TIMEOUT = 10.0


class Backlog:
    """What one connection has sent that is not acknowledged.

    Args:
        stall: called, once the clock goes on, where the link gives itself up, which it does when it sends more.
        lose: called where the kernel gives the connection up, though nothing more is sent.
    """

    def __init__(self, clock: Clock, stall: Callable[[], None], lose: Callable[[Exception], None]) -> None:
        self._clock = clock
        self._stall = stall
        self._lose = lose
        # When the first of it was sent.
        self._since: float | None = None

    def grow(self) -> None:
        """Take something that is not acknowledged at once."""
        now = self._clock.now
        if self._since is None:
            self._since = now
            self._clock.after(_USER_TIMEOUT, lambda: self._give_up(now))
        elif now - self._since > BACKLOG_LIMIT:
            # Whoever sends is not prepared to be told something meanwhile.
            self._clock.after(0.0, self._stall)

    def clear(self) -> None:
        """Take an acknowledgement of all of it."""
        self._since = None

    def _give_up(self, since: float) -> None:
        if self._since == since:
            self._lose(TimeoutError(110, "Connection timed out"))
