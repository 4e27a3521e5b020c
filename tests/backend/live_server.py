"""A Live API that follows a script, over TLS, and what a test needs to talk to it."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias, TypeVar

import google.oauth2.credentials
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request

from segue.backend.credentials import Credential
from segue.backend.gemini import GeminiBackend
from segue.backend.link import Account, Link
from segue.core.actions import Setup
from segue.core.events import LinkEvent
from segue.core.options import Modality, ServerDetection

Script: TypeAlias = Callable[[ServerConnection], Awaitable[None]]
Serving: TypeAlias = Callable[..., AbstractAsyncContextManager["LiveServer"]]
Kind = TypeVar("Kind")

SETUP = Setup("gemini-3.8-live", "", "", "", Modality.AUDIO, ServerDetection(), None)
PATIENCE = 10.0


class Reports:
    """What a link reported, in order; `until` waits for an event of a kind."""

    def __init__(self) -> None:
        self.events: list[LinkEvent] = []
        self._news = asyncio.Event()

    def __call__(self, event: LinkEvent) -> None:
        self.events.append(event)
        self._news.set()

    async def until(self, kind: type[Kind], count: int = 1) -> Kind:
        async with asyncio.timeout(PATIENCE):
            while len(found := [event for event in self.events if isinstance(event, kind)]) < count:
                self._news.clear()
                await self._news.wait()
        return found[count - 1]


class LiveServer:
    """A Live API that follows a script on every connection, and remembers who asked for what."""

    def __init__(self, port: int) -> None:
        self.url = f"https://127.0.0.1:{port}"
        self.requests: list[Request] = []

    @property
    def key(self) -> Credential:
        return Credential("test", "GEMINI_API_KEY", api_key="made-up-key", base_url=self.url)

    @property
    def express_key(self) -> Credential:
        return Credential("test", "GOOGLE_API_KEY", vertex=True, api_key="made-up-key", base_url=self.url)

    @property
    def project(self) -> Credential:
        token = google.oauth2.credentials.Credentials(token="made-up-token")  # type: ignore[no-untyped-call]
        return Credential(
            "test",
            "GOOGLE_CLOUD_PROJECT",
            vertex=True,
            project="p",
            location="us-central1",
            google_credentials=token,
            base_url=self.url,
        )


@asynccontextmanager
async def dialled(
    credential: Credential,
    context: ssl.SSLContext | None,
    setup: Setup = SETUP,
    *,
    hold: bool = False,
    **options: Any,
) -> AsyncIterator[tuple[GeminiBackend, Link, Reports]]:
    """Dial link 1; at the end see that nothing of it is left."""
    tasks = asyncio.all_tasks()
    gemini = GeminiBackend(credential, ssl_context=context, **options)
    backend: Account = gemini
    reports = Reports()
    link: Link = backend.dial(1, setup, reports, hold=hold)
    try:
        yield gemini, link, reports
    finally:
        async with asyncio.timeout(PATIENCE):
            await backend.close()
        left = [task for task in asyncio.all_tasks() - tasks if task.get_name().startswith("link")]
        assert left == []


async def accept(ws: ServerConnection) -> Any:
    setup = json.loads(await ws.recv())
    await say(ws, {"setupComplete": {}})
    return setup


async def say(ws: ServerConnection, *messages: object) -> None:
    for message in messages:
        await ws.send((json.dumps(message, indent=2) + "\n").encode())


async def stay(ws: ServerConnection) -> None:
    await ws.wait_closed()
