"""A stand-in for the link to the Live API: the real wire format and the real reading of losses, and no socket.

dial        LinkHeld            LinkOpened
+---------+  -->  +------+  -->  +------------+  -->  +------+  -->  lost, or hung up
| dialled |       | held |       | setting up |       | open |
+---------+  ------------------> +------------+       +------+
"""

from collections import deque
from random import Random
from typing import Protocol

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.frames import Close as CloseFrame
from websockets.http11 import Response

from segue.backend.credentials import Credential
from segue.backend.gate import Refusal
from segue.backend.losses import to_loss
from segue.backend.messages import Oddity, accepts_setup, decode
from segue.core.events import LinkEvent, LinkHeld, LinkLost, LinkOpened, LossCause
from segue.simulator.outgoing import Close, Output, Reset, Send, Stage, StopReading
from segue.simulator.script import LiveScript
from segue.simulator.world.clock import Alarm, Clock
from segue.simulator.world.network import Break, Network, Obstacle, Way

# How long the service has to answer a setup, and the network to answer a dial.
SETUP_TIMEOUT = 5.0
_CONNECT_TIMEOUT = 5.0
# How long a service may take to say goodbye, and how long that keeps the next connection of the conversation waiting
# (backend.gemini).
_CLOSE_TIMEOUT = 1.0
ENDING_TIMEOUT = 0.03
# A link gives itself up when nothing that it sent for so long was acknowledged (backend.backlog).
_BACKLOG_LIMIT = 2.0
# Linux gives a connection up whose packets are not acknowledged for so long (tcp(7), TCP_USER_TIMEOUT).
_USER_TIMEOUT = 10.0
# A gateway pings so often, and so has something to be acknowledged.
_PING_INTERVAL = 30.0
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
        self._script: LiveScript | None = None
        self._script_alarm: Alarm | None = None
        self._setup_alarm: Alarm | None = None
        self._up = Way()
        self._down = Way()
        self._reads_again_at = 0.0
        self._unread: deque[bytes] = deque()
        self._cut = False
        # When the first of what nobody acknowledged was sent.
        self._unacknowledged_since: float | None = None
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
        self._report_loss(LinkLost(self.number, refusal.cause, refusal.message, refusal.retry_delay))

    def set_up(self, setup: bytes, *, resumed: bool, ending_until: float) -> None:
        """Say with what frame to set it up, once its connection stands; `resumed` when that has a handle.

        Then the connection before it, which is gone at `ending_until`, is waited for a little.
        """
        self._setup, self._resumed = setup, resumed
        self._ending_until = ending_until if resumed else -_NEVER
        if self._script is not None and not self.over:
            self._send_setup(setup)

    def send(self, frame: bytes) -> None:
        """Send a message of the session's; dropped unless the link is open."""
        if self._opened:
            self._transmit(frame)

    def strike(self, fault: Stage) -> None:
        """Have a fault act on the connection, which must stand, from now on."""
        assert self._script is not None
        self._script.outgoing.inject(fault, self._clock.now)
        self._do(self._script.tick(self._clock.now))
        self._watch()

    def break_off(self, kind: Break) -> None:
        """Have the connection fail, if it stands."""
        now = self._clock.now
        if self.over or self._script is None:
            return
        self._dialling.note("connection_broke", kind.name)
        match kind:
            case Break.RESET:
                self._script.connection_lost(1006, "", "client", now)
                self._take(Reset())
            case Break.CUT:
                self._cut = True
                self._clock.after(self._network.forget_after, self._tell_cut)
                self._clock.after(_PING_INTERVAL, self._wait_for_acknowledgement)
            case Break.STALL_UP:
                self._up.open_at = now + self._network.stall
            case Break.STALL_DOWN:
                self._down.open_at = now + self._network.stall

    def hang_up(self) -> None:
        """Close the connection; nothing is reported any more."""
        self._end()
        if self._script is None:
            return
        self.gone_at = self._clock.now + _CLOSE_TIMEOUT
        if not self._cut:
            arrival = self._up.arrival(self._clock.now, self._network.latency)
            self._clock.at(arrival, self._tell_hung_up)
            self.gone_at = min(self.gone_at, arrival + self._network.latency)

    def _connect(self) -> None:
        if self.over:
            return
        self._script = self._dialling.connected()
        if coming := self._network.break_after(self._rng):
            seconds, kind = coming
            self._clock.after(seconds, lambda: self.break_off(kind))
        if self._setup is None:
            self._dialling.report(LinkHeld(self.number))
        else:
            self._send_setup(self._setup)
        self._watch()

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
        if self.over:
            return
        now = self._clock.now
        if self._cut or now < self._up.open_at:
            self._wait_for_acknowledgement()
        if not self._cut:
            self._clock.at(self._up.arrival(now, self._network.latency), lambda: self._arrive(frame))

    def _wait_for_acknowledgement(self) -> None:
        """Give the connection up, as the link does after a while, or as the kernel does where nothing more is sent."""
        now, since = self._clock.now, self._unacknowledged_since
        if since is None:
            self._unacknowledged_since = now
            self._clock.after(_USER_TIMEOUT, lambda: self._give_up(now))
        elif now - since > _BACKLOG_LIMIT:
            message = f"The Live API takes no more: nothing of the last {_BACKLOG_LIMIT:g} s is acknowledged."
            stalled = LinkLost(self.number, LossCause.STALLED, message, None, 1006)
            # Whoever sends is not prepared to be told something meanwhile.
            self._clock.after(0.0, lambda: self._report_loss(stalled))

    def _give_up(self, since: float) -> None:
        if self._unacknowledged_since == since:
            error = ConnectionClosedError(None, None)
            error.__cause__ = TimeoutError(110, "Connection timed out")
            self._lose(error)

    def _arrive(self, frame: bytes) -> None:
        script, now = self._script, self._clock.now
        if script is None or self._cut:
            return
        self._unacknowledged_since = None
        if self._unread or now < self._reads_again_at:
            self._unread.append(frame)
            return
        self._do(script.receive(frame, now))
        self._watch()

    def _read_on(self) -> None:
        """Have the service read what has come since it stopped, unless that makes it stop again."""
        assert self._script is not None
        while self._unread and not self._cut and self._clock.now >= self._reads_again_at:
            self._do(self._script.receive(self._unread.popleft(), self._clock.now))
        self._watch()

    def _watch(self) -> None:
        """Have the script ticked when it is due."""
        assert self._script is not None
        deadline, alarm = self._script.deadline(), self._script_alarm
        if alarm is not None:
            if alarm.at <= deadline:
                return
            alarm.cancel()
        self._script_alarm = self._clock.at(deadline, self._tick) if deadline < _NEVER else None

    def _tick(self) -> None:
        assert self._script is not None
        self._script_alarm = None
        if self._script.deadline() <= self._clock.now:
            self._do(self._script.tick(self._clock.now))
        self._watch()

    def _do(self, outputs: list[Output]) -> None:
        """Carry what the service does to the gateway."""
        now = self._clock.now
        for output in outputs:
            match output:
                case StopReading():
                    self._reads_again_at = now + output.seconds
                    self._clock.at(self._reads_again_at, self._read_on)
                case Send() | Close() | Reset() if not self._cut:
                    arrival = self._down.arrival(now, self._network.latency)
                    self._clock.at(arrival, lambda output=output: self._take(output))  # type: ignore[misc]

    def _take(self, output: Send | Close | Reset) -> None:
        if self.over or self._cut:
            return
        match output:
            case Send():
                self._read(output.frame)
            case Close():
                frame = CloseFrame(output.code, output.reason)
                self._lose(ConnectionClosedError(frame, frame, True))
            case Reset():
                self._lose(ConnectionClosedError(None, None))

    def _read(self, frame: bytes) -> None:
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

    def _tell_cut(self) -> None:
        if self._script is not None:
            self._script.connection_lost(1006, "", "client", self._clock.now)

    def _tell_hung_up(self) -> None:
        if self._script is not None:
            self._script.connection_lost(1000, "", "client", self._clock.now)

    def _lose(self, error: Exception) -> None:
        self._report_loss(to_loss(error, self.number, _CREDENTIAL, opened=self._opened, resumed=self._resumed))

    def _report_loss(self, loss: LinkLost) -> None:
        if self.over:
            return
        self._end()
        if self._script is not None and not self._cut:
            self._clock.at(self._up.arrival(self._clock.now, self._network.latency), self._tell_hung_up)
        self._dialling.report(loss)

    def _end(self) -> None:
        self.over = True
        if self._setup_alarm is not None:
            self._setup_alarm.cancel()


def _ignore(_oddity: Oddity) -> None:
    """What is odd about a message ends no link."""
