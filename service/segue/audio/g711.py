"""G.711, the telephone's 8 bits a sample: µ-law and A-law, by table. Linear samples are 16 bits."""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

# Every 16-bit sample, in the order of its bits taken as an index.
_LINEAR = np.arange(65_536).astype(np.uint16).view(np.int16).astype(int)
# A negative sample is folded as its one's complement, as in the ITU-T's own code (G.191), so that -1 is as silent as 0.
_MAGNITUDE = np.where(_LINEAR < 0, ~_LINEAR, _LINEAR)
_CODES = np.arange(256)


def _mulaw_codes() -> NDArray[np.uint8]:
    biased = np.minimum((_MAGNITUDE >> 2) + 33, 0x1FFF)
    segment = np.frexp(biased)[1] - 6
    code = (_LINEAR < 0) << 7 | segment << 4 | biased >> (segment + 1) & 0xF
    return np.asarray(code ^ 0xFF, np.uint8)


def _alaw_codes() -> NDArray[np.uint8]:
    magnitude = _MAGNITUDE >> 4
    segment = np.maximum(np.frexp(magnitude)[1] - 4, 0)
    code = (_LINEAR >= 0) << 7 | segment << 4 | magnitude >> np.maximum(segment - 1, 0) & 0xF
    return np.asarray(code ^ 0x55, np.uint8)


def _mulaw_samples() -> Samples:
    code = _CODES ^ 0xFF
    magnitude = (((code & 0xF) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
    return np.asarray(np.where(code & 0x80, -magnitude, magnitude), np.int16)


def _alaw_samples() -> Samples:
    code = _CODES ^ 0x55
    segment = code >> 4 & 7
    magnitude = ((code & 0xF) << 4 | 8) + (segment > 0) * 0x100 << np.maximum(segment - 1, 0)
    return np.asarray(np.where(code & 0x80, magnitude, -magnitude), np.int16)


_TO_MULAW, _TO_ALAW = _mulaw_codes(), _alaw_codes()
_FROM_MULAW, _FROM_ALAW = _mulaw_samples(), _alaw_samples()


def mulaw(samples: Samples) -> bytes:
    return _TO_MULAW[samples.view(np.uint16)].tobytes()


def alaw(samples: Samples) -> bytes:
    return _TO_ALAW[samples.view(np.uint16)].tobytes()


def of_mulaw(audio: bytes) -> Samples:
    return _FROM_MULAW[np.frombuffer(audio, np.uint8)]


def of_alaw(audio: bytes) -> Samples:
    return _FROM_ALAW[np.frombuffer(audio, np.uint8)]
