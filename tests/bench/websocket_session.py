"""Sessions that speak the Live API themselves: with the relay over plain WebSockets, with the echo server over TLS."""

import asyncio
import ssl
import time
from base64 import b64encode
from typing import cast

from .chunk import INPUT_RATE_HZ, STAMP_BASE64, STAMP_BYTES, input_bytes, quiet_noise, read_stamp_base64, stamp_base64
from .frames import FrameReader, Opcode, frame_head
from .session import Meter, Session

_UPGRADE = (
    b"GET /ws/google.ai.generativelanguage.v1.GenerativeService.BidiGenerateContent HTTP/1.1\r\n"
    b"Host: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_SETUP = b'{"setup": {"model": "models/gemini-3.8-live", "generationConfig": {"responseModalities": ["AUDIO"]}}}'
_AUDIO_HEAD = b'{"realtimeInput": {"audio": {"mimeType": "audio/pcm;rate=%d", "data": "' % INPUT_RATE_HZ
_AUDIO_TAIL = b'"}}}'


class WebSocketSession(Session, asyncio.Protocol):
    """A connection with one session."""

    def __init__(self, number: int, meter: Meter, frame_ms: int) -> None:
        super().__init__(number, meter)
        self._reader = FrameReader()
        self._upgrade: bytes | None = b""
        self._closing = False
        self._transport: asyncio.Transport
        size = input_bytes(frame_ms)
        self._after_stamp = b64encode(bytes(STAMP_BYTES) + quiet_noise(size)[STAMP_BYTES:])[STAMP_BASE64:] + _AUDIO_TAIL
        payload_bytes = len(_AUDIO_HEAD) + STAMP_BASE64 + len(self._after_stamp)
        self._before_stamp = frame_head(Opcode.TEXT, payload_bytes, masked=True) + _AUDIO_HEAD

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's TLS transport is one without being a subclass.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(_UPGRADE)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._closing:
            self._fail(f"connection lost: {exc}")
        self._end()

    def data_received(self, data: bytes) -> None:
        now_ns = time.monotonic_ns()
        if self._upgrade is not None:
            response, end, data = (self._upgrade + data).partition(b"\r\n\r\n")
            if not end:
                self._upgrade = response
                return
            self._upgrade = None
            if not response.startswith(b"HTTP/1.1 101 "):
                self._fail(f"not upgraded: {response!r}")
            self._transport.write(frame_head(Opcode.TEXT, len(_SETUP), masked=True) + _SETUP)
        for opcode, payload in self._reader.feed(data):
            if opcode == Opcode.BINARY:
                self._receive_json(payload, now_ns)
            elif opcode == Opcode.CLOSE:
                self._transport.close()

    def close(self) -> None:
        self._closing = True
        self._transport.write(frame_head(Opcode.CLOSE, 2, masked=True) + (1000).to_bytes(2, "big"))

    def abort(self) -> None:
        self._closing = True
        self._transport.abort()

    def _receive_json(self, payload: bytes, now_ns: int) -> None:
        stamp = read_stamp_base64(payload)
        if stamp is not None:
            self._receive(stamp, now_ns)
        elif b'"setupComplete"' in payload:
            self._open()

    def _send_chunk(self, seq: int, now_ns: int) -> None:
        self._transport.write(self._before_stamp + stamp_base64(self.number, seq, now_ns) + self._after_stamp)


class WebSocketDialer:
    """Opens sessions with a connection each."""

    def __init__(self, port: int, frame_ms: int, *, trust: ssl.SSLContext | None) -> None:
        self._port = port
        self._frame_ms = frame_ms
        self._trust = trust

    async def dial(self, numbers: range, meter: Meter) -> list[Session]:
        """Opens the sessions with these numbers."""
        loop = asyncio.get_running_loop()
        sessions: list[Session] = []
        for number in numbers:
            _, session = await loop.create_connection(
                lambda number=number: WebSocketSession(number, meter, self._frame_ms),
                "127.0.0.1",
                self._port,
                ssl=self._trust,
            )
            sessions.append(session)
        await asyncio.gather(*(session.opened for session in sessions))
        return sessions
