"""How much audio may be on its way to a client that says what it received."""

from collections import deque
from dataclasses import dataclass
from math import inf


@dataclass(slots=True)
class _Run:
    """Audio outputs with numbers in a row, each of so many bytes."""

    first: int
    last: int
    size: int


class Window:
    """Bounds the audio after the last output that was acknowledged, from the first acknowledgement on.

    A client that acknowledged and stops is sent no more audio.

    Attributes:
        limit: in bytes; 0 for none.
    """

    def __init__(self, limit: int = 0) -> None:
        self.limit = limit
        self._acknowledged = False
        # The audio that was released and not acknowledged. Where that is more than the limit, since none was ever
        # acknowledged, no more of it is kept than fills the limit.
        self._unacked: deque[_Run] = deque()
        self._unacked_bytes = 0

    @property
    def room(self) -> float:
        """How many bytes of audio may be released; inf for any."""
        return self.limit - self._unacked_bytes if self.limit and self._acknowledged else inf

    def release(self, seq: int, size: int) -> None:
        """Note that so much audio was released with this number."""
        if not self.limit:
            return
        newest = self._unacked[-1] if self._unacked else None
        # A record for each output would take more memory than small frames of audio.
        if newest is not None and newest.last == seq - 1 and newest.size == size:
            newest.last = seq
        else:
            self._unacked.append(_Run(seq, seq, size))
        self._unacked_bytes += size
        while self._unacked_bytes - self._unacked[0].size >= self.limit:
            self.forget(self._unacked[0].first)

    def acknowledge(self, seq: int) -> None:
        """Note that the client has everything up to this number."""
        self._acknowledged = True
        self.forget(seq)

    def expect_none(self) -> None:
        """Take it that the client cannot acknowledge any more, unless it does."""
        self._acknowledged = False

    def forget(self, seq: int) -> None:
        """Count no more what was released up to this number."""
        while self._unacked and self._unacked[0].first <= seq:
            oldest = self._unacked[0]
            first = min(seq, oldest.last) + 1
            self._unacked_bytes -= (first - oldest.first) * oldest.size
            oldest.first = first
            if first > oldest.last:
                self._unacked.popleft()
