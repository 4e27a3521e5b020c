"""HTTP for machines: metrics, liveness and readiness."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest


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

        self._server = ThreadingHTTPServer((host, port), Probe)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="probes", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and wait for the thread."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
