"""Connections that open slowly, end in unusual ways, or do not read and answer as they should."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from segue.simulator.faults.closing import CLOSES, close
from segue.simulator.faults.fault import Fault, Lasts, Occasion
from segue.simulator.outgoing import Message, Planned, SlowPongs, StopReading
from segue.simulator.values import SettingError
from segue.simulator.wire import messages


class _OfConnection(Fault):
    """Acts from the beginning of a connection to its end."""

    occasion = Occasion.CONNECTION
    lasts = Lasts.CONNECTION


@dataclass
class SlowSetup(_OfConnection):
    """The answer to the setup takes long; google-genai has no timeout for it.

    Attributes:
        seconds: how much longer.
    """

    name = "slow_setup"
    seconds: float = 5.0
    _until: float = field(default=0.0, init=False)

    def change(self, message: Message, now: float) -> Iterator[Planned]:
        """Hold the answer back, and all that comes after it."""
        if message.says("setupComplete"):
            self._until = now + self.seconds
        yield max(now, self._until), message


@dataclass
class NoSetup(_OfConnection):
    """The setup is never answered, and nothing else is; the connection stays open."""

    name = "no_setup"

    def change(self, message: Message, now: float) -> Iterable[Planned]:  # noqa: ARG002
        """Drop everything."""
        return ()


@dataclass
class SetupNotFirst(_OfConnection):
    """Another message comes before setupComplete; google-genai takes it for that, and loses it."""

    name = "setup_not_first"

    def change(self, message: Message, now: float) -> Iterator[Planned]:
        """Put an update before setupComplete."""
        if message.says("setupComplete"):
            yield now, Message(messages.session_resumption_update(""), "session_resumption_update_sent")
        yield now, message


@dataclass
class _GoAway(Fault):
    """Sends `goAway`.

    Attributes:
        time_left: seconds that the message promises.
    """

    lasts = Lasts.CONNECTION
    time_left: float = 50.0

    def strike(self, now: float) -> Iterator[Planned]:
        """Send it."""
        yield now, Message(messages.go_away(self.time_left), "go_away_sent", {"time_left": self.time_left})


@dataclass
class GoAway(_GoAway):
    """`goAway`, and no close when its time is over: the connection goes on until its cap."""

    name = "go_away"


@dataclass
class GoAwayThenClose(_GoAway):
    """`goAway`, and a close when its time is over (sokuji#179: 1011 "Deadline expired").

    Attributes:
        cause: the close, by its name.
    """

    name = "go_away_then_close"
    cause: str = "deadline"

    def __post_init__(self) -> None:
        if self.cause not in CLOSES:
            raise SettingError(f"cause must be one of {', '.join(CLOSES)}")

    def strike(self, now: float) -> Iterator[Planned]:
        """Send it, and close later."""
        yield from super().strike(now)
        yield now + self.time_left, close(CLOSES[self.cause].code, CLOSES[self.cause].reason)


@dataclass
class GoAwayThenSilence(GoAwayThenClose):
    """`goAway`, and nothing more until the close when its time is over (tau2-bench#461)."""

    name = "go_away_then_silence"
    cause: str = "go_away_ignored"

    def change(self, message: Message, now: float) -> Iterable[Planned]:  # noqa: ARG002
        """Drop everything."""
        return ()


@dataclass
class LatePongs(_OfConnection):
    """Pongs come late, 8 to 30 s in production (sip-to-ai#14), and clients close with 1011 keepalive ping timeout.

    Attributes:
        seconds: how late.
    """

    name = "slow_pongs"
    seconds: float = 30.0

    def strike(self, now: float) -> Iterable[Planned]:
        """Answer pings late from now on."""
        return ((now, SlowPongs(self.seconds)),)


@dataclass
class StalledReads(Fault):
    """The service does not read its socket for a while, so that what clients send backs up.

    Attributes:
        seconds: how long.
    """

    name = "stalled_reads"
    lasts = Lasts.MOMENT
    seconds: float = 10.0

    def strike(self, now: float) -> Iterable[Planned]:
        """Stop reading."""
        return ((now, StopReading(self.seconds)),)
