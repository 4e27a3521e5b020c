"""The gateway, put together: a backend behind, sessions in the middle, gRPC and probes in front."""

import asyncio
from collections.abc import Callable, Sequence

import structlog
from prometheus_client import generate_latest

from segue.backend.pool import Pool, Source
from segue.config import Settings, SettingsError
from segue.edge.auth.authentication import Authentication
from segue.edge.auth.guard import Guard
from segue.edge.converse import Converser
from segue.edge.server import ListenError, Server
from segue.files import UnusableError
from segue.node.driver import Remains
from segue.node.health import ProbeServer
from segue.node.load import Load
from segue.node.registry import Registry
from segue.telemetry.metrics import Metrics

_log = structlog.get_logger(__name__)

_LAG_PERIOD = 0.5
# After the streams have ended, their last messages still have to leave, in seconds.
_LAST_WORDS = 1.0


class Gateway:
    """Serves sessions over one or more credentials, from `start` to `stop`.

    Args:
        settings: with no `fault`.
        sources: closed by `stop`.
        witness: told the id of each session that ends and what remains of it.
    """

    def __init__(
        self,
        settings: Settings,
        sources: Sequence[Source],
        witness: Callable[[str, Remains], None] | None = None,
    ) -> None:
        self._settings = settings
        self._accepting = False
        self.metrics = Metrics()
        policy = settings.policy(vertex=any(source.credential.vertex for source in sources))
        self._backend = Pool(
            sources,
            policy.profiles,
            rate=settings.dial_rate,
            burst=settings.dial_burst,
            watch=self.metrics.of_credential,
        )
        self._load = Load(settings.max_sessions, settings.max_loop_lag)
        self.registry = Registry(self._backend, self.metrics, policy, witness, self._load)
        self._converser = Converser(self.registry, self.metrics, settings.model, lambda: self._accepting)
        self._authentication: Authentication | None = None
        self._server: Server | None = None
        self._probes: ProbeServer | None = None
        self._lag_task: asyncio.Task[None] | None = None
        self._cut_off = asyncio.Event()
        self.port = 0
        self.metrics_port = 0

    async def start(self) -> None:
        """Listen.

        Raises:
            SettingsError: a file that the settings name cannot be used.
            ListenError: an address is taken or is not ours.
        """
        settings = self._settings
        assert settings.fault() is None
        try:
            self._authentication = authentication = Authentication(settings)
        except UnusableError as error:
            raise SettingsError(str(error)) from None
        try:
            self._probes = ProbeServer(
                settings.metrics_host, settings.metrics_port, self.metrics.registry, lambda: self._accepting
            )
        except OSError as error:
            address = f"{settings.metrics_host}:{settings.metrics_port}"
            advice = "set another SEGUE_METRICS_PORT or SEGUE_METRICS_HOST"
            raise ListenError(f"cannot serve metrics on {address}: {error.strerror}; {advice}") from None
        guard = Guard(authentication.authenticator, self.metrics, max_streams=settings.max_streams)
        self._server = Server(settings, self._converser, guard, authentication.credentials)
        try:
            self.port = await self._server.start()
        except ListenError:
            await asyncio.to_thread(self._probes.close)
            raise
        self.metrics_port = self._probes.port
        authentication.start()
        self._accepting = True
        self._backend.prewarm(settings.prewarmed, settings.model)
        self._lag_task = asyncio.create_task(self._observe_lag(), name="event loop lag")
        authenticated = authentication.authenticator is not None
        _log.info("serving", port=self.port, metrics_port=self.metrics_port, authenticated=authenticated)

    async def stop(self) -> None:
        """Take no new streams, let running turns finish within the drain time-out, and stop."""
        assert self._server is not None
        assert self._probes is not None
        assert self._lag_task is not None
        assert self._authentication is not None
        _log.info("stopping", sessions=len(self.registry))
        self._accepting = False
        self._backend.stop_prewarming()
        await self._server.refuse()
        draining = asyncio.create_task(self.registry.finish(), name="drain")
        cut_off = asyncio.create_task(self._cut_off.wait(), name="cut-off")
        await asyncio.wait(
            (draining, cut_off), timeout=self._settings.drain_timeout, return_when=asyncio.FIRST_COMPLETED
        )
        for task in (draining, cut_off):
            task.cancel()
        await asyncio.gather(draining, cut_off, return_exceptions=True)
        left = len(self.registry)
        self._converser.dismiss()
        self.registry.cut_off()
        await self._server.stop(_LAST_WORDS)
        await self._authentication.stop()
        await self._backend.close()
        self._lag_task.cancel()
        await asyncio.gather(self._lag_task, return_exceptions=True)
        await asyncio.to_thread(self._probes.close)
        _log.info("stopped", cut_off=left)

    def cut_off(self) -> None:
        """Wait no longer for running turns: `stop` ends at once."""
        self._cut_off.set()

    def exposition(self) -> bytes:
        """Return the metrics in Prometheus's text format."""
        return generate_latest(self.metrics.registry)

    async def _observe_lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _LAG_PERIOD
            await asyncio.sleep(_LAG_PERIOD)
            lag = max(0.0, loop.time() - due)
            self.metrics.loop_lag.observe(lag)
            self._load.observe_lag(lag)
            self.registry.quotas.turn_over()
