"""A voice session, in which the user speaks and the model answers."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal

from segue_client import wire
from segue_client.attachment import Attachment
from segue_client.errors import InputClosedError, SessionError, StreamError
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

# The contract's limit for one audio event, in bytes.
_MAX_AUDIO_BYTES = 64 * 1024


class Session:
    """A running session, made by `connect` or `Connection.open`. Iterate for what the gateway says; send from any task.

    A connection that breaks is opened anew and the session goes on, unless `resume_window` is 0: the rest of the
    output comes once, and what was sent meanwhile is said then; a Resumed event tells of it.

    Iterating ends when the session ended as asked. It raises SessionError when the gateway closed it for another
    reason, and StreamError when the connection failed for good. Every method that sends returns when the connection
    took the message, so a slow connection slows its senders down; it raises InputClosedError when the session takes no
    more input, and StreamError when the connection failed for good. Waiting for an event or for a send may be
    cancelled (by `asyncio.timeout`, say) without harm to the session; what was being sent is sent.
    """

    def __init__(self, attachment: Attachment) -> None:
        """Speak through `attachment`; applications use `connect`."""
        self._attachment = attachment
        self._finished = self._left = False

    @property
    def opened(self) -> Opened | None:
        """The session's id and model, once the gateway is ready; until then None."""
        return self._attachment.opened

    @property
    def closed(self) -> Closed | None:
        """How the session ended, once it did; until then None."""
        return self._attachment.closed

    @property
    def last_seq(self) -> int:
        """The number of the last numbered output that was received."""
        return self._attachment.last_seq

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        attachment = self._attachment
        await attachment.until(lambda: attachment.received or not attachment.live)
        if attachment.received:
            return attachment.received.popleft()
        closed = attachment.closed
        if closed is None:
            assert attachment.failure is not None
            raise attachment.failure
        if closed.reason == "COMPLETED":
            raise StopAsyncIteration
        raise SessionError(closed.reason, closed.message, closed.retry_delay, closed.next)

    async def send_audio(self, pcm: bytes) -> None:
        """Send the user's voice: whole samples in the session's input format, in pieces of any length.

        Send in real time and go on while the user is silent: silence, as audio, is how the model notices that the
        user stopped speaking.
        """
        for start in range(0, len(pcm), _MAX_AUDIO_BYTES):
            await self._say(ClientEvent(audio=bytes(pcm[start : start + _MAX_AUDIO_BYTES])))

    async def send_text(self, text: str) -> None:
        """Send the user's words as text; the model answers."""
        await self._say(ClientEvent(text=UserText(text=text)))

    async def send_image(self, content: bytes, mime_type: str) -> None:
        """Show the model a picture: "image/jpeg" or "image/png", at most 1 MiB.

        A model looks at one a second; of those that come faster it is shown the newest.
        """
        await self._say(ClientEvent(image=Image(content=content, mime_type=mime_type)))

    async def start_activity(self) -> None:
        """Say that the user begins to speak; with `turn_detection="MANUAL"` only."""
        await self._say(ClientEvent(activity=Activity(edge=Activity.EDGE_START)))

    async def end_activity(self) -> None:
        """Say that the user has finished, so that the model answers; with `turn_detection="MANUAL"` only."""
        await self._say(ClientEvent(activity=Activity(edge=Activity.EDGE_END)))

    async def interrupt(self, turn: int = 0, heard: float | None = None) -> None:
        """Stop the model's turn (0: the current one); `heard` is how much of it was played, in seconds, where known.

        The gateway answers with Interrupted, whose cause is "NONE" when there was nothing to stop.
        """
        heard_duration = None if heard is None else wire.duration(heard)
        await self._say(ClientEvent(interrupt=Interrupt(turn=turn, heard=heard_duration)))

    async def ack(self, turn: int = 0, heard: float | None = None) -> None:
        """Tell the gateway what was received so far and, with `heard`, how many seconds of `turn` were played.

        This sharpens the split into heard and unheard words. What was received is acknowledged without it, unless
        `resume_window` is 0. Then who acknowledges once must go on doing so: the gateway takes a client that stops for
        one that is gone.
        """
        played = None if heard is None else Heard(turn=turn, duration=wire.duration(heard))
        await self._say(ClientEvent(ack=Ack(seq=self.last_seq, heard=played)))

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
        await self._say(ClientEvent(tool_result=answer))

    async def note(self, text: str, *, answer: bool = False) -> None:
        """Give the model context that is not the user's words. With `answer`, the model reacts to it at once."""
        await self._say(ClientEvent(note=Note(text=text, answer=answer)))

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
        await self._say(ClientEvent(update=changed))

    async def send(self, event: ClientEvent) -> None:
        """Send any event of the contract, for what has no method of its own. Channel and number are the library's."""
        own = ClientEvent()
        own.CopyFrom(event)
        await self._say(own)

    async def finish(self) -> None:
        """Say that no more input comes. A running turn finishes; then the session, and the iteration, end."""
        if not self._finished:
            self._finished = True
            await self._end(CloseSession(finish_turn=True))

    async def close(self) -> None:
        """End the session at once, also in the middle of a turn. Iterating yields what is still on its way."""
        if not self._left:
            self._finished = self._left = True
            await self._end(CloseSession())

    async def _end(self, close: CloseSession) -> None:
        if self._attachment.live:
            await self._put(ClientEvent(close=close))

    async def _say(self, event: ClientEvent) -> None:
        # What is heard of the rest is told to the end.
        if self.closed is not None or (self._finished and not event.HasField("ack")):
            raise InputClosedError("the session takes no more input: it was finished or closed, or it is over")
        await self._put(event)

    async def _put(self, event: ClientEvent) -> None:
        try:
            await self._attachment.send(event)
        except StreamError as failure:
            if failure.code == "OK":
                raise InputClosedError("the gateway has ended the session; iterating tells how") from None
            raise
