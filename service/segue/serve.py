"""`segue serve`: the gateway until a signal stops it, on the Live API or on the embedded simulator."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from segue.backend.credential_file import from_file
from segue.backend.credentials import Credential, CredentialError, from_environment
from segue.backend.gemini import GeminiBackend
from segue.backend.pool import Source
from segue.config import Settings, SettingsError, unknown_variables
from segue.gateway import Gateway
from segue.simulator.history import History
from segue.simulator.server import Simulator
from segue.simulator.speech import Voice

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """The backends that are used, and why, in words for a person; `simulator` is None where it is the Live API."""

    backends: tuple[GeminiBackend, ...]
    credentials: tuple[Credential, ...]
    why: str
    simulator: Simulator | None = None

    @property
    def live(self) -> bool:
        """Return whether the answers are real."""
        return self.simulator is None

    @property
    def sources(self) -> list[Source]:
        """Return the backends with their credentials."""
        return [Source(*pair) for pair in zip(self.backends, self.credentials, strict=True)]

    async def close(self) -> None:
        """Close the backends."""
        for backend in self.backends:
            await backend.close()


def credentials_of(settings: Settings) -> tuple[Credential, ...]:
    """Return the credentials to use; none means the embedded simulator.

    Raises:
        SettingsError: there is none where one is needed, or something is wrong with one.
    """
    if settings.backend == "simulator":
        return ()
    try:
        if settings.credentials_file is not None:
            return from_file(settings.credentials_file)
        credential = from_environment()
    except CredentialError as error:
        raise SettingsError(str(error)) from None
    if credential is None and settings.backend == "live":
        raise SettingsError(
            "the backend is to be live, but there are no credentials: set GEMINI_API_KEY, or "
            "GOOGLE_GENAI_USE_VERTEXAI=true with GOOGLE_CLOUD_PROJECT and GOOGLE_CLOUD_LOCATION, or "
            "SEGUE_CREDENTIALS_FILE"
        )
    return () if credential is None else (credential,)


@asynccontextmanager
async def chosen_backend(
    settings: Settings, history: History | None = None, voice: Voice | None = None
) -> AsyncIterator[Choice]:
    """Yield the backend: the Live API where credentials are set, else a simulator that runs until the end.

    Closing what is chosen is up to the caller. The simulator writes its side down into `history`, and speaks with
    `voice`.

    Raises:
        SettingsError: see `credentials_of`.
    """
    credentials = credentials_of(settings)
    if credentials:
        backends = tuple(GeminiBackend(credential, setup_timeout=settings.setup_timeout) for credential in credentials)
        yield Choice(backends, credentials, f"real answers of {_described(credentials)}")
        return
    async with Simulator(history=history, voice=voice) as simulator:
        simulated = Credential("simulator", "the embedded simulator", api_key="simulated", base_url=simulator.url)
        backend = GeminiBackend(
            simulated, setup_timeout=settings.setup_timeout, ssl_context=simulator.client_ssl_context()
        )
        asked = settings.backend == "simulator"
        why = "as SEGUE_BACKEND asks" if asked else "since no credentials are set: set GEMINI_API_KEY for real ones"
        simulation = f"SIMULATED answers of the embedded simulator, not of Gemini, {why}"
        yield Choice((backend,), (simulated,), simulation, simulator)


def _described(credentials: tuple[Credential, ...]) -> str:
    services = dict.fromkeys("Vertex AI" if each.vertex else "the Gemini Developer API" for each in credentials)
    places = dict.fromkeys(each.base_url for each in credentials if each.base_url)
    where = f" at {', '.join(places)}" if places else ""
    return f"{' and '.join(services)}{where}, with {', '.join(each.source for each in credentials)}"


async def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM, then let running turns finish; a second signal cuts them off.

    Raises:
        SettingsError: the settings cannot be.
        ListenError: an address is taken or is not ours.
    """
    fault = settings.fault()
    if fault is not None:
        raise SettingsError(fault)
    stop, hurry = asyncio.Event(), asyncio.Event()

    def stop_or_hurry() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop_or_hurry)
    async with chosen_backend(settings) as choice:
        (_log.info if choice.live else _log.warning)("backend", message=choice.why, model=settings.model)
        for variable in unknown_variables():
            _log.warning("unknown_setting", message=f"{variable} is no setting: correct its name, or unset it")
        gateway = Gateway(settings, choice.sources)
        for backend in choice.backends:
            backend.rtt_measured = gateway.metrics.link_rtt.observe
        try:
            await gateway.start()
        except BaseException:
            await choice.close()
            raise
        await stop.wait()
        hurrying = asyncio.create_task(hurry.wait(), name="second signal")
        stopping = asyncio.create_task(gateway.stop(), name="stop")
        await asyncio.wait((hurrying, stopping), return_when=asyncio.FIRST_COMPLETED)
        hurrying.cancel()
        if not stopping.done():
            gateway.cut_off()
        await stopping
