"""What one session's client was told, what of it breaks a promise, and how long its user waited."""

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

from segue_client.segue.v1.error_pb2 import Error
from segue_client.segue.v1.server_event_pb2 import InputRejected, Interrupted, Notice, ServerEvent, TurnEnded
from segue_client.wire import enum_name

# After these the model goes on in a new turn.
_CONTINUED = frozenset({"RECOVERY", "PHANTOM"})
_BYTES_PER_SECOND = 48_000
_REMEMBERED = 20
_RECENT = 12


@dataclass(frozen=True, slots=True)
class Exchange:
    """Something that the user said, and its answer.

    Attributes:
        kind: how it was said.
        latency: from the end of the words to the first audio of the answer, in seconds.
        trouble: what went wrong meanwhile, as far as the gateway said so; renewals are no trouble.
        renewed: the link was renewed meanwhile.
    """

    kind: str
    latency: float
    trouble: tuple[str, ...]
    renewed: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """How a turn ended: `cause` is that of its interruption, `unheard` whether the user missed some of its words."""

    turn: int = 0
    reason: str = ""
    cause: str = ""
    unheard: bool = False


@dataclass(slots=True)
class Witness:
    """Sees all that a session says.

    Attributes:
        number: which session.
        session_id: what the gateway's logs call it.
        last_seq: the number of the newest numbered output.
        audio_turn: the newest turn that had audio, when that began, and how many seconds of it came.
        due: how many turns there is a reason for: words that await their answer, results, sounds.
        unasked: what there was none for, as for a second answer; what goes on with a turn is none.
        speaking: the turn that had audio and has not ended; 0 for none.
        ended: the newest turn that ended.
        turns: how many turns ended.
        calls: function calls that wait for a result.
        notices: what the gateway did behind the scenes: kind, message, and the seconds that it took.
        cuts: how many turns were interrupted, by cause.
        rejected: how many inputs were rejected.
        exchanges: what was said and answered.
        broken: what breaks a promise.
        closed: the reason of the session's end; empty until then.
    """

    number: int
    session_id: str = ""
    last_seq: int = 0
    audio_turn: int = 0
    first_audio_at: float = 0.0
    heard: float = 0.0
    due: int = 0
    unasked: list[str] = field(default_factory=list)
    speaking: int = 0
    ended: Ended = Ended()
    turns: int = 0
    calls: list[str] = field(default_factory=list)
    notices: list[tuple[str, str, float | None]] = field(default_factory=list)
    cuts: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    exchanges: list[Exchange] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    closed: str = ""
    _cut: dict[int, str] = field(default_factory=dict)
    # What the latest outputs were, and of which turns.
    _recent: deque[tuple[str, int]] = field(default_factory=lambda: deque(maxlen=_RECENT))

    @property
    def broken_off(self) -> int:
        """How many turns were interrupted with which the model is to go on in new ones."""
        return sum(self.cuts[cause] for cause in _CONTINUED)

    @property
    def broke_off(self) -> bool:
        """Whether nothing was said since a turn broke off: what comes next goes on with it."""
        return self.ended.cause in _CONTINUED and self.ended.turn == self.audio_turn

    @property
    def unfinished(self) -> bool:
        """Whether the model is to go on in a new turn."""
        return self.ended.cause in _CONTINUED and self.ended.unheard

    def receive(self, event: ServerEvent, now: float) -> None:
        """Take an output, as it comes off the stream."""
        if event.seq:
            if event.seq != self.last_seq + 1:
                self.breaks("Gapless", f"output {event.seq} after {self.last_seq}")
            self.last_seq = event.seq
        kind = event.WhichOneof("output") or "unknown"
        if not self._recent or self._recent[-1] != (_described(event), event.turn):
            self._recent.append((_described(event), event.turn))
        match kind:
            case "opened":
                self.session_id = event.opened.session_id
            case "audio":
                self._hear(event.turn, event.audio, now)
            case "interrupted":
                self._cut[event.turn] = enum_name(Interrupted.Cause, event.interrupted.cause)
                self.cuts[self._cut[event.turn]] += 1
                self.speaking = 0
            case "turn_ended":
                self._end(event.turn, event.turn_ended)
            case "tool_call":
                self.calls.append(event.tool_call.call_id)
                # What the model says before its call, and with the result.
                self.due += 1
            case "tool_call_cancelled" if event.tool_call_cancelled.call_id in self.calls:
                self.calls.remove(event.tool_call_cancelled.call_id)
            case "notice":
                notice = event.notice
                took = notice.took.ToTimedelta().total_seconds() if notice.HasField("took") else None
                self.notices.append((enum_name(Notice.Kind, notice.kind), notice.message, took))
                # What a sound cut off may be gone on with.
                self.due += notice.kind == Notice.KIND_FALSE_INTERRUPTION
            case "input_rejected":
                self.rejected[enum_name(InputRejected.Reason, event.input_rejected.reason)] += 1
            case "closed":
                self.closed = enum_name(Error.Reason, event.closed.error.reason)

    def breaks(self, promise: str, how: str) -> None:
        """Note that a promise was broken."""
        self.broken.append(f"{promise}: {self._told(how)}")

    def _told(self, how: str) -> str:
        at = datetime.now(UTC).strftime("%H:%M:%S.%f")
        latest = ", ".join(f"{kind} {turn}" if turn else kind for kind, turn in self._recent)
        return f"session {self.number} ({self.session_id}) at {at}: {how}; the latest: {latest}"

    def _hear(self, turn: int, audio: bytes, now: float) -> None:
        if turn in self._cut:
            self.breaks("Silent", f"audio of turn {turn} after it was interrupted ({self._cut[turn]})")
        if turn <= self.ended.turn or turn < self.audio_turn:
            self.breaks("Ordered", f"audio of turn {turn} after that of turn {self.audio_turn}")
        if turn > self.audio_turn:
            if not self.broke_off:
                if not self.due:
                    self.unasked.append(self._told(f"turn {turn} answers nothing"))
                self.due = max(0, self.due - 1)
            self.audio_turn, self.first_audio_at, self.heard = turn, now, 0.0
        self.speaking = turn
        self.heard += len(audio) / _BYTES_PER_SECOND

    def _end(self, turn: int, ended: TurnEnded) -> None:
        if turn <= self.ended.turn:
            self.breaks("Ordered", f"turn {turn} ended after turn {self.ended.turn}")
        self.turns += 1
        reason = enum_name(TurnEnded.Reason, ended.reason)
        self.ended = Ended(turn, reason, self._cut.get(turn, ""), unheard=bool(ended.unheard_text.strip()))
        if self.speaking == turn:
            self.speaking = 0
        # Nothing comes any more of turns that ended long ago.
        self._cut.pop(turn - _REMEMBERED, None)


def _described(event: ServerEvent) -> str:
    kind = event.WhichOneof("output") or "unknown"
    if kind == "interrupted":
        return f"{kind} by {enum_name(Interrupted.Cause, event.interrupted.cause)}"
    return f"{kind} {enum_name(Notice.Kind, event.notice.kind)}" if kind == "notice" else kind
