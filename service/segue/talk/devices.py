"""The microphone and the speaker of this machine, through the optional package sounddevice."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from segue.talk.errors import TalkError
from segue.talk.voice import FRAME_SECONDS
from segue.talk.wav import INPUT_SAMPLE_RATE_HERTZ, OUTPUT_SAMPLE_RATE_HERTZ


class Microphone:
    """A Voice: 16-bit mono samples at 16000 Hz, as the user speaks."""

    def __init__(self) -> None:
        """Hold nothing; `open_microphone` fills it."""
        self._arrived = bytearray()
        self._lock = threading.Lock()

    def take(self) -> bytes:
        """Return what came since the last call."""
        with self._lock:
            arrived = bytes(self._arrived)
            self._arrived.clear()
        return arrived

    def hear(self, samples: Any, *_: object) -> None:
        """Keep what the device heard; called from the device's thread."""
        with self._lock:
            self._arrived += bytes(samples)


class Speaker:
    """Plays 16-bit mono samples at 24000 Hz as they come."""

    def __init__(self) -> None:
        """Be silent."""
        self._queued = bytearray()
        self._lock = threading.Lock()

    def play(self, pcm: bytes) -> None:
        """Play after what is queued."""
        with self._lock:
            self._queued += pcm

    def stop(self) -> None:
        """Throw away what is queued."""
        with self._lock:
            self._queued.clear()

    def fill(self, samples: Any, *_: object) -> None:
        """Give the device its next samples; called from the device's thread."""
        with self._lock:
            sound = bytes(self._queued[: len(samples)])
            del self._queued[: len(sound)]
        samples[:] = sound.ljust(len(samples), b"\0")


@contextmanager
def open_microphone() -> Iterator[Microphone]:
    """Listen with the default microphone. Raises TalkError where there is none."""
    microphone = Microphone()
    with _stream("RawInputStream", INPUT_SAMPLE_RATE_HERTZ, microphone.hear):
        yield microphone


@contextmanager
def open_speaker() -> Iterator[Speaker]:
    """Play on the default speaker. Raises TalkError where there is none."""
    speaker = Speaker()
    with _stream("RawOutputStream", OUTPUT_SAMPLE_RATE_HERTZ, speaker.fill):
        yield speaker


@contextmanager
def _stream(kind: str, sample_rate_hertz: int, callback: Any) -> Iterator[None]:
    sounddevice = _sounddevice()
    try:
        stream = getattr(sounddevice, kind)(
            samplerate=sample_rate_hertz,
            blocksize=int(sample_rate_hertz * FRAME_SECONDS),
            channels=1,
            dtype="int16",
            callback=callback,
        )
    except sounddevice.PortAudioError as error:
        raise TalkError(f"No sound device for this ({error}). Use a WAV file instead: --wav, --output.") from error
    with stream:
        yield


def _sounddevice() -> ModuleType:
    try:
        import sounddevice
    except ImportError as error:
        raise TalkError(
            "The microphone and the speaker need one more package: pip install 'segue[microphone]'"
        ) from error
    except OSError as error:
        raise TalkError("sounddevice needs the PortAudio library: apt install libportaudio2") from error
    return sounddevice  # type: ignore[no-any-return]
