"""What the detectors take for speech. The limits are near the measured figures, which tests.audio.quality prints."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from segue.audio.activity import PIECE, Detector, NoiseGate
from segue.audio.speech import SpeechModel
from segue.core.options import Sensitivity
from tests.audio import sounds
from tests.audio.quality import NOISES, hits, model_on, segments, voiced_share, worst_borders

SILENCE = bytes(640)
SPEECH = sounds.utterances()


@pytest.fixture(scope="module")
def model() -> SpeechModel:
    return SpeechModel()


# The detector's form.


def test_runs_cover_the_frame_in_turn() -> None:
    speech = sounds.in_noise(SPEECH["go_on"], "none", 0)
    runs = Detector().runs(sounds.pcm(speech))
    assert sum(run.seconds for run in runs) == pytest.approx(len(speech) // 320 * PIECE)
    assert all(left.voiced is not right.voiced for left, right in pairwise(runs))


@pytest.mark.parametrize("length", [0.01, 0.0125, 0.03, 0.1, 1.0])
def test_the_length_of_frames_changes_nothing(length: float) -> None:
    speech = sounds.in_noise(SPEECH["boat"], "white", 10)
    found = segments(Detector(), sounds.frames(speech, length))
    assert len(found) == 1
    assert found == segments(Detector(), sounds.frames(speech))


def test_less_than_a_piece_waits_for_the_next_frame() -> None:
    detector = Detector()
    assert detector.runs(SILENCE[:320]) == []
    assert detector.runs(SILENCE[:320]) == [(False, PIECE)]


@pytest.mark.parametrize("audio", [b"", b"\x7f"])
def test_what_holds_no_sample_has_no_runs(audio: bytes) -> None:
    detector = Detector()
    assert detector.runs(audio) == []
    assert detector.runs(SILENCE) == [(False, PIECE)]


# The detector's quality.


@pytest.mark.parametrize(
    ("kind", "snr", "onset", "end"),
    [
        ("none", 0, 0.03, 0.03),
        ("white", 20, 0.09, 0.03),
        ("white", 10, 0.15, 0.13),
        ("white", 5, 0.21, 0.2),
        ("pink", 20, 0.09, 0.03),
        ("pink", 10, 0.15, 0.13),
        ("pink", 5, 0.21, 0.2),
        ("babble", 20, 0.09, 0.7),
    ],
)
def test_borders_of_speech_in_noise(kind: str, snr: int, onset: float, end: float) -> None:
    worst = worst_borders(None, kind, snr)
    assert worst.missed == 0
    assert abs(worst.onset) <= onset
    assert abs(worst.end) <= end


@pytest.mark.parametrize(("kind", "snr"), [("white", 10), ("white", 5), ("pink", 10), ("pink", 5)])
def test_a_high_sensitivity_finds_each_utterance_whole_in_noise(kind: str, snr: int) -> None:
    worst = worst_borders(Sensitivity.HIGH, kind, snr)
    assert (worst.missed, worst.extra) == (0, 0)
    assert abs(worst.onset) <= 0.21
    assert abs(worst.end) <= 0.2


def test_a_low_sensitivity_does_not_hear_what_hardly_stands_out() -> None:
    assert worst_borders(Sensitivity.LOW, "white", 5).missed == len(SPEECH)


@pytest.mark.parametrize("sensitivity", [Sensitivity.HIGH, None, Sensitivity.LOW])
@pytest.mark.parametrize("kind", ["white", "pink"])
@pytest.mark.parametrize("rms", [300.0, 3000.0])
def test_half_a_minute_of_steady_noise_is_not_speech(sensitivity: Sensitivity | None, kind: str, rms: float) -> None:
    assert segments(Detector(sensitivity), sounds.frames(sounds.noise(kind, 30, rms))) == []


def test_a_noise_that_begins_is_taken_for_speech_until_it_is_learnt(model: SpeechModel) -> None:
    noise = sounds.noise("pink", 5, 3000.0)
    detector = Detector()
    detector.runs(SILENCE)
    assert voiced_share(detector, sounds.frames(noise)) > 0.9
    assert model_on(model, noise) < 0.2
    detector.relearn()
    assert segments(detector, sounds.frames(noise)) == []


@pytest.mark.parametrize("cut", [0.0, 0.1, 0.2])
def test_speech_that_begins_at_once_on_a_silent_line_is_found_at_once(cut: float) -> None:
    for speech in SPEECH.values():
        begins = int((sounds.borders(speech)[0] + cut) * sounds.RATE)
        line = np.concatenate((np.zeros(sounds.RATE), speech[begins:]))
        assert segments(Detector(), sounds.frames(line))[0].start - 1.0 <= 0.03


def test_line_noise_with_gaps_of_zeros_is_not_speech() -> None:
    assert segments(Detector(), sounds.frames(sounds.line_noise_with_gaps(30))) == []


# The model, where the detector is wrong.


@pytest.mark.parametrize("sound", [sounds.dtmf, sounds.coughs, sounds.clicks])
def test_the_model_denies_what_the_detector_takes_for_speech(model: SpeechModel, sound: sounds.Sound) -> None:
    samples = sound(10.0)
    assert voiced_share(Detector(), sounds.frames(samples)) > 0.15
    assert model_on(model, samples) < 0.5


@pytest.mark.parametrize("key", [0.05, 0.07, 0.1, 0.2])
@pytest.mark.parametrize("amplitude", [300.0, 1000.0, 4000.0])
def test_the_model_denies_a_telephones_keys(model: SpeechModel, key: float, amplitude: float) -> None:
    assert model_on(model, sounds.dtmf(5.0, amplitude, key)) < 0.5


@pytest.mark.parametrize("pitch", [1.3, 1.6])
def test_the_model_confirms_higher_voices(model: SpeechModel, pitch: float) -> None:
    for speech in SPEECH.values():
        assert model_on(model, sounds.raised(speech, pitch)) > 0.9


@pytest.mark.parametrize("sound", [sounds.hum, sounds.line_noise_with_gaps])
def test_the_model_denies_what_the_detector_denies(model: SpeechModel, sound: sounds.Sound) -> None:
    assert model_on(model, sound(10.0)) < 0.2


@pytest.mark.parametrize(("kind", "snr"), NOISES)
def test_the_model_confirms_speech_after_300_ms_of_it(model: SpeechModel, kind: str, snr: int) -> None:
    assert min(hits(model, kind, snr, 0.3)) > 0.7


def test_the_model_keeps_nothing_between_judgements(model: SpeechModel) -> None:
    speech, noise = sounds.pcm(SPEECH["boat"])[:12_800], sounds.pcm(sounds.noise("pink", 0.4, 1000.0))
    before = model.judge(noise)
    assert model.judge(speech) > 0.9
    assert model.judge(noise) == before


def test_only_the_last_384_ms_count(model: SpeechModel) -> None:
    speech, noise = sounds.pcm(SPEECH["boat"]), sounds.pcm(sounds.noise("pink", 0.384, 1000.0))
    assert model.judge(speech + noise) == model.judge(noise)


def test_too_little_is_not_speech(model: SpeechModel) -> None:
    speech = sounds.pcm(SPEECH["boat"])[6_400:]
    assert model.judge(b"") == model.judge(speech[: 3 * 1024 - 2]) == 0.0
    assert model.judge(speech[: 3 * 1024]) > 0.0


def test_threads_may_judge_at_the_same_time(model: SpeechModel) -> None:
    audio = [sounds.pcm(speech)[start : start + 12_800] for speech in SPEECH.values() for start in (0, 12_800)]
    one_by_one = [model.judge(sound) for sound in audio]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(model.judge, audio * 4)) == one_by_one * 4


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts threads as Linux shows them")
def test_the_model_starts_no_threads_of_its_own() -> None:
    program = """if True:
        from pathlib import Path
        from segue.audio.speech import SpeechModel
        threads = lambda: len(list(Path("/proc/self/task").iterdir()))
        model, before = SpeechModel(), threads()
        model.judge(bytes(12_800))
        print(threads() - before)
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True, text=True)
    assert int(ran.stdout) == 0


