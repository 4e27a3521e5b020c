"""A client without any cleverness: it sends what the test says, and remembers all that it hears."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from segue_client.segue.v1.client_event_pb2 import ClientEvent
from segue_client.segue.v1.open_session_pb2 import AudioFormat, Delivery, OpenSession
from segue_client.segue.v1.server_event_pb2 import ServerEvent
from segue_client.segue.v1.voice_session_service_pb2 import ConverseRequest, ConverseResponse
from tests.waiting import WAIT_LIMIT

METHOD = "/segue.v1.VoiceSessionService/Converse"
LINEAR16 = AudioFormat(encoding=AudioFormat.ENCODING_LINEAR16, sample_rate_hertz=16_000)


def opening(**fields: Any) -> OpenSession:
    """Return an OpenSession for 16 kHz audio that gets its answers as fast as they are made."""
    fields = {"input_format": LINEAR16, "delivery": Delivery(unpaced=True)} | fields
    return OpenSession(**fields)


class Conversation:
    """One Converse call on a channel of grpc.aio, with a bearer token if one is given."""

    def __init__(self, channel: Any, token: str = "") -> None:
        self.call = channel.stream_stream(METHOD)(metadata=bearer(token))
        self.messages: list[ConverseResponse] = []
        self.heard: list[ServerEvent] = []
        # What the status said of when to try again.
        self.retry = error_details_pb2.RetryInfo()
        self._waiting: deque[ServerEvent] = deque()

    async def say(self, *events: ClientEvent) -> None:
        """Send these events as one message."""
        await self.send(ConverseRequest(events=events).SerializeToString())

    async def send(self, message: bytes) -> None:
        """Send these bytes as one message."""
        async with asyncio.timeout(WAIT_LIMIT):
            await self.call.write(message)

    async def open(self, channel: int = 0, options: OpenSession | None = None) -> ServerEvent:
        """Open a session and wait until it is ready."""
        await self.say(ClientEvent(channel=channel, open=options or opening()))
        return await self.hear("opened", channel)

    async def half_close(self) -> None:
        await self.call.done_writing()

    async def next(self) -> ServerEvent | None:
        """Return the next event, None at the end of the stream, whatever its status."""
        while not self._waiting:
            try:
                async with asyncio.timeout(WAIT_LIMIT):
                    message = await self.call.read()
            except grpc.aio.AioRpcError:
                return None
            if message is grpc.aio.EOF:  # type: ignore[attr-defined]
                return None
            response = ConverseResponse.FromString(message)
            self.messages.append(response)
            self._waiting.extend(response.events)
        event = self._waiting.popleft()
        self.heard.append(event)
        return event

    async def hear(self, output: str, channel: int = 0) -> ServerEvent:
        """Return the next event of this kind on this channel, and pass over all others."""
        while (event := await self.next()) is not None:
            if event.channel == channel and event.WhichOneof("output") == output:
                return event
        raise AssertionError(f"the stream ended before {output} came: {await self.call.code()}")

    async def hear_out(self) -> list[ServerEvent]:
        """Return all events to the end of the stream."""
        rest = []
        while (event := await self.next()) is not None:
            rest.append(event)
        return rest

    async def status(self) -> tuple[grpc.StatusCode, error_details_pb2.ErrorInfo]:
        """Wait for the end of the call and return its code and what explains it."""
        async with asyncio.timeout(WAIT_LIMIT):
            code = await self.call.code()
        explained = error_details_pb2.ErrorInfo()
        status = await rpc_status.aio.from_call(self.call)  # type: ignore[attr-defined]
        for detail in status.details if status else ():
            if not detail.Unpack(explained):
                assert detail.Unpack(self.retry)
        return code, explained


@asynccontextmanager
async def connected(port: int, credentials: grpc.ChannelCredentials | None = None) -> AsyncIterator[Any]:
    """Yield a channel of its own to the gateway at this port."""
    options = (("grpc.use_local_subchannel_pool", 1),)
    target = f"localhost:{port}"
    if credentials is None:
        async with grpc.aio.insecure_channel(target, options) as channel:
            yield channel
    else:
        async with grpc.aio.secure_channel(target, credentials, options) as channel:
            yield channel


@asynccontextmanager
async def conversing(
    port: int, credentials: grpc.ChannelCredentials | None = None, token: str = ""
) -> AsyncIterator[Conversation]:
    """Yield a conversation over a connection of its own. What is left of it in the end is cancelled."""
    async with connected(port, credentials) as channel:
        conversation = Conversation(channel, token)
        try:
            yield conversation
        finally:
            conversation.call.cancel()


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """Return the metadata of a call that shows this token; none for an empty one."""
    return (("authorization", f"Bearer {token}"),) if token else ()


def kinds(events: Iterable[ServerEvent]) -> list[str | None]:
    """Return what each event is."""
    return [event.WhichOneof("output") for event in events]


def numbers(events: Iterable[ServerEvent]) -> list[int]:
    """Return the numbers of those that carry one."""
    return [event.seq for event in events if event.seq]


def seconds(message: Message) -> float:
    """Return a google.protobuf.Duration in seconds."""
    return float(message.seconds + message.nanos / 1e9)  # type: ignore[attr-defined]
