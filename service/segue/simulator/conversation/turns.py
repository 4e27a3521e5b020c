"""One turn of the model: what it sends, planned in advance, and what is left of the plan when it is interrupted."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from random import Random

from segue.simulator.dialogue import Call, Line, sentences_of
from segue.simulator.speech import SAMPLE_BYTES, SAMPLE_RATE, Voice
from segue.simulator.timing import Timing

# The time between two fragments of an answer in text; such answers come at once, their pace matters to nobody.
_TEXT_FRAGMENT_SECONDS = 0.04
# A chunk is cut between frames of this length.
_FRAME_SECONDS = 0.02


class Kind(Enum):
    """What a step of a turn sends."""

    THOUGHT = auto()
    CODE = auto()
    OUTPUT = auto()
    TOOL_CALL = auto()
    GROUNDING = auto()
    WAITING_FOR_INPUT = auto()
    GENERATION_COMPLETE = auto()
    INTERRUPTED = auto()
    TOOL_CALL_CANCELLATION = auto()
    TURN_COMPLETE = auto()


@dataclass(frozen=True, slots=True)
class Step:
    """Something to send at a time. `text` is a fragment of the transcript, or of the answer in TEXT modality."""

    at: float
    kind: Kind
    audio: bytes = b""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and how it sounds."""

    text: str
    pcm: bytes


@dataclass(slots=True)
class Turn:
    """A turn under way.

    Attributes:
        number: counted from 1 on each connection.
        line: the exchange that it belongs to.
        context: tokens of what the answer was made from, by modality.
        steps: what is still to be sent, in order; none while it waits for the response to a call.
        calls: what is to be called in it, or right after it.
        blocks: it waits for their responses.
        group: the number of the calls that were made in it; 0 for none.
        played_until: when all audio planned so far has been played.
        sent_audio: seconds of audio sent so far.
        sent_text: what was sent so far, in words.
        thoughts: tokens of thought.
        interrupted: its end was brought forward.
    """

    number: int
    line: Line
    context: dict[str, int]
    steps: deque[Step] = field(default_factory=deque)
    calls: tuple[Call, ...] = ()
    blocks: bool = False
    group: int = 0
    played_until: float = 0.0
    sent_audio: float = 0.0
    sent_text: str = ""
    thoughts: int = 0
    interrupted: bool = False

    def add(self, plan: "Plan") -> None:
        """Go on with a plan."""
        self.steps += plan.steps
        self.played_until = plan.played_until

    def interrupt(self, at: float, kinds: Iterable[Kind]) -> None:
        """Generate no more, and end with these steps, all at `at`."""
        self.interrupted = True
        self.steps = deque(Step(at, kind) for kind in kinds)


class Plan:
    """Steps of a turn in the making.

    Attributes:
        steps: so far, in order.
        played_until: when all audio has been played. The service takes it that audio is played from the moment it is
            sent, without a pause where there is more (generative_service.proto, `turn_complete`).
    """

    def __init__(
        self,
        first_at: float,
        turn: Turn,
        *,
        voice: Voice | None,
        pause: float,
        transcript_lead: float,
        timing: Timing,
        rng: Random,
    ) -> None:
        """Plan on from what the turn has said already.

        Args:
            first_at: when the first step is sent.
            voice: how it sounds; None for an answer in text.
            pause: seconds of silence between two sentences.
            transcript_lead: seconds of audio by which the transcript runs ahead of it.
            timing: how long the chunks are and how fast they come.
            rng: where the sizes are drawn from.
        """
        self._at = first_at
        self._said_something = bool(turn.sent_text)
        self._voice = voice
        self._pause = pause
        self._transcript_lead = transcript_lead
        self._timing = timing
        self._rng = rng
        self.steps: deque[Step] = deque()
        self.played_until = turn.played_until

    def add(self, *kinds: Kind, text: str = "") -> None:
        """Add steps that take no time."""
        self.steps += [Step(self._at, kind, text=text) for kind in kinds]

    def say(self, text: str) -> None:
        """Add the answer, or more of it, in speech or in writing."""
        sentences = sentences_of(text)
        if not sentences:
            return
        if self._voice:
            self._speak([Sentence(sentence, self._voice.speak(sentence)) for sentence in sentences])
        else:
            self._write([Sentence(sentence, b"") for sentence in sentences])
        self._said_something = True
        self._at = self.steps[-1].at

    def call(self, *, trailing: bool) -> None:
        """Add the call; `trailing` leaves the last of the speech before it to come after it (livekit issue 5742)."""
        if trailing and len(self.steps) > 1 and self.steps[-1].audio:
            last = self.steps.pop()
            self.steps += [Step(self.steps[-1].at, Kind.TOOL_CALL), last]
        else:
            self.add(Kind.TOOL_CALL)

    def complete(self, *, generated: bool = True) -> None:
        """Add the end: once what was generated has been played."""
        if generated:
            self.add(Kind.GENERATION_COMPLETE)
        self.steps.append(Step(max(self._at, self.played_until), Kind.TURN_COMPLETE))

    def _write(self, sentences: list[Sentence]) -> None:
        for _, fragment in self._fragments(sentences):
            self.steps.append(Step(self._at, Kind.OUTPUT, text=fragment))
            self._at += _TEXT_FRAGMENT_SECONDS

    def _speak(self, sentences: list[Sentence]) -> None:
        audio = (b"\x00" * _bytes(self._pause)).join(sentence.pcm for sentence in sentences)
        fragments = deque(self._fragments(sentences))
        speed = self._timing.generation_speed.draw(self._rng)
        begin = 0
        length = _bytes(self._timing.chunk.draw(self._rng) if self._said_something else self._timing.first_chunk)
        while begin < len(audio):
            chunk = audio[begin : begin + length]
            reach = _seconds(begin + len(chunk)) + self._transcript_lead
            text = ""
            # What would belong past the end, by rounding, goes with the last chunk.
            while fragments and (fragments[0][0] < reach or begin + length >= len(audio)):
                text += fragments.popleft()[1]
            self.steps.append(Step(self._at + _seconds(begin) / speed, Kind.OUTPUT, chunk, text))
            begin += length
            length = _bytes(self._timing.chunk.draw(self._rng))
        self.played_until = max(self._at, self.played_until) + _seconds(len(audio))

    def _fragments(self, sentences: list[Sentence]) -> Iterator[tuple[float, str]]:
        """Yield fragments of one to three words, each with its second in the audio, by its place in its sentence."""
        began_at = 0.0
        space = " " if self._said_something else ""
        for sentence in sentences:
            duration = _seconds(len(sentence.pcm))
            words = sentence.text.split()
            characters = 0
            while words:
                count = self._rng.randint(1, 3)
                fragment, words = " ".join(words[:count]), words[count:]
                yield began_at + duration * characters / len(sentence.text), space + fragment
                characters += len(fragment) + 1
                space = " "
            began_at += duration + self._pause


def _bytes(seconds: float) -> int:
    """Return the size of so much audio, in whole frames."""
    return round(seconds / _FRAME_SECONDS) * round(_FRAME_SECONDS * SAMPLE_RATE) * SAMPLE_BYTES


def _seconds(size: int) -> float:
    return size / (SAMPLE_RATE * SAMPLE_BYTES)
