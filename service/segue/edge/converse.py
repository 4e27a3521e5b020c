"""One client stream: events are routed to the sessions on its channels, and what they say is pulled into batches."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from segue.core.events import InputEnded, ShutdownRequested, StreamLost
from segue.core.outputs import Audio, Closed, CloseReason, Next
from segue.edge.auth.caller import ANYONE, CALLER, Caller
from segue.edge.opened import OpenedChannels
from segue.edge.status import status_of
from segue.edge.wire import read_input, read_resume, write_output
from segue.node.driver import Driver
from segue.node.registry import Registry
from segue.telemetry.metrics import Metrics
from segue.tenants import Tenant
from segue_client.segue.v1.client_event_pb2 import ClientEvent, ResumeSession
from segue_client.segue.v1.server_event_pb2 import ServerEvent
from segue_client.segue.v1.voice_session_service_pb2 import ConverseRequest, ConverseResponse

MAX_REQUEST_EVENTS = 1024
MAX_RESPONSE_EVENTS = 64
MAX_RESPONSE_BYTES = 256 * 1024
# What one channel puts into a message before the next one has its turn: so much audio, and the room that it takes.
_SHARE_EVENTS = 8
_SHARE_BYTES = 60 * 1024
_SHARE_ROOM = 64 * 1024
# A stream that is lost reads like a half-close at first, and is cancelled only a moment later, in seconds.
_CANCELLATION_DELAY = 0.02
# What an event takes beside its audio, at most.
_EVENT_OVERHEAD = 32
# So many channels that were never opened are told so; what comes on others is only counted.
_MAX_STRANGERS = 1024
# So many answers may wait for a client that does not read them before no more is read of what it says.
_MAX_ANSWERS = 1024
_GOING_DOWN = "the server goes down: try another"


class MalformedError(Exception):
    """A message of the client breaks the contract's limits or cannot be parsed."""


class _Channel:
    """A session's place on the stream, until it goes on elsewhere."""

    driver: Driver

    def __init__(self, number: int, stream: "Stream") -> None:
        self.number = number
        self.awake = False
        self.parted = False
        self._stream = stream

    def wake(self) -> None:
        if not self.awake:
            self.awake = True
            self._stream.wake(self)

    def part(self, closed: Closed) -> None:
        self.parted = True
        self._stream.part(self, closed)

    def ended(self) -> None:
        self._stream.drop(self)


