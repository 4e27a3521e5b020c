"""What waits to be sent and acknowledged on a connection, and when it has waited for too long."""

import asyncio
import socket
import sys
from collections import deque
from contextlib import suppress

if sys.platform == "linux":
    import fcntl
    import termios

# A peer that acknowledges nothing for so long is gone; the kernel's own limit is a quarter of an hour.
_USER_TIMEOUT_MS = 10_000
# More than the headers of WebSocket and TLS add to a frame: a constant, and one part in so many.
_OVERHEAD = 64
_OVERHEAD_PART = 256
# How often it is looked, as a part of the limit.
_LOOKS = 4


class Backlog:
    """The backlog of one connection. It is stalled when something in it was sent over `limit` seconds ago.

    The transport's own buffer is the smaller part: what the kernel holds can be known on Linux alone.

    Attributes:
        limit: in seconds.
    """

    limit: float = 2.0

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        """Look after a transport from its first byte on."""
        self._transport = transport
        self._socket: socket.socket | None = transport.get_extra_info("socket")
        self._sent = 0
        # The time of a look and what had been sent by then; all but the first are younger than the limit.
        self._looks: deque[tuple[float, int]] = deque()
        self._look_at = 0.0
        if sys.platform == "linux" and self._socket is not None:
            with suppress(OSError):
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_MS)

    def add(self, size: int, now: float) -> bool:
        """Count a frame of so many bytes, which was just sent, and return whether the connection is stalled."""
        self._sent += size + size // _OVERHEAD_PART + _OVERHEAD
        if now < self._look_at:
            return False
        self._look_at = now + self.limit / _LOOKS
        looks = self._looks
        looks.append((now, self._sent))
        while len(looks) > 1 and looks[1][0] <= now - self.limit:
            looks.popleft()
        then, sent_by_then = looks[0]
        return then <= now - self.limit and self._waiting() > self._sent - sent_by_then

    def _waiting(self) -> int:
        """Return how many bytes have been sent and are not acknowledged."""
        return self._transport.get_write_buffer_size() + self._unacknowledged()

    def _unacknowledged(self) -> int:
        """Return how many bytes the kernel holds: what is not sent, or not acknowledged (SIOCOUTQ, tcp(7))."""
        if sys.platform != "linux" or self._socket is None:
            return 0
        try:
            held = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, bytes(4))
        except (OSError, ValueError):
            return 0
        return int.from_bytes(held, sys.byteorder)
