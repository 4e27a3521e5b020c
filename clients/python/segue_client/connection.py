"""Opening a session: the connection to a gateway, and what is asked of it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Literal

import grpc

from segue_client import wire
from segue_client.segue.v1 import voice_session_service_pb2_grpc
from segue_client.segue.v1.client_event_pb2 import ClientEvent
from segue_client.segue.v1.open_session_pb2 import (
    AudioFormat,
    FunctionDeclaration,
    NoiseGate,
    OpenSession,
    TurnDetection,
)
from segue_client.segue.v1.server_event_pb2 import ServerEvent
from segue_client.session import Session


@asynccontextmanager
async def connect(
    target: str | grpc.aio.Channel,
    *,
    model: str = "",
    voice: str = "",
    language: str = "",
    system_instruction: str = "",
    input_sample_rate_hertz: int = 16000,
    output_sample_rate_hertz: int = 24000,
    turn_detection: Literal["SERVER", "MANUAL", "GATEWAY"] = "SERVER",
    noise_gate: bool = False,
    tools: Sequence[FunctionDeclaration | str] = (),
    include_notices: bool = False,
    options: OpenSession | None = None,
    channel_credentials: grpc.ChannelCredentials | None = None,
    token: str | None = None,
    on_event: Callable[[ServerEvent], None] | None = None,
) -> AsyncIterator[Session]:
    """Hold a session with a gateway for as long as the context lasts.

    Leaving the context closes the session, the stream and the connection; an exception in the body cancels them.
    The user may speak at once: what is sent before the Opened event is not lost.

    Args:
        target: the gateway's address, as in "localhost:50051"; or a channel of yours, which stays open afterwards, so
            that several sessions can share one connection.
        model: the model's name as the Live API knows it; empty means the gateway's default.
        voice: the name of a prebuilt voice; empty means the model's default.
        language: a BCP-47 code, where the model takes one; empty lets the model choose.
        system_instruction: what the model is to be and do.
        input_sample_rate_hertz: samples a second of the user's 16-bit audio, 8000 to 48000.
        output_sample_rate_hertz: samples a second of the model's 16-bit audio.
        turn_detection: who decides that the user speaks: the model's service, you (`start_activity`,
            `end_activity`), or the gateway.
        noise_gate: gives the model only what stands out of the noise of the line, where its service decides.
        tools: what the model may call: functions of yours, each of which it asks for with a ToolCall event, and
            built-in tools by their Live API names, such as "googleSearch".
        include_notices: yields Notice events, too: what the gateway did behind the scenes.
        options: any other field of the contract's OpenSession. What it sets wins over the arguments above.
        channel_credentials: TLS, as `grpc.ssl_channel_credentials()` makes it; None means an unencrypted connection.
        token: sent as a bearer token with the stream. Without TLS, everybody on the way can read it.
        on_event: called with every message that the gateway sends in this session, as the contract has it, before
            the session yields it; for recording.

    Raises:
        UnavailableError: nobody answers at the address.
        ValueError: an argument cannot be.
    """
    opening = OpenSession(
        model=model,
        voice=voice,
        language=language,
        system_instruction=system_instruction,
        turn_detection=TurnDetection(
            mode=wire.enum_number(TurnDetection.Mode, turn_detection),  # type: ignore[arg-type]
            noise_gate=NoiseGate() if noise_gate else None,
        ),
        input_format=_linear16(input_sample_rate_hertz),
        output_format=_linear16(output_sample_rate_hertz),
        tools=wire.write_tools(tools) if tools else None,
        include_notices=include_notices,
    )
    if options is not None:
        if options.HasField("tools"):
            opening.ClearField("tools")
        opening.MergeFrom(options)
    async with _channel(target, channel_credentials) as channel:
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        stub = voice_session_service_pb2_grpc.VoiceSessionServiceStub(channel)  # type: ignore[no-untyped-call]
        session = Session(stub.Converse(metadata=metadata), on_event)
        try:
            await session.send(ClientEvent(open=opening))
            yield session
            await session._leave()
        finally:
            await session._release()


def _linear16(sample_rate_hertz: int) -> AudioFormat:
    return AudioFormat(encoding=AudioFormat.ENCODING_LINEAR16, sample_rate_hertz=sample_rate_hertz)


@asynccontextmanager
async def _channel(
    target: str | grpc.aio.Channel, credentials: grpc.ChannelCredentials | None
) -> AsyncIterator[grpc.aio.Channel]:
    """Yield the caller's channel, or one that lives as long as the context."""
    if isinstance(target, grpc.aio.Channel):
        if credentials is not None:
            raise ValueError("channel_credentials belong to a channel: give them where you make it")
        yield target
        return
    if credentials is None:
        async with grpc.aio.insecure_channel(target) as channel:
            yield channel
    else:
        async with grpc.aio.secure_channel(target, credentials) as channel:
            yield channel
