"""The user's audio on its way in: checked, changed to what the model takes, and told apart from noise."""

from collections.abc import Iterator

from segue.audio.activity import Detector, NoiseGate
from segue.audio.formats import to_model
from segue.audio.level import Level
from segue.core.admission import fault_of_audio
from segue.core.events import AudioReceived, InputRefused
from segue.core.options import MODEL_TAKES, Mode, Options


class Hearing:
    """One session's. Without a format in its options, no audio can be used."""

    def __init__(self, options: Options) -> None:
        self._format = options.input_format
        self._conversion = to_model(self._format) if self._format else None
        self._level = Level()
        self._gate = None if options.noise_gate is None else NoiseGate(options.noise_gate)
        self._detector: Detector | None = None
        if options.mode is Mode.GATEWAY:
            self._detector = Detector(options.detection.start_sensitivity)
        # What the detector has not judged yet.
        self._unjudged = b""

    def hear(self, seq: int, audio: bytes) -> Iterator[AudioReceived | InputRefused]:
        """Yield what the session is told of a frame in the client's format.

        In parts where a detector tells borders or a noise gate opens; without its audio while that is closed.
        """
        fault = fault_of_audio(audio, self._format)
        if fault is not None or self._conversion is None:
            assert fault is not None
            yield InputRefused(seq, *fault)
            return
        audio = self._conversion.take(audio)
        if self._gate is not None:
            yield from self._let_through(self._gate, seq, audio)
            return
        if self._detector is None:
            yield AudioReceived(seq, audio, self._level.voiced(audio))
            return
        runs = self._detector.runs(audio)
        audio = self._unjudged + audio
        for run in runs or ():
            size = round(run.seconds * MODEL_TAKES.sample_rate) * MODEL_TAKES.sample_bytes
            part, audio = audio[:size], audio[size:]
            yield AudioReceived(seq, part, run.voiced)
            seq = 0
        self._unjudged = audio
        if seq:
            # What is too short to be judged counts as received all the same.
            yield AudioReceived(seq, b"", voiced=False)

    def _let_through(self, gate: NoiseGate, seq: int, audio: bytes) -> Iterator[AudioReceived]:
        voiced, dropped = self._level.voiced(audio), gate.dropped
        passed = gate.let_through(audio)
        if passed is None:
            noise = (gate.dropped - dropped) / MODEL_TAKES.bytes_per_second
            if seq or noise:
                yield AudioReceived(seq, b"", voiced=False, noise=noise)
            return
        before = len(passed) - len(audio)
        if before:
            # A click is not to count for as long as the pre-roll that comes with it.
            yield AudioReceived(seq, passed[:before], voiced=False)
            seq = 0
        yield AudioReceived(seq, passed[before:], voiced)

    def relearn(self) -> None:
        """Take what comes next for the noise of the line."""
        if self._detector is not None:
            self._detector.relearn()
