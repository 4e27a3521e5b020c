"""The user's audio on its way in."""

import numpy as np
import pytest

from segue.audio.g711 import mulaw
from segue.core.admission import MAX_AUDIO_BYTES
from segue.core.events import AudioReceived, InputRefused
from segue.core.options import AudioFormat, Encoding
from segue.core.outputs import Rejection
from segue.edge.hearing import Hearing

MODEL_RATE = AudioFormat(Encoding.LINEAR16, 16_000)
TELEPHONE = AudioFormat(Encoding.MULAW, 8_000)


def tone(seconds: float, rate: int, amplitude: int = 8_000) -> bytes:
    wave = amplitude * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    return wave.astype("<i2").tobytes()


def heard(hearing: Hearing, audio: bytes) -> AudioReceived:
    event = hearing.hear(7, audio)
    assert isinstance(event, AudioReceived)
    assert event.seq == 7
    return event


def test_audio_that_the_model_takes_is_not_touched() -> None:
    audio = tone(0.02, 16_000)
    assert heard(Hearing(MODEL_RATE), audio).audio is audio


def test_telephone_audio_becomes_what_the_model_takes() -> None:
    hearing = Hearing(TELEPHONE)
    packet = mulaw(np.frombuffer(tone(0.02, 8_000), "<i2"))
    assert len(packet) == 160
    events = [heard(hearing, packet) for _ in range(50)]
    # A few milliseconds wait for the next packet.
    assert 0.990 < sum(len(event.audio) for event in events) / 32_000 <= 1.0
    assert events[-1].voiced


def test_a_packet_that_is_too_short_to_come_out_at_once_is_heard_later() -> None:
    hearing = Hearing(TELEPHONE)
    assert heard(hearing, mulaw(np.zeros(1, np.int16))).audio == b""
    assert heard(hearing, mulaw(np.zeros(160, np.int16))).audio


def test_the_level_is_that_of_the_line() -> None:
    hearing = Hearing(MODEL_RATE)
    assert not heard(hearing, tone(0.02, 16_000, amplitude=20)).voiced
    assert heard(hearing, tone(0.02, 16_000)).voiced


@pytest.mark.parametrize(
    ("audio_format", "audio", "reason"),
    [
        (None, b"\x00\x00", Rejection.NO_INPUT_FORMAT),
        (MODEL_RATE, b"", Rejection.EMPTY),
        (MODEL_RATE, b"\x00", Rejection.ODD_BYTES),
        (TELEPHONE, bytes(MAX_AUDIO_BYTES + 1), Rejection.TOO_LARGE),
    ],
)
def test_audio_that_cannot_be_used_is_refused_with_what_to_do(
    audio_format: AudioFormat | None, audio: bytes, reason: Rejection
) -> None:
    event = Hearing(audio_format).hear(7, audio)
    assert isinstance(event, InputRefused)
    assert (event.seq, event.reason) == (7, reason)
    assert event.message


def test_telephone_audio_has_no_odd_bytes() -> None:
    heard(Hearing(TELEPHONE), bytes(161))
