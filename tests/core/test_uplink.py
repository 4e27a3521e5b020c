"""The uplink: what input is refused, what waits for a link, and the silence that is fed."""

from dataclasses import replace
from math import inf

import pytest

from segue.core.options import Options, ServerDetection
from segue.core.outputs import Rejection
from segue.core.uplink import (
    FEED_AFTER,
    FEED_PIECE,
    MAX_AUDIO_BYTES,
    MAX_TEXT_BYTES,
    WAITING_LIMIT,
    WAITING_TEXTS,
    Uplink,
    comfort_noise,
)
from tests.core.conversation import OPTIONS, voice


@pytest.fixture
def uplink() -> Uplink:
    return Uplink(OPTIONS)


@pytest.mark.parametrize(
    ("audio", "rejection"),
    [
        (b"", Rejection.EMPTY),
        (b"\x01", Rejection.ODD_BYTES),
        (bytes(MAX_AUDIO_BYTES + 2), Rejection.TOO_LARGE),
    ],
)
def test_audio_that_cannot_be_used_is_refused_with_advice(uplink: Uplink, audio: bytes, rejection: Rejection) -> None:
    fault = uplink.fault_of_audio(audio)
    assert fault is not None
    assert fault[0] is rejection
    assert "send" in fault[1]


def test_audio_of_whole_samples_is_taken(uplink: Uplink) -> None:
    assert uplink.fault_of_audio(bytes(2)) is None
    assert uplink.fault_of_audio(bytes(MAX_AUDIO_BYTES)) is None


def test_audio_without_a_format_is_refused() -> None:
    fault = Uplink(Options("model")).fault_of_audio(bytes(2))
    assert fault is not None
    assert fault[0] is Rejection.NO_INPUT_FORMAT


@pytest.mark.parametrize(
    ("text", "rejection"),
    [("", Rejection.EMPTY), (" \n", Rejection.EMPTY), ("é" * (MAX_TEXT_BYTES // 2 + 1), Rejection.TOO_LARGE)],
)
def test_text_that_cannot_be_used_is_refused(uplink: Uplink, text: str, rejection: Rejection) -> None:
    fault = uplink.fault_of_text(text)
    assert fault is not None
    assert fault[0] is rejection


def test_text_with_words_is_taken(uplink: Uplink) -> None:
    assert uplink.fault_of_text("é" * (MAX_TEXT_BYTES // 2)) is None


def test_a_click_is_no_speech(uplink: Uplink) -> None:
    uplink.listen(voice(0.1), True, 0.0)
    assert not uplink.speaking
    uplink.listen(voice(0.1), False, 0.1)
    uplink.listen(voice(0.1), True, 0.2)
    assert not uplink.speaking


def test_voice_that_lasts_is_speech(uplink: Uplink) -> None:
    for _ in range(8):
        uplink.listen(voice(0.02), True, 0.0)
    assert uplink.speaking
    assert uplink.audio_seconds == pytest.approx(0.16)


def test_what_waits_is_released_once_and_in_order(uplink: Uplink) -> None:
    for piece in (b"one", "two", b"three"):
        assert uplink.keep(piece) is None
    assert uplink.release() == [b"one", "two", b"three"]
    assert uplink.release() == []


def test_the_newest_audio_is_refused_when_too_much_waits(uplink: Uplink) -> None:
    for _ in range(int(WAITING_LIMIT)):
        assert uplink.keep(voice(1.0)) is None
    assert uplink.keep(voice(0.02)) is not None
    uplink.release()
    assert uplink.keep(voice(0.02)) is None


def test_the_newest_text_is_refused_when_too_many_wait(uplink: Uplink) -> None:
    for _ in range(WAITING_TEXTS):
        assert uplink.keep("Hello?") is None
    fault = uplink.keep("Hello?")
    assert fault is not None
    assert fault[0] is Rejection.INPUT_OVERFLOW
    uplink.release()
    assert uplink.keep("Hello?") is None


def test_nothing_is_fed_before_the_user_was_heard(uplink: Uplink) -> None:
    assert uplink.feed_deadline() == inf
    assert uplink.feed(1e6) == []


def test_silence_is_fed_at_the_pace_of_speech_while_the_audio_pauses(uplink: Uplink) -> None:
    uplink.listen(voice(0.02), True, 10.0)
    assert uplink.feed_deadline() == 10.0 + FEED_AFTER
    assert uplink.feed(10.0 + FEED_AFTER - 0.01) == []
    now, fed = uplink.feed_deadline(), 0.0
    while now < inf:
        pieces = uplink.feed(now)
        assert pieces == [comfort_noise(16_000)]
        fed += FEED_PIECE
        assert uplink.feed_deadline() > now
        now = uplink.feed_deadline()
    # The detector's 0.8 s of silence and a second more.
    assert 1.75 < fed < 1.95
    assert not uplink.speaking


def test_a_longer_silence_of_the_detector_is_fed_longer() -> None:
    uplink = Uplink(replace(OPTIONS, detection=ServerDetection(silence_ms=2000)))
    uplink.listen(voice(0.02), True, 10.0)
    assert len(uplink.feed(1e6)) in (30, 31)


def test_audio_that_comes_again_ends_the_feeding(uplink: Uplink) -> None:
    uplink.listen(voice(0.02), True, 10.0)
    uplink.feed(10.5)
    uplink.listen(voice(0.02), True, 10.5)
    assert uplink.feed_deadline() == 10.5 + FEED_AFTER


@pytest.mark.parametrize("rate", [8_000, 11_025, 48_000])
def test_comfort_noise_is_faint_and_never_silent(rate: int) -> None:
    noise = comfort_noise(rate)
    samples = [int.from_bytes(noise[at : at + 2], "little", signed=True) for at in range(0, len(noise), 2)]
    assert len(samples) == round(rate * FEED_PIECE)
    assert set(samples) == {-3, -2, -1, 0, 1, 2, 3}
    assert abs(sum(samples)) / len(samples) < 0.5
