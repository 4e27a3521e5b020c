"""How loud a frame is, against the noise of the line."""

import numpy as np
import pytest

from segue.audio.level import Level, faint

RATE, FRAME = 16_000, 320


def noise(rms: float, frames: int, seed: int = 0) -> list[bytes]:
    samples = np.random.default_rng(seed).normal(0.0, rms, frames * FRAME).clip(-32768, 32767).astype("<i2")
    return [samples[start : start + FRAME].tobytes() for start in range(0, len(samples), FRAME)]


def voiced(level: Level, frames: list[bytes]) -> float:
    """Return which part of the frames is voiced."""
    return sum(level.voiced(frame) for frame in frames) / len(frames)


def test_silence_is_not_voiced() -> None:
    assert voiced(Level(), [bytes(2 * FRAME)] * 100) == 0.0


def test_comfort_noise_is_not_voiced() -> None:
    assert voiced(Level(), noise(2.0, 100)) == 0.0


def test_speech_on_a_silent_line_is_voiced_from_its_first_frame() -> None:
    level = Level()
    voiced(level, [bytes(2 * FRAME)] * 50)
    assert voiced(level, noise(2000.0, 50)) == 1.0


def test_speech_without_any_line_before_it_is_voiced() -> None:
    assert voiced(Level(), noise(2000.0, 50)) == 1.0


def test_a_steady_noise_becomes_the_floor_within_seconds() -> None:
    level = Level()
    voiced(level, noise(500.0, 500))
    assert voiced(level, noise(500.0, 50, seed=1)) == 0.0


def test_speech_that_stands_10_db_out_of_the_noise_is_voiced_and_less_is_not() -> None:
    for factor, expected in ((4.0, 1.0), (2.0, 0.0)):
        level = Level()
        voiced(level, noise(500.0, 500))
        assert voiced(level, noise(500.0 * factor, 20, seed=1)) == expected


def test_the_floor_falls_at_once() -> None:
    level = Level()
    voiced(level, noise(2000.0, 1500))
    voiced(level, noise(20.0, 1))
    assert voiced(level, noise(500.0, 10)) == 1.0


def test_long_speech_with_its_pauses_stays_voiced() -> None:
    level = Level()
    for _ in range(60):
        assert voiced(level, noise(3000.0, 40)) == 1.0
        assert voiced(level, noise(30.0, 10)) == 0.0


@pytest.mark.parametrize("audio", [b"", b"\x7f"])
def test_what_holds_no_sample_is_not_voiced(audio: bytes) -> None:
    assert not Level().voiced(audio)


def test_half_a_sample_is_ignored() -> None:
    (frame,) = noise(2000.0, 1)
    assert Level().voiced(frame + b"\x00")


def test_the_loudest_frame_does_not_overflow() -> None:
    assert Level().voiced(b"\x00\x80" * FRAME)


@pytest.mark.parametrize(("peak", "expected"), [(0, True), (32, True), (-32, True), (33, False), (-33, False)])
def test_what_peaks_below_60_db_under_full_scale_is_faint(peak: int, expected: bool) -> None:
    assert faint(bytes(4_000) + peak.to_bytes(2, "little", signed=True) + bytes(801)) is expected


@pytest.mark.parametrize("audio", [b"", b"\x00"])
def test_nothing_is_not_faint(audio: bytes) -> None:
    assert not faint(audio)
