"""One link to the Gemini Live API: a setup, and what follows it, over a WebSocket that google-genai has opened."""

import asyncio
import json
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

import structlog
from google.genai.live import AsyncSession
from websockets.frames import CloseCode
from websockets.protocol import State

from segue.backend.connection import LiveConnection, connection_of
from segue.backend.credentials import Credential
from segue.backend.frames import (
    activity_frame,
    audio_frame,
    image_frame,
    note_frame,
    setup_frame,
    text_frame,
    tool_result_frame,
    update_frame,
)
from segue.backend.losses import masked, to_loss
from segue.backend.messages import accepts_setup, decode
from segue.backend.salvage import Oddity
from segue.core.actions import Setup
from segue.core.events import HandleReceived, LinkEvent, LinkHeld, LinkLost, LinkOpened, LossCause
from segue.core.options import FunctionDeclaration, Scheduling
from segue.core.profiles import NoteSlot, TextSlot

_log = structlog.get_logger(__name__)

# How long the farewell of a connection may take, in seconds.
CLOSE_TIMEOUT = 1.0
# How long the end of a connection may keep another waiting, in seconds: a renewal may add 50 ms to its setup. Where the
# farewell takes longer, it is ahead of the setup by so much; a service that refuses that all the same is dialled again.
_ENDING_TIMEOUT = 0.03
# A conversation is resumed from where it was a few turns ago at most.
_HANDLES_KEPT = 32

_Connect: TypeAlias = Callable[[], AbstractAsyncContextManager[AsyncSession]]


