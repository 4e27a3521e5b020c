"""What the ways of carrying a session have in common: a session says chunks and counts their echoes."""

import asyncio
import time
from typing import Protocol

from .chunk import Stamp


class Meter:
    """The round-trip times of the chunks that were sent in a window of time, over all sessions."""

    def __init__(self) -> None:
        self.sent_in_window = 0
        self.failures: list[str] = []
        self._latencies_ns: list[int] = []
        self._since_ns = 0
        self._until_ns = 0

    def open_window(self, seconds: float) -> None:
        """Forgets what was measured, and takes the chunks that are sent from now on for so long."""
        self._latencies_ns = []
        self.sent_in_window = 0
        self._since_ns = time.monotonic_ns()
        self._until_ns = self._since_ns + int(seconds * 1e9)

    def latencies_ns(self) -> list[int]:
        """Of the chunks of the window that came back."""
        return self._latencies_ns

    def sent(self, now_ns: int) -> None:
        """A chunk leaves."""
        if self._since_ns <= now_ns < self._until_ns:
            self.sent_in_window += 1

    def echoed(self, sent_ns: int, now_ns: int) -> None:
        """A chunk came back."""
        if self._since_ns <= sent_ns < self._until_ns:
            self._latencies_ns.append(now_ns - sent_ns)


class Session:
    """One session of the load. What carries it says how a chunk is sent."""

    def __init__(self, number: int, meter: Meter) -> None:
        self.number = number
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sent = 0
        self.echoed = 0
        self._meter = meter

    def send(self) -> None:
        """Sends the next chunk."""
        now_ns = time.monotonic_ns()
        self.sent += 1
        self._meter.sent(now_ns)
        self._send_chunk(self.sent, now_ns)

    def close(self) -> None:
        """Says that nothing more comes; `ended` is done when the other side has agreed."""
        raise NotImplementedError

    def abort(self) -> None:
        """Drops the connection."""
        raise NotImplementedError

    def _send_chunk(self, seq: int, now_ns: int) -> None:
        raise NotImplementedError

    def _receive(self, stamp: Stamp, now_ns: int) -> None:
        """An echo came. Every chunk is to come back once, in order, to its own session."""
        self.echoed += 1
        if stamp.session != self.number or stamp.seq != self.echoed:
            self._fail(f"chunk {stamp.seq} of session {stamp.session} instead of chunk {self.echoed}")
            self.echoed = stamp.seq
        self._meter.echoed(stamp.sent_ns, now_ns)

    def _open(self) -> None:
        if not self.opened.done():
            self.opened.set_result(None)

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
        self._open()

    def _fail(self, why: str) -> None:
        self._meter.failures.append(f"session {self.number}: {why}")


class Dialer(Protocol):
    """Opens sessions on one path."""

    async def dial(self, numbers: range, meter: Meter) -> list[Session]:
        """Opens the sessions with these numbers; they may share a connection."""
        ...
