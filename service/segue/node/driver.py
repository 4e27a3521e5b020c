"""Drives one session: feeds it, does what it asks, owns its timer."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from math import inf
from typing import Protocol, TypeAlias

import structlog

from segue.backend.link import Backend, Link
from segue.core.actions import (
    Action,
    Detached,
    Dial,
    End,
    HangUp,
    JudgeSpeech,
    Relearn,
    Send,
    SendActivity,
    SendAudio,
    SendImage,
    SendNote,
    SendText,
    SendToolResult,
    SendUpdate,
    SetUp,
    Wake,
)
from segue.core.events import (
    Event,
    LinkEvent,
    LinkLost,
    LinkOpened,
    OpenReceived,
    SpeechJudged,
    StreamReady,
    Tick,
    ToolResultReceived,
)
from segue.core.options import MODEL_GIVES, MODEL_TAKES, Options
from segue.core.outputs import Audio, Closed, CloseReason, Next, ToolCall, ToolCallCancelled
from segue.core.profiles import Profile, profile_of
from segue.core.session import Session, State
from segue.node.hearing import Hearing
from segue.node.judge import Judge
from segue.node.quotas import NOBODY, Account
from segue.node.rendering import Rendering
from segue.telemetry.metrics import Metrics

_log = structlog.get_logger(__name__)

Remains: TypeAlias = Mapping[str, int]

# A uvloop timer has whole milliseconds and may be early, and would spin until its time: half of one more spares that.
_TIMER_SLACK = 0.0005
# While audio comes, silence is due to be fed so much later, in seconds.
_NEAR = 0.2 + 2 * _TIMER_SLACK


class Listener(Protocol):
    """Whoever has a session on a stream."""

    def wake(self) -> None:
        """Take it that there is output to pull."""

    def part(self, closed: Closed) -> None:
        """Say this and have the session no more: it goes on without."""

    def ended(self) -> None:
        """Take it that the session is over."""


class Driver:
    """One session with its links and its timer. All of it belongs to the running event loop.

    Args:
        session: the session, new.
        backend: where its links are dialled.
        metrics: what is counted.
        judge: what tells speech from other sounds.
        profiles: the families of models that metrics tell apart.
        listener: whoever has the session, until another one is attached.
        ended: called once, when the session is over, with how it ended.
        account: whose audio it is.
        allowed: the names of the credentials that it may use; none for all.
    """

    def __init__(
        self,
        session: Session,
        backend: Backend,
        metrics: Metrics,
        judge: Judge,
        profiles: tuple[Profile, ...],
        listener: Listener,
        ended: Callable[["Driver", Closed | None], None],
        account: Account = NOBODY,
        allowed: tuple[str, ...] = (),
    ) -> None:
        self.session = session
        self._backend = backend
        self._metrics = metrics
        self._judge = judge
        self._profiles = profiles
        self._listener = listener
        self._ended = ended
        self._allowed = allowed
        self._loop = asyncio.get_running_loop()
        self._links: dict[int, Link] = {}
        # Since when each link that is not up yet is dialled, or set up where it was held.
        self._begun_at: dict[int, float] = {}
        self._called_at: dict[str, float] = {}
        # When the timer is due: uvloop gives a handle that does not know it for what is due at once.
        self._timer: asyncio.Handle | None = None
        self._timer_at = 0.0
        self._family = ""
        self._hearing = Hearing(Options(model=""))
        self._rendering: Rendering | None = None
        self._output_rate = 1
        # In bytes a second. Audio without a format is not used.
        self._input_rate = inf
        self.account = account
        self._log = _log.bind(session=session.session_id)
        if account.name:
            self._log = self._log.bind(tenant=account.name)
        metrics.sessions_active.inc()
        metrics.sessions_opened.inc()

    @property
    def remains(self) -> Remains:
        """What there still is of the session; once it is over, everything is 0."""
        return {"links": len(self._links), "timers": int(self._timer is not None)}

    def feed(self, event: Event) -> None:
        """Let the session react to an event now."""
        now = self._loop.time()
        if type(event) is OpenReceived and self.session.state is State.NEW:
            self._note_open(event)
        elif type(event) is ToolResultReceived and not event.will_continue:
            self._note_result(event.call_id, now)
        actions = self.session.receive(event, now)
        if actions:
            self._carry_out(actions, now)
        # Audio that is passed on and nothing else makes nothing due before a timer that is as near as this.
        passed_on = len(actions) == 1 and type(actions[0]) is SendAudio
        if not (passed_on and self._timer is not None and self._timer_at <= now + _NEAR):
            self._schedule(now)

    def hear(self, seq: int, audio: bytes) -> None:
        """Let the session hear a frame of the user's audio, in the format of the client."""
        self.account.spend(len(audio) / self._input_rate)
        for heard in self._hearing.hear(seq, audio):
            self.feed(heard)

    def pull(self, max_events: int, max_bytes: int) -> list[Send]:
        """Return what goes into the next stream message."""
        now = self._loop.time()
        sends = []
        others = []
        for action in self.session.receive(StreamReady(max_events, max_bytes), now):
            if type(action) is Send:
                sends.append(action)
                if not action.again:
                    self._observe(action, now)
            else:
                others.append(action)
        if others:
            self._carry_out(others, now)
        self._schedule(now)
        return sends

    def _carry_out(self, actions: list[Action], now: float) -> None:
        for action in actions:
            match action:
                case SendAudio():
                    self._links[action.link].send_audio(action.audio, action.sample_rate)
                    self._metrics.audio_in.inc(len(action.audio) / MODEL_TAKES.bytes_per_second)
                case Wake():
                    self._listener.wake()
                case Detached():
                    self._listener.part(action.closed)
                case SendText():
                    self._links[action.link].send_text(action.text, action.slot)
                case SendNote():
                    self._links[action.link].send_note(action.text, action.slot)
                case SendImage():
                    self._links[action.link].send_image(action.content, action.mime_type)
                case SendUpdate():
                    self._links[action.link].send_update(
                        action.system_instruction, action.functions, action.built_in_tools
                    )
                case SendActivity():
                    self._links[action.link].send_activity(action.started)
                case JudgeSpeech():
                    self._judge.ask(action.audio, partial(self._hear_judgement, action.question))
                case Relearn():
                    self._hearing.relearn()
                case SendToolResult():
                    self._links[action.link].send_tool_result(
                        action.call_id, action.name, action.response, action.scheduling, action.will_continue
                    )
                case Dial():
                    self._begun_at[action.link] = now
                    self._metrics.links_active.inc()
                    self._links[action.link] = self._backend.dial(
                        action.link,
                        action.setup,
                        self._hear_link,
                        purpose=action.purpose,
                        hold=action.hold,
                        credential=action.credential,
                        allowed=self._allowed,
                    )
                case SetUp():
                    self._begun_at[action.link] = now
                    self._links[action.link].set_up(action.setup)
                case HangUp():
                    self._forget(action.link).hang_up()
                    if self._begun_at.pop(action.link, None) is not None:
                        self._metrics.link_dials.labels("abandoned").inc()
                case End():
                    self._end(action.closed)
                case Send():
                    raise AssertionError("output that nobody pulled")
                case _:
                    self._metrics.note(action, self._family)

    def _hear_link(self, event: LinkEvent) -> None:
        if type(event) is LinkOpened:
            self._metrics.link_dials.labels("opened").inc()
            self._metrics.link_setup.observe(self._loop.time() - self._begun_at.pop(event.link))
        elif type(event) is LinkLost:
            self._forget(event.link)
            cause = event.cause.name.lower()
            if self._begun_at.pop(event.link, None) is not None:
                self._metrics.link_dials.labels(cause).inc()
            self._metrics.observe_loss(event.code)
            self._log.warning("link_lost", link=event.link, cause=cause, code=event.code, message=event.message)
        for said in self._rendering.render(event) if self._rendering else (event,):
            self.feed(said)

    def _hear_judgement(self, question: int, probability: float) -> None:
        self.feed(SpeechJudged(question, probability))

    def _forget(self, number: int) -> Link:
        self._metrics.links_active.dec()
        return self._links.pop(number)

    def _note_open(self, opening: OpenReceived) -> None:
        options = opening.options
        self._family = profile_of(options.model, self._profiles).family
        self._output_rate = options.output_format.bytes_per_second
        if options.input_format is not None:
            self._input_rate = options.input_format.bytes_per_second
        if options.output_format != MODEL_GIVES:
            self._rendering = Rendering(options.output_format)
        self._hearing = Hearing(options)
        self._log.info("session_opened", model=options.model, labels=options.labels)

    def _note_result(self, call_id: str, now: float) -> None:
        called_at = self._called_at.pop(call_id, None)
        if called_at is not None:
            self._metrics.observe_tool_call("answered", now - called_at)

    def _observe(self, send: Send, now: float) -> None:
        output = send.output
        if type(output) is Audio:
            seconds = len(output.audio) / self._output_rate
            self._metrics.audio_out.inc(seconds)
            self.account.spend(seconds)
            return
        self._metrics.observe(output, self._family)
        match output:
            case ToolCall():
                self._called_at[output.call_id] = now
            case ToolCallCancelled():
                if self._called_at.pop(output.call_id, None) is not None:
                    self._metrics.observe_tool_call("timed_out" if output.timed_out else "cancelled")

    def _schedule(self, now: float) -> None:
        # A timer that is too early only asks again, so it is moved only forward: most events put the deadline off.
        due = max(self.session.deadline(), now) + _TIMER_SLACK
        if self._timer is not None:
            if self._timer_at <= due:
                return
            self._timer.cancel()
        self._timer_at = due
        self._timer = self._loop.call_at(due, self._tick) if due < inf else None

    def _tick(self) -> None:
        self._timer = None
        now = self._loop.time()
        if now >= self.session.deadline():
            self.feed(Tick())
        else:
            self._schedule(now)

    def attach(self, listener: Listener) -> None:
        """Have another listener from here on; the one before is told, if it still listens."""
        if not self.session.detached:
            message = "another stream goes on with the session"
            self._listener.part(Closed(CloseReason.TAKEN_OVER, message, Next.RESUME))
        self._listener = listener

    def _end(self, closed: Closed | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for _ in self._called_at:
            self._metrics.observe_tool_call("unanswered")
        self._called_at.clear()
        reason, message = "stream_lost", "the client's stream is gone"
        if closed is not None:
            reason, message = closed.reason.name.lower(), closed.message
        self._log.info("session_closed", reason=reason, message=message)
        self._metrics.sessions_active.dec()
        self._metrics.sessions_closed.labels(reason).inc()
        self._listener.ended()
        self._ended(self, closed)
