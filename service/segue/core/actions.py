"""What a session asks of whoever drives it."""

from dataclasses import dataclass
from typing import TypeAlias

from segue.core.options import Compression, Modality, ServerDetection
from segue.core.outputs import Output
from segue.core.profiles import TextSlot


@dataclass(frozen=True, slots=True)
class Setup:
    """What a new link is to be set up with. Both transcriptions are always asked for: they are evidence."""

    model: str
    voice: str
    language: str
    system_instruction: str
    modality: Modality
    detection: ServerDetection
    compression: Compression | None


@dataclass(slots=True)
class Dial:
    """Open a link; answer with LinkOpened or LinkLost of the same number."""

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


@dataclass(slots=True)
class Drop:
    """Audio was thrown away instead of being passed on: `seconds` of it, because of `reason`."""

    reason: str
    seconds: float


@dataclass(slots=True)
class End:
    """The session is over and asks for nothing more; forget it."""


Action: TypeAlias = Dial | SendAudio | SendText | HangUp | Wake | Send | Drop | End
