"""The context window: what the model has in mind, what it costs in tokens, and what a long conversation loses of it.

The model knows no more than this: an answer to "what did I say before?" is read from here.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# Rates of the published documentation (Live API best practices; one frame of video a second).
AUDIO_TOKENS_PER_SECOND = 25
VIDEO_TOKENS_PER_FRAME = 258
_CHARACTERS_PER_TOKEN = 4
# Defaults of `context_window_compression` (generative_service.proto).
_TRIGGER_SHARE = 0.8
_TARGET_SHARE = 0.5


def audio_tokens(seconds: float) -> int:
    """Return what so much audio costs, in or out."""
    return round(seconds * AUDIO_TOKENS_PER_SECOND)


def text_tokens(text: str) -> int:
    """Return what a text costs."""
    return -(-len(text) // _CHARACTERS_PER_TOKEN)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was said, shown or typed.

    Attributes:
        speaker: "user", "model" or "tool".
        text: its words, as far as they are known.
        tokens: what it costs, by modality ("AUDIO", "TEXT", "VIDEO").
        seeded: it was told as history and never happened on this session.
    """

    speaker: str
    text: str
    tokens: Mapping[str, int]
    seeded: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in tokens.

    Attributes:
        window: what the model can hold.
        trigger: compression begins above it; None for no compression.
        target: what compression leaves at most.
    """

    window: int
    trigger: int | None = None
    target: int = 0


def compressing(window: int, trigger: int | None, target: int | None) -> Limits:
    """Return the limits of a window with compression; None stands for the service's default."""
    begins_above = round(window * _TRIGGER_SHARE) if trigger is None else trigger
    return Limits(window, begins_above, round(begins_above * _TARGET_SHARE) if target is None else target)


class Context:
    """A conversation as the model remembers it.

    Attributes:
        instruction: the system instruction, which is never cut.
        entries: the rest, oldest first.
    """

    def __init__(self, instruction: str = "", entries: Iterable[Entry] = ()) -> None:
        self.instruction = instruction
        self.entries = list(entries)
        self._counts: Counter[str] = Counter()
        for entry in self.entries:
            self._counts.update(entry.tokens)

    def copy(self) -> "Context":
        """Return a context that goes its own way from here."""
        return Context(self.instruction, self.entries)

    @property
    def tokens(self) -> dict[str, int]:
        """What the whole costs, by modality."""
        counts = self._counts.copy()
        counts["TEXT"] += text_tokens(self.instruction)
        return dict(counts)

    @property
    def total(self) -> int:
        """What the whole costs."""
        return self._counts.total() + text_tokens(self.instruction)

    def add(self, entry: Entry) -> None:
        """Append something."""
        self.entries.append(entry)
        self._counts.update(entry.tokens)

    def compress(self, limits: Limits) -> int:
        """Forget the oldest turns if the limits say so; return the tokens saved.

        The rest begins with a turn of the user (generative_service.proto, `sliding_window`); the newest one stays.
        """
        if limits.trigger is None or self.total <= limits.trigger:
            return 0
        before = self.total
        starts = [at for at, entry in enumerate(self.entries) if at and self._starts_user_turn(at)]
        cut = 0
        for start in starts:
            if self.total <= limits.target:
                break
            for entry in self.entries[cut:start]:
                self._counts.subtract(entry.tokens)
            cut = start
        del self.entries[:cut]
        return before - self.total

    def recall(self, asked: Entry | None, *, seeded: bool = True) -> list[str]:
        """Return what the user said before `asked`, as far as it is remembered; without the `seeded` history, if so."""
        lines = []
        for entry in self.entries:
            if entry is asked:
                break
            if entry.speaker == "user" and entry.text and (seeded or not entry.seeded):
                lines.append(entry.text)
        return lines

    def told(self) -> str:
        """Return what the model said last: of an interrupted turn, what was sent."""
        return next((entry.text for entry in reversed(self.entries) if entry.speaker == "model" and entry.text), "")

    def _starts_user_turn(self, at: int) -> bool:
        return self.entries[at].speaker == "user" and self.entries[at - 1].speaker != "user"
