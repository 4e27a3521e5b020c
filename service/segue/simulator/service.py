"""What all connections to one simulated service share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from segue.simulator.dialogue import Dialogue, Place
from segue.simulator.speech import Voice
from segue.simulator.timing import Timing


@dataclass(frozen=True, slots=True)
class Saved:
    """What a resumption handle stands for: the place in the dialogue, and the context's tokens by modality."""

    place: Place = field(default_factory=Place)
    context: Mapping[str, int] = field(default_factory=dict)


def any_credential(_: str) -> bool:
    """Accept whatever key or token a client has."""
    return True


@dataclass
class Service:
    """A simulated service.

    Attributes:
        dialogue: what is said.
        voice: how it sounds.
        timing: how long things take.
        valid_credential: whether an API key or a token is good.
        saved: what each resumption handle stands for.
    """

    dialogue: Dialogue
    voice: Voice
    timing: Timing = field(default_factory=Timing)
    valid_credential: Callable[[str], bool] = any_credential
    saved: dict[str, Saved] = field(default_factory=dict)
