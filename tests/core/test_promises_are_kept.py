"""The session keeps its promises, and the checkers notice when it does not."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from typing import TypeAlias

import pytest

from segue.core.calls import Calls
from segue.core.downlink import Downlink
from segue.core.links import Links
from segue.core.numbers import Numbers
from segue.core.outbox import Outbox
from segue.core.outputs import UNNUMBERED, Output
from segue.core.session import Session, State
from segue.core.turns import Turn
from segue.simulator.history import History
from segue.simulator.promises import Broke, check
from tests.core.recorded import record

SEEDS = range(60)
Mutate: TypeAlias = Callable[[pytest.MonkeyPatch], None]


def test_whatever_is_said_every_promise_is_kept() -> None:
    checked: set[str] = set()
    for seed in SEEDS:
        history = History()
        record(seed, history)
        checked.update(check(history, must={"Ordered", "Gapless", "Frugal", "Clean", "Legal"}).checked)
    # What is said on each link, and what it costs, is for the world to tell.
    assert checked >= {"Silent", "Recovering"}


def test_a_seed_tells_the_same_story_twice() -> None:
    one, other = History(), History()
    record(7, one)
    record(7, other)
    assert list(one) == list(other)
    assert len(one) > 50


def swap_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    counter = count()

    def number(self: Numbers, output: Output) -> int:
        # 2, 1, 4, 3: none is left out.
        return 0 if isinstance(output, UNNUMBERED) else (next(counter) ^ 1) + 1

    monkeypatch.setattr(Numbers, "number", number)


def skip_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    number = Numbers.number
    monkeypatch.setattr(Numbers, "number", lambda self, output: (seq := number(self, output)) + (seq > 5))


def throw_nothing_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Outbox, "discard", lambda self, turn, now: 0.0)


def go_on_with_a_turn_that_was_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    turn_of_output = Downlink._turn_of_output

    def ungated(self: Downlink, now: float) -> Turn | None:
        return self.turns.open or turn_of_output(self, now)

    monkeypatch.setattr(Downlink, "_turn_of_output", ungated)


def forget_to_hang_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Links, "hang_up", lambda self: None)


def keep_a_link_that_was_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Links, "_hang_up_current", lambda self: None)


def keep_a_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    deadline = Session.deadline
    monkeypatch.setattr(Session, "deadline", lambda self: 1e9 if self.state is State.ENDED else deadline(self))


def send_before_the_link_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    open_ = Links.open

    def hasty(self: Links, now: float) -> None:
        open_(self, now)
        self.up = True

    monkeypatch.setattr(Links, "open", hasty)


def forget_what_a_link_remembers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Calls, "move", lambda self, since: None)


def speak_during_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Calls, "waiting", property(lambda self: False))


@pytest.mark.parametrize(
    ("promise", "mutate"),
    [
        ("Ordered", swap_numbers),
        ("Gapless", skip_a_number),
        ("Silent", throw_nothing_away),
        ("Silent", go_on_with_a_turn_that_was_cut),
        ("Clean", forget_to_hang_up),
        ("Frugal", keep_a_link_that_was_replaced),
        ("Clean", keep_a_timer),
        ("Legal", send_before_the_link_is_up),
        ("Legal", forget_what_a_link_remembers),
        ("Legal", speak_during_a_call),
    ],
)
def test_a_session_that_breaks_a_promise_is_caught(
    promise: str, mutate: Mutate, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutate(monkeypatch)
    assert promise in _broken()


def _broken() -> Iterator[str]:
    """Yield the promises that stories break, one a story."""
    for seed in SEEDS:
        history = History()
        # What a mutation does to the session's own assertions is not the point here.
        with suppress(AssertionError):
            record(seed, history)
        try:
            check(history)
        except Broke as broke:
            yield broke.promise
