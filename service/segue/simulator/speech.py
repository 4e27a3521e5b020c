"""The model's voice: 24 kHz 16-bit mono PCM for a sentence.

Speech where espeak-ng is on the path, else a signal like speech, of the right length and rhythm, in which no words can
be made out. Either way a sentence always sounds the same.
"""

import shutil
import string
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 24000
SAMPLE_BYTES = 2

_ESPEAK = "espeak-ng"
_ESPEAK_TIMEOUT = 20.0

_CHARACTERS_PER_SECOND = 15
_PITCH_HERTZ = 115.0
_HARMONICS = 24
# The first two formants of five vowels in Hertz (Peterson and Barney, 1952).
_FORMANTS = {"a": (730, 1090), "e": (530, 1840), "i": (270, 2290), "o": (570, 840), "u": (300, 870)}
_NEUTRAL = (500, 1500)
_FORMANT_WIDTH_HERTZ = 180.0
_PEAK = 0.5


class Voice(Protocol):
    """What can say a sentence."""

    def speak(self, sentence: str) -> bytes:
        """Return the sentence as 24 kHz 16-bit little-endian mono PCM."""
        ...


class SpeechLikeVoice:
    """A voice without words: vowels with formants and a falling pitch, fifteen characters a second."""

    def speak(self, sentence: str) -> bytes:
        """Return the sentence as 24 kHz 16-bit little-endian mono PCM."""
        return _speech_like(sentence)


class RecordedVoice:
    """A voice that has some sentences ready and spells the others.

    Whatever is asked for comes within a few milliseconds: all connections wait meanwhile.
    """

    def __init__(self, recordings: dict[str, bytes]) -> None:
        self._recordings = recordings

    def speak(self, sentence: str) -> bytes:
        """Return the sentence as 24 kHz 16-bit little-endian mono PCM."""
        return self._recordings.get(sentence) or b"".join(map(_speech_like, sentence.lower()))


def prepare_voice(sentences: Iterable[str]) -> Voice:
    """Return the best voice on this machine, with these sentences ready. Blocks while they are synthesized."""
    distinct = sorted(set(sentences))
    for letter in string.printable:
        _speech_like(letter.lower())
    espeak = shutil.which(_ESPEAK)
    if espeak is None:
        return RecordedVoice({sentence: _speech_like(sentence) for sentence in distinct})
    with ThreadPoolExecutor() as pool:
        spoken = zip(distinct, pool.map(lambda sentence: _synthesize(espeak, sentence), distinct), strict=True)
        return RecordedVoice({sentence: pcm or _speech_like(sentence) for sentence, pcm in spoken})


@lru_cache(maxsize=1024)
def _synthesize(espeak: str, sentence: str) -> bytes:
    """Return the sentence as espeak-ng says it; empty where it fails."""
    command = [espeak, "--stdin", "--stdout", "-v", "en-us", "-s", "165"]
    try:
        done = subprocess.run(
            command, input=sentence.encode(), capture_output=True, timeout=_ESPEAK_TIMEOUT, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return b""
    return resample(*_read_wav(done.stdout), SAMPLE_RATE)


def _read_wav(wav: bytes) -> tuple[bytes, int]:
    """Return PCM and rate of a 16-bit mono WAV that was written to a pipe, whose length fields hold no lengths."""
    samples_at = wav.find(b"data") + 8
    return (wav[samples_at:], int.from_bytes(wav[24:28], "little")) if samples_at > 8 else (b"", SAMPLE_RATE)


def resample(pcm: bytes, rate: int, wanted_rate: int) -> bytes:
    """Convert 16-bit mono PCM from one rate to another, by its spectrum: exact below the lower Nyquist frequency."""
    samples = np.frombuffer(pcm[: len(pcm) // SAMPLE_BYTES * SAMPLE_BYTES], dtype="<i2").astype(np.float64)
    wanted = round(len(samples) * wanted_rate / rate)
    if not wanted or rate == wanted_rate:
        return samples.astype("<i2").tobytes()
    spectrum = np.fft.rfft(samples)
    resampled = np.fft.irfft(spectrum[: wanted // 2 + 1], wanted) * (wanted / len(samples))
    return np.clip(np.rint(resampled), -32768, 32767).astype("<i2").tobytes()


@lru_cache(maxsize=1024)
def _speech_like(sentence: str) -> bytes:
    letters = sentence.lower()
    per_letter = SAMPLE_RATE // _CHARACTERS_PER_SECOND
    time = np.arange(len(letters) * per_letter) / SAMPLE_RATE
    loudness = _glide([_loudness(letter) for letter in letters], per_letter)
    first = _glide([_FORMANTS.get(letter, _NEUTRAL)[0] for letter in letters], per_letter)
    second = _glide([_FORMANTS.get(letter, _NEUTRAL)[1] for letter in letters], per_letter)
    fall = 1.15 - 0.3 * np.linspace(0, 1, len(time))
    pitch = _PITCH_HERTZ * (fall + 0.04 * np.sin(2 * np.pi * 3 * time))
    fundamental = np.exp(2j * np.pi * np.cumsum(pitch) / SAMPLE_RATE)
    wave = np.zeros(len(time))
    rotation = np.ones(len(time), dtype=np.complex128)
    for harmonic in range(1, _HARMONICS + 1):
        rotation *= fundamental
        distances = (first - harmonic * pitch, second - harmonic * pitch)
        wave += rotation.imag * (0.05 + sum(1 / (1 + (distance / _FORMANT_WIDTH_HERTZ) ** 2) for distance in distances))
    wave *= loudness
    peak = float(np.max(np.abs(wave), initial=0.0)) or 1.0
    return np.rint(wave * (_PEAK * 32767 / peak)).astype("<i2").tobytes()


def _loudness(letter: str) -> float:
    if letter in _FORMANTS:
        return 1.0
    return 0.4 if letter.isalnum() else 0.0


def _glide(values: list[float], per_letter: int) -> NDArray[np.float64]:
    """Hold each value for the length of a letter, and pass smoothly from one to the next."""
    held = np.repeat(np.array(values, dtype=np.float64), per_letter)
    window = np.hanning(per_letter // 2)
    return np.convolve(held, window / window.sum(), mode="same") if values else held
