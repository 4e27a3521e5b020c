"""A voice session: one stream to a gateway, on which the user speaks and the model answers."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Literal

from segue_client import wire
from segue_client.errors import InputClosedError, SegueError, SessionError, StreamError
from segue_client.events import Closed, Event, Opened
from segue_client.segue.v1.client_event_pb2 import (
    Ack,
    Activity,
    ClientEvent,
    CloseSession,
    Heard,
    Image,
    Interrupt,
    Note,
    SessionUpdate,
    ToolResult,
    UserText,
)
from segue_client.segue.v1.open_session_pb2 import BargeIn, Delivery, FunctionDeclaration
from segue_client.segue.v1.server_event_pb2 import ServerEvent
from segue_client.segue.v1.voice_session_service_pb2 import ConverseResponse
from segue_client.stream import Call, Stream

# The contract's limit for one audio event, in bytes.
_MAX_AUDIO_BYTES = 64 * 1024
# How long leaving a session waits for the gateway to confirm its end, in seconds.
_FAREWELL_TIMEOUT = 2.0


class Session:
    """A running session, made by `connect`. Iterate over it for what the gateway says; send from any task.

    Iterating ends when the session ended as asked. It raises SessionError when the gateway closed it for another
    reason, and StreamError when the connection failed. Every method that sends returns when the connection took the
    message, so a slow connection slows its senders down; it raises InputClosedError when the session takes no more
    input, and StreamError when the connection failed. Waiting for an event or for a send may be cancelled (by
    `asyncio.timeout`, say) without harm to the session; what was being sent is sent.

    Attributes:
        opened: the session's id and model, once the gateway is ready; until then None.
        closed: how the session ended, once it did; until then None.
        last_seq: the number of the last numbered output that was received.
    """

    def __init__(self, call: Call, on_event: Callable[[ServerEvent], None] | None = None) -> None:
        """Speak on `call`; applications use `connect`."""
        self.opened: Opened | None = None
        self.closed: Closed | None = None
        self.last_seq = 0
        self._stream = Stream(call, self._take)
        self._on_event = on_event
        self._received: deque[Event] = deque()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        while not self._received:
            if self.closed is not None:
                if self.closed.reason == "COMPLETED":
                    raise StopAsyncIteration
                raise SessionError(self.closed.reason, self.closed.message, self.closed.retry_delay, self.closed.next)
            if self._stream.failure is not None:
                raise self._stream.failure
            await self._stream.receive()
        return self._received.popleft()

    def _take(self, response: ConverseResponse) -> None:
        for event in response.events:
            self._accept(event)
        if response.HasField("go_away"):
            self._received.append(wire.read_go_away(response.go_away))

    def _accept(self, message: ServerEvent) -> None:
        if self._on_event is not None:
            self._on_event(message)
        self.last_seq = max(self.last_seq, message.seq)
        event = wire.read_event(message)
        if isinstance(event, Closed):
            self.closed = event
            self._stream.input_closed = True
        elif event is not None:
            if isinstance(event, Opened):
                self.opened = event
            self._received.append(event)

    async def send_audio(self, pcm: bytes) -> None:
        """Send the user's voice: whole samples in the session's input format, in pieces of any length.

        Send in real time and go on while the user is silent: silence, as audio, is how the model notices that the
        user stopped speaking.
        """
        for start in range(0, len(pcm), _MAX_AUDIO_BYTES):
            await self.send(ClientEvent(audio=bytes(pcm[start : start + _MAX_AUDIO_BYTES])))

    async def send_text(self, text: str) -> None:
        """Send the user's words as text; the model answers."""
        await self.send(ClientEvent(text=UserText(text=text)))

    async def send_image(self, content: bytes, mime_type: str) -> None:
        """Show the model a picture: "image/jpeg" or "image/png", at most 1 MiB.

        A model looks at one a second; of those that come faster it is shown the newest.
        """
        await self.send(ClientEvent(image=Image(content=content, mime_type=mime_type)))

    async def start_activity(self) -> None:
        """Say that the user begins to speak; with `turn_detection="MANUAL"` only."""
        await self.send(ClientEvent(activity=Activity(edge=Activity.EDGE_START)))

    async def end_activity(self) -> None:
        """Say that the user has finished, so that the model answers; with `turn_detection="MANUAL"` only."""
        await self.send(ClientEvent(activity=Activity(edge=Activity.EDGE_END)))

    async def interrupt(self, turn: int = 0, heard: float | None = None) -> None:
        """Stop the model's turn (0: the current one); `heard` is how much of it was played, in seconds, where known.

        The gateway answers with Interrupted, whose cause is "NONE" when there was nothing to stop.
        """
        heard_duration = None if heard is None else wire.duration(heard)
        await self.send(ClientEvent(interrupt=Interrupt(turn=turn, heard=heard_duration)))

    async def ack(self, turn: int = 0, heard: float | None = None) -> None:
        """Tell the gateway what was received so far and, with `heard`, how many seconds of `turn` were played.

        This sharpens the split into heard and unheard words. Who acknowledges once must go on doing so: the gateway
        takes a client that stops for one that is gone.
        """
        played = None if heard is None else Heard(turn=turn, duration=wire.duration(heard))
        await self.send(ClientEvent(ack=Ack(seq=self.last_seq, heard=played)))

    async def send_tool_result(
        self,
        call_id: str,
        result: Any = None,
        *,
        error: str | None = None,
        scheduling: Literal["INTERRUPT", "WHEN_IDLE", "SILENT"] | None = None,
        will_continue: bool = False,
    ) -> None:
        """Answer a ToolCall with `result`, any JSON value, or with `error`, why it failed, in words for the model.

        `scheduling` says when the model speaks of a result that comes while it may be speaking; with `will_continue`,
        more results of the same call follow. Raises ValueError for a result that is no JSON value.
        """
        answer = ToolResult(call_id=call_id, will_continue=will_continue)
        if scheduling is not None:
            answer.scheduling = wire.enum_number(ToolResult.Scheduling, scheduling)  # type: ignore[assignment]
        if error is not None:
            answer.error = error
        else:
            answer.result.CopyFrom(wire.write_value(result))
        await self.send(ClientEvent(tool_result=answer))

    async def note(self, text: str, *, answer: bool = False) -> None:
        """Give the model context that is not the user's words. With `answer`, the model reacts to it at once."""
        await self.send(ClientEvent(note=Note(text=text, answer=answer)))

    async def update(
        self,
        *,
        system_instruction: str | None = None,
        tools: Sequence[FunctionDeclaration | str] | None = None,
        barge_in: BargeIn | None = None,
        delivery: Delivery | None = None,
    ) -> None:
        """Change the running session; what is None stays as it is.

        Whether the user may interrupt and how output is paced change at once. A model that takes no other system
        instruction or tools while a session runs is answered for with InputRejected, and then nothing changes.
        """
        changed = SessionUpdate(
            system_instruction=system_instruction,
            tools=None if tools is None else wire.write_tools(tools),
            barge_in=barge_in,
            delivery=delivery,
        )
        await self.send(ClientEvent(update=changed))

    async def send(self, event: ClientEvent) -> None:
        """Send any event of the contract, for what has no method of its own."""
        if self._stream.input_closed:
            raise InputClosedError("the session takes no more input: it was finished or closed, or it is over")
        await self._written(self._stream.send(event))

    async def finish(self) -> None:
        """Say that no more input comes. A running turn finishes; then the session, and the iteration, end."""
        await self._written(self._stream.finish())

    async def close(self) -> None:
        """End the session at once, also in the middle of a turn. Iterating yields what is still on its way."""
        if not self._stream.input_closed:
            self._stream.queue(ClientEvent(close=CloseSession()))
        await self.finish()

    async def _written(self, writing: Awaitable[None]) -> None:
        """Wait for a write. Where it fails because the session is over, iterating tells how."""
        try:
            await writing
        except StreamError as failure:
            if self.closed is not None or failure.code == "OK":
                raise InputClosedError("the gateway has ended the session; iterating tells how") from None
            raise

    async def _leave(self) -> None:
        """End the session in good order, as far as the gateway plays along."""
        with suppress(SegueError, TimeoutError):
            async with asyncio.timeout(_FAREWELL_TIMEOUT):
                await self.close()
                await self._stream.drain()

    async def _release(self) -> None:
        """Let go of the stream and of every task."""
        await self._stream.release()
