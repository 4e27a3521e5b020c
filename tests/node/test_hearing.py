"""The user's audio on its way in."""

import numpy as np
import pytest

from segue.audio.g711 import mulaw
from segue.core.admission import MAX_AUDIO_BYTES
from segue.core.events import AudioReceived, InputRefused
from segue.core.options import MODEL_TAKES, AudioFormat, Encoding, Mode, Options
from segue.core.outputs import Rejection
from segue.node.hearing import Hearing
from tests.audio.sounds import pcm, utterances

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
