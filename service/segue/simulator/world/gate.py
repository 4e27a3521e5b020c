"""When the links of a world may be dialled, and with what: what the gateway decides itself, on the world's clock."""

from collections.abc import Sequence
from math import inf
from typing import Protocol

from segue.backend.breaker import Outcome, Refusal, Request
from segue.backend.gate import BLAMED, DialGate
from segue.backend.rota import Rota
from segue.core.actions import Dial as Wanted
from segue.core.actions import Purpose
from segue.core.events import LinkEvent, LinkHeld, LinkLost, LinkOpened, LossCause
from segue.core.profiles import profile_of
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
    """One credential's gate. Each dial is settled or withdrawn once.

    Attributes:
        name: what sessions know the credential by.
    """

    weight = 1
    has_room = True

    def __init__(self, clock: Clock, name: str) -> None:
        self.name = name
        self._clock = clock
        self._gate: DialGate[Dial] = DialGate(_RATE, _BURST)
        self._unsettled: set[Dial] = set()
        self._alarm: Alarm | None = None

    def trusted(self) -> bool:
        """See `rota.Candidate`, as for the next three."""
        return self._gate.trusts(self._clock.now)

    def sound(self, family: str) -> bool:
        """Return whether a session that lost its credential does well to dial with this one now."""
        return self._gate.sound(family, self._clock.now)

    def welcomes(self, family: str) -> bool:
        """Return whether a new session does."""
        return self._gate.welcomes(family, self._clock.now)

    def welcome_at(self, family: str) -> float:
        """Return from when on it does."""
        return self._gate.welcome_at(family, self._clock.now)

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

    def shun(self, family: str, lost: LinkLost) -> None:
        """Take what a link was lost to, for which the credential is to blame."""
        self._gate.shun(family, lost, self._clock.now)
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


class Gates:
    """The gates of one world: those of the credentials that its gateway has."""

    def __init__(self, clock: Clock, credentials: Sequence[str]) -> None:
        self._gates = [Gate(clock, name) for name in credentials]
        self._rota = Rota(self._gates)

    def choose(self, dial: Wanted) -> Gate | Refusal:
        """Return with what to dial, or why not to (backend.pool)."""
        family = profile_of(dial.setup.model).family
        resumes, ventures = bool(dial.setup.handle) and not dial.hold, dial.purpose is Purpose.OPEN
        chosen = self._rota.choose(family, dial.credential, (), resumes=resumes, ventures=ventures)
        return chosen or Refusal(LossCause.CREDENTIALS, "Another credential is of use.", 0.0, elsewhere=True)

    def mark(self, event: LinkEvent, gate: Gate, family: str) -> None:
        """Put into an event what tells of credentials (backend.pool)."""
        if isinstance(event, LinkHeld | LinkOpened):
            event.credential = gate.name
        elif (
            isinstance(event, LinkLost)
            and event.cause in BLAMED
            and self._rota.is_well_elsewhere(gate.name, family, ())
        ):
            event.elsewhere = True
            gate.shun(family, event)
