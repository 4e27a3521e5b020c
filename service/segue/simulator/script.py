"""The Live API's side of one connection, sans-IO: frames in, frames and closes out, the time as a parameter.

    +------------+  setup  +------------+  0.15 s  +------+  a rule broken, or 590 s  +--------+
    | connected  | ------> | setting up | -------> | open | ------------------------> | closed |
    +------------+         +------------+          +------+                           +--------+

The same seed, dialogue and client bytes at the same times give the same frames.
"""

from copy import copy
from random import Random
from uuid import UUID

from segue.simulator.conversation.context import Context
from segue.simulator.conversation.sessions import Memory, Resumed, Session
from segue.simulator.conversation.turn_taking import Conversation
from segue.simulator.families import family_of
from segue.simulator.history import History
from segue.simulator.lifetime import Lifetime
from segue.simulator.outgoing import Outgoing, Output, StopReading
from segue.simulator.rules import endings, rules
from segue.simulator.rules.rulebook import Violation
from segue.simulator.rules.validation import setup_violation
from segue.simulator.service import Service
from segue.simulator.sightings import sightings
from segue.simulator.wire import messages
from segue.simulator.wire.credentials import credential_violation
from segue.simulator.wire.reader import ClientMessage, RealtimeInput, Setup, read
from segue.simulator.wire.schema import Flavour
from segue.simulator.wire.upgrade import Upgrade

_NEVER = float("inf")
# How many seconds the reading of audio may be behind before no more is taken from the socket.
_MOST_LAG = 10.0


