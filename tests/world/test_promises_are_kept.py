"""Worlds keep every promise, and the checkers notice when the core does not: mutations of the code, for each."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain, count, repeat
from math import inf
from random import Random
from typing import Any, TypeAlias

import pytest

from segue.core import journal, notes, recovery
from segue.core.actions import Action, Send
from segue.core.events import Event
from segue.core.journal import Journal
from segue.core.links import Links
from segue.core.numbers import Numbers
from segue.core.options import Mode, ResumeContext
from segue.core.outbox import Outbox
from segue.core.outputs import UNNUMBERED, Closed, Output, TurnEnded, UserActivity
from segue.core.playback import Playback
from segue.core.recall import Exchange
from segue.core.recovery import Recovery
from segue.core.replay import Replay
from segue.core.resume_context import Interruption, note_of
from segue.core.session import Session
from segue.core.turns import Turn
from segue.core.uplink import Uplink
from segue.core.watchdog import Watchdog
from segue.simulator.faults.closing import CloseConnection, TcpReset
from segue.simulator.faults.connection import LatePongs
from segue.simulator.faults.fault import When
from segue.simulator.faults.plan import FaultPlan, arm_all
from segue.simulator.faults.silence import Wedge
from segue.simulator.history import History
from segue.simulator.outgoing import Stage
from segue.simulator.promises import CHECKERS, Broke, Verdict, check
from segue.simulator.promises.renewal import judged_of
from segue.simulator.switches import Switches
from segue.simulator.world.client import Acting, Client
from segue.simulator.world.setting import Habits
from segue.simulator.world.world import run_world, world_of
from tests.world.regressions import REGRESSIONS
from tests.world.scene import A_STORY, OPEN_MICROPHONE, Scene, on_the_first, setting

Mutate: TypeAlias = Callable[[pytest.MonkeyPatch], None]

SEEDS = range(1, 41)
MINUTES = 3.0


def test_whatever_happens_every_promise_is_kept() -> None:
    checked: set[str] = set()
    answers: list[Verdict] = []
    splits: list[Verdict] = []
    judged: Counter[str] = Counter()
    cases: Counter[str] = Counter()
    for seed in SEEDS:
        history = run_world(seed, MINUTES)
        report = check(history, must={"Ordered", "Gapless", "Unique", "Frugal", "Clean"})
        checked.update(report.checked)
        verdicts = {verdict.promise: verdict for verdict in report.verdicts}
        answers.append(verdicts["Recovering"])
        splits.append(verdicts["Heard"])
        seamless = judged_of(history)
        judged.update(seamless.judged)
        cases.update(seamless.cases)
    assert checked == set(CHECKERS)
    # What somebody interrupted may be missing, and so may what a session's end overtook.
    for what, share in {"renewals": 0.85, "utterances": 0.75, "turns": 0.4}.items():
        assert judged[what] >= share * cases[what]
    # So many of the user's words could have been found to be without an answer; the other users did not wait for one.
    assert sum(verdict.judged for verdict in answers) >= 0.75 * sum(verdict.cases for verdict in answers)
    # What comes all at once, or in a transcript that a fault displaces, is heard to nobody knows where.
    assert sum(verdict.judged for verdict in splits) >= 0.8 * sum(verdict.cases for verdict in splits) >= 100


@pytest.mark.parametrize(("seed", "minutes", "caught"), REGRESSIONS)
def test_what_was_caught_once_does_not_come_back(seed: int, minutes: float, caught: str) -> None:
    assert caught
    # They were caught before turns were taken in other ways.
    check(run_world(seed, minutes, turn_taking=False))


def swap_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    counter = count()

    def number(self: Numbers, output: Output) -> int:
        # 2, 1, 4, 3: none is left out.
        return 0 if isinstance(output, UNNUMBERED) else (next(counter) ^ 1) + 1

    monkeypatch.setattr(Numbers, "number", number)


def let_a_frame_overtake(monkeypatch: pytest.MonkeyPatch) -> None:
    put_audio = Outbox.put_audio

    def hasty(self: Outbox, turn: int, audio: bytes) -> None:
        put_audio(self, turn, audio)
        self._spoken.insert(-1, self._spoken.pop())

    monkeypatch.setattr(Outbox, "put_audio", hasty)


def go_on_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    receive = Session.receive

    def talkative(self: Session, event: Event, now: float) -> list[Action]:
        actions = receive(self, event, now)
        ends = [action for action in actions if isinstance(action, Send) and isinstance(action.output, Closed)]
        return actions + [Send(end.seq + 1, UserActivity(started=True)) for end in ends]

    monkeypatch.setattr(Session, "receive", talkative)


def use_a_number_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    number = Numbers.number
    monkeypatch.setattr(Numbers, "number", lambda self, output: (seq := number(self, output)) - (seq > 5))


def end_turns_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    put_end = Outbox.put_end

    def twice(self: Outbox, ended: TurnEnded) -> None:
        put_end(self, ended)
        self._spoken.append(ended)

    monkeypatch.setattr(Outbox, "put_end", twice)


def tell_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    receive = Session.receive

    def secretive(self: Session, event: Event, now: float) -> list[Action]:
        actions = receive(self, event, now)
        return [action for action in actions if not (isinstance(action, Send) and isinstance(action.output, TurnEnded))]

    monkeypatch.setattr(Session, "receive", secretive)


def skip_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    number = Numbers.number
    monkeypatch.setattr(Numbers, "number", lambda self, output: (seq := number(self, output)) + (seq > 5))


def throw_nothing_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Outbox, "discard", lambda self, turn, now: 0.0)


def take_more_for_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    split = Turn.split
    monkeypatch.setattr(Turn, "split", lambda self, heard: split(self, heard + 1.0))


def take_less_for_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    split = Turn.split
    monkeypatch.setattr(Turn, "split", lambda self, heard: split(self, heard - 1.0))


def forget_what_was_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    split = Turn.split
    monkeypatch.setattr(Turn, "split", lambda self, heard: (split(self, heard)[0], ""))


def ignore_what_the_client_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Playback, "report_heard", lambda self, number, heard, output_seq: None)


def tell_the_model_that_all_was_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_heard(context: ResumeContext, cut: Interruption, exchanges: Sequence[Exchange], said: str) -> str:
        return note_of(context, replace(cut, heard=cut.heard + cut.unheard), exchanges, said)

    monkeypatch.setattr(notes, "note_of", all_heard)


def say_half_of_what_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    put_audio = Outbox.put_audio
    monkeypatch.setattr(Outbox, "put_audio", lambda self, turn, audio: put_audio(self, turn, audio[: len(audio) // 2]))


def forget_to_hang_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Links, "hang_up", lambda self: None)


def keep_a_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "deadline", lambda self: 1e9)


def forget_what_is_too_much_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    forget: Any = Journal.forget

    def forget_the_first(journal: Any, serial: int) -> None:
        if journal._pieces and serial == journal._pieces[0].serial + 1:
            forget(journal, serial)

    monkeypatch.setattr(Journal, "forget", forget_the_first)


def keep_links_that_were_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Links, "_hang_up_current", lambda self: None)


def ignore_go_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Links, "hurry", lambda self, now, time_left: None)


def leave_out_what_is_written_while_speaking(monkeypatch: pytest.MonkeyPatch) -> None:
    write = Uplink.write
    monkeypatch.setattr(Uplink, "write", lambda self, text, now: self.journal.open or write(self, text, now))


@pytest.mark.parametrize(
    ("promise", "mutate", "how"),
    [
        ("Ordered", swap_numbers, "got seq 1 after seq 2"),
        ("Ordered", let_a_frame_overtake, "got block"),
        ("Ordered", go_on_after_the_end, "after it was closed"),
        ("Gapless", skip_a_number, "never seq"),
        ("Unique", use_a_number_twice, "got .* in seq 5 and .* in seq 5"),
        ("Unique", end_turns_twice, "got turn_ended .* after that turn had ended"),
        ("Unique", tell_no_end, "never got the end of turn"),
        ("Silent", throw_nothing_away, "after its Interrupted"),
        ("Heard", take_more_for_heard, "is said to be heard to"),
        ("Heard", take_less_for_heard, "is said not to be heard from"),
        ("Heard", forget_what_was_not_heard, "and not each once"),
        ("Heard", ignore_what_the_client_reports, "was reported to be played for"),
        ("Heard", tell_the_model_that_all_was_heard, "told the model"),
        ("Seamless", say_half_of_what_was_said, "never got .* blocks of turn"),
        ("Recovering", leave_out_what_is_written_while_speaking, 'no answer to .*"This is message'),
        ("Frugal", forget_what_is_too_much_alone, "bytes at rest"),
        ("Frugal", keep_links_that_were_replaced, "has 3 links"),
        ("Clean", forget_to_hang_up, "links remained"),
        ("Clean", keep_a_timer, "timers remained"),
        ("Legal", ignore_go_away, ""),
    ],
)
def test_a_core_that_breaks_a_promise_is_caught(
    promise: str, mutate: Mutate, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutate(monkeypatch)
    assert any(_breaks(promise, how, seed) for seed in SEEDS)


def _breaks(promise: str, how: str, seed: int) -> bool:
    """Return whether the world of a seed breaks a promise, and its checker says so in words that match `how`."""
    world = world_of(seed, MINUTES)
    # What a mutation does to the session's own assertions is not the point here.
    with suppress(AssertionError, Broke):
        world.run(MINUTES * 60.0)
    try:
        CHECKERS[promise](world.history)
    except Broke as broke:
        return re.search(how, str(broke)) is not None
    return False


def ask(client: Client) -> Acting:
    """Ask something, and wait for the answer for as long as anybody would."""
    yield from client.quiet(3.0)
    yield from client.speak([3.0])
    yield from client.quiet(60.0)
    client.leave()


def wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watchdog, "deadline", lambda self: float("inf"))


def wait_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    deadline = Watchdog.deadline
    monkeypatch.setattr(Watchdog, "deadline", lambda self: deadline(self) + 12.0)


def wait_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watchdog, "timeout", 0.1)


def replay_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Uplink, "replay", lambda self, pieces, words, now, *, ended: 0.0)


def replay_nothing_and_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    replay_nothing(monkeypatch)
    wait_for_ever(monkeypatch)


def replay_what_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Journal, "forget", lambda self, serial: None)


def take_heart_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    recover: Any = Links._recover
    slowly = lambda self, cause, now, pause, **rest: recover(self, cause, now, pause + 5.0, **rest)  # noqa: E731
    monkeypatch.setattr(Links, "_recover", slowly)


def give_up_at_the_first_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recovery, "may_try", lambda self, now, pause: False)


def give_up_at_the_first_wedge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "_WEDGES", 1)


def never_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recovery, "may_try", lambda self, now, pause: True)
    monkeypatch.setattr(Recovery, "give_up_at", lambda self, swapped_at: float("inf"))


_LOST_WHILE_AWAITED = FaultPlan(TcpReset, When(second=6.2))
_WEDGED = FaultPlan(Wedge)


@pytest.mark.parametrize(
    ("mutate", "fault", "how"),
    [
        (wait_for_ever, _WEDGED, "got no answer to its words"),
        (wait_too_long, _WEDGED, "got no answer to its words"),
        (replay_nothing_and_wait_for_ever, _LOST_WHILE_AWAITED, "got no answer to its words"),
        (wait_for_nothing, FaultPlan(LatePongs), r"took a healthy link for wedged at .* \(SILENCE\)"),
        (replay_nothing, _LOST_WHILE_AWAITED, "took a healthy link for wedged"),
        (replay_what_is_answered, FaultPlan(TcpReset, When(chunk=4)), "answered again by turn 1 of link 2"),
        (take_heart_slowly, _LOST_WHILE_AWAITED, "dialled no other within 1 s"),
        (give_up_at_the_first_loss, _LOST_WHILE_AWAITED, r"was closed at .* \(BACKEND_LOST\) without a cause"),
        (give_up_at_the_first_wedge, _WEDGED, r"was closed at .* \(BACKEND_WEDGED\) without a cause"),
    ],
)
def test_a_core_that_does_not_recover_is_caught(
    mutate: Mutate, fault: FaultPlan, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Scene(setting(habits=OPEN_MICROPHONE), ask, faults=on_the_first(fault)).check("Clean")
    mutate(monkeypatch)
    scene = Scene(setting(habits=OPEN_MICROPHONE), ask, faults=on_the_first(fault))
    with pytest.raises(Broke, match=f"broke Recovering: .*{how}"):
        CHECKERS["Recovering"](scene.history)


def speak_up(client: Client) -> Acting:
    """Say two things while the model tells a story."""
    yield from ask_for_a_story(client)
    for pause in (2.0, 60.0):
        yield from client.speak([1.0])
        yield from client.quiet(pause)
    client.leave()


def ask_for_a_story(client: Client) -> Acting:
    yield from client.quiet(1.0)
    yield from client.speak([1.0])
    yield from client.quiet(5.0)


def test_a_core_that_gives_one_by_one_what_had_to_wait_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = setting()
    patient = replace(plain, options=replace(plain.options, mode=Mode.MANUAL, barge_in_after=inf))
    Scene(patient, speak_up, dialogue=A_STORY).check("Clean")
    monkeypatch.setattr(Journal, "join", lambda self, serial: False)
    monkeypatch.setattr(Replay, "_place", lambda self, piece: 0)
    with pytest.raises(Broke, match=r"broke Recovering: .* got no answer to its words"):
        CHECKERS["Recovering"](Scene(patient, speak_up, dialogue=A_STORY).history)


def test_a_core_that_never_gives_a_dead_service_up_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    never_give_up(monkeypatch)
    plans = chain([When(second=6.0)], repeat(When(second=0.0)))

    def dies(rng: Random, opened_at: float) -> Sequence[Stage]:
        return arm_all([FaultPlan(CloseConnection, next(plans), {"cause": "unavailable"})], Switches(), rng, opened_at)

    scene = Scene(setting(), lambda client: client.quiet(200.0), seconds=200.0, faults=dies)
    with pytest.raises(Broke, match=r"broke Recovering: .* had no link from 6\..* s on for 65 s and did not close"):
        CHECKERS["Recovering"](scene.history)


def test_a_core_that_dials_for_ever_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recovery, "may_try", lambda self, now, pause: True)
    monkeypatch.setattr(Recovery, "pause", lambda self, lost: 0.0)
    plan = FaultPlan(CloseConnection, When(second=0.0))
    scene = Scene(setting(faults=(plan,)), lambda client: client.quiet(60.0), seconds=70.0)
    _assert_not_frugal(scene.history, "dialled 16 times")


def test_a_core_that_forgets_nothing_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "LIMIT", 10**12)
    monkeypatch.setattr(Journal, "forget", lambda self, serial: None)
    monkeypatch.setattr(Journal, "forget_wordless", lambda self, now: None)
    scene = Scene(setting(habits=Habits(rambles=1.0)), lambda client: client.talk(900.0), seconds=900.0)
    _assert_not_frugal(scene.history, "of them audio")


def _assert_not_frugal(history: History, how: str) -> None:
    with pytest.raises(Broke, match=f"broke Frugal: .*{how}"):
        CHECKERS["Frugal"](history)
