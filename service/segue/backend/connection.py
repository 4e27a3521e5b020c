"""The WebSocket that google-genai opens, and on which it says and hears nothing itself.

The SDK sends a setup as soon as it is connected, and takes the first answer for the service's last word about it. So
that a link can be held open without a setup, and wait for the right answer, it is led to believe that both are done.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from google.genai.live import AsyncSession
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import broadcast

from segue.backend.backlog import Backlog


class LiveConnection(ClientConnection):
    """A connection to the Live API, for websockets' `create_connection`.

    Attributes:
        backlog: what waits on it to be sent.
        sdk_setup: what the SDK would have sent.
        rtt_measured: called with every round-trip time of a ping, in seconds.
    """

    backlog: Backlog
    sdk_setup: str
    rtt_measured: Callable[[float], None]

    @property
    def latency(self) -> float:
        """The newest round-trip time of a ping, in seconds; 0 before the first."""
        return self._latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        # websockets says so nowhere else.
        self._latency = seconds
        if seconds:
            self.rtt_measured(seconds)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.backlog = Backlog(self.transport)

    async def send(self, message: Any, text: bool | None = None) -> None:  # noqa: ARG002
        """Keep the SDK's setup."""
        self.sdk_setup = message

    async def recv(self, decode: bool | None = None) -> Any:  # noqa: ARG002
        """Accept the SDK's setup."""
        return b'{"setupComplete":{}}'

    def send_frame(self, frame: bytes) -> None:
        """Send a text message without waiting; does not raise."""
        # Of what is public in websockets, this alone sends without a task.
        broadcast((self,), frame, text=True)

    async def receive(self) -> bytes:
        """Return the next message, text or binary.

        Raises:
            ConnectionClosed: there is none.
        """
        return await super().recv(decode=False)


def connection_of(session: AsyncSession) -> LiveConnection:
    """Return the connection of a session that was connected with `create_connection`."""
    # The SDK shows it to nobody, and nothing else leads from the one to the other.
    connection = session._ws
    assert isinstance(connection, LiveConnection)
    return connection
