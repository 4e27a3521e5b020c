"""The user's audio on its way in."""

import numpy as np
import pytest

from segue.audio.g711 import mulaw
from segue.core.admission import MAX_AUDIO_BYTES
from segue.core.events import AudioReceived, InputRefused
from segue.core.options import MODEL_TAKES, AudioFormat, Encoding, Mode, Options
from segue.core.outputs import Rejection
from segue.node.hearing import Hearing
from tests.audio.sounds import in_noise, noise, pcm, utterances

TELEPHONE = AudioFormat(Encoding.MULAW, 8_000)


def hearing_of(audio_format: AudioFormat | None, mode: Mode = Mode.SERVER) -> Hearing:
    return Hearing(Options("", input_format=audio_format, mode=mode))


def tone(seconds: float, rate: int, amplitude: int = 8_000) -> bytes:
    wave = amplitude * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    return wave.astype("<i2").tobytes()


def heard(hearing: Hearing, audio: bytes) -> AudioReceived:
    [event] = hearing.hear(7, audio)
    assert isinstance(event, AudioReceived)
    assert event.seq == 7
    return event


def test_audio_that_the_model_takes_is_not_touched() -> None:
    audio = tone(0.02, 16_000)
    assert heard(hearing_of(MODEL_TAKES), audio).audio is audio


def test_telephone_audio_becomes_what_the_model_takes() -> None:
    hearing = hearing_of(TELEPHONE)
    packet = mulaw(np.frombuffer(tone(0.02, 8_000), "<i2"))
    assert len(packet) == 160
    events = [heard(hearing, packet) for _ in range(50)]
    # A few milliseconds wait for the next packet.
    assert 0.990 < sum(len(event.audio) for event in events) / 32_000 <= 1.0
    assert events[-1].voiced


def test_a_packet_that_is_too_short_to_come_out_at_once_is_heard_later() -> None:
    hearing = hearing_of(TELEPHONE)
    assert heard(hearing, mulaw(np.zeros(1, np.int16))).audio == b""
    assert heard(hearing, mulaw(np.zeros(160, np.int16))).audio


def test_the_level_is_that_of_the_line() -> None:
    hearing = hearing_of(MODEL_TAKES)
    assert not heard(hearing, tone(0.02, 16_000, amplitude=20)).voiced
    assert heard(hearing, tone(0.02, 16_000)).voiced


@pytest.mark.parametrize(
    ("audio_format", "audio", "reason"),
    [
        (None, b"\x00\x00", Rejection.NO_INPUT_FORMAT),
        (MODEL_TAKES, b"", Rejection.EMPTY),
        (MODEL_TAKES, b"\x00", Rejection.ODD_BYTES),
        (TELEPHONE, bytes(MAX_AUDIO_BYTES + 1), Rejection.TOO_LARGE),
    ],
)
def test_audio_that_cannot_be_used_is_refused_with_what_to_do(
    audio_format: AudioFormat | None, audio: bytes, reason: Rejection
) -> None:
    [event] = hearing_of(audio_format).hear(7, audio)
    assert isinstance(event, InputRefused)
    assert (event.seq, event.reason) == (7, reason)
    assert event.message


def test_telephone_audio_has_no_odd_bytes() -> None:
    heard(hearing_of(TELEPHONE), bytes(161))


def test_a_detector_tells_speech_and_silence_apart_within_a_frame() -> None:
    hearing = hearing_of(MODEL_TAKES, Mode.GATEWAY)
    audio = pcm(utterances()["boat"])
    events = [event for start in range(0, len(audio), 3_200) for event in hearing.hear(0, audio[start : start + 3_200])]
    parts = [(event.voiced, len(event.audio)) for event in events if isinstance(event, AudioReceived) and event.audio]
    # Nothing is lost or doubled, and a frame of 100 ms has borders in it.
    assert abs(sum(size for _, size in parts) - len(audio)) < 640
    assert any(voiced and size < 3_200 for voiced, size in parts)
    assert not parts[0][0]


def test_a_numbered_frame_is_one_input_however_many_parts_it_has() -> None:
    hearing = hearing_of(MODEL_TAKES, Mode.GATEWAY)
    audio = pcm(utterances()["boat"])
    frames = [audio[start : start + 3_200] for start in range(0, len(audio), 3_200)]
    for seq, frame in enumerate([b"\x00\x00", *frames], 1):
        numbers = [event.seq for event in hearing.hear(seq, frame)]
        assert numbers[0] == seq
        assert set(numbers[1:]) <= {0}


def gated(hang_over: float = 0.6) -> Hearing:
    return Hearing(Options("", input_format=MODEL_TAKES, noise_gate=hang_over))


def events_of(hearing: Hearing, audio: bytes) -> list[AudioReceived]:
    frames = [audio[start : start + 640] for start in range(0, len(audio), 640)]
    return [event for frame in frames for event in hearing.hear(0, frame) if isinstance(event, AudioReceived)]


def test_behind_a_closed_gate_there_is_nothing_but_the_length_of_the_noise() -> None:
    events = events_of(gated(), pcm(noise("pink", 5.0, 50.0)))
    assert not any(event.audio or event.voiced for event in events)
    # The last 250 ms may still be a word's first sound.
    assert sum(event.noise for event in events) == pytest.approx(4.75)


def test_a_gate_lets_speech_through_with_what_came_before_it_which_counts_as_no_voice() -> None:
    audio = pcm(in_noise(utterances()["boat"], "pink", 25))
    events = events_of(gated(), audio)
    passed = [event for event in events if event.audio]
    opening = passed[0]
    assert (len(opening.audio), opening.voiced) == (8_000, False)
    assert passed[1].voiced
    # Nothing is lost or doubled but what still waits at the end.
    whole = sum(len(event.audio) for event in passed) / 32_000 + sum(event.noise for event in events)
    assert whole == pytest.approx(len(audio) / 32_000, abs=0.26)


def test_every_numbered_frame_is_one_input_also_behind_a_gate() -> None:
    hearing = gated()
    audio = pcm(in_noise(utterances()["boat"], "pink", 25))
    for seq, start in enumerate(range(0, len(audio), 640), 1):
        numbers = [event.seq for event in hearing.hear(seq, audio[start : start + 640])]
        assert numbers[0] == seq
        assert set(numbers[1:]) <= {0}
