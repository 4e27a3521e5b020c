"""What a link says, and what that means: for the turns, for what the user is owed, and for how sound the link is."""

from collections.abc import Callable
from math import inf
from typing import Any, TypeAlias

from segue.core import events as ev
from segue.core.actions import OddKind, OddTurn, Sign, Trigger
from segue.core.downlink import MODEL_EVENTS, ModelEvent
from segue.core.outputs import CutCause
from segue.core.parts import Parts
from segue.core.tools import Tools
from segue.core.turns import Turn

# A window so full is renewed afresh where nothing lets old context go.
_NEARLY_FULL = 0.85
# What begins sooner than this after a text answers something before it, in seconds.
_SHORTEST_ANSWER = 0.25

Heard: TypeAlias = (
    ModelEvent | ev.HandleReceived | ev.GoingAway | ev.InputAwaited | ev.InteractionChanged | ev.ToolCallsCancelled
)


class Listener:
    """Listens to the link that is up.

    Attributes:
        answers: input before this serial of the journal is answered by the newest turn.
        ended_at: when the link is told that the user has finished, where it does not hear that by itself.
        tokens: how much of its context window the model said that it uses.
    """

    def __init__(self, parts: Parts, tools: Tools) -> None:
        self._parts = parts
        self._tools = tools
        self._profile = parts.profile
        self._downlink = parts.downlink
        self._evidence = parts.evidence
        self._playback = parts.playback
        self._uplink = parts.uplink
        self._journal = parts.journal
        self._links = parts.links
        self._watchdog = parts.watchdog
        self._calls = parts.calls
        self._cuts = parts.cuts
        self._handover = parts.handover
        self._notes = parts.notes
        # A text is answered at once, even in the middle of what the user says.
        self._answers_texts = not (parts.options.mode.signals or parts.uplink.hears_text)
        self.answers = 0
        self.ended_at = -inf
        # The newest turn may answer a result alone, and no text that came behind that.
        self._result_first = False
        # The journal's serial before which a wedged link had heard everything.
        self._given_up_at = 0
        self.tokens = 0
        # Words of the user, or results, are being answered that no turn has answered to the end.
        self._asked = False
        # The model asked for more words instead of answering.
        self._awaited = False
        # The end of a turn after which the model said that it goes on.
        self._unended: ev.TurnCompleted | None = None
        # What the link was just found wedged by.
        self._sign: Sign | None = None

    @property
    def in_progress(self) -> bool:
        """Return whether the model ended a turn and said that it goes on."""
        return self._unended is not None

    def receive(self, event: Heard, now: float) -> Sign | None:
        """Take what the link says. Returns what shows that it is wedged; None where nothing does."""
        self._sign = None
        _REACTIONS[type(event)](self, event, now)
        return self._sign

    def end_turn(self, played_at: float, now: float) -> Sign | None:
        """Take it that the link ended its turn, which it forgot to say, when all of it had been played."""
        self._sign, self._unended = None, None
        self._watchdog.note_busy(False, now)
        self._complete(ev.TurnCompleted(self._links.number, ""), now)
        self._downlink.completed_at = played_at
        return self._sign

    def hear_user(self) -> None:
        """Take it that the user speaks."""
        self._awaited = self._result_first = False

    def give_up_link(self, now: float) -> None:
        """Take it that the link is wedged: what it was asked goes to another one."""
        self._given_up_at = self._journal.boundary(now)

    def leave_link(self) -> None:
        """Forget what only the link that is gone had said."""
        self._awaited = self._result_first = False
        self._unended = None

    def let_be(self, now: float) -> None:
        """Take it that what the user said asks for no answer."""
        self._journal.forget(self._journal.boundary(now))
        self._watchdog.settle()
        self._watchdog.trust()

    def watch_cut(self) -> None:
        """Look whether a turn was cut: then nobody waits for it any more."""
        cuts = self._cuts.watch()
        if cuts:
            turn = cuts[-1]
            self._result_first = False
            self.answers = min(self.answers, turn.answers)
            self._handover.forget_request()
            if turn.cut_cause is CutCause.TOOL:
                # The model goes on by itself, and owes the answer to the result, even if this had seemed to be it.
                self._watchdog.expect(turn.cut_at)
                return
            if turn.told and turn.cut_cause in (CutCause.USER, CutCause.CLIENT):
                # Who breaks into an answer has had one.
                self._watchdog.trust()
            self._notes.interrupt(cuts)
            # What is owed now is owed to the words that cut it, if there are any.
            if turn.late:
                self._watchdog.expect(turn.cut_at)
            elif self._journal.has_words_since(turn.answers):
                self._watchdog.expect(self._journal.words_ended_at)
            else:
                self._watchdog.settle()

    def note_released(self) -> None:
        """Look at what was just released to the client: its first output answers the user's words."""
        for turn in self._playback.take_told():
            self._journal.answer(turn.answers)
            self._journal.answer_texts(turn.answers_texts)
            self._calls.answer(turn.began_at)
            self._handover.forget_request()
            if not self._watchdog.retold:
                self._links.begun()
        answering = self._downlink.turns.open
        if (answering is None or answering.cut) and not (self._evidence.in_doubt or self._result_first):
            # What the model has ended, nothing that was on its way then can interrupt any more.
            self._journal.forget_crossing()

    def _hurry(self, event: ev.GoingAway, now: float) -> None:
        self._links.hurry(now, event.time_left)

    def _keep_handle(self, event: ev.HandleReceived, now: float) -> None:
        self._handover.keep(event, now)
        if event.handle:
            self._calls.remember(now)
        elif self._result_first and self._downlink.turns.open is None and self._watchdog.since is None:
            # Nothing can be resumed, because the model makes one more turn: that answers the text.
            self._result_first = False
            self._journal.restore()
            self._downlink.understand_user(now)
            self._watchdog.expect(now)

    def _await_input(self, _event: ev.InputAwaited, now: float) -> None:
        if not self._watchdog.too_soon(now):
            self._awaited = True
            self._settle(now)

    def _change_interaction(self, event: ev.InteractionChanged, now: float) -> None:
        self._watchdog.note_busy(not event.idle and not self._profile.idle_by_turn_complete, now)
        unended, self._unended = self._unended, None
        # What was interrupted meanwhile has an end of its own.
        if event.idle and unended is not None and not self._downlink.interrupted(now):
            self._complete(unended, now)

    def _hear_model(self, event: ModelEvent, now: float) -> None:
        turn, before = self._downlink.turns.open, self._downlink.turns.last_number
        words_at = self._downlink.words_at
        muted = turn is not None and turn.cut
        self._downlink.receive(event, now)
        self.watch_cut()
        turn = self._downlink.turns.open
        if turn is not None and not turn.cut:
            if self._downlink.turns.last_number > before:
                turn.answers, turn.early = self._journal.boundary(now), self._journal.voiced(now)
                crossed = self._crosses_end(now)
                if crossed:
                    turn.answers, turn.early = self._journal.last_span, True
                    self._downlink.put_off(turn, words_at)
                self.answers = turn.answers
                self._journal.forget_crossing()
                self._result_first = self._calls.unanswered_from(self._evidence.text_at)
                if turn.early and self._answers_texts and now >= self._evidence.text_at + _SHORTEST_ANSWER:
                    turn.answers_texts = self._journal.after_texts()
                self._asked = self._asked or self._calls.unanswered
                if self._journal.has_words_since(0):
                    self._asked = True
                    self._handover.begin_answer()
                self._cuts.forget()
                self._notes.begin_turn(turn)
                self._watchdog.hear(more=crossed)
                if not turn.called:
                    # What was put off was the end of a turn before; only a call comes behind that of its own.
                    self._unended = None
            elif self._downlink.spoke_at == now and self._calls.answer(now):
                # A result was waited for, and the turn goes on with it.
                turn.generated, self._unended = False, None
                if not (turn.early and self._journal.has_words_since(turn.answers)):
                    self._watchdog.settle()
        elif turn is not None and muted and self._downlink.spoke_at == now:
            # What is muted goes on behind the end that was put off, and has one of its own.
            self._unended = None

    def _crosses_end(self, now: float) -> bool:
        """Return whether what begins now answers a result, and not the words whose end has just gone to the model."""
        sooner = now < self.ended_at + _SHORTEST_ANSWER and self._calls.unanswered_from(self.ended_at)
        return sooner and self._journal.has_words_since(self._journal.last_span)

    def _hear_audio(self, event: ev.ModelAudio, now: float) -> None:
        self._hear_model(event, now)
        # What goes on behind an end that was put off has one of its own.
        self._unended = None
        faint = len(event.audio) / self._playback.bytes_per_second if event.faint else 0.0
        turn = self._downlink.turns.open
        if faint and turn is not None:
            turn.faint += faint
        if self._watchdog.note_faint(faint):
            self._sign = Sign.FAINT_AUDIO

    def _interrupt(self, event: ev.ModelInterrupted, now: float) -> None:
        self._hear_model(event, now)
        turn = self._downlink.turns.open
        if self.in_progress and turn is not None and turn.cut:
            # The model had ended it before: what it goes on with now is no part of it.
            self._unended = None
            self._downlink.turns.complete()
            self._end(turn, now)

    def _understand(self, event: ev.UserTranscribed, now: float) -> None:
        if self._uplink.is_echo(event.text):
            return
        again = self._handover.was_said(event.text)
        self._evidence.show(now)
        if self._journal.understand(now):
            self._cuts.forget()
            self._uplink.end_hushed(now)
        answering = self._downlink.turns.open
        if (answering is None or answering.cut) and self._journal.has_words_since(self.answers):
            self._watchdog.expect(self._journal.words_ended_at)
            self._watchdog.wait(now)
            self._handover.forget_request()
        if again:
            self._downlink.understand_user(now)
        else:
            self._hear_model(event, now)

    def _finish_turn(self, event: ev.TurnCompleted, now: float) -> None:
        turn = self._downlink.turns.open
        if event.reason:
            # A model that refuses does not go on, whatever it said before.
            self._watchdog.note_busy(False, now)
            self._unended = None
        over = self._downlink.interrupted(now) or (turn is not None and turn.cut)
        self._unended = event if self._watchdog.busy and not over else None
        # What the model goes on with after words that came while it spoke, or waited for a result, is another turn:
        # their answer. So is what it goes on with after an interruption, even one that nobody seems to have made.
        if self._unended is None or (turn is not None and self._has_heard(turn, now)):
            self._complete(event, now)

    def _has_heard(self, turn: Turn, now: float) -> bool:
        """Return whether the model has words of the user that this turn does not answer."""
        waited = turn.called and not self._calls.of(turn.number) and self._journal.boundary(now) > turn.answers
        return (turn.early or waited) and self._journal.has_words_since(turn.answers)

    def _complete(self, event: ev.TurnCompleted, now: float) -> None:
        turn, interrupted = self._downlink.turns.open, self._downlink.interrupted(now)
        self._hear_model(event, now)
        if turn is not None:
            self._end(turn, now)
        elif interrupted or self._watchdog.too_soon(now):
            # Whatever interrupted it, or came right before its end, is not a part of it.
            self._handover.cover(max(self._handover.serial, self._journal.last_span))
        else:
            self._handover.cover(self._journal.boundary(now))
            self._end_empty_turn(event, now)
        if turn is not None and 0.0 < turn.audio <= turn.faint:
            self._parts.actions.append(OddTurn(OddKind.FAINT))
        rejected = event.reason == "RESPONSE_REJECTED"
        if rejected:
            self._parts.actions.append(OddTurn(OddKind.REJECTED))
        if self._watchdog.note_rejection(rejected):
            self._sign = Sign.REJECTIONS

    def _end(self, turn: Turn, now: float) -> None:
        self._handover.cover(turn.answers)
        if not turn.cut and turn.generated and self._result_first:
            # The text that came behind the result is kept.
            self._playback.tell(turn)
            self.note_released()
        elif not turn.cut and turn.generated:
            self._journal.forget(turn.answers)
        if turn.cut:
            self._finish_answer()
        else:
            self._look_for_results(turn.number, now)
        self._tools.end_turn(turn.number, now)

    def _look_for_results(self, turn: int, now: float) -> None:
        """Look whether a turn that ended spoke of the results that it waited for."""
        if unspoken := self._calls.unspoken(turn):
            self._parts.actions.append(OddTurn(OddKind.EMPTY))
            if self._watchdog.note_empty_turn(now):
                self._sign = Sign.EMPTY_TURNS
            else:
                self._tools.retell(unspoken, now)
        elif not self._watchdog.retold:
            self._finish_answer()
        elif not self._calls.of(turn):
            self._watchdog.trust()
            self._finish_answer()

    def _finish_generation(self, event: ev.GenerationCompleted, now: float) -> None:
        self._hear_model(event, now)
        turn = self._downlink.turns.open
        # Of a turn that answers a result which was given once more, the end shows whether it calls again.
        waits = self._watchdog.retold or (turn is not None and self._calls.of(turn.number))
        if turn is not None and turn.generated and not waits:
            self._finish_answer()

    def _finish_answer(self) -> None:
        """Take it that a turn was made to its end. It shows that links are good once for the same words or results."""
        if self._asked:
            self._asked = False
            self._links.answered()

    def _end_empty_turn(self, event: ev.TurnCompleted, now: float) -> None:
        if self._watchdog.since is None:
            return
        if event.reason or self._awaited:
            self._settle(now)
            return
        self._parts.actions.append(OddTurn(OddKind.EMPTY))
        heard_by_two = self._links.wedges and not self._journal.has_words_since(self._given_up_at)
        if self._profile.proactive and heard_by_two:
            # Neither had anything to say to it.
            self.let_be(now)
        elif self._watchdog.note_empty_turn(now):
            self._sign = Sign.EMPTY_TURNS
        else:
            self._settle(now)

    def _settle(self, now: float) -> None:
        # Words of what is settled may still be told.
        self.answers = self._journal.boundary(now)
        self._journal.settle(self.answers)
        self._watchdog.settle()

    def _call(self, event: ev.ToolCalled, now: float) -> None:
        before = self._downlink.turns.last_number
        # Where the call comes behind its turn, one that nobody waits for is of a turn that is over, whatever was said.
        owed = self._watchdog.since is not None
        behind = self.in_progress or not (owed or self._profile.idle_by_turn_complete)
        if not event.call_id:
            event.call_id = self._calls.new_id()
        self._hear_model(event, now)
        turn = self._downlink.turns.open
        if turn is not None and not turn.cut:
            if turn.number > before and behind:
                # The model ended its turn before it called: what it says to words that come now is another one.
                turn.generated, turn.generated_at, turn.over = True, now, True
            # The client is about to have it: the words that it answers are answered.
            self._playback.tell(turn)
            self.note_released()
        self._tools.call(event, now)

    def _cancel_calls(self, event: ev.ToolCallsCancelled, now: float) -> None:
        self._tools.cancel(event, now)

    def _charge(self, event: ev.UsageReported, now: float) -> None:
        self.tokens = event.usage.total_tokens or self.tokens
        self._hear_model(event, now)
        if self._parts.options.compression is None and self.tokens >= _NEARLY_FULL * self._profile.window:
            self._links.start_afresh(Trigger.CONTEXT, now)


_REACTIONS: dict[type, Callable[[Listener, Any, float], None]] = dict.fromkeys(MODEL_EVENTS, Listener._hear_model) | {
    ev.HandleReceived: Listener._keep_handle,
    ev.GoingAway: Listener._hurry,
    ev.GenerationCompleted: Listener._finish_generation,
    ev.InputAwaited: Listener._await_input,
    ev.InteractionChanged: Listener._change_interaction,
    ev.ModelAudio: Listener._hear_audio,
    ev.ModelInterrupted: Listener._interrupt,
    ev.UserTranscribed: Listener._understand,
    ev.TurnCompleted: Listener._finish_turn,
    ev.ToolCalled: Listener._call,
    ev.ToolCallsCancelled: Listener._cancel_calls,
    ev.UsageReported: Listener._charge,
}

HEARD_EVENTS = frozenset(_REACTIONS)
