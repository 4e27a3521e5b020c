"""A history that is written to a file as it happens, one JSON object a line, and not kept."""

import json
from pathlib import Path
from types import TracebackType

from segue.simulator.history import History, Value, Witness


class RecorderError(Exception):
    """The file cannot be written; the message says why."""


class Recorder(History):
    """Appends every record to a file. Neither audio nor a secret is ever in one.

    Raises:
        RecorderError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        try:
            # Every line is flushed, so that the file can be followed.
            self._file = path.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise RecorderError(f"{path}: cannot be written: {error.strerror or error}") from error

    def add(self, at: float, by: Witness, session: str, kind: str, **fields: Value) -> None:
        """Write a record."""
        record = {"at": round(at, 6), "by": by, "session": session, "kind": kind, **fields}
        self._file.write(f"{json.dumps(record)}\n")

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()
