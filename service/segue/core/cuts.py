"""Interruptions by a sound in which nobody understood any words: coughs, echoes, doors."""

from dataclasses import dataclass
from math import inf

from segue.core.journal import Journal
from segue.core.outputs import CutCause
from segue.core.playback import Broken, Playback
from segue.core.turns import Turn

# Words are waited for so long after the sound, in seconds.
_WORDS_TIMEOUT = 2.0


@dataclass(frozen=True, slots=True)
class FalseCut(Broken):
    """A turn that a sound has cut. `unfinished` when the user has not heard all that the model had to say."""

    unfinished: bool


class Cuts:
    """Watches the turns that a sound cuts."""

    def __init__(self, playback: Playback, journal: Journal) -> None:
        self._playback = playback
        self._journal = journal
        # The turn that was cut, until somebody understood words in the sound.
        self._turn: Turn | None = None
        # The same, though the sound was long enough for words; and that somebody knows it to have been no speech.
        self._last: Turn | None = None
        self._denied = False

    def watch(self) -> list[Turn]:
        """Look whether turns were cut; return them, oldest first."""
        turns = self._playback.take_cuts()
        if turns:
            turn = turns[-1]
            if turn.cut_cause is CutCause.USER and not (turn.told or self._journal.understood):
                # What came of it was late: it had been interrupted by words that seemed to be what it answers.
                turn.answers = min(turn.answers, self._journal.last_span)
            if turn.late:
                self._journal.restore()
                turn.answers = min(turn.answers, self._journal.first)
            elif self._was_crossed(turn):
                turn.late, turn.answers = True, self._journal.last_span
            for cut in turns:
                if cut.begun:
                    # It is named to the client.
                    self._playback.tell(cut)
            by_words = turn.late or self._journal.has_words_since(turn.answers)
            by_sound = turn.cut_cause is CutCause.USER and not by_words
            self._last = turn if turn.cut_cause is CutCause.USER else None
            self._turn, self._denied = turn if by_sound else None, False
        return turns

    def _was_crossed(self, turn: Turn) -> bool:
        """Look whether only who spoke before a turn began can have interrupted it: it answers words before that."""
        journal = self._journal
        since = journal.last_voiced_at >= turn.began_at or journal.has_words_since(turn.answers)
        crossed = turn.cut_cause is CutCause.USER and not since and journal.last_span < turn.answers
        return crossed and journal.restore_span()

    def forget(self) -> None:
        """Take it that there were words, or that something new is said."""
        self._turn = self._last = None

    def doubt(self) -> None:
        """Take it that there were words, as far as can be told from how long the sound was."""
        self._turn = None

    def deny(self) -> None:
        """Take it that the sound was no speech."""
        self._turn, self._denied = self._last, True

    def deadline(self) -> float:
        """Return when an interruption turns out to have been false; inf for never."""
        if self._turn is None:
            return inf
        if self._denied:
            return self._turn.cut_at
        return max(self._journal.last_voiced_at, self._turn.cut_at) + _WORDS_TIMEOUT

    def take(self) -> FalseCut:
        """Return what was cut for nothing; its deadline must have passed."""
        turn, self._turn = self._turn, None
        self._last = None
        assert turn is not None
        heard, rest = turn.split(turn.heard or 0.0)
        return FalseCut(turn.number, heard, rest, unfinished=bool(rest) or not turn.generated)
