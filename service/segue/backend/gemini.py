"""Links to the Gemini Live API through google-genai.

The SDK signs in, builds the URL and the setup, and connects. What follows goes over its open WebSocket directly,
because its own `receive()` and `send_realtime_input()` cost ten times as much and end at every turn. That WebSocket,
`AsyncSession._ws`, is private to the SDK (google/genai/live.py); nothing outside this module touches it.
"""

import asyncio
import ssl
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

import structlog
from google import genai
from google.genai import types
from google.genai.live import AsyncSession
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import broadcast
from websockets.protocol import State

from segue.backend.credentials import Credential
from segue.backend.losses import masked, to_loss
from segue.backend.messages import Oddity, audio_frame, decode, text_frame
from segue.core.actions import Setup
from segue.core.events import LinkEvent, LinkLost, LinkOpened, LossCause
from segue.core.options import Compression, Modality, Sensitivity, ServerDetection
from segue.core.profiles import TextSlot

_log = structlog.get_logger(__name__)

_CLOSE_TIMEOUT = 1.0
_CONNECTION = {
    # Speech does not compress, and trying costs more than all else that is done with a frame.
    "compression": None,
    # The service was seen to answer pings after as much as 30 s.
    "ping_interval": 30,
    "ping_timeout": 60,
    "open_timeout": 5,
    "close_timeout": _CLOSE_TIMEOUT,
    "max_size": 16 * 2**20,
    "max_queue": 64,
}

_START: dict[Sensitivity | None, types.StartSensitivity] = {
    Sensitivity.HIGH: types.StartSensitivity.START_SENSITIVITY_HIGH,
    Sensitivity.LOW: types.StartSensitivity.START_SENSITIVITY_LOW,
}
_END: dict[Sensitivity | None, types.EndSensitivity] = {
    Sensitivity.HIGH: types.EndSensitivity.END_SENSITIVITY_HIGH,
    Sensitivity.LOW: types.EndSensitivity.END_SENSITIVITY_LOW,
}

_Connect: TypeAlias = Callable[[], AbstractAsyncContextManager[AsyncSession]]


class GeminiBackend:
    """The Live API, with one credential.

    Attributes:
        odd_messages: how many messages of the service were not understood, by what was wrong with them.
    """

    def __init__(
        self,
        credential: Credential,
        *,
        setup_timeout: float = 10.0,
        ssl_context: ssl.SSLContext | None = None,
        max_unsent_bytes: int = 2**20,
    ) -> None:
        """Take a credential, which may still turn out not to be accepted.

        Args:
            credential: who to be for the Live API.
            setup_timeout: how long, in seconds, it may take from dialling until the setup is accepted.
            ssl_context: how to connect; None trusts the SDK's certificates, or those of SSL_CERT_FILE.
            max_unsent_bytes: a link that has more waiting to be sent is given up.
        """
        self.odd_messages: Counter[Oddity] = Counter()
        self._credential = credential
        self._setup_timeout = setup_timeout
        self._max_unsent_bytes = max_unsent_bytes
        self._links: set[_GeminiLink] = set()
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

    def dial(self, number: int, setup: Setup, report: Callable[[LinkEvent], None]) -> "_GeminiLink":
        """Start to open a link; see `Backend.dial`."""
        link = _GeminiLink(
            number,
            lambda: self._client.aio.live.connect(model=setup.model, config=connect_config(setup)),
            report,
            self._count,
            self._credential,
            setup_timeout=self._setup_timeout,
            max_unsent_bytes=self._max_unsent_bytes,
        )
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

    def _count(self, oddity: Oddity) -> None:
        self.odd_messages[oddity] += 1
        if self.odd_messages[oddity] == 1:
            _log.warning("odd_message", oddity=oddity.value, credential=self._credential.name)


