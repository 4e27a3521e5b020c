"""The session: one conversation as the client sees it, sans-IO.

    NEW ───open───▶ OPENING ───link up───▶ OPEN ───half-close, link lost, shutdown───▶ FINISHING
     │                 │ │                   │                                          │   ▲
     │                 │ └───half-close, shutdown (the link may still come up)──────────┼───┘
     │                 │                     │                                          │
     └──refused────────┴──a fault, a limit, CloseSession───────┬────────────────────────┘ all was said
                                                               ▼
    any state ───the client's stream is lost───▶ ENDED ◀─── CLOSING (the writer pulls the last outputs)

A session with a `resume_window` outlives its stream in the states in between, and waits for its client so long.

What a state does with an event stands in one table at the end of this file; an event without a reaction is dropped.
"""

from collections.abc import Callable
from enum import Enum, auto
from math import inf
from typing import Any, TypeAlias

from segue.core import events as ev
from segue.core.actions import Action, Detached, End, InputLost, Wake
from segue.core.admission import Fault
from segue.core.attachment import gone
from segue.core.delivery import Delivery
from segue.core.ending import Ending
from segue.core.intake import INPUTS, LATE_INPUTS, Input, Intake, LateInput
from segue.core.journal import Edge
from segue.core.line import LINK_EVENTS, Line, LinkEvent
from segue.core.numbers import Numbers, Verdict
from segue.core.options import Mode, Options
from segue.core.outputs import Closed, CloseReason, InputAck, InputRejected, Next, Opened
from segue.core.policy import Policy
from segue.core.profiles import profile_of
from segue.core.setups import fault_of
from segue.core.updates import fault_of_window

_DEFAULT_POLICY = Policy()


class State(Enum):
    NEW = auto()
    OPENING = auto()
    OPEN = auto()
    FINISHING = auto()
    CLOSING = auto()
    ENDED = auto()


