"""Who speaks on a line: what a cheap detector takes for speech, and what of the noise is not worth sending.

Audio is 16-bit little-endian mono at 16 kHz, in frames of any length, in the order in which they were spoken. Half a
sample at the end of a frame is ignored.
"""

from itertools import groupby
from math import inf, sqrt
from typing import NamedTuple

import numpy as np
import webrtcvad

from segue.audio.level import Level
from segue.core.options import Sensitivity

_RATE = 16_000
# What is judged at once. A border between speech and silence is known to so many seconds.
PIECE = 0.02
_PIECE_SAMPLES = int(_RATE * PIECE)
_PIECE_BYTES = 2 * _PIECE_SAMPLES
# By how many dB speech stands out of the floor, and how sure WebRTC's detector has to be, from 0 to 3. Below 2 it takes
# any steady noise for speech.
_DEMANDS = {Sensitivity.HIGH: (4.0, 2), None: (6.0, 2), Sensitivity.LOW: (10.0, 3)}
# As in Level: -46 dBFS, and a floor that rises by 6 dB in about 3 s.
_LEAST_RMS = 165.0
_FLOOR_RISE = 1.005
# 1 ms of exact zeros is no quiet line: audio was lost or muted, and tells nothing of the noise.
_LOST = bytes(32)


class Run(NamedTuple):
    """A stretch of audio that is all speech, or has none."""

    voiced: bool
    seconds: float


class Detector:
    """Tells where the speech is on one line, in a few microseconds a frame.

    The level decides first, and WebRTC's detector judges what is loud enough. It takes tones, coughs and a noise that
    begins suddenly for speech: that is for SpeechModel to deny, and then for `relearn` to end.
    """

    def __init__(self, sensitivity: Sensitivity | None = None) -> None:
        margin, self._aggressiveness = _DEMANDS[sensitivity]
        self._over_floor = 10 ** (margin / 20)
        self._rest = b""
        self.relearn()

    def relearn(self) -> None:
        """Take what comes next for the noise of the line, when what was taken for speech is none."""
        # Not Level's: that starts from a quiet line, and takes seconds to find the floor of a noisy one.
        self._floor = inf
        self._model = webrtcvad.Vad(self._aggressiveness)

    def runs(self, audio: bytes) -> list[Run]:
        """Return this frame's runs, voiced and unvoiced in turn.

        They cover whole pieces of 20 ms: what is left over is judged with the next frame.
        """
        audio = self._rest + audio[: len(audio) // 2 * 2]
        whole = len(audio) // _PIECE_BYTES * _PIECE_BYTES
        self._rest = audio[whole:]
        pieces = [self._voiced(audio[start : start + _PIECE_BYTES]) for start in range(0, whole, _PIECE_BYTES)]
        return [Run(voiced, PIECE * len(list(run))) for voiced, run in groupby(pieces)]

    def _voiced(self, piece: bytes) -> bool:
        samples = np.frombuffer(piece, dtype="<i2").astype(np.float32)
        rms = sqrt(np.dot(samples, samples) / _PIECE_SAMPLES)
        loud = rms > _LEAST_RMS and rms > self._floor * self._over_floor
        if not piece.startswith(_LOST) and not piece.endswith(_LOST):
            self._floor = max(1.0, min(rms, self._floor * _FLOOR_RISE))
        elif self._floor == inf:
            self._floor = 1.0
        return loud and bool(self._model.is_speech(piece, _RATE))


class NoiseGate:
    """Lets through what stands out of the noise of one line.

    Args:
        hang_over: for how long it stays open after the last that did, in seconds of audio.
        pre_roll: how much of what came before is let through when it opens, in seconds: a word's first sound is faint.

    Attributes:
        dropped: how many bytes it did not let through and will not any more.
    """

    def __init__(self, hang_over: float = 0.6, pre_roll: float = 0.25) -> None:
        self._level = Level()
        self._hang_over = 2 * int(hang_over * _RATE)
        self._pre_roll = 2 * int(pre_roll * _RATE)
        # How many bytes it still lets through, and the last of what it did not.
        self._open = 0
        self._held = b""
        self.dropped = 0

    def let_through(self, audio: bytes) -> bytes | None:
        """Return the frame, after the pre-roll when it opens the gate, or None while the gate is closed."""
        audio = audio[: len(audio) // 2 * 2]
        passes = self._open > 0
        for start in range(0, len(audio), _PIECE_BYTES):
            piece = audio[start : start + _PIECE_BYTES]
            self._open = max(0, self._open - len(piece))
            if self._level.voiced(piece):
                passes = True
                self._open = self._hang_over
        if passes:
            audio, self._held = self._held + audio, b""
            return audio
        held = self._held + audio
        excess = max(0, len(held) - self._pre_roll)
        self._held = held[excess:]
        self.dropped += excess
        return None
