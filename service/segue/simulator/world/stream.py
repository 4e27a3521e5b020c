"""A client's stream to its session: it breaks now and then, and another one follows it."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from random import Random
from typing import Protocol, TypeAlias

from segue.core import events as ev
from segue.core.actions import Send
from segue.core.outputs import Closed, InputAck, Next, Opened, Resumed
from segue.simulator.history import History, Value
from segue.simulator.world.clock import Clock

# A client keeps so much audio that was not acknowledged, in frames of 100 ms, and takes so long to come back to a
# gateway that took it for gone, in seconds.
_MOST_FRAMES = 300
_COMES_BACK = 0.1
# A stream that follows another one may break before it was of use.
_AGAIN_CHANCE = 0.2
_AGAIN_WITHIN = 0.3

Numbered: TypeAlias = (
    ev.OpenReceived
    | ev.AudioReceived
    | ev.TextReceived
    | ev.NoteReceived
    | ev.ImageReceived
    | ev.UpdateReceived
    | ev.ActivityReceived
    | ev.InterruptReceived
    | ev.ToolResultReceived
    | ev.CloseReceived
)


@dataclass(frozen=True, slots=True)
class Breaking:
    """How streams break. Times are in seconds.

    Attributes:
        every: how long one lasts at the mean; inf for streams that never break.
        away: how long the client takes at most until it has another one.
        noticed: how long the gateway takes at most to see that it is gone.
    """

    every: float = inf
    away: float = 1.0
    noticed: float = 0.0


UNBROKEN = Breaking()


class Gateway(Protocol):
    """What a client needs of the gateway."""

    def feed(self, event: ev.ClientEvent) -> None:
        """Take what comes on the stream."""
        ...

    def resume(self, event: ev.ResumeReceived) -> Closed | None:
        """Let the client have its session on another stream; return why not, where it cannot."""
        ...


class Stream:
    """The streams of one client, of which one is alive at most.

    Numbered input is kept until it is acknowledged, and sent again where the gateway has not got it.

    Args:
        latency: to the gateway, one way, in seconds.
        hear: takes an output that has come.
        come_back: returns what the client has got so far.
    """

    def __init__(
        self,
        clock: Clock,
        session_id: str,
        gateway: Gateway,
        latency: float,
        breaking: Breaking,
        rng: Random,
        history: History,
        hear: Callable[[list[Send]], None],
        come_back: Callable[[], ev.ResumeReceived],
    ) -> None:
        self._clock = clock
        self._session_id = session_id
        self._gateway = gateway
        self._latency = latency
        self._breaking = breaking
        self._rng = rng
        self._history = history
        self._hear = hear
        self._come_back = come_back
        # The number of the stream, that of the one which the gateway takes for the client's, and whether it is alive.
        self._number = self._attached = 1
        self._alive = True
        # Input may be sent: what came before it is on its way.
        self._ready = True
        # Until when what each stream that broke carries still arrives.
        self._carries_until: dict[int, float] = {}
        self._kept: deque[Numbered] = deque()
        self._last_seq = 0
        self._ends = False
        self._over = False

    @property
    def keeps(self) -> bool:
        """Whether a stream that breaks is followed by another one."""
        return self._breaking.every < inf

    def say(self, event: ev.ClientEvent, delay: float = 0.0) -> None:
        """Send an event, after a delay that nothing else has."""
        if self.keeps and isinstance(event, Numbered) and event.seq:
            self._last_seq = event.seq
            self._kept.append(event)
            self._limit()
        if isinstance(event, ev.InputEnded):
            self._ends = True
        if isinstance(event, ev.AckReceived) and self.keeps:
            self._note("acknowledged", seq=event.output_seq)
        if self._ready:
            self._convey(event, delay)

    def leave(self) -> None:
        """Vanish: the gateway is told that the stream is gone, and nobody comes back."""
        self._over = True
        if self._alive:
            self._clock.after(self._latency, lambda: self._gateway.feed(ev.StreamLost()))
        self._alive = False

    def take(self, sends: list[Send]) -> None:
        """Take what the gateway puts into one message, which may get through."""
        number = self._attached
        self._clock.after(self._latency, lambda: self._receive(number, sends))

    def part(self, closed: Closed) -> None:
        """Take it that the gateway ends the stream with these words."""
        self.take([Send(0, closed)])

    # Up.

    def _convey(self, event: ev.ClientEvent, delay: float = 0.0) -> None:
        number = self._number
        self._clock.after(delay + self._latency, lambda: self._arrive(number, event))

    def _arrive(self, number: int, event: ev.ClientEvent) -> None:
        if number == self._attached and self._clock.now <= self._carries_until.get(number, inf):
            self._gateway.feed(event)

    def _limit(self) -> None:
        """Let go of the oldest audio where there is too much; what is kept has the last numbers, without gaps."""
        audio = [event for event in self._kept if isinstance(event, ev.AudioReceived)]
        if len(audio) <= _MOST_FRAMES:
            return
        self._kept.remove(audio[0])
        self._note("input_given_up")
        for seq, event in enumerate(self._kept, self._last_seq - len(self._kept) + 1):
            event.seq = seq

    # Down.

    def _receive(self, number: int, sends: list[Send]) -> None:
        if number != self._number or not self._alive:
            return
        for send in sends:
            match send.output:
                case InputAck():
                    self._forget(send.output.input_seq)
                case Opened():
                    self._wait_for_break()
                case Resumed():
                    self._go_on(send.output.last_input_seq)
                case Closed(next=Next.RESUME):
                    self._ready = False
                    self._clock.after(_COMES_BACK, self._resume)
                case Closed():
                    self._over = True
        self._hear(sends)

    def _forget(self, seq: int) -> None:
        while self._kept and self._kept[0].seq <= seq:
            self._kept.popleft()

    def _go_on(self, last_input_seq: int) -> None:
        """Send what the gateway has not got, on the stream that goes on."""
        self._forget(last_input_seq)
        self._ready = True
        for event in self._kept:
            self._convey(event)
        if self._ends:
            self._convey(ev.InputEnded())

    # Breaking.

    def _wait_for_break(self) -> None:
        if not self.keeps:
            return
        number = self._number
        self._clock.after(self._rng.expovariate(1.0 / self._breaking.every), lambda: self._break(number))

    def _break(self, number: int) -> None:
        if self._over or number != self._number or not self._alive:
            return
        self._alive = self._ready = False
        carries = self._rng.uniform(0.0, self._latency)
        self._carries_until[number] = self._clock.now + carries
        noticed = max(carries, self._rng.uniform(0.0, self._breaking.noticed))
        away = self._rng.uniform(0.05, self._breaking.away)
        self._note("stream_broke")
        self._clock.after(noticed, lambda: self._notice(number))
        self._clock.after(away, self._resume)

    def _notice(self, number: int) -> None:
        if number > self._attached:
            # It is gone before the gateway knew of it.
            self._clock.after(self._latency + 0.001, lambda: self._notice(number))
        elif number == self._attached:
            self._gateway.feed(ev.StreamLost())

    def _resume(self) -> None:
        if self._over:
            return
        self._number += 1
        self._alive = True
        number, asked = self._number, self._come_back()
        self._note("resume_sent", seq=asked.last_seq)
        self._clock.after(self._latency, lambda: self._attach(number, asked))
        if self._rng.random() < _AGAIN_CHANCE:
            self._clock.after(self._rng.uniform(0.0, _AGAIN_WITHIN), lambda: self._break(number))
        else:
            self._wait_for_break()

    def _attach(self, number: int, asked: ev.ResumeReceived) -> None:
        self._attached = number
        closed = self._gateway.resume(asked)
        if closed is not None:
            self.take([Send(0, closed)])

    def _note(self, kind: str, **fields: Value) -> None:
        self._history.add(self._clock.now, "client", self._session_id, kind, **fields)
