"""Sounds to measure detectors with: utterances, noises to mix them with, and what only seems to be speech.

All are float samples at 16 kHz, from fixed seeds.
"""

import wave
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
LEAD, TAIL = 3.0, 1.5
# Speech is brought to -26 dBFS while it sounds: a usual level of telephony.
SPEECH_RMS = 32768 * 10 ** (-26 / 20)
_STEP = RATE // 100

Samples = NDArray[np.float64]
Sound = Callable[[float], Samples]


def frames(samples: Samples, length: float = 0.02) -> list[bytes]:
    """Cut into 16-bit frames of so many seconds; the last is shorter when that does not divide them."""
    audio, size = pcm(samples), 2 * int(RATE * length)
    return [audio[start : start + size] for start in range(0, len(audio), size)]


def pcm(samples: Samples) -> bytes:
    return samples.clip(-32768, 32767).astype("<i2").tobytes()


def utterances() -> dict[str, Samples]:
    """Return what the demo's user says."""
    found = {}
    for path in sorted(files("segue.demo").joinpath("utterances").iterdir(), key=lambda path: path.name):
        if not path.name.endswith(".wav"):
            continue
        with path.open("rb") as file, wave.open(file) as recording:
            assert (recording.getframerate(), recording.getnchannels()) == (RATE, 1)
            samples = np.frombuffer(recording.readframes(recording.getnframes()), dtype="<i2").astype(np.float64)
        samples = samples[: len(samples) // _STEP * _STEP]
        loud = samples[np.repeat(sounding(samples), _STEP)]
        found[path.name.removesuffix(".wav")] = at_rms(SPEECH_RMS, samples, of=loud)
    return found


def sounding(samples: Samples) -> NDArray[np.bool_]:
    """Return for each 10 ms of a clean recording whether it is within 30 dB of the loudest."""
    steps = samples[: len(samples) // _STEP * _STEP].reshape(-1, _STEP)
    power = (steps**2).mean(axis=1)
    return np.asarray(power > power.max() / 1000)


def borders(samples: Samples) -> tuple[float, float]:
    """Return when a clean recording's speech begins and ends, in seconds."""
    sound = np.flatnonzero(sounding(samples))
    return float(sound[0]) / 100, float(sound[-1] + 1) / 100


def at_rms(rms: float, samples: Samples, of: Samples | None = None) -> Samples:
    measured = samples if of is None else of
    return samples * float(rms / np.sqrt((measured**2).mean()))


def in_noise(speech: Samples, kind: str, snr: float) -> Samples:
    """Mix speech with a noise that begins LEAD seconds before it and ends TAIL seconds after it."""
    padded = np.concatenate((np.zeros(int(LEAD * RATE)), speech, np.zeros(int(TAIL * RATE))))
    if kind == "none":
        return padded
    return padded + noise(kind, len(padded) / RATE, SPEECH_RMS / 10 ** (snr / 20))


def noise(kind: str, seconds: float, rms: float) -> Samples:
    make: Any = {"white": white, "pink": pink, "babble": babble}[kind]
    return at_rms(rms, make(round(seconds * RATE), np.random.default_rng(7)))


def white(count: int, random: np.random.Generator) -> Samples:
    return random.normal(0.0, 1.0, count)


def pink(count: int, random: np.random.Generator) -> Samples:
    """From 50 Hz on: below it a microphone hears little, and half of pink noise's power would be there."""
    pitch = np.fft.rfftfreq(count, 1 / RATE)
    spectrum = np.fft.rfft(white(count, random)) / np.sqrt(np.maximum(50.0, pitch))
    return np.fft.irfft(np.where(pitch < 50.0, 0.0, spectrum), count)


def babble(count: int, random: np.random.Generator) -> Samples:
    """Eight people who speak at once, at voices and times of their own."""
    talk = np.concatenate(list(utterances().values()))
    mixed = np.zeros(count)
    for _ in range(8):
        pitch = random.uniform(0.8, 1.25)
        voice = raised(talk, pitch)
        mixed += np.resize(np.roll(voice, random.integers(len(voice))), count)
    return mixed


def raised(speech: Samples, pitch: float) -> Samples:
    """Play so many times as fast."""
    return np.asarray(np.interp(np.arange(0, len(speech) - 1, pitch), np.arange(len(speech)), speech))


def line_noise_with_gaps(seconds: float) -> Samples:
    """Noise of -30 dBFS in which 40 ms are lost each second, as exact zeros."""
    samples = noise("pink", seconds, 1000.0)
    for start in range(RATE // 2 + 37, len(samples), RATE + 100):
        samples[start : start + RATE // 25] = 0.0
    return samples


def dtmf(seconds: float, amplitude: float = 4000.0, key: float = 0.1) -> Samples:
    """Keys of a telephone, each for so many seconds and a pause as long; each of its two tones has this amplitude."""
    time = np.arange(round(seconds * RATE)) / RATE
    pairs = np.array([(697, 1209), (770, 1336), (852, 1477), (941, 1336), (697, 1477), (852, 1209)])
    low, high = pairs[(time / (2 * key)).astype(int) % len(pairs)].T
    tones = np.sin(2 * np.pi * low * time) + np.sin(2 * np.pi * high * time)
    return amplitude * np.asarray(tones * (time % (2 * key) < key)) + noise("white", seconds, 3.0)


def coughs(seconds: float) -> Samples:
    """A double burst of noise each second, through the resonances of a throat."""
    random, count = np.random.default_rng(3), round(seconds * RATE)
    samples, size = np.zeros(count), RATE // 4
    time, pitch = np.arange(size) / RATE, np.fft.rfftfreq(size, 1 / RATE)
    throat = sum(
        weight * np.exp(-(((pitch - centre) / width) ** 2))
        for centre, width, weight in ((500, 300, 1.0), (1400, 500, 0.7), (3000, 1200, 0.3))
    )
    envelope = np.minimum(time / 0.008, 1.0) * np.exp(-time / 0.07)
    for second in range(int(seconds)):
        for offset, loudness in ((0.3, 6000.0), (0.58, 3600.0)):
            start = int((second + offset) * RATE)
            burst = np.fft.irfft(np.fft.rfft(white(size, random)) * throat, size)
            samples[start : start + size] += envelope * at_rms(loudness, burst)
    return samples + noise("white", seconds, 3.0)


def clicks(seconds: float) -> Samples:
    """A keyboard: bursts of a few ms, four to twelve a second."""
    random, count = np.random.default_rng(4), round(seconds * RATE)
    samples, size = np.zeros(count), RATE * 3 // 100
    decay = np.exp(-np.arange(size) / (0.006 * RATE))
    start = RATE // 4
    while start + size < count:
        samples[start : start + size] += white(size, random) * decay * 9000.0
        start += int(random.uniform(0.08, 0.25) * RATE)
    return samples + noise("white", seconds, 3.0)


def hum(seconds: float) -> Samples:
    """Mains hum at 50 Hz."""
    return 3000.0 * np.sin(2 * np.pi * 50 * np.arange(round(seconds * RATE)) / RATE)
