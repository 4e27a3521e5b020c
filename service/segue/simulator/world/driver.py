"""A stand-in for what drives a session: its links, its timer, its writer, and the gateway's record of all that."""

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import fields
from functools import cache, partial
from random import Random
from typing import TypeAlias

from segue.backend.frames import (
    activity_frame,
    audio_frame,
    image_frame,
    note_frame,
    setup_frame,
    text_frame,
    tool_result_frame,
    update_frame,
)
from segue.backend.gate import Refusal
from segue.core import actions as do
from segue.core.events import (
    Event,
    HandleReceived,
    LinkEvent,
    LinkHeld,
    LinkLost,
    LinkOpened,
    ModelAudio,
    SpeechJudged,
    StreamReady,
    Tick,
    ToolCalled,
    ToolCallsCancelled,
)
from segue.core.profiles import profile_of
from segue.core.session import Session
from segue.simulator.conversation.stamps import StampReader
from segue.simulator.faults.plan import FaultPlan
from segue.simulator.history import History, Value
from segue.simulator.promises import Broke
from segue.simulator.script import LiveScript
from segue.simulator.switches import Switches
from segue.simulator.world.clock import Alarm, Clock
from segue.simulator.world.gate import Gate
from segue.simulator.world.link import Dialling, Link
from segue.simulator.world.network import Break, Network
from segue.simulator.world.sizes import held_bytes
from segue.simulator.world.voices import span_of

# What the edge lets one session put into a message (edge.converse).
_SHARE_EVENTS = 8
_SHARE_BYTES = 60 * 1024
# So many ticks at one time are a session that spins.
_MOST_TICKS = 100
_NEVER = float("inf")

_Said: TypeAlias = (
    do.SendAudio | do.SendText | do.SendNote | do.SendImage | do.SendUpdate | do.SendActivity | do.SendToolResult
)


