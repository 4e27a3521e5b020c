"""The model's turns: which one is being made, which are still playing, what of each was heard, and the gate.

The gate mutes what the backend still sends of a turn that was cut. It belongs to that turn, it is no latch: it lifts
when the backend ends the turn, or 3 s after the user's next words when the backend never does. Where nothing more can
come of the turn, or it had not begun, it lifts with these words: what comes after them answers them.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from math import inf, isinf

from segue.core.outputs import CutCause, EndReason, TurnEnded, Usage

# The client's last word on what was heard is waited for so long, in seconds.
SPLIT_TIMEOUT = 0.5
# A backend that does not end a turn that was cut is taken to have ended it so long after the user's next words.
GATE_TIMEOUT = 3.0

# Durations that differ by less are the same, in seconds.
_SAME = 0.001
# A transcript that runs ahead is taken to do so by so many seconds, and nobody says more characters in a second.
_RUNS_AHEAD = 1.0
_MOST_CHARACTERS = 20

_SENTENCE_ENDS = (".", "!", "?", "…", ":", ";", "\N{IDEOGRAPHIC FULL STOP}")


@dataclass(slots=True)
class _Fragment:
    text: str
    # Seconds of the turn's audio that had come before it; -inf for what is read, inf for what would have been.
    came: float

    @property
    def written(self) -> bool:
        return isinf(self.came)


@dataclass(slots=True, eq=False)
class Turn:
    """One reply of the model. All durations are in seconds."""

    number: int
    # Its transcript runs ahead of its audio.
    runs_ahead: bool = False
    audio: float = 0.0
    released: float = 0.0
    # So much of it nobody could hear.
    faint: float = 0.0
    first_audio_latency: float | None = None
    # When the first of it came.
    began_at: float = inf
    # When the first of its audio was released: it plays from then on.
    plays_at: float = inf
    # When the last of its audio was released.
    released_at: float = -inf
    # Some of it has reached the client.
    told: bool = False
    # Its number has reached the client.
    named: bool = False
    # The backend sent some of it, if only to be muted.
    begun: bool = False
    # It may be the rest of a turn that was cut, of which more was muted.
    midway: bool = False
    # The backend sent its generationComplete: no more will come.
    generated: bool = False
    generated_at: float = inf
    # The backend sent its generationComplete once it had been cut.
    exhausted: bool = False
    # The model asked for a function in it.
    called: bool = False
    # The model was given a result that it asked for in it: it may go on with that.
    responded: bool = False
    # The backend said that it was interrupted, or had ended it before: no more of it will come.
    over: bool = False
    overflowed: bool = False
    # The user was speaking when it began: it answers half of what was to be said.
    early: bool = False
    # Words that were on their way when it began have interrupted it: it answers what came before them.
    late: bool = False
    # The journal's serial before which it answers everything.
    answers: int = 0
    # The one before which it answers texts, in the middle of words that it does not answer.
    answers_texts: int = 0
    # A link that made some of it is gone, and the next one has not gone on with it: it waits for a function's result.
    handed_over: bool = False
    # The backend could not go on with it: what has come plays on, and it ends then.
    broken_off: bool = False
    # The client was told that it was interrupted.
    stopped: bool = False
    cut_cause: CutCause | None = None
    cut_at: float = 0.0
    # The number of its Interrupted; inf until that has one.
    cut_seq: float = inf
    heard: float | None = None
    # No more is awaited that could change what was heard.
    split_final: bool = False
    usage: Usage | None = None
    end_reason: EndReason = EndReason.COMPLETED
    backend_reason: str = ""
    # How many pieces of a written reply were sent.
    pieces_sent: int = 0
    _fragments: list[_Fragment] = field(default_factory=list)

    @property
    def cut(self) -> bool:
        return self.cut_cause is not None

    def stop_latency(self, since: float) -> float | None:
        """Return for how long its audio was still released after this time; None where none ever was."""
        return max(0.0, self.released_at - max(since, self.plays_at)) if self.released else None

    def go_on(self) -> None:
        """Take it that more of it is made, though it seemed to be whole: the backend may forget to end a turn."""
        self.generated = self.generated and self.over

    def write(self, text: str) -> None:
        """Note a piece of a written reply: it is read as soon as it is sent."""
        self._fragments.append(_Fragment(text, -inf))

    def discard(self) -> None:
        """Take it that what was not sent of a written reply never will be: nobody reads it."""
        written = [fragment for fragment in self._fragments if fragment.written]
        for fragment in written[self.pieces_sent :]:
            fragment.came = inf

    def transcribe(self, text: str) -> None:
        """Note a fragment of what is said."""
        self._fragments.append(_Fragment(text, self.audio))

    def split(self, heard: float) -> tuple[str, str]:
        """Return the words that were heard and those that were not, each word once, when `heard` seconds were.

        A fragment was heard when all was that had come before it; it may be one more or less, since its audio begins
        with what comes next or ends with what came last. Where the transcript runs ahead, when half of it was.
        """
        middles = [(begin + end) / 2 for begin, end in self._spans()]
        # What came before any audio was not heard when nothing was.
        told = bisect_right(middles, heard + _SAME) if heard else bisect_left(middles, heard)
        words = [fragment.text for fragment in self._fragments]
        return "".join(words[:told]), "".join(words[told:])

    def sentence_end(self) -> float | None:
        """Return where the last whole sentence ends that nobody has begun to hear less than all of, in seconds.

        None where there is none: what is released can not be taken back.
        """
        fragments = zip(self._fragments, self._spans(), strict=True)
        ends = [end for fragment, (_, end) in fragments if fragment.text.rstrip().endswith(_SENTENCE_ENDS)]
        return next((end for end in reversed(ends) if self.released <= end < self.audio), None)

    def _spans(self) -> Iterator[tuple[float, float]]:
        """Return where each fragment begins and ends, in seconds of the turn's audio.

        A transcript that comes with the audio has its place by when it came, one that runs ahead by its characters.
        """
        if not self._fragments or not self.runs_ahead or any(fragment.written for fragment in self._fragments):
            return ((fragment.came, fragment.came) for fragment in self._fragments)
        characters = [0, *accumulate(len(fragment.text) for fragment in self._fragments)]
        begin, came = 0.0, self._fragments[0].came
        if self.midway and came:
            # The words of the audio before came with what was muted.
            begin = min(came + _RUNS_AHEAD, self.audio)
        pace = (self.audio - begin) / max(1, characters[-1])
        if not self.generated:
            # The last of them are in audio that is yet to come; which word of a fragment is so far ahead nobody knows.
            pace = (self.audio + _RUNS_AHEAD - begin) / max(1.0, (characters[-2] + characters[-1]) / 2)
            pace = max(pace, 1 / _MOST_CHARACTERS)
        return pairwise(begin + count * pace for count in characters)

    def ended(self) -> TurnEnded:
        """Return the turn's last output."""
        heard = self.audio if self.heard is None else self.heard
        heard_text, unheard_text = self.split(inf if self.heard is None else heard)
        return TurnEnded(
            turn=self.number,
            reason=EndReason.INTERRUPTED if self.cut or self.broken_off else self.end_reason,
            heard_text=heard_text,
            unheard_text=unheard_text,
            heard=heard,
            audio=self.audio,
            first_audio_latency=self.first_audio_latency,
            usage=self.usage,
            backend_reason=self.backend_reason,
        )


