"""A lean gRPC client for `Converse`: sessions that cost the load generator some 10 µs a chunk.

grpc.aio costs ten times that, so a generator on top of it would saturate before what it measures. This one knows of
HTTP/2 (RFC 9113) what a load needs: plain text with prior knowledge, prepared messages into which a stamp is spliced,
flow control towards the server, and receive windows that no run uses up. Of response headers it reads nothing; a stream
that ends unasked is a failure, and its cause is in the server's log.
"""

import asyncio
import struct
import time
from collections import deque
from enum import IntEnum
from typing import cast

from segue_client.segue.v1 import client_event_pb2, open_session_pb2, server_event_pb2, voice_session_service_pb2

from .chunk import INPUT_RATE_HZ, input_bytes, quiet_noise, read_stamps, stamp
from .session import Meter, Session

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_FRAME_HEAD_BYTES = 9
_MESSAGE_HEAD = struct.Struct(">BI")
_LARGEST_WINDOW = (1 << 31) - 1
_INITIAL_WINDOW = (1 << 16) - 1
_END_STREAM = 0x1
_ACK = 0x1
_END_HEADERS = 0x4
_SETTING_INITIAL_WINDOW_SIZE = 0x4
_MONITORED = frozenset(("closed", "input_rejected", "go_away"))


class FrameType(IntEnum):
    """The HTTP/2 frames that matter here."""

    DATA = 0x0
    HEADERS = 0x1
    RST_STREAM = 0x3
    SETTINGS = 0x4
    PING = 0x6
    GOAWAY = 0x7
    WINDOW_UPDATE = 0x8


def http2_frame(kind: FrameType, flags: int, stream: int, payload: bytes) -> bytes:
    """A whole frame."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def grpc_message(payload: bytes) -> bytes:
    """A gRPC message, uncompressed."""
    return _MESSAGE_HEAD.pack(0, len(payload)) + payload


def _literal(text: bytes) -> bytes:
    # HPACK: a string without Huffman coding, of less than 127 bytes.
    return bytes((len(text),)) + text


def request_headers(authority: bytes, path: bytes) -> bytes:
    """A header block that uses HPACK's static table and leaves the dynamic one alone."""
    post, http = b"\x83", b"\x86"
    authority_name, path_name, new_name = b"\x01", b"\x04", b"\x00"
    return (
        post
        + http
        + (path_name + _literal(path))
        + (authority_name + _literal(authority))
        + (new_name + _literal(b"content-type") + _literal(b"application/grpc"))
        + (new_name + _literal(b"te") + _literal(b"trailers"))
    )


def _request(event: client_event_pb2.ClientEvent) -> bytes:
    return grpc_message(voice_session_service_pb2.ConverseRequest(events=[event]).SerializeToString())


# The echo never ends its turn, so a session that is to finish it would not end.
_CLOSE = _request(client_event_pb2.ClientEvent(close=client_event_pb2.CloseSession(finish_turn=False)))


def open_request(frame_ms: int, *, paced: bool) -> bytes:
    """The message that opens a session, the same for every gRPC path."""
    linear16 = open_session_pb2.AudioFormat.ENCODING_LINEAR16
    opening = open_session_pb2.OpenSession(
        input_format=open_session_pb2.AudioFormat(encoding=linear16, sample_rate_hertz=INPUT_RATE_HZ),
        delivery=open_session_pb2.Delivery(unpaced=not paced),
    )
    opening.output_frame_duration.FromMilliseconds(frame_ms)
    return _request(client_event_pb2.ClientEvent(open=opening))


class GrpcSession(Session):
    """A stream with one session."""

    def __init__(self, number: int, meter: Meter, connection: "Http2Connection", stream: int, frame_ms: int) -> None:
        super().__init__(number, meter)
        self.stream = stream
        self.window = connection.initial_window
        self.unsent: deque[bytes] = deque()
        self._connection = connection
        self._partial = b""
        blank = stamp(number, 0, 0)
        event = client_event_pb2.ClientEvent(audio=blank + quiet_noise(input_bytes(frame_ms))[len(blank) :])
        self._before_stamp, _, self._after_stamp = _request(event).partition(blank)

    def close(self) -> None:
        self._connection.half_close(self)

    def abort(self) -> None:
        self._connection.abort()

    def _send_chunk(self, seq: int, now_ns: int) -> None:
        self._connection.send(self, self._before_stamp + stamp(self.number, seq, now_ns) + self._after_stamp)

    def receive(self, data: bytes, now_ns: int) -> None:
        """Bytes of the stream: gRPC messages, which may be cut anywhere."""
        if self._partial:
            data = self._partial + data
        at = 0
        while len(data) - at >= _MESSAGE_HEAD.size:
            _, size = _MESSAGE_HEAD.unpack_from(data, at)
            body = at + _MESSAGE_HEAD.size
            if body + size > len(data):
                break
            at = body + size
            self._receive_message(data[body:at], now_ns)
        self._partial = data[at:]

    def _receive_message(self, message: bytes, now_ns: int) -> None:
        stamps = read_stamps(message)
        for each in stamps:
            self._receive(each, now_ns)
        if stamps:
            return
        # Without audio it is rare enough to be read properly.
        response = voice_session_service_pb2.ConverseResponse.FromString(message)
        for event in response.events:
            self._receive_event(event)

    def _receive_event(self, event: server_event_pb2.ServerEvent) -> None:
        output = event.WhichOneof("output")
        if output == "opened":
            self._open()
        elif output in _MONITORED and not self._connection.closing:
            self._fail(f"{event}".strip().replace("\n", " "))

    def reset(self, why: str) -> None:
        """The stream is over."""
        if not self._connection.closing:
            self._fail(why)
        self._end()


