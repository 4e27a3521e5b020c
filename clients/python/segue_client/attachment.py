"""One session's hold on the streams that carry it, one after the other: what was said and heard, and how it goes on."""

import asyncio
from collections import deque
from collections.abc import Callable

from segue_client import wire
from segue_client.errors import StreamError, UnavailableError
from segue_client.events import Closed, Event, Opened
from segue_client.kept_input import KeptInput
from segue_client.pauses import Pauses
from segue_client.segue.v1.client_event_pb2 import Ack, ClientEvent, Heard, ResumeSession
from segue_client.segue.v1.open_session_pb2 import OpenSession
from segue_client.segue.v1.server_event_pb2 import ServerEvent, SessionResumed
from segue_client.stream import Stream

# How long output waits for what follows it to be acknowledged together, in seconds. The contract leaves it 1 s.
ACK_DELAY = 0.5
# With these a gateway would refuse the next stream as well.
_FINAL = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED", "INVALID_ARGUMENT", "UNIMPLEMENTED"})


class Attachment:
    """What a session has of the streams below it, whichever carries it.

    A session that has a resume token outlives its stream. Where `attach` gives it another one, it asks for the rest of
    the output and then says again what the gateway does not have; what is said meanwhile is kept.

    Attributes:
        opened: the session's id and model, once the gateway is ready.
        closed: how the session ended, once it did.
        failure: why the session cannot go on, once it cannot.
        last_seq: the number of the last numbered output that was received.
        received: what the application has not taken yet.
        channel: the channel on the stream that carries the session.
    """

    def __init__(
        self,
        opening: OpenSession,
        on_event: Callable[[ServerEvent], None] | None,
        move: Callable[["Attachment"], None],
    ) -> None:
        """Hold a session that begins with `opening`; `move` attaches it anew, on another channel."""
        self.opened: Opened | None = None
        self.closed: Closed | None = None
        self.failure: Exception | None = None
        self.last_seq = 0
        self.received: deque[Event] = deque()
        self.channel = 0
        self._opening = opening
        self._window = wire.seconds(opening.resume_window)
        self._on_event = on_event
        self._move = move
        self._changed = asyncio.Event()
        # What carries the session, and where input may go now: nowhere until the session is resumed.
        self._stream: Stream | None = None
        self._out: Stream | None = None
        self._kept = KeptInput(opening.input_format)
        self._token = ""
        self._last_turn = 0
        self._heard: Heard | None = None
        self._acked = 0
        self._ack_timer: asyncio.TimerHandle | None = None
        # Why the session is not attached, when to give it up, and when to try again on the same stream.
        self._lost = ""
        self._window_timer: asyncio.TimerHandle | None = None
        self._move_timer: asyncio.TimerHandle | None = None
        self._pauses = Pauses(first_at_once=True)

    @property
    def live(self) -> bool:
        """Return whether the session goes on: it neither ended nor failed."""
        return self.closed is None and self.failure is None

    @property
    def reachable(self) -> bool:
        """Return whether what is said goes to the gateway at once."""
        return self.live and self._out is not None

    @property
    def lasts(self) -> bool:
        """Return whether the gateway may keep the session when its stream is cancelled."""
        return self._window > 0 and (self.opened is None or bool(self._token))

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until this holds, for what a session can change."""
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    async def open(self) -> None:
        """Wait for a stream and open the session on it. Raises what `send` raises."""
        await self.until(lambda: self._out is not None or self.failure is not None)
        await self.send(ClientEvent(open=self._opening))

    async def send(self, event: ClientEvent) -> None:
        """Send an input, or keep it for when the session goes on; return when the connection took it.

        Raises the session's failure where it failed, also while it waited.
        """
        if self.failure is not None:
            raise self.failure
        if event.HasField("ack"):
            self._note_ack(event.ack)
        elif self._window:
            self._kept.add(event)
        if self._out is not None:
            event.channel = self.channel
            await self._out.send(event)
            if self.failure is not None:
                raise self.failure

    def attach(self, stream: Stream, channel: int) -> None:
        """Go on on a stream. A session that was never on one before may be opened now."""
        self._cancel(self._move_timer)
        self._stream, self.channel = stream, channel
        if self._token:
            self._acked = self.last_seq
            resume = ResumeSession(
                resume_token=self._token, last_seq=self.last_seq, last_turn=self._last_turn, heard=self._heard
            )
            stream.queue(ClientEvent(channel=channel, resume=resume))
        else:
            self._out = stream
        self._changed.set()

    def lose(self, failure: StreamError) -> None:
        """Take it that the stream is gone."""
        if not self._token or failure.code in _FINAL:
            self.fail(failure)
        elif self.live:
            self._detach(str(failure))

    def fail(self, failure: Exception) -> None:
        """Take it that the session cannot go on, where it has not ended already."""
        if self.live:
            self.failure = failure
            self._end()

    def release(self) -> None:
        """Let go of everything: nobody waits for the session any more."""
        self.fail(StreamError("CANCELLED", "the session was left"))

    def tell(self, event: Event) -> None:
        """Have the application take an event."""
        if self.live:
            self.received.append(event)
            self._changed.set()

    def take(self, message: ServerEvent) -> None:
        """Take what the gateway says to the session."""
        # The end is no repeat, whatever its number.
        repeated = 0 < message.seq <= self.last_seq and not message.HasField("closed")
        if repeated or self._stream is None or not self.live:
            return
        if self._on_event is not None:
            try:
                self._on_event(message)
            except Exception as error:
                self.fail(error)
                return
        self._last_turn = max(self._last_turn, message.turn)
        if message.seq > self.last_seq:
            self.last_seq = message.seq
            self._owe_ack()
        event = wire.read_event(message)
        match message.WhichOneof("output"):
            case "opened":
                if self._window:
                    self._token = message.opened.resume_token
                # What a session was opened with it need not be told again.
                self._kept.acknowledge(1)
            case "resumed":
                self._go_on(message.resumed)
            case "input_ack":
                self._kept.acknowledge(message.input_ack.seq)
        if isinstance(event, Closed):
            self._close(event)
        elif event is not None:
            if isinstance(event, Opened):
                self.opened = event
            self.tell(event)

    def _close(self, closed: Closed) -> None:
        """Take it that the channel is over, and the session with it unless it is to be resumed."""
        # Two that take one session over from each other would never stop.
        if not self._token or closed.next != "RESUME" or closed.reason == "TAKEN_OVER":
            self.closed = closed
            self._end()
            return
        self._detach(f"{closed.reason}: {closed.message}")
        loop = asyncio.get_running_loop()
        pause = max(self._pauses.next(loop.time()), closed.retry_delay or 0.0)
        self._move_timer = loop.call_later(pause, self._move, self)

    def _go_on(self, resumed: SessionResumed) -> None:
        """Say again what the gateway does not have, and what was said meanwhile."""
        if self._stream is None or self._out is not None:
            return
        self._cancel(self._window_timer)
        self._window_timer = None
        self._out = self._stream
        self._kept.acknowledge(resumed.last_input_seq)
        for event in self._kept.again():
            event.channel = self.channel
            self._stream.queue(event)

    def _detach(self, why: str) -> None:
        """Take it that the session is away; give it up when that lasts for its window."""
        self._stream = self._out = None
        self._lost = why
        if self._window_timer is None:
            self._window_timer = asyncio.get_running_loop().call_later(self._window, self._give_up)

    def _give_up(self) -> None:
        message = f"the connection was lost, and the session not resumed within {self._window:g} s: {self._lost}"
        self.fail(UnavailableError("UNAVAILABLE", message))

    def _note_ack(self, ack: Ack) -> None:
        self._acked = max(self._acked, ack.seq)
        if ack.HasField("heard") and (self._heard is None or _place(ack.heard) > _place(self._heard)):
            self._heard = ack.heard

    def _owe_ack(self) -> None:
        if self._window and self._ack_timer is None:
            self._ack_timer = asyncio.get_running_loop().call_later(ACK_DELAY, self._pay_ack)

    def _pay_ack(self) -> None:
        self._ack_timer = None
        if self._out is not None and self._acked < self.last_seq:
            self._acked = self.last_seq
            self._out.queue(ClientEvent(channel=self.channel, ack=Ack(seq=self.last_seq)))

    def _end(self) -> None:
        for timer in (self._ack_timer, self._window_timer, self._move_timer):
            self._cancel(timer)
        self._changed.set()

    def _cancel(self, timer: asyncio.TimerHandle | None) -> None:
        if timer is not None:
            timer.cancel()


def _place(heard: Heard) -> tuple[int, int]:
    return heard.turn, heard.duration.ToNanoseconds()
