"""What all connections to one simulated service share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from segue.simulator.conversation.sessions import Sessions
from segue.simulator.dialogue import Dialogue
from segue.simulator.outgoing import Stage
from segue.simulator.speech import Voice
from segue.simulator.switches import Switches
from segue.simulator.timing import Timing
from segue.simulator.wire.tokens import Tokens


def any_credential(_: str) -> bool:
    """Accept whatever key or token a client has."""
    return True


def no_faults(_rng: Random, _opened_at: float) -> Sequence[Stage]:
    """Have all go well."""
    return ()


@dataclass
class Service:
    """A simulated service.

    Attributes:
        dialogue: what is said.
        voice: how it sounds.
        timing: how long things take.
        valid_credential: whether an API key or a token is good.
        switches: how it behaves where that is disputed.
        faults: what goes wrong on a connection, given where its draws come from and when it was opened.
        strict: close at what the real service only sometimes minds.
        model: the only model there is, by its name without a path; empty for all that are known.
        sessions: what resumption handles stand for.
        tokens: the ephemeral tokens that were minted.
    """

    dialogue: Dialogue
    voice: Voice
    timing: Timing = field(default_factory=Timing)
    valid_credential: Callable[[str], bool] = any_credential
    switches: Switches = field(default_factory=Switches)
    faults: Callable[[Random, float], Sequence[Stage]] = no_faults
    strict: bool = False
    model: str = ""
    sessions: Sessions = field(default_factory=Sessions)
    tokens: Tokens = field(default_factory=Tokens)

    def offers(self, model: str) -> bool:
        """Return whether the service has this model, named with or without its path, if any has."""
        return self.model in ("", model.rpartition("/")[2])
