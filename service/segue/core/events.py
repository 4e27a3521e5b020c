"""What happens to a session: said by its client, by its link to the model, or by the clock."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from segue.core.options import Options
from segue.core.outputs import CloseReason, Rejection, Usage


class LossCause(Enum):
    """Why a link could not be opened or was lost, in the terms in which a session reacts to it."""

    # The service cannot be reached, refuses service for now, or does not answer the setup in time.
    UNAVAILABLE = auto()
    # The service refuses the credentials.
    CREDENTIALS = auto()
    # The service does not know the model.
    MODEL = auto()
    # The service refuses what was asked for, and would refuse it again.
    REJECTED = auto()
    QUOTA = auto()
    # The connection was closed or broke, and a new one may well work.
    TRANSIENT = auto()
    # The handle of a resumption is not accepted.
    HANDLE = auto()
    # Segue's own fault.
    INTERNAL = auto()


@dataclass(slots=True)
class OpenReceived:
    """The client asked for a session."""

    seq: int
    options: Options


@dataclass(slots=True)
class OpenRefused:
    """The client asked for a session that cannot be."""

    seq: int
    reason: CloseReason
    message: str


@dataclass(slots=True)
class AudioReceived:
    """The user's audio in the session's input format; `voiced` when its level stands out of the noise."""

    seq: int
    audio: bytes
    voiced: bool


@dataclass(slots=True)
class TextReceived:
    seq: int
    text: str


@dataclass(slots=True)
class InterruptReceived:
    """`heard` is in seconds of the turn's audio, None when the client does not know."""

    seq: int
    turn: int
    heard: float | None


@dataclass(slots=True)
class AckReceived:
    """The client had output up to `output_seq` and played `heard` seconds of `turn`, None where it says nothing."""

    output_seq: int
    turn: int
    heard: float | None


@dataclass(slots=True)
class InputRefused:
    """The client sent what cannot be used, and the edge found why."""

    seq: int
    reason: Rejection
    message: str


@dataclass(slots=True)
class CloseReceived:
    seq: int
    finish_turn: bool


@dataclass(slots=True)
class InputEnded:
    """The client half-closed its stream."""


@dataclass(slots=True)
class StreamLost:
    """The client's stream is gone."""


@dataclass(slots=True)
class StreamReady:
    """The stream can take a message of so many events and bytes."""

    max_events: int
    max_bytes: int


@dataclass(slots=True)
class ShutdownRequested:
    """The pod goes down: finish the running turn."""


@dataclass(slots=True)
class Tick:
    """The time of `Session.deadline()` has come."""


@dataclass(slots=True)
class LinkOpened:
    """The setup was accepted."""

    link: int


@dataclass(slots=True)
class LinkLost:
    """The link could not be opened, or is gone. `retry_delay` is in seconds, None when the service named none."""

    link: int
    cause: LossCause
    message: str
    retry_delay: float | None = None


@dataclass(slots=True)
class ModelAudio:
    """The model's speech: 16-bit little-endian mono at 24000 Hz, of any length, even an odd one."""

    link: int
    audio: bytes


@dataclass(slots=True)
class ModelText:
    link: int
    text: str


@dataclass(slots=True)
class ModelTranscribed:
    """A fragment of what the model says, with the spaces that belong to it."""

    link: int
    text: str


@dataclass(slots=True)
class UserTranscribed:
    """A fragment of what the user said, with the spaces that belong to it."""

    link: int
    text: str


@dataclass(slots=True)
class UserActivityDetected:
    """The backend's detector saw an edge of user speech."""

    link: int
    started: bool


@dataclass(slots=True)
class GenerationCompleted:
    """The model has made all of its turn; it is still taken to be playing."""

    link: int


@dataclass(slots=True)
class ModelInterrupted:
    """The backend says that its turn was interrupted."""

    link: int


@dataclass(slots=True)
class TurnCompleted:
    """The backend's turn is over; `reason` is its turnCompleteReason, empty where it gave none."""

    link: int
    reason: str


@dataclass(slots=True)
class UsageReported:
    """What the turn has cost; the backend sends it with the end of the turn or alone."""

    link: int
    usage: Usage


ClientEvent: TypeAlias = (
    OpenReceived
    | OpenRefused
    | AudioReceived
    | TextReceived
    | InterruptReceived
    | AckReceived
    | InputRefused
    | CloseReceived
    | InputEnded
    | StreamLost
    | StreamReady
)
LinkEvent: TypeAlias = (
    LinkOpened
    | LinkLost
    | ModelAudio
    | ModelText
    | ModelTranscribed
    | UserTranscribed
    | UserActivityDetected
    | GenerationCompleted
    | ModelInterrupted
    | TurnCompleted
    | UsageReported
)
Event: TypeAlias = ClientEvent | LinkEvent | ShutdownRequested | Tick
