"""The way from the client to the model: input is checked, kept while no link is up, and silence is fed as audio."""

from collections import deque
from functools import cache
from math import inf

from segue.core.options import Options
from segue.core.outputs import Rejection

MAX_AUDIO_BYTES = 64 * 1024
MAX_TEXT_BYTES = 64 * 1024
# Audio that waits for a link, in seconds, and texts that do; the newest beyond it are refused.
WAITING_LIMIT = 30.0
WAITING_TEXTS = 8
# A pause in the client's audio after which silence is fed, the size of a fed piece, and how much longer than the
# detector's silence the feeding lasts, in seconds.
FEED_AFTER = 0.2
FEED_PIECE = 0.1
FEED_MARGIN = 1.0
# The silence after which the Live API's detector takes speech to have ended, in seconds, where the client sets none.
DEFAULT_SILENCE = 0.8
# So much voiced audio in a row is speech and no click, in seconds.
VOICED_EVIDENCE = 0.150


@cache
def comfort_noise(sample_rate: int) -> bytes:
    """Return a piece of noise of a few LSB at this rate: detectors and models ignore runs of exact zeros."""
    state, samples = 1, bytearray()
    for _ in range(round(sample_rate * FEED_PIECE)):
        # The multiplier and increment are those of Numerical Recipes' generator.
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        samples += ((state >> 16) % 7 - 3).to_bytes(2, "little", signed=True)
    return bytes(samples)


class Uplink:
    """Input on its way, and what is known of the user's voice. Times are in seconds."""

    def __init__(self, options: Options) -> None:
        self.format = options.input_format
        silence_ms = options.detection.silence_ms
        self._feed_span = (DEFAULT_SILENCE if silence_ms is None else silence_ms / 1000) + FEED_MARGIN
        self._waiting: deque[bytes | str] = deque()
        self._waiting_bytes = 0
        self._waiting_texts = 0
        self._feed_at = inf
        self._feed_until = inf
        self._voiced = 0.0
        self.audio_seconds = 0.0

    @property
    def speaking(self) -> bool:
        """Return whether the user has been audible for long enough to be speaking."""
        return self._voiced >= VOICED_EVIDENCE

    @property
    def sample_rate(self) -> int:
        """In Hz. There must be an input format."""
        assert self.format is not None
        return self.format.sample_rate

    def fault_of_audio(self, audio: bytes) -> tuple[Rejection, str] | None:
        """Return why this audio cannot be used, and what to do; None when it can."""
        size = len(audio)
        if self.format is None:
            return (
                Rejection.NO_INPUT_FORMAT,
                "audio without a format: set OpenSession.input_format, e.g. ENCODING_LINEAR16 at 16000 Hz",
            )
        if not size:
            return Rejection.EMPTY, "an audio event without bytes: send at least one sample"
        if size > MAX_AUDIO_BYTES:
            return (
                Rejection.TOO_LARGE,
                f"an audio event of {size} bytes: send at most {MAX_AUDIO_BYTES}, better 20 to 100 ms of audio",
            )
        if size % self.format.sample_bytes:
            return (
                Rejection.ODD_BYTES,
                f"an audio event of {size} bytes: LINEAR16 has {self.format.sample_bytes} bytes a sample, "
                "so send an even number",
            )
        return None

    def fault_of_text(self, text: str) -> tuple[Rejection, str] | None:
        """Return why this text cannot be used, and what to do; None when it can."""
        size = len(text.encode())
        if not text.strip():
            return Rejection.EMPTY, "a text event without words: leave it out"
        if size > MAX_TEXT_BYTES:
            return Rejection.TOO_LARGE, f"a text of {size} bytes: send at most {MAX_TEXT_BYTES}"
        return None

    def listen(self, audio: bytes, voiced: bool, now: float) -> None:
        """Note audio that was taken: how long the user has been audible, and when silence must be fed."""
        assert self.format is not None
        seconds = len(audio) / self.format.bytes_per_second
        self.audio_seconds += seconds
        self._voiced = self._voiced + seconds if voiced else 0.0
        self._feed_at = now + FEED_AFTER
        self._feed_until = now + FEED_AFTER + self._feed_span

    def keep(self, piece: bytes | str) -> tuple[Rejection, str] | None:
        """Keep a piece of input until there is a link; return why not, and what to do, when there is too much."""
        if isinstance(piece, bytes):
            assert self.format is not None
            if (self._waiting_bytes + len(piece)) / self.format.bytes_per_second > WAITING_LIMIT:
                waiting = f"over {WAITING_LIMIT:g} s of audio wait for the model: send audio at the pace of speech"
                return Rejection.INPUT_OVERFLOW, waiting
            self._waiting_bytes += len(piece)
        else:
            if self._waiting_texts == WAITING_TEXTS:
                return Rejection.INPUT_OVERFLOW, f"{WAITING_TEXTS} texts wait for the model: wait for its answers"
            self._waiting_texts += 1
        self._waiting.append(piece)
        return None

    def release(self) -> list[bytes | str]:
        """Return what was kept, in order, and keep it no longer."""
        kept = list(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = self._waiting_texts = 0
        return kept

    def feed_deadline(self) -> float:
        """Return when `feed` has something to give; inf for never."""
        return self._feed_at if self._feed_at < self._feed_until else inf

    def feed(self, now: float) -> list[bytes]:
        """Return the silence that is due: the client's audio paused, and a detector hears silence only as audio."""
        pieces = []
        while self._feed_at <= now and self._feed_at < self._feed_until:
            assert self.format is not None
            self._voiced = 0.0
            self._feed_at += FEED_PIECE
            pieces.append(comfort_noise(self.format.sample_rate))
        return pieces
