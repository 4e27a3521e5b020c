"""Input that waits: for a link, or because the model takes audio no faster than some times real time."""

from collections import deque
from math import inf
from typing import TypeAlias

from segue.core.admission import Fault
from segue.core.journal import Edge, Payload, Piece
from segue.core.options import AudioFormat
from segue.core.outputs import Rejection

# Audio that waits, in seconds, and texts that do; the newest beyond it are refused.
WAITING_LIMIT = 30.0
WAITING_TEXTS = 8
# Audio leaves in messages of this length, in seconds.
_MESSAGE = 0.1

# What waits, with the piece of the journal that it is; None for silence, which the journal forgets.
Queued: TypeAlias = tuple[Payload, Piece | None]
# A start so soon after an end may be lost, in seconds (measured of the Live API, 2026-09-10).
_ACTIVITY_GAP = 0.5


class Queue:
    """What waits, oldest first. Times are in seconds.

    Args:
        audio_format: of the audio; None where there is none.
        speed: how many times faster than real time audio leaves.
    """

    def __init__(self, audio_format: AudioFormat | None, speed: float) -> None:
        self._bytes_per_second = audio_format.bytes_per_second if audio_format else 0
        self._speed = speed
        self._queue: deque[Queued] = deque()
        self._texts = 0
        self._free_at = -inf
        self._start_after = -inf
        # The size of the audio that waits.
        self.held_bytes = 0

    def __bool__(self) -> bool:
        return bool(self._queue)

    @property
    def seconds(self) -> float:
        """How long what waits will take to leave."""
        return self.held_bytes / self._bytes_per_second / self._speed if self.held_bytes else 0.0

    def fault_of(self, payload: bytes | str) -> Fault | None:
        """Return why no more of this can wait, and what to do; None when it can."""
        if isinstance(payload, str):
            if self._texts >= WAITING_TEXTS:
                return Rejection.INPUT_OVERFLOW, f"{WAITING_TEXTS} texts wait for the model: wait for its answers"
            return None
        if self.held_bytes + len(payload) > WAITING_LIMIT * self._bytes_per_second:
            waiting = f"over {WAITING_LIMIT:g} s of audio wait for the model: send audio at the pace of speech"
            return Rejection.INPUT_OVERFLOW, waiting
        return None

    def put(self, payload: Payload, piece: Piece | None) -> None:
        """Let a piece of input wait until it can leave."""
        if isinstance(payload, bytes):
            self.held_bytes += len(payload)
        elif isinstance(payload, str):
            self._texts += 1
        self._queue.append((payload, piece))

    def clear(self) -> None:
        """Forget what waits."""
        self._queue.clear()
        self.held_bytes = self._texts = 0
        self._start_after = -inf

    def deadline(self) -> float:
        """Return when `take` has something to give; inf for never."""
        if not self._queue:
            return inf
        return max(self._free_at, self._start_after) if self._queue[0][0] is Edge.START else self._free_at

    def take(self, now: float) -> list[Queued]:
        """Return what leaves now as one message: some audio, texts in a row, or an edge; nothing before its time."""
        taken: list[Queued] = []
        if now < self.deadline():
            return taken
        if isinstance(self._queue[0][0], Edge):
            taken.append(self._queue.popleft())
            if taken[0][0] is Edge.END:
                self._start_after = now + _ACTIVITY_GAP
            return taken
        while self._queue and isinstance(self._queue[0][0], str):
            taken.append(self._queue.popleft())
        if taken:
            self._texts -= len(taken)
            return taken
        size = 0
        while self._queue and isinstance(audio := self._queue[0][0], bytes):
            if taken and size + len(audio) > _MESSAGE * self._bytes_per_second:
                break
            taken.append(self._queue.popleft())
            size += len(audio)
        self.held_bytes -= size
        self._free_at = max(self._free_at, now) + size / self._bytes_per_second / self._speed
        return taken
