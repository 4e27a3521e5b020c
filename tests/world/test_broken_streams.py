"""Clients whose streams break: they come back and have missed nothing, and a core that lets them down is caught."""

import re
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any, TypeAlias

import pytest

from segue.core.attachment import Attachment
from segue.core.numbers import Numbers, Verdict
from segue.core.options import Mode
from segue.core.outputs import Closed, CloseReason, Next
from segue.core.session import Session
from segue.simulator.promises import CHECKERS, Broke, check
from segue.simulator.world.client import Acting, Client
from segue.simulator.world.delivery import with_breaking_streams
from segue.simulator.world.setting import Habits, Setting
from segue.simulator.world.stream import Breaking
from segue.simulator.world.world import run_world
from tests.world.scene import A_STORY, Scene, setting

Mutate: TypeAlias = Callable[[pytest.MonkeyPatch], None]

MUST = ("Ordered", "Gapless", "Unique", "Resumable", "Clean")
MINUTES = 3.0


def breaking(every: float = 8.0, away: float = 2.0, noticed: float = 1.0, **options: Any) -> Setting:
    """Return a setting in which nothing goes wrong but the client's streams."""
    plain = setting()
    lasting = replace(plain.options, resume_window=60.0, **options)
    return replace(plain, options=lasting, habits=Habits(streams=True, breaking=Breaking(every, away, noticed)))


def converse(client: Client) -> Acting:
    """Ask and listen, for a minute."""
    for _ in range(5):
        answers = client.answers
        yield from client.speak([2.0])
        yield from client.hear_out(answers)
        yield from client.quiet(1.0)
    client.leave("finish")


@pytest.mark.parametrize("mode", [Mode.SERVER, Mode.MANUAL, Mode.GATEWAY], ids=lambda mode: mode.name)
@pytest.mark.parametrize("seed", range(4))
def test_a_client_that_comes_back_misses_nothing(mode: Mode, seed: int) -> None:
    scene = Scene(breaking(every=4.0, mode=mode), converse, seconds=200.0, seed=seed)
    scene.check(*MUST)
    assert scene.did("client_came_back")
    words = scene.session.words
    assert len(words) == 5
    assert all(any(scene.session.answers(said)) for said in words)


def test_a_gateway_that_notices_late_is_taken_over() -> None:
    scene = Scene(breaking(away=0.3, noticed=30.0), converse, seconds=200.0)
    scene.check(*MUST)
    assert any(back.fields["takes_over"] for back in scene.did("client_came_back"))


def test_who_is_away_for_longer_misses_what_was_said_and_knows_it() -> None:
    scene = Scene(breaking(every=15.0, away=25.0), converse, seconds=400.0, dialogue=A_STORY, seed=3)
    scene.check(*MUST)
    causes = {cut.fields["cause"] for cut in scene.session.got("interrupted")}
    assert "DETACHED" in causes


def test_who_never_comes_back_is_forgotten_after_the_window() -> None:
    def vanish(client: Client) -> Acting:
        yield from client.speak([2.0])
        client.leave("vanish")

    scene = Scene(breaking(every=1e9), vanish, seconds=200.0)
    scene.check("Clean")
    [ended] = scene.did("session_ended")
    [lost] = scene.did("client_lost")
    assert ended.at == pytest.approx(lost.at + 60.0, abs=0.1)


def test_streams_break_in_worlds() -> None:
    plain = setting()
    drawn = [with_breaking_streams(plain, Random(seed)) for seed in range(200)]
    assert 10 < sum(one.habits.breaking.every < 1e9 for one in drawn) < 60
    seeds = [seed for seed in range(60) if Random(f"{seed}/breaking streams").random() < 0.15]
    for seed in seeds[:5]:
        check(run_world(seed, MINUTES))


def use_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Numbers.judge

    def greedy(self: Numbers, seq: int) -> Verdict:
        verdict = judge(self, seq)
        return Verdict.NEXT if verdict is Verdict.REPEAT else verdict

    monkeypatch.setattr(Numbers, "judge", greedy)
    forget_input(monkeypatch)


def forget_input(monkeypatch: pytest.MonkeyPatch) -> None:
    resume = Numbers.resume
    monkeypatch.setattr(Numbers, "resume", lambda self: max(0, resume(self) - 20))


def send_all_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Attachment, "acknowledge", lambda self, seq, now: None)


def keep_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(self: Attachment, seq: int, output: object, now: float) -> None:
        self._last = seq

    monkeypatch.setattr(Attachment, "keep", lose)


def refuse_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = Closed(CloseReason.RESUME_REJECTED, "no", Next.OPEN_AGAIN)
    monkeypatch.setattr(Session, "fault_of_resume", lambda self, last_seq: refusal)


def forget_all_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Numbers, "resume", lambda self: 0)


@pytest.mark.parametrize(
    ("promise", "mutate", "how"),
    [
        ("Unique", use_repeats, "was given .* twice"),
        ("Unique", send_all_again, "again at"),
        ("Gapless", keep_nothing, "never seq"),
        ("Resumable", refuse_everybody, "was refused"),
        ("Resumable", forget_all_input, "had acknowledged"),
    ],
)
def test_a_core_that_lets_clients_down_is_caught(
    promise: str, mutate: Mutate, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutate(monkeypatch)
    assert any(_breaks(promise, how, seed) for seed in range(6))


def _breaks(promise: str, how: str, seed: int) -> bool:
    try:
        scene = Scene(breaking(), converse, seconds=200.0, seed=seed)
        CHECKERS[promise](scene.history)
    except Broke as broke:
        return re.search(how, str(broke)) is not None
    return False
