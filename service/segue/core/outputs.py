"""What a session says to its client, before it has a number."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias


class Speaker(Enum):
    USER = auto()
    MODEL = auto()


class CutCause(Enum):
    """Why a turn was cut. NONE answers an Interrupt that cut nothing."""

    NONE = auto()
    USER = auto()
    CLIENT = auto()
    PHANTOM = auto()
    RECOVERY = auto()
    TOOL = auto()
    DETACHED = auto()


class EndReason(Enum):
    """Why a turn ended."""

    COMPLETED = auto()
    INTERRUPTED = auto()
    OUTPUT_OVERFLOW = auto()
    REFUSED = auto()
    LINK_LOST = auto()
    SESSION_CLOSED = auto()


class Rejection(Enum):
    """Why one input was not used."""

    UNIMPLEMENTED = auto()
    UNKNOWN_INPUT = auto()
    ALREADY_OPEN = auto()
    NO_INPUT_FORMAT = auto()
    ODD_BYTES = auto()
    EMPTY = auto()
    TOO_LARGE = auto()
    INPUT_OVERFLOW = auto()
    WRONG_MODE = auto()
    INVALID_IMAGE = auto()
    INVALID_FIELD = auto()
    ENDING = auto()
    UNSUPPORTED_BY_MODEL = auto()
    UNKNOWN_CALL = auto()


class CloseReason(Enum):
    """Why a session ended."""

    COMPLETED = auto()
    IDLE_TIMEOUT = auto()
    MAX_DURATION = auto()
    INVALID_OPEN = auto()
    UNIMPLEMENTED = auto()
    NOT_OPEN = auto()
    INPUT_GAP = auto()
    TAKEN_OVER = auto()
    DETACHED = auto()
    RESUME_UNKNOWN = auto()
    RESUME_REJECTED = auto()
    QUOTA = auto()
    OVERLOADED = auto()
    UNAUTHENTICATED = auto()
    PERMISSION_DENIED = auto()
    SHUTTING_DOWN = auto()
    BACKEND_UNAVAILABLE = auto()
    BACKEND_CREDENTIALS = auto()
    BACKEND_MODEL = auto()
    BACKEND_REJECTED = auto()
    BACKEND_QUOTA = auto()
    BACKEND_LOST = auto()
    BACKEND_WEDGED = auto()
    CONTEXT_FULL = auto()
    INTERNAL = auto()


class NoticeKind(Enum):
    """What was done behind the scenes."""

    RENEWED = auto()
    RECOVERED = auto()
    WEDGED = auto()
    PHANTOM_INTERRUPT = auto()
    FALSE_INTERRUPTION = auto()
    INPUT_REPLAYED = auto()


class Next(Enum):
    """What a client should do after a close."""

    NONE = auto()
    RESUME = auto()
    OPEN_AGAIN = auto()


@dataclass(slots=True)
class Usage:
    """Tokens as the model counts them; the maps are by the Live API's modality name."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    thinking_tokens: int = 0
    input_by_modality: dict[str, int] | None = None
    output_by_modality: dict[str, int] | None = None

    def add(self, other: "Usage") -> None:
        """Add another usage to this one, modality by modality."""
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.total_tokens += other.total_tokens
        self.thinking_tokens += other.thinking_tokens
        self.input_by_modality = _summed(self.input_by_modality, other.input_by_modality)
        self.output_by_modality = _summed(self.output_by_modality, other.output_by_modality)


def _summed(one: dict[str, int] | None, other: dict[str, int] | None) -> dict[str, int] | None:
    if one is None or other is None:
        return dict(one or other or {}) or None
    return one | {modality: one.get(modality, 0) + tokens for modality, tokens in other.items()}


@dataclass(slots=True)
class Opened:
    """`resume_token` is a secret; empty where the session ends with its stream."""

    session_id: str
    model: str
    resume_token: str = field(default="", repr=False)


@dataclass(slots=True)
class Resumed:
    """The session goes on, on another stream: the last numbered input that it has, and whether output was lost."""

    last_input_seq: int
    output_lost: bool


@dataclass(slots=True)
class Audio:
    """One frame in the session's output format."""

    turn: int
    audio: bytes


@dataclass(slots=True)
class Text:
    turn: int
    text: str


@dataclass(slots=True)
class Transcript:
    turn: int
    speaker: Speaker
    text: str


@dataclass(slots=True)
class UserActivity:
    started: bool


@dataclass(slots=True)
class Interrupted:
    """`heard` is in seconds of the turn's audio.

    `stop_latency` is from the first sign of an interruption to the last audio that was released, in seconds; None where
    nobody interrupted, or none had been released.
    """

    turn: int
    cause: CutCause
    heard_text: str = ""
    unheard_text: str = ""
    heard: float = 0.0
    stop_latency: float | None = None


@dataclass(slots=True)
class TurnEnded:
    """Durations are in seconds; `first_audio_latency` is None when the end of the user's words is not known."""

    turn: int
    reason: EndReason
    heard_text: str
    unheard_text: str
    heard: float
    audio: float
    first_audio_latency: float | None
    usage: Usage | None
    backend_reason: str


@dataclass(slots=True)
class ToolCall:
    """`arguments` is a JSON object, as text."""

    turn: int
    call_id: str
    name: str
    arguments: str


@dataclass(slots=True)
class ToolCallCancelled:
    """A call whose result nobody wants any more; `timed_out` when that is for its lateness."""

    call_id: str
    timed_out: bool = False


@dataclass(slots=True)
class Notice:
    """What was done behind the scenes, in words for a person; `took` is in seconds, None where it took no time."""

    kind: NoticeKind
    message: str
    took: float | None = None


@dataclass(slots=True)
class InputAck:
    input_seq: int


@dataclass(slots=True)
class InputRejected:
    input_seq: int
    reason: Rejection
    message: str


@dataclass(slots=True)
class Totals:
    """A session's sums; durations in seconds."""

    duration: float = 0.0
    turns: int = 0
    interruptions: int = 0
    input_audio: float = 0.0
    output_audio: float = 0.0
    usage: Usage | None = None


@dataclass(slots=True)
class Closed:
    """`retry_delay` is in seconds, None when trying again does not depend on time."""

    reason: CloseReason
    message: str
    next: Next
    retry_delay: float | None = None
    totals: Totals | None = None


Output: TypeAlias = (
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
    | Notice
    | InputAck
    | InputRejected
    | Closed
)

# These carry seq 0: they are no part of the replayed output.
UNNUMBERED = (Opened, Resumed, Notice, InputAck, InputRejected)
