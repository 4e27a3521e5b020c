"""Input that waits: for a link, or because the model takes audio no faster than some times real time."""

from collections import deque
from collections.abc import Iterator
from itertools import takewhile
from math import inf
from typing import TypeAlias

from segue.core.admission import Fault
from segue.core.journal import Edge, Payload, Piece
from segue.core.options import AudioFormat
from segue.core.outputs import Rejection

# Audio that waits, in seconds, and texts that do; the newest beyond it are refused.
WAITING_LIMIT = 30.0
WAITING_TEXTS = 32
# Audio leaves in messages of this length, in seconds.
_MESSAGE = 0.1
# Frames that the network held up for a moment leave as they come: the model may have audio so long before its time, in
# seconds.
_JITTER = 0.1

# What waits, with the piece of the journal that it is; None for silence, which the journal forgets.
Queued: TypeAlias = tuple[Payload, Piece | None]
# A start sooner than 0.5 s after an end may be lost (measured of the Live API, 2026-09-10), and when that has left the
# service may still be reading the audio before it; in seconds.
_ACTIVITY_GAP = 0.5 + 0.2


class Queue:
    """What waits, oldest first. Times are in seconds.

    Args:
        audio_format: of the audio; None where there is none.
        speed: how many times faster than real time audio leaves.
        bare_texts: an activity of texts alone leaves as one text, without its edges.
    """

    def __init__(self, audio_format: AudioFormat | None, speed: float, *, bare_texts: bool = False) -> None:
        self._bytes_per_second = audio_format.bytes_per_second if audio_format else 0
        self._speed = speed
        self._bare_texts = bare_texts
        self._queue: deque[Queued] = deque()
        self._texts = 0
        self._free_at = -inf
        # When what has left at once would have left at that speed.
        self._passed_until = -inf
        self._start_after = -inf
        # The size of the audio that waits.
        self.held_bytes = 0

    def __bool__(self) -> bool:
        return bool(self._queue)

    @property
    def seconds(self) -> float:
        """How long what waits will take to leave."""
        return self.held_bytes / self._bytes_per_second / self._speed if self.held_bytes else 0.0

    def seconds_of_words(self, silence: float) -> float:
        """Return how long what waits will take to leave up to the end of the last words in it.

        Speech ends with so much silence, as far as that waits as well.
        """
        seconds = words = 0.0
        for payload, piece in self._queue:
            if not isinstance(payload, bytes):
                words = max(words, seconds)
                continue
            seconds += len(payload) / self._bytes_per_second
            if piece is not None and piece.voiced:
                words = seconds + silence
        return min(words, seconds) / self._speed

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

    def passes(self, now: float) -> bool:
        """Return whether audio may leave at once, past the queue."""
        return not self._queue and now >= self._passed_until - _JITTER

    def note_passed(self, seconds: float, now: float) -> None:
        """Take it that so much audio has left at once."""
        self._passed_until = max(self._passed_until, now) + seconds / self._speed

    def put(self, payload: Payload, piece: Piece | None) -> None:
        """Let a piece of input wait until it can leave."""
        self._free_at = max(self._free_at, self._passed_until - _JITTER)
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
        # Who has finished waits for the answer.
        if self._queue[0][0] is Edge.END:
            return -inf
        if self._queue[0][0] is not Edge.START:
            return self._free_at
        if self._silent_start:
            return self._free_at if self._bare_length else inf
        return max(self._free_at, self._start_after)

    def take(self, now: float) -> list[Queued]:
        """Return what leaves now as one message: some audio, texts in a row, or an edge; nothing before its time.

        Texts may have the edges of their activity around them, which then do not leave themselves.
        """
        if now < self.deadline():
            return []
        first = self._queue[0][0]
        if first is Edge.END:
            self._start_after = now + _ACTIVITY_GAP
            return self._pop(1)
        if first is Edge.START:
            return self._pop(self._bare_length or 1)
        if texts := sum(1 for _ in takewhile(_is_text, self._queue)):
            return self._pop(texts)
        size = length = 0
        for payload, _ in self._queue:
            if not isinstance(payload, bytes) or (size and size + len(payload) > _MESSAGE * self._bytes_per_second):
                break
            size += len(payload)
            length += 1
        self._free_at = max(self._free_at, now) + size / self._bytes_per_second / self._speed
        return self._pop(length)

    @property
    def _silent_start(self) -> bool:
        """Whether the activity that begins the queue has no audio, or none yet."""
        return self._bare_texts and not any(isinstance(payload, bytes) for payload, _ in self._activity)

    @property
    def _bare_length(self) -> int:
        """The length of the activity of texts alone that begins the queue; 0 where none does, or it goes on."""
        activity = list(self._activity)
        return len(activity) if self._silent_start and activity[-1][0] is Edge.END else 0

    @property
    def _activity(self) -> Iterator[Queued]:
        """What begins the queue, up to and with the first end."""
        for queued in self._queue:
            yield queued
            if queued[0] is Edge.END:
                return

    def _pop(self, length: int) -> list[Queued]:
        taken = [self._queue.popleft() for _ in range(length)]
        self._texts -= sum(1 for _ in filter(_is_text, taken))
        self.held_bytes -= sum(len(payload) for payload, _ in taken if isinstance(payload, bytes))
        return taken


def _is_text(queued: Queued) -> bool:
    return isinstance(queued[0], str)
