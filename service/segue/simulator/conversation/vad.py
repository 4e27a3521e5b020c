"""Voice activity detection on the energy of the audio, with a threshold that follows the noise.

Time is counted in audio, not by a clock: without audio no silence passes, which is why a Live API client that stops
sending never gets an answer (python-genai issue 1328).
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from segue.simulator.wire.reader import Detection

_FRAME_SECONDS = 0.02
# The noise floor is the least level of the last seconds: speech pauses within them, noise does not.
_FLOOR_FRAMES = round(3.0 / _FRAME_SECONDS)
_FLOOR_AT_FIRST_DB = -60.0
# Whatever is louder than a loud line counts as speech however long it lasts.
_FLOOR_MOST_DB = -36.0
_LEVEL_LEAST_DB = -90.0
_SPEECH_LEAST_DB = -48.0
# Decibels above the floor: the service publishes none, these tell speech from a fan in tests with recorded speech.
_START_MARGIN_DB = {"HIGH": 9.0, "LOW": 15.0}
_END_MARGIN_DB = {"HIGH": 6.0, "LOW": 3.0}
# A dip within a word shorter than this does not start the count of speech anew.
_DIP_SECONDS = 0.06

DEFAULT_SILENCE_DURATION = 0.8
DEFAULT_PREFIX_PADDING = 0.1


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Speech began at `offset` seconds of the audio so far; it may lie a prefix padding back."""

    offset: float


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The last voiced frame ended at `offset` seconds of the audio so far."""

    offset: float


class SpeechDetector:
    """Finds where speech starts and ends in a stream of audio.

    Attributes:
        speaking: a start was found, and its end not yet.
        offset: seconds of audio heard so far.
        voiced: seconds of it that were voiced.
    """

    def __init__(self, detection: Detection, default_sensitivity: str, *, zeros_are_silence: bool = True) -> None:
        self._start_margin = _START_MARGIN_DB[detection.start_sensitivity or default_sensitivity]
        self._end_margin = _END_MARGIN_DB[detection.end_sensitivity or default_sensitivity]
        self._prefix_padding = _or(detection.prefix_padding, DEFAULT_PREFIX_PADDING)
        self._silence_duration = _or(detection.silence_duration, DEFAULT_SILENCE_DURATION)
        self._levels = deque([_FLOOR_AT_FIRST_DB], maxlen=_FLOOR_FRAMES)
        self._zeros_are_silence = zeros_are_silence
        self._rest = b""
        self._rest_rate = 0
        self._frames = 0
        self._run_started_at = 0.0
        self._last_voiced_at = float("-inf")
        self.speaking = False
        self.offset = 0.0
        self.voiced = 0.0

    @property
    def quiet(self) -> bool:
        """Whether nobody speaks, nor may just have begun to."""
        return not self.speaking and self.offset - self._last_voiced_at > _DIP_SECONDS

    def hear(self, pcm: bytes, rate: int) -> list[SpeechStarted | SpeechEnded]:
        """Take 16-bit little-endian mono PCM at `rate` samples a second; return what it brought, in order."""
        # What is left of a frame at another rate is not worth converting.
        pcm = (self._rest if rate == self._rest_rate else b"") + pcm
        frame_bytes = 2 * round(rate * _FRAME_SECONDS)
        whole = len(pcm) - len(pcm) % frame_bytes
        self._rest, self._rest_rate = pcm[whole:], rate
        found: list[SpeechStarted | SpeechEnded] = []
        for level in _levels(pcm[:whole], frame_bytes // 2):
            found += self._frame(level)
        return found

    def end(self) -> list[SpeechStarted | SpeechEnded]:
        """End the speech here, if any: the client says that its audio stream has ended."""
        if not self.speaking:
            return []
        self.speaking = False
        return [SpeechEnded(self._last_voiced_at)]

    def _frame(self, level: float) -> list[SpeechStarted | SpeechEnded]:
        began_at = self.offset
        self._frames += 1
        self.offset = self._frames * _FRAME_SECONDS
        self._levels.append(level)
        floor = min(min(self._levels), _FLOOR_MOST_DB)
        margin = self._end_margin if self.speaking else self._start_margin
        if level >= max(_SPEECH_LEAST_DB, floor + margin):
            self.voiced += _FRAME_SECONDS
            if began_at - self._last_voiced_at > _DIP_SECONDS:
                self._run_started_at = began_at
            self._last_voiced_at = self.offset
            # Half a frame of tolerance, for multiples of 0.02.
            if not self.speaking and self.offset - self._run_started_at >= self._prefix_padding - _FRAME_SECONDS / 2:
                self.speaking = True
                return [SpeechStarted(self._run_started_at)]
        elif level <= _LEVEL_LEAST_DB and not self._zeros_are_silence:
            # They count for nothing: the silence is as long as it was.
            self._last_voiced_at += _FRAME_SECONDS
        elif self.speaking and self.offset - self._last_voiced_at >= self._silence_duration - _FRAME_SECONDS / 2:
            return self.end()
        return []


def _levels(pcm: bytes, frame_samples: int) -> list[float]:
    """Return the level of each frame in dB, 0 being a square wave at full scale."""
    samples = np.frombuffer(pcm, dtype="<i2").reshape(-1, frame_samples).astype(np.float32) / 32768
    # Not np.mean, which takes five times as long over a single frame.
    power = np.maximum(np.einsum("ij,ij->i", samples, samples) / frame_samples, 1e-12)
    levels: list[float] = np.maximum(10 * np.log10(power), _LEVEL_LEAST_DB).tolist()
    return levels


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
