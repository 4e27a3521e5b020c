"""One gRPC call: it sends what is queued in batches, and hands over what comes in, message by message."""

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

# The contract allows 1024 small events a message; at the largest audio event these are 2 MiB, half of gRPC's own limit.
_MAX_BATCH = 32
# grpc.aio puts INTERNAL with these words in place of the status of a stream that ends during a write (grpc#36066).
_LOST_STATUS = "Internal error from Core"


class Stream:
    """Both directions of one call. One task drains it and then releases it; any may send.

    Attributes:
        half_closed: nothing more is to be sent.
        ended: set once the stream was released.
    """

    def __init__(self, call: Call) -> None:
        self.half_closed = False
        self.ended = asyncio.Event()
        self._call = call
        # Where a write fails, `read` gives up what has arrived before; this iterator does not.
        self._responses = cast("AsyncGenerator[ConverseResponse, None]", aiter(call))
        self._unsent: deque[ClientEvent] = deque()
        # How many events were ever queued, how many of them the connection took, and who waits for which.
        self._queued = self._taken = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._status: tuple[str, str] | None = None
        call.add_done_callback(self._keep_status)
        # Cancelling a write cancels a gRPC call, so they run in a task of their own that senders wait for.
        self._writing: asyncio.Task[None] | None = None

    async def drain(self, take: Callable[[ConverseResponse], None]) -> StreamError:
        """Hand over all messages that come; return why no more do."""
        try:
            async for response in self._responses:
                take(response)
        except grpc.aio.AioRpcError:
            pass
        except asyncio.CancelledError:
            task = asyncio.current_task()
            # A call that was cancelled raises this, too.
            if task is not None and task.cancelling():
                raise
        return await self._ending()

    def queue(self, event: ClientEvent) -> None:
        """Have an event sent."""
        self._unsent.append(event)
        self._queued += 1
        self._flush()

    async def send(self, event: ClientEvent) -> None:
        """Send an event; return when the connection took it, or the stream was released."""
        self.queue(event)
        taken = asyncio.get_running_loop().create_future()
        self._waiting.append((self._queued, taken))
        await taken

    def half_close(self) -> None:
        """Say behind all that is unsent that nothing more comes."""
        self.half_closed = True
        self._flush()

    def cancel(self) -> None:
        """Have the stream end at once."""
        self._call.cancel()

    async def release(self) -> None:
        """Let go of the call, of its task and of every sender."""
        self._call.cancel()
        if self._writing is not None:
            # A write that still waits for its connection does not notice that its call was cancelled.
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        await self._responses.aclose()
        self._let_go_of_senders(self._queued)
        self.ended.set()

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

    def _flush(self) -> None:
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        """Send what is unsent, and the half-close after it. What is queued meanwhile travels in one message."""
        try:
            while self._unsent:
                batch = _take_batch(self._unsent)
                await self._call.write(ConverseRequest(events=batch))
                self._taken += len(batch)
                self._let_go_of_senders(self._taken)
            if self.half_closed:
                await self._call.done_writing()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError, asyncio.CancelledError):
            # Whoever drains the stream finds out why.
            self._call.cancel()

    def _let_go_of_senders(self, taken: int) -> None:
        while self._waiting and self._waiting[0][0] <= taken:
            _, sender = self._waiting.popleft()
            if not sender.done():
                sender.set_result(None)


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
