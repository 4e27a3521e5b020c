"""A straightforward gateway: grpc.aio on one side, google-genai on the other, a stream a session.

What a competent engineer would write in an afternoon, kept as the measure of what Segue saves.
`python -m tests.bench.baseline --port N --backend https://127.0.0.1:M --ca-file FILE [--sdk-defaults]`.
"""

import argparse
import asyncio
import logging
import ssl
from collections.abc import AsyncIterator

import grpc
import uvloop
from google import genai
from google.genai import errors, types
from google.genai.live import AsyncSession

from segue_client.segue.v1 import error_pb2, server_event_pb2, voice_session_service_pb2, voice_session_service_pb2_grpc

MODEL = "gemini-3.8-live"

Request = voice_session_service_pb2.ConverseRequest
Response = voice_session_service_pb2.ConverseResponse
Stream = grpc.aio.ServicerContext[Request, Response]


class Gateway(voice_session_service_pb2_grpc.VoiceSessionServiceServicer):
    """One session for each stream; what it cannot map it leaves out."""

    def __init__(self, client: genai.Client) -> None:
        self._client = client

    async def Converse(self, requests: AsyncIterator[Request], stream: Stream) -> None:  # noqa: N802
        """Carries one session."""
        opening = (await anext(requests)).events[0].open
        config = types.LiveConnectConfig(
            response_modalities=[types.Modality.AUDIO],
            system_instruction=opening.system_instruction or None,
            input_audio_transcription=types.AudioTranscriptionConfig(),
            output_audio_transcription=types.AudioTranscriptionConfig(),
        )
        mime_type = f"audio/pcm;rate={opening.input_format.sample_rate_hertz}"
        async with self._client.aio.live.connect(model=opening.model or MODEL, config=config) as live:
            opened = server_event_pb2.SessionOpened(model=opening.model or MODEL)
            await stream.write(Response(events=[server_event_pb2.ServerEvent(opened=opened)]))
            downlink = asyncio.create_task(_relay_down(live, stream))
            try:
                async for request in requests:
                    for event in request.events:
                        if event.WhichOneof("input") == "audio":
                            await live.send_realtime_input(audio=types.Blob(data=event.audio, mime_type=mime_type))
                        elif event.WhichOneof("input") == "text":
                            await live.send_realtime_input(text=event.text.text)
            finally:
                downlink.cancel()


async def _relay_down(live: AsyncSession, stream: Stream) -> None:
    seq = 0
    try:
        while True:
            async for message in live.receive():
                events = _events(message)
                for event in events:
                    seq += 1
                    event.seq = seq
                if events:
                    await stream.write(Response(events=events))
    except errors.APIError as failure:
        error = error_pb2.Error(reason=error_pb2.Error.REASON_BACKEND_LOST, message=str(failure))
        closed = server_event_pb2.SessionClosed(error=error)
        await stream.write(Response(events=[server_event_pb2.ServerEvent(seq=seq + 1, closed=closed)]))


def _events(message: types.LiveServerMessage) -> list[server_event_pb2.ServerEvent]:
    """What the client is told of a message."""
    content = message.server_content
    if content is None:
        return []
    events = []
    if content.model_turn is not None:
        blobs = (part.inline_data for part in content.model_turn.parts or ())
        events += [server_event_pb2.ServerEvent(turn=1, audio=blob.data) for blob in blobs if blob is not None]
    for speaker, transcription in (
        (server_event_pb2.Transcript.SPEAKER_USER, content.input_transcription),
        (server_event_pb2.Transcript.SPEAKER_MODEL, content.output_transcription),
    ):
        if transcription is not None and transcription.text:
            transcript = server_event_pb2.Transcript(speaker=speaker, text=transcription.text)
            events.append(server_event_pb2.ServerEvent(turn=1, transcript=transcript))
    return events


async def serve(port: int, backend: str, ca_file: str, *, sdk_defaults: bool) -> None:
    """Serves until it is cancelled."""
    connection: dict[str, object] = {"ssl": ssl.create_default_context(cafile=ca_file)}
    if not sdk_defaults:
        connection |= {"compression": None, "proxy": None, "max_size": None, "ping_interval": None}
    client = genai.Client(
        api_key="unused", http_options=types.HttpOptions(base_url=backend, async_client_args=connection)
    )
    server = grpc.aio.server()
    add_servicer = voice_session_service_pb2_grpc.add_VoiceSessionServiceServicer_to_server
    add_servicer(Gateway(client), server)  # type: ignore[no-untyped-call]
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--backend", required=True)
    parser.add_argument("--ca-file", required=True)
    parser.add_argument("--sdk-defaults", action="store_true", help="asyncio's own loop, the SDK's own connection")
    args = parser.parse_args()
    logging.basicConfig()
    # uvloop.run and asyncio.run take the same arguments.
    run = asyncio.run if args.sdk_defaults else uvloop.run
    run(serve(args.port, args.backend, args.ca_file, sdk_defaults=args.sdk_defaults))


if __name__ == "__main__":
    main()