# The noise gate.

LOUD = sounds.pcm(sounds.noise("white", 0.02, 3000.0))
QUIET = sounds.pcm(sounds.noise("white", 0.02, 50.0))


def test_the_gate_is_closed_to_noise() -> None:
    gate = NoiseGate()
    assert {gate.let_through(frame) for frame in sounds.frames(sounds.noise("pink", 5, 50.0))} == {None}


def test_the_gate_opens_with_the_last_250_ms() -> None:
    gate = NoiseGate()
    before = sounds.frames(sounds.noise("white", 5, 50.0))
    for frame in before:
        gate.let_through(frame)
    assert gate.let_through(LOUD) == b"".join(before)[-8_000:] + LOUD
    assert gate.let_through(LOUD) == LOUD


def test_what_was_let_through_is_not_let_through_again_as_pre_roll() -> None:
    gate = NoiseGate(hang_over=0.02)
    assert [gate.let_through(frame) for frame in (LOUD, QUIET, QUIET, LOUD)] == [LOUD, QUIET, None, QUIET + LOUD]


def test_the_gate_stays_open_for_its_hang_over() -> None:
    gate = NoiseGate()
    gate.let_through(LOUD)
    assert [gate.let_through(QUIET) for _ in range(31)] == [QUIET] * 30 + [None]


def test_a_long_frame_is_let_through_for_any_part_of_it() -> None:
    gate = NoiseGate(hang_over=0.1)
    frame = QUIET * 20 + LOUD + QUIET * 20
    assert gate.let_through(frame) == frame
    assert gate.let_through(QUIET) is None


def test_the_gate_may_have_neither_hang_over_nor_pre_roll() -> None:
    gate = NoiseGate(hang_over=0.0, pre_roll=0.0)
    assert [gate.let_through(frame) for frame in (QUIET, LOUD, QUIET, LOUD)] == [None, LOUD, None, LOUD]


def test_half_a_sample_is_not_let_through() -> None:
    assert NoiseGate().let_through(LOUD + b"\x7f") == LOUD


def test_the_gate_cuts_nothing_off_speech() -> None:
    speech = SPEECH["lighthouse"]
    start, end = sounds.borders(speech)
    audio = sounds.in_noise(speech, "white", 20)
    gate, passed, place = NoiseGate(), [], 0.0
    for frame in sounds.frames(audio):
        place += len(frame) / 2 / sounds.RATE
        if (through := gate.let_through(frame)) is not None:
            passed.append((place - len(through) / 2 / sounds.RATE, place))
    assert passed[0][0] < sounds.LEAD + start
    assert passed[-1][1] > sounds.LEAD + end
    assert all(later[0] == pytest.approx(earlier[1]) for earlier, later in pairwise(passed))
