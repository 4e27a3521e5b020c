"""A dialogue that answers a recording's prompts as they were answered: as long, and as late, in words of its own."""

import json
from dataclasses import dataclass

from segue.record.measures import Turn, plain, turns_of
from segue.record.recording import SERVER_RATE, Connection
from segue.record.redaction import synthesize
from segue.simulator.dialogue import Dialogue
from segue.simulator.dialogue_file import parse_dialogue
from segue.simulator.speech import SAMPLE_BYTES

# What is taken to have been left to say when a turn was cut off; and the longest delay that a dialogue may have.
_UNSAID_SECONDS = 10.0
_LONGEST_DELAY = 60.0
_WORDS_PER_SECOND = 2.5
_LEVEL_DBFS = -20


@dataclass(frozen=True, slots=True)
class Answer:
    """A turn as it was recorded.

    Attributes:
        connection: the number of its connection.
        written: a text was answered, not speech.
        begins_at: when its first output came, or else its end; in seconds of the recording.
        seconds: how long its audio would have been.
        words: how many there were.
        heard: how many words the user was heard to say.
        cut_off_at: when it was interrupted before its first output; None where it was not.
        silent: it was over without any output.
    """

    connection: int
    written: bool
    begins_at: float
    seconds: float
    words: int
    heard: int
    cut_off_at: float | None
    silent: bool


class MirroringVoice:
    """Says each sentence in as much time as it is told to take."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds = seconds

    def speak(self, sentence: str) -> bytes:
        """Return 24 kHz 16-bit little-endian mono PCM, a tone."""
        seconds = self._seconds.get(sentence, len(sentence.split()) / _WORDS_PER_SECOND)
        return synthesize(round(seconds * SERVER_RATE) * SAMPLE_BYTES, [_LEVEL_DBFS], SERVER_RATE)


def answers_of(session: list[Connection]) -> list[Answer]:
    """Return every turn of a session, in order."""
    answers = []
    for connection in session:
        since = connection.at
        for turn in turns_of(connection):
            begins_at = begin_of(turn)
            answers.append(_answer(connection, turn, since, begins_at))
            since = begins_at
    return answers


def begin_of(turn: Turn) -> float:
    """Return when a turn's first output came, or whatever came first where there was none."""
    return turn.at.get("output", min(turn.at.values()))


def mirror(answers: list[Answer], delays: list[float] | None = None) -> tuple[Dialogue, MirroringVoice]:
    """Return a dialogue of these answers and the voice that says them.

    Args:
        answers: every turn, in order.
        delays: seconds to the first output of each; None for none at all.
    """
    spoken: list[str] = []
    written: list[str] = []
    seconds: dict[str, float] = {}
    for index, answer in enumerate(answers):
        number = index + 1
        model = "" if answer.silent else " ".join([f"Answer {number}", *["word"] * max(0, answer.words - 2)])
        if model:
            seconds[model] = answer.seconds
        delay = delays[index] if delays and index < len(delays) else 0.0
        line = f"model = {json.dumps(model)}\ndelay = {min(max(delay, 0.0), _LONGEST_DELAY)}\n"
        if answer.written:
            written.append(f"[[fallback]]\n{line}")
        else:
            spoken.append(f'[[utterances]]\nuser = "{" ".join(["word"] * answer.heard)}"\n{line}')
    # A dialogue needs one of each.
    spoken = spoken or ['[[utterances]]\nuser = "And?"\nmodel = "And so on."\n']
    written = written or ['[[fallback]]\nmodel = "And so on."\n']
    return parse_dialogue("".join(["pause = 0\n", *spoken, *written]), "the recording"), MirroringVoice(seconds)


def delay_of(answer: Answer, prompted_at: float) -> float:
    """Return how long to wait with an answer, in seconds from its prompt."""
    return _LONGEST_DELAY if answer.cut_off_at is not None else answer.begins_at - prompted_at


def _answer(connection: Connection, turn: Turn, since: float, begins_at: float) -> Answer:
    heard = "output" in turn.at
    interrupted = "interrupted" in turn.at
    whole = "generationComplete" in turn.at or (turn.complete and not interrupted)
    return Answer(
        connection=connection.number,
        written=_text_between(connection, since, begins_at),
        begins_at=begins_at,
        seconds=turn.audio if whole else turn.audio + _UNSAID_SECONDS,
        words=turn.words or max(2, round(turn.audio * _WORDS_PER_SECOND)),
        heard=sum(words for _, words in turn.heard) or 2,
        cut_off_at=turn.at["interrupted"] if interrupted and not heard else None,
        silent=not heard and not interrupted,
    )


def _text_between(connection: Connection, since: float, until: float) -> bool:
    """Return whether the client asked for an answer with text in this time."""
    for frame in connection.frames:
        if frame.by == "client" and since <= frame.at <= until:
            message = plain(frame.message)
            if plain(message.get("clientcontent")).get("turncomplete") or "text" in plain(message.get("realtimeinput")):
                return True
    return False
