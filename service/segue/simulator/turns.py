"""One turn of the model: what it sends, planned in advance, and what is left of the plan when it is interrupted."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from random import Random

from segue.simulator.speech import SAMPLE_BYTES, SAMPLE_RATE
from segue.simulator.timing import Timing

# The time between two fragments of an answer in text; such answers come at once, their pace matters to nobody.
_TEXT_FRAGMENT_SECONDS = 0.04
# A chunk is cut between frames of this length.
_FRAME_SECONDS = 0.02


class Kind(Enum):
    """What a step of a turn sends."""

    OUTPUT = auto()
    GENERATION_COMPLETE = auto()
    INTERRUPTED = auto()
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
        steps: what is still to be sent, in order; the last one ends the turn.
        context: tokens of what the answer was made from, by modality.
        sent_audio: seconds of audio sent so far.
        sent_text: characters of text sent so far in TEXT modality.
        interrupted: its end was brought forward.
    """

    number: int
    steps: deque[Step]
    context: dict[str, int]
    sent_audio: float = 0.0
    sent_text: int = 0
    interrupted: bool = False

    def interrupt(self, at: float) -> None:
        """Generate no more: `interrupted`, then `turnComplete`, both at `at`. Nothing more happens the second time."""
        if not self.interrupted:
            self.interrupted = True
            self.steps = deque([Step(at, Kind.INTERRUPTED), Step(at, Kind.TURN_COMPLETE)])


def silent_steps(at: float) -> deque[Step]:
    """Plan a turn in which the model says nothing."""
    return deque([Step(at, Kind.TURN_COMPLETE)])


def written_steps(sentences: Iterable[str], first_at: float, rng: Random) -> deque[Step]:
    """Plan an answer in text, whose turn is complete when it is generated."""
    fragments = [fragment for _, fragment in _fragments([Sentence(text, b"") for text in sentences], 0, rng)]
    steps = deque(
        Step(first_at + index * _TEXT_FRAGMENT_SECONDS, Kind.OUTPUT, text=fragment)
        for index, fragment in enumerate(fragments)
    )
    end_at = steps[-1].at
    steps += [Step(end_at, Kind.GENERATION_COMPLETE), Step(end_at, Kind.TURN_COMPLETE)]
    return steps


def spoken_steps(
    sentences: list[Sentence], pause: float, first_at: float, transcript_lead: float, timing: Timing, rng: Random
) -> deque[Step]:
    """Plan an answer in speech.

    Args:
        sentences: at least one, with its audio.
        pause: seconds of silence between two sentences.
        first_at: when the first chunk is sent.
        transcript_lead: seconds of audio by which the transcript runs ahead of it.
        timing: how long the chunks are and how fast they come.
        rng: where the sizes are drawn from.

    Returns:
        Steps up to `turnComplete`, which waits for the end of the playback: the service takes it that audio is played
        from its first chunk on without a pause (generative_service.proto, `turn_complete`).
    """
    audio = (b"\x00" * _bytes(pause)).join(sentence.pcm for sentence in sentences)
    fragments = deque(_fragments(sentences, pause, rng))
    speed = timing.generation_speed.draw(rng)
    steps: deque[Step] = deque()
    begin, length = 0, _bytes(timing.first_chunk)
    while begin < len(audio):
        chunk = audio[begin : begin + length]
        reach = _seconds(begin + len(chunk)) + transcript_lead
        text = ""
        # What would belong past the end, by rounding, goes with the last chunk.
        while fragments and (fragments[0][0] < reach or begin + length >= len(audio)):
            text += fragments.popleft()[1]
        steps.append(Step(first_at + _seconds(begin) / speed, Kind.OUTPUT, chunk, text))
        begin += length
        length = _bytes(timing.chunk.draw(rng))
    generated_at = steps[-1].at
    steps.append(Step(generated_at, Kind.GENERATION_COMPLETE))
    steps.append(Step(max(generated_at, first_at + _seconds(len(audio))), Kind.TURN_COMPLETE))
    return steps


def _fragments(sentences: list[Sentence], pause: float, rng: Random) -> Iterator[tuple[float, str]]:
    """Yield fragments of one to three words, each with its second in the audio, by its place in its sentence."""
    began_at = 0.0
    for number, sentence in enumerate(sentences):
        duration = _seconds(len(sentence.pcm))
        words = sentence.text.split()
        characters = 0
        while words:
            count = rng.randint(1, 3)
            fragment, words = " ".join(words[:count]), words[count:]
            at = began_at + duration * characters / len(sentence.text)
            yield at, fragment if not number and not characters else f" {fragment}"
            characters += len(fragment) + 1
        began_at += duration + pause


def _bytes(seconds: float) -> int:
    """Return the size of so much audio, in whole frames."""
    return round(seconds / _FRAME_SECONDS) * round(_FRAME_SECONDS * SAMPLE_RATE) * SAMPLE_BYTES


def _seconds(size: int) -> float:
    return size / (SAMPLE_RATE * SAMPLE_BYTES)
