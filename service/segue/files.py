"""Files that are used again when they change: certificates, keys, tenants."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import structlog

_log = structlog.get_logger(__name__)

# How soon a change is noticed, in seconds.
_PERIOD = 2.0

Contents: TypeAlias = tuple[bytes, ...]


class UnusableError(Exception):
    """What is in a file cannot be used: the message says why, and holds nothing secret."""


@dataclass(slots=True)
class _Watched:
    """Files that belong together; `contents` is what they last held, and `fault` why what they hold is not used."""

    paths: tuple[Path, ...]
    adopt: Callable[[Contents], None]
    contents: Contents
    fault: str = ""

    def look(self) -> None:
        names = ", ".join(map(str, self.paths))
        try:
            contents = _read(self.paths)
            if contents == self.contents:
                self.fault = ""
                return
            self.adopt(contents)
        except UnusableError as error:
            if str(error) != self.fault:
                self.fault = str(error)
                _log.error("file_not_used", files=names, message=f"{error}; what was there before is still used")
            return
        self.contents, self.fault = contents, ""
        _log.info("file_used", files=names, message="the file has changed, and is used as it is now")


class FileWatcher:
    """Reads files, and again when they change: by their contents, since what is mounted is often a link to a link."""

    def __init__(self) -> None:
        self._watched: list[_Watched] = []

    def use(self, paths: tuple[Path, ...], adopt: Callable[[Contents], None]) -> None:
        """Have what is in these files used, now and whenever it changes.

        Args:
            paths: files that belong together, such as a certificate and its key.
            adopt: takes what is in them, in their order, or raises UnusableError and goes on with what there was. When
                they have changed, it is called from another thread.

        Raises:
            UnusableError: what is in them now cannot be used.
        """
        contents = _read(paths)
        adopt(contents)
        self._watched.append(_Watched(paths, adopt, contents))

    async def run(self) -> None:
        """Look after the files for as long as this runs."""
        while True:
            await asyncio.sleep(_PERIOD)
            await self.look()

    async def look(self) -> None:
        """Have the files used that have changed."""
        for watched in self._watched:
            # A disk may be slow and a file long, and sessions do not wait for them.
            await asyncio.to_thread(watched.look)


def _read(paths: tuple[Path, ...]) -> Contents:
    try:
        return tuple(path.read_bytes() for path in paths)
    except OSError as error:
        raise UnusableError(f"{error.filename} cannot be read: {error.strerror}") from None
