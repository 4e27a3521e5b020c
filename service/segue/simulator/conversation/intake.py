"""What the client sent and the service has not read yet: it reads audio no faster than three times real time.

Messages are read in the order in which they came, so whatever follows a burst of audio waits until that is read.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from segue.simulator.wire.reader import Blob, ClientMessage, RealtimeInput

# How fast a burst of audio was seen to be read (public notes of one project).
_SPEED = 3.0
# Audio is read in pieces of this length at most.
_PIECE_SECONDS = 0.1
_DEFAULT_RATE = 16000
_SAMPLE_BYTES = 2


@dataclass(frozen=True, slots=True)
class Arrived:
    """A client message, or a piece of one.

    Attributes:
        index: counts the messages of the connection.
        begun: the message as it was sent, with its first piece.
        piece: what is to be taken now.
        seconds: how much audio that is.
        whole: nothing of the message is left.
    """

    index: int
    begun: ClientMessage | None
    piece: ClientMessage
    seconds: float = 0.0
    whole: bool = True


class Intake:
    """A queue of messages with the time at which each is read."""

    def __init__(self) -> None:
        self._arrived: deque[Arrived] = deque()
        self._free_at = float("-inf")
        self._unread = 0.0

    def put(self, index: int, message: ClientMessage) -> None:
        """Take a message that has just come."""
        for arrived in _arrived(index, message):
            self._arrived.append(arrived)
            self._unread += arrived.seconds

    def deadline(self) -> float:
        """Return when `take` has something to return; infinity for never."""
        return self._free_at if self._arrived else float("inf")

    def lag(self, now: float) -> float:
        """Return in how many seconds all will have been read."""
        return max(self._free_at - now, 0.0) + self._unread / _SPEED if self._arrived else 0.0

    def take(self, now: float) -> Arrived:
        """Return what is to be read now."""
        arrived = self._arrived.popleft()
        self._unread -= arrived.seconds
        self._free_at = max(self._free_at, now) + arrived.seconds / _SPEED
        return arrived


def _arrived(index: int, message: ClientMessage) -> Iterable[Arrived]:
    audio = message.audio if isinstance(message, RealtimeInput) else None
    if not isinstance(message, RealtimeInput) or audio is None or not is_pcm(audio):
        return [Arrived(index, message, message)]
    rate = sample_rate(audio.mime_type)
    size = round(rate * _PIECE_SECONDS) * _SAMPLE_BYTES
    if len(audio.content) <= size:
        return [Arrived(index, message, message, len(audio.content) / (rate * _SAMPLE_BYTES))]
    return _pieces(index, message, audio, size)


def _pieces(index: int, message: RealtimeInput, audio: Blob, size: int) -> Iterator[Arrived]:
    """Cut a long stretch of audio; what came with it stays at the end on which it takes effect."""
    last_at = (len(audio.content) - 1) // size * size
    for at in range(0, last_at + 1, size):
        content = audio.content[at : at + size]
        first, last = at == 0, at == last_at
        piece = replace(
            message,
            audio=Blob(content, audio.mime_type),
            video=message.video if first else None,
            text=message.text if last else None,
            activity_start=message.activity_start and first,
            activity_end=message.activity_end and last,
            audio_stream_end=message.audio_stream_end and last,
        )
        yield Arrived(index, message if first else None, piece, len(content) / size * _PIECE_SECONDS, last)


def is_pcm(audio: Blob) -> bool:
    """Return whether the service understands the audio."""
    return audio.mime_type.startswith("audio/pcm")


def sample_rate(mime_type: str) -> int:
    """Return the rate that `audio/pcm;rate=16000` declares; 16 kHz where it declares none that makes sense."""
    parameter = mime_type.replace(" ", "").partition("rate=")[2]
    rate = int(parameter) if parameter.isascii() and parameter.isdigit() and len(parameter) <= 6 else _DEFAULT_RATE
    return rate if 8000 <= rate <= 96000 else _DEFAULT_RATE
