"""Frugal: memory and dials that are bounded."""

import pytest

from segue.simulator.promises import Broke, frugal
from tests.simulator.promises.told import Told, conversation

_MIB = 2**20


def weighed(*sizes: int, every: float = 20.0, besides: int = 10_000, told: Told | None = None) -> Told:
    """Return a session that held so many bytes, one after the other, `besides` of them no audio."""
    told = told or Told().client(0.0, "session_opened").dialled(0.0, 1).opened(0.5, 1)
    for number, size in enumerate(sizes):
        told.gateway(number * every, "session_weighed", bytes=size, audio=max(0, size - besides))
    return told


def test_a_session_that_holds_little_keeps_the_promise() -> None:
    assert not frugal(weighed(100_000, 5 * _MIB, 200_000)).lacking


def test_a_session_that_nobody_weighed_is_not_checked() -> None:
    assert frugal(conversation()).lacking == "no session was weighed"


def test_more_than_everything_may_take_breaks_it() -> None:
    with pytest.raises(Broke, match="holds 12582912 bytes, 12572912 of them audio, at 0"):
        frugal(weighed(12 * _MIB))


def test_more_than_all_but_audio_may_take_breaks_it() -> None:
    assert not frugal(weighed(_MIB, besides=200_000)).lacking
    with pytest.raises(Broke, match="holds 1048576 bytes, 748576 of them audio, at 0"):
        frugal(weighed(_MIB, besides=300_000))


def test_small_frames_take_more_beside_their_bytes() -> None:
    small = Told().client(0.0, "session_opened").dialled(0.0, 1).opened(0.5, 1).output(1.0, "audio", bytes=480)
    assert not frugal(weighed(2 * _MIB, besides=440_000, told=small)).lacking
    with pytest.raises(Broke, match="holds 2097152 bytes, 1617152 of them audio, at 0"):
        frugal(weighed(2 * _MIB, besides=480_000, told=small))
    large = Told().client(0.0, "session_opened").dialled(0.0, 1).opened(0.5, 1).output(1.0, "audio", bytes=4800)
    with pytest.raises(Broke, match="holds 2097152 bytes, 1657152 of them audio, at 0"):
        frugal(weighed(2 * _MIB, besides=440_000, told=large))


@pytest.mark.parametrize("every", [9.0, 11.0])
def test_a_session_whose_client_takes_little_at_a_time_may_hold_much_for_as_long_as_it_takes_some(every: float) -> None:
    told = Told().client(0.0, "session_opened", acknowledges_within=3.0).dialled(0.0, 1).opened(0.5, 1)
    for number in range(45):
        told.output(1.0 + number * every, "audio", bytes=4800)
    told = weighed(100_000, *[3 * _MIB] * 40, every=11.0, told=told)
    if every < 10.0:
        assert not frugal(told).lacking
    else:
        # It is weighed right before it takes some.
        with pytest.raises(Broke, match=r"since 0\.000 s"):
            frugal(told)


def test_a_session_whose_client_acknowledges_all_at_once_waits_though_it_takes_some() -> None:
    told = Told().client(0.0, "session_opened").dialled(0.0, 1).opened(0.5, 1)
    for number in range(450):
        told.output(1.0 + number, "audio", bytes=4800)
    with pytest.raises(Broke, match=r"since 0\.000 s"):
        frugal(weighed(100_000, *[3 * _MIB] * 20, told=told))


def test_speech_that_is_kept_at_rest_breaks_it() -> None:
    # The only answer is over at 7.5 s.
    assert not frugal(weighed(10_000, 100_000, 10_000, every=6.2, told=conversation())).lacking
    with pytest.raises(Broke, match=r"holds 100000 bytes at rest, at 12\.600 s"):
        frugal(weighed(10_000, 10_000, 100_000, every=6.3, told=conversation()))


def test_speech_that_is_kept_while_words_are_not_answered_does_not() -> None:
    told = conversation().asked(10.0, 100, 199)
    assert not frugal(weighed(10_000, 100_000, every=20.0, told=told)).lacking
    told = conversation().output(8.0, "turn_ended", 2, reason="INTERRUPTED")
    assert not frugal(weighed(10_000, 100_000, every=20.0, told=told)).lacking
    # A turn that was over before them ends late.
    told = conversation().output(8.0, "audio", 2).asked(10.0, 100, 199)
    told.output(12.0, "turn_ended", 2, reason="COMPLETED")
    assert not frugal(weighed(10_000, 100_000, every=20.0, told=told)).lacking


def test_a_turn_that_began_before_the_last_words_were_over_does_not_answer_them() -> None:
    told = conversation().output(8.0, "audio", 2).asked(10.0, 100, 149).output(11.0, "audio", 2)
    told.output(12.0, "turn_ended", 2, reason="COMPLETED")
    assert not frugal(weighed(10_000, 100_000, every=20.0, told=told)).lacking
    # The one that does is whole.
    told.output(31.0, "audio", 3).output(32.0, "turn_ended", 3, reason="COMPLETED")
    with pytest.raises(Broke, match=r"holds 100000 bytes at rest, at 40\.000 s"):
        frugal(weighed(10_000, 10_000, 100_000, every=20.0, told=told))


def test_a_session_that_waits_for_ever_breaks_it() -> None:
    with pytest.raises(Broke, match=r"since 0\.000 s"):
        frugal(weighed(100_000, *[3 * _MIB] * 20))


def test_a_session_that_grows_for_hours_breaks_it() -> None:
    with pytest.raises(Broke, match="grew from 265000 to 935000 bytes"):
        frugal(weighed(*range(100_000, 1_100_000, 5_000), every=60.0))


def test_more_than_two_links_break_it() -> None:
    told = weighed(100_000).dialled(9.0, 2, "RENEWAL").gateway(10.0, "link_hung_up", link=1).dialled(10.0, 3, "RENEWAL")
    assert not frugal(told).lacking
    with pytest.raises(Broke, match="has 3 links at 11"):
        frugal(told.dialled(11.0, 4, "RENEWAL"))


def test_dial_after_dial_breaks_it() -> None:
    told = weighed(100_000)
    for number in range(20):
        told.lost(10.0 + number, 1 + number).dialled(10.0 + number, 2 + number, "RECOVERY")
    with pytest.raises(Broke, match=r"dialled 16 times from 0.000 s"):
        frugal(told)


def test_the_newest_image_is_kept_for_a_while_for_a_link_that_has_not_seen_it() -> None:
    told = conversation().client(6.0, "image_shown", bytes=300_000).client(6.1, "image_shown", bytes=200_000)
    assert not frugal(weighed(10_000, 260_000, every=60.0, told=told)).lacking
    with pytest.raises(Broke, match=r"holds 280000 bytes at rest, at 60"):
        frugal(weighed(10_000, 280_000, every=60.0, told=told))
    told = conversation().client(6.0, "image_shown", bytes=200_000)
    with pytest.raises(Broke, match=r"holds 260000 bytes at rest, at 70"):
        frugal(weighed(10_000, 260_000, every=70.0, told=told))


@pytest.mark.parametrize(("size", "kept"), [(900_000, True), (1_000_001, False)])
def test_what_was_sent_and_not_acknowledged_has_a_bound_of_its_own_at_rest_too(size: int, kept: bool) -> None:
    told = conversation().gateway(20.0, "session_weighed", bytes=size + 10_000, audio=size, unacknowledged=size)
    if kept:
        assert not frugal(told).lacking
    else:
        with pytest.raises(Broke, match=f"holds {size + 10_000} bytes, {size} of them audio"):
            frugal(told)
