"""What a session says, in plain Python: durations are seconds, enums are their values' names without the prefix."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Opened:
    """The session is ready. `session_id` names it in the gateway's logs; `model` is who answers."""

    session_id: str
    model: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """The connection broke, and the session went on by itself.

    What was on its way comes now, once, and so does what you sent meanwhile; with `output_lost`, something that was
    said will not come again. `last_input_seq` is the last numbered input that the gateway had.
    """

    last_input_seq: int
    output_lost: bool


@dataclass(frozen=True, slots=True)
class Audio:
    """The model's speech: 16-bit signed little-endian mono samples, at 24000 Hz unless asked for otherwise."""

    turn: int
    pcm: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Text:
    """A fragment of the model's words, when it answers with text instead of speech."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """A fragment of what was said; join fragments as they come.

    `speaker` is "USER" or "MODEL". The turn of the user's words is the one that answers them, 0 until it is known.
    """

    turn: int
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class UserActivity:
    """The user began ("START") or stopped ("END") speaking."""

    edge: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The turn was cut: stop playing it now. No audio of it follows.

    The words are split at what the user heard, provisionally: `TurnEnded` has the final split. `cause` says who cut
    it: "USER", "CLIENT" (`Session.interrupt`), ...; "NONE" when `Session.interrupt` found nothing to cut. After
    "PHANTOM" (nobody did) and "RECOVERY" (a link to the model was replaced) the model goes on in a new turn.
    `stop_latency` is for how many seconds the gateway still sent audio of the turn after the first sign of the
    interruption; None where nobody interrupted or none had been sent.
    """

    turn: int
    cause: str
    heard_text: str
    unheard_text: str
    heard: float
    stop_latency: float | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the model counts them. The maps are by modality: {"AUDIO": 120, "TEXT": 80}."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    thinking_tokens: int = 0
    input_by_modality: dict[str, int] = field(default_factory=dict)
    output_by_modality: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The turn is over; nothing of it follows.

    Attributes:
        turn: the turn's number.
        reason: "COMPLETED", "INTERRUPTED", "REFUSED" (then `backend_reason` says more), ...
        heard_text: the model's words that the user heard.
        unheard_text: the model's words that the user did not hear.
        heard: how much of the audio the user heard, in seconds.
        audio_duration: how much audio the model made, in seconds.
        first_audio_latency: seconds from the end of the user's words to the first audio; None where not known.
        usage: what the turn cost.
        backend_reason: the Live API's own reason, where it gave one.
    """

    turn: int
    reason: str
    heard_text: str
    unheard_text: str
    heard: float
    audio_duration: float
    first_audio_latency: float | None
    usage: Usage
    backend_reason: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a function; answer with `Session.send_tool_result`. `arguments` are plain JSON values."""

    turn: int
    call_id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCallCancelled:
    """The model no longer wants the result of a call."""

    call_id: str


@dataclass(frozen=True, slots=True)
class Grounding:
    """Where the model's words come from: the Live API's grounding metadata."""

    turn: int
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Notice:
    """What the gateway did behind the scenes, for those who set `include_notices`. `took` is in seconds."""

    kind: str
    message: str
    took: float | None


@dataclass(frozen=True, slots=True)
class InputRejected:
    """Something that was sent could not be used; the session is unharmed. `message` says what to do."""

    input_seq: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class GoAway:
    """The connection ends at `deadline` (UTC). The session goes on by itself, unless its `resume_window` is 0."""

    deadline: datetime


@dataclass(frozen=True, slots=True)
class Totals:
    """A session's sums; durations in seconds."""

    duration: float
    turns: int
    interruptions: int
    input_audio: float
    output_audio: float
    usage: Usage


@dataclass(frozen=True, slots=True)
class Closed:
    """How the session ended: `Session.closed`. Fields as in `SessionError`; `totals` where the session is over."""

    reason: str
    message: str
    retry_delay: float | None
    next: str
    totals: Totals | None


# What iterating over a session yields. Match the ones you need and let the others pass: there will be more.
Event: TypeAlias = (
    Opened
    | Resumed
    | Audio
    | Text
    | Transcript
    | UserActivity
    | Interrupted
    | TurnEnded
    | ToolCall
    | ToolCallCancelled
    | Grounding
    | Notice
    | InputRejected
    | GoAway
)
