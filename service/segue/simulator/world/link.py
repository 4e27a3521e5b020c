"""A stand-in for the link to the Live API: the real wire format and the real reading of losses, and no socket.

dial        LinkHeld            LinkOpened
+---------+  -->  +------+  -->  +------------+  -->  +------+  -->  lost, or hung up
| dialled |       | held |       | setting up |       | open |
+---------+  ------------------> +------------+       +------+
"""

from random import Random
from typing import Protocol

from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response

from segue.backend.breaker import Refusal
from segue.backend.credentials import Credential
from segue.backend.losses import to_loss
from segue.backend.messages import accepts_setup, decode
from segue.backend.salvage import Oddity
from segue.core.events import LinkEvent, LinkHeld, LinkLost, LinkOpened, LossCause
from segue.simulator.outgoing import Stage
from segue.simulator.script import LiveScript
from segue.simulator.world.backlog import BACKLOG_LIMIT
from segue.simulator.world.clock import Alarm, Clock
from segue.simulator.world.connection import Connection
from segue.simulator.world.network import Break, Network, Obstacle

# How long the service has to answer a setup, and the network to answer a dial.
SETUP_TIMEOUT = 5.0
_CONNECT_TIMEOUT = 5.0
# How long a service may take to say goodbye, and how long that keeps the next connection of the conversation waiting
# (backend.gemini).
_CLOSE_TIMEOUT = 1.0
ENDING_TIMEOUT = 0.03
_NEVER = float("inf")
_CREDENTIAL = Credential("world", "a world's draw", api_key="simulated")


class Dialling(Protocol):
    """What a link needs of the one who dials it."""

    def report(self, event: LinkEvent) -> None:
        """Take what happens on the link."""
        ...

    def note(self, kind: str, how: str) -> None:
        """Write down what the network does."""
        ...

    def connected(self) -> LiveScript:
        """Return the service's side of a connection that stands from now on."""
        ...


class Link:
    """One link. Events are reported as the clock goes, never from within a method."""

    def __init__(
        self,
        clock: Clock,
        number: int,
        dialling: Dialling,
        network: Network,
        rng: Random,
    ) -> None:
        self.number = number
        self._clock = clock
        # None while the connection is to be held.
        self._setup: bytes | None = None
        self._resumed = False
        self._dialling = dialling
        self._network = network
        self._rng = rng
        self._connection: Connection | None = None
        self._setup_alarm: Alarm | None = None
        self._opened = False
        # When the connection is gone, after it was hung up, and when the one is that this one's setup waits for.
        self.gone_at = -_NEVER
        self._ending_until = -_NEVER
        self.over = False

    def begin(self) -> None:
        """Dial."""
        obstacle = self._network.obstacle(self._rng)
        if obstacle is not None:
            self._dialling.note("dial_obstructed", obstacle.name)
        match obstacle:
            case None:
                self._clock.after(self._network.connecting, self._connect)
            case Obstacle.REFUSED:
                refusal = ConnectionRefusedError(111, "Connection refused")
                self._clock.after(2 * self._network.latency, lambda: self._lose(refusal))
            case Obstacle.UNREACHABLE:
                late = TimeoutError("timed out during opening handshake")
                self._clock.after(_CONNECT_TIMEOUT, lambda: self._lose(late))
            case Obstacle.OVERLOADED | Obstacle.THROTTLED:
                status = 503 if obstacle is Obstacle.OVERLOADED else 429
                answer = InvalidStatus(Response(status, "", Headers(self._network.advice(self._rng))))
                self._clock.after(self._network.connecting, lambda: self._lose(answer))

    def refuse(self, refusal: Refusal) -> None:
        """Report that it was not dialled."""
        cause, message, retry_delay = refusal.cause, refusal.message, refusal.retry_delay
        self._report_loss(LinkLost(self.number, cause, message, retry_delay, elsewhere=refusal.elsewhere))

    def set_up(self, setup: bytes, *, resumed: bool, ending_until: float) -> None:
        """Say with what frame to set it up, once its connection stands; `resumed` when that has a handle.

        Then the connection before it, which is gone at `ending_until`, is waited for a little.
        """
        self._setup, self._resumed = setup, resumed
        self._ending_until = ending_until if resumed else -_NEVER
        if self._connection is not None and not self.over:
            self._send_setup(setup)

    def send(self, frame: bytes) -> None:
        """Send a message of the session's; dropped unless the link is open."""
        if self._opened:
            self._transmit(frame)

    def strike(self, fault: Stage) -> None:
        """Have a fault act on the connection, which must stand, from now on."""
        assert self._connection is not None
        self._connection.strike(fault)

    def break_off(self, kind: Break) -> None:
        """Have the connection fail, if it stands."""
        if self.over or self._connection is None:
            return
        self._dialling.note("connection_broke", kind.name)
        self._connection.fail(kind)

    def hang_up(self) -> None:
        """Close the connection; nothing is reported any more."""
        self._end()
        if self._connection is not None:
            goodbye_at = self._connection.close()
            self.gone_at = min(self._clock.now + _CLOSE_TIMEOUT, goodbye_at + self._network.latency)

    def _connect(self) -> None:
        if self.over:
            return
        script = self._dialling.connected()
        self._connection = Connection(self._clock, self._network, script, self._read, self._lose, self._stall)
        if coming := self._network.break_after(self._rng):
            seconds, kind = coming
            self._clock.after(seconds, lambda: self.break_off(kind))
        if self._setup is None:
            self._dialling.report(LinkHeld(self.number))
        else:
            self._send_setup(self._setup)
        # What the service does of itself comes after what it is sent at the same time.
        self._connection.watch()

    def _send_setup(self, setup: bytes) -> None:
        self._setup_alarm = self._clock.after(SETUP_TIMEOUT, self._time_out)
        now = self._clock.now
        if self._ending_until > now:
            self._clock.at(min(self._ending_until, now + ENDING_TIMEOUT), lambda: self._transmit(setup))
        else:
            self._transmit(setup)

    def _time_out(self) -> None:
        message = f"The Live API did not accept the setup within {SETUP_TIMEOUT:g} s. Try again later."
        self._report_loss(LinkLost(self.number, LossCause.UNAVAILABLE, message))

    def _transmit(self, frame: bytes) -> None:
        if not self.over:
            assert self._connection is not None
            self._connection.send(frame)

    def _read(self, frame: bytes) -> None:
        if self.over:
            return
        if not self._opened:
            # What comes before it is left out.
            if accepts_setup(frame):
                self._open()
            return
        for event in decode(frame, self.number, _ignore):
            if self.over:
                return
            self._dialling.report(event)

    def _open(self) -> None:
        assert self._setup_alarm is not None
        self._setup_alarm.cancel()
        self._opened = True
        self._dialling.report(LinkOpened(self.number))

    def _stall(self) -> None:
        message = f"The Live API takes no more: nothing of the last {BACKLOG_LIMIT:g} s is acknowledged."
        self._report_loss(LinkLost(self.number, LossCause.STALLED, message, None, 1006))

    def _lose(self, error: Exception) -> None:
        self._report_loss(to_loss(error, self.number, _CREDENTIAL, opened=self._opened, resumed=self._resumed))

    def _report_loss(self, loss: LinkLost) -> None:
        if self.over:
            return
        self._end()
        if self._connection is not None:
            self._connection.close()
        self._dialling.report(loss)

    def _end(self) -> None:
        self.over = True
        if self._setup_alarm is not None:
            self._setup_alarm.cancel()


def _ignore(_oddity: Oddity) -> None:
    """What is odd about a message ends no link."""
