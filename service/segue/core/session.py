"""The session: one conversation as the client sees it, sans-IO.

    NEW ───open───▶ OPENING ───link up───▶ OPEN ───half-close, link lost, shutdown───▶ FINISHING
     │                 │ │                   │                                          │   ▲
     │                 │ └───half-close, shutdown (the link may still come up)──────────┼───┘
     │                 │                     │                                          │
     └──refused────────┴──a fault, a limit, CloseSession───────┬────────────────────────┘ all was said
                                                               ▼
    any state ───the client's stream is lost───▶ ENDED ◀─── CLOSING (the writer pulls the last outputs)

What a state does with an event stands in one table at the end of this file; an event without a reaction is dropped.
"""

from collections.abc import Callable
from enum import Enum, auto
from math import inf
from typing import Any, TypeAlias

from segue.core import events as ev
from segue.core.actions import Action, Dial, Drop, End, HangUp, Send, SendAudio, SendText, Wake
from segue.core.downlink import MODEL_EVENTS, Downlink, ModelEvent
from segue.core.links import closing_of, fault_of, setup_of
from segue.core.numbers import Numbers, Verdict
from segue.core.options import Options
from segue.core.outputs import (
    Closed,
    CloseReason,
    CutCause,
    InputAck,
    InputRejected,
    Interrupted,
    Next,
    Opened,
    Rejection,
)
from segue.core.profiles import profile_of
from segue.core.uplink import Uplink

