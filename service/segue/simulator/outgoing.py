"""What a connection has to send next, written down in the history as it goes."""

from dataclasses import dataclass
from typing import TypeAlias

from segue.simulator.history import History, Value
from segue.simulator.messages import ServerMessage, encode
from segue.simulator.rules import Violation


@dataclass(frozen=True, slots=True)
class Send:
    """Send a binary WebSocket message."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection; nothing follows. `rule` names what the client did wrong."""

    code: int
    reason: str
    rule: str


Output: TypeAlias = Send | Close


class Outgoing:
    """Collects the outputs of one connection and records what happened on it.

    Attributes:
        closed: a close was collected, or the connection was lost.
    """

    def __init__(self, history: History | None, session: str) -> None:
        self._history = history
        self._session = session
        self._outputs: list[Output] = []
        self.closed = False

    def record(self, now: float, kind: str, **fields: Value) -> None:
        """Write down something that happened."""
        if self._history is not None:
            self._history.add(now, "simulator", self._session, kind, **fields)

    def send(self, now: float, message: ServerMessage, kind: str, **fields: Value) -> None:
        """Collect a message, and write it down as `kind`."""
        self._outputs.append(Send(encode(message)))
        self.record(now, kind, **fields)

    def close(self, now: float, violation: Violation) -> None:
        """Collect a close that the client caused."""
        self._outputs.append(Close(violation.code, violation.cut_reason, violation.rule))
        self.lost(now, violation.code, violation.cut_reason, "server", violation.rule)

    def lost(self, now: float, code: int, reason: str, closed_by: str, rule: str = "") -> None:
        """Write down that the connection is gone; only the first one counts."""
        if not self.closed:
            self.closed = True
            self.record(now, "connection_closed", code=code, reason=reason, closed_by=closed_by, rule=rule)

    def take(self) -> list[Output]:
        """Return what was collected since the last time, in order."""
        outputs, self._outputs = self._outputs, []
        return outputs
