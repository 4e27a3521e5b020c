"""A proxy between a Live API client and the service, which records what passes and changes nothing of it.

Path, query, headers and messages go over as they are; closes with their codes and reasons, broken connections and HTTP
rejections are reflected both ways. Not passed on: compression, which is off on both sides; pings, which each side gets
answered by the proxy; and the boundaries of fragments within a message.
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from types import TracebackType

import trustme
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.frames import Close, CloseCode
from websockets.http11 import Request, Response
from websockets.protocol import State

from segue.record.recording import Closer, ConnectionRecorder, Recorder, Side

_HOST = "127.0.0.1"
_OPEN_TIMEOUT = 10.0
_CLOSE_TIMEOUT = 2.0
# How long what one side said last may take to reach the other, once the first is gone.
_LAST_FRAMES_TIMEOUT = 10.0
# Several minutes of audio in one message: more than any client sends, and a bound.
_MAX_MESSAGE_BYTES = 16 * 2**20
# What belongs to one connection (RFC 9110, 7.6.1, and RFC 6455, 4.1).
_NOT_FORWARDED = frozenset(
    {
        *("host", "connection", "upgrade", "keep-alive", "transfer-encoding", "te", "trailer", "content-length"),
        *("proxy-authorization", "sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions"),
        "sec-websocket-accept",
    }
)


class ProxyError(Exception):
    """The proxy cannot start; the message says why."""


class RecordingProxy:
    """Listens on this machine, from `async with` to its end, and connects each client to the service.

    Args:
        upstream: the service, such as wss://generativelanguage.googleapis.com; https and http stand for wss and ws.
        recorder: who writes down what passes.
        port: 0 takes a free one.
        plain: serve ws instead of wss.
        upstream_ssl: whom to trust as the service; None for the certificates of this machine.

    Attributes:
        port: the port it listens on.
        ca_pem: the certificate to trust, made anew each time; empty where `plain`.
    """

    def __init__(
        self,
        upstream: str,
        recorder: Recorder,
        port: int = 0,
        *,
        plain: bool = False,
        upstream_ssl: ssl.SSLContext | None = None,
    ) -> None:
        scheme, _, rest = upstream.rstrip("/").partition("://")
        scheme = {"https": "wss", "http": "ws"}.get(scheme, scheme)
        if scheme not in ("wss", "ws") or not rest:
            raise ProxyError(
                f"the upstream must be a URL such as wss://generativelanguage.googleapis.com: {upstream!r}"
            )
        self._upstream = f"{scheme}://{rest}"
        self._ssl = (upstream_ssl or ssl.create_default_context()) if scheme == "wss" else None
        self._recorder = recorder
        self._plain = plain
        self._dialled: dict[ServerConnection, tuple[ClientConnection, ConnectionRecorder]] = {}
        self._server: Server | None = None
        self.port = port
        self.ca_pem = b""

    @property
    def url(self) -> str:
        """The base URL for a client: https, or http where plain."""
        return f"{'http' if self._plain else 'https'}://{_HOST}:{self.port}"

    def client_ssl_context(self) -> ssl.SSLContext:
        """Return a context that trusts this proxy and nothing else."""
        return ssl.create_default_context(cadata=self.ca_pem.decode("ascii"))

    async def __aenter__(self) -> "RecordingProxy":
        try:
            self._server = await serve(
                self._converse,
                _HOST,
                self.port,
                ssl=None if self._plain else self._make_certificate(),
                process_response=self._dial,
                compression=None,
                max_size=_MAX_MESSAGE_BYTES,
                # The upstream's opening handshake lies within the client's.
                open_timeout=_OPEN_TIMEOUT + _CLOSE_TIMEOUT,
                close_timeout=_CLOSE_TIMEOUT,
                ping_interval=None,
            )
        except OSError as error:
            raise ProxyError(f"cannot listen on {_HOST}:{self.port}: {error.strerror}") from error
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    def _make_certificate(self) -> ssl.SSLContext:
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", _HOST).configure_cert(context)
        self.ca_pem = authority.cert_pem.bytes()
        return context

    async def _dial(self, connection: ServerConnection, request: Request, response: Response) -> Response | None:
        """Connect to the service before the client is answered, so that its refusal can be the answer."""
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            return None
        # In an absolute URL the client, not the user, would say where to connect.
        if not request.path.startswith("/"):
            return connection.respond(HTTPStatus.BAD_REQUEST, "Not a path.\n")
        headers = list(request.headers.raw_items())
        recorder = self._recorder.connection(request.path, headers)
        try:
            upstream = await _ConnectOnce(
                self._upstream + request.path,
                ssl=self._ssl,
                additional_headers=[(name, value) for name, value in headers if name.lower() not in _NOT_FORWARDED],
                user_agent_header=None,
                compression=None,
                max_size=_MAX_MESSAGE_BYTES,
                open_timeout=_OPEN_TIMEOUT,
                close_timeout=_CLOSE_TIMEOUT,
                ping_interval=None,
            )
        except InvalidStatus as refusal:
            refused = refusal.response
            recorder.rejected("server", refused.status_code, bytes(refused.body or b"").decode("utf-8", "replace"))
            return _reflected(refused)
        except (OSError, WebSocketException) as error:
            recorder.rejected("proxy", HTTPStatus.BAD_GATEWAY, "")
            return connection.respond(HTTPStatus.BAD_GATEWAY, f"The service cannot be reached: {error}\n")
        if connection.state is not State.CONNECTING or not connection.server.is_serving():
            recorder.closed("client", CloseCode.ABNORMAL_CLOSURE, "")
            await upstream.close(CloseCode.GOING_AWAY)
            return None
        self._dialled[connection] = upstream, recorder
        return None

    async def _converse(self, connection: ServerConnection) -> None:
        upstream, recorder = self._dialled.pop(connection)
        sides: tuple[tuple[Side, Connection], ...] = (("client", connection), ("server", upstream))
        relays = [
            asyncio.create_task(_relay(connection, upstream, recorder.client_frame, "client", recorder)),
            asyncio.create_task(_relay(upstream, connection, recorder.server_frame, "server", recorder)),
        ]
        ends = [asyncio.create_task(peer.wait_closed()) for _, peer in sides]
        try:
            await asyncio.wait([*ends, *relays], return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait(relays, timeout=_LAST_FRAMES_TIMEOUT, return_when=asyncio.FIRST_EXCEPTION)
            # A relay whose sink takes no more did not see its source go, and wrote nothing down.
            for (side, peer), end in zip(sides, ends, strict=True):
                if end.done():
                    recorder.closed(side, peer.close_code or CloseCode.ABNORMAL_CLOSURE, peer.close_reason or "")
        finally:
            for _, peer in sides:
                peer.transport.abort()
            for task in (*relays, *ends):
                task.cancel()
            outcomes = await asyncio.gather(*relays, *ends, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome


class _ConnectOnce(connect):
    """Connects without following redirects, which would take the key to another host."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def _relay(
    source: Connection,
    sink: Connection,
    write_down: Callable[[str | bytes], None],
    side: Side,
    recorder: ConnectionRecorder,
) -> None:
    """Pass on messages until either end is gone, then the close of the source; one message at a time is held."""
    while True:
        try:
            frame = await source.recv()
        except ConnectionClosed as closed:
            closer, close = _close_of(closed, side)
            recorder.closed(closer, close.code, close.reason)
            await _pass_on(close, sink)
            return
        write_down(frame)
        try:
            await sink.send(frame)
        except ConnectionClosed:
            # The other relay learns how the sink was closed and passes that on.
            return


def _close_of(closed: ConnectionClosed, side: Side) -> tuple[Closer, Close]:
    """Return who closed a connection to `side` and how."""
    if closed.rcvd and (closed.sent is None or closed.rcvd_then_sent):
        return side, closed.rcvd
    if closed.sent:
        return "proxy", closed.sent
    return side, Close(CloseCode.ABNORMAL_CLOSURE, "")


async def _pass_on(close: Close, sink: Connection) -> None:
    if close.code == CloseCode.ABNORMAL_CLOSURE:
        sink.transport.abort()
    elif close.code == CloseCode.NO_STATUS_RCVD:
        # `close` itself always sends a code.
        with suppress(ConnectionClosed):
            async with sink.send_context():
                sink.protocol.send_close()
    else:
        await sink.close(close.code, close.reason)


def _reflected(refused: Response) -> Response:
    body = bytes(refused.body or b"")
    headers = Headers(
        [(name, value) for name, value in refused.headers.raw_items() if name.lower() not in _NOT_FORWARDED]
    )
    headers["Connection"] = "close"
    headers["Content-Length"] = str(len(body))
    return Response(refused.status_code, refused.reason_phrase, headers, body)
