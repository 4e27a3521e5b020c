"""The network between a gateway and the service, as one session finds it."""

from dataclasses import dataclass
from enum import Enum, auto
from random import Random


class Obstacle(Enum):
    """What can keep a connection from standing."""

    REFUSED = auto()
    UNREACHABLE = auto()
    OVERLOADED = auto()
    THROTTLED = auto()


class Break(Enum):
    """How a connection can fail that neither side closes."""

    # Both sides are told.
    RESET = auto()
    # Nothing gets through any more, and nobody is told.
    CUT = auto()
    # What one side sends arrives later.
    STALL_UP = auto()
    STALL_DOWN = auto()


@dataclass(frozen=True, slots=True)
class Network:
    """Times are in seconds.

    Attributes:
        latency: one way.
        handshakes: round trips of TCP, TLS and the upgrade.
        obstacle_share: how many dials, from 0 to 1, meet an obstacle.
        break_every: the mean time after which a connection fails; infinity for never.
        breaks: how it may fail.
        stall: how long a stall lasts.
        forget_after: how long after a cut the service takes the connection for lost.
    """

    latency: float = 0.02
    handshakes: int = 3
    obstacle_share: float = 0.0
    break_every: float = float("inf")
    breaks: tuple[Break, ...] = tuple(Break)
    stall: float = 3.0
    forget_after: float = 15.0

    @property
    def connecting(self) -> float:
        """How long it takes until a connection stands."""
        return 2 * self.latency * self.handshakes

    def obstacle(self, rng: Random) -> Obstacle | None:
        """Draw what a dial meets."""
        return rng.choice(list(Obstacle)) if rng.random() < self.obstacle_share else None

    def advice(self, rng: Random) -> dict[str, str]:
        """Draw the header with which an overloaded service says when to try again; none where it says nothing."""
        seconds = rng.choice(["", "1", "20"])
        return {"Retry-After": seconds} if seconds else {}

    def break_after(self, rng: Random) -> tuple[float, Break] | None:
        """Draw when a new connection fails, in seconds from now, and how."""
        if self.break_every == float("inf"):
            return None
        return rng.expovariate(1 / self.break_every), rng.choice(self.breaks)


@dataclass(slots=True)
class Way:
    """One direction of a connection. Nothing overtakes anything.

    Attributes:
        open_at: until then nothing gets through.
        last_at: when the last of what was sent arrives.
    """

    open_at: float = 0.0
    last_at: float = 0.0

    def arrival(self, now: float, latency: float) -> float:
        """Return when what is sent now arrives."""
        self.last_at = max(now + latency, self.open_at + latency, self.last_at)
        return self.last_at