class Session:
    """One conversation. Feed it every event with the time; carry out every action that it returns, in order.

    After every `receive`, ask `deadline` when to send the next Tick. Nothing that a peer does makes it raise.

    Args:
        session_id: names the session to its client and in logs.
        resume_token: what its client comes back with, a secret.
    """

    def __init__(
        self,
        session_id: str,
        policy: Policy = _DEFAULT_POLICY,
        draw: Callable[[], float] = lambda: 0.5,
        resume_token: str = "",
    ) -> None:
        self.session_id = session_id
        self._resume_token = resume_token
        self._policy = policy
        self._draw = draw
        self._actions: list[Action] = []
        self._numbers = Numbers()
        # The writer sends no StreamReady until it is woken.
        self._writer_waits = True
        self._told_open = False
        self._told_token = False
        # The activity of a client that was away was ended for it, and the client does not know.
        self._ended_for_client = False
        self._closed: Closed | None = None
        self._adopt(Options(model=""), 0.0)
        self._enter(State.NEW)

    def receive(self, event: ev.Event, now: float) -> list[Action]:
        """Take an event at the time `now`, in seconds of any clock that only moves forward; return what to do."""
        reaction = self._reactions.get(type(event))
        if reaction is None:
            return []
        reaction(self, event, now)
        if self.state is State.FINISHING and (closing := self._ending.said(now)):
            self._close(closing, now)
        if self._writer_waits and self._delivery.ready_at() <= now:
            self._writer_waits = False
            self._actions.append(Wake())
        actions = self._actions.copy()
        self._actions.clear()
        return actions

    def deadline(self) -> float:
        """Return when the next Tick is due, on the clock of `now`; inf for never."""
        if ev.Tick not in self._reactions:
            return inf
        ready_at = self._delivery.ready_at() if self._writer_waits else inf
        return min(ready_at, self._attachment.deadline(), self._line.deadline(), self._ending.deadline())

    @property
    def link(self) -> int:
        """The number of the link that counts; 0 for none."""
        return self._line.links.number

    @property
    def held_bytes(self) -> int:
        """The size of the audio that is kept: to be released, to be sent, or to be sent again."""
        return self._delivery.held_bytes + self._line.uplink.held_bytes

    @property
    def unacknowledged_bytes(self) -> int:
        """The size of the output that was sent, and is kept until the client has it."""
        return self._attachment.held_bytes

    @property
    def detached(self) -> bool:
        """Return whether no client listens."""
        return self._attachment.detached

    def fault_of_resume(self, last_seq: int) -> Closed | None:
        """Return how a client's ResumeSession ends that cannot be, None where it can; the session lives on."""
        if self._closed is not None:
            return self._closed
        if ev.ResumeReceived not in self._reactions:
            return Closed(CloseReason.RESUME_UNKNOWN, "the session has ended: open another one", Next.OPEN_AGAIN)
        return self._attachment.fault_of(last_seq)

    # The client speaks.

    def _open(self, event: ev.OpenReceived, now: float) -> None:
        if not self._in_sequence(event.seq, now):
            return
        options = event.options
        fault = fault_of(options, profile_of(options.model, self._policy.profiles)) or fault_of_window(options)
        if fault is not None:
            self._close(Closed(CloseReason.INVALID_OPEN, fault, Next.NONE), now)
            return
        self._adopt(options, now)
        self._line.succession.open(now)
        self._enter(State.OPENING)

    def _refuse(self, event: ev.OpenRefused, now: float) -> None:
        if self._in_sequence(event.seq, now):
            self._close(Closed(event.reason, event.message, Next.NONE), now)

    def _take(self, event: Input, now: float) -> None:
        if not self._in_sequence(event.seq, now):
            return
        if self._ended_for_client and isinstance(event, ev.AudioReceived | ev.TextReceived | ev.ActivityReceived):
            self._ended_for_client = False
            if not isinstance(event, ev.ActivityReceived):
                self._line.user.signal(Edge.START, now)
        journal = self._line.journal
        serial = journal.next
        self._answer(event.seq, self._intake.take(event, now))
        if event.seq and journal.next > serial:
            self._numbers.need(event.seq, journal.next)

    def _take_late(self, event: LateInput, now: float) -> None:
        if self._in_sequence(event.seq, now):
            self._answer(event.seq, self._intake.take_late(event))

    def _answer(self, seq: int, fault: Fault | None) -> None:
        if fault is not None:
            self._outbox.put_urgent(InputRejected(seq, *fault))

    def _take_judgement(self, event: ev.SpeechJudged, now: float) -> None:
        self._line.activities.judge(event.question, event.probability, now)

    def _take_ack(self, event: ev.AckReceived, now: float) -> None:
        self._delivery.acknowledge(event, now)

    def _take_close(self, event: ev.CloseReceived, now: float) -> None:
        if not self._in_sequence(event.seq, now):
            return
        closing = Closed(CloseReason.COMPLETED, "closed as asked", Next.NONE)
        if event.finish_turn:
            self._finish_input(closing, now)
        else:
            self._close(closing, now)

    def _end_input(self, _event: ev.InputEnded, now: float) -> None:
        self._delivery.expect_no_acknowledgement()
        self._finish_input(Closed(CloseReason.COMPLETED, "the client ended its input", Next.NONE), now)

    def _finish_input(self, closing: Closed, now: float) -> None:
        if self._options.mode.signals:
            # Whoever says no more has finished.
            self._line.user.signal(Edge.END, now)
        self._finish(closing, now)

    def _shut_down(self, _event: ev.ShutdownRequested, now: float) -> None:
        self._finish(Closed(CloseReason.SHUTTING_DOWN, "the server goes down", Next.OPEN_AGAIN), now)

    def _reach_quota(self, event: ev.QuotaReached, now: float) -> None:
        self._finish(event.closing, now)

    def _lose_stream(self, event: ev.StreamLost, now: float) -> None:
        # Who was never told how to come back does not.
        lasts = self._attachment.lasts and self._told_token and self.state is not State.CLOSING
        if lasts and not event.for_good:
            self._delivery.detach(now)
            return
        self._line.succession.hang_up()
        self._end()

    def _resume(self, event: ev.ResumeReceived, now: float) -> None:
        assert self.fault_of_resume(event.last_seq) is None
        self._delivery.reattach(event, now)
        self._writer_waits = True

    # The writer pulls.

    def _give(self, event: ev.StreamReady, now: float) -> None:
        self._delivery.give(event, self._line.covered if self._attachment.lasts else inf, now)
        self._line.note_released()
        self._told_token = self._told_open
        self._writer_waits = True
        if self.state is State.CLOSING and self._outbox.empty:
            self._end()

    # The links speak.

    def _hear_link(self, event: LinkEvent, now: float) -> None:
        self._line.receive(event, now)
        if type(event) is ev.LinkOpened and self._line.links.up:
            self._numbers.pass_on(now)
        self._look_at_line(now)
        if self._attachment.left:
            self._line.user.miss(now)

    def _look_at_line(self, now: float) -> None:
        if self._line.links.up and not self._told_open:
            self._told_open = True
            token = self._resume_token if self._attachment.lasts else ""
            self._outbox.put_urgent(Opened(self.session_id, self._options.model, token))
            if self.state is State.OPENING:
                self._enter(State.OPEN)
        closing = self._line.succession.closing
        if closing is None:
            return
        if self.state is State.OPENING:
            self._close(closing, now)
            return
        # What was made before the loss plays on; a session that was ending and lost nothing ends as it would have.
        self._finish(closing, now)
        if self._line.succession.cut_short:
            self._ending.closing = closing

    # The clock ticks.

    def _tick(self, _event: ev.Tick, now: float) -> None:
        self._line.tick(now)
        self._look_at_line(now)
        self._miss_client(now)
        closing = self._ending.limit(now) or self._attachment.over(now)
        # One that gets no link may just have closed.
        if closing is not None and self.state is not State.CLOSING:
            self._close(closing, now)

    def _miss_client(self, now: float) -> None:
        if now >= self._attachment.silent_at():
            self._delivery.detach(now)
            self._actions.append(Detached(gone()))
        if now >= self._attachment.leave_at():
            self._attachment.leave()
            if self._options.mode.signals:
                # Nobody says how the activity that was open ended.
                self._ended_for_client = self._options.mode is Mode.MANUAL and self._line.journal.open
                self._line.user.signal(Edge.END, now)
        if self._attachment.left:
            self._line.user.miss(now)

    # What the reactions are made of.

    def _enter(self, state: State) -> None:
        self.state = state
        self._reactions = REACTIONS[state]

    def _adopt(self, options: Options, now: float) -> None:
        self._options = options
        self._line = Line(options, self._policy, self._draw, self._actions)
        self._playback = self._line.playback
        self._outbox = self._playback.outbox
        self._delivery = Delivery(options, self._numbers, self._playback, self._actions)
        self._attachment = self._delivery.attachment
        self._playback.active_at = now
        self._intake = Intake(options, self._line, self._actions)
        self._ending = Ending(options, self._line, now)

    def _in_sequence(self, seq: int, now: float) -> bool:
        last = self._numbers.last_input
        verdict = self._numbers.judge(seq)
        if seq and self._line.links.up:
            self._numbers.pass_on(now)
        if verdict is Verdict.NEXT:
            return True
        if verdict is Verdict.GAP:
            missing = f"input {seq} came after input {last}: number each input one higher"
            self._close(Closed(CloseReason.INPUT_GAP, missing, Next.OPEN_AGAIN), now)
        elif verdict is Verdict.AHEAD:
            self._actions.append(InputLost(seq - last - 1))
        return verdict is Verdict.AHEAD

    def _finish(self, closing: Closed, now: float) -> None:
        self._ending.finish(closing, now)
        self._enter(State.FINISHING)

    def _close(self, closing: Closed, now: float) -> None:
        self._line.succession.hang_up()
        self._playback.end_all(now)
        if self.state is not State.NEW:
            closing.totals = self._ending.totals(now)
        # Nothing may follow the closing, so what is to be acknowledged is acknowledged now.
        if acknowledged := self._numbers.settle():
            self._outbox.put_urgent(InputAck(acknowledged))
        self._outbox.put_urgent(closing)
        self._closed = closing
        self._enter(State.CLOSING)
        if self._attachment.detached:
            self._end()

    def _end(self) -> None:
        self._actions.append(End(self._closed))
        self._enter(State.ENDED)


Reaction: TypeAlias = Callable[[Session, Any, float], None]

_ALWAYS: dict[type, Reaction] = {
    ev.StreamReady: Session._give,
    ev.StreamLost: Session._lose_stream,
}

_LIVE: dict[type, Reaction] = (
    _ALWAYS
    | {
        ev.ResumeReceived: Session._resume,
        ev.SpeechJudged: Session._take_judgement,
        ev.AckReceived: Session._take_ack,
        ev.CloseReceived: Session._take_close,
        ev.InputEnded: Session._end_input,
        ev.ShutdownRequested: Session._shut_down,
        ev.QuotaReached: Session._reach_quota,
        ev.Tick: Session._tick,
    }
    | dict.fromkeys(INPUTS, Session._take)
    | dict.fromkeys(LINK_EVENTS, Session._hear_link)
)

REACTIONS: dict[State, dict[type, Reaction]] = {
    State.NEW: _ALWAYS | {ev.OpenReceived: Session._open, ev.OpenRefused: Session._refuse},
    State.OPENING: _LIVE,
    State.OPEN: _LIVE,
    State.FINISHING: _LIVE | dict.fromkeys(LATE_INPUTS, Session._take_late),
    State.CLOSING: _ALWAYS,
    State.ENDED: {},
}
