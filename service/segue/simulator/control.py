"""An HTTP endpoint for what goes wrong with connections that are open, on loopback only.

    GET  /connections    what is known of each that is open
    GET  /faults         every fault with its settings
    GET  /switches       every switch with its setting
    POST /faults         {"fault": "late_chunks", "chunks": 3, "connection": "connection-1"}
    POST /go_away        {"time_left": 50.0}
    POST /close          {"code": 1011, "reason": "Internal error encountered."}

Without `connection`, a fault strikes on all connections that are open. It strikes once, at once or at the time that
`second`, `turn` or `chunk` set.

    curl -d '{"fault": "tcp_reset"}' http://127.0.0.1:8766/faults
"""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from types import TracebackType
from typing import Any

from segue.simulator.families import family_of
from segue.simulator.faults import ALL_FAULTS
from segue.simulator.faults.plan import describe, fault_settings, read_fault
from segue.simulator.server import Simulator, SimulatorError
from segue.simulator.switches import Switches
from segue.simulator.values import SettingError

_HOST = "127.0.0.1"
_TIMEOUT = 5.0
_MAX_BODY_BYTES = 65536


class _RequestError(Exception):
    """A request cannot be done; the status and the message say why."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class Control:
    """The endpoint of one simulator, from `async with` to its end.

    Args:
        simulator: whose connections it acts on.
        port: 0 takes a free one.

    Raises:
        SimulatorError: the port cannot be listened on.
    """

    def __init__(self, simulator: Simulator, port: int = 0) -> None:
        self._simulator = simulator
        self._port = port
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{_HOST}:{self._port}"

    async def __aenter__(self) -> "Control":
        try:
            self._server = await asyncio.start_server(self._answer, _HOST, self._port, limit=_MAX_BODY_BYTES)
        except OSError as error:
            raise SimulatorError(f"cannot listen on {_HOST}:{self._port}: {error.strerror or error}") from error
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the one request of a connection."""
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(_TIMEOUT):
                try:
                    method, path, body = await _read_request(reader)
                    status, content = HTTPStatus.OK, self._respond(method, path, body)
                except _RequestError as error:
                    status, content = error.status, {"error": str(error)}
                except (SettingError, SimulatorError) as error:
                    status, content = HTTPStatus.BAD_REQUEST, {"error": str(error)}
                writer.write(_response(status, content))
                await writer.drain()
        writer.close()

    def _respond(self, method: str, path: str, body: bytes) -> object:
        match method, path:
            case "GET", "/connections":
                return [self._connection(name) for name in self._simulator.links]
            case "GET", "/faults":
                return [
                    {"fault": kind.name, "imitates": describe(kind), "settings": fault_settings(kind)}
                    for kind in ALL_FAULTS
                ]
            case "GET", "/switches":
                return [
                    {
                        "switch": name,
                        # JSON has no infinity.
                        "setting": str(getattr(self._simulator.switches, name)),
                        "what": what,
                        "source": source,
                    }
                    for name, _, what, source in Switches.describe()
                ]
            case "POST", "/faults":
                return self._inject(_table(body))
            case "POST", "/go_away":
                return self._inject({**_table(body), "fault": "go_away"})
            case "POST", "/close":
                return self._inject({**_table(body), "fault": "close"})
        raise _RequestError(HTTPStatus.NOT_FOUND, f"{method} {path} is unknown; see the first lines of control.py")

    def _inject(self, table: Mapping[str, object]) -> object:
        connection = table.get("connection", "")
        if not isinstance(connection, str):
            raise SettingError(f"connection must be a text, not {connection!r}")
        plan = read_fault({name: value for name, value in table.items() if name != "connection"})
        return {"fault": plan.kind.name, "connections": self._simulator.inject(plan, connection)}

    def _connection(self, name: str) -> dict[str, object]:
        link = self._simulator.links[name]
        now = self._simulator.clock()
        family = family_of(link.script.model)
        return {
            "connection": name,
            "flavour": link.flavour.name.lower(),
            "model": link.script.model,
            "family": family.name if family else "",
            "turn": link.script.outgoing.turn,
            "age": round(now - link.opened_at, 3),
            "silent_for": round(now - link.heard_at, 3),
        }


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, str, bytes]:
    """Return a request's method, its path without the query, and its body."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.LimitOverrunError:
        raise _RequestError(HTTPStatus.BAD_REQUEST, "the headers are too long") from None
    request, *lines = head.split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    parts = request.split(" ")
    length = headers.get("content-length", "0")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1.") or not (length.isascii() and length.isdigit()):
        raise _RequestError(HTTPStatus.BAD_REQUEST, "not HTTP/1.1 with a Content-Length")
    if "origin" in headers:
        raise _RequestError(HTTPStatus.FORBIDDEN, "not for web pages")
    if len(length) > 6 or int(length) > _MAX_BODY_BYTES:
        raise _RequestError(HTTPStatus.BAD_REQUEST, f"the body is over {_MAX_BODY_BYTES} bytes")
    return parts[0], parts[1].partition("?")[0], await reader.readexactly(int(length))


def _table(body: bytes) -> dict[str, Any]:
    try:
        table = json.loads(body or b"{}")
    except ValueError:
        raise _RequestError(HTTPStatus.BAD_REQUEST, "the body is no JSON") from None
    if not isinstance(table, dict):
        raise _RequestError(HTTPStatus.BAD_REQUEST, "the body is no JSON object")
    return table


def _response(status: HTTPStatus, content: object) -> bytes:
    body = (json.dumps(content, indent=2) + "\n").encode()
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
