"""A connection that stands: what it carries each way, how it fails, and the service at its other end."""

from collections import deque
from collections.abc import Callable

from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close as CloseFrame

from segue.simulator.outgoing import Close, Output, Reset, Send, Stage, StopReading
from segue.simulator.script import LiveScript
from segue.simulator.world.backlog import Backlog
from segue.simulator.world.clock import Alarm, Clock
from segue.simulator.world.network import Break, Network, Way

# A gateway pings so often, and so has something to be acknowledged.
_PING_INTERVAL = 30.0
_NEVER = float("inf")


class Connection:
    """One connection, from when it stands.

    Args:
        script: the service's side of it.
        read: takes a frame of the service's.
        lose: takes what a WebSocket raises where the connection is gone.
        stall: called where the service takes no more.
    """

    def __init__(
        self,
        clock: Clock,
        network: Network,
        script: LiveScript,
        read: Callable[[bytes], None],
        lose: Callable[[Exception], None],
        stall: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._network = network
        self._script = script
        self._script_alarm: Alarm | None = None
        self._read = read
        self._lose = lose
        self._backlog = Backlog(clock, stall, self._break)
        self._up = Way()
        self._down = Way()
        self._reads_again_at = 0.0
        self._unread: deque[bytes] = deque()
        self._cut = False

    def watch(self) -> None:
        """Have the service act when it is due."""
        deadline, alarm = self._script.deadline(), self._script_alarm
        if alarm is not None:
            if alarm.at <= deadline:
                return
            alarm.cancel()
        self._script_alarm = self._clock.at(deadline, self._tick) if deadline < _NEVER else None

    def send(self, frame: bytes) -> None:
        """Send a frame to the service."""
        now = self._clock.now
        if self._cut or now < self._up.open_at:
            self._backlog.grow()
        if not self._cut:
            self._clock.at(self._up.arrival(now, self._network.latency), lambda: self._arrive(frame))

    def close(self) -> float:
        """Tell the service that the gateway is gone; return when it knows, infinity for never."""
        if self._cut:
            return _NEVER
        arrival = self._up.arrival(self._clock.now, self._network.latency)
        self._clock.at(arrival, lambda: self._script.connection_lost(1000, "", "client", self._clock.now))
        return arrival

    def strike(self, fault: Stage) -> None:
        """Have a fault act from now on."""
        self._script.outgoing.inject(fault, self._clock.now)
        self._do(self._script.tick(self._clock.now))
        self.watch()

    def fail(self, kind: Break) -> None:
        """Have the network fail it."""
        now = self._clock.now
        match kind:
            case Break.RESET:
                self._forget()
                self._take(Reset())
            case Break.CUT:
                self._cut = True
                self._clock.after(self._network.forget_after, self._forget)
                self._clock.after(_PING_INTERVAL, self._backlog.grow)
            case Break.STALL_UP:
                self._up.open_at = now + self._network.stall
            case Break.STALL_DOWN:
                self._down.open_at = now + self._network.stall

    def _forget(self) -> None:
        """Have the service find the connection gone."""
        self._script.connection_lost(1006, "", "client", self._clock.now)

    def _arrive(self, frame: bytes) -> None:
        now = self._clock.now
        if self._cut:
            return
        self._backlog.clear()
        if self._unread or now < self._reads_again_at:
            self._unread.append(frame)
            return
        self._do(self._script.receive(frame, now))
        self.watch()

    def _read_on(self) -> None:
        """Have the service read what has come since it stopped, unless that makes it stop again."""
        while self._unread and not self._cut and self._clock.now >= self._reads_again_at:
            self._do(self._script.receive(self._unread.popleft(), self._clock.now))
        self.watch()

    def _tick(self) -> None:
        self._script_alarm = None
        if self._script.deadline() <= self._clock.now:
            self._do(self._script.tick(self._clock.now))
        self.watch()

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
        """Have what the service did reach the gateway."""
        if self._cut:
            return
        match output:
            case Send():
                self._read(output.frame)
            case Close():
                frame = CloseFrame(output.code, output.reason)
                self._lose(ConnectionClosedError(frame, frame, True))
            case Reset():
                self._break()

    def _break(self, cause: Exception | None = None) -> None:
        """Have the gateway find the connection gone."""
        error = ConnectionClosedError(None, None)
        error.__cause__ = cause
        self._lose(error)
