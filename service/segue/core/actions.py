"""What a session asks of whoever drives it."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from segue.core.events import LossCause
from segue.core.options import Compression, FunctionDeclaration, Modality, Mode, Scheduling, ServerDetection
from segue.core.outputs import Closed, Output
from segue.core.profiles import NoteSlot, TextSlot


class Purpose(Enum):
    """Why a link is dialled; where dials are limited, the first come first."""

    RECOVERY = auto()
    OPEN = auto()
    RENEWAL = auto()
    # For nobody yet: a session never asks for it.
    PREWARMING = auto()


class Trigger(Enum):
    """Why a link is renewed."""

    AGE = auto()
    GO_AWAY = auto()
    # The context window is nearly full, and nothing lets old context go.
    CONTEXT = auto()
    # The session was changed, of which the service takes no word while a link is up.
    UPDATE = auto()

    @property
    def afresh(self) -> bool:
        """Whether the next link must not remember what this one does."""
        return self in (Trigger.CONTEXT, Trigger.UPDATE)


class Sign(Enum):
    """What a wedged link was recognised by."""

    # Nothing came where a reply was expected.
    SILENCE = auto()
    # Turns ended without any output.
    EMPTY_TURNS = auto()
    # A turn began and neither went on nor ended.
    STOPPED = auto()
    # The connection took no more.
    DEAD_SOCKET = auto()
    # The model's audio could not be heard.
    FAINT_AUDIO = auto()
    # The service rejected the model's replies.
    REJECTIONS = auto()


@dataclass(frozen=True, slots=True)
class Setup:
    """What a new link is to be set up with. Both transcriptions are always asked for: they are evidence.

    So is resumption; `handle` is empty for a link that resumes nothing. `transparent` asks for the index of the last
    message that a handle covers. `extra` are more fields as the service knows them, a JSON object as text; empty for
    none. Where nobody may interrupt the model the service is not told so: it would not stop for the client either.
    """

    model: str
    voice: str
    language: str
    system_instruction: str
    modality: Modality
    detection: ServerDetection
    compression: Compression | None
    mode: Mode = Mode.SERVER
    functions: tuple[FunctionDeclaration, ...] = ()
    built_in_tools: tuple[str, ...] = ()
    thinking_level: str = ""
    handle: str = ""
    transparent: bool = False
    extra: str = ""


@dataclass(slots=True)
class Dial:
    """Open a link; answer with LinkOpened or LinkLost of the same number.

    With `hold` only the connection is opened, and answered with LinkHeld or LinkLost: the setup waits for SetUp.
    `credential` is the one to stay with, empty for any. Where that is of no use, a link that is set up with a handle is
    not opened with another.
    """

    link: int
    setup: Setup
    purpose: Purpose = Purpose.OPEN
    hold: bool = False
    credential: str = ""


@dataclass(slots=True)
class SetUp:
    """Set up a link that is held, with this in place of what it was dialled with; answer as to Dial without `hold`."""

    link: int
    setup: Setup


@dataclass(slots=True)
class SendAudio:
    """Give user audio to the model: 16-bit little-endian mono of `sample_rate` Hz."""

    link: int
    audio: bytes
    sample_rate: int


@dataclass(slots=True)
class SendText:
    """Give the user's words to the model, which is to answer them."""

    link: int
    text: str
    slot: TextSlot


@dataclass(slots=True)
class SendNote:
    """Give context to the model, which is not to answer it."""

    link: int
    text: str
    slot: NoteSlot


@dataclass(slots=True)
class SendImage:
    """Show the model a picture; `mime_type` is "image/jpeg" or "image/png"."""

    link: int
    content: bytes
    mime_type: str


@dataclass(slots=True)
class SendUpdate:
    """Give the model another system instruction, other tools, or both; what is None stays as it is."""

    link: int
    system_instruction: str | None
    functions: tuple[FunctionDeclaration, ...] | None
    built_in_tools: tuple[str, ...] | None


@dataclass(slots=True)
class SendActivity:
    """Tell the model that the user begins to speak, or has finished."""

    link: int
    started: bool


@dataclass(slots=True)
class JudgeSpeech:
    """Ask a model whether this is speech; answer with SpeechJudged. It is 16-bit mono as the Live API takes it."""

    question: int
    audio: bytes


