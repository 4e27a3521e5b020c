"""The feed: silence as audio, while the client's audio pauses."""

from itertools import pairwise
from math import inf

import pytest

from segue.core.feed import FEED_PIECE, Feed, comfort_noise


def fed(feed: Feed) -> list[float]:
    """Take what is due at each deadline; return when that was."""
    times = []
    while (at := feed.deadline()) < inf:
        assert not feed.take(at - 0.001)
        assert feed.take(at)
        assert feed.deadline() > at
        times.append(at)
    return times


def test_nothing_is_fed_before_the_user_was_heard() -> None:
    feed = Feed(0.8)
    assert feed.deadline() == inf
    assert not feed.take(1e6)


@pytest.mark.parametrize("silence", [0.8, 2.0])
def test_silence_is_fed_at_the_pace_of_speech_for_as_long_as_the_detector_needs_and_a_second(silence: float) -> None:
    feed = Feed(silence)
    feed.hear(10.0)
    times = fed(feed)
    assert times[0] == 10.2
    assert [later - earlier for earlier, later in pairwise(times)] == pytest.approx([FEED_PIECE] * (len(times) - 1))
    assert len(times) * FEED_PIECE == pytest.approx(silence + 1.0, abs=1.01 * FEED_PIECE)


def test_audio_that_comes_again_ends_the_feeding() -> None:
    feed = Feed(0.8)
    feed.hear(10.0)
    assert feed.take(10.2)
    assert not feed.take(10.29)
    feed.hear(10.25)
    assert feed.deadline() == 10.45


def test_silence_that_could_not_be_fed_in_its_time_is_fed_later_and_not_in_a_burst() -> None:
    feed = Feed(0.8)
    feed.hear(10.0)
    taken = 0
    while feed.take(60.0):
        taken += 1
    assert taken <= 2
    assert (taken + len(fed(feed))) * FEED_PIECE == pytest.approx(1.8, abs=1.01 * FEED_PIECE)


@pytest.mark.parametrize("rate", [8_000, 11_025, 48_000])
def test_comfort_noise_is_faint_and_never_silent(rate: int) -> None:
    noise = comfort_noise(rate)
    samples = [int.from_bytes(noise[at : at + 2], "little", signed=True) for at in range(0, len(noise), 2)]
    assert len(samples) == round(rate * FEED_PIECE)
    assert set(samples) == {-3, -2, -1, 0, 1, 2, 3}
    assert abs(sum(samples)) / len(samples) < 0.5
