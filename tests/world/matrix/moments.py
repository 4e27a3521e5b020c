"""The moments of a session in which a fault can strike."""

from enum import Enum


class Moment(Enum):
    """A moment; the value says what it is."""

    OPENING = "the first link is being set up, and the user speaks already"
    IDLE = "the link is up, and nothing goes on"
    USER_SPEAKING = "the user is in the middle of a sentence"
    MODEL_SPEAKING = "the model generates its answer, and audio arrives"
    PLAYING_OUT = "the answer is generated, and the client still plays it"
    TOOL_PENDING = "a call that blocks and one that does not wait for their results"
    RENEWING = "the old link is hung up, and the next one is being set up"
    RECOVERING = "a link was lost with words unanswered, and the next one is being set up"

    @property
    def title(self) -> str:
        """The heading of its column."""
        return self.name.lower().replace("_", " ")


# In these the connection that counts is not set up yet.
SETTING_UP = frozenset({Moment.OPENING, Moment.RENEWING, Moment.RECOVERING})
