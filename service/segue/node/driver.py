"""Drives one session: feeds it, does what it asks, owns its timer."""

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeAlias

import structlog

from segue.backend.link import Backend, Link
from segue.core.actions import Action, Dial, Drop, End, HangUp, Send, SendAudio, SendText, Wake
from segue.core.events import Event, LinkEvent, LinkLost, LinkOpened, OpenReceived, StreamReady, Tick
from segue.core.outputs import Audio, Closed
from segue.core.profiles import profile_of
from segue.core.session import Session, State
from segue.telemetry.metrics import Metrics

_log = structlog.get_logger(__name__)

Remains: TypeAlias = Mapping[str, int]

# A uvloop timer has whole milliseconds and may be early, and would spin until its time: half of one more spares that.
_TIMER_SLACK = 0.0005


class Driver:
    """One session with its links and its timer. All of it belongs to the running event loop.

    Args:
        session: the session, new.
        backend: where its links are dialled.
        metrics: what is counted.
        wake: called when there is output to pull.
        ended: called once, when the session is over.
    """

    def __init__(
        self,
        session: Session,
        backend: Backend,
        metrics: Metrics,
        wake: Callable[[], None],
        ended: Callable[["Driver"], None],
    ) -> None:
        self.session = session
        self._backend = backend
        self._metrics = metrics
        self._wake = wake
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._links: dict[int, Link] = {}
        self._dialled_at: dict[int, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._family = ""
        self._output_rate = 1
        self._input_rate = 1
        self._close_reason, self._close_message = "stream_lost", "the client's stream is gone"
        self._log = _log.bind(session=session.session_id)
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
        actions = self.session.receive(event, now)
        if actions:
            self._carry_out(actions, now)
        self._schedule(now)

    def pull(self, max_events: int, max_bytes: int) -> list[Send]:
        """Return what goes into the next stream message."""
        now = self._loop.time()
        sends = []
        others = []
        for action in self.session.receive(StreamReady(max_events, max_bytes), now):
            if type(action) is Send:
                sends.append(action)
                self._observe(action)
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
                    self._metrics.audio_in.inc(len(action.audio) / self._input_rate)
                case Wake():
                    self._wake()
                case SendText():
                    self._links[action.link].send_text(action.text, action.slot)
                case Dial():
                    self._dialled_at[action.link] = now
                    self._metrics.links_active.inc()
                    self._links[action.link] = self._backend.dial(action.link, action.setup, self._hear_link)
                case HangUp():
                    self._forget(action.link).hang_up()
                    if self._dialled_at.pop(action.link, None) is not None:
                        self._metrics.link_dials.labels("abandoned").inc()
                case Drop():
                    self._metrics.observe_drop(action)
                case End():
                    self._end()
                case Send():
                    raise AssertionError("output that nobody pulled")

    def _hear_link(self, event: LinkEvent) -> None:
        if type(event) is LinkOpened:
            self._metrics.link_dials.labels("opened").inc()
            self._metrics.link_setup.observe(self._loop.time() - self._dialled_at.pop(event.link))
        elif type(event) is LinkLost:
            self._forget(event.link)
            if self._dialled_at.pop(event.link, None) is not None:
                self._metrics.link_dials.labels(event.cause.name.lower()).inc()
            self._log.warning("link_lost", cause=event.cause.name.lower(), message=event.message)
        self.feed(event)

    def _forget(self, number: int) -> Link:
        self._metrics.links_active.dec()
        return self._links.pop(number)

    def _note_open(self, opening: OpenReceived) -> None:
        options = opening.options
        self._family = profile_of(options.model).family
        self._output_rate = options.output_format.bytes_per_second
        if options.input_format is not None:
            self._input_rate = options.input_format.bytes_per_second
        self._log.info("session_opened", model=options.model, labels=options.labels)

    def _observe(self, send: Send) -> None:
        output = send.output
        if type(output) is Audio:
            self._metrics.audio_out.inc(len(output.audio) / self._output_rate)
            return
        self._metrics.observe(output, self._family)
        if isinstance(output, Closed):
            self._close_reason, self._close_message = output.reason.name.lower(), output.message

    def _schedule(self, now: float) -> None:
        # A timer that is too early only asks again, so it is moved only forward: most events put the deadline off.
        due = max(self.session.deadline(), now) + _TIMER_SLACK
        timer = self._timer
        if timer is not None:
            if timer.when() <= due:
                return
            timer.cancel()
        self._timer = self._loop.call_at(due, self._tick) if due < float("inf") else None

    def _tick(self) -> None:
        self._timer = None
        now = self._loop.time()
        if now >= self.session.deadline():
            self.feed(Tick())
        else:
            self._schedule(now)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._log.info("session_closed", reason=self._close_reason, message=self._close_message)
        self._metrics.sessions_active.dec()
        self._metrics.sessions_closed.labels(self._close_reason).inc()
        self._ended(self)
