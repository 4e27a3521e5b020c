"""Links to the Gemini Live API through google-genai.

The SDK signs in, builds the URL and connects. The setup and what follows goes over its open WebSocket directly: a
setup may have to wait until after the connecting, and the SDK's own `receive()` and `send_realtime_input()` cost ten
times as much and end at every turn.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable

import structlog
from google import genai
from google.genai import types

from segue.backend.connection import LiveConnection
from segue.backend.credentials import Credential
from segue.backend.gemini_link import CLOSE_TIMEOUT, GeminiLink
from segue.backend.salvage import Oddity
from segue.core.actions import Purpose, Setup
from segue.core.events import LinkEvent

_log = structlog.get_logger(__name__)

_CONNECTION = {
    "create_connection": LiveConnection,
    # Speech does not compress, and trying costs more than all else that is done with a frame.
    "compression": None,
    # The service was seen to answer pings after as much as 30 s.
    "ping_interval": 30,
    "ping_timeout": 60,
    "open_timeout": 5,
    "close_timeout": CLOSE_TIMEOUT,
    "max_size": 16 * 2**20,
    "max_queue": 64,
}


class GeminiBackend:
    """The Live API, with one credential.

    Attributes:
        odd_messages: how many messages of the service were not understood, by what was wrong with them.
        rtt_measured: told the round-trip time of every ping on a link, in seconds; may be set before the first dial.
    """

    def __init__(
        self,
        credential: Credential,
        *,
        setup_timeout: float = 5.0,
        ssl_context: ssl.SSLContext | None = None,
        max_unsent_bytes: int = 2**22,
    ) -> None:
        """Take a credential, which may still turn out not to be accepted.

        Args:
            credential: who to be for the Live API.
            setup_timeout: how long, in seconds, it may take from dialling until the setup is accepted; for a link that
                is held, until the connection stands, and again from the setup until that is accepted.
            ssl_context: how to connect; None trusts the SDK's certificates, or those of SSL_CERT_FILE.
            max_unsent_bytes: a link that has more waiting to be sent is given up; an image alone has 1.4 MB.
        """
        self.odd_messages: Counter[Oddity] = Counter()
        self.rtt_measured: Callable[[float], None] = lambda _: None
        self._credential = credential
        self._setup_timeout = setup_timeout
        self._max_unsent_bytes = max_unsent_bytes
        self._links: set[GeminiLink] = set()
        # A client takes tens of milliseconds to make, so there is one for all links.
        self._client = genai.Client(
            vertexai=credential.vertex,
            api_key=credential.api_key,
            project=credential.project,
            location=credential.location,
            credentials=credential.google_credentials,
            http_options=types.HttpOptions(
                base_url=credential.base_url,
                async_client_args=_CONNECTION if ssl_context is None else {**_CONNECTION, "ssl": ssl_context},
            ),
        )

    def dial(
        self,
        number: int,
        setup: Setup,
        report: Callable[[LinkEvent], None],
        *,
        purpose: Purpose = Purpose.OPEN,  # noqa: ARG002
        hold: bool = False,
    ) -> GeminiLink:
        """Start to open a link; see `Account.dial`. All purposes are alike here."""
        link = GeminiLink(
            number,
            setup.model,
            # What else the SDK would say to the service, the link says in its place.
            lambda: self._client.aio.live.connect(model=setup.model),
            report,
            self._count,
            self._ending,
            self.rtt_measured,
            self._credential,
            setup_timeout=self._setup_timeout,
            max_unsent_bytes=self._max_unsent_bytes,
        )
        if not hold:
            link.set_up(setup)
        self._links.add(link)
        link.task.add_done_callback(lambda _: self._links.discard(link))
        return link

    async def close(self) -> None:
        """Hang up all links, wait until they are gone, and release the SDK's client. Dial no more after it."""
        links = list(self._links)
        for link in links:
            link.hang_up()
        for link in links:
            await link.wait_closed()
        self._client.close()
        await self._client.aio.aclose()

    def _ending(self, handle: str) -> set[asyncio.Task[None]]:
        """Return the tasks of the links that are over but not gone, of the conversation that a handle is of."""
        return {link.task for link in self._links if link.over and handle in link.handles}

    def _count(self, oddity: Oddity) -> None:
        self.odd_messages[oddity] += 1
        if self.odd_messages[oddity] == 1:
            _log.warning("odd_message", oddity=oddity.value, credential=self._credential.name)
