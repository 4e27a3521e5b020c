"""A seed tells one story, whatever else the process does; and it tells all of it."""

import os
import subprocess
import sys

import pytest

from segue.simulator.world.story import tell
from segue.simulator.world.world import digest, run_world

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
    assert kinds["client"] >= {"utterance_ended", "text_written", "sound_made", "interrupt_sent", "tool_result_sent"}
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
