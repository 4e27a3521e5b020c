"""What the client hears: turns on their way through the outbox, cut when somebody interrupts, ended when all played."""

from dataclasses import dataclass
from math import inf

from segue.core.actions import Action, Drop
from segue.core.options import Modality, Options
from segue.core.outbox import Outbox
from segue.core.outputs import (
    Audio,
    CutCause,
    EndReason,
    Interrupted,
    Output,
    Speaker,
    Text,
    ToolCall,
    Totals,
    Transcript,
    TurnEnded,
    Usage,
)
from segue.core.recall import Recall
from segue.core.turns import SPLIT_TIMEOUT, Turn, Turns


@dataclass(frozen=True, slots=True)
class Broken:
    """A turn that the backend could not finish: what of it was heard or will be, and what was made beyond that."""

    turn: int
    heard: str
    rest: str


class Playback:
    """The turns of a session and the outbox that they leave through.

    Args:
        actions: where whatever follows is appended.
        runs_ahead: transcripts run ahead of the speech.
    """

    def __init__(self, options: Options, actions: list[Action], recall: Recall, *, runs_ahead: bool = False) -> None:
        self._actions = actions
        self._recall = recall
        self.turns = Turns(runs_ahead=runs_ahead and options.modality is Modality.AUDIO)
        output = options.output_format
        self.bytes_per_second = output.bytes_per_second
        self.outbox = Outbox(self.bytes_per_second, options.frame_bytes, options.lead)
        self.change(options)
        self.totals = Totals()
        # When something was last said by anybody.
        self.active_at = -inf
        # The turns that have begun to reach the client, and those that were cut, since last asked.
        self._told: list[Turn] = []
        self._cuts: list[Turn] = []

    def change(self, options: Options) -> None:
        """Take these options for how output is paced, and for whether the user may interrupt it, from here on."""
        self.outbox.pace(inf if options.unpaced else options.lead)
        self.outbox.window.limit = options.max_unacked_bytes
        self.barge_in_after = options.barge_in_after

    @property
    def idle(self) -> bool:
        """Return whether nothing is being said: no turn that anybody waits for runs or plays."""
        open_turn = self.turns.open
        return not self.turns.unended and (open_turn is None or open_turn.cut)

    def interruptible_at(self) -> float:
        """Return when the user may interrupt what is said; -inf for now, inf for not before it is over.

        A model that began too early can be interrupted; where it never can, by who was speaking then alone.
        """
        if not self.barge_in_after:
            return -inf
        saying = self.saying
        if saying is None or (saying.early and self.barge_in_after < inf):
            return -inf
        return saying.plays_at + self.barge_in_after

    @property
    def saying(self) -> Turn | None:
        """The turn that plays, or is the next to play; None where there is nothing to hear.

        One that waits on another link for a function's result may wait for the user as well.
        """
        unended = (turn for turn in self.turns.unended if turn.audio and not (turn.cut or turn.stopped))
        return next((turn for turn in unended if not turn.handed_over), None)

    def deadline(self) -> float:
        """Return when `settle` has something to do; inf for never."""
        return min((_settled_at(turn) for turn in self.turns.unended if turn.cut), default=inf)

    def begin(self, now: float) -> Turn:
        """Number a new turn; the older ones that were cut are over."""
        for turn in self.turns.unended:
            if turn.cut:
                self._say_end(turn)
        self.totals.turns += 1
        turn = self.turns.begin()
        turn.began_at = now
        return turn

    def stop(self, number: int, heard: float | None, now: float) -> bool:
        """Cut a turn because the client asks; 0 means all that is going on. Returns whether it cut anything."""
        if not number:
            return self.cut_all(CutCause.CLIENT, now, heard)
        turn = self.turns.find(number)
        if turn is None or turn.cut or turn.stopped:
            return False
        self.cut(turn, CutCause.CLIENT, now, heard)
        return True

    def cut_all(self, cause: CutCause, now: float, heard: float | None = None, *, since: float | None = None) -> bool:
        """Cut whatever plays, waits or is being made; see `cut`. Returns whether there was anything."""
        turns = [turn for turn in self.turns.unended if not (turn.cut or turn.stopped)]
        for index, turn in enumerate(turns):
            self.cut(turn, cause, now, heard if index == 0 else None, since=since)
        return bool(turns)

    def cut(
        self, turn: Turn, cause: CutCause, now: float, heard: float | None = None, *, since: float | None = None
    ) -> None:
        """Cut a turn, after `heard` seconds of it as the client says, or as the player's clock does for now.

        `since` is when whoever interrupts was first noticed, None for just now.
        """
        turn.split_final = heard is not None
        if heard is None:
            heard = turn.released - self.outbox.player.ahead(now)
        heard = min(max(heard, 0.0), turn.audio)
        dropped = self._discard(turn, now)
        if dropped:
            self._actions.append(Drop("interrupted", dropped))
        self.turns.cut(turn, cause, heard, now)
        self._cuts.append(turn)
        self.totals.interruptions += 1
        stop_latency = turn.stop_latency(now if since is None else since)
        self.outbox.put_urgent(Interrupted(turn.number, cause, *turn.split(heard), heard, stop_latency))

    def break_off(self, turn: Turn, cause: CutCause, now: float) -> Broken | None:
        """Have a turn that the backend cannot finish play to the end of its last whole sentence, and end there.

        Returns None where the client knows nothing of it yet: then it never was.
        """
        if not turn.told:
            self._actions.append(Drop("recovery", self._discard(turn, now)))
            self._unsay(turn, cause)
            return None
        self.outbox.put_last_frame(turn.number)
        end = turn.sentence_end()
        if end is None:
            end = turn.audio
        dropped = self.outbox.shorten(turn.number, end - turn.released)
        if dropped:
            self._actions.append(Drop("recovery", dropped))
        turn.broken_off, turn.heard = True, end
        heard, rest = turn.split(end)
        self.totals.interruptions += 1
        self._recall.hear_model(turn.number, heard)
        self.outbox.put_break(Interrupted(turn.number, cause, heard, rest, end), turn.ended())
        return Broken(turn.number, heard, rest)

    def _discard(self, turn: Turn, now: float) -> float:
        """Throw away what is not yet released of a turn. Returns the seconds of audio thrown away."""
        turn.discard()
        return self.outbox.discard(turn.number, now)

    def _unsay(self, turn: Turn, cause: CutCause) -> None:
        if not turn.named:
            self.turns.take_back(turn)
            self.totals.turns -= 1
            return
        # The client has seen its number, so it has an end.
        turn.broken_off, turn.heard = True, 0.0
        self.outbox.put_urgent(Interrupted(turn.number, cause))
        self._say_end(turn)

    def report_heard(self, number: int, heard: float, output_seq: int) -> None:
        """Take the client's word on what was heard of a turn that was cut.

        `output_seq` is the last output that the client had received when it spoke: before it had Interrupted, it
        spoke of a turn that was still playing, and that is not its last word.
        """
        turn = self.turns.find(number)
        if turn is not None and turn.cut and not turn.split_final and turn.cut_seq <= output_seq:
            turn.heard = min(max(heard, 0.0), turn.audio)
            turn.split_final = True

    def note_cut_seq(self, number: int, seq: int) -> None:
        """Note the number with which a turn's Interrupted leaves."""
        turn = self.turns.find(number)
        if turn is not None and turn.cut:
            turn.cut_seq = seq

    def settle(self, now: float) -> None:
        """Say the end of the turns that were cut and of which no more is awaited."""
        for turn in self.turns.unended:
            if turn.cut and now >= _settled_at(turn):
                self._say_end(turn)

    def end_all(self, now: float) -> None:
        """Say the end of every turn: the session closes."""
        for turn in self.turns.unended:
            if not turn.cut:
                turn.heard = min(max(turn.released - self.outbox.player.ahead(now), 0.0), turn.audio)
                turn.end_reason = EndReason.SESSION_CLOSED
                turn.broken_off = turn.stopped
                self._discard(turn, now)
            self._say_end(turn)

    def take(self, now: float, max_events: int, max_bytes: int) -> list[Output]:
        """Release what may go now."""
        taken = self.outbox.take(now, max_events, max_bytes)
        for output in taken:
            if type(output) is Audio:
                seconds = len(output.audio) / self.bytes_per_second
                self.totals.output_audio += seconds
                playing = self.turns.find(output.turn)
                assert playing is not None, "audio of a turn that is over"
                playing.plays_at = min(playing.plays_at, now)
                playing.released_at = now
                playing.released += seconds
                self.active_at = now
                self.tell(playing)
            elif type(output) is TurnEnded:
                self._forget(output)
            elif type(output) is Interrupted and output.cause is not CutCause.NONE:
                self._stop(output.turn)
            elif isinstance(output, Text | ToolCall) or (
                type(output) is Transcript and output.speaker is Speaker.MODEL and output.turn
            ):
                told = self.turns.find(output.turn)
                if told is not None:
                    told.pieces_sent += isinstance(output, Text)
                    self.tell(told)
        return taken

    def tell(self, turn: Turn) -> None:
        """Take it that the client has something of a turn, or is about to."""
        if not turn.told:
            turn.told = True
            self._told.append(turn)
            self._recall.answer(turn.number)

    def take_told(self) -> list[Turn]:
        """Return the turns that have begun to reach the client since this was last asked, oldest first."""
        told, self._told = self._told, []
        return told

    def take_cuts(self) -> list[Turn]:
        """Return the turns that were cut since this was last asked, oldest first."""
        cuts, self._cuts = self._cuts, []
        return cuts

    def charge(self, usage: Usage) -> None:
        """Add tokens that were billed."""
        if self.totals.usage is None:
            self.totals.usage = Usage()
        self.totals.usage.add(usage)

    def _stop(self, number: int) -> None:
        turn = self.turns.find(number)
        if turn is not None:
            turn.stopped = True

    def _say_end(self, turn: Turn) -> None:
        ended = turn.ended()
        self.outbox.put_urgent(ended)
        self._forget(ended)

    def _forget(self, ended: TurnEnded) -> None:
        turn = self.turns.find(ended.turn)
        if turn is not None:
            self.turns.forget(turn)
            self._recall.hear_model(ended.turn, ended.heard_text)
            if ended.usage is not None:
                self.charge(ended.usage)


def _settled_at(turn: Turn) -> float:
    """Return when nothing more is awaited of what was heard of a turn that was cut."""
    return turn.cut_at if turn.split_final else turn.cut_at + SPLIT_TIMEOUT
