"""What shows that somebody interrupts the model: a sound of the user's, a text, a call's result; or that nobody does.

An interruption that the service reports is real if there is evidence of it. If there is none it is in doubt: evidence
may still turn up, and where it does not the interruption was a phantom.
"""

from dataclasses import dataclass
from math import inf

from segue.core.outputs import CutCause
from segue.core.playback import Broken, Playback
from segue.core.turns import Turn

# A sound so shortly before a turn began may have been what interrupted it, and so long after an interruption that
# nobody seems to have made a sound may still turn up, in seconds.
_MARGIN = 0.25
EVIDENCE_TIMEOUT = 1.5
# Signs of the user that follow each other so soon are of one interruption, in seconds.
_ONE_INTERRUPTION = 0.5
# What the model was saying when it got a call's result or a text is interrupted by that within this time, in seconds.
_RESULT_TIMEOUT = 2.0


@dataclass(slots=True)
class _Doubt:
    """An interruption that nobody seems to have made, or may make; `turn` is the one that it was of, None for none."""

    turn: Turn | None
    at: float


class Evidence:
    """One session's. Cuts what is being said once somebody is known to interrupt it."""

    def __init__(self, playback: Playback) -> None:
        self._playback = playback
        self._turns = playback.turns
        # When the user was last known to make a sound, to write or to interrupt.
        self._at = -inf
        # When that began, if it went on without a break.
        self._since = -inf
        # The same of what last cut anything.
        self._cut_since = -inf
        # When the model was last given a call's result in a way that interrupts what it says.
        self._result_at = -inf
        # When it was last given a text of the user's.
        self.text_at = -inf
        self._doubt: _Doubt | None = None

    @property
    def used(self) -> bool:
        """Whether what there is of it has cut something before."""
        return self._since <= self._cut_since

    @property
    def in_doubt(self) -> bool:
        """Whether somebody may have interrupted the model, or nobody."""
        return self._doubt is not None

    def show(self, now: float, since: float | None = None) -> None:
        """Note that the user made a sound, wrote or interrupted; what was in doubt until now was real after all.

        It began at `since`, None for just now. It is no evidence while nobody may interrupt.
        """
        if now >= self._playback.interruptible_at():
            self.note_sign(now, since)
            self.believe(now)

    def note_sign(self, now: float, since: float | None = None) -> None:
        """Note what interrupts the model and leaves an interruption that is in doubt in doubt; see `show`."""
        if now >= self._at + _ONE_INTERRUPTION:
            self._since = now if since is None else since
        self._at = now

    def note_text(self, now: float) -> None:
        """Note that the model was given a text of the user's, which interrupts what it says."""
        self.text_at = now

    def note_result(self, now: float, *, interrupts: bool) -> None:
        """Note that the model was given a call's result in a way that interrupts what it says.

        With `interrupts` it was asked to: then what it takes to be over and the client still plays is cut as well.
        """
        self._result_at = now
        if interrupts and self._turns.open is None:
            self._playback.cut_all(CutCause.TOOL, now)

    def judge(self, turn: Turn | None, since: float, now: float) -> CutCause | None:
        """Return what interrupted this turn, None for none, that began at `since`; None while it is in doubt."""
        # It may have come shortly before: it was on its way.
        since -= _MARGIN
        if self._result_at >= max(self._at, since) and now < self._result_at + _RESULT_TIMEOUT:
            self._playback.cut_all(CutCause.TOOL, now, since=self._result_at)
            return CutCause.TOOL
        made = self._at >= since or now < self._at + _ONE_INTERRUPTION
        seen = made and now >= self._playback.interruptible_at()
        # Where nobody may interrupt, who was speaking when the turn began is the only one whom the service can hear.
        if not (seen or (turn is not None and turn.early)):
            self._doubt = self._doubt or _Doubt(turn, now)
            return None
        if turn is not None and now < self.text_at + _RESULT_TIMEOUT:
            turn.late = self._at <= self.text_at < turn.began_at
        return CutCause.USER

    def cut_all(self, now: float) -> bool:
        """Cut whatever plays, waits or is being made, because the user interrupts. Returns whether there was any."""
        # A sound that is long over is none that is answered now.
        since = self._since if now < self._at + EVIDENCE_TIMEOUT else now
        cut = self._playback.cut_all(CutCause.USER, now, since=since)
        if cut:
            self._cut_since = self._since
        return cut

    def doubts(self, turn: Turn) -> bool:
        """Return whether it is in doubt whether anybody interrupted this turn."""
        return self._doubt is not None and self._doubt.turn is turn

    def believe(self, now: float) -> None:
        """Take it that what is in doubt was an interruption."""
        if self._doubt is not None:
            since, self._doubt = self._doubt.at, None
            self._playback.cut_all(CutCause.USER, now, since=since)

    def deadline(self) -> float:
        """Return when an interruption in doubt is taken for a phantom; inf for never."""
        return inf if self._doubt is None else self._doubt.at + EVIDENCE_TIMEOUT

    def dispel(self, now: float) -> Broken | None:
        """Take it that nobody interrupted; a turn that lost its rest to the phantom breaks off.

        Returns what the model is to go on from; None where nothing was lost.
        """
        turn = self.forget()
        if turn is None or turn.generated or turn.cut or turn not in self._turns.unended:
            return None
        if self._turns.open is turn:
            self._turns.complete()
        return self._playback.break_off(turn, CutCause.PHANTOM, now)

    def forget(self) -> Turn | None:
        """Be in doubt no more. Returns the turn that the doubt was about, None for none."""
        doubt, self._doubt = self._doubt, None
        return doubt.turn if doubt else None