class Http2Connection(asyncio.Protocol):
    """An HTTP/2 connection, the client's side of it."""

    def __init__(self, authority: str, path: str) -> None:
        self.initial_window = _INITIAL_WINDOW
        self.closing = False
        self.sessions: dict[int, GrpcSession] = {}
        self._headers = request_headers(authority.encode(), path.encode())
        self._window = _INITIAL_WINDOW
        self._partial = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's TLS transport is one without being a subclass.
        self._transport = cast(asyncio.Transport, transport)
        settings = struct.pack(">HI", _SETTING_INITIAL_WINDOW_SIZE, _LARGEST_WINDOW)
        more = struct.pack(">I", _LARGEST_WINDOW - _INITIAL_WINDOW)
        self._transport.write(
            _PREFACE
            + http2_frame(FrameType.SETTINGS, 0, 0, settings)
            + http2_frame(FrameType.WINDOW_UPDATE, 0, 0, more)
        )

    def open(self, number: int, meter: Meter, opening: bytes, frame_ms: int) -> GrpcSession:
        """Starts a stream with this message."""
        session = GrpcSession(number, meter, self, 2 * len(self.sessions) + 1, frame_ms)
        self.sessions[session.stream] = session
        self._transport.write(http2_frame(FrameType.HEADERS, _END_HEADERS, session.stream, self._headers))
        self.send(session, opening)
        return session

    def send(self, session: GrpcSession, message: bytes) -> None:
        """Sends a message now, or when the server's windows allow it."""
        session.unsent.append(message)
        self._flush(session)

    def half_close(self, session: GrpcSession) -> None:
        """Ends the session and the client's side of its stream; what is still unsent stays so."""
        self.closing = True
        session.unsent.clear()
        self._transport.write(http2_frame(FrameType.DATA, 0, session.stream, _CLOSE))
        self._transport.write(http2_frame(FrameType.DATA, _END_STREAM, session.stream, b""))

    def abort(self) -> None:
        """Drops the connection with all its streams."""
        self.closing = True
        self._transport.abort()

    def _flush(self, session: GrpcSession) -> None:
        unsent = session.unsent
        while unsent and len(unsent[0]) <= min(self._window, session.window):
            message = unsent.popleft()
            self._window -= len(message)
            session.window -= len(message)
            self._transport.write(http2_frame(FrameType.DATA, 0, session.stream, message))

    def connection_lost(self, exc: Exception | None) -> None:
        for session in self.sessions.values():
            if not session.ended.done():
                session.reset(f"connection lost: {exc}")

    def data_received(self, data: bytes) -> None:
        now_ns = time.monotonic_ns()
        if self._partial:
            data = self._partial + data
        at = 0
        while len(data) - at >= _FRAME_HEAD_BYTES:
            body = at + _FRAME_HEAD_BYTES
            end = body + int.from_bytes(data[at : at + 3], "big")
            if end > len(data):
                break
            kind, flags = data[at + 3], data[at + 4]
            stream = int.from_bytes(data[at + 5 : body], "big")
            if kind == FrameType.DATA:
                self.sessions[stream].receive(data[body:end], now_ns)
            else:
                self._control(kind, flags, stream, data[body:end])
            if stream and flags & _END_STREAM and kind in (FrameType.DATA, FrameType.HEADERS):
                self.sessions[stream].reset("the server ended the stream")
            at = end
        self._partial = data[at:]

    def _control(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == FrameType.SETTINGS and not flags & _ACK:
            for setting, value in struct.iter_unpack(">HI", payload):
                if setting == _SETTING_INITIAL_WINDOW_SIZE:
                    self._resize_windows(value)
            self._transport.write(http2_frame(FrameType.SETTINGS, _ACK, 0, b""))
        elif kind == FrameType.PING and not flags & _ACK:
            self._transport.write(http2_frame(FrameType.PING, _ACK, 0, payload))
        elif kind == FrameType.WINDOW_UPDATE:
            self._widen(stream, int.from_bytes(payload, "big"))
        elif kind == FrameType.RST_STREAM:
            self.sessions[stream].reset(f"the server reset the stream with code {int.from_bytes(payload, 'big')}")
        elif kind == FrameType.GOAWAY:
            for session in self.sessions.values():
                session.reset(f"the server sent GOAWAY: {payload[8:].decode(errors='replace')}")

    def _resize_windows(self, initial: int) -> None:
        growth = initial - self.initial_window
        self.initial_window = initial
        for session in self.sessions.values():
            session.window += growth
            self._flush(session)

    def _widen(self, stream: int, size: int) -> None:
        if stream:
            self.sessions[stream].window += size
            self._flush(self.sessions[stream])
            return
        self._window += size
        for session in self.sessions.values():
            self._flush(session)


class GrpcDialer:
    """Opens sessions with a stream each; those dialled together share a connection."""

    def __init__(self, port: int, frame_ms: int, *, paced: bool) -> None:
        self._port = port
        self._frame_ms = frame_ms
        self._opening = open_request(frame_ms, paced=paced)
        service = voice_session_service_pb2.DESCRIPTOR.services_by_name["VoiceSessionService"]
        self._path = f"/{service.full_name}/Converse"

    async def dial(self, numbers: range, meter: Meter) -> list[Session]:
        """Opens the sessions with these numbers."""
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Http2Connection(f"127.0.0.1:{self._port}", self._path), "127.0.0.1", self._port
        )
        sessions: list[Session] = [connection.open(each, meter, self._opening, self._frame_ms) for each in numbers]
        await asyncio.gather(*(session.opened for session in sessions))
        return sessions
