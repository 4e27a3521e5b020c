"""A seed tells one story, whatever else the process does; and it tells all of it."""

import os
import subprocess
import sys
from dataclasses import replace
from math import inf
from random import Random

import pytest

from segue.core.options import FunctionDeclaration, Mode, ResumePolicy
from segue.simulator.dialogue import Call, Dialogue, Line
from segue.simulator.switches import Switches
from segue.simulator.world.client import Acting, Client
from segue.simulator.world.dialogues import FUNCTIONS
from segue.simulator.world.setting import Habits, draw_setting, with_nameless_calls
from segue.simulator.world.story import tell
from segue.simulator.world.turn_taking import with_pressing_notes, with_turn_taking, with_writing
from segue.simulator.world.world import World, digest, run_world
from tests.world import scene

_PROGRAM = "from segue.simulator.world.world import digest, run_world; print(digest(run_world({seed}, {minutes})))"


@pytest.mark.parametrize("seed", [3, 4])
def test_the_same_seed_tells_the_same_story_under_any_hash_seed(seed: int) -> None:
    told = digest(run_world(seed, 1.0))
    for hash_seed in ("0", "4711"):
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM.format(seed=seed, minutes=1.0)],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == told


def test_another_seed_tells_another_story() -> None:
    assert digest(run_world(3, 1.0)) != digest(run_world(4, 1.0))


def test_worlds_know_every_witness_and_most_of_what_can_happen() -> None:
    kinds: dict[str, set[str]] = {"client": set(), "gateway": set(), "simulator": set()}
    for seed in range(1, 41):
        for record in run_world(seed, 2.0):
            kinds[record.by].add(record.kind)
    assert kinds["client"] >= {
        "utterance_ended",
        "text_written",
        "sound_made",
        "interrupt_sent",
        "tool_result_sent",
        "note_given",
        "image_shown",
        "session_updated",
    }
    assert kinds["gateway"] >= {
        "link_dialled",
        "link_held",
        "link_set_up",
        "link_opened",
        "link_lost",
        "link_hung_up",
        "renewed",
        "recovered",
        "wedged",
        "phantom_seen",
        "false_interruption_seen",
        "input_replayed",
        "resume_noted",
        "heard_told",
        "session_weighed",
        "session_ended",
    }
    assert kinds["simulator"] >= {"fault_struck", "connection_broke", "dial_obstructed", "go_away_sent", "turn_begun"}


def test_a_story_is_told_in_the_order_of_its_times() -> None:
    times = [float(line.split()[0]) for line in tell(run_world(3, 0.5))]
    assert len(times) > 20
    # What comes often is told by its first time.
    assert times[0] == 0.0
    assert max(times) == times[-1]


def test_a_world_without_trouble_has_none() -> None:
    kinds = {record.kind for record in run_world(5, 1.0, troubled=False)}
    assert not kinds & {"fault_struck", "connection_broke", "dial_obstructed"}


def test_how_turns_are_taken_is_drawn_beside_all_else() -> None:
    settings = [draw_setting(Random(seed), minutes=3.0) for seed in range(200)]
    drawn = [with_turn_taking(setting, Random(f"{seed}/turns")) for seed, setting in enumerate(settings)]
    changed = {"options", "habits", "policy"}
    for setting, changes in zip(settings, drawn, strict=True):
        assert replace(changes, **{name: getattr(setting, name) for name in changed}) == setting
    assert {setting.options.mode for setting in drawn} == set(Mode)
    assert {setting.options.resume_context.policy for setting in drawn} == set(ResumePolicy)
    assert {setting.options.barge_in_after for setting in drawn} >= {0.0, 0.5, inf}
    assert {setting.options.first_turn is None for setting in drawn} == {True, False}
    features = [
        sum(
            [
                options.mode is Mode.GATEWAY,
                options.first_turn is not None,
                options.barge_in_after > 0.0,
                *(bool(rate) for rate in (habits.notes, habits.demands, habits.images, habits.updates)),
            ]
        )
        for options, habits in ((setting.options, setting.habits) for setting in drawn)
    ]
    # Most have one or none.
    assert sum(count <= 1 for count in features) >= 0.7 * len(features)


