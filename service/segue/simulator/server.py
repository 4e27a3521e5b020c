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
from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus
from random import Random
from types import TracebackType

import trustme
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from segue.simulator.dialogue import Dialogue
from segue.simulator.dialogue_file import default_dialogue
from segue.simulator.faults.plan import FaultPlan, arm_all
from segue.simulator.history import History
from segue.simulator.link import Link, LiveServerConnection
from segue.simulator.script import LiveScript
from segue.simulator.service import Service, any_credential
from segue.simulator.speech import Voice, prepare_voice
from segue.simulator.switches import Switches
from segue.simulator.timing import Timing
from segue.simulator.wire.schema import Flavour
from segue.simulator.wire.tokens import Tokens
from segue.simulator.wire.upgrade import Upgrade, read_upgrade

# How long a close waits for the peer's part of it.
_CLOSE_TIMEOUT = 2.0
_WILDCARDS = frozenset({"", "0.0.0.0", "::"})


class SimulatorError(Exception):
    """The simulator cannot be started, or asked for this; the message says why."""


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
        flavour: the paths of the other one are not found; None serves both.
        model: the only one that exists, by its name without a path; empty for all that are known.
        switches: how it behaves where that is disputed.
        faults: what goes wrong on every connection.
        strict: close at what the real service only sometimes minds.
        write_timeout: seconds for which a client may read nothing of what is sent, before its connection is broken off.

    Attributes:
        tokens: the ephemeral tokens that clients may use; mint more at any time.
        links: the connections that are open, by their names.
        switches: how it behaves where that is disputed.
        clock: seconds, as its connections and its history know them.
        ca_pem: the certificate to trust, made anew each time; empty where `plain`.

    Raises:
        SimulatorError: at the beginning of `async with`, the port cannot be listened on.
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
        flavour: Flavour | None = None,
        model: str = "",
        switches: Switches | None = None,
        faults: Sequence[FaultPlan] = (),
        strict: bool = False,
        write_timeout: float = 20.0,
    ) -> None:
        self._host = host
        self._port = port
        self._plain = plain
        self._dialogue = dialogue or default_dialogue()
        self._voice = voice
        self._timing = timing or Timing()
        self._valid_credential = valid_credential
        self._seed = seed
        self._upgrade_rng = Random(f"{seed}/upgrades")
        self._history = history
        self._flavour = flavour
        self._model = model
        self._faults = faults
        self._strict = strict
        self._write_timeout = write_timeout
        self._connections = 0
        self._injected = 0
        self.clock = clock
        self.switches = switches or Switches()
        self.links: dict[str, Link] = {}
        self.tokens = Tokens()
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

    def inject(self, plan: FaultPlan, connection: str = "") -> list[str]:
        """Have a fault strike once, now or at the time of its plan; `second` counts from now.

        Args:
            plan: the fault.
            connection: where; empty for all connections that are open.

        Returns:
            The connections on which it acts.

        Raises:
            SimulatorError: the connection is not open.
        """
        if connection and connection not in self.links:
            raise SimulatorError(f"{connection} is not open")
        names = [connection] if connection else list(self.links)
        for name in names:
            self._injected += 1
            rng = Random(f"{self._seed}/injected/{self._injected}")
            self.links[name].inject(plan.arm(rng, self.clock(), self.switches, by_hand=True))
        return names

    def client_ssl_context(self) -> ssl.SSLContext:
        """Return a context that trusts this simulator and nothing else."""
        return ssl.create_default_context(cadata=self.ca_pem.decode("ascii"))

    async def __aenter__(self) -> "Simulator":
        voice = self._voice
        if voice is None:
            voice = await asyncio.to_thread(prepare_voice, self._dialogue.sentences())
        service = Service(
            self._dialogue,
            voice,
            self._timing,
            self._valid_credential,
            switches=self.switches,
            faults=partial(arm_all, self._faults, self.switches),
            strict=self._strict,
            model=self._model,
            tokens=self.tokens,
        )
        try:
            self._server = await serve(
                partial(self._converse, service),
                self._host,
                self._port,
                ssl=None if self._plain else self._make_certificate(),
                process_request=self._refuse_other_paths,
                create_connection=LiveServerConnection,
                compression="deflate" if self.switches.compression else None,
                max_size=self.switches.max_frame_bytes or None,
                close_timeout=_CLOSE_TIMEOUT,
                # The service itself was never seen to ping.
                ping_interval=None,
            )
        except OSError as error:
            raise SimulatorError(f"cannot listen on {self._host}:{self._port}: {error.strerror or error}") from error
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
        if not upgrade or not isinstance(connection, LiveServerConnection):
            return
        self._connections += 1
        name = f"connection-{self._connections}"
        rng = Random(f"{self._seed}/{self._connections}")
        script = LiveScript(service, upgrade, rng, self.clock(), self._history, name)
        self.links[name] = Link(connection, script, self.clock, upgrade.flavour, self._write_timeout)
        try:
            await self.links[name].run()
        finally:
            del self.links[name]

    async def _refuse_other_paths(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer what is no path of this service with 404; everything else is told by a close after the upgrade."""
        if delay := self._timing.upgrade.draw(self._upgrade_rng):
            await asyncio.sleep(delay)
        upgrade = _upgrade(request)
        if upgrade and self._flavour in (None, upgrade.flavour):
            return None
        return connection.respond(HTTPStatus.NOT_FOUND, "Not a Live API path.\n")


def _upgrade(request: Request) -> Upgrade | None:
    # A header may come twice, which the mapping of websockets refuses to read; the last one counts.
    return read_upgrade(request.path, {name.lower(): value for name, value in request.headers.raw_items()})
