"""A fault that waits on a connection for its time.

+---------+  its time, or by hand  +----------+
| waiting | ---------------------> | striking |   a fault that lasts acts on every message until it ends
+---------+ <--------------------- +----------+
             its moment or its turn is over
"""

from collections.abc import Callable, Iterator
from random import Random

from segue.simulator.faults.fault import Fault, Lasts, Occasion, When
from segue.simulator.outgoing import Message, Planned, Struck
from segue.simulator.wire.reader import ClientMessage

_NEVER = float("inf")


class ArmedFault:
    """A fault as a connection sees it (`outgoing.Stage`).

    Args:
        kind: what the fault is.
        make: makes it, each time that it strikes.
        when: when it strikes.
        rng: where the draws come from.
        began_at: what `when.second` counts from, and when it strikes if by hand.
        by_hand: it strikes once, at once or, where its `when` or its kind says so, at the next occasion.
    """

    def __init__(
        self,
        kind: type[Fault],
        make: Callable[[], Fault],
        when: When,
        rng: Random,
        began_at: float,
        *,
        by_hand: bool = False,
    ) -> None:
        self._kind = kind
        self._make = make
        self._when = when
        self._rng = rng
        self._by_hand = by_hand
        self._fault: Fault | None = None
        self._at_messages = kind.occasion is Occasion.CLIENT_MESSAGE
        picked = bool(when.turn or when.chunk)
        self._at_turns = not self._at_messages and (
            picked or (kind.occasion is Occasion.TURN and when.second is None and not by_hand)
        )
        self._strike_at = _NEVER if self._at_messages or self._at_turns else began_at + (when.second or 0.0)
        # The turn that it acts in, once it is seen.
        self._turn = 0
        # The last turn that was an occasion, so that each is one once.
        self._drawn_turn = 0
        # In how many more turns it strikes, undrawn.
        self._turns_left = 0
        self._struck_unsaid = False

    def deadline(self) -> float:
        """Return when to call `tick` next; infinity for never."""
        return -_NEVER if self._struck_unsaid else self._strike_at

    def tick(self, now: float) -> Iterator[Planned]:
        """Strike, if it is time."""
        if self._struck_unsaid:
            self._struck_unsaid = False
            yield now, Struck(self._kind.name)
        if now >= self._strike_at:
            self._strike_at = _NEVER
            if self._draws():
                self._turns_left = self._when.turns - 1
                yield from self._strike(now)

    def change(self, message: Message, now: float) -> Iterator[Planned]:
        """Return what goes on in place of a message."""
        # The end of a turn may have been taken away by another fault; the next turn's messages were not.
        if self._kind.lasts is Lasts.TURN and 0 < self._turn < message.turn:
            self._end()
        if self._fault is None and self._begins_at(message):
            yield from self._strike(now)
        if self._fault is None:
            yield now, message
        else:
            self._turn = self._turn or message.turn
            yield from self._fault.change(message, now)

    def hear(self, message: ClientMessage, turn: int) -> ClientMessage:
        """Return what the service takes a message of the client for; `turn` is under way, or the next one."""
        if self._fault is None and self._when.turn in (None, turn) and self._is_provoked_by(message):
            self._fault = self._make()
            self._struck_unsaid = True
            self._at_messages = not self._by_hand
        if self._fault is None:
            return message
        taken = self._fault.hear(message)
        if self._kind.lasts is Lasts.MOMENT:
            self._end()
        return taken

    def _begins_at(self, message: Message) -> bool:
        """Return whether it strikes before this message."""
        chunk = self._when.chunk or self._kind.chunk
        if message.turn in (0, self._drawn_turn) or (chunk and message.chunk != chunk):
            return False
        self._drawn_turn = message.turn
        if self._turns_left:
            self._turns_left -= 1
            return True
        if not self._at_turns or self._when.turn not in (None, message.turn) or not self._draws():
            return False
        self._turns_left = self._when.turns - 1
        self._at_turns = not self._by_hand
        return True

    def _is_provoked_by(self, message: ClientMessage) -> bool:
        return self._at_messages and self._kind.provoked_by(message) and self._draws()

    def _draws(self) -> bool:
        return self._when.probability == 1 or self._rng.random() < self._when.probability

    def _strike(self, now: float) -> Iterator[Planned]:
        yield now, Struck(self._kind.name)
        fault = self._make()
        yield from fault.strike(now)
        if self._kind.lasts is not Lasts.MOMENT:
            self._fault = fault

    def _end(self) -> None:
        self._fault = None
        self._turn = 0