# How long a finishing session waits for the model once nothing comes and nothing plays any more, in seconds.
REPLY_TIMEOUT = 12.0


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
    """

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self._actions: list[Action] = []
        self._numbers = Numbers()
        # The writer sends no StreamReady until it is woken.
        self._writer_waits = True
        # 0 when there is no link.
        self._link = 0
        self._link_up = False
        self._finishing_at = 0.0
        self._closing = Closed(CloseReason.COMPLETED, "closed as asked", Next.NONE)
        self._late_input = False
        self._adopt(Options(model=""), 0.0)
        self._enter(State.NEW)

    def receive(self, event: ev.Event, now: float) -> list[Action]:
        """Take an event at the time `now`, in seconds of any clock that only moves forward; return what to do."""
        kind = type(event)
        reaction = self._reactions.get(kind)
        # What a link says after it was hung up means nothing any more.
        if reaction is None or (kind in _OF_LINKS and event.link != self._link):  # type: ignore[union-attr]
            return []
        reaction(self, event, now)
        if self.state is State.FINISHING:
            self._close_when_all_is_said(now)
        if self._writer_waits and min(self._downlink.outbox.ready_at(), self._numbers.ack_at) <= now:
            self._writer_waits = False
            self._actions.append(Wake())
        actions = self._actions.copy()
        self._actions.clear()
        return actions

    def deadline(self) -> float:
        """Return when the next Tick is due, on the clock of `now`; inf for never."""
        if ev.Tick not in self._reactions:
            return inf
        return min(
            min(self._downlink.outbox.ready_at(), self._numbers.ack_at) if self._writer_waits else inf,
            self._uplink.feed_deadline() if self._link_up else inf,
            self._downlink.deadline(),
            self._idle_deadline(),
            self._end_deadline,
            self._patience() if self.state is State.FINISHING else inf,
        )

    # The client speaks.

    def _open(self, event: ev.OpenReceived, now: float) -> None:
        if not self._in_sequence(event.seq, now):
            return
        fault = fault_of(event.options)
        if fault is not None:
            self._close(Closed(CloseReason.INVALID_OPEN, fault, Next.NONE), now)
            return
        self._adopt(event.options, now)
        self._link = 1
        self._actions.append(Dial(self._link, setup_of(event.options)))
        self._enter(State.OPENING)

    def _refuse(self, event: ev.OpenRefused, now: float) -> None:
        if self._in_sequence(event.seq, now):
            self._close(Closed(event.reason, event.message, Next.NONE), now)

    def _reject_open(self, event: ev.OpenReceived | ev.OpenRefused, now: float) -> None:
        if self._in_sequence(event.seq, now):
            advice = "this channel carries a session: open the next one on a new channel"
            self._reject(event.seq, (Rejection.ALREADY_OPEN, advice))

    def _take_audio(self, event: ev.AudioReceived, now: float) -> None:
        if not self._in_sequence(event.seq, now):
            return
        uplink, audio = self._uplink, event.audio
        fault = uplink.fault_of_audio(audio)
        if fault is None and not self._link_up:
            fault = uplink.keep(audio)
        if fault is not None:
            self._reject(event.seq, fault)
            return
        uplink.listen(audio, event.voiced, now)
        if event.voiced and uplink.speaking:
            self._hear_user(now)
        if self._link_up:
            self._send(audio)

    def _take_text(self, event: ev.TextReceived, now: float) -> None:
        if not self._in_sequence(event.seq, now):
            return
        fault = self._uplink.fault_of_text(event.text)
        if fault is None and not self._link_up:
            fault = self._uplink.keep(event.text)
        if fault is not None:
            self._reject(event.seq, fault)
            return
        self._hear_user(now)
        self._downlink.understand_user(now)
        if self._link_up:
            self._send(event.text)

    def _take_interrupt(self, event: ev.InterruptReceived, now: float) -> None:
        if self._in_sequence(event.seq, now) and not self._downlink.stop(event.turn, event.heard, now):
            self._downlink.outbox.put_urgent(Interrupted(event.turn, CutCause.NONE))

    def _take_ack(self, event: ev.AckReceived, now: float) -> None:
        if event.heard is not None:
            self._downlink.report_heard(event.turn, event.heard, event.output_seq)
            self._downlink.settle(now)

    def _reject_refused(self, event: ev.InputRefused, now: float) -> None:
        if self._in_sequence(event.seq, now):
            self._reject(event.seq, (event.reason, event.message))

    def _reject_late(self, event: ev.AudioReceived | ev.TextReceived, now: float) -> None:
        if not self._in_sequence(event.seq, now):
            return
        if isinstance(event, ev.AudioReceived) and self._uplink.format is not None:
            self._actions.append(Drop("ending", len(event.audio) / self._uplink.format.bytes_per_second))
            # A microphone does not stop at once: its first frame is told, the others are counted.
            if self._late_input:
                return
            self._late_input = True
        self._reject(event.seq, (Rejection.ENDING, "the session is ending and takes no more input: open another one"))

    def _take_close(self, event: ev.CloseReceived, now: float) -> None:
        if not self._in_sequence(event.seq, now):
            return
        if event.finish_turn:
            self._finish(Closed(CloseReason.COMPLETED, "closed as asked", Next.NONE), now)
        else:
            self._close(Closed(CloseReason.COMPLETED, "closed as asked", Next.NONE), now)

    def _end_input(self, _event: ev.InputEnded, now: float) -> None:
        self._finish(Closed(CloseReason.COMPLETED, "the client ended its input", Next.NONE), now)

    def _shut_down(self, _event: ev.ShutdownRequested, now: float) -> None:
        self._finish(Closed(CloseReason.SHUTTING_DOWN, "the server goes down", Next.OPEN_AGAIN), now)

    def _lose_stream(self, _event: ev.StreamLost, _now: float) -> None:
        self._hang_up()
        self._end()

    # The writer pulls.

    def _give(self, event: ev.StreamReady, now: float) -> None:
        if self._numbers.ack_at <= now:
            self._downlink.outbox.put_urgent(InputAck(self._numbers.acknowledge()))
        for output in self._downlink.take(now, event.max_events, event.max_bytes):
            seq = self._numbers.number(output)
            if isinstance(output, Interrupted):
                self._downlink.note_cut_seq(output.turn, seq)
            self._actions.append(Send(seq, output))
        self._writer_waits = True
        if self.state is State.CLOSING and self._downlink.outbox.empty:
            self._end()

    # The link speaks.

    def _begin(self, _event: ev.LinkOpened, now: float) -> None:
        self._link_up = True
        self._downlink.outbox.put_urgent(Opened(self.session_id, self._options.model))
        # What was kept reaches the model only now, and its answer is waited for from now on.
        self._downlink.active_at = now
        for piece in self._uplink.release():
            self._send(piece)
        self._numbers.pass_on(now)
        if self.state is State.OPENING:
            self._enter(State.OPEN)

    def _fail(self, event: ev.LinkLost, now: float) -> None:
        self._link = 0
        self._close(closing_of(event), now)

    def _lose_link(self, event: ev.LinkLost, now: float) -> None:
        cut_short = self._downlink.lose() or not self._link_up
        self._link, self._link_up = 0, False
        # What was made before the loss plays on; a session that was ending and lost nothing ends as it would have.
        closing = closing_of(event)
        self._finish(closing, now)
        if cut_short:
            self._closing = closing

    def _hear_model(self, event: ModelEvent, now: float) -> None:
        self._downlink.receive(event, now)

    # The clock ticks.

    def _tick(self, _event: ev.Tick, now: float) -> None:
        self._downlink.settle(now)
        if self._link_up:
            for piece in self._uplink.feed(now):
                self._send(piece)
        if now >= self._end_deadline:
            limit = f"max_duration of {self._options.max_duration:g} s is over"
            self._close(Closed(CloseReason.MAX_DURATION, limit, Next.OPEN_AGAIN), now)
        elif now >= self._idle_deadline():
            limit = f"nobody said anything for {self._options.idle_timeout:g} s"
            self._close(Closed(CloseReason.IDLE_TIMEOUT, limit, Next.OPEN_AGAIN), now)

    # What the reactions are made of.

    def _enter(self, state: State) -> None:
        self.state = state
        self._reactions = REACTIONS[state]

    def _adopt(self, options: Options, now: float) -> None:
        self._options = options
        self._downlink = Downlink(options, self._actions)
        self._downlink.active_at = self._opened_at = now
        self._uplink = Uplink(options)
        self._text_slot = profile_of(options.model).text_slot
        self._end_deadline = now + options.max_duration

    def _in_sequence(self, seq: int, now: float) -> bool:
        verdict = self._numbers.judge(seq)
        if verdict is Verdict.GAP:
            missing = f"input {seq} came after input {self._numbers.last_input}: number each input one higher"
            self._close(Closed(CloseReason.INPUT_GAP, missing, Next.OPEN_AGAIN), now)
        elif seq and self._link_up:
            self._numbers.pass_on(now)
        return verdict is Verdict.NEXT

    def _reject(self, seq: int, fault: tuple[Rejection, str]) -> None:
        self._downlink.outbox.put_urgent(InputRejected(seq, *fault))

    def _hear_user(self, now: float) -> None:
        self._downlink.words_at = self._downlink.active_at = now
        self._downlink.interrupt_playout(now)

    def _send(self, piece: bytes | str) -> None:
        if isinstance(piece, str):
            self._actions.append(SendText(self._link, piece, self._text_slot))
        else:
            self._actions.append(SendAudio(self._link, piece, self._uplink.sample_rate))

    def _idle_deadline(self) -> float:
        busy = self.state is State.FINISHING or not self._downlink.idle
        return inf if busy else self._quiet_since() + self._options.idle_timeout

    def _quiet_since(self) -> float:
        # The client still plays what it was given ahead of time.
        return max(self._downlink.active_at, self._downlink.outbox.player.dry_at)

    def _finish(self, closing: Closed, now: float) -> None:
        # A session ends of what first made it end.
        if self.state is not State.FINISHING:
            self._closing = closing
            self._finishing_at = now
            self._enter(State.FINISHING)

    def _close_when_all_is_said(self, now: float) -> None:
        opening = self._link and not self._link_up
        answering = self._link and self._downlink.awaits_reply
        all_is_said = self._downlink.idle and not (opening or answering)
        if all_is_said or now >= self._patience():
            self._close(self._closing, now)

    def _patience(self) -> float:
        # A link that opens has a time-out of its own; whatever plays is waited for.
        if self._link and not self._link_up:
            return inf
        return max(self._finishing_at, self._quiet_since()) + REPLY_TIMEOUT

    def _close(self, closing: Closed, now: float) -> None:
        self._hang_up()
        self._downlink.end_all(now)
        if self.state is not State.NEW:
            totals = self._downlink.totals
            totals.duration = now - self._opened_at
            totals.input_audio = self._uplink.audio_seconds
            closing.totals = totals
        # Nothing may follow the closing, so what is to be acknowledged is acknowledged now.
        if self._numbers.ack_at < inf:
            self._downlink.outbox.put_urgent(InputAck(self._numbers.acknowledge()))
        self._downlink.outbox.put_urgent(closing)
        self._enter(State.CLOSING)

    def _hang_up(self) -> None:
        if self._link:
            self._actions.append(HangUp(self._link))
            self._link, self._link_up = 0, False

    def _end(self) -> None:
        self._actions.append(End())
        self._enter(State.ENDED)


Reaction: TypeAlias = Callable[[Session, Any, float], None]

_OF_LINKS = frozenset({ev.LinkOpened, ev.LinkLost, *MODEL_EVENTS})

_ALWAYS: dict[type, Reaction] = {
    ev.StreamReady: Session._give,
    ev.StreamLost: Session._lose_stream,
}

_TAKING_INPUT: dict[type, Reaction] = _ALWAYS | {
    ev.OpenReceived: Session._reject_open,
    ev.OpenRefused: Session._reject_open,
    ev.AudioReceived: Session._take_audio,
    ev.TextReceived: Session._take_text,
    ev.InterruptReceived: Session._take_interrupt,
    ev.AckReceived: Session._take_ack,
    ev.InputRefused: Session._reject_refused,
    ev.CloseReceived: Session._take_close,
    ev.InputEnded: Session._end_input,
    ev.ShutdownRequested: Session._shut_down,
    ev.Tick: Session._tick,
}

_OPEN: dict[type, Reaction] = (
    _TAKING_INPUT | {ev.LinkLost: Session._lose_link} | dict.fromkeys(MODEL_EVENTS, Session._hear_model)
)

REACTIONS: dict[State, dict[type, Reaction]] = {
    State.NEW: _ALWAYS | {ev.OpenReceived: Session._open, ev.OpenRefused: Session._refuse},
    State.OPENING: _TAKING_INPUT | {ev.LinkOpened: Session._begin, ev.LinkLost: Session._fail},
    State.OPEN: _OPEN,
    State.FINISHING: _OPEN
    | {
        ev.LinkOpened: Session._begin,
        ev.AudioReceived: Session._reject_late,
        ev.TextReceived: Session._reject_late,
    },
    State.CLOSING: _ALWAYS,
    State.ENDED: {},
}