class Driver:
    """One session of the gateway.

    Args:
        connect: makes the service's side of a connection, given its name.
        deliver: takes what goes to the client in one message.
        write_delay: how long the stream takes until it can take a message, in seconds; drawn anew each time.
    """

    def __init__(
        self,
        clock: Clock,
        session: Session,
        history: History,
        gate: Gate,
        network: Network,
        rng: Random,
        connect: Callable[[str], LiveScript],
        deliver: Callable[[list[do.Send]], None],
        write_delay: Callable[[], float],
        *,
        vertex: bool,
    ) -> None:
        self.session = session
        self.over = False
        self._clock = clock
        self._history = history
        self._gate = gate
        self._network = network
        self._rng = rng
        self._connect = connect
        self._deliver = deliver
        self._write_delay = write_delay
        self._vertex = vertex
        self._links: dict[int, _Dialled] = {}
        # The calls that came, by the number of their link, and that were not answered there.
        self._calls: dict[int, set[str]] = defaultdict(set)
        # When the last link that was hung up is gone.
        self._gone_at = -_NEVER
        self._alarm: Alarm | None = None
        self._ticked_at = -_NEVER
        self._ticks = 0

    def feed(self, event: Event) -> None:
        """Let the session react to an event now."""
        if self.over:
            return
        self._carry_out(self.session.receive(event, self._clock.now))
        self._schedule()

    def strike(self, plan: FaultPlan) -> None:
        """Have a fault act from now on, on the connection of the link that counts."""
        fault = plan.arm(Random("fault"), self._clock.now, Switches(), by_hand=True)
        self._links[self.session.link].link.strike(fault)

    def break_off(self, kind: Break) -> None:
        """Have the connection of the link that counts fail."""
        self._links[self.session.link].link.break_off(kind)

    def weigh(self) -> None:
        """Write down how much the session holds."""
        if not self.over:
            self.record("session_weighed", bytes=held_bytes(self.session), audio=self.session.held_bytes)

    def record(self, kind: str, **fields: Value) -> None:
        """Write something down."""
        self._history.add(self._clock.now, "gateway", self.session.session_id, kind, **fields)

    def _carry_out(self, actions: list[do.Action]) -> None:
        sends: list[do.Send] = []
        for action in actions:
            match action:
                case do.Send():
                    sends.append(action)
                case do.SendAudio():
                    self._send(action)
                case do.Wake():
                    self._clock.after(self._write_delay(), self._pull)
                case do.Dial():
                    self._dial(action)
                case do.SetUp():
                    self.record("link_set_up", link=action.link, resumes=bool(action.setup.handle))
                    self._set_up(self._links[action.link].link, action.setup)
                case do.HangUp():
                    self.record("link_hung_up", link=action.link)
                    hung_up = self._links.pop(action.link)
                    hung_up.hang_up()
                    self._gone_at = max(self._gone_at, hung_up.link.gone_at)
                case do.End():
                    self._end()
                case do.JudgeSpeech():
                    # What a user of this world says is numbered, and a mere sound is not.
                    judged = SpeechJudged(action.question, float(bool(StampReader().read(action.audio))))
                    self._clock.after(0.0, partial(self.feed, judged))
                case do.Relearn():
                    pass
                case (
                    do.SendText()
                    | do.SendNote()
                    | do.SendImage()
                    | do.SendUpdate()
                    | do.SendActivity()
                    | do.SendToolResult()
                ):
                    self._send(action)
                case _:
                    self._observe(action)
        if sends:
            self._deliver(sends)

    def _pull(self) -> None:
        self.feed(StreamReady(_SHARE_EVENTS, _SHARE_BYTES))

    def _dial(self, dial: do.Dial) -> None:
        number, hold = dial.link, dial.hold
        self.record("link_dialled", link=number, purpose=dial.purpose.name, hold=hold, resumes=bool(dial.setup.handle))
        link = _Dialled(self, self._gate, number, dial.purpose, profile_of(dial.setup.model).family)
        if not hold:
            self._set_up(link.link, dial.setup)
        self._links[number] = link
        self._gate.ask(link)

    def _set_up(self, link: Link, setup: do.Setup) -> None:
        link.set_up(self._frame(setup), resumed=bool(setup.handle), ending_until=self._gone_at)

    def _frame(self, setup: do.Setup) -> bytes:
        path = "projects/p/locations/us-central1/publishers/google/models/" if self._vertex else "models/"
        return setup_frame(setup, f"{path}{setup.model}", vertex=self._vertex)

    def _send(self, action: _Said) -> None:
        match action:
            case do.SendAudio():
                if self._calls[action.link]:
                    self.record("audio_sent_during_call", link=action.link)
                frame: bytes | None = audio_frame(action.audio, action.sample_rate)
            case do.SendText():
                frame = text_frame(action.text, action.slot)
            case do.SendNote():
                frame = note_frame(action.text, action.slot)
            case do.SendImage():
                frame = image_frame(action.content, action.mime_type)
            case do.SendUpdate():
                frame = update_frame(action.system_instruction, action.functions, action.built_in_tools)
            case do.SendActivity():
                frame = activity_frame(action.started)
            case do.SendToolResult():
                self._calls[action.link].discard(action.call_id)
                frame = tool_result_frame(
                    action.call_id, action.name, action.response, action.scheduling, action.will_continue
                )
        if frame is not None:
            self._links[action.link].link.send(frame)

    def link(self, number: int, dialling: Dialling) -> Link:
        """Return a link over the session's network, to be dialled."""
        return Link(self._clock, number, dialling, self._network, self._rng)

    def connect(self, name: str) -> LiveScript:
        """Return the service's side of a connection that stands from now on."""
        return self._connect(name)

    def note(self, connection: str, kind: str, how: str) -> None:
        """Write down what the network does to a connection."""
        self._history.add(self._clock.now, "simulator", connection, kind, how=how)

    def report(self, event: LinkEvent) -> None:
        """Take what happens on a link."""
        match event:
            case ModelAudio():
                if span := span_of(event.audio):
                    self.record("speech_received", link=event.link, **span)
            case ToolCalled():
                self._calls[event.link].add(event.call_id)
                self.record("tool_call_received", link=event.link)
            case ToolCallsCancelled():
                self._calls[event.link].difference_update(event.call_ids)
            case HandleReceived():
                self.record("handle_received", link=event.link, usable=bool(event.handle))
            case LinkHeld():
                self.record("link_held", link=event.link)
            case LinkOpened():
                self.record("link_opened", link=event.link)
            case LinkLost():
                del self._links[event.link]
                self.record(
                    "link_lost",
                    link=event.link,
                    cause=event.cause.name,
                    code=event.code,
                    message=event.message,
                    retry_delay=event.retry_delay,
                )
        self.feed(event)

    def _observe(self, observation: do.Observation) -> None:
        values = {name.name: getattr(observation, name.name) for name in fields(observation)}
        # A record has a kind of its own.
        told = {name.replace("kind", "what"): getattr(value, "name", value) for name, value in values.items()}
        self.record(_kind_of(type(observation).__name__), **told)

    def _schedule(self) -> None:
        due, alarm = self.session.deadline(), self._alarm
        if alarm is not None:
            if alarm.at <= due:
                return
            alarm.cancel()
        self._alarm = self._clock.at(due, self._tick) if due < _NEVER else None

    def _tick(self) -> None:
        self._alarm = None
        now = self._clock.now
        if now < self.session.deadline():
            self._schedule()
            return
        self._ticks = self._ticks + 1 if now == self._ticked_at else 1
        self._ticked_at = now
        if self._ticks > _MOST_TICKS:
            raise Broke("Frugal", f"session {self.session.session_id} asks for tick after tick at {now:g} s")
        self.feed(Tick())

    def _end(self) -> None:
        # The timer is asked for once more: a session that is over wants none.
        timers = int(self.session.deadline() < _NEVER)
        self.record("session_ended", links=len(self._links), timers=timers)
        self.over = True


class _Dialled:
    """A link that may still have to wait for its dial, and what becomes of it."""

    def __init__(self, driver: Driver, gate: Gate, number: int, purpose: do.Purpose, family: str) -> None:
        self.purpose = purpose
        self.family = family
        self._driver = driver
        self._gate = gate
        self._connection = f"{driver.session.session_id}/{number}"
        self.link = driver.link(number, self)

    def begin(self) -> None:
        self.link.begin()

    def refuse(self, refusal: Refusal) -> None:
        self.link.refuse(refusal)

    def hang_up(self) -> None:
        self.link.hang_up()
        self._gate.withdraw(self)

    def report(self, event: LinkEvent) -> None:
        self._gate.hear(self, event)
        self._driver.report(event)

    def note(self, kind: str, how: str) -> None:
        self._driver.note(self._connection, kind, how)

    def connected(self) -> LiveScript:
        return self._driver.connect(self._connection)


@cache
def _kind_of(observation: str) -> str:
    """Return what a history calls an observation: "false_interruption_seen"."""
    if observation == do.Drop.__name__:
        return "audio_dropped"
    return re.sub(r"(?<!^)[A-Z]", r"_\g<0>", observation).lower()
