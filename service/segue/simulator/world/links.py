"""The links of one session: dialled as the gate lets them, told what to say, and hung up."""

from collections.abc import Callable
from random import Random

from segue.backend.breaker import Refusal
from segue.core import actions as do
from segue.core.events import LinkEvent, LinkLost
from segue.core.profiles import profile_of
from segue.simulator.history import History
from segue.simulator.script import LiveScript
from segue.simulator.world.clock import Clock
from segue.simulator.world.frames import Said, frame_of, setup_frame
from segue.simulator.world.gate import Gate, Gates
from segue.simulator.world.link import Dialling, Link
from segue.simulator.world.network import Network

_NEVER = float("inf")


class Links:
    """The links of a session that were neither lost nor hung up.

    Args:
        connect: makes the service's side of a connection, given its name and that of the credential.
        report: takes what happens on the links.
    """

    def __init__(
        self,
        clock: Clock,
        session_id: str,
        history: History,
        gates: Gates,
        network: Network,
        rng: Random,
        connect: Callable[[str, str], LiveScript],
        report: Callable[[LinkEvent], None],
        *,
        vertex: bool,
    ) -> None:
        self._clock = clock
        self._session_id = session_id
        self._history = history
        self._gates = gates
        self._network = network
        self._rng = rng
        self._connect = connect
        self._report = report
        self._vertex = vertex
        self._links: dict[int, _Dialled] = {}
        # When the last link that was hung up is gone.
        self._gone_at = -_NEVER

    def __len__(self) -> int:
        return len(self._links)

    def __getitem__(self, number: int) -> Link:
        return self._links[number].link

    def dial(self, dial: do.Dial) -> None:
        """Have a link dialled as soon as a gate lets it, and set up unless it is to be held."""
        chosen = self._gates.choose(dial)
        gate = chosen if isinstance(chosen, Gate) else None
        link = _Dialled(self, gate, dial.link, dial.purpose, profile_of(dial.setup.model).family)
        self._links[dial.link] = link
        if isinstance(chosen, Refusal):
            self._clock.after(0.0, lambda: link.refuse(chosen))
            return
        if not dial.hold:
            self._set_up(link.link, dial.setup)
        chosen.ask(link)

    def set_up(self, action: do.SetUp) -> None:
        """Set a link up that was held."""
        self._set_up(self[action.link], action.setup)

    def send(self, action: Said) -> None:
        """Have a link say something."""
        frame = frame_of(action)
        if frame is not None:
            self[action.link].send(frame)

    def hang_up(self, number: int) -> None:
        """Close a link."""
        hung_up = self._links.pop(number)
        hung_up.hang_up()
        self._gone_at = max(self._gone_at, hung_up.link.gone_at)

    def link(self, number: int, dialling: Dialling) -> Link:
        """Return a link over the session's network, to be dialled."""
        return Link(self._clock, number, dialling, self._network, self._rng)

    def _name_of(self, number: int) -> str:
        """Return what the history calls the connection of a link."""
        return f"{self._session_id}/{number}"

    def connect(self, number: int, credential: str) -> LiveScript:
        """Return the service's side of the connection of a link, which stands from now on."""
        return self._connect(self._name_of(number), credential)

    def note(self, number: int, kind: str, how: str) -> None:
        """Write down what the network does to the connection of a link."""
        self._history.add(self._clock.now, "simulator", self._name_of(number), kind, how=how)

    def report(self, event: LinkEvent, gate: Gate | None, family: str) -> None:
        """Take what happens on a link, dialled with a credential or refused."""
        if gate is not None:
            self._gates.mark(event, gate, family)
        if isinstance(event, LinkLost):
            del self._links[event.link]
        self._report(event)

    def _set_up(self, link: Link, setup: do.Setup) -> None:
        frame = setup_frame(setup, vertex=self._vertex)
        link.set_up(frame, resumed=bool(setup.handle), ending_until=self._gone_at)


class _Dialled:
    """A link that may still have to wait for its dial, and what becomes of it; without a gate it is refused."""

    takes_ready = False

    def __init__(self, links: Links, gate: Gate | None, number: int, purpose: do.Purpose, family: str) -> None:
        self.purpose = purpose
        self.family = family
        self._links = links
        self._gate = gate
        self._number = number
        self.link = links.link(number, self)

    def begin(self) -> None:
        self.link.begin()

    def refuse(self, refusal: Refusal) -> None:
        self.link.refuse(refusal)

    def hang_up(self) -> None:
        self.link.hang_up()
        if self._gate is not None:
            self._gate.withdraw(self)

    def report(self, event: LinkEvent) -> None:
        if self._gate is not None:
            self._gate.hear(self, event)
        self._links.report(event, self._gate, self.family)

    def note(self, kind: str, how: str) -> None:
        self._links.note(self._number, kind, how)

    def connected(self) -> LiveScript:
        assert self._gate is not None
        return self._links.connect(self._number, self._gate.name)
