"""Worlds keep every promise, and the checkers notice when the core does not: mutations of the code, for each."""

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any, TypeAlias

import pytest

from segue.core import journal
from segue.core.journal import Journal
from segue.core.links import Links
from segue.core.numbers import Numbers
from segue.core.outbox import Outbox
from segue.core.outputs import UNNUMBERED, Output
from segue.core.session import Session
from segue.core.uplink import Uplink
from segue.core.watchdog import Watchdog
from segue.simulator.faults.closing import CloseConnection
from segue.simulator.faults.fault import When
from segue.simulator.faults.plan import FaultPlan
from segue.simulator.history import History
from segue.simulator.promises import CHECKERS, Broke, check
from segue.simulator.world.setting import Habits
from segue.simulator.world.world import run_world, world_of
from tests.world.regressions import REGRESSIONS
from tests.world.scene import Scene, setting

Mutate: TypeAlias = Callable[[pytest.MonkeyPatch], None]

SEEDS = range(1, 41)
MINUTES = 3.0


def test_whatever_happens_every_promise_is_kept() -> None:
    checked: set[str] = set()
    for seed in SEEDS:
        checked.update(check(run_world(seed, MINUTES), must={"Ordered", "Gapless", "Frugal", "Clean"}).checked)
    assert checked == set(CHECKERS)


@pytest.mark.parametrize(("seed", "minutes", "caught"), REGRESSIONS)
def test_what_was_caught_once_does_not_come_back(seed: int, minutes: float, caught: str) -> None:
    assert caught
    check(run_world(seed, minutes))


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


def open_the_next_link_at_the_swap(monkeypatch: pytest.MonkeyPatch) -> None:
    swap = Links.swap

    def unprepared(self: Links, now: float, *, cuts: bool) -> None:
        self._hang_up_next()
        swap(self, now, cuts=cuts)

    monkeypatch.setattr(Links, "swap", unprepared)


def forget_what_is_said_during_a_swap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Journal, "since", lambda self, serial: [])


def say_half_of_what_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    put_audio = Outbox.put_audio
    monkeypatch.setattr(Outbox, "put_audio", lambda self, turn, audio: put_audio(self, turn, audio[: len(audio) // 2]))


def wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watchdog, "deadline", lambda self: float("inf"))


def replay_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Uplink, "replay", lambda self, pieces, words, *, ended: 0.0)


def take_heart_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    recover: Any = Links._recover
    monkeypatch.setattr(Links, "_recover", lambda self, cause, now, pause: recover(self, cause, now, pause + 5.0))


def forget_to_hang_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Links, "hang_up", lambda self: None)


def keep_a_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "deadline", lambda self: 1e9)


def ignore_go_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Links, "hurry", lambda self, now, time_left: None)


@pytest.mark.parametrize(
    ("promise", "mutate"),
    [
        ("Ordered", swap_numbers),
        ("Gapless", skip_a_number),
        ("Silent", throw_nothing_away),
        ("Seamless", open_the_next_link_at_the_swap),
        ("Seamless", forget_what_is_said_during_a_swap),
        ("Seamless", say_half_of_what_was_said),
        ("Recovering", wait_for_ever),
        ("Recovering", replay_nothing),
        ("Recovering", take_heart_slowly),
        ("Clean", forget_to_hang_up),
        ("Clean", keep_a_timer),
        ("Legal", ignore_go_away),
    ],
)
def test_a_core_that_breaks_a_promise_is_caught(promise: str, mutate: Mutate, monkeypatch: pytest.MonkeyPatch) -> None:
    mutate(monkeypatch)
    assert any(_breaks(promise, seed) for seed in SEEDS)


def _breaks(promise: str, seed: int) -> bool:
    world = world_of(seed, MINUTES)
    # What a mutation does to the session's own assertions is not the point here.
    with suppress(AssertionError, Broke):
        world.run(MINUTES * 60.0)
    try:
        CHECKERS[promise](world.history)
    except Broke:
        return True
    return False


def test_a_core_that_dials_for_ever_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Links, "_may_try", lambda self, now, pause: True)
    monkeypatch.setattr(Links, "_pause", lambda self, lost: 0.0)
    plan = FaultPlan(CloseConnection, When(second=0.0))
    scene = Scene(setting(faults=(plan,)), lambda client: client.quiet(60.0), seconds=70.0)
    _assert_not_frugal(scene.history)


def test_a_core_that_forgets_nothing_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "LIMIT", 10**12)
    monkeypatch.setattr(Journal, "forget", lambda self, serial: None)
    monkeypatch.setattr(Journal, "forget_wordless", lambda self, now: None)
    scene = Scene(setting(habits=Habits(rambles=1.0)), lambda client: client.talk(900.0), seconds=900.0)
    _assert_not_frugal(scene.history)


def _assert_not_frugal(history: History) -> None:
    with pytest.raises(Broke) as broke:
        CHECKERS["Frugal"](history)
    assert broke.value.promise == "Frugal"
