"""One client stream: events are routed to the sessions on its channels, and what they say is pulled into batches."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from segue.audio.level import Level
from segue.core.events import AudioReceived, InputEnded, StreamLost
from segue.core.outputs import Closed, CloseReason, Next
from segue.edge.status import status_of
from segue.edge.wire import read_input, write_output
from segue.node.driver import Driver
from segue.node.registry import Registry
from segue.telemetry.metrics import Metrics
from segue_client.segue.v1.client_event_pb2 import ClientEvent
from segue_client.segue.v1.server_event_pb2 import ServerEvent
from segue_client.segue.v1.voice_session_service_pb2 import ConverseRequest, ConverseResponse

MAX_REQUEST_EVENTS = 1024
MAX_RESPONSE_EVENTS = 64
MAX_RESPONSE_BYTES = 256 * 1024
# What one channel puts into a message before the next one has its turn.
_SHARE_EVENTS = 8
_SHARE_BYTES = 64 * 1024


class MalformedError(Exception):
    """A message of the client breaks the contract's limits or cannot be parsed."""


class _Channel:
    """A session's place on the stream."""

    def __init__(self, number: int, stream: "Stream") -> None:
        self.number = number
        self.level = Level()
        self.awake = False
        self._stream = stream
        self.driver: Driver = stream.registry.open(self._wake, self._ended)

    def _wake(self) -> None:
        if not self.awake:
            self.awake = True
            self._stream.wake(self)

    def _ended(self) -> None:
        self._stream.drop(self)


class Stream:
    """The channels of one stream. `route` takes what the client says, `pull` gives what goes into a message."""

    def __init__(self, registry: Registry, default_model: str) -> None:
        self.registry = registry
        self._default_model = default_model
        self._channels: dict[int, _Channel] = {}
        self._highest_opened = -1
        self._never_opened: set[int] = set()
        self._ready: deque[_Channel] = deque()
        self._own: deque[ServerEvent] = deque()
        self._ended = False
        self.late_events = 0
        self.output_waits = asyncio.Event()

    @property
    def over(self) -> bool:
        """Return whether no more input comes and no session is left."""
        return self._ended and not self._channels and not self._own

    def route(self, event: ClientEvent) -> None:
        """Give one client event to its session."""
        channel = self._channels.get(event.channel)
        arm = event.WhichOneof("input")
        if channel is None:
            if arm not in ("open", "resume") or event.channel <= self._highest_opened:
                self._answer_nobody(event.channel)
                return
            channel = self._channels[event.channel] = _Channel(event.channel, self)
            self._highest_opened = event.channel
        if arm == "audio":
            audio = event.audio
            channel.driver.feed(AudioReceived(event.seq, audio, channel.level.voiced(audio)))
        else:
            channel.driver.feed(read_input(event, self._default_model))

    def end_input(self) -> None:
        """The client half-closed: the sessions finish."""
        self._ended = True
        for channel in list(self._channels.values()):
            channel.driver.feed(InputEnded())
        self.output_waits.set()

    def lose(self) -> None:
        """The stream is gone."""
        for channel in list(self._channels.values()):
            channel.driver.feed(StreamLost())

    def pull(self) -> list[ServerEvent]:
        """Return what can be said now, round-robin over the channels; empty when nothing can."""
        events: list[ServerEvent] = []
        while self._own and len(events) < MAX_RESPONSE_EVENTS:
            events.append(self._own.popleft())
        room = MAX_RESPONSE_BYTES
        while self._ready and len(events) < MAX_RESPONSE_EVENTS and room >= _SHARE_BYTES:
            channel = self._ready.popleft()
            channel.awake = False
            sends = channel.driver.pull(min(_SHARE_EVENTS, MAX_RESPONSE_EVENTS - len(events)), _SHARE_BYTES)
            for send in sends:
                said = write_output(channel.number, send.seq, send.output)
                room -= len(said.audio)
                events.append(said)
        return events

    def wake(self, channel: _Channel) -> None:
        """Note that a channel has output."""
        self._ready.append(channel)
        self.output_waits.set()

    def drop(self, channel: _Channel) -> None:
        """Forget a channel whose session is over."""
        self._channels.pop(channel.number, None)
        self.output_waits.set()

    def _answer_nobody(self, number: int) -> None:
        if number <= self._highest_opened:
            # It raced the close.
            self.late_events += 1
        elif number not in self._never_opened:
            self._never_opened.add(number)
            message = f"channel {number} carries no session: send open first, on channels in increasing order"
            self._own.append(write_output(number, 0, Closed(CloseReason.NOT_OPEN, message, Next.NONE)))
            self.output_waits.set()


class Converser:
    """The Converse call, for any number of streams.

    Args:
        accepting: whether new streams are welcome; asked at the start of each.
    """

    def __init__(self, registry: Registry, metrics: Metrics, default_model: str, accepting: Callable[[], bool]) -> None:
        self._registry = registry
        self._metrics = metrics
        self._default_model = default_model
        self._accepting = accepting

    async def converse(self, _requests: Any, context: "grpc.aio.ServicerContext[bytes, bytes]") -> None:
        """Serve one stream of serialised ConverseRequests."""
        if not self._accepting():
            await self._abort(
                context, grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN", "the server goes down: try another"
            )
        stream = Stream(self._registry, self._default_model)
        self._metrics.streams_active.inc()
        reader = asyncio.create_task(_read(context, stream), name="converse reader")
        writer = asyncio.create_task(_write(context, stream), name="converse writer")
        try:
            # The writer ends when all is said; the reader before it, or when the client broke the contract.
            await asyncio.wait((reader, writer), return_when=asyncio.FIRST_EXCEPTION)
            for task in (reader, writer):
                if task.done():
                    task.result()
        except MalformedError as fault:
            await self._abort(context, grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE", str(fault))
        finally:
            stream.lose()
            reader.cancel()
            writer.cancel()
            await asyncio.gather(reader, writer, return_exceptions=True)
            self._metrics.streams_active.dec()

    async def _abort(
        self, context: "grpc.aio.ServicerContext[bytes, bytes]", code: grpc.StatusCode, reason: str, message: str
    ) -> None:
        status = status_of(code, reason, message)
        await context.abort(code, message, status.trailing_metadata)


async def _read(context: "grpc.aio.ServicerContext[bytes, bytes]", stream: Stream) -> None:
    while True:
        message = await context.read()
        if message is grpc.aio.EOF:  # type: ignore[attr-defined]
            stream.end_input()
            return
        try:
            request = ConverseRequest.FromString(message)
        except DecodeError:
            raise MalformedError("a message that is no segue.v1.ConverseRequest") from None
        if len(request.events) > MAX_REQUEST_EVENTS:
            raise MalformedError(
                f"a message with {len(request.events)} events: at most {MAX_REQUEST_EVENTS} are allowed"
            )
        for event in request.events:
            stream.route(event)


async def _write(context: "grpc.aio.ServicerContext[bytes, bytes]", stream: Stream) -> None:
    while not stream.over:
        events = stream.pull()
        if events:
            await context.write(ConverseResponse(events=events).SerializeToString())
            continue
        stream.output_waits.clear()
        if not stream.over:
            await stream.output_waits.wait()