class Stream:
    """The channels of one stream. `route` takes what the client says, `pull` gives what goes into a message.

    Attributes:
        answers_fit: set while more that the client says may be taken.
    """

    def __init__(self, registry: Registry, metrics: Metrics, default_model: str, caller: Caller = ANYONE) -> None:
        self.registry = registry
        self._caller = caller
        self._metrics = metrics
        self._default_model = default_model
        self._channels: dict[int, _Channel] = {}
        self._opened = OpenedChannels()
        self._strangers: set[int] = set()
        self._ready: deque[_Channel] = deque()
        # What goes before all that the sessions have to say.
        self._first: deque[ServerEvent] = deque()
        self._ended = False
        self.dismissed = False
        self.output_waits = asyncio.Event()
        self.answers_fit = asyncio.Event()
        self.answers_fit.set()

    @property
    def over(self) -> bool:
        """Return whether no more input comes and no session is left."""
        return (self._ended or self.dismissed) and not self._channels and not self._first

    def route(self, event: ClientEvent) -> bool:
        """Give one client event to its session. Returns whether it asked for one, which costs the most."""
        channel = self._channels.get(event.channel)
        arm = event.WhichOneof("input")
        if channel is None:
            if arm in ("open", "resume"):
                self._open(event)
                return True
            self._answer_stray(event.channel)
        elif arm == "audio":
            channel.driver.hear(event.seq, event.audio)
        else:
            channel.driver.feed(read_input(event, self._default_model))
        return False

    def _open(self, event: ClientEvent) -> None:
        number = event.channel
        if number <= self._opened.highest:
            message = f"channel {number} comes after channel {self._opened.highest}: open each one higher than the last"
            self._say(number, 1, Closed(CloseReason.INVALID_OPEN, message, Next.NONE))
            return
        self._opened.add(number)
        tenant = self._caller.tenant
        if tenant is None:
            message = "the credentials of this stream are no longer valid: open a new one with others"
            self._refuse(number, Closed(CloseReason.UNAUTHENTICATED, message, Next.NONE))
            return
        if event.HasField("resume"):
            self._resume(number, event.resume, tenant)
            return
        refusal = self.registry.refusal(tenant)
        if refusal is not None:
            self._refuse(number, refusal)
            return
        channel = self._channels[number] = _Channel(number, self)
        channel.driver = self.registry.open(channel, tenant)
        channel.driver.feed(read_input(event, self._default_model, tenant))
        if self.registry.finishing:
            channel.driver.feed(ShutdownRequested())

    def _resume(self, number: int, resume: ResumeSession, tenant: Tenant) -> None:
        channel = _Channel(number, self)
        # It may have something to say at once, or be over.
        self._channels[number] = channel
        driver = self.registry.resume(resume.resume_token, read_resume(resume), channel, tenant)
        if isinstance(driver, Closed):
            del self._channels[number]
            # It numbers what the client has not heard of it itself.
            self._say(number, 0, driver)
            return
        channel.driver = driver

    def _refuse(self, number: int, closed: Closed) -> None:
        self._metrics.rejections.labels(closed.reason.name.lower()).inc()
        self._say(number, 1, closed)

    def end_input(self) -> None:
        """The client half-closed: the sessions finish."""
        self._ended = True
        for channel in list(self._channels.values()):
            channel.driver.feed(InputEnded())
        self.output_waits.set()

    def dismiss(self) -> None:
        """The server goes down: end the stream, and cut off the sessions that are left."""
        self.dismissed = True
        self.lose()
        self.output_waits.set()

    def lose(self) -> None:
        """The stream is gone."""
        for channel in list(self._channels.values()):
            channel.driver.feed(StreamLost(for_good=self.dismissed))

    def pull(self) -> list[ServerEvent]:
        """Return what can be said now, round-robin over the channels; empty when nothing can."""
        events: list[ServerEvent] = []
        room = MAX_RESPONSE_BYTES
        while self._first and len(events) < MAX_RESPONSE_EVENTS:
            room -= self._first[0].ByteSize() + _EVENT_OVERHEAD
            if events and room < 0:
                return events
            events.append(self._first.popleft())
        if len(self._first) < _MAX_ANSWERS:
            self.answers_fit.set()
        while self._ready and len(events) < MAX_RESPONSE_EVENTS and room >= _SHARE_ROOM:
            channel = self._ready.popleft()
            channel.awake = False
            if channel.parted:
                continue
            sends = channel.driver.pull(min(_SHARE_EVENTS, MAX_RESPONSE_EVENTS - len(events)), _SHARE_BYTES)
            for send in sends:
                said = write_output(channel.number, send.seq, send.output)
                # ByteSize() would serialise the audio once more.
                size = len(send.output.audio) if isinstance(send.output, Audio) else said.ByteSize()
                room -= size + _EVENT_OVERHEAD
                # Long words may break the limit: they go first next time.
                (self._first if events and room < 0 else events).append(said)
        return events

    def wake(self, channel: _Channel) -> None:
        """Note that a channel has output."""
        self._ready.append(channel)
        self.output_waits.set()

    def part(self, channel: _Channel, closed: Closed) -> None:
        """Say how a channel ends whose session goes on, and forget it."""
        self._say(channel.number, 0, closed)
        self.drop(channel)

    def drop(self, channel: _Channel) -> None:
        """Forget a channel whose session is over."""
        self._channels.pop(channel.number, None)
        self.output_waits.set()

    def _answer_stray(self, number: int) -> None:
        if number in self._opened:
            # It raced the close.
            self._metrics.rejections.labels("closed_channel").inc()
            return
        self._metrics.rejections.labels("not_open").inc()
        if number not in self._strangers and len(self._strangers) < _MAX_STRANGERS:
            self._strangers.add(number)
            message = f"channel {number} carries no session: send open first, on channels in increasing order"
            self._say(number, 0, Closed(CloseReason.NOT_OPEN, message, Next.NONE))

    def _say(self, number: int, seq: int, closed: Closed) -> None:
        self._first.append(write_output(number, seq, closed))
        if len(self._first) >= _MAX_ANSWERS:
            self.answers_fit.clear()
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
        self._streams: set[Stream] = set()

    def dismiss(self) -> None:
        """End all streams, and cut off the sessions that are left."""
        for stream in list(self._streams):
            stream.dismiss()

    async def converse(self, _requests: Any, context: "grpc.aio.ServicerContext[bytes, bytes]") -> None:
        """Serve one stream of serialised ConverseRequests."""
        if not self._accepting():
            await _abort(context, grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN", _GOING_DOWN)
        stream = Stream(self._registry, self._metrics, self._default_model, CALLER.get())
        self._streams.add(stream)
        self._metrics.streams_active.inc()
        reader = asyncio.create_task(_read(context, stream), name="converse reader")
        writer = asyncio.create_task(_write(context, stream), name="converse writer")
        malformed = ""
        try:
            # The reader ends at the half-close, or when the client broke the contract; the writer when all is said.
            await asyncio.wait((reader, writer), return_when=asyncio.FIRST_COMPLETED)
            if reader.done():
                reader.result()
            await writer
        except MalformedError as fault:
            malformed = str(fault)
        finally:
            stream.lose()
            reader.cancel()
            writer.cancel()
            await asyncio.gather(reader, writer, return_exceptions=True)
            self._metrics.streams_active.dec()
            self._streams.remove(stream)
        if malformed:
            await _abort(context, grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE", malformed)
        if stream.dismissed:
            await _abort(context, grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN", _GOING_DOWN)


async def _abort(
    context: "grpc.aio.ServicerContext[bytes, bytes]", code: grpc.StatusCode, reason: str, message: str
) -> None:
    await context.abort(code, message, status_of(code, reason, message).trailing_metadata)


async def _read(context: "grpc.aio.ServicerContext[bytes, bytes]", stream: Stream) -> None:
    while True:
        message = await context.read()
        if message is grpc.aio.EOF:  # type: ignore[attr-defined]
            await asyncio.sleep(_CANCELLATION_DELAY)
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
            if stream.route(event):
                # Many in one message must not hold up the sessions of others.
                await asyncio.sleep(0)
        await stream.answers_fit.wait()


async def _write(context: "grpc.aio.ServicerContext[bytes, bytes]", stream: Stream) -> None:
    while not stream.over:
        events = stream.pull()
        if events:
            await context.write(ConverseResponse(events=events).SerializeToString())
            continue
        stream.output_waits.clear()
        if not stream.over:
            await stream.output_waits.wait()
