"""Runs every path alternately, prints the comparison and writes build/bench.json."""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import uvloop
from rich.console import Console

from .machine import describe
from .measures import Bench, Conditions, Plan
from .paths import BASELINE, DIRECT, GATEWAYS, Cores, Running, direct, echo_server, gateway
from .report import Figures

_OUTPUT = Path(__file__).parents[2] / "build" / "bench.json"
_EQUAL_LOAD = 0.7
# Later rounds begin their ramp at this share of what the first one found.
_FROM_BEFORE = 0.8
_QUICK = Plan(
    rounds=1,
    window_s=1.5,
    settle_s=0.5,
    step_window_s=0.7,
    step_settle_s=0.3,
    ramp_s=5.0,
    sessions_at_rest=10,
)


async def run(plan: Plan, names: Sequence[str], logs: Path, console: Console, *, paced: bool) -> Figures:
    """Measures the paths in turn, several rounds of it."""
    task = asyncio.current_task()
    assert task is not None
    # Ctrl-C cancels by itself; whoever is told to end otherwise ends its processes too.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    cores = Cores.share_out()
    figures = Figures(plan, Conditions(cores), describe())
    async with AsyncExitStack() as stack:
        echo_pid, echo_port, ca_file = await stack.enter_async_context(echo_server(cores, plan.frame_ms, logs))
        paths = {
            name: await stack.enter_async_context(
                gateway(name, echo_port, ca_file, cores, plan.frame_ms, logs, paced=paced)
            )
            for name in names
        }
        os.sched_setaffinity(0, cores.generator)
        bench = Bench(plan, figures.conditions, echo_pid)
        await _measure(bench, figures, paths, direct(echo_port, ca_file, plan.frame_ms), console)
    return figures


async def _measure(
    bench: Bench, figures: Figures, paths: dict[str, Running], without: Running, console: Console
) -> None:
    plan = figures.plan
    for name, path in paths.items():
        console.log(f"{name}: memory at rest")
        figures.kib[name] = await bench.kib_at_rest(path)
    for number in range(plan.rounds):
        for name, path in paths.items():
            begin = round(figures.sessions(name) * _FROM_BEFORE) if number else plan.first_sessions
            saturation = await bench.saturate(path, max(begin, 1))
            figures.saturations[name].append(saturation)
            console.log(f"{name}: round {number + 1}, carries {saturation.sessions} sessions")
    figures.yardstick = BASELINE if BASELINE in paths else min(paths, key=figures.sessions)
    figures.equal_load = max(round(figures.sessions(figures.yardstick) * _EQUAL_LOAD), 1)
    for number in range(plan.rounds):
        for name, path in {DIRECT: without, **paths}.items():
            figures.windows[name].append(await bench.at_load(path, figures.equal_load))
        console.log(f"equal load: round {number + 1}, {figures.equal_load} sessions")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--paths", nargs="+", choices=GATEWAYS, default=GATEWAYS, metavar="PATH", help=str(GATEWAYS))
    parser.add_argument("--quick", action="store_true", help="a rough run of well under a minute")
    parser.add_argument("--paced", action="store_true", help="let Segue pace its output; the others do not")
    parser.add_argument("--frame-ms", type=int, choices=(20, 100), default=20)
    parser.add_argument("--most-sessions", type=int, help="go no further")
    parser.add_argument("--output", type=Path, default=_OUTPUT)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    arguments = _arguments(argv)
    changes = {"frame_ms": arguments.frame_ms, "most_sessions": arguments.most_sessions}
    plan = replace(_QUICK if arguments.quick else Plan(), **{key: value for key, value in changes.items() if value})
    output: Path = arguments.output
    output.parent.mkdir(parents=True, exist_ok=True)
    console = Console()
    # The processes' logs stay beside the figures, for when something went wrong.
    logs = output.with_suffix(".logs")
    logs.mkdir(exist_ok=True)
    try:
        figures = uvloop.run(run(plan, arguments.paths, logs, console, paced=arguments.paced))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    except (OSError, RuntimeError) as error:
        console.print(f"{error}", style="red", markup=False)
        return 1
    figures.print(console)
    output.write_text(json.dumps(figures.report(), indent=2) + "\n")
    console.print(f"Written to {output}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
