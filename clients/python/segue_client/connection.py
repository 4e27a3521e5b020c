"""Connections to a gateway, and the sessions on them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Self, Unpack

import grpc

from segue_client.attachment import Attachment
from segue_client.carrier import Carrier
from segue_client.errors import SegueError
from segue_client.opening import Opening, write_opening
from segue_client.segue.v1 import voice_session_service_pb2_grpc
from segue_client.segue.v1.server_event_pb2 import ServerEvent
from segue_client.session import Session
from segue_client.stream import Call

# How long leaving a session waits for the gateway to confirm its end, in seconds.
_FAREWELL_TIMEOUT = 2.0
# A connection that died without a word is found out, and one that is lost tried again as soon as the sessions want it.
_CHANNEL_OPTIONS = (
    ("grpc.keepalive_time_ms", 15_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5_000),
)


class Connection:
    """A connection to a gateway that carries any number of sessions on one stream.

    Sessions of one connection share its fate, so a few connections serve a backend with many calls better than one,
    and a stream for each session (`connect`) isolates best. A session whose application does not take its events does
    no harm to the others.
    """

    def __init__(
        self,
        target: str | grpc.aio.Channel,
        *,
        channel_credentials: grpc.ChannelCredentials | None = None,
        token: str | None = None,
    ) -> None:
        """Connect to `target` once there is a session to carry. The arguments are those of `connect`."""
        if isinstance(target, grpc.aio.Channel):
            if channel_credentials is not None:
                raise ValueError("channel_credentials belong to a channel: give them where you make it")
            channel, self._own_channel = target, None
        else:
            channel = self._own_channel = _new_channel(target, channel_credentials)
        stub = voice_session_service_pb2_grpc.VoiceSessionServiceStub(channel)  # type: ignore[no-untyped-call]

        def new_call() -> Call:
            call: Call = stub.Converse(metadata=(("authorization", f"Bearer {token}"),) if token else ())
            return call

        self._carrier = Carrier(new_call)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._carrier.release()
        if self._own_channel is not None:
            await self._own_channel.close(None)

    @asynccontextmanager
    async def open(
        self, *, on_event: Callable[[ServerEvent], None] | None = None, **opening: Unpack[Opening]
    ) -> AsyncIterator[Session]:
        """Hold a session for as long as the context lasts. Arguments, and what is raised, are those of `connect`.

        Leaving the context closes the session, also after an exception in the body. Leaving the last one half-closes
        the stream.
        """
        asked = write_opening(**opening)
        attachment = Attachment(asked, on_event, self._carrier.move)
        session = Session(attachment)
        self._carrier.join(attachment)
        try:
            try:
                await attachment.open()
                yield session
            except BaseException:
                # Where it ends the session, cancelling the stream is enough.
                if attachment.reachable and (attachment.lasts or self._carrier.shared):
                    await self._say_farewell(session, attachment)
                raise
            await self._say_farewell(session, attachment)
        finally:
            await self._carrier.drop(attachment)

    async def _say_farewell(self, session: Session, attachment: Attachment) -> None:
        """End the session in good order, as far as the gateway plays along."""
        with suppress(SegueError, TimeoutError):
            async with asyncio.timeout(_FAREWELL_TIMEOUT):
                await session.close()
                await attachment.until(lambda: not attachment.live)
                if attachment.closed is not None:
                    await self._carrier.end(attachment)


@asynccontextmanager
async def connect(
    target: str | grpc.aio.Channel,
    *,
    channel_credentials: grpc.ChannelCredentials | None = None,
    token: str | None = None,
    on_event: Callable[[ServerEvent], None] | None = None,
    **opening: Unpack[Opening],
) -> AsyncIterator[Session]:
    """Hold a session with a gateway, on a connection of its own, for as long as the context lasts.

    Leaving the context closes the session, the stream and the connection, also after an exception in the body. The user
    may speak at once: what is sent before the Opened event is not lost.

    Args:
        target: the gateway's address, as in "localhost:50051"; or a channel of yours, which stays open afterwards, so
            that several sessions can share one connection.
        channel_credentials: TLS, as `grpc.ssl_channel_credentials()` makes it; None means an unencrypted connection.
        token: sent as a bearer token with the stream. Without TLS, everybody on the way can read it.
        on_event: called with every message that the gateway sends in this session, as the contract has it, before
            the session yields it; for recording. What a resumed session repeats is left out. The message that opens
            the session holds its resume token, a secret.
        model: the model's name as the Live API knows it; empty means the gateway's default.
        voice: the name of a prebuilt voice; empty means the model's default.
        language: a BCP-47 code, where the model takes one; empty lets the model choose.
        system_instruction: what the model is to be and do.
        input_sample_rate_hertz: samples a second of the user's 16-bit audio, 8000 to 48000; 16000 when left out.
        output_sample_rate_hertz: samples a second of the model's 16-bit audio; 24000 when left out.
        turn_detection: who decides that the user speaks: the model's service ("SERVER"), you ("MANUAL":
            `start_activity`, `end_activity`), or the gateway ("GATEWAY").
        noise_gate: gives the model only what stands out of the noise of the line, where its service decides.
        tools: what the model may call: functions of yours, each of which it asks for with a ToolCall event, and
            built-in tools by their Live API names, such as "googleSearch".
        include_notices: yields Notice events, too: what the gateway did behind the scenes.
        resume_window: for how many seconds the session outlives a broken connection; 120 when left out. With 0 it ends
            with its connection.
        options: any other field of the contract's OpenSession. What it sets wins over the arguments above.

    Raises:
        UnavailableError: nobody answers at the address.
        ValueError: an argument cannot be.
    """
    async with (
        Connection(target, channel_credentials=channel_credentials, token=token) as connection,
        connection.open(on_event=on_event, **opening) as session,
    ):
        yield session


def _new_channel(target: str, credentials: grpc.ChannelCredentials | None) -> grpc.aio.Channel:
    if credentials is None:
        return grpc.aio.insecure_channel(target, _CHANNEL_OPTIONS)
    return grpc.aio.secure_channel(target, credentials, _CHANNEL_OPTIONS)