class _GeminiLink:
    def __init__(
        self,
        number: int,
        connect: _Connect,
        report: Callable[[LinkEvent], None],
        odd: Callable[[Oddity], None],
        credential: Credential,
        *,
        setup_timeout: float,
        max_unsent_bytes: int,
    ) -> None:
        self.number = number
        self._connect = connect
        # None once the link is over, because it was lost or hung up.
        self._report: Callable[[LinkEvent], None] | None = report
        self._odd = odd
        self._credential = credential
        self._max_unsent_bytes = max_unsent_bytes
        # None unless frames can be sent.
        self._ws: ClientConnection | None = None
        self._loop = asyncio.get_running_loop()
        # The SDK waits for the answer to the setup as long as it takes.
        self._setup_timer = self._loop.call_later(setup_timeout, self._time_out, setup_timeout)
        self.task = self._loop.create_task(self._run(), name=f"link {number}")

    def send_audio(self, audio: bytes, sample_rate: int) -> None:
        if self._ws is not None:
            self._send(self._ws, audio_frame(audio, sample_rate))

    def send_text(self, text: str, slot: TextSlot) -> None:
        if self._ws is not None:
            self._send(self._ws, text_frame(text, slot))

    def hang_up(self) -> None:
        if self._report is None:
            return
        self._end()
        # Within a report it is this task that runs, and it sees by itself that the link is over.
        if asyncio.current_task() is not self.task:
            self.task.cancel()

    async def wait_closed(self) -> None:
        await asyncio.wait([self.task])

    def _send(self, ws: ClientConnection, frame: bytes) -> None:
        if ws.state is not State.OPEN:
            # The service has said goodbye, but nothing ends if it does not close the connection too.
            self._ws = None
            self._loop.call_later(_CLOSE_TIMEOUT, ws.transport.abort)
            return
        # Of what is public in websockets, this alone sends without a task; it does not raise.
        broadcast((ws,), frame, text=True)
        if ws.transport.get_write_buffer_size() > self._max_unsent_bytes:
            self._ws = None
            message = (
                f"The Live API takes no more: over {self._max_unsent_bytes} bytes are unsent. Try a new connection."
            )
            # Whoever sends is not prepared to be told something meanwhile.
            self._loop.call_soon(self._give_up, LossCause.TRANSIENT, message)

    async def _run(self) -> None:
        try:
            async with self._connect() as session:
                await self._converse(session)
                # websockets waits without limit until its farewell fits into the buffer of a peer that does not read.
                self._loop.call_later(_CLOSE_TIMEOUT, session._ws.transport.abort)
        except asyncio.CancelledError:
            if self._report is not None:
                raise
        except Exception as error:
            self._lose_by(error, opened=False)

    async def _converse(self, session: AsyncSession) -> None:
        """Receive until the link is over. Does not raise, so that the SDK closes the connection in good order."""
        if session.setup_complete is None:
            message = "The Live API answered the setup with something else. Check that a Live API is at this address."
            self._lose(LinkLost(self.number, LossCause.UNAVAILABLE, message))
            return
        self._setup_timer.cancel()
        try:
            self._ws = ws = session._ws
            self._tell(LinkOpened(self.number))
            while self._report is not None:
                frame = await ws.recv(decode=False)
                for event in decode(frame, self.number, self._odd):
                    self._tell(event)
        except asyncio.CancelledError:
            if self._report is not None:
                raise
            self.task.uncancel()
        except Exception as error:
            self._lose_by(error, opened=True)

    def _tell(self, event: LinkEvent) -> None:
        if self._report is not None:
            self._report(event)

    def _time_out(self, setup_timeout: float) -> None:
        message = (
            f"The Live API did not accept the setup within {setup_timeout:g} s. Check the network; try again later."
        )
        self._give_up(LossCause.UNAVAILABLE, message)

    def _give_up(self, cause: LossCause, message: str) -> None:
        if self._report is not None:
            self._lose(LinkLost(self.number, cause, message))
            self.task.cancel()

    def _lose_by(self, error: Exception, *, opened: bool) -> None:
        if self._report is None:
            return
        loss = to_loss(error, self.number, self._credential, opened=opened)
        if loss.cause is LossCause.INTERNAL:
            trace = masked("".join(traceback.format_exception(error)), self._credential)
            _log.error("link_failed", link=self.number, trace=trace)
        self._lose(loss)

    def _lose(self, loss: LinkLost) -> None:
        report = self._report
        if report is None:
            return
        self._end()
        report(loss)

    def _end(self) -> None:
        self._report = None
        self._ws = None
        self._setup_timer.cancel()


def connect_config(setup: Setup) -> types.LiveConnectConfig:
    """Return a setup in the SDK's terms. What is left to the service's defaults is left out."""
    return types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO if setup.modality is Modality.AUDIO else types.Modality.TEXT],
        speech_config=_speech_config(setup),
        system_instruction=setup.system_instruction or None,
        realtime_input_config=_realtime_input_config(setup.detection),
        context_window_compression=_compression_config(setup.compression),
        input_audio_transcription=types.AudioTranscriptionConfig(),
        output_audio_transcription=types.AudioTranscriptionConfig(),
    )


def _speech_config(setup: Setup) -> types.SpeechConfig | None:
    if not setup.voice and not setup.language:
        return None
    voice = types.VoiceConfig(prebuilt_voice_config=types.PrebuiltVoiceConfig(voice_name=setup.voice))
    return types.SpeechConfig(voice_config=voice if setup.voice else None, language_code=setup.language or None)


def _realtime_input_config(detection: ServerDetection) -> types.RealtimeInputConfig | None:
    if detection == ServerDetection():
        return None
    return types.RealtimeInputConfig(
        automatic_activity_detection=types.AutomaticActivityDetection(
            start_of_speech_sensitivity=_START.get(detection.start_sensitivity),
            end_of_speech_sensitivity=_END.get(detection.end_sensitivity),
            prefix_padding_ms=detection.prefix_padding_ms,
            silence_duration_ms=detection.silence_ms,
        )
    )


def _compression_config(compression: Compression | None) -> types.ContextWindowCompressionConfig | None:
    if compression is None:
        return None
    return types.ContextWindowCompressionConfig(
        trigger_tokens=compression.trigger_tokens,
        # It is the presence of this that turns compression on.
        sliding_window=types.SlidingWindow(target_tokens=compression.target_tokens),
    )
