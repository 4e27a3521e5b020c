"""What was said in a session: the user's words, and the model's turns that answer them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

NEVER = float("inf")
# What Segue itself says to the model, whatever it quotes (core.wording).
_NOTE = re.compile(r"\[Note from the voice system[^.]*\. ?(.*?) End of the note\.\]", re.DOTALL)
# So it begins to ask for a first turn.
FIRST_TURN = "The conversation begins, and you speak first."


@dataclass(slots=True)
class ModelTurn:
    """One turn of the model, as the service made it.

    Attributes:
        link: the number of its link.
        number: counted from 1 on each connection.
        begun_at: when it began to be made.
        stamps: ranges of the user's stamps that it answers.
        text: the text that it answers.
        answers: it was to say something that can be heard.
        said: it said something.
        said_at: when it said the first of that.
        finished: it ended after that.
        interrupted: it was cut by the service.
        explained: the service waits for more of the user's words, or refuses to answer, and said so.
        doubtful: its end may be taken for that of an interruption: of an `interrupted` that came when nothing was said.
        blocks: ranges of the numbers of its speech.
        sentences: what is said in each of these ranges, where that is known.
        fragments: its transcript, piece by piece as it was sent.
        read_at: when the client got the first text of it.
        called_at: when the client got its first call of a function.
        blurred: where it begins cannot be told.
        over_at: when its end was sent.
        ended_at: the same, or when its link was gone.
    """

    link: int
    number: int
    begun_at: float
    stamps: tuple[tuple[int, int], ...]
    text: str
    answers: bool = True
    said: bool = False
    said_at: float = NEVER
    finished: bool = False
    interrupted: bool = False
    explained: bool = False
    doubtful: bool = False
    blocks: list[tuple[int, int]] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    fragments: list[str] = field(default_factory=list)
    read_at: float = NEVER
    called_at: float = NEVER
    blurred: bool = False
    over_at: float = NEVER
    ended_at: float = NEVER

    @property
    def spoken(self) -> Iterator[int]:
        """The numbers of the blocks that were to be spoken."""
        return (block for first, last in self.blocks for block in range(first, last + 1))

    @property
    def seconds(self) -> float:
        """How long it takes to say all of it."""
        return sum(last - first + 1 for first, last in self.blocks) * 0.02

    @property
    def empty(self) -> bool:
        """Whether it ended without a word, and nobody had interrupted it."""
        return self.over_at < NEVER and not (self.said or self.interrupted)

    @property
    def goes_on(self) -> bool:
        """Whether Segue asked for it, to go on with another turn or with the results of a call."""
        return bool(self.text) and not (self.asked or self.stamps)

    @property
    def asked(self) -> str:
        """What it answers of the user's own, without Segue's notes."""
        return _NOTE.sub("", self.text).strip()

    def holds(self, first: int, last: int) -> int:
        """Return how many of these stamps it answers."""
        return sum(max(0, min(last, end) - max(first, begin) + 1) for begin, end in self.stamps)


@dataclass(slots=True)
class Words:
    """Something that the user said or wrote, and is to be answered.

    Attributes:
        at: when it was over.
        first: the first of its stamps, and
        last: the last; -1 for a text.
        text: the text that was written.
        demanded: they are a note of the client's, which does not cut what plays.
        heard_as: what the service took the speech to say.
        until: when the user went on to something else, or the session was over.
        seq: the number of the input with which it was over; 0 where it has none.
        beside: how long it took, in seconds, to say what a text was written beside.
        waits: how long after a text was written the speech that it is a part of was over and could be said once more,
            in seconds; infinity until then.
    """

    at: float
    first: int = -1
    last: int = -1
    text: str = ""
    demanded: bool = False
    heard_as: set[str] = field(default_factory=set)
    until: float = NEVER
    seq: int = 0
    beside: float = 0.0
    waits: float = 0.0

    @property
    def seconds(self) -> float:
        """How long it took to say."""
        return (self.last - self.first + 1) * 0.02 if self.last >= 0 else self.beside


def with_demands(text: str, demands: Iterable[str]) -> str:
    """Return a text with those notes bare that begin with a demand of the client's, which is to be answered."""
    begin = tuple(demands)
    return _NOTE.sub(lambda note: note[1] if note[1].startswith(begin) else note[0], text)