@dataclass(slots=True)
class Relearn:
    """Take what the user's line carries now for noise."""


@dataclass(slots=True)
class SendToolResult:
    """Give the result of a call to the model: `response` is a JSON object, as text; `call_id` is as the call had it."""

    link: int
    call_id: str
    name: str
    response: str
    scheduling: Scheduling | None
    will_continue: bool


@dataclass(slots=True)
class HangUp:
    """Close a link and forget it; nothing of it needs to be reported any more."""

    link: int


@dataclass(slots=True)
class Wake:
    """There is output, or more of it: send one StreamReady when the stream can take a message."""


@dataclass(slots=True)
class Send:
    """Put this output into the stream message that StreamReady announced. `seq` is 0 for what carries no number."""

    seq: int
    output: Output
    again: bool = False


@dataclass(slots=True)
class Drop:
    """Audio was thrown away instead of being passed on: `seconds` of it, because of `reason`."""

    reason: str
    seconds: float


@dataclass(slots=True)
class ImageDropped:
    """A newer image took the place of one that the model had not seen."""


@dataclass(slots=True)
class Renewed:
    """A link was replaced as planned, or could not be; `gap` is how long there was none, in seconds.

    `cut` tells that it cut a turn; `resumed` that the new link went on by a handle, instead of starting afresh.
    """

    trigger: Trigger
    gap: float
    resumed: bool
    cut: bool


class Outcome(Enum):
    """How a recovery went."""

    RESUMED = auto()
    FRESH = auto()
    FAILED = auto()


@dataclass(slots=True)
class Recovered:
    """A link that was lost or wedged was replaced after so many seconds, or given up."""

    cause: LossCause | Sign
    seconds: float
    outcome: Outcome


@dataclass(slots=True)
class Wedged:
    """A link was found wedged, or shows what may become a wedge."""

    sign: Sign


class OddKind(Enum):
    """What was odd about a turn."""

    # Nothing came where words of the user were to be answered.
    EMPTY = auto()
    # The service rejected the model's reply.
    REJECTED = auto()
    # Nobody could hear it.
    FAINT = auto()


@dataclass(slots=True)
class OddTurn:
    """A turn ended that gave the user nothing; alone it need not mean anything."""

    kind: OddKind


@dataclass(slots=True)
class PhantomSeen:
    """The backend reported an interruption that nobody made. `cut` when that cost the turn its rest."""

    cut: bool


@dataclass(slots=True)
class FalseInterruptionSeen:
    """A sound without words had interrupted the model. `continued` when it was asked to go on."""

    continued: bool


class NoteOutcome(Enum):
    """What became of the note that an interruption leaves."""

    TOLD = auto()
    # The model spoke before it could be told.
    LATE = auto()


@dataclass(slots=True)
class ResumeNoted:
    """The model was told what was heard of a turn that was interrupted, or could not be."""

    outcome: NoteOutcome


@dataclass(slots=True)
class InputReplayed:
    """The user's words were given to the model again: so many seconds of audio, 0 for text alone."""

    seconds: float


@dataclass(slots=True)
class InputLost:
    """A client that came back went on with a higher number: so many inputs were lost with its stream."""

    inputs: int


@dataclass(slots=True)
class Detached:
    """The client is taken for gone: its channel ends with these words, and the session waits for it."""

    closed: Closed


@dataclass(slots=True)
class End:
    """The session is over and asks for nothing more; forget it. None for one that nobody was to be told of."""

    closed: Closed | None = None


# What whoever watches is told; nothing is to be done.
Observation: TypeAlias = (
    Drop
    | ImageDropped
    | Renewed
    | Recovered
    | Wedged
    | OddTurn
    | PhantomSeen
    | FalseInterruptionSeen
    | ResumeNoted
    | InputReplayed
    | InputLost
)

Action: TypeAlias = (
    Dial
    | SetUp
    | SendAudio
    | SendText
    | SendNote
    | SendImage
    | SendUpdate
    | SendActivity
    | JudgeSpeech
    | Relearn
    | SendToolResult
    | HangUp
    | Wake
    | Send
    | Detached
    | End
    | Observation
)
