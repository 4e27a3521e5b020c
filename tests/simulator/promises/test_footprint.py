"""Frugal: memory and dials that are bounded."""

import pytest

from segue.simulator.promises import Broke, frugal
from tests.simulator.promises.told import Told, conversation

_MIB = 2**20


def weighed(*sizes: int, every: float = 20.0, links: int = 1) -> Told:
    """Return a session that held so many bytes, one after the other."""
    told = conversation()
    for number, size in enumerate(sizes):
        told.gateway(number * every, "session_weighed", bytes=size, links=links)
    return told


def test_a_session_that_holds_little_keeps_the_promise() -> None:
    assert not frugal(weighed(100_000, 5 * _MIB, 200_000)).lacking


def test_a_session_that_nobody_weighed_is_not_checked() -> None:
    assert frugal(conversation()).lacking == "no session was weighed"


def test_more_than_everything_may_take_breaks_it() -> None:
    with pytest.raises(Broke, match="holds 12582912 bytes"):
        frugal(weighed(12 * _MIB))


def test_a_session_that_never_rests_breaks_it() -> None:
    with pytest.raises(Broke, match=r"since 0\.000 s"):
        frugal(weighed(100_000, *[3 * _MIB] * 20))


def test_a_session_that_grows_for_hours_breaks_it() -> None:
    with pytest.raises(Broke, match="grew from 265000 to 935000 bytes"):
        frugal(weighed(*range(100_000, 1_100_000, 5_000), every=60.0))


def test_more_than_two_links_break_it() -> None:
    with pytest.raises(Broke, match="has 3 links"):
        frugal(weighed(100_000, links=3))


def test_dial_after_dial_breaks_it() -> None:
    told = weighed(100_000)
    for number in range(20):
        told.dialled(10.0 + number, 2 + number, "RECOVERY")
    with pytest.raises(Broke, match=r"dialled 16 times from 0.000 s"):
        frugal(told)
