"""The model's speech on its way out: changed to what the client plays, without a click and to the sample."""

from collections.abc import Iterable

from segue.audio.formats import from_model
from segue.core.events import GenerationCompleted, LinkEvent, LinkLost, ModelAudio, ModelInterrupted, TurnCompleted
from segue.core.options import AudioFormat


class Rendering:
    """One session's. What the links say passes through it, and is said of audio in the client's format then."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self._conversion = from_model(audio_format)
        # Half a sample, whose other half comes with the next audio.
        self._half = b""

    def render(self, event: LinkEvent) -> Iterable[LinkEvent]:
        """Return what the session is told."""
        kind = type(event)
        if isinstance(event, ModelAudio):
            audio = self._half + event.audio
            whole = len(audio) - len(audio) % 2
            self._half = audio[whole:]
            event.audio = self._conversion.take(audio[:whole])
        elif kind in (GenerationCompleted, TurnCompleted):
            # The end of a turn's speech is still in the converter.
            if rest := self._finish():
                return ModelAudio(event.link, rest), event
        elif kind in (ModelInterrupted, LinkLost):
            self._finish()
        return (event,)

    def _finish(self) -> bytes:
        self._half = b""
        return self._conversion.finish()
