"""When a client says what it got: now and then, at once, once it was played, for many outputs together, or late."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from math import inf

from segue.simulator.world.clock import Clock

# Whoever acknowledges now and then does so no more often than this, in seconds.
_PAUSE = 0.5
# A message holds so much audio at most, in seconds (world.driver).
_LONGEST_MESSAGE = 1.28


class Manner(Enum):
    """When the outputs of a message are acknowledged."""

    # As they come, unless the last time was a moment ago: the last of all may never be.
    NOW_AND_THEN = auto()
    # As they come.
    AT_ONCE = auto()
    # When all of their audio was played.
    AS_PLAYED = auto()
    # With all others that come within some seconds.
    IN_BATCHES = auto()
    # As they come, and what is said of them takes so many seconds longer than anything else.
    LATE = auto()


@dataclass(frozen=True, slots=True)
class Acknowledging:
    """How a client acknowledges; `seconds` are those of its manner."""

    manner: Manner = Manner.NOW_AND_THEN
    seconds: float = 0.0

    @property
    def most(self) -> float:
        """How long after it came a message is acknowledged at the latest, in seconds, where nothing else plays."""
        match self.manner:
            case Manner.NOW_AND_THEN:
                return inf
            case Manner.AT_ONCE:
                return 0.0
            case Manner.AS_PLAYED:
                return _LONGEST_MESSAGE
            case Manner.IN_BATCHES | Manner.LATE:
                return self.seconds


NOW_AND_THEN = Acknowledging()


class Acknowledger:
    """One client's.

    Args:
        send: says that everything up to a number was got, and what was played until now.
    """

    def __init__(self, clock: Clock, how: Acknowledging, send: Callable[[int], None]) -> None:
        self._clock = clock
        self._how = how
        self._send = send
        self._sent_at = 0.0
        self._last_seq = 0
        self._gathers = False

    @property
    def delay(self) -> float:
        """How much longer than anything else it takes to say, in seconds."""
        return self._how.seconds if self._how.manner is Manner.LATE else 0.0

    def take(self, seq: int, plays_until: float) -> None:
        """Take a message, with which everything up to a number was got, and will have been played at a time."""
        self._last_seq = seq
        match self._how.manner:
            case Manner.NOW_AND_THEN:
                if self._clock.now >= self._sent_at + _PAUSE:
                    self.report(seq)
            case Manner.AT_ONCE | Manner.LATE:
                self.report(seq)
            case Manner.AS_PLAYED:
                self._clock.at(plays_until, lambda: self._send(seq))
            case Manner.IN_BATCHES:
                if not self._gathers:
                    self._gathers = True
                    self._clock.after(self._how.seconds, self._send_batch)

    def report(self, seq: int) -> None:
        """Say what was got, and what was played of a turn that was cut."""
        self._sent_at = self._clock.now
        self._send(seq)

    def _send_batch(self) -> None:
        self._gathers = False
        self._send(self._last_seq)
