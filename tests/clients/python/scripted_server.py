"""A gRPC server that plays a script written by a test, in place of a gateway."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import grpc

from segue_client.segue.v1 import voice_session_service_pb2_grpc
from segue_client.segue.v1.client_event_pb2 import ClientEvent
from segue_client.segue.v1.error_pb2 import Error
from segue_client.segue.v1.server_event_pb2 import ServerEvent, SessionClosed, SessionOpened, SessionResumed, TurnEnded
from segue_client.segue.v1.voice_session_service_pb2 import ConverseResponse

# grpc-stubs leave it out.
EOF: Any = grpc.aio.EOF  # type: ignore[attr-defined]

TOKEN = "a-secret-of-s1"
OPENED = ServerEvent(opened=SessionOpened(session_id="s1", model="a-model"))
RESUMABLE = ServerEvent(opened=SessionOpened(session_id="s1", resume_token=TOKEN, model="a-model"))
COMPLETED = ServerEvent(
    closed=SessionClosed(error=Error(reason=Error.REASON_COMPLETED, message="As asked."), next=SessionClosed.NEXT_NONE)
)


class Stream:
    """One client's stream, as the script sees it. `heard` is all that the client said so far."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self.heard: list[ClientEvent] = []
        self.half_closed = False
        self._unread: list[ClientEvent] = []

    async def hear(self) -> ClientEvent | None:
        """Return the client's next event; None at the half-close."""
        while not self._unread:
            request = await self.context.read()
            if request is EOF:
                self.half_closed = True
                return None
            self._unread.extend(request.events)
        self.heard.append(self._unread.pop(0))
        return self.heard[-1]

    async def hear_until(self, arm: str) -> ClientEvent:
        """Return the next event with this input."""
        while (event := await self.hear()) is not None:
            if event.WhichOneof("input") == arm:
                return event
        raise AssertionError(f"the client half-closed before it said {arm}")

    async def hear_out(self) -> None:
        """Listen until the client finishes or closes its session, or half-closes."""
        while (event := await self.hear()) is not None and not event.HasField("close"):
            pass

    async def say(self, *events: ServerEvent, channel: int | None = None) -> None:
        """Send events in one message; on this channel, where one is given."""
        if channel is not None:
            events = tuple(on_channel(event, channel) for event in events)
        await self.context.write(ConverseResponse(events=events))

    async def break_off(self, code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE) -> None:
        """End the stream with this status."""
        await self.context.abort(code, "in these words")


Script: TypeAlias = Callable[[Stream], Awaitable[None]]


class ScriptedServer(voice_session_service_pb2_grpc.VoiceSessionServiceServicer):
    """Plays `script` on every stream. `streams` are those that began, `peers` the connections that carried them."""

    def __init__(self, script: Script) -> None:
        self.target = ""
        self.streams: list[Stream] = []
        self.peers: set[str] = set()
        self.metadata: dict[str, Any] = {}
        self._script = script

    async def Converse(self, request_iterator: Any, context: Any) -> None:  # noqa: N802
        self.streams.append(Stream(context))
        self.peers.add(context.peer())
        self.metadata = dict(context.invocation_metadata())
        await self._script(self.streams[-1])


@asynccontextmanager
async def serving(script: Script, credentials: grpc.ServerCredentials | None = None) -> AsyncIterator[ScriptedServer]:
    """Serve on a free port of the loopback; the address is `target`."""
    server = grpc.aio.server()
    scripted = ScriptedServer(script)
    voice_session_service_pb2_grpc.add_VoiceSessionServiceServicer_to_server(scripted, server)  # type: ignore[no-untyped-call]
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("localhost:0", credentials)
    scripted.target = f"localhost:{port}"
    await server.start()
    try:
        yield scripted
    finally:
        await server.stop(0)
        # The server does not wait for the last steps of its own tasks.
        own = {task for task in asyncio.all_tasks() if task.get_name().startswith(("rpc_task", "HandleExceptions"))}
        await asyncio.gather(*own, return_exceptions=True)


def on_channel(event: ServerEvent, channel: int) -> ServerEvent:
    """Return the event on a channel."""
    own = ServerEvent()
    own.CopyFrom(event)
    own.channel = channel
    return own


def resumed(last_input_seq: int, *, output_lost: bool = False) -> ServerEvent:
    """Return what answers a resume."""
    return ServerEvent(resumed=SessionResumed(last_input_seq=last_input_seq, output_lost=output_lost))


def one_after_the_other(*scripts: Script) -> Script:
    """Play one script on the first stream, and another on each further one; the last on all that follow."""
    left = list(scripts)

    async def play(stream: Stream) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(stream)

    return play


async def answer_once(stream: Stream) -> None:
    """Open, answer the first text with a turn, listen to the end, close."""
    await stream.hear_until("open")
    await stream.say(OPENED)
    await stream.hear_until("text")
    await stream.say(ServerEvent(seq=1, turn=1, audio=b"\0\0" * 480), ServerEvent(seq=2, turn=1, audio=b"\1\0" * 480))
    await stream.say(ServerEvent(seq=3, turn=1, turn_ended=TurnEnded(reason=TurnEnded.REASON_COMPLETED)))
    await stream.hear_out()
    await stream.say(COMPLETED)


async def listen(stream: Stream) -> None:
    """Open, hear everything that the client says, close."""
    await stream.say(OPENED)
    await stream.hear_out()
    await stream.say(COMPLETED)


async def host(stream: Stream) -> None:
    """Carry any number of sessions: open each, answer its texts with one audio event each, close it when asked to."""
    numbers: Counter[int] = Counter()
    while (event := await stream.hear()) is not None:
        match event.WhichOneof("input"):
            case "open":
                await stream.say(RESUMABLE, channel=event.channel)
            case "text":
                numbers[event.channel] += 1
                audio = ServerEvent(seq=numbers[event.channel], turn=1, audio=event.text.text.encode())
                await stream.say(audio, channel=event.channel)
            case "close":
                await stream.say(COMPLETED, channel=event.channel)
