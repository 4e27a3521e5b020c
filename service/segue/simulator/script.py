"""The Live API's side of one connection, sans-IO: frames in, frames and closes out, the time as a parameter.

    +------------+  setup  +------------+  0.15 s  +------+  a rule broken, or 590 s  +--------+
    | connected  | ------> | setting up | -------> | open | ------------------------> | closed |
    +------------+         +------------+          +------+                           +--------+

The same seed, dialogue and client bytes at the same times give the same frames.
"""

from collections.abc import Iterator
from random import Random
from uuid import UUID

from segue.simulator import messages, rules
from segue.simulator.conversation import Conversation
from segue.simulator.families import Family, family_of
from segue.simulator.history import History
from segue.simulator.outgoing import Outgoing, Output
from segue.simulator.reader import ClientContent, ClientMessage, ContextUpdate, RealtimeInput, Setup, ToolResponse, read
from segue.simulator.rules import Violation
from segue.simulator.schema import Flavour
from segue.simulator.service import Saved, Service
from segue.simulator.upgrade import Upgrade

_NEVER = float("inf")


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
        self._outgoing = Outgoing(history, session)
        self._outgoing.record(now, "connection_opened", path=upgrade.path)
        self._go_away_at = now + service.timing.go_away_after
        self._close_at = now + service.timing.close_after
        self._setup: Setup | None = None
        self._conversation: Conversation | None = None
        self._setup_complete_at = _NEVER
        # What came between the setup and its answer.
        self._early: list[ClientMessage] = []

    def receive(self, frame: str | bytes, now: float) -> list[Output]:
        """Take a WebSocket message, text or binary; return what is to be sent now."""
        self._advance(now)
        if not self._outgoing.closed:
            message = read(frame, self._upgrade.flavour)
            violation = self._credential_violation() or (
                message if isinstance(message, Violation) else self._take(message, now)
            )
            if violation:
                self._outgoing.close(now, violation)
        # Answers may be due at once.
        return self.tick(now)

    def tick(self, now: float) -> list[Output]:
        """Return what has become due by now."""
        self._advance(now)
        return self._outgoing.take()

    def deadline(self) -> float:
        """Return when to call `tick` next; infinity once the connection is closed."""
        if self._outgoing.closed:
            return _NEVER
        conversation_at = self._conversation.deadline() if self._conversation else _NEVER
        return min(self._setup_complete_at, conversation_at, self._go_away_at, self._close_at)

    def connection_lost(self, code: int, reason: str, closed_by: str, now: float) -> None:
        """Take it that the connection is gone. `closed_by` is "client" or "server"."""
        self._outgoing.lost(now, code, reason, closed_by)

    def _advance(self, now: float) -> None:
        if self._outgoing.closed:
            return
        if now >= self._setup_complete_at and self._setup and self._conversation:
            self._setup_complete_at = _NEVER
            self._complete_setup(self._setup, self._conversation, now)
        if self._conversation and not self._outgoing.closed:
            self._conversation.advance(now)
        if now >= self._go_away_at:
            self._go_away_at = _NEVER
            left = self._service.timing.close_after - self._service.timing.go_away_after
            self._outgoing.send(now, messages.go_away(left), "go_away_sent", time_left=left)
        if now >= self._close_at:
            self._outgoing.close(now, rules.GO_AWAY_IGNORED)

    def _credential_violation(self) -> Violation | None:
        """Return what is wrong with the key: told by a close after the upgrade, never by an HTTP status."""
        if self._setup:
            return None
        if not self._upgrade.credential:
            return rules.API_KEY_MISSING
        return None if self._service.valid_credential(self._upgrade.credential) else rules.API_KEY_INVALID

    def _take(self, message: ClientMessage, now: float) -> Violation | None:
        for kind, fields in _sightings(message):
            self._outgoing.record(now, kind, **fields)
        if isinstance(message, Setup):
            return rules.SETUP_TWICE if self._setup else self._set_up(message, now)
        if self._conversation is None:
            return rules.SETUP_NOT_FIRST
        if self._setup_complete_at < _NEVER:
            self._early.append(message)
            return None
        return self._converse(self._conversation, message, now)

    def _converse(self, conversation: Conversation, message: ClientMessage, now: float) -> Violation | None:
        match message:
            case RealtimeInput():
                return conversation.realtime_input(message, now)
            case ClientContent():
                return conversation.client_content(message, now)
            case _:
                # Dialogues call no tools yet, and instructions change nothing that a dialogue says.
                return None

    def _set_up(self, setup: Setup, now: float) -> Violation | None:
        family = family_of(setup.model)
        if family is None:
            return rules.model_unknown(setup.model, self._upgrade.version)
        if violation := _setup_violation(setup, family):
            return violation
        saved = self._service.saved.get(setup.handle) if setup.handle else Saved()
        if saved is None:
            return rules.HANDLE_UNKNOWN
        self._setup = setup
        self._conversation = Conversation(
            self._service, setup, family, self._upgrade.flavour, self._rng, self._outgoing, saved
        )
        self._setup_complete_at = now + self._service.timing.setup.draw(self._rng)
        return None

    def _complete_setup(self, setup: Setup, conversation: Conversation, now: float) -> None:
        vertex = self._upgrade.flavour is Flavour.VERTEX
        session_id = str(UUID(int=self._rng.getrandbits(128), version=4)) if vertex else ""
        self._outgoing.send(now, messages.setup_complete(session_id), "setup_complete_sent")
        if setup.handle:
            conversation.model.send_new_handle(now)
        early, self._early = self._early, []
        for message in early:
            if violation := self._converse(conversation, message, now):
                self._outgoing.close(now, violation)
                return


def _setup_violation(setup: Setup, family: Family) -> Violation | None:
    modalities = setup.modalities or ("AUDIO",)
    if len(modalities) > 1 or modalities[0] not in family.modalities:
        return rules.modality_unsupported(modalities)
    if setup.language_code and not family.takes_language:
        return rules.language_unsupported(setup.language_code)
    return None


def _sightings(message: ClientMessage) -> Iterator[tuple[str, dict[str, str | int]]]:
    """Yield the records of a message, in the order in which the service looks at its fields."""
    match message:
        case Setup():
            yield "setup_received", {"model": message.model, "resumed": bool(message.handle)}
        case ClientContent():
            size = sum(_size(turn.text) for turn in message.turns)
            yield "text_received", {"bytes": size, "arm": "client_content", "turn_complete": message.turn_complete}
        case RealtimeInput():
            if message.activity_start:
                yield "activity_start_received", {}
            if message.audio:
                yield "audio_received", {"bytes": len(message.audio.content)}
            if message.video:
                yield "video_received", {"bytes": len(message.video.content)}
            if message.text is not None:
                yield "text_received", {"bytes": _size(message.text), "arm": "realtime_input"}
            if message.audio_stream_end:
                yield "audio_stream_end_received", {}
            if message.activity_end:
                yield "activity_end_received", {}
        case ToolResponse():
            yield "tool_response_received", {"responses": len(message.responses)}
        case ContextUpdate():
            yield "context_update_received", {}


def _size(text: str) -> int:
    # A lone surrogate is valid JSON and no UTF-8.
    return len(text.encode("utf-8", "replace"))
