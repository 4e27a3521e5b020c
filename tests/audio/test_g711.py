"""G.711 against the decision values in the standard's tables, and against `audioop` where Python still has it."""

import warnings
from bisect import bisect_left, bisect_right
from itertools import accumulate

import numpy as np
import pytest

from segue.audio import g711

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import audioop
except ImportError:
    audioop = None  # type: ignore[assignment, unused-ignore]

in_the_library = pytest.mark.skipif(audioop is None, reason="Python 3.13 has no audioop")

ALL_CODES = bytes(range(256))
ALL_SAMPLES = np.arange(-32_768, 32_768).astype(np.int16)

# The widths of the 128 intervals of one sign, on the scale of 16-bit samples (tables 1a and 2a).
ALAW_STEPS = [16] * 32 + [32 << segment for segment in range(6) for _ in range(16)]
MULAW_STEPS = [4] + [8] * 15 + [16 << segment for segment in range(7) for _ in range(16)]


def interval(sample: int, steps: list[int]) -> int:
    """Return the number of the sample's interval. One that lies on a decision value belongs to the greater interval."""
    decisions = list(accumulate(steps))[:-1]
    return bisect_right(decisions, sample) if sample >= 0 else bisect_left(decisions, -sample)


def middle(number: int, steps: list[int]) -> int:
    return sum(steps[:number]) + steps[number] // 2


def mulaw_code(sample: int) -> int:
    return (0xFF if sample >= 0 else 0x7F) - interval(sample, MULAW_STEPS)


def alaw_code(sample: int) -> int:
    return (interval(sample, ALAW_STEPS) | (0x80 if sample >= 0 else 0)) ^ 0x55


def mulaw_sample(code: int) -> int:
    number = ~code & 0x7F
    magnitude = middle(number, MULAW_STEPS) if number else 0
    return magnitude if code & 0x80 else -magnitude


def alaw_sample(code: int) -> int:
    magnitude = middle((code ^ 0x55) & 0x7F, ALAW_STEPS)
    return magnitude if code & 0x80 else -magnitude


def test_every_code_is_decoded_to_the_middle_of_its_interval() -> None:
    assert g711.of_mulaw(ALL_CODES).tolist() == [mulaw_sample(code) for code in ALL_CODES]
    assert g711.of_alaw(ALL_CODES).tolist() == [alaw_sample(code) for code in ALL_CODES]


def test_every_sample_is_encoded_to_its_interval() -> None:
    assert g711.mulaw(ALL_SAMPLES) == bytes(mulaw_code(int(sample)) for sample in ALL_SAMPLES)
    assert g711.alaw(ALL_SAMPLES) == bytes(alaw_code(int(sample)) for sample in ALL_SAMPLES)


def test_every_code_comes_back_but_the_negative_zero_of_mulaw() -> None:
    assert g711.mulaw(g711.of_mulaw(ALL_CODES)) == ALL_CODES.replace(b"\x7f", b"\xff")
    assert g711.alaw(g711.of_alaw(ALL_CODES)) == ALL_CODES


@in_the_library
def test_the_standard_library_decodes_the_same() -> None:
    assert g711.of_mulaw(ALL_CODES).tobytes() == audioop.ulaw2lin(ALL_CODES, 2)
    assert g711.of_alaw(ALL_CODES).tobytes() == audioop.alaw2lin(ALL_CODES, 2)


@in_the_library
def test_the_standard_library_encodes_the_same() -> None:
    assert g711.alaw(ALL_SAMPLES) == audioop.lin2alaw(ALL_SAMPLES.tobytes(), 2)
    positive = ALL_SAMPLES[ALL_SAMPLES >= 0]
    assert g711.mulaw(positive) == audioop.lin2ulaw(positive.tobytes(), 2)
    # It rounds negative samples away from zero to the 14 bits of µ-law: to it, -1 is no silence.
    negative = ALL_SAMPLES[ALL_SAMPLES < -4]
    assert g711.mulaw(negative) == audioop.lin2ulaw((negative + np.int16(4)).tobytes(), 2)


@pytest.mark.parametrize("sample", [0, 1, -1, -4])
def test_the_least_noise_is_silence_in_mulaw(sample: int) -> None:
    assert g711.of_mulaw(g711.mulaw(np.array([sample], np.int16))).tolist() == [0]
