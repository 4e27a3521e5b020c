"""Dialogues: what the user is taken to have said, and what the model answers.

The simulator understands no speech. A dialogue says in advance what each utterance was, in order; texts, which it can
read, are answered by the words in them. `dialogue_file` reads one from a file.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Call:
    """A function that the model wants called."""

    name: str
    args: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One exchange.

    Attributes:
        model: what the model answers; empty for nothing at all.
        user: what the user is taken to have said; empty where a text was sent.
        delay: seconds to the first output; None leaves it to the timing.
        words: a text that holds all of these, in lower case, is answered so.
        calls: functions that the model calls at once, of those that the client declares.
        before: what it says before the call.
        meanwhile: what it says on after a call that does not block.
        after: what it says with the results; empty for `model`.
        thought: what it thinks before it answers, if it thinks.
        addressed: the user meant the model.
        waits: the user was not done; nothing is answered.
        reason: the turn's `turnCompleteReason`; empty for none.
        code: what the model runs before it answers, if it may; empty for nothing.
        output: what that gave.
        queries: what the model searches for, if it may.
        pages: title and address of what it finds.
        urls: what it reads, if it may.
    """

    model: str
    user: str = ""
    delay: float | None = None
    words: frozenset[str] = frozenset()
    calls: tuple[Call, ...] = ()
    before: str = ""
    meanwhile: str = ""
    after: str = ""
    thought: str = ""
    addressed: bool = True
    waits: bool = False
    reason: str = ""
    code: str = ""
    output: str = ""
    queries: tuple[str, ...] = ()
    pages: tuple[tuple[str, str], ...] = ()
    urls: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the model says where it calls nothing, sentence by sentence."""
        return sentences_of(self.model)


def sentences_of(text: str) -> tuple[str, ...]:
    """Cut a text into sentences."""
    return tuple(re.split(r"(?<=[.!?])\s+", text)) if text else ()


def fill(text: str, words: Mapping[str, str]) -> str:
    """Put words in the place of their names in braces; other braces stay."""
    return _PLACEHOLDER.sub(lambda name: words.get(name[1], name[0]), text)


# The answer to an activity in which nobody spoke.
NOTHING_HEARD = Line("Sorry, I did not catch that.")


@dataclass(frozen=True, slots=True)
class Dialogue:
    """See the module. `pause` is in seconds."""

    utterances: tuple[Line, ...]
    further: tuple[Line, ...]
    texts: tuple[Line, ...]
    fallback: tuple[Line, ...]
    pause: float = 0.2

    def spoken(self, index: int) -> Line:
        """Return the line of the utterance with this index, counted from 0."""
        if index < len(self.utterances):
            return self.utterances[index]
        cycle = self.further or self.utterances
        return cycle[(index - len(self.utterances)) % len(cycle)]

    def written(self, text: str, index: int) -> Line:
        """Return the line that answers a text. `index` counts the texts that only the fallback answered."""
        words = frozenset(re.findall(r"\w+", text.lower()))
        return next((line for line in self.texts if line.words <= words), self.fallback[index % len(self.fallback)])

    def sentences(self) -> Iterator[str]:
        """Yield every sentence that the model may say, some perhaps twice; not those that have a placeholder."""
        for line in (*self.utterances, *self.further, *self.texts, *self.fallback, NOTHING_HEARD):
            for text in (line.model, line.before, line.meanwhile, line.after):
                yield from (sentence for sentence in sentences_of(text) if not _PLACEHOLDER.search(sentence))


@dataclass(frozen=True, slots=True)
class Place:
    """How far a dialogue has come: utterances that were spoken, and texts that only the fallback answered."""

    spoken: int = 0
    unmatched: int = 0


class Cursor:
    """Goes through a dialogue.

    Attributes:
        place: how far it has come.
    """

    def __init__(self, dialogue: Dialogue, place: Place) -> None:
        self._dialogue = dialogue
        self.place = place

    def coming(self) -> Line:
        """Return the line of the utterance that is being spoken, or comes next."""
        return self._dialogue.spoken(self.place.spoken)

    def spoken(self) -> Line:
        """Take the next utterance for spoken, and return its line."""
        line = self.coming()
        self.place = Place(self.place.spoken + 1, self.place.unmatched)
        return line

    def written(self, text: str) -> Line:
        """Return the line that answers a text."""
        line = self._dialogue.written(text, self.place.unmatched)
        self.place = Place(self.place.spoken, self.place.unmatched + (not line.words))
        return line
