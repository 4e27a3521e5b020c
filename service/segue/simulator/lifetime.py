"""How long a connection lives: told to go away, closed at the cap, or closed because no audio comes."""

from segue.simulator.outgoing import Outgoing
from segue.simulator.rules import endings, rules
from segue.simulator.switches import Switches
from segue.simulator.timing import Timing
from segue.simulator.wire import messages

_NEVER = float("inf")


class Lifetime:
    """One connection's clock."""

    def __init__(self, timing: Timing, switches: Switches, opened_at: float) -> None:
        self._timing = timing
        self._switches = switches
        long = switches.long_connections
        self._go_away_at = _NEVER if long else opened_at + timing.go_away_after
        self._close_at = opened_at + (timing.long_close_after if long else timing.close_after)
        self._idle_at = opened_at + switches.idle_timeout

    def deadline(self) -> float:
        """Return when `advance` has something to do; infinity for never."""
        return min(self._go_away_at, self._close_at, self._idle_at)

    def heard(self, now: float) -> None:
        """Take it that audio came."""
        self._idle_at = now + self._switches.idle_timeout

    def advance(self, now: float, outgoing: Outgoing) -> None:
        """Do what is due."""
        if now >= self._go_away_at:
            self._go_away_at = _NEVER
            left = self._timing.close_after - self._timing.go_away_after
            outgoing.send(now, messages.go_away(left), "go_away_sent", time_left=left)
        if now >= self._close_at:
            deadline = self._switches.long_connections or self._switches.cap_closes_with_1011
            outgoing.close(now, endings.DEADLINE_EXPIRED if deadline else rules.GO_AWAY_IGNORED)
        elif now >= self._idle_at:
            outgoing.close(now, endings.IDLE)
