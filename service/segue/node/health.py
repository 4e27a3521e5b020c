"""HTTP for machines: metrics, liveness and readiness."""

import socket
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

# How soon `close` is noticed, in seconds.
_POLL_INTERVAL = 0.05


class _HTTPServer(ThreadingHTTPServer):
    def __init__(self, address: tuple[str, int], probe: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0][0]
        super().__init__(address, probe)

    def server_bind(self) -> None:
        # HTTPServer's own asks the name service for a name that nobody needs, which may take long.
        socketserver.TCPServer.server_bind(self)


class ProbeServer:
    """Serves /metrics, /healthz and /readyz from a thread of its own, so that a busy event loop is seen from outside.

    Args:
        host: where to listen.
        port: 0 takes a free one.
        registry: the metrics.
        ready: whether new streams are welcome; called from that thread.

    Raises:
        OSError: the address is taken or is not ours.
    """

    def __init__(self, host: str, port: int, registry: CollectorRegistry, ready: Callable[[], bool]) -> None:
        class Probe(BaseHTTPRequestHandler):
            # Who asks for nothing must not keep a thread.
            timeout = 10

            def do_GET(self) -> None:
                match self.path.partition("?")[0]:
                    case "/metrics":
                        self._answer(200, generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4)
                    case "/healthz":
                        self._answer(200, b"ok\n")
                    case "/readyz":
                        if ready():
                            self._answer(200, b"ok\n")
                        else:
                            self._answer(503, b"not serving\n")
                    case _:
                        self._answer(404, b"try /metrics, /healthz or /readyz\n")

            def _answer(self, code: int, body: bytes, content_type: str = "text/plain; charset=utf-8") -> None:
                self.send_response(code)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: Any) -> None:
                # Probes come every few seconds: they are no news.
                pass

        self._server = _HTTPServer((host, port), Probe)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_INTERVAL,), name="probes", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening and wait for the thread, which takes a moment."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
