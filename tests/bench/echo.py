"""An echoing Live API server with TLS: every chunk of audio up brings one of the same duration down.

It is made as cheap as it can be, so that what it serves is the bottleneck: the base64 of a chunk goes from the request
into a prepared response without being decoded. `python -m tests.bench.echo --port N --ca-file FILE`.
"""

import argparse
import asyncio
import re
import ssl
from base64 import b64decode, b64encode
from pathlib import Path
from typing import cast

import trustme
import uvloop

from .chunk import input_bytes, output_bytes, quiet_noise
from .frames import Frame, FrameReader, Opcode, accept_token, frame_head

_PATH = re.compile(
    rb"GET /+(?:[^ ]*/)?ws/(?:google\.ai\.generativelanguage\.[^./ ]+\.GenerativeService\.BidiGenerateContent"
    rb"|google\.cloud\.aiplatform\.[^./ ]+\.LlmBidiService/BidiGenerateContent)(?:\?[^ ]*)? HTTP/1\.1\r\n"
)
_KEY = re.compile(rb"\r\nsec-websocket-key:\s*(\S+)\r\n", re.IGNORECASE)
# The SDK writes the URL-safe alphabet, the real server the standard one.
_STANDARD_ALPHABET = bytes.maketrans(b"-_", b"+/")

# As the real server writes JSON: binary frames, indented by two, with a newline at the end.
_AUDIO_HEAD = b"""{
  "serverContent": {
    "modelTurn": {
      "parts": [
        {
          "inlineData": {
            "mimeType": "audio/pcm;rate=24000",
            "data": \""""
_AUDIO_TAIL = b"""\"
          }
        }
      ]
    }
  }
}
"""


def _binary(payload: bytes) -> bytes:
    return frame_head(Opcode.BINARY, len(payload)) + payload


_SETUP_COMPLETE = _binary(b'{\n  "setupComplete": {}\n}\n')
_TRANSCRIPTION = _binary(
    b'{\n  "serverContent": {\n    "outputTranscription": {\n      "text": " and so on"\n    }\n  }\n}\n'
)


class EchoFrames:
    """Makes the frames that answer the audio of chunks of one duration."""

    def __init__(self, frame_ms: int) -> None:
        self.chunks_per_second = 1000 // frame_ms
        self._input_bytes = input_bytes(frame_ms)
        self._input_base64 = -(-self._input_bytes // 3) * 4
        # What base64 writes in whole groups is kept as it is; noise fills it up to the duration at the higher rate.
        kept = self._input_bytes // 3 * 3
        self._kept_base64 = kept // 3 * 4
        self._tail = b64encode(quiet_noise(output_bytes(frame_ms))[kept:]) + _AUDIO_TAIL
        size = len(_AUDIO_HEAD) + self._kept_base64 + len(self._tail)
        self._head = frame_head(Opcode.BINARY, size) + _AUDIO_HEAD

    def answer(self, request: bytes) -> list[bytes]:
        """One frame for each chunk in a `realtimeInput` message with audio."""
        key = request.index(b'"data"')
        start = request.index(b'"', key + 6) + 1
        audio = request[start : request.index(b'"', start)].translate(_STANDARD_ALPHABET)
        if len(audio) == self._input_base64:
            return [self._head + audio[: self._kept_base64] + self._tail]
        return [self._head + b64encode(chunk)[: self._kept_base64] + self._tail for chunk in self._chunks(audio)]

    def _chunks(self, audio: bytes) -> list[bytes]:
        """The chunks that a gateway has joined."""
        pcm = b64decode(audio)
        return [pcm[at : at + self._input_bytes] for at in range(0, len(pcm), self._input_bytes)]


class EchoProtocol(asyncio.Protocol):
    """One Live API connection."""

    def __init__(self, frames: EchoFrames) -> None:
        self._frames = frames
        self._reader = FrameReader()
        self._upgrade: bytes | None = b""
        self._chunks = 0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's TLS transport is one without being a subclass.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._upgrade is not None:
            data = self._accept(self._upgrade + data)
        try:
            for frame in self._reader.feed(data):
                self._answer(frame)
        except ValueError as error:
            print(f"echo: refused {error}", flush=True)
            self._transport.abort()

    def _accept(self, received: bytes) -> bytes:
        """Answers the upgrade once it is whole; returns what came after it."""
        request, end, rest = received.partition(b"\r\n\r\n")
        if not end:
            self._upgrade = received
            return b""
        self._upgrade = None
        key = _KEY.search(request + b"\r\n")
        if not _PATH.match(request) or key is None:
            self._transport.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self._transport.close()
            return b""
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept_token(key[1]) + b"\r\n\r\n"
        )
        return rest

    def _answer(self, frame: Frame) -> None:
        opcode, payload = frame
        if opcode == Opcode.PING:
            self._transport.write(frame_head(Opcode.PONG, len(payload)) + payload)
        elif opcode == Opcode.CLOSE:
            self._transport.write(frame_head(Opcode.CLOSE, len(payload)) + payload)
            self._transport.close()
        elif b'"setup"' in payload[:16]:
            self._transport.write(_SETUP_COMPLETE)
        elif b'"audio"' in payload[:48]:
            for echo in self._frames.answer(payload):
                self._transport.write(echo)
                self._chunks += 1
                if self._chunks % self._frames.chunks_per_second == 0:
                    self._transport.write(_TRANSCRIPTION)


def _certificate(ca_file: Path) -> ssl.SSLContext:
    """A certificate for the loopback address, of an authority that is made for it and written to the file."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(ca_file))
    return context


async def serve(port: int, ca_file: Path, frame_ms: int) -> None:
    """Serves until it is cancelled."""
    frames = EchoFrames(frame_ms)
    server = await asyncio.get_running_loop().create_server(
        lambda: EchoProtocol(frames), "127.0.0.1", port, ssl=_certificate(ca_file), backlog=1024
    )
    async with server:
        await server.serve_forever()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ca-file", type=Path, required=True)
    parser.add_argument("--frame-ms", type=int, default=20)
    args = parser.parse_args()
    uvloop.run(serve(args.port, args.ca_file, args.frame_ms))


if __name__ == "__main__":
    main()
