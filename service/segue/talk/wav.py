"""WAV files: what the user says, and what the user heard."""

import wave
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from segue.talk.errors import TalkError

INPUT_SAMPLE_RATE_HERTZ = 16000
OUTPUT_SAMPLE_RATE_HERTZ = 24000
SAMPLE_BYTES = 2
# The end of the words is where the last stretch of this many samples (20 ms) reaches a twentieth of the loudest.
_STRETCH_SAMPLES = 320
_QUIET = 0.05


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something that the user says.

    Attributes:
        name: what to call it: the file's name.
        pcm: 16-bit little-endian mono samples at 16000 Hz.
    """

    name: str
    pcm: bytes = field(repr=False)

    @property
    def duration(self) -> float:
        """How long it is, in seconds."""
        return len(self.pcm) / SAMPLE_BYTES / INPUT_SAMPLE_RATE_HERTZ

    @property
    def words_end(self) -> float:
        """How far into it the last words end, in seconds: what follows is silence."""
        samples = np.frombuffer(self.pcm, dtype="<i2").astype(np.float64)
        stretches = np.pad(samples, (0, -len(samples) % _STRETCH_SAMPLES)).reshape(-1, _STRETCH_SAMPLES)
        levels = np.sqrt(np.mean(stretches**2, axis=1))
        last_loud = int(np.flatnonzero(levels >= _QUIET * levels.max())[-1])
        return min(self.duration, (last_loud + 1) * _STRETCH_SAMPLES / INPUT_SAMPLE_RATE_HERTZ)


def read_utterance(path: Path) -> Utterance:
    """Read a WAV file. Raises TalkError for anything but 16-bit mono PCM at 16000 Hz."""
    try:
        with wave.open(str(path), "rb") as file:
            form = (file.getsampwidth() * 8, file.getnchannels(), file.getframerate())
            pcm = file.readframes(file.getnframes())
    except OSError as error:
        raise TalkError(f"{path}: {error.strerror or error}") from error
    except (wave.Error, EOFError) as error:
        raise TalkError(f"{path} is no WAV file with PCM samples ({error or 'it is empty'}). {_CONVERT}") from error
    if form != (16, 1, INPUT_SAMPLE_RATE_HERTZ):
        bits, channels, rate = form
        has = f"{bits} bits, {channels} channel(s), {rate} Hz"
        raise TalkError(f"{path} has {has}; needed are 16 bits, 1 channel, 16000 Hz. {_CONVERT}")
    if not pcm:
        raise TalkError(f"{path} holds no audio.")
    return Utterance(path.name, pcm)


_CONVERT = "Convert it with: sox INPUT -r 16000 -c 1 -b 16 -e signed OUTPUT.wav"


def write_recording(path: Path, pcm: bytes) -> None:
    """Write 16-bit mono samples at 24000 Hz, making the directories that the path names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(SAMPLE_BYTES)
        file.setframerate(OUTPUT_SAMPLE_RATE_HERTZ)
        file.writeframes(pcm)


def level(pcm: bytes) -> float:
    """Return the root mean square of 16-bit samples, from 0 to 32768."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
    return float(np.sqrt(np.mean(samples**2))) if samples.size else 0.0
