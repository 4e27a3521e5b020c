"""What happens to a session: said by its client, by its link to the model, or by the clock."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from segue.core.options import Options, Scheduling, Update
from segue.core.outputs import Closed, CloseReason, Rejection, Usage


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
    # The service says that a message or the state of the conversation is invalid, and not which.
    INVALID = auto()
    # The service does not know the message that changes a running session.
    UPDATE = auto()
    # The connection takes no more: what was sent is not acknowledged.
    STALLED = auto()
    # Segue's own fault.
    INTERNAL = auto()


@dataclass(slots=True)
class OpenReceived:
    """The client asked for a session."""

    seq: int
    options: Options


@dataclass(slots=True)
class ResumeReceived:
    """The client goes on with its session on another stream; see `Session.fault_of_resume`.

    It has received everything up to `last_seq`, and played `heard` seconds of `turn`, None where it does not know.
    """

    last_seq: int
    turn: int = 0
    heard: float | None = None


@dataclass(slots=True)
class OpenRefused:
    """The client asked for a session that cannot be."""

    seq: int
    reason: CloseReason
    message: str


@dataclass(slots=True)
class AudioReceived:
    """The user's audio in the session's input format, even none; `voiced` when its level stands out of the noise.

    So many seconds before it, of nothing but `noise`, are not given to the session.
    """

    seq: int
    audio: bytes
    voiced: bool
    noise: float = 0.0


@dataclass(slots=True)
class SpeechJudged:
    """How probable a model takes it to be that what it was asked about is speech, from 0 to 1."""

    question: int
    probability: float


@dataclass(slots=True)
class ImageReceived:
    """A picture that can be shown to the model; `mime_type` is "image/jpeg" or "image/png"."""

    seq: int
    content: bytes
    mime_type: str


@dataclass(slots=True)
class UpdateReceived:
    seq: int
    update: Update


@dataclass(slots=True)
class NoteReceived:
    """Context from the client that is not the user's words; `answer` when the model is to answer it."""

    seq: int
    text: str
    answer: bool


@dataclass(slots=True)
class TextReceived:
    seq: int
    text: str


@dataclass(slots=True)
class ActivityReceived:
    """The client says that the user begins to speak, or has finished."""

    seq: int
    started: bool


@dataclass(slots=True)
class ToolResultReceived:
    """What a function of the client's returned: `response` is a JSON object, as text."""

    seq: int
    call_id: str
    response: str
    scheduling: Scheduling | None = None
    will_continue: bool = False


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
    """The client's stream is gone, and with `for_good` the session with it."""

    for_good: bool = False


@dataclass(slots=True)
class StreamReady:
    """The stream can take a message of so many events and bytes."""

    max_events: int
    max_bytes: int


@dataclass(slots=True)
class ShutdownRequested:
    """The pod goes down: finish the running turn."""


@dataclass(slots=True)
class QuotaReached:
    """A limit of whoever the session belongs to is used up: finish the running turn, and end as `closing` says."""

    closing: Closed


@dataclass(slots=True)
class Tick:
    """The time of `Session.deadline()` has come."""


@dataclass(slots=True)
class LinkHeld:
    """The connection of a link that was dialled with `hold` stands, and waits for its setup.

    `credential` names who the gateway is for the service on this link; a handle is good with that credential alone.
    """

    link: int
    credential: str = ""


@dataclass(slots=True)
class LinkOpened:
    """The setup was accepted; for `credential` see LinkHeld."""

    link: int
    credential: str = ""


@dataclass(slots=True)
class LinkLost:
    """The link could not be opened, or is gone.

    `retry_delay` is in seconds and at most 600, None when the service named none. `code` is that of the WebSocket's
    close, 1006 for a connection that broke, 0 for one that never stood. `elsewhere` tells that the credential is to
    blame and that another one stands ready, with which the conversation can go on, without its handles.
    """

    link: int
    cause: LossCause
    message: str
    retry_delay: float | None = None
    code: int = 0
    elsewhere: bool = False


@dataclass(slots=True)
class GoingAway:
    """The service will close the link in `time_left` seconds."""

    link: int
    time_left: float


@dataclass(slots=True)
class HandleReceived:
    """The conversation so far can be resumed with this handle; empty while it cannot.

    `consumed` is the index of the last client message that it covers, where the service tells.
    """

    link: int
    handle: str
    consumed: int | None = None


@dataclass(slots=True)
class ModelAudio:
    """The model's speech in the session's output format, of any length.

    `faint` when nobody could hear it.
    """

    link: int
    audio: bytes
    faint: bool = False


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
class InputAwaited:
    """The model took the user's words not to be all, or to be none, and waits for more."""

    link: int


@dataclass(slots=True)
class InteractionChanged:
    """Whether the model is through with all that it was asked, where the end of a turn does not say so."""

    link: int
    idle: bool


@dataclass(slots=True)
class ToolCalled:
    """The model asks for a function; `arguments` is a JSON object, as text, `call_id` empty where it gave none."""

    link: int
    call_id: str
    name: str
    arguments: str


@dataclass(slots=True)
class ToolCallsCancelled:
    """The model no longer wants the results of these calls."""

    link: int
    call_ids: tuple[str, ...]


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
    | NoteReceived
    | ImageReceived
    | UpdateReceived
    | ActivityReceived
    | ToolResultReceived
    | InterruptReceived
    | AckReceived
    | InputRefused
    | CloseReceived
    | ResumeReceived
    | InputEnded
    | StreamLost
    | StreamReady
)
LinkEvent: TypeAlias = (
    LinkHeld
    | LinkOpened
    | LinkLost
    | GoingAway
    | HandleReceived
    | ModelAudio
    | ModelText
    | ModelTranscribed
    | UserTranscribed
    | UserActivityDetected
    | GenerationCompleted
    | ModelInterrupted
    | TurnCompleted
    | InputAwaited
    | InteractionChanged
    | ToolCalled
    | ToolCallsCancelled
    | UsageReported
)
Event: TypeAlias = ClientEvent | LinkEvent | SpeechJudged | ShutdownRequested | QuotaReached | Tick
