"""How a server keeps its sessions alive: what its operator decides, for all of them."""

from dataclasses import dataclass, replace
from enum import Enum, auto

from segue.core.options import ResumeContext, ResumePolicy
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
        transcripts_run_ahead: those of the model's speech come ahead of it, which they do on Vertex AI.
        overlap: a link is hung up when its successor is up, instead of before that is set up.
        renewal_jitter: a link's age limit is up to so much lower, so that links that were opened together are not
            renewed together.
        false_interruption: what happens after one.
        resume_template: what an interrupted model is told where the client leaves the wording to the server; empty for
            Segue's own.
    """

    profiles: tuple[Profile, ...] = PROFILES
    transparent: bool = False
    transcripts_run_ahead: bool = False
    overlap: bool = False
    renewal_jitter: float = 60.0
    false_interruption: FalseInterruption = FalseInterruption.CONTINUE
    resume_template: str = ""

    def resume_context(self, asked: ResumeContext) -> ResumeContext:
        """Return how an interrupted model learns what was heard, where a client asked for this."""
        if asked.policy is ResumePolicy.BUILT_IN and self.resume_template:
            return replace(asked, policy=ResumePolicy.TEMPLATE, template=self.resume_template)
        return asked
