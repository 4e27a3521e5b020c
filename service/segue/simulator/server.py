"""A WebSocket server around the script, which unmodified Live API clients talk to.

    async with Simulator() as simulator:
        client = genai.Client(
            api_key="any",
            http_options={"base_url": simulator.url, "async_client_args": {"ssl": simulator.client_ssl_context()}},
        )

The Python SDK speaks TLS only (google-genai `_websocket_base_url`); `plain=True` serves the JavaScript SDK and raw
clients.
"""

import asyncio
import ssl
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from random import Random
from types import TracebackType

import trustme
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from segue.simulator.dialogue import Dialogue, default_dialogue
from segue.simulator.history import History
from segue.simulator.outgoing import Close, Output, Send
from segue.simulator.script import LiveScript
from segue.simulator.service import Service, any_credential
from segue.simulator.speech import Voice, prepare_voice
from segue.simulator.timing import Timing
from segue.simulator.upgrade import Upgrade, read_upgrade

# How long a close waits for the peer's part of it.
_CLOSE_TIMEOUT = 2.0
_WILDCARDS = frozenset({"", "0.0.0.0", "::"})


class Simulator:
    """A simulated Live API service on a port of this machine, from `async with` to its end.

    Args:
        host: the address to listen on.
        port: 0 takes a free one.
        plain: serve ws instead of wss.
        dialogue: what is said; None for the one that comes with the simulator.
        voice: how it sounds; None for the best on this machine, which is prepared off the event loop.
        timing: how long things take.
        valid_credential: whether an API key or a token is good; none at all never is.
        seed: where all that is random comes from, together with the number of the connection.
        history: where to write down what happens, as "simulator" and by "connection-N".
        clock: seconds; the same as that of the history's other witnesses.

    Attributes:
        ca_pem: the certificate to trust, made anew each time; empty where `plain`.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        plain: bool = False,
        dialogue: Dialogue | None = None,
        voice: Voice | None = None,
        timing: Timing | None = None,
        valid_credential: Callable[[str], bool] = any_credential,
        seed: int = 0,
        history: History | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host = host
        self._port = port
        self._plain = plain
        self._dialogue = dialogue or default_dialogue()
        self._voice = voice
        self._timing = timing or Timing()
        self._valid_credential = valid_credential
        self._seed = seed
        self._history = history
        self._clock = clock
        self._connections = 0
        self._server: Server | None = None
        self.ca_pem = b""

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    @property
    def url(self) -> str:
        """The base URL for a client's `http_options`: https, or http where plain."""
        host = "127.0.0.1" if self._host in _WILDCARDS else self._host
        return f"{'http' if self._plain else 'https'}://{f'[{host}]' if ':' in host else host}:{self._port}"

    def client_ssl_context(self) -> ssl.SSLContext:
        """Return a context that trusts this simulator and nothing else."""
        return ssl.create_default_context(cadata=self.ca_pem.decode("ascii"))

    async def __aenter__(self) -> "Simulator":
        voice = self._voice
        if voice is None:
            voice = await asyncio.to_thread(prepare_voice, self._dialogue.sentences())
        service = Service(self._dialogue, voice, self._timing, self._valid_credential)
        self._server = await serve(
            partial(self._converse, service),
            self._host,
            self._port,
            ssl=None if self._plain else self._make_certificate(),
            process_request=_refuse_other_paths,
            compression=None,
            max_size=None,
            close_timeout=_CLOSE_TIMEOUT,
            # The service itself was never seen to ping.
            ping_interval=None,
        )
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    def _make_certificate(self) -> ssl.SSLContext:
        authority = trustme.CA()
        names = dict.fromkeys(("localhost", "127.0.0.1", "::1", *({self._host} - _WILDCARDS)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*names).configure_cert(context)
        self.ca_pem = authority.cert_pem.bytes()
        return context

    async def _converse(self, service: Service, connection: ServerConnection) -> None:
        """Serve one connection until either side closes it."""
        upgrade = connection.request and _upgrade(connection.request)
        # Other paths never come here.
        if not upgrade:
            return
        self._connections += 1
        script = LiveScript(
            service,
            upgrade,
            Random(f"{self._seed}/{self._connections}"),
            self._clock(),
            self._history,
            f"connection-{self._connections}",
        )
        try:
            while script.deadline() < float("inf"):
                await _perform(connection, await self._next_outputs(connection, script))
        except ConnectionClosed as closed:
            # A connection that broke off has no close frame of the peer's: code 1006, and nobody's decision but its.
            by_server = closed.sent is not None and not closed.rcvd_then_sent
            frame = closed.sent if by_server else closed.rcvd
            code, reason = (frame.code, frame.reason) if frame else (1006, "")
            script.connection_lost(code, reason, "server" if by_server else "client", self._clock())

    async def _next_outputs(self, connection: ServerConnection, script: LiveScript) -> list[Output]:
        """Wait for a message or for the script's deadline, whichever is first."""
        try:
            async with asyncio.timeout(max(0.0, script.deadline() - self._clock())):
                frame = await connection.recv()
        except TimeoutError:
            return script.tick(self._clock())
        return script.receive(frame, self._clock())


async def _perform(connection: ServerConnection, outputs: list[Output]) -> None:
    for output in outputs:
        match output:
            case Send():
                await connection.send(output.frame)
            case Close():
                await connection.close(output.code, output.reason)


def _refuse_other_paths(connection: ServerConnection, request: Request) -> Response | None:
    """Answer what is no Live API path with 404; everything else is told by a close after the upgrade."""
    if _upgrade(request):
        return None
    return connection.respond(HTTPStatus.NOT_FOUND, "Not a Live API path.\n")


def _upgrade(request: Request) -> Upgrade | None:
    # A header may come twice, which the mapping of websockets refuses to read; the last one counts.
    return read_upgrade(request.path, {name.lower(): value for name, value in request.headers.raw_items()})
