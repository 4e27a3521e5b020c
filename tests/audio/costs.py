"""Prints what each step of audio costs a session: `python -m tests.audio.costs`.

A step takes one frame of 20 ms. Times are wall-clock, the median of several runs on an otherwise idle machine.
"""

import time
from collections.abc import Callable, Iterator
from itertools import cycle
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

from segue.audio.activity import Detector, NoiseGate
from segue.audio.formats import from_model, to_model
from segue.audio.speech import SpeechModel
from segue.core.options import MODEL_GIVES, AudioFormat, Encoding
from tests.audio import sounds

_FRAMES_PER_SECOND = 50
_RUNS = 9
_FRAMES = 500

Step = tuple[str, Callable[[bytes], object], bytes]


def noise(audio_format: AudioFormat) -> bytes:
    """Return a frame of noise."""
    size = audio_format.bytes_per_second // _FRAMES_PER_SECOND
    if audio_format.encoding is not Encoding.LINEAR16:
        return np.random.default_rng(0).bytes(size)
    return np.random.default_rng(0).normal(0.0, 3_000.0, size // 2).astype("<i2").tobytes()


def _conversions() -> Iterator[Step]:
    telephones = [AudioFormat(Encoding.MULAW, 8_000), AudioFormat(Encoding.ALAW, 8_000)]
    rates = (8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 37_123)
    for client in [*telephones, *(AudioFormat(Encoding.LINEAR16, rate) for rate in rates)]:
        name = f"{client.encoding.name} at {client.sample_rate} Hz"
        yield f"{name} to the model", to_model(client).take, noise(client)
        yield f"{name} from the model", from_model(client).take, noise(MODEL_GIVES)


def _activity() -> Iterator[Step]:
    silence, level = bytes(640), noise(AudioFormat(Encoding.LINEAR16, 16_000))
    talk = cycle(sounds.frames(next(iter(sounds.utterances().values()))))
    on_speech, gate = Detector(), NoiseGate()
    yield "gateway VAD on silence", Detector().runs, silence
    yield "gateway VAD on steady noise", Detector().runs, level
    yield "gateway VAD on speech", lambda _: on_speech.runs(next(talk)), silence
    yield "noise gate, closed", gate.let_through, silence
    yield "speech model, on every chunk of 32 ms", _judged(SpeechModel()), level


def _judged(model: SpeechModel) -> Callable[[bytes], None]:
    held = bytearray()

    # As much at a time as it judges.
    def take(frame: bytes) -> None:
        held.extend(frame)
        if len(held) >= 12 * 1024:
            model.judge(bytes(held[: 12 * 1024]))
            del held[: 12 * 1024]

    return take


STEPS: list[Step] = [*_conversions(), *_activity()]


def cost(step: Callable[[bytes], object], frame: bytes) -> float:
    """Return the seconds that a frame takes."""
    runs = []
    for _ in range(_RUNS):
        started = time.perf_counter()
        for _ in range(_FRAMES):
            step(frame)
        runs.append((time.perf_counter() - started) / _FRAMES)
    return median(runs)


def main() -> None:
    table = Table("step", "µs a frame", "% of a core a session")
    for name, step, frame in STEPS:
        seconds = cost(step, frame)
        table.add_row(name, f"{seconds * 1e6:.1f}", f"{seconds * _FRAMES_PER_SECOND * 100:.3f}")
    Console().print(table)


if __name__ == "__main__":
    main()
