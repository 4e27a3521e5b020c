"""A stand-in for what drives a session: it carries out what the session decides, on the world's clock."""

from collections.abc import Callable
from functools import partial
from random import Random

from segue.core import actions as do
from segue.core.events import Event, LinkEvent, ResumeReceived, SpeechJudged, StreamLost, StreamReady, Tick
from segue.core.outputs import Closed, CloseReason, Next
from segue.core.session import Session
from segue.simulator.conversation.stamps import StampReader
from segue.simulator.faults.plan import FaultPlan
from segue.simulator.history import History, Value
from segue.simulator.promises import Broke
from segue.simulator.script import LiveScript
from segue.simulator.switches import Switches
from segue.simulator.world.clock import Alarm, Clock
from segue.simulator.world.frames import Said
from segue.simulator.world.gate import Gates
from segue.simulator.world.links import Links
from segue.simulator.world.network import Break, Network
from segue.simulator.world.recorder import Recorder
from segue.simulator.world.sizes import held_bytes

# What the edge lets one session put into a message (edge.converse).
_SHARE_EVENTS = 8
_SHARE_BYTES = 60 * 1024
# So many ticks at one time are a session that spins.
_MOST_TICKS = 100
_NEVER = float("inf")


class Driver:
    """One session of the gateway.

    Args:
        connect: makes the service's side of a connection, given its name and that of the credential.
        deliver: takes what goes to the client in one message.
        part: takes what the client's stream ends with while the session lives on.
        write_delay: how long the stream takes until it can take a message, in seconds; drawn anew each time.
    """

    def __init__(
        self,
        clock: Clock,
        session: Session,
        history: History,
        gates: Gates,
        network: Network,
        rng: Random,
        connect: Callable[[str, str], LiveScript],
        deliver: Callable[[list[do.Send]], None],
        part: Callable[[Closed], None],
        write_delay: Callable[[], float],
        *,
        vertex: bool,
    ) -> None:
        self.session = session
        self.over = False
        self._clock = clock
        self._deliver = deliver
        self._part = part
        self._write_delay = write_delay
        self._recorder = Recorder(clock, history, session.session_id)
        self._links = Links(
            clock, session.session_id, history, gates, network, rng, connect, self._report, vertex=vertex
        )
        self._alarm: Alarm | None = None
        # How many streams the client has had, and how the session ended.
        self._streams = 1
        self._closed: Closed | None = None
        self._ticked_at = -_NEVER
        self._ticks = 0

    def feed(self, event: Event) -> None:
        """Let the session react to an event now."""
        if self.over:
            return
        if type(event) is StreamLost:
            self._streams += 1
            self.record("client_lost")
        self._carry_out(self.session.receive(event, self._clock.now))
        self._schedule()

    def resume(self, event: ResumeReceived) -> Closed | None:
        """Let the client have the session on another stream; return why not, where it cannot."""
        if self.over:
            return self._closed or Closed(CloseReason.RESUME_UNKNOWN, "there is no such session", Next.OPEN_AGAIN)
        fault = self.session.fault_of_resume(event.last_seq)
        if fault is None:
            self._streams += 1
            self.record("client_came_back", takes_over=not self.session.detached)
            self.feed(event)
        return fault

    def strike(self, plan: FaultPlan) -> None:
        """Have a fault act from now on, on the connection of the link that counts."""
        fault = plan.arm(Random("fault"), self._clock.now, Switches(), by_hand=True)
        self._links[self.session.link].strike(fault)

    def break_off(self, kind: Break) -> None:
        """Have the connection of the link that counts fail."""
        self._links[self.session.link].break_off(kind)

    def weigh(self) -> None:
        """Write down how much the session holds."""
        if not self.over:
            held, sent = self.session.held_bytes, self.session.unacknowledged_bytes
            self.record("session_weighed", bytes=held_bytes(self.session), audio=held, unacknowledged=sent)

    def record(self, kind: str, **fields: Value) -> None:
        """Write something down."""
        self._recorder.record(kind, **fields)

    def _carry_out(self, actions: list[do.Action]) -> None:
        sends: list[do.Send] = []
        for action in actions:
            match action:
                case do.Send():
                    sends.append(action)
                case do.SendAudio():
                    self._send(action)
                case do.Wake():
                    self._clock.after(self._write_delay(), partial(self._pull, self._streams))
                case do.Dial():
                    self._dial(action)
                case do.SetUp():
                    self.record("link_set_up", link=action.link, resumes=bool(action.setup.handle))
                    self._links.set_up(action)
                case do.HangUp():
                    self.record("link_hung_up", link=action.link)
                    self._links.hang_up(action.link)
                case do.End():
                    self._closed = action.closed
                    self._end()
                case do.JudgeSpeech():
                    # What a user of this world says is numbered, and a mere sound is not.
                    judged = SpeechJudged(action.question, float(bool(StampReader().read(action.audio))))
                    self._clock.after(0.0, partial(self.feed, judged))
                case do.Relearn():
                    pass
                case do.Detached():
                    self._streams += 1
                    self.record("client_lost")
                    self._part(action.closed)
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
                    self._recorder.observe(action)
        if sends:
            self._deliver(sends)

    def _pull(self, stream: int) -> None:
        # A stream that is gone takes nothing.
        if stream == self._streams:
            self.feed(StreamReady(_SHARE_EVENTS, _SHARE_BYTES))

    def _dial(self, dial: do.Dial) -> None:
        setup, purpose = dial.setup, dial.purpose.name
        self.record("link_dialled", link=dial.link, purpose=purpose, hold=dial.hold, resumes=bool(setup.handle))
        self._links.dial(dial)

    def _send(self, action: Said) -> None:
        self._recorder.say(action)
        self._links.send(action)

    def _report(self, event: LinkEvent) -> None:
        self._recorder.hear(event)
        self.feed(event)

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
