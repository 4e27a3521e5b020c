"""How a server keeps its sessions alive: what its operator decides, for all of them."""

from dataclasses import dataclass
from enum import Enum, auto

from segue.core.profiles import PROFILES, Profile


class FalseInterruption(Enum):
    """What happens after a sound without words interrupted the model."""

    # The model is asked to go on.
    CONTINUE = auto()
    # It waits for the user.
    WAIT = auto()


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for every session of a server. Times are in seconds.

    Attributes:
        profiles: the families of models, the one for unknown models last.
        transparent: handles come with the index of the last message that they cover; Vertex AI alone has that.
        overlap: a link is hung up when its successor is up, instead of before that is set up.
        renewal_jitter: a link's age limit is up to so much lower, so that links that were opened together are not
            renewed together.
        false_interruption: what happens after one.
    """

    profiles: tuple[Profile, ...] = PROFILES
    transparent: bool = False
    overlap: bool = False
    renewal_jitter: float = 60.0
    false_interruption: FalseInterruption = FalseInterruption.CONTINUE
