"""The stream under a session: it sends what is said in batches, and hands over what comes in, message by message."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeAlias, TypeVar, cast

import grpc

from segue_client.errors import StreamError, stream_error
from segue_client.segue.v1.client_event_pb2 import ClientEvent
from segue_client.segue.v1.voice_session_service_pb2 import ConverseRequest, ConverseResponse

Call: TypeAlias = "grpc.aio.StreamStreamCall[ConverseRequest, ConverseResponse]"
_T = TypeVar("_T")

# The contract allows 1024 small events a message; at the largest audio event these are 4 MiB, gRPC's own limit.
_MAX_BATCH = 32
# grpc.aio puts INTERNAL with these words in place of the status of a stream that ends during a write (grpc#36066).
_LOST_STATUS = "Internal error from Core"


class Stream:
    """Both directions of one gRPC call. Waiting for either may be cancelled without harm to the call.

    Attributes:
        failure: why no more comes, once all that came was taken; until then None.
        input_closed: nothing more is to be sent; the half-close follows what is unsent.
    """

    def __init__(self, call: Call, take: Callable[[ConverseResponse], None]) -> None:
        """Speak on `call`; `take` is given each message that comes."""
        self.failure: StreamError | None = None
        self.input_closed = False
        self._call = call
        self._take = take
        # Where a write fails, `read` gives up what has arrived before; this iterator does not.
        self._responses = cast("AsyncGenerator[ConverseResponse, None]", aiter(call))
        self._unsent: deque[ClientEvent] = deque()
        self._status: tuple[str, str] | None = None
        call.add_done_callback(self._keep_status)
        # Cancelling a read or a write cancels a gRPC call, so each runs in a task of its own that callers wait for.
        self._reading: asyncio.Task[None] | None = None
        self._writing: asyncio.Task[None] | None = None

    async def receive(self) -> None:
        """Wait until one more message was taken, or none follows."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        await asyncio.shield(self._reading)

    async def drain(self) -> StreamError:
        """Take all messages that still come; return why no more do."""
        while self.failure is None:
            await self.receive()
        return self.failure

    def queue(self, event: ClientEvent) -> None:
        """Have an event sent with what is sent next."""
        self._unsent.append(event)

    async def send(self, event: ClientEvent) -> None:
        """Send an event; return when the connection took it. Raises StreamError when the connection failed."""
        self.queue(event)
        await self._flush()

    async def finish(self) -> None:
        """Half-close, behind all that is unsent. Raises StreamError when the connection failed."""
        self.input_closed = True
        await self._flush()

    async def release(self) -> None:
        """Let go of the call and of every task."""
        self.input_closed = True
        self._call.cancel()
        tasks = [task for task in (self._reading, self._writing) if task is not None]
        if self._writing is not None:
            # A write that still waits for its connection does not notice that its call was cancelled.
            self._writing.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._responses.aclose()

    async def _read(self) -> None:
        """Take one message off the stream; where none follows, keep the reason."""
        try:
            response = await anext(self._responses)
        except (StopAsyncIteration, grpc.aio.AioRpcError, asyncio.CancelledError):
            self.failure = await self._ending()
            return
        self._take(response)

    def _keep_status(self, call: Call) -> None:
        """Keep the stream's status before a failing write replaces it."""
        code, message = _returned(call.code()), _returned(call.details())
        if code is not None and message != _LOST_STATUS:
            self._status = (code.name, message or "")

    async def _ending(self) -> StreamError:
        """Return why no more comes. All that came has been read: only then is a status that came last to be had."""
        if self._status is None:
            self._status = ((await self._call.code()).name, await self._call.details() or "")
        code, message = self._status
        if code == "OK":
            message = "the gateway ended the stream without saying how the session ended"
        return stream_error(code, message)

    async def _flush(self) -> None:
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await asyncio.shield(self._writing)

    async def _write(self) -> None:
        """Send what is unsent, and the half-close after it. What is sent meanwhile travels in one message."""
        try:
            while self._unsent:
                await self._call.write(ConverseRequest(events=_take_batch(self._unsent)))
            if self.input_closed:
                await self._call.done_writing()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError, asyncio.CancelledError):
            self._unsent.clear()
            self.input_closed = True
            self._call.cancel()
            raise await self.drain() from None


def _returned(coroutine: Coroutine[Any, Any, _T]) -> _T | None:
    """Return the result of a coroutine that has nothing to wait for; None where it has."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return cast("_T", stop.value)
    coroutine.close()
    return None


def _take_batch(unsent: deque[ClientEvent]) -> list[ClientEvent]:
    """Take the events of the next message. An image travels alone."""
    batch = [unsent.popleft()]
    while unsent and len(batch) < _MAX_BATCH and not (batch[-1].HasField("image") or unsent[0].HasField("image")):
        batch.append(unsent.popleft())
    return batch
