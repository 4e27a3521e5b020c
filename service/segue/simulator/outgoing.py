"""What a connection has to send next: past the faults that act on it, and written down in the history as it goes.

    script -> fault 1 -> fault 2 -> ... -> outputs and history

Every message passes all faults in their order; what a fault delays goes on from there when its time has come.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol, TypeAlias

from segue.simulator.history import History, Value
from segue.simulator.rules.rulebook import Violation
from segue.simulator.wire.messages import ServerMessage, encode
from segue.simulator.wire.reader import ClientMessage

_NEVER = float("inf")
# What only a turn of the model has in its serverContent; transcripts of the user belong to none.
_TURN_FIELDS = frozenset(
    {"modelTurn", "outputTranscription", "generationComplete", "interrupted", "turnComplete", "waitingForInput"}
)


@dataclass(frozen=True, slots=True)
class Send:
    """Send a binary WebSocket message."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection; nothing follows. `rule` names what the client did wrong, if anything."""

    code: int
    reason: str
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Reset:
    """Break the TCP connection off, with no close frame; nothing follows."""


@dataclass(frozen=True, slots=True)
class StopReading:
    """Read nothing from the socket for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class SlowPongs:
    """Answer every ping this many seconds late from now on."""

    seconds: float


Output: TypeAlias = Send | Close | Reset | StopReading | SlowPongs


@dataclass(frozen=True, slots=True)
class Message:
    """A message on its way to the client.

    Attributes:
        content: what it says; bytes are sent as they are.
        kind: what the history calls it; empty for not at all.
        fields: what the history says of it.
        turn: the turn of the model that it belongs to, counted from 1 on each connection; 0 for none.
        chunk: which of the turn's audio chunks it is, counted from 1; 0 for none.
    """

    content: ServerMessage | bytes
    kind: str = ""
    fields: Mapping[str, Value] = field(default_factory=dict)
    turn: int = 0
    chunk: int = 0

    def says(self, name: str) -> bool:
        """Return whether it has this field, at the top or in its serverContent."""
        if not isinstance(self.content, dict):
            return False
        return name in self.content or name in (self.content.get("serverContent") or {})


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault begins; nothing is sent, and the history says so."""

    fault: str


Item: TypeAlias = Message | Struck | Close | Reset | StopReading | SlowPongs
# An item and the time at which it goes on.
Planned: TypeAlias = tuple[float, Item]


class Stage(Protocol):
    """A fault as a connection sees it."""

    def deadline(self) -> float:
        """Return when to call `tick` next; infinity for never."""
        ...

    def tick(self, now: float) -> Iterable[Planned]:
        """Return what is to be sent because of the time."""
        ...

    def change(self, message: Message, now: float) -> Iterable[Planned]:
        """Return what goes on in place of a message."""
        ...

    def hear(self, message: ClientMessage, turn: int) -> ClientMessage:
        """Return what the service takes a message of the client for; `turn` is under way, or the next one."""
        ...


class Outgoing:
    """Collects the outputs of one connection and records what happened on it.

    Attributes:
        turn: the number of the model's turn under way, or of the next one.
        closed: a close was collected, or the connection was lost.
    """

    def __init__(self, history: History | None, session: str, faults: Sequence[Stage] = ()) -> None:
        self._history = history
        self._session = session
        self._stages = list(faults)
        self._outputs: list[Output] = []
        # What a fault holds back: its time, its order, the stage that it has come to, and the item.
        self._held: list[tuple[float, int, int, Item]] = []
        self._orders = count()
        self._chunks = 0
        self.turn = 1
        self.closed = False

    def record(self, now: float, kind: str, **fields: Value) -> None:
        """Write down something that happened."""
        if self._history is not None:
            self._history.add(now, "simulator", self._session, kind, **fields)

    def send(self, now: float, message: ServerMessage, kind: str, **fields: Value) -> None:
        """Send a message, as far as the faults let it, and write it down as `kind`."""
        # What was held back until now goes first.
        self.advance(now)
        self._go_on(self._number(message, kind, fields), 0, now)

    def close(self, now: float, violation: Violation) -> None:
        """Collect a close that the client caused. Faults do not act on it."""
        self._collect(Close(violation.code, violation.cut_reason, violation.rule), now)

    def lost(self, now: float, code: int, reason: str, closed_by: str, rule: str = "") -> None:
        """Write down that the connection is gone; only the first one counts."""
        if not self.closed:
            self.closed = True
            self.record(now, "connection_closed", code=code, reason=reason, closed_by=closed_by, rule=rule)

    def inject(self, fault: Stage, now: float) -> None:
        """Have one more fault act from now on, after the others."""
        self._stages.append(fault)
        self.advance(now)

    def hear(self, message: ClientMessage) -> ClientMessage:
        """Return what the service takes a message of the client for."""
        for stage in self._stages:
            message = stage.hear(message, self.turn)
        return message

    def deadline(self) -> float:
        """Return when a fault has something to do; infinity for never."""
        return min([stage.deadline() for stage in self._stages] + [at for at, *_ in self._held[:1]], default=_NEVER)

    def advance(self, now: float) -> None:
        """Do what the faults have planned up to now."""
        while self.deadline() <= now and not self.closed:
            if self._held and self._held[0][0] <= now:
                _, _, stage, item = heapq.heappop(self._held)
                self._go_on(item, stage, now)
            for number, fault in enumerate(self._stages, 1):
                if fault.deadline() <= now:
                    self._plan(fault.tick(now), number, now)

    def take(self) -> list[Output]:
        """Return what was collected since the last time, in order."""
        outputs, self._outputs = self._outputs, []
        return outputs

    def _number(self, content: ServerMessage, kind: str, fields: Mapping[str, Value]) -> Message:
        body = content.get("serverContent", {})
        # Usage comes alone, too; it is the turn's all the same.
        if not (_TURN_FIELDS & body.keys() or content.keys() & {"toolCall", "usageMetadata"}):
            return Message(content, kind, fields)
        speaks = any("inlineData" in part for part in body.get("modelTurn", {}).get("parts", ()))
        self._chunks += speaks
        message = Message(content, kind, fields, self.turn, self._chunks if speaks else 0)
        if "turnComplete" in body:
            self.turn += 1
            self._chunks = 0
        return message

    def _go_on(self, item: Item, stage: int, now: float) -> None:
        if isinstance(item, Message) and stage < len(self._stages):
            self._plan(self._stages[stage].change(item, now), stage + 1, now)
        else:
            self._collect(item, now)

    def _plan(self, planned: Iterable[Planned], stage: int, now: float) -> None:
        for at, item in planned:
            if at <= now:
                self._go_on(item, stage, now)
            else:
                heapq.heappush(self._held, (at, next(self._orders), stage, item))

    def _collect(self, item: Item, now: float) -> None:
        if self.closed:
            return
        match item:
            case Struck():
                self.record(now, "fault_struck", fault=item.fault)
            case Message():
                self._outputs.append(Send(item.content if isinstance(item.content, bytes) else encode(item.content)))
                if item.kind:
                    self.record(now, item.kind, **item.fields)
            case Close():
                self._outputs.append(item)
                self.lost(now, item.code, item.reason, "server", item.rule)
            case Reset():
                self._outputs.append(item)
                self.lost(now, 1006, "", "server")
            case _:
                self._outputs.append(item)
