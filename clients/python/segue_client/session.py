"""A voice session: one stream to a gateway, on which the user speaks and the model answers."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal, TypeAlias, TypeVar, cast

import grpc
from google.protobuf.json_format import Parse, ParseError
from google.protobuf.struct_pb2 import Value

from segue_client import wire
from segue_client.errors import InputClosedError, SegueError, SessionError, StreamError, stream_error
from segue_client.events import Closed, Event, Opened
from segue_client.segue.v1 import voice_session_service_pb2_grpc
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
from segue_client.segue.v1.open_session_pb2 import (
    AudioFormat,
    BargeIn,
    Delivery,
    FunctionDeclaration,
    NoiseGate,
    OpenSession,
    Tools,
    TurnDetection,
)
from segue_client.segue.v1.server_event_pb2 import ServerEvent
from segue_client.segue.v1.voice_session_service_pb2 import ConverseRequest, ConverseResponse

_T = TypeVar("_T")
_Call: TypeAlias = "grpc.aio.StreamStreamCall[ConverseRequest, ConverseResponse]"

# The contract's limit for one audio event, in bytes.
_MAX_AUDIO_BYTES = 64 * 1024
# The contract allows 1024 small events a message; at the largest audio event these are 4 MiB, gRPC's own limit.
_MAX_BATCH = 32
# Objects in objects: protobuf reads no message that is nested over 100 deep, and each takes three of these.
_MAX_JSON_DEPTH = 32
# grpc.aio puts INTERNAL with these words in place of the status of a stream that ends during a write (grpc#36066).
_LOST_STATUS = "Internal error from Core"
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

    def __init__(self, call: _Call, on_event: Callable[[ServerEvent], None] | None = None) -> None:
        """Speak on `call`; applications use `connect`."""
        self.opened: Opened | None = None
        self.closed: Closed | None = None
        self.last_seq = 0
        self._call = call
        # Where a write fails, `read` gives up what has arrived before; this iterator does not.
        self._responses = cast("AsyncGenerator[ConverseResponse, None]", aiter(call))
        self._on_event = on_event
        self._received: deque[Event] = deque()
        self._unsent: deque[ClientEvent] = deque()
        self._input_closed = False
        self._failure: StreamError | None = None
        self._status: tuple[str, str] | None = None
        call.add_done_callback(self._keep_status)
        # Cancelling a read or a write cancels a gRPC call, so each runs in a task of its own that callers wait for.
        self._reading: asyncio.Task[None] | None = None
        self._writing: asyncio.Task[None] | None = None

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        while not self._received:
            if self.closed is not None:
                if self.closed.reason == "COMPLETED":
                    raise StopAsyncIteration
                raise SessionError(self.closed.reason, self.closed.message, self.closed.retry_delay, self.closed.next)
            if self._failure is not None:
                raise self._failure
            await self._receive()
        return self._received.popleft()

    async def _receive(self) -> None:
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        await asyncio.shield(self._reading)

    async def _read(self) -> None:
        """Take one message off the stream; where none follows, keep the reason."""
        try:
            response = await anext(self._responses)
        except (StopAsyncIteration, grpc.aio.AioRpcError, asyncio.CancelledError):
            self._failure = await self._ending()
            return
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
            self._input_closed = True
        elif event is not None:
            if isinstance(event, Opened):
                self.opened = event
            self._received.append(event)

    def _keep_status(self, call: _Call) -> None:
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
            try:
                answer.result.CopyFrom(_value(result))
            except (TypeError, ValueError, RecursionError, ParseError) as cause:
                raise ValueError(f"a tool result must be a JSON value: {cause}") from cause
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
            tools=None if tools is None else _tools(tools),
            barge_in=barge_in,
            delivery=delivery,
        )
        await self.send(ClientEvent(update=changed))

    async def send(self, event: ClientEvent) -> None:
        """Send any event of the contract, for what has no method of its own."""
        if self._input_closed:
            raise InputClosedError("the session takes no more input: it was finished or closed, or it is over")
        self._unsent.append(event)
        await self._flush()

    async def finish(self) -> None:
        """Say that no more input comes. A running turn finishes; then the session, and the iteration, end."""
        self._input_closed = True
        await self._flush()

    async def close(self) -> None:
        """End the session at once, also in the middle of a turn. Iterating yields what is still on its way."""
        if not self._input_closed:
            self._unsent.append(ClientEvent(close=CloseSession()))
        await self.finish()

    async def _flush(self) -> None:
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await asyncio.shield(self._writing)

    async def _write(self) -> None:
        """Send what is unsent, and the half-close after it. What is sent meanwhile travels in one message."""
        try:
            while self._unsent:
                await self._call.write(ConverseRequest(events=_take_batch(self._unsent)))
            if self._input_closed:
                await self._call.done_writing()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError, asyncio.CancelledError):
            self._unsent.clear()
            self._input_closed = True
            self._call.cancel()
            while self._failure is None:
                await self._receive()
            if self.closed is not None or self._failure.code == "OK":
                raise InputClosedError("the gateway has ended the session; iterating tells how") from None
            raise self._failure from None

    async def _leave(self) -> None:
        """End the session in good order, as far as the gateway plays along."""
        with suppress(SegueError, TimeoutError):
            async with asyncio.timeout(_FAREWELL_TIMEOUT):
                await self.close()
                while self._failure is None:
                    await self._receive()

    async def _release(self) -> None:
        """Let go of the stream and of every task."""
        self._input_closed = True
        self._call.cancel()
        tasks = [task for task in (self._reading, self._writing) if task is not None]
        if self._writing is not None:
            # A write that still waits for its connection does not notice that its call was cancelled.
            self._writing.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._responses.aclose()


@asynccontextmanager
async def connect(
    target: str | grpc.aio.Channel,
    *,
    model: str = "",
    voice: str = "",
    language: str = "",
    system_instruction: str = "",
    input_sample_rate_hertz: int = 16000,
    output_sample_rate_hertz: int = 24000,
    turn_detection: Literal["SERVER", "MANUAL", "GATEWAY"] = "SERVER",
    noise_gate: bool = False,
    tools: Sequence[FunctionDeclaration | str] = (),
    include_notices: bool = False,
    options: OpenSession | None = None,
    channel_credentials: grpc.ChannelCredentials | None = None,
    token: str | None = None,
    on_event: Callable[[ServerEvent], None] | None = None,
) -> AsyncIterator[Session]:
    """Hold a session with a gateway for as long as the context lasts.

    Leaving the context closes the session, the stream and the connection; an exception in the body cancels them.
    The user may speak at once: what is sent before the Opened event is not lost.

    Args:
        target: the gateway's address, as in "localhost:50051"; or a channel of yours, which stays open afterwards, so
            that several sessions can share one connection.
        model: the model's name as the Live API knows it; empty means the gateway's default.
        voice: the name of a prebuilt voice; empty means the model's default.
        language: a BCP-47 code, where the model takes one; empty lets the model choose.
        system_instruction: what the model is to be and do.
        input_sample_rate_hertz: samples a second of the user's 16-bit audio, 8000 to 48000.
        output_sample_rate_hertz: samples a second of the model's 16-bit audio.
        turn_detection: who decides that the user speaks: the model's service, you (`start_activity`,
            `end_activity`), or the gateway.
        noise_gate: gives the model only what stands out of the noise of the line, where its service decides.
        tools: what the model may call: functions of yours, each of which it asks for with a ToolCall event, and
            built-in tools by their Live API names, such as "googleSearch".
        include_notices: yields Notice events, too: what the gateway did behind the scenes.
        options: any other field of the contract's OpenSession. What it sets wins over the arguments above.
        channel_credentials: TLS, as `grpc.ssl_channel_credentials()` makes it; None means an unencrypted connection.
        token: sent as a bearer token with the stream. Without TLS, everybody on the way can read it.
        on_event: called with every message that the gateway sends in this session, as the contract has it, before
            the session yields it; for recording.

    Raises:
        UnavailableError: nobody answers at the address.
        ValueError: an argument cannot be.
    """
    opening = OpenSession(
        model=model,
        voice=voice,
        language=language,
        system_instruction=system_instruction,
        turn_detection=TurnDetection(
            mode=wire.enum_number(TurnDetection.Mode, turn_detection),  # type: ignore[arg-type]
            noise_gate=NoiseGate() if noise_gate else None,
        ),
        input_format=_linear16(input_sample_rate_hertz),
        output_format=_linear16(output_sample_rate_hertz),
        tools=_tools(tools) if tools else None,
        include_notices=include_notices,
    )
    if options is not None:
        if options.HasField("tools"):
            opening.ClearField("tools")
        opening.MergeFrom(options)
    async with _channel(target, channel_credentials) as channel:
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        stub = voice_session_service_pb2_grpc.VoiceSessionServiceStub(channel)  # type: ignore[no-untyped-call]
        session = Session(stub.Converse(metadata=metadata), on_event)
        try:
            await session.send(ClientEvent(open=opening))
            yield session
            await session._leave()
        finally:
            await session._release()


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


def _value(result: Any) -> Value:
    message = Value()
    Parse(json.dumps(result, allow_nan=False), message, max_recursion_depth=2 * _MAX_JSON_DEPTH)
    return message


def _tools(tools: Sequence[FunctionDeclaration | str]) -> Tools:
    return Tools(
        functions=[tool for tool in tools if not isinstance(tool, str)],
        built_in=[tool for tool in tools if isinstance(tool, str)],
    )


def _linear16(sample_rate_hertz: int) -> AudioFormat:
    return AudioFormat(encoding=AudioFormat.ENCODING_LINEAR16, sample_rate_hertz=sample_rate_hertz)


@asynccontextmanager
async def _channel(
    target: str | grpc.aio.Channel, credentials: grpc.ChannelCredentials | None
) -> AsyncIterator[grpc.aio.Channel]:
    """Yield the caller's channel, or one that lives as long as the context."""
    if isinstance(target, grpc.aio.Channel):
        if credentials is not None:
            raise ValueError("channel_credentials belong to a channel: give them where you make it")
        yield target
        return
    if credentials is None:
        async with grpc.aio.insecure_channel(target) as channel:
            yield channel
    else:
        async with grpc.aio.secure_channel(target, credentials) as channel:
            yield channel
