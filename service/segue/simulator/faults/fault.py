"""What a fault is, and when it strikes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import ClassVar

from segue.simulator.outgoing import Message, Planned
from segue.simulator.switches import Switches
from segue.simulator.values import SettingError
from segue.simulator.wire.reader import ClientMessage


class Occasion(Enum):
    """Where a fault strikes unless its `When` says otherwise."""

    CONNECTION = auto()
    TURN = auto()
    CLIENT_MESSAGE = auto()


class Lasts(Enum):
    """How long a fault acts once it struck."""

    MOMENT = auto()
    TURN = auto()
    CONNECTION = auto()


@dataclass(frozen=True, slots=True)
class When:
    """When a fault strikes: at each of its occasions, or at those only that this picks out.

    Attributes:
        probability: of each time that the rest allows.
        second: once, so many seconds after the connection was opened.
        turn: in this turn of the model, counted from 1 on each connection.
        chunk: just before this audio chunk of a turn, counted from 1, instead of before its first message.
        turns: in so many turns in a row, from the one where it strikes.
    """

    probability: float = 1.0
    second: float | None = None
    turn: int | None = None
    chunk: int | None = None
    turns: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise SettingError("probability must be from 0 to 1")
        if self.second is not None and (self.turn, self.chunk, self.turns) != (None, None, 1):
            raise SettingError("second goes with no turn, chunk or turns")
        if not all(number is None or number >= 1 for number in (self.turn, self.chunk, self.turns)):
            raise SettingError("turn, chunk and turns count from 1")


@dataclass
class Fault:
    """One fault at work: from where it struck to where it ends. The fields of its kind are its settings.

    Attributes:
        name: what to call it.
        occasion: where it strikes.
        chunk: strikes before this audio chunk unless told otherwise; 0 for before a turn's first message.
        lasts: how long it acts.
        switches: how the service behaves where that is disputed.
    """

    name: ClassVar[str]
    occasion: ClassVar[Occasion] = Occasion.TURN
    chunk: ClassVar[int] = 0
    lasts: ClassVar[Lasts] = Lasts.TURN
    switches: Switches = field(default_factory=Switches, kw_only=True, repr=False)

    @classmethod
    def provoked_by(cls, message: ClientMessage) -> bool:  # noqa: ARG003
        """Return whether a message of the client is an occasion; such a fault sends nothing as it strikes."""
        return False

    def strike(self, now: float) -> Iterable[Planned]:  # noqa: ARG002
        """Return what is sent as it strikes."""
        return ()

    def change(self, message: Message, now: float) -> Iterable[Planned]:
        """Return what goes on in place of a message while it lasts."""
        return ((now, message),)

    def hear(self, message: ClientMessage) -> ClientMessage:
        """Return what the service takes a message of the client for while it lasts."""
        return message


def interrupted(turn: int) -> Message:
    """`interrupted`, as the service words it."""
    return Message({"serverContent": {"interrupted": True}}, "interrupted_sent", {"turn": turn}, turn)


def turn_complete(turn: int, reason: str = "") -> Message:
    """`turnComplete` without the usage of the turn, which only the model knows."""
    content = {"turnComplete": True} | ({"turnCompleteReason": reason} if reason else {})
    return Message({"serverContent": content}, "turn_complete_sent", {"turn": turn}, turn)
