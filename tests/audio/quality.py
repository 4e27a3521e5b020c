"""Measure what the detectors take for speech; `python -m tests.audio.quality` prints all figures."""

from functools import cache
from itertools import chain
from typing import NamedTuple

from rich.console import Console

from segue.audio.activity import PIECE, Detector
from segue.audio.speech import SpeechModel
from segue.core.options import Sensitivity
from tests.audio import sounds

NOISES = [("none", 0), *((kind, snr) for kind in ("white", "pink", "babble") for snr in (20, 10, 5))]
# The rules that a segment is made by here: it starts at 100 ms of speech and ends after 600 ms without.
_START, _HANG_OVER = round(0.1 / PIECE), round(0.6 / PIECE)
_WINDOW = int(0.4 * sounds.RATE)


class Segment(NamedTuple):
    """When speech begins and ends, in seconds from the beginning."""

    start: float
    end: float


class Borders(NamedTuple):
    """How far the borders are off at worst, in seconds: late is positive.

    Attributes:
        missed: utterances of which nothing was found.
        extra: segments beside the one that each utterance is.
    """

    onset: float
    end: float
    missed: int
    extra: int


def pieces(detector: Detector, frames: list[bytes]) -> list[bool]:
    runs = chain.from_iterable(detector.runs(frame) for frame in frames)
    return [run.voiced for run in runs for _ in range(round(run.seconds / PIECE))]


def voiced_share(detector: Detector, frames: list[bytes]) -> float:
    voiced = pieces(detector, frames)
    return sum(voiced) / len(voiced)


def segments(detector: Detector, frames: list[bytes]) -> list[Segment]:
    found: list[Segment] = []
    start, last, together = None, 0, 0
    for place, voiced in enumerate(pieces(detector, frames)):
        together = together + 1 if voiced else 0
        if start is None and together >= _START:
            start = place + 1 - _START
        if voiced:
            last = place
        elif start is not None and place - last >= _HANG_OVER:
            found.append(Segment(start * PIECE, (last + 1) * PIECE))
            start = None
    if start is not None:
        found.append(Segment(start * PIECE, (last + 1) * PIECE))
    return found


@cache
def worst_borders(sensitivity: Sensitivity | None, kind: str, snr: int) -> Borders:
    onsets, ends, missed, extra = [0.0], [0.0], 0, 0
    for speech in sounds.utterances().values():
        start, end = (sounds.LEAD + border for border in sounds.borders(speech))
        found = segments(Detector(sensitivity), sounds.frames(sounds.in_noise(speech, kind, snr)))
        within = [segment for segment in found if segment.start < end and segment.end > start]
        extra += len(found) - min(1, len(within))
        if within:
            onsets.append(within[0].start - start)
            ends.append(within[-1].end - end)
        else:
            missed += 1
    return Borders(max(onsets, key=abs), max(ends, key=abs), missed, extra)


def model_on(model: SpeechModel, samples: sounds.Samples) -> float:
    """Return the highest of the judgements, ten a second."""
    audio = sounds.pcm(samples)
    ends = range(2 * _WINDOW, len(audio), sounds.RATE // 5)
    return max(model.judge(audio[end - 2 * _WINDOW : end]) for end in ends)


def hits(model: SpeechModel, kind: str, snr: int, after: float) -> list[float]:
    """Judge so many seconds after the onset of what follows a pause of 150 ms and sounds for most of 300 ms."""
    judged = []
    for speech in sounds.utterances().values():
        audio = sounds.pcm(sounds.in_noise(speech, kind, snr))
        sound = sounds.sounding(speech)
        for place in range(len(sound) - 40):
            onset = sound[place] and not sound[max(0, place - 15) : place].any()
            if onset and sound[place : place + 30].sum() >= 20:
                end = 2 * int((sounds.LEAD + place / 100 + after) * sounds.RATE)
                judged.append(model.judge(audio[end - 2 * _WINDOW : end]))
    return judged


def main() -> None:
    console = Console(highlight=False, width=140)
    console.print("Worst borders in ms (onset/end, late is positive), utterances missed, segments too many")
    for kind, snr in NOISES:
        cells = []
        for sensitivity in (Sensitivity.HIGH, None, Sensitivity.LOW):
            worst = worst_borders(sensitivity, kind, snr)
            cells.append(f"{worst.onset * 1000:6.0f}/{worst.end * 1000:<6.0f} {worst.missed} {worst.extra}")
        console.print(f"{kind:>7} {snr:2} dB  " + "   ".join(cells))
    model = SpeechModel()
    console.print("\nThe model's lowest judgement so many ms after an onset")
    for kind, snr in NOISES:
        judged = (
            f"{after * 1000:.0f}: {min(hits(model, kind, snr, after)):.2f}" for after in (0.1, 0.15, 0.2, 0.3, 0.4)
        )
        console.print(f"{kind:>7} {snr:2} dB  " + "   ".join(judged))
    console.print(
        "\nNo speech, 30 s: the detector's segments and voiced share (high, usual, low); the model's highest judgement"
    )
    steady = {kind: sounds.noise(kind, 30, 1000.0) for kind in ("white", "pink", "babble")}
    odd = (sounds.line_noise_with_gaps, sounds.hum, sounds.dtmf, sounds.coughs, sounds.clicks)
    for name, samples in (steady | {sound.__name__: sound(30.0) for sound in odd}).items():
        frames = sounds.frames(samples)
        cells = [
            f"{len(segments(Detector(sensitivity), frames)):2} {voiced_share(Detector(sensitivity), frames):4.0%}"
            for sensitivity in (Sensitivity.HIGH, None, Sensitivity.LOW)
        ]
        console.print(f"{name:>20}  " + "   ".join(cells) + f"   {model_on(model, samples):.2f}")
    console.print(
        "\nThe model's highest judgement on a telephone's keys, by amplitude, for keys of 50, 70, 100, 200 ms"
    )
    for amplitude in (300.0, 1000.0, 2000.0, 4000.0, 8000.0):
        judged = (f"{model_on(model, sounds.dtmf(10.0, amplitude, key)):.2f}" for key in (0.05, 0.07, 0.1, 0.2))
        console.print(f"{amplitude:20.0f}  " + "   ".join(judged))


if __name__ == "__main__":
    main()
