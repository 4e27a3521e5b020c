"""Whether a client listens to the session, and what of its output it may not have: kept, so that it can be sent again.

A client that lost its stream has a while to come back. For the first part of it what it was about to hear is held for
it; after that nobody waits for it any more, and what it misses counts as interrupted.
"""

from collections import deque
from itertools import islice
from math import inf
from typing import TypeAlias

from segue.core.outputs import Audio, Closed, CloseReason, Next, Output

# What a client that comes back so soon was about to hear plays on, in seconds.
HOLD = 10.0
# A client that acknowledged output and stops to is gone after so long, in seconds.
ACK_TIMEOUT = 10.0
# At most so much output is kept for a client that does not acknowledge it, in bytes. An output takes room itself.
LIMIT = 1_000_000
_OUTPUT_BYTES = 250

Numbered: TypeAlias = tuple[int, Output]


class Attachment:
    """One client's hold on its session. Times are in seconds.

    Args:
        window: how long a client may be gone; 0 ends the session with its stream.
    """

    def __init__(self, window: float) -> None:
        self._window = window
        self._kept: deque[Numbered] = deque()
        self._bytes = 0
        # The last output that is not kept, and the last that was ever sent.
        self._forgotten = self._last = 0
        # From this number on the outputs that are kept are still to be sent again; inf for none.
        self._again_from: float = inf
        self._detached_at = inf
        self._left = False
        # Since when a client that acknowledges owes an acknowledgement.
        self._acknowledges = False
        self._owed_since = inf

    @property
    def lasts(self) -> bool:
        """Return whether the session outlives its stream."""
        return self._window > 0

    @property
    def detached(self) -> bool:
        """Return whether no client listens."""
        return self._detached_at < inf

    @property
    def left(self) -> bool:
        """Return whether nobody waits for the client any more: what it misses is interrupted."""
        return self._left

    @property
    def resends(self) -> bool:
        """Return whether something is to be sent again."""
        return self._again_from < inf

    @property
    def held_bytes(self) -> int:
        """The size of what is kept."""
        return self._bytes

    def keep(self, seq: int, output: Output, now: float) -> None:
        """Take an output that is sent for the first time."""
        self._last = seq
        self._owed_since = min(self._owed_since, now)
        if not self.lasts:
            self._forgotten = seq
            return
        self._kept.append((seq, output))
        self._bytes += _size(output)
        while self._bytes > LIMIT:
            self._forget_oldest()

    def acknowledge(self, seq: int, now: float) -> None:
        """Take it that the client has everything up to this number."""
        self._acknowledges = True
        while self._kept and self._kept[0][0] <= seq:
            self._forget_oldest()
        self._owed_since = now if self._last > seq else inf

    def expect_none(self) -> None:
        """Take it that the client cannot acknowledge any more, unless it does."""
        self._acknowledges = False

    def detach(self, now: float) -> None:
        """Take it that the client's stream is gone."""
        self._detached_at, self._left = now, False
        self._again_from = inf

    def leave(self) -> None:
        """Take it that nobody waits for the client any more."""
        self._left = True

    def reattach(self, last_seq: int, now: float) -> bool:
        """Take it that the client listens again, and has everything up to this number.

        Returns whether output after that is not kept any more.
        """
        self._detached_at, self._left = inf, False
        lost = last_seq < self._forgotten
        self.acknowledge(last_seq, now)
        # Whether this client acknowledges what it gets from here on is to be seen.
        self._acknowledges = False
        self._again_from = self._kept[0][0] if self._kept else inf
        return lost

    def again(self, max_events: int, max_bytes: int) -> list[Numbered]:
        """Return what goes out again now, oldest first: at most so many outputs with so many bytes of audio."""
        taken: list[Numbered] = []
        start = next((index for index, (seq, _) in enumerate(self._kept) if seq >= self._again_from), len(self._kept))
        for seq, output in islice(self._kept, start, start + max_events):
            max_bytes -= len(output.audio) if isinstance(output, Audio) else 0
            if max_bytes < 0:
                break
            taken.append((seq, output))
            self._again_from = seq + 1
        if self._again_from > self._last:
            self._again_from = inf
        return taken

    def unheard(self, last_seq: int) -> int:
        """Return how many bytes of the audio that is kept follow this number."""
        audio = (output.audio for seq, output in self._kept if seq > last_seq and isinstance(output, Audio))
        return sum(map(len, audio))

    def fault_of(self, last_seq: int) -> Closed | None:
        """Return how a client's ResumeSession ends that cannot be, None where it can."""
        if last_seq <= self._last:
            return None
        message = f"last_seq is {last_seq}, and the last output had the number {self._last}: open another session"
        return Closed(CloseReason.RESUME_REJECTED, message, Next.OPEN_AGAIN)

    def over(self, now: float) -> Closed | None:
        """Return how the session ends whose client did not come back in time; None otherwise."""
        if now < self._detached_at + self._window:
            return None
        message = f"the client's stream was lost, and resume_window of {self._window:g} s is over"
        return Closed(CloseReason.DETACHED, message, Next.OPEN_AGAIN)

    def deadline(self) -> float:
        """Return when the client is to be taken for gone, when nobody waits for it, or when the session is over."""
        return min(self.silent_at(), self.leave_at(), self._detached_at + self._window)

    def leave_at(self) -> float:
        """Return when `leave` is due; inf for never."""
        return inf if self._left else self._detached_at + min(HOLD, self._window)

    def silent_at(self) -> float:
        """Return when a client that acknowledged is to be taken for gone; inf for never."""
        return self._owed_since + ACK_TIMEOUT if self.lasts and self._acknowledges and not self.detached else inf

    def _forget_oldest(self) -> None:
        seq, output = self._kept.popleft()
        self._bytes -= _size(output)
        self._forgotten = seq
        # What was to be sent again and is not kept any more cannot be.
        if self._again_from <= seq:
            self._again_from = seq + 1 if seq < self._last else inf


def gone() -> Closed:
    """Return how the channel of a client ends that is taken for gone."""
    message = f"output was acknowledged, and then none for {ACK_TIMEOUT:g} s: resume the session"
    return Closed(CloseReason.DETACHED, message, Next.RESUME)


def _size(output: Output) -> int:
    payload = getattr(output, "audio", b"") if isinstance(output, Audio) else getattr(output, "text", "")
    return _OUTPUT_BYTES + len(payload)