class Turns:
    """The turns that are not over for the client, oldest first; only the youngest may still be in the making.

    With `runs_ahead`, their transcripts run ahead of their audio.
    """

    def __init__(self, *, runs_ahead: bool = False) -> None:
        self._runs_ahead = runs_ahead
        self.last_number = 0
        self._unended: deque[Turn] = deque()
        # The backend has not ended this one: what it sends belongs to it.
        self._open: Turn | None = None
        self._user_words_at: float | None = None

    @property
    def open(self) -> Turn | None:
        """The turn that the backend is making or takes to be playing; None between turns."""
        return self._open

    @property
    def moved_on(self) -> bool:
        """Return whether the open turn was cut, and words of the user were understood since."""
        return self._open is not None and self._open.cut and self._user_words_at is not None

    @property
    def unended(self) -> tuple[Turn, ...]:
        """The turns that still owe the client a TurnEnded, oldest first."""
        return tuple(self._unended)

    def begin(self) -> Turn:
        """Number a new turn. There must be no open one."""
        assert self._open is None
        self.last_number += 1
        turn = Turn(self.last_number, self._runs_ahead)
        self._open = turn
        self._unended.append(turn)
        return turn

    def complete(self) -> Turn | None:
        """Note that the backend's turn is over, and lift the gate. Returns the turn, None where there was none."""
        turn, self._open = self._open, None
        return turn

    def take_back(self, turn: Turn) -> None:
        """Have it be as if this turn, the newest, had never begun: its number is free again."""
        assert turn.number == self.last_number
        assert not turn.told
        self.last_number -= 1
        self._unended.remove(turn)
        self._open = None if self._open is turn else self._open

    def forget(self, turn: Turn) -> None:
        """Take a turn off the list: its TurnEnded was said."""
        self._unended.remove(turn)

    def find(self, number: int) -> Turn | None:
        """Return the turn of this number that is not over; None where it is over or never was."""
        return next((turn for turn in self._unended if turn.number == number), None)

    def cut(self, turn: Turn, cause: CutCause, heard: float, now: float) -> None:
        """Mark a turn as cut after `heard` seconds. While it is the open one, the gate is down."""
        turn.cut_cause, turn.cut_at, turn.heard = cause, now, heard
        if not (turn.over and self._user_words_at is not None and self._user_words_at > turn.began_at):
            self._user_words_at = None

    def end_cut(self) -> None:
        """Take it that no more comes of the open turn, if that was cut."""
        if self._open is not None and self._open.cut:
            self._open.over = True

    def hear_user(self, now: float) -> None:
        """Note that words of the user were understood."""
        self._user_words_at = now

    def gated(self, now: float) -> bool:
        """Return whether what the backend sends now is of a turn that was cut."""
        if self._open is None or not self._open.cut:
            return False
        words_at, turn = self._user_words_at, self._open
        if words_at is None:
            return True
        made = (turn.generated or turn.exhausted) and not turn.responded
        over = turn.over or turn.handed_over or made
        return turn.begun and not over and now - words_at < GATE_TIMEOUT