def test_whether_calls_have_ids_is_drawn_beside_all_else() -> None:
    settings = [draw_setting(Random(seed), minutes=3.0) for seed in range(50)]
    drawn = [with_nameless_calls(setting, Random(f"{seed}/names")) for seed, setting in enumerate(settings)]
    for setting, changed in zip(settings, drawn, strict=True):
        assert replace(changed, switches=replace(changed.switches, calls_without_ids=False)) == setting
    assert {setting.switches.calls_without_ids for setting in settings} == {False}
    assert {setting.switches.calls_without_ids for setting in drawn} == {False, True}


def test_whether_notes_press_is_drawn_beside_all_else() -> None:
    settings = [draw_setting(Random(seed), minutes=3.0) for seed in range(50)]
    drawn = [with_pressing_notes(setting, Random(f"{seed}/notes")) for seed, setting in enumerate(settings)]
    for setting, changed in zip(settings, drawn, strict=True):
        assert replace(changed, habits=replace(changed.habits, presses=False)) == setting
    assert {setting.habits.presses for setting in drawn} == {False, True}


@pytest.mark.parametrize("presses", [False, True])
def test_a_note_that_presses_does_not_wait_until_the_user_is_silent(presses: bool) -> None:
    speaking = scene.setting("gemini-live-2.5-flash")
    speaking = replace(speaking, habits=replace(speaking.habits, presses=presses))

    def demand(client: Client) -> Acting:
        for number, pause in enumerate(client.speak([2.0])):
            if number == 10:
                client.demand()
            yield pause
        yield 20.0
        client.leave()

    told = scene.Scene(speaking, demand, strict=True)
    told.check("Legal")
    assert len([record for record in told.session.client if record.kind == "text_written"]) == presses


def test_calls_without_ids_are_answered_and_taken_back() -> None:
    model = "gemini-live-2.5-flash"
    calling = scene.setting(model, vertex=True, switches=Switches(calls_without_ids=True), calls=True)
    functions = tuple(FunctionDeclaration(name) for name in FUNCTIONS)
    calling = replace(calling, options=replace(calling.options, functions=functions))
    call = Line("It is {response}.", calls=tuple(Call(name, {}) for name in FUNCTIONS), after="It is {response}.")

    def ask(client: Client) -> Acting:
        for patience in (20.0, 2.0, 20.0):
            client.holds_results = patience < 20.0
            yield from client.speak([1.5])
            yield patience
        client.leave()

    told = scene.Scene(calling, ask, dialogue=Dialogue((call,), (), (), (), pause=0.0), strict=True)
    told.check("Legal", "Clean", "Unique")
    called = told.session.got("tool_call")
    assert [record.fields["name"] for record in called] == [*FUNCTIONS] * 3
    cancelled = {record.fields["call"] for record in told.session.got("tool_call_cancelled")}
    assert cancelled == {record.fields["call"] for record in called[2:4]}
    assert [turn.called_at < inf for turn in told.session.turns] == [True] * 3
    assert told.did("unasked_result_sent") == []


def test_a_world_can_be_left_without_them() -> None:
    kinds = {record.kind for seed in range(1, 9) for record in run_world(seed, 1.0, turn_taking=False)}
    assert not kinds & {"note_given", "image_shown", "session_updated", "resume_noted"}


def test_users_write_while_speaking_only_where_it_is_signalled_when_they_speak() -> None:
    settings = [draw_setting(Random(seed), minutes=3.0) for seed in range(200)]
    drawn = [with_writing(setting, Random(f"{seed}/writing")) for seed, setting in enumerate(settings)]
    for setting, changes in zip(settings, drawn, strict=True):
        assert replace(changes, habits=setting.habits) == setting
        assert not changes.habits.adds or setting.options.mode.signals
    assert {setting.habits.adds for setting in drawn} == {0.0, 0.2, 0.5}


def test_what_is_written_while_speaking_is_written_once_the_user_speaks() -> None:
    world, plain = World(1), scene.setting(habits=Habits(adds=1.0))
    world.add(replace(plain, options=replace(plain.options, mode=Mode.MANUAL)), lambda client: client.talk(60.0))
    user = [record for record in world.run(60.0) if record.by == "client"]
    begun_at, added = inf, 0
    for record in user:
        if record.kind == "utterance_begun":
            begun_at = record.at
        elif record.kind == "utterance_ended":
            begun_at = inf
        elif record.kind == "text_written" and begun_at < inf:
            added += 1
            assert record.at >= begun_at + 0.3
    assert added >= 5
