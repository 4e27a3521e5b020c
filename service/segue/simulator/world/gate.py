"""When the links of a world may be dialled: what the gateway's own gate decides, on the world's clock."""

from math import inf
from typing import Protocol

from segue.backend.gate import DialGate, Outcome, Refusal, Request
from segue.core.events import LinkEvent, LinkHeld
from segue.simulator.world.clock import Alarm, Clock

# The gateway's defaults (backend.dialling).
_RATE, _BURST = 50.0, 100


class Dial(Request, Protocol):
    """A dial that can wait."""

    def begin(self) -> None:
        """Dial now."""
        ...

    def refuse(self, refusal: Refusal) -> None:
        """Report that it was not tried."""
        ...


class Gate:
    """One world's gate: all its sessions have one credential. Each dial is settled or withdrawn once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._gate: DialGate[Dial] = DialGate(_RATE, _BURST)
        self._unsettled: set[Dial] = set()
        self._alarm: Alarm | None = None

    def ask(self, dial: Dial) -> None:
        """Have a dial begin as soon as it may, or be refused."""
        self._unsettled.add(dial)
        self._gate.ask(dial, self._clock.now)
        self._proceed()

    def hear(self, dial: Dial, event: LinkEvent) -> None:
        """Take what happens on the link of a dial: at first it tells how the dial came out."""
        if dial in self._unsettled and isinstance(event, Outcome):
            if not isinstance(event, LinkHeld):
                self._unsettled.remove(dial)
            self._gate.settle(dial, event, self._clock.now)
            self._proceed()

    def withdraw(self, dial: Dial) -> None:
        """Forget a dial whose link was hung up."""
        if dial in self._unsettled:
            self._unsettled.remove(dial)
            self._gate.withdraw(dial)
            self._proceed()

    def _proceed(self) -> None:
        for dial, refusal in self._gate.decide(self._clock.now):
            if refusal is None:
                dial.begin()
            else:
                self._unsettled.remove(dial)
                # Whoever dials is not prepared to be told something meanwhile.
                self._clock.after(0.0, lambda dial=dial, refusal=refusal: dial.refuse(refusal))  # type: ignore[misc]
        if self._alarm is not None:
            self._alarm.cancel()
        deadline = self._gate.deadline()
        self._alarm = self._clock.at(deadline, self._proceed) if deadline < inf else None
