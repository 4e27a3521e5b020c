"""What the tests of the backend run on."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest
import trustme
import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from tests.backend.live_server import LiveServer, Script, Serving


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run every asynchronous test on the loop of production and on the standard library's."""
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def serving(authority: trustme.CA) -> Serving:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    @asynccontextmanager
    async def serving_script(script: Script, status: HTTPStatus | None = None) -> AsyncIterator[LiveServer]:
        def remember(connection: ServerConnection, request: Request) -> Response | None:
            live.requests.append(request)
            return None if status is None else connection.respond(status, "no")

        async with serve(script, "127.0.0.1", 0, ssl=context, process_request=remember, close_timeout=0.1) as server:
            live = LiveServer(server.sockets[0].getsockname()[1])
            yield live

    return serving_script