class LiveScript:
    """One connection to the simulated service.

    Feed it every WebSocket message with `receive` and every `deadline` with `tick`; do what they return, in order.
    After a `Close` it returns nothing more.
    """

    def __init__(
        self,
        service: Service,
        upgrade: Upgrade,
        rng: Random,
        now: float,
        history: History | None = None,
        session: str = "connection-1",
    ) -> None:
        self._service = service
        self._upgrade = upgrade
        self._rng = rng
        # A copy, so that faults change nothing of what the script draws.
        self._outgoing = Outgoing(history, session, service.faults(copy(rng), now))
        self._outgoing.record(now, "connection_opened", path=upgrade.path)
        self._lifetime = Lifetime(service.timing, service.switches, now)
        self._setup: Setup | None = None
        self._session: Session | None = None
        self._conversation: Conversation | None = None
        self._setup_complete_at = _NEVER
        # Those that came after the setup.
        self._messages = 0

    @property
    def outgoing(self) -> Outgoing:
        """What it sends, with the faults that act on it."""
        return self._outgoing

    @property
    def model(self) -> str:
        """The model as the setup names it; empty before the setup."""
        return self._setup.model if self._setup else ""

    def receive(self, frame: str | bytes, now: float) -> list[Output]:
        """Take a WebSocket message, text or binary; return what is to be sent now."""
        self._advance(now)
        if not self._outgoing.closed:
            message = self._read(frame)
            violation = message if isinstance(message, Violation) else self._take(message, now)
            if violation:
                self._outgoing.close(now, violation)
        # Answers may be due at once.
        outputs = self.tick(now)
        if self._conversing and (lag := self._conversing.intake.lag(now)) > _MOST_LAG:
            outputs.append(StopReading(lag - _MOST_LAG / 2))
        return outputs

    def tick(self, now: float) -> list[Output]:
        """Return what has become due by now."""
        self._advance(now)
        self._outgoing.advance(now)
        if self._outgoing.closed:
            self.leave_session(now)
        return self._outgoing.take()

    def deadline(self) -> float:
        """Return when to call `tick` next; infinity once the connection is closed."""
        if self._outgoing.closed:
            return _NEVER
        conversation_at = self._conversing.deadline() if self._conversing else _NEVER
        return min(self._setup_complete_at, conversation_at, self._lifetime.deadline(), self._outgoing.deadline())

    def connection_lost(self, code: int, reason: str, closed_by: str, now: float) -> None:
        """Take it that the connection is gone. `closed_by` is "client" or "server"."""
        self._outgoing.lost(now, code, reason, closed_by)
        self.leave_session(now)

    def leave_session(self, now: float) -> None:
        """Take it that the session is not open here any more, though what the client sent may not all be read."""
        if self._session:
            self._service.sessions.leave(self._session, now)
            self._session = None

    def _advance(self, now: float) -> None:
        if self._outgoing.closed:
            return
        if now >= self._setup_complete_at and self._setup and self._conversation:
            self._setup_complete_at = _NEVER
            self._complete_setup(self._setup, self._conversation, now)
        if self._conversing and (violation := self._conversing.advance(now)):
            self._outgoing.close(now, violation)
        self._lifetime.advance(now, self._outgoing)

    @property
    def _conversing(self) -> Conversation | None:
        """The conversation, once it may begin."""
        return None if self._setup_complete_at < _NEVER or self._outgoing.closed else self._conversation

    def _read(self, frame: str | bytes) -> ClientMessage | Violation:
        """Read a message; whoever has no good credential is told so at the first one."""
        service, upgrade = self._service, self._upgrade
        if self._setup is None and (
            violation := credential_violation(upgrade, service.valid_credential, service.tokens, service.switches)
        ):
            return violation
        return read(frame, upgrade.flavour, service.tokens.constraints_of(upgrade.credential))

    def _take(self, message: ClientMessage, now: float) -> Violation | None:
        for kind, fields in sightings(message):
            self._outgoing.record(now, kind, **fields)
        message = self._outgoing.hear(message)
        if isinstance(message, Setup):
            return rules.SETUP_TWICE if self._setup else self._set_up(message, now)
        if self._conversation is None:
            return rules.SETUP_NOT_FIRST
        # The first message after the setup is number 1 or 0.
        index = self._messages + self._service.switches.setup_has_index
        self._messages += 1
        self._conversation.intake.put(index, message)
        if isinstance(message, RealtimeInput) and message.audio:
            self._lifetime.heard(now)
        return None

    def _set_up(self, setup: Setup, now: float) -> Violation | None:
        family = family_of(setup.model) if self._service.offers(setup.model) else None
        if family is None:
            return rules.model_unknown(setup.model, self._upgrade.version)
        service, upgrade = self._service, self._upgrade
        if violation := setup_violation(setup, family, upgrade, service.switches, strict=service.strict):
            return violation
        if violation := service.tokens.redeem(upgrade.credential, resuming=bool(setup.handle), now=now):
            return violation
        resumed = self._begin(setup, now)
        if isinstance(resumed, Violation):
            return resumed
        self._setup, self._session = setup, resumed.session
        self._conversation = Conversation(service, setup, family, upgrade.flavour, self._rng, self._outgoing, resumed)
        self._setup_complete_at = now + service.timing.setup.draw(self._rng)
        return None

    def _begin(self, setup: Setup, now: float) -> Resumed | Violation:
        """Return the session that a setup begins or resumes."""
        if not setup.handle:
            session = Session(setup.model, key=self._upgrade.key)
            return Resumed(session, Memory(context=Context(setup.system_instruction)))
        resumed = self._service.sessions.resume(setup.handle, self._service.switches, now, self._upgrade.key)
        if isinstance(resumed, Resumed) and not self._service.switches.resumed_instruction_wins:
            resumed.memory.context.instruction = setup.system_instruction
        return resumed

    def _complete_setup(self, setup: Setup, conversation: Conversation, now: float) -> None:
        vertex = self._upgrade.flavour is Flavour.VERTEX
        session_id = str(UUID(int=self._rng.getrandbits(128), version=4)) if vertex else ""
        self._outgoing.send(now, messages.setup_complete(session_id), "setup_complete_sent")
        if self._session and self._session.model != setup.model:
            self._outgoing.close(now, endings.MODEL_CHANGED)
        elif setup.handle or (self._service.switches.handles_unasked and not setup.resumption):
            conversation.model.send_new_handle(now)
