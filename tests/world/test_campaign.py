"""Many worlds: which seeds a shard has, what is run again, and what is said of what broke."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from segue.cli import app
from segue.core.numbers import Numbers
from segue.core.outputs import UNNUMBERED
from segue.simulator.world import campaign
from segue.simulator.world.campaign import (
    CampaignError,
    Finished,
    Outcome,
    judge,
    read_seeds,
    read_shard,
    run_campaign,
    shard_of,
)

MINUTES = 0.2


def test_seeds_are_one_or_a_range() -> None:
    assert read_seeds("17") == range(17, 18)
    assert read_seeds("1-500") == range(1, 501)


@pytest.mark.parametrize("text", ["", "a", "3-1", "-4", "1-"])
def test_what_are_no_seeds_is_refused(text: str) -> None:
    with pytest.raises(CampaignError):
        read_seeds(text)


@pytest.mark.parametrize("text", ["", "0/4", "5/4", "1", "a/b"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(CampaignError):
        read_shard(text)


def test_the_shards_have_every_seed_once() -> None:
    seeds = read_seeds("1-10")
    shards = [shard_of(seeds, *read_shard(f"{number}/3")) for number in (1, 2, 3)]
    assert sorted(seed for shard in shards for seed in shard) == list(seeds)


def test_a_world_in_order_is_judged_so() -> None:
    outcome = judge(1, MINUTES)
    assert not outcome.broke
    assert "Frugal" in outcome.checked


def test_a_broken_promise_and_a_raised_exception_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Numbers, "number", lambda self, output: 0 if isinstance(output, UNNUMBERED) else 7)
    assert judge(1, MINUTES).broke == "Ordered"

    def fail(self: Numbers, output: object) -> int:
        raise ZeroDivisionError("no number")

    monkeypatch.setattr(Numbers, "number", fail)
    outcome = judge(1, MINUTES)
    assert outcome.broke == "ZeroDivisionError"
    assert "test_campaign.py" in outcome.how


def test_several_processes_judge_as_one_does() -> None:
    assert list(run_campaign(range(1, 4), MINUTES, jobs=2)) == list(run_campaign(range(1, 4), MINUTES, jobs=1))


def test_finished_seeds_are_kept_for_their_minutes(tmp_path: Path) -> None:
    path = tmp_path / "worlds.jsonl"
    finished = Finished(path, 3.0)
    finished.add(Outcome(4, 3.0, "Legal", "how", ("Ordered",), 1.5))
    again = Finished(path, 3.0)
    assert again.outcomes == finished.outcomes
    assert again.seeds == {4}
    assert not Finished(path, 30.0).seeds


def test_what_other_code_made_of_a_seed_counts_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "worlds.jsonl"
    Finished(path, 3.0).add(Outcome(4, 3.0))
    monkeypatch.setattr(campaign, "code_digest", lambda: "other")
    other = Finished(path, 3.0)
    assert not other.seeds
    other.add(Outcome(4, 3.0, "Legal"))
    assert len(path.read_text().splitlines()) == 2
    assert [outcome.broke for outcome in Finished(path, 3.0).outcomes] == ["Legal"]


def test_a_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "worlds.jsonl"
    path.write_text('{"no": "verdict"}\n')
    with pytest.raises(CampaignError, match="is no state of worlds"):
        Finished(path, 3.0)


def test_the_command_runs_only_what_is_not_finished(tmp_path: Path) -> None:
    path = tmp_path / "worlds.jsonl"
    arguments = ["world", "--seeds", "1-3", "--minutes", str(MINUTES), "--resume", str(path)]
    first = CliRunner().invoke(app, arguments)
    assert first.exit_code == 0, first.output
    assert "3 of 3 worlds kept every promise" in first.output
    lines = path.read_text().splitlines()
    assert [json.loads(line)["seed"] for line in lines] == [1, 2, 3]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert path.read_text().splitlines() == lines


def test_the_command_says_what_broke_and_how_to_see_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Numbers, "number", lambda self, output: 0 if isinstance(output, UNNUMBERED) else 7)
    result = CliRunner().invoke(app, ["world", "--seeds", "2", "--minutes", str(MINUTES)])
    assert result.exit_code == 1
    assert "broke Ordered" in result.output
    assert f"segue world --seeds 2 --minutes {MINUTES} --story" in result.output


def test_the_command_tells_a_story() -> None:
    result = CliRunner().invoke(app, ["world", "--seeds", "1", "--minutes", str(MINUTES), "--story"])
    assert result.exit_code == 0, result.output
    assert "session_opened" in result.output
    assert "link_dialled" in result.output


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in Linux's /proc")
@pytest.mark.timeout(60)
def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    state = tmp_path / "state"
    command = [sys.executable, "-m", "segue", "world", "--seeds", "1-100000", "--minutes", "0.1", "--jobs", "2"]
    with subprocess.Popen([*command, "--resume", str(state)], stdout=subprocess.DEVNULL) as campaign_process:
        while not state.exists():
            assert campaign_process.poll() is None
            time.sleep(0.05)
        children = Path(f"/proc/{campaign_process.pid}/task/{campaign_process.pid}/children").read_text().split()
        campaign_process.send_signal(signal.SIGKILL)
    # Two workers and the process that tracks their resources.
    assert len(children) == 3
    while any(_lives(child) for child in children):
        time.sleep(0.05)


def _lives(process: str) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    # Nobody may be there to reap it.
    return state.rpartition(")")[2].split()[0] != "Z"
