"""The format of a recording: JSON, one object a line, what happened on the wire in the order in which it did.

The first line describes the recording; the others have the number of their `connection` and, under `at`, seconds since
the recording began:

    {"ev": "recording", "version": 1, "flavour": "developer", "model": "models/m", "date": "2026-11-20"}
    {"ev": "handshake", "connection": 1, "at": 0.0, "path": "/ws/…?key=key-1", "headers": [["Host", "…"], …]}
    {"ev": "client_frame", "connection": 1, "at": 0.1, "opcode": "text", "json": {"setup": {…}}}
    {"ev": "server_frame", "connection": 1, "at": 0.2, "opcode": "binary", "json": {"setupComplete": {}}}
    {"ev": "closed", "connection": 1, "at": 9.0, "by": "client", "code": 1000, "reason": ""}

`rejected`, with the `status` and `body` of an HTTP response, stands where there was no connection. A frame that is no
JSON has its length in `bytes` instead of `json`. `by` is who closed first, "client", "server" or "proxy"; code 1005 is
a close frame without a code, 1006 a connection that broke off without one. In place of media stand `{"bytes", "dbfs"}`,
the levels of every 20 ms, and in place of a text that is not to be kept, `{"characters"}`. See `redaction` for the
pseudonyms.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TextIO, TypeAlias

from segue.record.redaction import Redaction

VERSION = 1
CLIENT_RATE = 16000
SERVER_RATE = 24000

Side: TypeAlias = Literal["client", "server"]
Closer: TypeAlias = Literal["client", "server", "proxy"]


class RecordingError(Exception):
    """A recording cannot be read; the message names the line and what is wrong there."""


class Recorder:
    """Writes a recording, of any number of connections.

    Args:
        output: where to write; each line is flushed, so that a recording that is cut off is good to its last line.
        redaction: what to leave out.
        clock: seconds, monotonic.
    """

    def __init__(self, output: TextIO, redaction: Redaction, clock: Callable[[], float]) -> None:
        self._output = output
        self._redaction = redaction
        self._clock = clock
        self._began_at = clock()
        self._connections = 0
        # Handshakes, until a first message says which model the header has to name.
        self._early: list[dict[str, Any]] = []
        self._described = False

    def connection(self, path: str, headers: Iterable[tuple[str, str]]) -> "ConnectionRecorder":
        """Write down the handshake of a new connection and return who records the rest of it."""
        self._connections += 1
        connection = ConnectionRecorder(self, self._redaction, self._connections, path)
        shown_path, shown_headers = self._redaction.handshake(path, headers)
        connection.record("handshake", path=shown_path, headers=shown_headers)
        return connection

    def write(self, event: dict[str, Any]) -> None:
        """Write an event that holds no secrets."""
        event["at"] = round(self._clock() - self._began_at, 6)
        if self._described:
            self._write_line(event)
        else:
            self._early.append(event)

    def describe(self, path: str, model: str) -> None:
        """Write the header, unless it is written already, and what had to wait for it."""
        if self._described:
            return
        self._described = True
        flavour = "vertex" if "google.cloud.aiplatform" in path else "developer"
        date = datetime.now(UTC).date().isoformat()
        self._write_line({"ev": "recording", "version": VERSION, "flavour": flavour, "model": model, "date": date})
        for event in self._early:
            self._write_line(event)
        self._early.clear()

    def _write_line(self, event: dict[str, Any]) -> None:
        self._output.write(f"{json.dumps(event)}\n")
        self._output.flush()


class ConnectionRecorder:
    """Writes down one connection."""

    def __init__(self, recorder: Recorder, redaction: Redaction, number: int, path: str) -> None:
        self._recorder = recorder
        self._redaction = redaction
        self._number = number
        self._path = path
        self._closed = False

    def record(self, kind: str, **fields: Any) -> None:
        """Write an event whose fields hold no secrets."""
        self._recorder.write({"ev": kind, "connection": self._number, "at": 0.0, **fields})

    def client_frame(self, frame: str | bytes) -> None:
        """Write down a message of the client."""
        message = self._readable(frame, CLIENT_RATE)
        setup = message["json"].get("setup") if isinstance(message.get("json"), dict) else None
        model = setup.get("model", "") if isinstance(setup, dict) else ""
        self._recorder.describe(self._path, model if isinstance(model, str) else "")
        self.record("client_frame", **message)

    def server_frame(self, frame: str | bytes) -> None:
        """Write down a message of the server."""
        self._recorder.describe(self._path, "")
        self.record("server_frame", **self._readable(frame, SERVER_RATE))

    def closed(self, by: Closer, code: int, reason: str) -> None:
        """Write down the end; only the first one counts."""
        self._recorder.describe(self._path, "")
        if not self._closed:
            self._closed = True
            self.record("closed", by=by, code=code, reason=self._redaction.reason(reason))

    def rejected(self, by: Closer, status: int, body: str) -> None:
        """Write down that an HTTP response came instead of a connection; the proxy's when it reached no server."""
        self._recorder.describe(self._path, "")
        self.record("rejected", by=by, status=status, body=self._redaction.text(body))

    def _readable(self, frame: str | bytes, rate: int) -> dict[str, Any]:
        opcode = "text" if isinstance(frame, str) else "binary"
        try:
            message = self._redaction.message(json.loads(frame), rate)
            # What cannot be written must not come to light only then.
            json.dumps(message)
        except (ValueError, RecursionError):
            size = len(frame.encode("utf-8", "replace") if isinstance(frame, str) else frame)
            return {"opcode": opcode, "bytes": size}
        return {"opcode": opcode, "json": message}


