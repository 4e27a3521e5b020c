"""Where the user's audio comes from."""

from collections import deque
from typing import Protocol

import numpy as np

from segue.talk.wav import INPUT_SAMPLE_RATE_HERTZ, SAMPLE_BYTES, Utterance

FRAME_SECONDS = 0.02
FRAME_BYTES = int(FRAME_SECONDS * INPUT_SAMPLE_RATE_HERTZ) * SAMPLE_BYTES


class Voice(Protocol):
    """A source of the user's audio, in 16-bit mono samples at 16000 Hz."""

    def take(self) -> bytes:
        """Return what came since the last call, which was 20 ms ago; nothing where there is no sound at all."""
        ...


class Mute:
    """A user who types."""

    def take(self) -> bytes:
        """Return nothing."""
        return b""


class Reader:
    """A user who reads utterances into a microphone that is always on: between them it picks up a quiet room.

    The quiet matters: the model's voice activity detection works on audio, so a user who only stops sending never
    stops speaking.
    """

    def __init__(self) -> None:
        """Begin with a quiet room."""
        self._words = bytearray()
        self._room = _room_tone()

    def read(self, utterance: Utterance) -> None:
        """Read an utterance, after what is still to be read."""
        self._words += utterance.pcm

    @property
    def speaking(self) -> bool:
        """Whether an utterance is being read."""
        return bool(self._words)

    def take(self) -> bytes:
        """Return the next 20 ms."""
        words = bytes(self._words[:FRAME_BYTES])
        del self._words[:FRAME_BYTES]
        self._room.rotate(-1)
        return words + self._room[0][len(words) :]


def _room_tone() -> deque[bytes]:
    """Return a second of noise of two steps around zero, in frames: real microphones never give exact zeros."""
    samples = np.random.default_rng(0).integers(-2, 3, INPUT_SAMPLE_RATE_HERTZ).astype("<i2").tobytes()
    return deque(samples[at : at + FRAME_BYTES] for at in range(0, len(samples), FRAME_BYTES))
