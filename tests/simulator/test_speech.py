"""The voices: as long as the text, audible, and always the same."""

import shutil

import numpy as np
import pytest
from numpy.typing import NDArray

from segue.simulator import speech
from segue.simulator.speech import SAMPLE_RATE, RecordedVoice, SpeechLikeVoice, Voice, prepare_voice, resample

SENTENCE = "Her name was Marta, and she kept the lighthouse for forty years."


def _samples(pcm: bytes) -> NDArray[np.float64]:
    return np.frombuffer(pcm, dtype="<i2").astype(np.float64) / 32768


def _voices() -> list[Voice]:
    return [SpeechLikeVoice(), prepare_voice([SENTENCE])]


@pytest.mark.parametrize("voice", _voices())
def test_sentence_is_audible_and_about_as_long_as_spoken(voice: Voice) -> None:
    samples = _samples(voice.speak(SENTENCE))
    assert len(SENTENCE) / 22 <= len(samples) / SAMPLE_RATE <= len(SENTENCE) / 11
    assert np.sqrt(np.mean(samples**2)) > 0.03
    assert np.max(np.abs(samples)) < 1


@pytest.mark.parametrize("voice", _voices())
def test_sentence_always_sounds_the_same(voice: Voice) -> None:
    assert voice.speak(SENTENCE) == voice.speak(SENTENCE)


def test_speech_like_voice_takes_fifteen_characters_a_second_and_pauses_between_words() -> None:
    samples = _samples(SpeechLikeVoice().speak("aaa eee"))
    assert len(samples) == 7 * SAMPLE_RATE // 15
    gap = samples[3 * SAMPLE_RATE // 15 :][400:1200]
    assert np.max(np.abs(gap)) < 0.05


def test_one_letter_is_enough_for_a_sound() -> None:
    assert SpeechLikeVoice().speak("?")
    assert SpeechLikeVoice().speak("") == b""


def test_unknown_sentence_is_spelled() -> None:
    voice = RecordedVoice({"a.": b"\1\0"})
    assert voice.speak("a.") == b"\1\0"
    letters = [SpeechLikeVoice().speak(letter) for letter in "ba "]
    assert voice.speak("Ba ") == b"".join(letters)
    assert len(voice.speak(SENTENCE)) == len(SpeechLikeVoice().speak(SENTENCE))


def test_without_a_synthesizer_the_voice_has_no_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert prepare_voice([SENTENCE]).speak(SENTENCE) == SpeechLikeVoice().speak(SENTENCE)


def test_synthesizer_that_fails_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: "/bin/false")
    assert prepare_voice([SENTENCE]).speak(SENTENCE) == SpeechLikeVoice().speak(SENTENCE)


@pytest.mark.parametrize(("rate", "wanted"), [(22050, 24000), (24000, 16000), (16000, 16000)])
def test_resampling_keeps_tone_and_level(rate: int, wanted: int) -> None:
    tone = (10000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype("<i2").tobytes()
    expected = 10000 * np.sin(2 * np.pi * 440 * np.arange(wanted) / wanted)
    samples = np.frombuffer(resample(tone, rate, wanted), dtype="<i2")
    assert len(samples) == wanted
    assert np.max(np.abs(samples - expected)) < 50


def test_resampling_nothing_gives_nothing() -> None:
    assert speech.resample(b"", 22050, 24000) == b""
