"""The way from the model to the client: what a link says becomes turns, and the gate mutes what was cut."""

from collections.abc import Callable
from math import inf
from typing import Any, TypeAlias

from segue.core import events as ev
from segue.core.actions import Action, Drop
from segue.core.evidence import Evidence
from segue.core.options import Modality, Mode, Options
from segue.core.outputs import CutCause, EndReason, Speaker, Text, ToolCall, Transcript, UserActivity
from segue.core.playback import Broken, Playback
from segue.core.recall import Recall
from segue.core.turns import Turn

# More unreleased audio than this is not kept, in seconds.
HELD_LIMIT = 180.0
# The end of a turn that was interrupted follows within this time, in seconds.
_END_OF_INTERRUPTED = 2.0
# What began in the middle of the user's words, and said nothing since, is over so long after them, in seconds.
_EARLY_TIMEOUT = 0.5
# What began in the middle of an activity goes on as long as it pauses for less than this, in seconds.
_EARLY_PAUSE = 0.25


ModelEvent: TypeAlias = (
    ev.ModelAudio
    | ev.ModelText
    | ev.ModelTranscribed
    | ev.UserTranscribed
    | ev.UserActivityDetected
    | ev.GenerationCompleted
    | ev.ModelInterrupted
    | ev.TurnCompleted
    | ev.ToolCalled
    | ev.UsageReported
)


