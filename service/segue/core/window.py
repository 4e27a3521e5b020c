"""How much audio may be on its way to a client that says what it received."""

from collections import deque
from math import inf


class Window:
    """Bounds the audio after the last output that was acknowledged, from the first acknowledgement on.

    A client that acknowledged and stops is sent no more audio.

    Attributes:
        limit: in bytes; 0 for none.
    """

    def __init__(self, limit: int = 0) -> None:
        self.limit = limit
        self._acknowledged = False
        # The audio that was released and not acknowledged, frame by frame: number and size. Where that is more than the
        # limit, since none was ever acknowledged, no more of it is kept than fills the limit.
        self._unacked: deque[tuple[int, int]] = deque()
        self._unacked_bytes = 0

    @property
    def room(self) -> float:
        """How many bytes of audio may be released; inf for any."""
        return self.limit - self._unacked_bytes if self.limit and self._acknowledged else inf

    def release(self, seq: int, size: int) -> None:
        """Note that so much audio was released, up to this number."""
        if not self.limit:
            return
        self._unacked.append((seq, size))
        self._unacked_bytes += size
        while self._unacked_bytes - self._unacked[0][1] >= self.limit:
            self._unacked_bytes -= self._unacked.popleft()[1]

    def acknowledge(self, seq: int) -> None:
        """Note that the client has everything up to this number."""
        self._acknowledged = True
        self.forget(seq)

    def forget(self, seq: int) -> None:
        """Count no more what was released up to this number."""
        while self._unacked and self._unacked[0][0] <= seq:
            self._unacked_bytes -= self._unacked.popleft()[1]
