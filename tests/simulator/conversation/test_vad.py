"""Where speech starts and ends, in tones and noise of known level."""

import numpy as np
import pytest
from numpy.typing import NDArray

from segue.simulator.conversation.vad import SpeechDetector, SpeechEnded, SpeechStarted
from segue.simulator.speech import SpeechLikeVoice, resample
from segue.simulator.wire.reader import Detection

RATE = 16000


def _tone(seconds: float, level: float = -15.0, rate: int = RATE) -> bytes:
    amplitude = 32768 * 10 ** (level / 20) * np.sqrt(2)
    time = np.arange(round(seconds * rate)) / rate
    samples: NDArray[np.float64] = amplitude * np.sin(2 * np.pi * 220 * time)
    return samples.astype("<i2").tobytes()


def _noise(seconds: float, level: float = -70.0) -> bytes:
    samples = np.random.default_rng(1).normal(0, 32768 * 10 ** (level / 20), round(seconds * RATE))
    return np.clip(samples, -32768, 32767).astype("<i2").tobytes()


def _detector(detection: Detection | None = None, sensitivity: str = "HIGH") -> SpeechDetector:
    return SpeechDetector(detection or Detection(), sensitivity)


def _offsets(found: list[SpeechStarted | SpeechEnded]) -> list[tuple[str, float]]:
    return [(type(event).__name__, round(event.offset, 1)) for event in found]


def test_speech_between_silences_is_found_where_it_is() -> None:
    found = _detector().hear(_noise(0.5) + _tone(1.0) + _noise(1.0), RATE)
    assert _offsets(found) == [("SpeechStarted", 0.5), ("SpeechEnded", 1.5)]


@pytest.mark.parametrize("size", [2, 7, 640, 1000])
def test_how_the_audio_is_cut_makes_no_difference(size: int) -> None:
    audio = _noise(0.5) + _tone(0.5) + _noise(1.0)
    detector = _detector()
    found = [event for at in range(0, len(audio), size) for event in detector.hear(audio[at : at + size], RATE)]
    assert found == _detector().hear(audio, RATE)


def test_pause_shorter_than_the_silence_duration_does_not_end_speech() -> None:
    found = _detector().hear(_tone(0.5) + _noise(0.7) + _tone(0.5) + _noise(1.0), RATE)
    assert _offsets(found) == [("SpeechStarted", 0.0), ("SpeechEnded", 1.7)]


def test_silence_duration_is_honoured() -> None:
    detector = _detector(Detection(silence_duration=0.1))
    found = detector.hear(_tone(0.5) + _noise(0.3) + _tone(0.5) + _noise(0.3), RATE)
    assert len(found) == 4


def test_click_shorter_than_the_prefix_padding_is_no_speech() -> None:
    audio = _noise(0.5) + _tone(0.06) + _noise(0.5)
    assert not _detector().hear(audio, RATE)
    assert _detector(Detection(prefix_padding=0.04)).hear(audio, RATE)


def test_without_audio_no_silence_passes() -> None:
    detector = _detector()
    detector.hear(_tone(0.5), RATE)
    assert detector.speaking
    assert _offsets(detector.end()) == [("SpeechEnded", 0.5)]
    assert not detector.end()


def test_speech_is_found_above_noise() -> None:
    found = _detector().hear(_noise(4.0, -45) + _tone(1.0, -25) + _noise(2.0, -45), RATE)
    assert _offsets(found)[-2:] == [("SpeechStarted", 4.0), ("SpeechEnded", 5.0)]


def test_noise_that_starts_is_soon_taken_for_noise() -> None:
    detector = _detector()
    detector.hear(_noise(1.0) + _noise(5.0, -40), RATE)
    assert not detector.speaking


def test_low_sensitivity_overlooks_faint_speech() -> None:
    audio = _noise(1.0, -55) + _tone(1.0, -46.5) + _noise(1.0, -55)
    assert _detector(sensitivity="HIGH").hear(audio, RATE)
    assert not _detector(sensitivity="LOW").hear(audio, RATE)
    assert _detector(Detection(start_sensitivity="HIGH"), "LOW").hear(audio, RATE)


def test_rate_is_honoured() -> None:
    found = _detector().hear(_tone(1.0, rate=48000), 48000)
    assert _offsets(found) == [("SpeechStarted", 0.0)]


def test_digital_silence_is_silence() -> None:
    assert not _detector().hear(bytes(2 * RATE * 3), RATE)


def test_it_is_quiet_before_anybody_speaks_and_after() -> None:
    detector = _detector()
    quiet = []
    for audio in (b"", _noise(0.5), _tone(0.04), _tone(0.3), _noise(0.5), _noise(0.5)):
        detector.hear(audio, RATE)
        quiet.append(detector.quiet)
    assert quiet == [True, True, False, False, False, True]


def test_a_spoken_sentence_is_one_activity() -> None:
    sentence = resample(SpeechLikeVoice().speak("Please tell me a story about a lighthouse keeper."), 24000, RATE)
    found = _detector().hear(_noise(0.5) + sentence + _noise(1.0), RATE)
    assert [type(event) for event in found] == [SpeechStarted, SpeechEnded]


def test_zeros_never_end_speech_where_they_are_no_silence() -> None:
    loud = (8000 * np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE)).astype("<i2").tobytes()
    faint = b"\4\0\xfc\xff" * (RATE // 2)
    for zeros_are_silence, ends in ((True, 1), (False, 0)):
        detector = SpeechDetector(Detection(), "HIGH", zeros_are_silence=zeros_are_silence)
        detector.hear(loud, RATE)
        assert len(detector.hear(bytes(6 * RATE), RATE)) == ends
        assert len(detector.hear(faint, RATE)) == 1 - ends