class Downlink:
    """Takes what the model says; what the client gets is `playback`. Actions that follow are appended to `actions`."""

    def __init__(self, options: Options, actions: list[Action], recall: Recall, *, runs_ahead: bool = False) -> None:
        self._actions = actions
        self._recall = recall
        self._user_transcripts = options.user_transcripts
        self._model_transcripts = options.model_transcripts
        self._writes = options.modality is Modality.TEXT
        self.playback = Playback(options, actions, recall, runs_ahead=runs_ahead)
        self.evidence = Evidence(self.playback)
        self.turns = self.playback.turns
        self._outbox = self.playback.outbox
        self._detects = options.mode is Mode.GATEWAY
        self._by_activities = options.mode is not Mode.SERVER
        # When the user's last words ended, as far as is known; None once they are being answered.
        self.words_at: float | None = None
        # Words of the user have reached the model, and no turn has answered them yet.
        self.reply_expected = False
        # When the backend took back a reply that was expected; inf for none since the last turn.
        self._withdrawn_at = inf
        # The backend said that it was interrupted, and has neither ended that turn nor spoken since; the end of the
        # turn is awaited until then.
        self._interrupted_until = -inf
        # When the backend last ended a turn, and last sent anything of one.
        self.completed_at = -inf
        self.spoke_at = -inf

    @property
    def awaits_reply(self) -> bool:
        """Return whether the user said something that the model has not begun to answer."""
        return self.reply_expected or self.words_at is not None

    @property
    def withdrawn(self) -> bool:
        """Return whether the backend took back its reply to what the user said last."""
        return (self.words_at or -inf) <= self._withdrawn_at < inf

    def interrupted(self, now: float) -> bool:
        """Return whether the backend's turn was interrupted and it has not ended it."""
        return now < self._interrupted_until

    def receive(self, event: ModelEvent, now: float) -> None:
        """Take what the model's link says."""
        _REACTIONS[type(event)](self, event, now)

    def _speak(self, event: ev.ModelAudio, now: float) -> None:
        turn = self._turn_of_output(now)
        seconds = len(event.audio) / self.playback.bytes_per_second
        if turn is None:
            self._actions.append(Drop("interrupted", seconds))
            return
        if not turn.audio and self.words_at is not None:
            turn.first_audio_latency = now - self.words_at
            self.words_at = None
        if self._outbox.held + seconds > HELD_LIMIT:
            turn.overflowed = True
        if turn.overflowed:
            self._actions.append(Drop("overflow", seconds))
            return
        turn.go_on()
        turn.audio += seconds
        self._outbox.put_audio(turn.number, event.audio)

    def _write(self, event: ev.ModelText, now: float) -> None:
        # In a spoken session text is what the model did on the way, such as code that it ran.
        if not self._writes:
            return
        turn = self._turn_of_output(now)
        if turn is not None:
            self.words_at = None
            turn.go_on()
            turn.write(event.text)
            self._outbox.put_spoken(Text(turn.number, event.text))

    def _transcribe_model(self, event: ev.ModelTranscribed, now: float) -> None:
        turn = self._turn_of_output(now)
        if turn is None or turn.overflowed:
            return
        turn.transcribe(event.text)
        if self._model_transcripts:
            self._outbox.put_spoken(Transcript(turn.number, Speaker.MODEL, event.text))

    def _call(self, event: ev.ToolCalled, now: float) -> None:
        turn = self._turn_of_output(now)
        if turn is not None:
            self.words_at = None
            turn.called = True
            self._outbox.put_urgent(ToolCall(turn.number, event.call_id, event.name, event.arguments))

    def _transcribe_user(self, event: ev.UserTranscribed, now: float) -> None:
        turn = self.turns.open
        self.playback.active_at = now
        if turn is None and self.turns.unended and not self.turns.unended[-1].told:
            # What nobody has had anything of is not what they interrupt.
            turn = self.turns.unended[-1]
        number = 0 if turn is None or turn.cut or self._late(turn) or self._outlived(turn, now) else turn.number
        # Words may come after the model began to answer them.
        if not number:
            self.interrupt_playout(now)
            self.understand_user(now)
        self._recall.hear_user(event.text, number)
        if self._user_transcripts:
            if turn is not None:
                turn.named = True
            self._outbox.put_urgent(Transcript(number, Speaker.USER, event.text))

    def _detect_user(self, event: ev.UserActivityDetected, now: float) -> None:
        if event.started:
            self.evidence.show(now)
            self.interrupt_playout(now)
        # Where Segue hears by itself who speaks, the client is told that alone.
        if not self._detects:
            self._outbox.put_urgent(UserActivity(event.started))

    def _generated(self, _event: ev.GenerationCompleted, now: float) -> None:
        turn = self.turns.open
        if turn is not None and turn.cut:
            turn.exhausted = True
        elif turn is not None and not turn.generated:
            turn.generated, turn.generated_at = True, now
            self._outbox.put_last_frame(turn.number)

    def _interrupt(self, _event: ev.ModelInterrupted, now: float) -> None:
        turn = self.turns.open
        if turn is not None:
            turn.over = True
            if turn.cut:
                return
        self._interrupted_until = now + _END_OF_INTERRUPTED
        began_at = self.completed_at if turn is None else turn.began_at
        if self.evidence.judge(turn, began_at, now) is not CutCause.USER:
            return
        # With nothing being said, a reply that was expected is cut. With nothing expected, nothing is: a second
        # `interrupted` for one cut, or one for a turn that is long over, must not mute the turn that comes.
        again = self.evidence.used
        if not self.evidence.cut_all(now) and turn is None and self.reply_expected and not again:
            self._cut_expected(CutCause.USER, now)
            # It is the backend that took the reply back: nothing of it can come late, and there is nothing to gate.
            self.turns.complete()
            self._withdrawn_at = now

    def _complete(self, event: ev.TurnCompleted, now: float) -> None:
        turn = self.turns.complete()
        self.completed_at = now
        interrupted, self._interrupted_until = self.interrupted(now), -inf
        if turn is None:
            # The end of what was interrupted is no answer to the words that interrupted it, even if it was over before.
            if not interrupted:
                self.reply_expected, self.words_at = False, None
            return
        if turn.cut:
            return
        # Of a turn that nobody may have interrupted the end is said when that is known.
        if self.evidence.doubts(turn) and not turn.generated:
            return
        self.reply_expected = False
        turn.backend_reason = event.reason
        if turn.overflowed:
            turn.end_reason = EndReason.OUTPUT_OVERFLOW
        elif event.reason:
            turn.end_reason = EndReason.REFUSED
        self._outbox.put_end(turn.ended())

    def _charge(self, event: ev.UsageReported, _now: float) -> None:
        turn = self.turns.open
        if turn is not None and turn in self.turns.unended:
            turn.usage = event.usage
        else:
            self.playback.charge(event.usage)

    # Links that end.

    def leave_link(self, cause: CutCause, now: float, *, waits: bool) -> Broken | None:
        """The link is gone: what it was saying goes no further than what has come.

        A turn that `waits` for a function's result goes on with the next link. Returns what the model is to go on from,
        None where nothing was lost.
        """
        self._interrupted_until = -inf
        broken = self.evidence.dispel(now)
        turn = self.turns.open
        if turn is None:
            return broken
        if waits and not turn.cut:
            turn.handed_over = True
            return broken
        self.turns.complete()
        if turn.cut:
            return broken
        if turn.generated or turn.overflowed:
            self._outbox.put_end(turn.ended())
            return broken
        return self.playback.break_off(turn, cause, now)

    def end_turn(self) -> None:
        """End the open turn: nobody goes on with it."""
        turn = self.turns.complete()
        assert turn is not None, "no turn to end"
        self._outbox.put_end(turn.ended())

    def lose(self) -> None:
        """No link follows: turns end as they are."""
        self.reply_expected, self.words_at = False, None
        doubtful = self.evidence.forget()
        turn = self.turns.complete() or doubtful
        if turn is not None and not turn.cut and turn in self.turns.unended:
            turn.end_reason = EndReason.COMPLETED if turn.generated else EndReason.LINK_LOST
            self._outbox.put_end(turn.ended())

    def understand_user(self, now: float) -> None:
        """Note that words of the user reached the model: it is expected to answer."""
        self.reply_expected = True
        self.turns.hear_user(now)

    def put_off(self, turn: Turn, words_at: float | None) -> None:
        """Take it that a turn that has just begun answers something before the words that ended then."""
        self.reply_expected, self.words_at, turn.first_audio_latency = True, words_at, None

    def interrupt_playout(self, now: float) -> None:
        """The user speaks: cut what the backend takes to be over and the client still plays; text is not played."""
        if not self._writes and self.turns.open is None and now >= self.playback.interruptible_at():
            self.evidence.cut_all(now)

    def stop(self, number: int, heard: float | None, now: float) -> bool:
        """Cut a turn because the client asks; 0 means all that is going on. Returns whether it cut anything."""
        if self.playback.stop(number, heard, now):
            return True
        if not number and self.reply_expected and self.turns.open is None:
            self._cut_expected(CutCause.CLIENT, now)
            self.words_at = None
            return True
        return False

    def _cut_expected(self, cause: CutCause, now: float) -> None:
        # A turn of which nothing has come gets its number all the same.
        self.playback.cut(self._begin(now), cause, now)

    def _turn_of_output(self, now: float) -> Turn | None:
        turn = self.turns.open
        outlived = turn is not None and self._outlived(turn, now)
        midway = turn is not None and turn.cut and turn.begun
        self.playback.active_at = self.spoke_at = now
        if turn is not None:
            if not (turn.cut or outlived):
                turn.handed_over = False
                return turn
            if not turn.cut:
                # The backend forgot to end it.
                self._outbox.put_end(turn.ended())
            elif self.turns.gated(now) and not self._gave_way(turn, now):
                turn.begun = True
                return None
            self.turns.complete()
        self._interrupted_until = -inf
        # Something new is said: whoever it answers did interrupt, if anybody may.
        if now < self.playback.interruptible_at():
            self.evidence.dispel(now)
        else:
            self.evidence.believe(now)
        turn = self._begin(now)
        turn.begun, turn.midway = True, midway
        return turn

    def _outlived(self, turn: Turn, now: float) -> bool:
        """Return whether what comes now answers words that came after all of this turn had been made."""
        if turn.handed_over:
            return self.reply_expected or self.words_at is not None
        # Where nobody may interrupt, it goes on.
        if turn.early and self.playback.barge_in_after < inf:
            if self._by_activities:
                # While an activity lasts nobody answers it: what came meanwhile was late.
                return self._late(turn) and (turn.generated or now >= self.spoke_at + _EARLY_PAUSE)
            if not turn.called and self.spoke_at < (self.words_at or -inf) < now - _EARLY_TIMEOUT:
                # What began it was late as well, or the model gave way to the user.
                return True
        if not turn.generated or self.words_at is None:
            return turn.generated and self.reply_expected
        # Who was speaking when it began went on, and it does not answer that either.
        went_on = turn.early and self.words_at < now - _EARLY_TIMEOUT
        return self.reply_expected or went_on or self.words_at > turn.generated_at

    def _gave_way(self, turn: Turn, now: float) -> bool:
        """Return whether the backend had given up a turn that was cut when the user, who has finished, spoke."""
        return turn.over and turn.cut_at < (self.words_at or -inf) < now - _EARLY_TIMEOUT

    def _late(self, turn: Turn) -> bool:
        """Return whether a turn began in the middle of an activity that is over: nobody answers one while it lasts."""
        return turn.early and self._by_activities and self.reply_expected

    def _begin(self, now: float) -> Turn:
        self.reply_expected, self._withdrawn_at = False, inf
        return self.playback.begin(now)


_REACTIONS: dict[type, Callable[[Downlink, Any, float], None]] = {
    ev.ModelAudio: Downlink._speak,
    ev.ModelText: Downlink._write,
    ev.ModelTranscribed: Downlink._transcribe_model,
    ev.UserTranscribed: Downlink._transcribe_user,
    ev.UserActivityDetected: Downlink._detect_user,
    ev.GenerationCompleted: Downlink._generated,
    ev.ModelInterrupted: Downlink._interrupt,
    ev.TurnCompleted: Downlink._complete,
    ev.ToolCalled: Downlink._call,
    ev.UsageReported: Downlink._charge,
}

MODEL_EVENTS = frozenset(_REACTIONS)
