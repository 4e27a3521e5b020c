"""What a session was opened with, validated, in plain Python types."""

from dataclasses import dataclass, field
from enum import Enum, auto
from math import inf


class Modality(Enum):
    AUDIO = auto()
    TEXT = auto()


class Sensitivity(Enum):
    HIGH = auto()
    LOW = auto()


class Mode(Enum):
    """Who decides that the user speaks: the Live API's detector, the client, or Segue's own detector."""

    SERVER = auto()
    MANUAL = auto()
    GATEWAY = auto()

    @property
    def signals(self) -> bool:
        """Whether the model is told when the user begins to speak and has finished."""
        return self is not Mode.SERVER


class Scheduling(Enum):
    """When the model speaks of a tool's result that comes while it may be speaking."""

    INTERRUPT = auto()
    WHEN_IDLE = auto()
    SILENT = auto()


class Encoding(Enum):
    LINEAR16 = auto()
    MULAW = auto()
    ALAW = auto()


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Mono audio of `sample_rate` samples a second, in Hz."""

    encoding: Encoding
    sample_rate: int

    @property
    def sample_bytes(self) -> int:
        return 2 if self.encoding is Encoding.LINEAR16 else 1

    @property
    def bytes_per_second(self) -> int:
        return self.sample_rate * self.sample_bytes


# What the model takes and gives.
MODEL_TAKES = AudioFormat(Encoding.LINEAR16, 16_000)
MODEL_GIVES = AudioFormat(Encoding.LINEAR16, 24_000)


@dataclass(frozen=True, slots=True)
class ServerDetection:
    """How a detector is tuned, the Live API's or Segue's own; None leaves its default."""

    start_sensitivity: Sensitivity | None = None
    end_sensitivity: Sensitivity | None = None
    silence_ms: int | None = None
    prefix_padding_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Compression:
    """When the Live API lets old context go; None leaves its default."""

    trigger_tokens: int | None = None
    target_tokens: int | None = None


# How long a call may take unless the client says otherwise, in seconds.
CALL_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class FunctionDeclaration:
    """A function of the client's; `parameters` is JSON Schema as text, empty for none.

    `blocking` is None where the model's default decides whether it waits for the result. `timeout` is how long a call
    may take, in seconds.
    """

    name: str
    description: str = ""
    parameters: str = ""
    blocking: bool | None = None
    timeout: float = CALL_TIMEOUT


class ResumePolicy(Enum):
    """How an interrupted model learns what was heard."""

    BUILT_IN = auto()
    TEMPLATE = auto()
    # The client tells it.
    CLIENT = auto()
    OFF = auto()


@dataclass(frozen=True, slots=True)
class ResumeContext:
    """`template` is for TEMPLATE alone; `history_turns` of the exchanges before go into the note."""

    policy: ResumePolicy = ResumePolicy.OFF
    template: str = ""
    history_turns: int = 4


@dataclass(frozen=True, slots=True)
class Options:
    """A valid OpenSession. Durations are in seconds.

    `input_format` is what the client sends, which is changed to what the model takes before the session gets it; None
    when the client declared no format. `noise_gate` is for how long after a sound a noise gate lets all through, None
    where there is no gate. `output_format` is what the model's is changed to. The user can interrupt a turn
    once it has played for `barge_in_after`; inf for never. At most `max_unacked_bytes` of audio are on their way to a
    client that acknowledges; 0 for any number. `first_turn` is what the model is to begin with, empty for a greeting,
    None where the user speaks first. `initial_history` holds what the user had said and the model had
    answered before, oldest first. `compression` is None when the client turned it off.
    A model that has waited for a call's result for `interim_after` is given `interim_text`, empty for Segue's own.
    `backend_options` are extra fields of a link's setup, a JSON object as text; empty for none.
    """

    model: str
    voice: str = ""
    language: str = ""
    system_instruction: str = ""
    modality: Modality = Modality.AUDIO
    mode: Mode = Mode.SERVER
    detection: ServerDetection = ServerDetection()
    noise_gate: float | None = None
    functions: tuple[FunctionDeclaration, ...] = ()
    built_in_tools: tuple[str, ...] = ()
    interim_after: float = inf
    interim_text: str = ""
    input_format: AudioFormat | None = None
    output_format: AudioFormat = MODEL_GIVES
    output_frame_duration: float = 0.040
    user_transcripts: bool = True
    model_transcripts: bool = True
    barge_in_after: float = 0.0
    lead: float = 1.0
    unpaced: bool = False
    max_unacked_bytes: int = 0
    resume_context: ResumeContext = ResumeContext()
    first_turn: str | None = None
    initial_history: tuple[tuple[str, str], ...] = ()
    compression: Compression | None = Compression()
    idle_timeout: float = 600.0
    max_duration: float = 14_400.0
    # How long the session waits for its client to come back; 0 ends it with the client's stream.
    resume_window: float = 0.0
    labels: dict[str, str] = field(default_factory=dict)
    notices: bool = False
    backend_options: str = ""

    @property
    def frame_bytes(self) -> int:
        """The size of one audio output."""
        return round(self.output_format.sample_rate * self.output_frame_duration) * self.output_format.sample_bytes


@dataclass(frozen=True, slots=True)
class Update:
    """A valid SessionUpdate: options, of which those that are None stay as they are."""

    system_instruction: str | None = None
    functions: tuple[FunctionDeclaration, ...] | None = None
    built_in_tools: tuple[str, ...] | None = None
    barge_in_after: float | None = None
    lead: float | None = None
    unpaced: bool | None = None
    max_unacked_bytes: int | None = None
