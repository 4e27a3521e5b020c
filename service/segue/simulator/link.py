"""One connection's socket: a reader that feeds the script, and a writer that does what it returns.

              +--------+  frames   +--------+  outputs   +-------+            +--------+
    client -> | reader | --------> | script | ---------> | queue | ---------> | writer | -> client
              +--------+           +--------+            +-------+            +--------+

A client that does not read blocks the writer only: it is heard all the same, until it has blocked it for too long.
"""

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import Event, State

from segue.simulator.outgoing import Close, Output, Reset, Send, SlowPongs, Stage, StopReading
from segue.simulator.script import LiveScript
from segue.simulator.wire.schema import Flavour

_NEVER = float("inf")
# The first byte of a pong (RFC 6455, section 5.2).
_PONG = b"\x8a"
# Closing a socket then sends RST instead of FIN (socket(7), SO_LINGER).
_NO_LINGER = struct.pack("ii", 1, 0)


class LiveServerConnection(ServerConnection):
    """A connection that can answer pings late, and tells at once that the client goes.

    Whoever waits for a message hears of that a few rounds of the event loop after the socket is closed; meanwhile the
    client may have asked on another connection for what it had here.

    Attributes:
        pong_delay: how late, in seconds.
        client_left: called when the client's close frame or the end of the connection has come; maybe more than once.
    """

    pong_delay = 0.0
    client_left: Callable[[], None] = staticmethod(lambda: None)

    def process_event(self, event: Event) -> None:
        super().process_event(event)
        if self.protocol.close_rcvd is not None:
            self.client_left()

    def eof_received(self) -> None:
        super().eof_received()
        self.client_left()

    def send_data(self) -> None:
        """Write what the protocol has to send, pongs in their time."""
        if self.pong_delay:
            frames = self.protocol.data_to_send()
            self.protocol.writes = [frame for frame in frames if not frame.startswith(_PONG)]
            for frame in frames:
                if frame.startswith(_PONG):
                    self.loop.call_later(self.pong_delay, self._pong, frame)
        super().send_data()

    def _pong(self, frame: bytes) -> None:
        # Nothing may follow a close frame.
        if self.state is State.OPEN:
            self.transport.write(frame)


class Link:
    """One connection between a client and a script.

    Args:
        connection: the WebSocket connection, open.
        script: the Live API's side of it.
        clock: seconds, as the script knows them.
        flavour: which service it was opened to.
        write_timeout: seconds for which a client may block the writer.

    Attributes:
        script: the Live API's side of it.
        flavour: which service it was opened to.
        opened_at: when it was opened.
        heard_at: when the client was last heard.
    """

    def __init__(
        self,
        connection: LiveServerConnection,
        script: LiveScript,
        clock: Callable[[], float],
        flavour: Flavour,
        write_timeout: float,
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._write_timeout = write_timeout
        self._outputs: asyncio.Queue[Output] = asyncio.Queue()
        self._timeout = asyncio.timeout(None)
        self._read_again_at = -_NEVER
        self.script = script
        self.flavour = flavour
        self.opened_at = self.heard_at = clock()
        connection.client_left = lambda: script.leave_session(clock())

    async def run(self) -> None:
        """Converse until either side closes the connection."""
        async with asyncio.TaskGroup() as tasks:
            writer = tasks.create_task(self._write())
            try:
                while True:
                    self._do(await self._next_outputs())
            except ConnectionClosed as closed:
                # A connection that broke off has no close frame of the peer's: code 1006, nobody's decision but its.
                by_server = closed.sent is not None and not closed.rcvd_then_sent
                frame = closed.sent if by_server else closed.rcvd
                code, reason = (frame.code, frame.reason) if frame else (1006, "")
                self.script.connection_lost(code, reason, "server" if by_server else "client", self._clock())
            finally:
                writer.cancel()

    def inject(self, fault: Stage) -> None:
        """Have a fault act from now on."""
        now = self._clock()
        self.script.outgoing.inject(fault, now)
        self._do(self.script.tick(now))
        # What the reader waits for may be too late now. It may also be gone, or about to wake up by itself.
        with suppress(RuntimeError):
            self._timeout.reschedule(0.0)

    async def _next_outputs(self) -> list[Output]:
        """Wait for a message or for the script's deadline, whichever is first."""
        deadline = self.script.deadline()
        try:
            async with asyncio.timeout(None if deadline == _NEVER else max(0.0, deadline - self._clock())) as timeout:
                self._timeout = timeout
                frame = await self._next_frame()
        except TimeoutError:
            return self.script.tick(self._clock())
        self.heard_at = self._clock()
        return self.script.receive(frame, self.heard_at)

    def _do(self, outputs: list[Output]) -> None:
        """Leave to the writer what is to be written; the rest is done at once."""
        for output in outputs:
            match output:
                case StopReading():
                    self._read_again_at = self._clock() + output.seconds
                    self._connection.transport.pause_reading()
                case SlowPongs():
                    self._connection.pong_delay = output.seconds
                case _:
                    self._outputs.put_nowait(output)

    async def _next_frame(self) -> str | bytes:
        if (stalled := self._read_again_at - self._clock()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(stalled):
                    await self._connection.wait_closed()
        if self._read_again_at > -_NEVER:
            self._read_again_at = -_NEVER
            self._connection.transport.resume_reading()
        return await self._connection.recv()

    async def _write(self) -> None:
        with suppress(ConnectionClosed):
            while True:
                await self._perform(await self._outputs.get())

    async def _perform(self, output: Output) -> None:
        match output:
            case Send():
                await self._send(output.frame)
            case Close():
                await self._connection.close(output.code, output.reason)
            case Reset():
                _reset(self._connection.transport)

    async def _send(self, frame: bytes) -> None:
        try:
            async with asyncio.timeout(self._write_timeout):
                await self._connection.send(frame)
        except TimeoutError:
            self.script.connection_lost(1006, "", "server", self._clock())
            self._connection.transport.abort()


def _reset(transport: asyncio.Transport) -> None:
    # The option belongs to the socket, of which event loops give out a view only.
    with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()