@dataclass(frozen=True, slots=True)
class Frame:
    """A message. `message` is None where it was no JSON of `size` bytes; `at` is in seconds of the recording."""

    at: float
    by: Side
    opcode: str
    message: Any = None
    size: int = 0


@dataclass(frozen=True, slots=True)
class Closed:
    """The end of a connection."""

    at: float
    by: str
    code: int
    reason: str


@dataclass(slots=True)
class Connection:
    """One connection. `rejected` is the status of the HTTP response that came instead, 0 for none."""

    number: int
    at: float
    path: str
    headers: tuple[tuple[str, str], ...]
    frames: list[Frame] = field(default_factory=list)
    closed: Closed | None = None
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that was read."""

    flavour: str
    model: str
    date: str
    connections: tuple[Connection, ...]


def load_recording(path: Path) -> Recording:
    """Read a recording.

    Raises:
        RecordingError: it cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"{path}: cannot be read: {error}") from error
    header: dict[str, Any] = {}
    connections: dict[int, Connection] = {}
    for number, line in enumerate(lines, 1):
        try:
            event = json.loads(line)
            if number == 1:
                header = _header(event)
            else:
                _take(event, connections)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise RecordingError(f"{path}: line {number}: {_what_is_wrong(error)}") from error
    if not header:
        raise RecordingError(f"{path}: is empty")
    return Recording(header["flavour"], header["model"], header["date"], tuple(connections.values()))


def _header(event: dict[str, Any]) -> dict[str, Any]:
    if event["ev"] != "recording":
        raise ValueError("no recording: its first line must describe it")
    if event["version"] != VERSION:
        raise ValueError(f"of version {event['version']!r}, and only version {VERSION} is known")
    return {name: str(event[name]) for name in ("flavour", "model", "date")}


def _take(event: dict[str, Any], connections: dict[int, Connection]) -> None:
    number, at = int(event["connection"]), float(event["at"])
    if event["ev"] == "handshake":
        headers = tuple((str(name), str(value)) for name, value in event["headers"])
        connections[number] = Connection(number, at, str(event["path"]), headers)
        return
    connection = connections[number]
    match event["ev"]:
        case "client_frame":
            connection.frames.append(_frame(event, at, "client"))
        case "server_frame":
            connection.frames.append(_frame(event, at, "server"))
        case "closed":
            connection.closed = Closed(at, str(event["by"]), int(event["code"]), str(event["reason"]))
        case "rejected":
            connection.rejected = int(event["status"])
        case other:
            raise ValueError(f"no event is called {other!r}")


def _frame(event: dict[str, Any], at: float, by: Side) -> Frame:
    if "json" in event:
        return Frame(at, by, str(event["opcode"]), event["json"])
    return Frame(at, by, str(event["opcode"]), None, int(event["bytes"]))


def _what_is_wrong(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
