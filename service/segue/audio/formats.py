"""From what a client sends to what the model takes, and from what the model gives to what the client plays."""

from collections.abc import Callable

import numpy as np

from segue.audio import g711
from segue.audio.g711 import Samples
from segue.audio.resampling import Resampler
from segue.core.options import MODEL_GIVES, MODEL_TAKES, AudioFormat, Encoding


def _of_linear16(audio: bytes) -> Samples:
    return np.frombuffer(audio, "<i2")


_DECODERS: dict[Encoding, Callable[[bytes], Samples]] = {
    Encoding.LINEAR16: _of_linear16,
    Encoding.MULAW: g711.of_mulaw,
    Encoding.ALAW: g711.of_alaw,
}
_ENCODERS: dict[Encoding, Callable[[Samples], bytes]] = {
    Encoding.LINEAR16: Samples.tobytes,
    Encoding.MULAW: g711.mulaw,
    Encoding.ALAW: g711.alaw,
}


class Conversion:
    """One stream of audio from one format to another, in chunks of whole samples of any length.

    Where the rates differ, `take` holds the last few milliseconds back until more audio or `finish` comes.
    """

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        self._sample_bytes = source.sample_bytes
        self._untouched = source == target
        self._decode, self._encode = _DECODERS[source.encoding], _ENCODERS[target.encoding]
        self._resampler: Resampler | None = None
        if source.sample_rate != target.sample_rate:
            self._resampler = Resampler(source.sample_rate, target.sample_rate)

    def take(self, audio: bytes) -> bytes:
        assert len(audio) % self._sample_bytes == 0
        if self._untouched:
            return audio
        samples = self._decode(audio)
        if self._resampler is not None:
            samples = self._resampler.take(samples)
        return self._encode(samples)

    def finish(self) -> bytes:
        """Return what was held back, so that as long comes out as went in, up to one sample; then begin anew."""
        return b"" if self._resampler is None else self._encode(self._resampler.finish())


def to_model(client: AudioFormat) -> Conversion:
    return Conversion(client, MODEL_TAKES)


def from_model(client: AudioFormat) -> Conversion:
    return Conversion(MODEL_GIVES, client)
