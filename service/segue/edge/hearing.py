"""The user's audio on its way in: checked, changed to what the model takes, and its level measured."""

from segue.audio.formats import to_model
from segue.audio.level import Level
from segue.core.admission import fault_of_audio
from segue.core.events import AudioReceived, InputRefused
from segue.core.options import AudioFormat


class Hearing:
    """One session's. Without a format, no audio can be used."""

    def __init__(self, audio_format: AudioFormat | None = None) -> None:
        self._format = audio_format
        self._conversion = to_model(audio_format) if audio_format else None
        self._level = Level()

    def hear(self, seq: int, audio: bytes) -> AudioReceived | InputRefused:
        """Return what the session is told of a frame in the client's format."""
        fault = fault_of_audio(audio, self._format)
        if fault is not None or self._conversion is None:
            assert fault is not None
            return InputRefused(seq, *fault)
        audio = self._conversion.take(audio)
        return AudioReceived(seq, audio, self._level.voiced(audio))
