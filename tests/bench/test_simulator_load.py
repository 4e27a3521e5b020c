"""The measurement of the simulator's load: that its figures are there and mean what they say."""

import json
import subprocess
import sys
from pathlib import Path

from .simulator_load import Turns

ROOT = Path(__file__).parents[2]


def test_a_short_run_has_every_figure(tmp_path: Path) -> None:
    output = tmp_path / "load.json"
    arguments = ["--first", "2", "--most", "4", "--window", "1.5", "--output", str(output)]
    command = [sys.executable, "-m", "tests.bench.simulator_load", *arguments]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    report = json.loads(output.read_text())
    assert report["machine"]["cores"] >= 1
    assert report["sessions_per_core"] <= 4
    assert 0 < report["cores_per_session"] < 1
    for step in report["steps"]:
        assert not step["failures"]
        assert step["turns"] >= 1
        # A minute would be no lag but a turn that was forgotten.
        assert -0.1 < step["lag_p50_ms"] / 1000 < 60
        assert step["cpu"] > 0


def test_a_turn_that_never_ends_is_infinitely_late() -> None:
    turns = Turns(asked=4, lags_s=[0.003, 0.001, 0.002])
    assert turns.lag_ms(50) == 2.0
    assert turns.lag_ms(99) == float("inf")
