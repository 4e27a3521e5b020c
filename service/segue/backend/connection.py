"""The WebSocket that google-genai opens, with a setup of ours.

The SDK builds the setup before it connects and sends it at once. So that a link can be held open without one, and be
set up with what is known only then, its `send` is not websockets' own: that is the only message the SDK sends.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, TypeAlias

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import broadcast

from segue.backend.backlog import Backlog

# From the connection, which stands, and the SDK's setup to the one to send.
Replace: TypeAlias = Callable[["LiveConnection", str], Awaitable[bytes]]

# Where a connection finds it: set in the task that has the SDK connect.
replacing: ContextVar[Replace] = ContextVar("replacing")


class LiveConnection(ClientConnection):
    """A connection to the Live API, for websockets' `create_connection`."""

    backlog: Backlog

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._replace = replacing.get()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.backlog = Backlog(self.transport)

    async def send(self, message: Any, text: bool | None = None) -> None:  # noqa: ARG002
        """Send what is to take the place of the SDK's setup."""
        await super().send(await self._replace(self, message), text=True)

    async def __aexit__(self, *_: object) -> None:
        # websockets takes any exception for an internal error, and hanging up is one: a cancellation.
        await self.close()

    def send_frame(self, frame: bytes) -> None:
        """Send a text message without waiting; does not raise."""
        # Of what is public in websockets, this alone sends without a task.
        broadcast((self,), frame, text=True)
