"""Runs a soak, prints what came of it, and writes it down: `python -m tests.soak --sessions 100 --minutes 30`.

The exit code is 1 if a session failed, an answer stayed out, something of a session was left, or the gateway wrote an
error.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop
from rich.console import Console

from .plan import Plan
from .report import figures, show
from .soak import Soak, soak

_OUTPUT = Path(__file__).parents[2] / "build" / "soak.json"


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--sessions", type=int, default=Plan.sessions)
    parser.add_argument("--minutes", type=float, default=Plan.seconds / 60)
    parser.add_argument("--age-limit", type=float, default=Plan.age_limit, help="seconds between two renewals")
    parser.add_argument("--calamity", type=float, default=Plan.calamity, help="how much more often faults strike")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--record", action="store_true", help="have the simulator write down what happens")
    parser.add_argument("--report", type=Path, default=_OUTPUT, help="where to write the figures; logs go beside it")
    return parser.parse_args(argv)


async def _run(plan: Plan, folder: Path, console: Console, *, record: bool) -> Soak:
    task = asyncio.current_task()
    assert task is not None
    # Ctrl-C cancels by itself; whoever is told to end otherwise ends its processes too.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await soak(plan, folder, lambda text: console.log(text, highlight=False), record=record)


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    arguments = _arguments(argv)
    plan = Plan(arguments.sessions, arguments.minutes * 60, arguments.age_limit, arguments.calamity, arguments.seed)
    report: Path = arguments.report
    folder = report.with_suffix(".logs")
    folder.mkdir(parents=True, exist_ok=True)
    console = Console()
    try:
        result = uvloop.run(_run(plan, folder, console, record=arguments.record))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    except (OSError, RuntimeError) as error:
        console.print(f"{error}", style="red", markup=False)
        return 1
    found = figures(result)
    show(found, console)
    report.write_text(json.dumps(found, indent=2) + "\n")
    console.print(f"Written to {report}.")
    return 1 if result.broken else 0


if __name__ == "__main__":
    sys.exit(main())
