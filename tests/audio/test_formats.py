"""Conversions between clients' formats and the model's."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from segue.audio.formats import Conversion, from_model, to_model
from segue.core.options import MODEL_GIVES, MODEL_TAKES, AudioFormat, Encoding

MULAW = AudioFormat(Encoding.MULAW, 8_000)
ALAW = AudioFormat(Encoding.ALAW, 8_000)
# The usual ones, and those that have no short pattern with the model's.
RATES = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 8_001, 37_123, 47_999]
# 3.4 kHz of a telephone's 4 kHz.
PASSED = 0.85

Samples = NDArray[np.int16]


def linear16(rate: int) -> AudioFormat:
    return AudioFormat(Encoding.LINEAR16, rate)


CONVERSIONS = [
    *((linear16(rate), MODEL_TAKES) for rate in RATES),
    *((MODEL_GIVES, linear16(rate)) for rate in RATES),
    (MULAW, MODEL_TAKES),
    (ALAW, MODEL_TAKES),
    (MODEL_GIVES, MULAW),
    (MODEL_GIVES, ALAW),
]
RESAMPLINGS = [
    (source.sample_rate, target.sample_rate)
    for source, target in CONVERSIONS
    if source.encoding is target.encoding and source != target
]

formats = pytest.mark.parametrize(
    ("source", "target"),
    CONVERSIONS,
    ids=lambda audio_format: f"{audio_format.encoding.name}-{audio_format.sample_rate}",
)
rates = pytest.mark.parametrize(("rate", "to_rate"), RESAMPLINGS)


def noise(source: AudioFormat, seconds: float) -> bytes:
    """Return noise that reaches full scale."""
    random = np.random.default_rng(1)
    count = round(source.sample_rate * seconds)
    if source.encoding is not Encoding.LINEAR16:
        return random.bytes(count)
    return random.normal(0.0, 12_000.0, count).clip(-32_768, 32_767).astype("<i2").tobytes()


def resampled(samples: Samples, rate: int, to_rate: int) -> Samples:
    conversion = Conversion(linear16(rate), linear16(to_rate))
    return np.frombuffer(conversion.take(samples.tobytes()) + conversion.finish(), "<i2")


def tone(frequency: float, rate: int, amplitude: float = 20_000.0) -> Samples:
    """Return half a second of a sine."""
    samples: Samples = (amplitude * np.sin(2 * np.pi * frequency / rate * np.arange(rate // 2))).round().astype("<i2")
    return samples


def tone_and_rest(samples: Samples, frequency: float, rate: int, amplitude: float = 20_000.0) -> tuple[float, float]:
    """Return how strong this sine is in the middle of the samples, and all the rest, in dB over the amplitude."""
    times = np.arange(len(samples))[rate // 20 : -rate // 20]
    angle = 2 * np.pi * frequency / rate * times
    waves = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    values = samples[times].astype(float)
    weights = np.linalg.lstsq(waves, values, rcond=None)[0]
    rest = np.sqrt(2 * np.mean((values - waves @ weights) ** 2))
    return (
        20 * float(np.log10(np.hypot(*weights) / amplitude + 1e-9)),
        20 * float(np.log10(rest / amplitude + 1e-9)),
    )


def test_a_sample_of_g711_is_a_byte() -> None:
    assert (MULAW.bytes_per_second, ALAW.bytes_per_second, linear16(8_000).bytes_per_second) == (8_000, 8_000, 16_000)


@pytest.mark.parametrize("conversion", [to_model(linear16(16_000)), from_model(linear16(24_000))])
def test_the_models_own_format_is_left_as_it_is(conversion: Conversion) -> None:
    audio = noise(MODEL_TAKES, 0.02)
    assert conversion.take(audio) is audio
    assert conversion.finish() == b""


def test_half_a_sample_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        to_model(linear16(8_000)).take(b"\x00" * 3)


@formats
def test_as_long_comes_out_as_goes_in(source: AudioFormat, target: AudioFormat) -> None:
    conversion = Conversion(source, target)
    for count in (0, 1, 2, 7, 100, source.sample_rate, 3 * source.sample_rate + 1):
        audio = bytes(count * source.sample_bytes)
        size = len(conversion.take(audio)) + len(conversion.finish())
        assert size % target.sample_bytes == 0
        assert 0 <= size / target.sample_bytes - count * target.sample_rate / source.sample_rate < 1


@formats
@settings(deadline=None)
@given(st.lists(st.one_of(st.integers(0, 3), st.integers(0, 2_000)), max_size=12))
def test_where_the_audio_is_cut_into_chunks_changes_nothing(
    source: AudioFormat, target: AudioFormat, sizes: list[int]
) -> None:
    audio = noise(source, 0.2)
    whole, pieces = Conversion(source, target), Conversion(source, target)
    cuts = [0, *(cut * source.sample_bytes for cut in np.cumsum(sizes, dtype=int).tolist()), len(audio)]
    converted = b"".join(pieces.take(audio[start:end]) for start, end in pairwise(cuts))
    assert converted + pieces.finish() == whole.take(audio) + whole.finish()


@formats
def test_single_samples_may_be_chunks(source: AudioFormat, target: AudioFormat) -> None:
    audio = noise(source, 0.02)
    whole, pieces = Conversion(source, target), Conversion(source, target)
    size = source.sample_bytes
    converted = b"".join(pieces.take(audio[start : start + size]) for start in range(0, len(audio), size))
    assert converted + pieces.finish() == whole.take(audio) + whole.finish()


@formats
def test_it_begins_anew_after_it_finished(source: AudioFormat, target: AudioFormat) -> None:
    audio = noise(source, 0.05)
    used, fresh = Conversion(source, target), Conversion(source, target)
    used.take(audio[: len(audio) // 2 // source.sample_bytes * source.sample_bytes])
    used.finish()
    assert used.finish() == b""
    assert used.take(audio) + used.finish() == fresh.take(audio) + fresh.finish()


@rates
def test_what_is_held_back_is_less_than_4_ms(rate: int, to_rate: int) -> None:
    conversion = Conversion(linear16(rate), linear16(to_rate))
    taken = came = 0
    for _ in range(100):
        taken += rate // 50
        came += len(conversion.take(bytes(rate // 50 * 2))) // 2
        assert 0.0 < taken / rate - came / to_rate < 0.004


@rates
def test_a_sound_keeps_its_place(rate: int, to_rate: int) -> None:
    impulse = np.zeros(rate // 5, np.int16)
    impulse[rate // 10] = 20_000
    loudest = int(np.abs(resampled(impulse, rate, to_rate)).argmax())
    assert abs(loudest / to_rate - rate // 10 / rate) <= 0.51 / to_rate


@formats
def test_silence_stays_silence(source: AudioFormat, target: AudioFormat) -> None:
    silence = {Encoding.LINEAR16: b"\x00\x00", Encoding.MULAW: b"\xff", Encoding.ALAW: b"\xd5"}
    conversion = Conversion(source, target)
    audio = conversion.take(silence[source.encoding] * 4_000) + conversion.finish()
    samples = np.frombuffer(audio, "<i2" if target.encoding is Encoding.LINEAR16 else "u1")
    # A-law has no zero: its least sample is 8.
    least = 8 if source.encoding is Encoding.ALAW else np.frombuffer(silence[target.encoding], samples.dtype)[0]
    assert set(samples[100:-100].tolist()) == {least}


@rates
@pytest.mark.parametrize("level", [1, -1, 1_000, 32_767, -32_768])
def test_a_constant_stays_what_it_is(rate: int, to_rate: int, level: int) -> None:
    samples = resampled(np.full(rate // 10, level, np.int16), rate, to_rate)
    assert set(samples[to_rate // 100 : -to_rate // 100].tolist()) == {level}


@rates
def test_an_overshoot_is_clipped(rate: int, to_rate: int) -> None:
    signs = np.sign(np.sin(2 * np.pi * 300 / rate * (np.arange(rate // 5) + 0.5)))
    half = resampled((signs * 16_000).astype("<i2"), rate, to_rate).astype(int)
    full = resampled((signs * 32_000).astype("<i2"), rate, to_rate).astype(int)
    assert np.abs(half).max() > 16_384
    assert np.abs(full - (2 * half).clip(-32_768, 32_767)).max() <= 2


@rates
def test_the_band_is_flat_and_clean(rate: int, to_rate: int) -> None:
    band = min(rate, to_rate) / 2
    for part in (0.01, 0.05, 0.1, 0.3, 0.5, 0.7, 0.8, PASSED):
        strength, rest = tone_and_rest(resampled(tone(part * band, rate), rate, to_rate), part * band, to_rate)
        assert abs(strength) < 0.1
        assert rest < -60.0


@pytest.mark.parametrize(("rate", "to_rate"), [(rate, to_rate) for rate, to_rate in RESAMPLINGS if rate > to_rate])
def test_what_the_lower_rate_cannot_hold_is_not_folded_into_it(rate: int, to_rate: int) -> None:
    for frequency in np.linspace(to_rate / 2 * 1.005, rate / 2, 12, endpoint=False):
        samples = resampled(tone(frequency, rate), rate, to_rate)[to_rate // 20 : -to_rate // 20].astype(float)
        assert np.sqrt(2 * np.mean(samples**2)) / 20_000 < 1e-3


@pytest.mark.parametrize("telephone", [MULAW, ALAW], ids=["mulaw", "alaw"])
@pytest.mark.parametrize("frequency", [300.0, 1_004.0, 3_400.0])
def test_a_telephone_adds_no_more_noise_than_its_8_bits(telephone: AudioFormat, frequency: float) -> None:
    ten_db_down = 10_362.0
    coder = from_model(telephone)
    coded = coder.take(tone(frequency, 24_000, ten_db_down).tobytes()) + coder.finish()
    decoder = to_model(telephone)
    samples = np.frombuffer(decoder.take(coded) + decoder.finish(), "<i2")
    strength, rest = tone_and_rest(samples, frequency, 16_000, ten_db_down)
    assert abs(strength) < 0.1
    assert strength - rest > 35.0
