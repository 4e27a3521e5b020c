"""The way from the model to the client: turns become numbered, paced output, and are cut when the user interrupts."""

from collections.abc import Callable
from math import inf
from typing import Any, TypeAlias

from segue.core import events as ev
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
    Totals,
    Transcript,
    TurnEnded,
    Usage,
    UserActivity,
)
from segue.core.turns import SPLIT_TIMEOUT, Turn, Turns

# The model's native output: 16-bit samples at 24000 Hz.
MODEL_BYTES_PER_SECOND = 48_000
# More unreleased audio than this is not kept, in seconds.
HELD_LIMIT = 180.0


ModelEvent: TypeAlias = (
    ev.ModelAudio
    | ev.ModelText
    | ev.ModelTranscribed
    | ev.UserTranscribed
    | ev.UserActivityDetected
    | ev.GenerationCompleted
    | ev.ModelInterrupted
    | ev.TurnCompleted
    | ev.UsageReported
)


class Downlink:
    """Takes what the model says, gives what the client gets. Actions that follow are appended to `actions`."""

    def __init__(self, options: Options, actions: list[Action]) -> None:
        self._actions = actions
        self._user_transcripts = options.user_transcripts
        self._model_transcripts = options.model_transcripts
        self._writes = options.modality is Modality.TEXT
        self.turns = Turns()
        output = options.output_format
        frame_bytes = round(output.sample_rate * options.output_frame_duration) * output.sample_bytes
        self.outbox = Outbox(output.bytes_per_second, frame_bytes, inf if options.unpaced else options.lead)
        self.totals = Totals()
        # When the user's last words ended, as far as is known; None once they are being answered.
        self.words_at: float | None = None
        # Words of the user have reached the model, and no turn has answered them yet.
        self.reply_expected = False
        # The backend said that it was interrupted, and has neither ended that turn nor spoken since.
        self._interrupted = False
        # When something was last said by anybody.
        self.active_at = -inf

    @property
    def idle(self) -> bool:
        """Return whether nothing is being said: no turn that anybody waits for runs or plays."""
        open_turn = self.turns.open
        return not self.turns.unended and (open_turn is None or open_turn.cut)

    @property
    def awaits_reply(self) -> bool:
        """Return whether the user said something that the model has not begun to answer."""
        return self.reply_expected or self.words_at is not None

    def deadline(self) -> float:
        """Return when `settle` has something to do; inf for never."""
        return min((turn.cut_at + SPLIT_TIMEOUT for turn in self.turns.unended if turn.cut), default=inf)

    def receive(self, event: ModelEvent, now: float) -> None:
        """Take what the model's link says."""
        _REACTIONS[type(event)](self, event, now)

    def _speak(self, event: ev.ModelAudio, now: float) -> None:
        turn = self._turn_of_output(now)
        seconds = len(event.audio) / MODEL_BYTES_PER_SECOND
        if turn is None:
            self._actions.append(Drop("interrupted", seconds))
            return
        if not turn.audio and self.words_at is not None:
            turn.first_audio_latency = now - self.words_at
            self.words_at = None
        if self.outbox.held + seconds > HELD_LIMIT:
            turn.overflowed = True
        if turn.overflowed:
            self._actions.append(Drop("overflow", seconds))
            return
        turn.audio += seconds
        self.outbox.put_audio(turn.number, event.audio)

    def _write(self, event: ev.ModelText, now: float) -> None:
        # In a spoken session text is what the model did on the way, such as code that it ran.
        if not self._writes:
            return
        turn = self._turn_of_output(now)
        if turn is not None:
            self.words_at = None
            turn.write(event.text)
            self.outbox.put_spoken(Text(turn.number, event.text))

    def _transcribe_model(self, event: ev.ModelTranscribed, now: float) -> None:
        turn = self._turn_of_output(now)
        if turn is None or turn.overflowed:
            return
        turn.transcribe(event.text)
        if self._model_transcripts:
            self.outbox.put_spoken(Transcript(turn.number, Speaker.MODEL, event.text))

    def _transcribe_user(self, event: ev.UserTranscribed, now: float) -> None:
        turn = self.turns.open
        self.active_at = now
        number = 0 if turn is None or turn.cut else turn.number
        # Words may come after the model began to answer them.
        if not number:
            self.interrupt_playout(now)
            self.understand_user(now)
        if self._user_transcripts:
            self.outbox.put_urgent(Transcript(number, Speaker.USER, event.text))

    def _detect_user(self, event: ev.UserActivityDetected, now: float) -> None:
        if event.started:
            self.interrupt_playout(now)
        self.outbox.put_urgent(UserActivity(event.started))

    def _generated(self, _event: ev.GenerationCompleted, _now: float) -> None:
        turn = self.turns.open
        if turn is not None and not turn.cut:
            turn.generated = True
            self.outbox.put_last_frame(turn.number)

    def _interrupt(self, _event: ev.ModelInterrupted, now: float) -> None:
        # With nothing being said, a reply that was expected is cut. With nothing expected, nothing is: a second
        # `interrupted` for one cut, or one for a turn that is long over, must not mute the turn that comes.
        if not self.cut_all(CutCause.USER, now) and self.turns.open is None and self.reply_expected:
            self._cut_expected(CutCause.USER, now)
            # It is the backend that took the reply back: nothing of it can come late, and there is nothing to gate.
            self.turns.complete()
        self._interrupted = True

    def _complete(self, event: ev.TurnCompleted, _now: float) -> None:
        turn = self.turns.complete()
        interrupted, self._interrupted = self._interrupted, False
        # The end of what was interrupted is no answer to the words that interrupted it, even if that was over before.
        if interrupted if turn is None else turn.cut:
            return
        self.reply_expected = False
        if turn is None:
            self.words_at = None
            return
        turn.backend_reason = event.reason
        if turn.overflowed:
            turn.end_reason = EndReason.OUTPUT_OVERFLOW
        elif event.reason:
            turn.end_reason = EndReason.REFUSED
        self.outbox.put_end(turn.ended())

    def _charge(self, event: ev.UsageReported, _now: float) -> None:
        turn = self.turns.open
        if turn is not None and turn in self.turns.unended:
            turn.usage = event.usage
        else:
            self._add_usage(event.usage)

    def lose(self) -> bool:
        """The link is gone: what it was saying goes no further than what has come.

        Returns:
            Whether that cost the client anything: a turn that was still being made, or an answer.
        """
        turn = self.turns.complete()
        cut_short, self.reply_expected, self.words_at = self.awaits_reply, False, None
        if turn is not None and not turn.cut:
            if not turn.generated:
                cut_short, turn.end_reason = True, EndReason.LINK_LOST
            self.outbox.put_end(turn.ended())
        return cut_short

    def understand_user(self, now: float) -> None:
        """Note that words of the user reached the model: it is expected to answer."""
        self.reply_expected = True
        self.turns.hear_user(now)

    def interrupt_playout(self, now: float) -> None:
        """The user speaks: cut what the backend takes to be over and the client still plays."""
        if self.turns.open is None:
            self.cut_all(CutCause.USER, now)

    def stop(self, number: int, heard: float | None, now: float) -> bool:
        """Cut a turn because the client asks; 0 means all that is going on. Returns whether it cut anything."""
        if number:
            turn = self.turns.find(number)
            if turn is None or turn.cut:
                return False
            self._cut(turn, CutCause.CLIENT, now, heard)
            return True
        if self.cut_all(CutCause.CLIENT, now, heard):
            return True
        if self.reply_expected and self.turns.open is None:
            self._cut_expected(CutCause.CLIENT, now)
            self.words_at = None
            return True
        return False

    def cut_all(self, cause: CutCause, now: float, heard: float | None = None) -> bool:
        """Cut whatever plays, waits or is being made. Returns whether there was anything."""
        turns = [turn for turn in self.turns.unended if not turn.cut]
        for index, turn in enumerate(turns):
            self._cut(turn, cause, now, heard if index == 0 else None)
        return bool(turns)

    def report_heard(self, number: int, heard: float, output_seq: int) -> None:
        """Take the client's word on what was heard of a turn that was cut.

        `output_seq` is the last output that the client had received when it spoke: before it had Interrupted, it
        spoke of a turn that was still playing, and that is not its last word.
        """
        turn = self.turns.find(number)
        if turn is not None and turn.cut and turn.cut_seq <= output_seq:
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
            if turn.cut and (turn.split_final or now >= turn.cut_at + SPLIT_TIMEOUT):
                self._say_end(turn)

    def end_all(self, now: float) -> None:
        """Say the end of every turn: the session closes."""
        for turn in self.turns.unended:
            if not turn.cut:
                turn.heard = min(max(turn.released - self.outbox.player.ahead(now), 0.0), turn.audio)
                turn.end_reason = EndReason.SESSION_CLOSED
                self.outbox.discard(turn.number, now)
            self._say_end(turn)

    def take(self, now: float, max_events: int, max_bytes: int) -> list[Output]:
        """Release what may go now."""
        taken = self.outbox.take(now, max_events, max_bytes)
        for output in taken:
            if type(output) is Audio:
                seconds = len(output.audio) / MODEL_BYTES_PER_SECOND
                self.totals.output_audio += seconds
                playing = self.turns.find(output.turn)
                assert playing is not None, "audio of a turn that is over"
                playing.released += seconds
                self.active_at = now
            elif type(output) is TurnEnded:
                self._forget(output)
        return taken

    def _cut(self, turn: Turn, cause: CutCause, now: float, heard: float | None = None) -> None:
        # The client's word on what was heard is final; without it the player's clock decides for now.
        turn.split_final = heard is not None
        if heard is None:
            heard = turn.released - self.outbox.player.ahead(now)
        heard = min(max(heard, 0.0), turn.audio)
        dropped = self.outbox.discard(turn.number, now)
        if dropped:
            self._actions.append(Drop("interrupted", dropped))
        self.turns.cut(turn, cause, heard, now)
        self.totals.interruptions += 1
        self.outbox.put_urgent(Interrupted(turn.number, cause, *turn.split(heard), heard))

    def _cut_expected(self, cause: CutCause, now: float) -> None:
        # A turn of which nothing has come gets its number all the same.
        self._cut(self._begin(), cause, now)

    def _turn_of_output(self, now: float) -> Turn | None:
        self.active_at = now
        turn = self.turns.open
        if turn is not None:
            if not turn.cut:
                return turn
            if self.turns.gated(now):
                turn.begun = True
                return None
            self.turns.complete()
        self._interrupted = False
        turn = self._begin()
        turn.begun = True
        return turn

    def _begin(self) -> Turn:
        for turn in self.turns.unended:
            if turn.cut:
                self._say_end(turn)
        self.reply_expected = False
        self.totals.turns += 1
        return self.turns.begin()

    def _say_end(self, turn: Turn) -> None:
        ended = turn.ended()
        self.outbox.put_urgent(ended)
        self._forget(ended)

    def _forget(self, ended: TurnEnded) -> None:
        turn = self.turns.find(ended.turn)
        if turn is not None:
            self.turns.forget(turn)
            if ended.usage is not None:
                self._add_usage(ended.usage)

    def _add_usage(self, usage: Usage) -> None:
        if self.totals.usage is None:
            self.totals.usage = Usage()
        self.totals.usage.add(usage)


_REACTIONS: dict[type, Callable[[Downlink, Any, float], None]] = {
    ev.ModelAudio: Downlink._speak,
    ev.ModelText: Downlink._write,
    ev.ModelTranscribed: Downlink._transcribe_model,
    ev.UserTranscribed: Downlink._transcribe_user,
    ev.UserActivityDetected: Downlink._detect_user,
    ev.GenerationCompleted: Downlink._generated,
    ev.ModelInterrupted: Downlink._interrupt,
    ev.TurnCompleted: Downlink._complete,
    ev.UsageReported: Downlink._charge,
}

MODEL_EVENTS = frozenset(_REACTIONS)