class GeminiLink:
    """A link which is held once its connection stands, until `set_up` says with what to go on."""

    def __init__(
        self,
        number: int,
        model: str,
        connect: _Connect,
        report: Callable[[LinkEvent], None],
        odd: Callable[[Oddity], None],
        ending: Callable[[str], set[asyncio.Task[None]]],
        rtt_measured: Callable[[float], None],
        credential: Credential,
        *,
        setup_timeout: float,
        max_unsent_bytes: int,
    ) -> None:
        self.number = number
        # The newest of those that resume its conversation.
        self.handles: deque[str] = deque(maxlen=_HANDLES_KEPT)
        self._model = model
        self._connect = connect
        # None once the link is over, because it was lost or hung up.
        self._report: Callable[[LinkEvent], None] | None = report
        self._odd = odd
        self._ending = ending
        self._rtt_measured = rtt_measured
        self._credential = credential
        self._setup_timeout = setup_timeout
        self._max_unsent_bytes = max_unsent_bytes
        self._loop = asyncio.get_running_loop()
        self._setup: asyncio.Future[Setup] = self._loop.create_future()
        # The connection once it stands, and the same while frames can be sent.
        self._connection: LiveConnection | None = None
        self._open: LiveConnection | None = None
        # For what websockets' own limit does not bound, which is the signing in.
        self._timer = self._loop.call_later(setup_timeout, self._time_out)
        self.task = self._loop.create_task(self._run(), name=f"link {number}")

    @property
    def over(self) -> bool:
        return self._report is None

    def set_up(self, setup: Setup) -> None:
        if self._report is None or self._setup.done():
            return
        self._setup.set_result(setup)
        self._timer.cancel()
        # The SDK waits for the answer to the setup as long as it takes.
        self._timer = self._loop.call_later(self._setup_timeout, self._time_out)

    def send_audio(self, audio: bytes, sample_rate: int) -> None:
        if self._open is not None:
            self._send(self._open, audio_frame(audio, sample_rate))

    def send_text(self, text: str, slot: TextSlot) -> None:
        if self._open is not None:
            self._send(self._open, text_frame(text, slot))

    def send_note(self, text: str, slot: NoteSlot) -> None:
        if self._open is not None and (frame := note_frame(text, slot)) is not None:
            self._send(self._open, frame)

    def send_image(self, content: bytes, mime_type: str) -> None:
        if self._open is not None:
            self._send(self._open, image_frame(content, mime_type))

    def send_update(
        self,
        system_instruction: str | None,
        functions: tuple[FunctionDeclaration, ...] | None,
        built_in_tools: tuple[str, ...] | None,
    ) -> None:
        if self._open is not None:
            self._send(self._open, update_frame(system_instruction, functions, built_in_tools))

    def send_activity(self, started: bool) -> None:
        if self._open is not None:
            self._send(self._open, activity_frame(started))

    def send_tool_result(
        self, call_id: str, name: str, response: str, scheduling: Scheduling | None, will_continue: bool
    ) -> None:
        if self._open is not None:
            self._send(self._open, tool_result_frame(call_id, name, response, scheduling, will_continue))

    def hang_up(self) -> None:
        if self._report is None:
            return
        self._end()
        # Within a report it is this task that runs, and it sees by itself that the link is over.
        if asyncio.current_task() is not self.task:
            self.task.cancel()

    async def wait_closed(self) -> None:
        await asyncio.wait([self.task])

    def _send(self, connection: LiveConnection, frame: bytes) -> None:
        if connection.state is not State.OPEN:
            # The service has said goodbye, but nothing ends if it does not close the connection too.
            self._open = None
            self._loop.call_later(CLOSE_TIMEOUT, connection.transport.abort)
            return
        connection.send_frame(frame)
        if connection.transport.get_write_buffer_size() > self._max_unsent_bytes:
            self._stall(f"over {self._max_unsent_bytes} bytes are unsent")
        elif connection.backlog.add(len(frame), self._loop.time()):
            self._stall(f"what was sent {connection.backlog.limit:g} s ago is not acknowledged")

    def _stall(self, what: str) -> None:
        self._open = None
        # Whoever sends is not prepared to be told something meanwhile.
        self._loop.call_soon(
            self._give_up, LossCause.STALLED, f"The Live API takes no more: {what}. Try a new connection."
        )

    async def _run(self) -> None:
        try:
            async with self._connect() as session:
                self._connection = connection_of(session)
                await self._converse(self._connection)
        except asyncio.CancelledError:
            if self._report is not None:
                raise
        except Exception as error:
            self._lose_by(error, opened=False)

    async def _converse(self, connection: LiveConnection) -> None:
        """Set up and receive until the link is over. Does not raise, so that the SDK closes the connection well."""
        connection.rtt_measured = self._rtt_measured
        opened = False
        try:
            setup = await self._wait_for_setup(connection)
            if setup is None:
                return
            # The SDK knows by what path the service knows the model.
            path: str = json.loads(connection.sdk_setup)["setup"]["model"]
            if setup.model != self._model:
                path = path.removesuffix(self._model) + setup.model
            self._send(connection, setup_frame(setup, path, vertex=self._credential.vertex))
            while not accepts_setup(await connection.receive()):
                self._odd(Oddity.EARLY)
            self._timer.cancel()
            opened = True
            self._open = connection
            self._tell(LinkOpened(self.number))
            while self._report is not None:
                frame = await connection.receive()
                for event in decode(frame, self.number, self._odd):
                    if type(event) is HandleReceived and event.handle:
                        self.handles.append(event.handle)
                    self._tell(event)
        except asyncio.CancelledError:
            if self._report is not None:
                raise
            self.task.uncancel()
        except Exception as error:
            self._lose_by(error, opened=opened)

    async def _wait_for_setup(self, connection: LiveConnection) -> Setup | None:
        """Return the setup, when there is one and it may be sent; None where the link was hung up on being held.

        Raises:
            ConnectionClosed: the connection was lost, while the link was held.
        """
        if not self._setup.done():
            self._timer.cancel()
            self._tell(LinkHeld(self.number))
            if self._report is None:
                return None
            await asyncio.wait((self._setup, connection.connection_lost_waiter), return_when=asyncio.FIRST_COMPLETED)
            if not self._setup.done():
                raise connection.close_exc
        setup = self._setup.result()
        if ending := self._ending(setup.handle):
            # The service refuses to resume what another connection still has, even one that was just hung up.
            await asyncio.wait(ending, timeout=_ENDING_TIMEOUT)
        if setup.handle:
            self.handles.append(setup.handle)
        return setup

    def _tell(self, event: LinkEvent) -> None:
        if self._report is not None:
            self._report(event)

    def _time_out(self) -> None:
        what = "accept the setup" if self._setup.done() else "let anyone connect"
        advice = "Check the network, and that a Live API is at this address; try again later."
        message = f"The Live API did not {what} within {self._setup_timeout:g} s. {advice}"
        self._give_up(LossCause.UNAVAILABLE, message)

    def _give_up(self, cause: LossCause, message: str) -> None:
        if self._report is not None:
            self._lose(LinkLost(self.number, cause, message))
            self.task.cancel()

    def _lose_by(self, error: Exception, *, opened: bool) -> None:
        if self._report is None:
            return
        resumed = self._setup.done() and bool(self._setup.result().handle)
        loss = to_loss(error, self.number, self._credential, opened=opened, resumed=resumed)
        if loss.cause is LossCause.INTERNAL:
            trace = masked("".join(traceback.format_exception(error)), self._credential)
            _log.error("link_failed", link=self.number, trace=trace)
        self._lose(loss)

    def _lose(self, loss: LinkLost) -> None:
        report = self._report
        if report is None:
            return
        if self._connection is not None and not loss.code:
            loss.code = CloseCode.ABNORMAL_CLOSURE.value
        self._end()
        report(loss)

    def _end(self) -> None:
        self._report = None
        self._open = None
        self._timer.cancel()
        if self._connection is not None:
            # websockets waits without limit until its farewell fits into the buffer of a peer that does not read.
            self._loop.call_later(CLOSE_TIMEOUT, self._connection.transport.abort)
