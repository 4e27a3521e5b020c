"""The figures of a run: medians over its rounds, as JSON and as a table."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite
from statistics import median

from rich import box
from rich.console import Console
from rich.table import Table

from .load import Window
from .measures import DISTURBED, GATEWAY, Conditions, Plan, Saturation
from .paths import BASELINE, DIRECT

PERCENTILES = (50, 99)
_HEADINGS = (
    "sessions\na core",
    "times\nbase",
    "CPU µs\na chunk",
    "added\np50 ms",
    "added\np99 ms",
    "KiB a\nsession",
)


def _finite(milliseconds: float) -> float | None:
    """JSON has no infinity: what never came back has no figure."""
    return round(milliseconds, 3) if isfinite(milliseconds) else None


@dataclass
class Figures:
    """Everything that was measured, round by round."""

    plan: Plan
    conditions: Conditions
    machine: Mapping[str, object]
    kib: dict[str, float] = field(default_factory=dict)
    saturations: dict[str, list[Saturation]] = field(default_factory=lambda: defaultdict(list))
    windows: dict[str, list[Window]] = field(default_factory=lambda: defaultdict(list))
    equal_load: int = 0
    yardstick: str = BASELINE

    def sessions(self, path: str) -> int:
        """The most sessions that a path carries."""
        return round(median(each.sessions for each in self.saturations[path]))

    def added_latency_ms(self, path: str, percentile: int) -> float:
        """What a path adds to the latency of the direct one, of the same round."""
        pairs = zip(self.windows[path], self.windows[DIRECT], strict=True)
        return median(own.latency_ms(percentile) - without.latency_ms(percentile) for own, without in pairs)

    def report(self) -> dict[str, object]:
        """What goes into the file."""
        gateways = [path for path in self.windows if path != DIRECT]
        measured = {path: self.windows[path] for path in gateways}
        return {
            "sessions_per_core": {path: self.sessions(path) for path in self.saturations},
            "saturated": {path: all(each.reached for each in ramps) for path, ramps in self.saturations.items()},
            "added_latency_ms": {
                f"p{percentile}": {path: _finite(self.added_latency_ms(path, percentile)) for path in gateways}
                for percentile in PERCENTILES
            },
            "latency_ms": {
                f"p{percentile}": {
                    path: _finite(median(each.latency_ms(percentile) for each in windows))
                    for path, windows in self.windows.items()
                }
                for percentile in PERCENTILES
            },
            "cpu_us_per_chunk": {
                path: round(median(each.cpu_us_per_chunk(GATEWAY) for each in windows), 1)
                for path, windows in measured.items()
            },
            "kib_per_session": {path: round(kib, 1) for path, kib in self.kib.items()},
            "equal_load": {
                "sessions": self.equal_load,
                "share_of": self.yardstick,
                "chunks_sent": {path: sum(each.sent for each in windows) for path, windows in self.windows.items()},
                "chunks_echoed": {path: sum(each.echoed for each in windows) for path, windows in self.windows.items()},
            },
            "rounds": {
                "sessions_per_core": {
                    path: [each.sessions for each in ramps] for path, ramps in self.saturations.items()
                },
                "cpu_us_per_chunk": {
                    path: [round(each.cpu_us_per_chunk(GATEWAY), 1) for each in windows]
                    for path, windows in measured.items()
                },
            },
            "valid": not self.conditions.reasons,
            "invalid_because": self.conditions.reasons,
            "conditions": {
                "generator_cpu": round(self.conditions.generator_cpu, 2),
                "echo_cpu": round(self.conditions.echo_cpu, 2),
                "others_cpu": round(self.conditions.others_cpu, 2),
            },
            "plan": asdict(self.plan),
            "machine": self.machine,
        }

    def print(self, console: Console) -> None:
        """The table."""
        title = f"A session through a gateway: {self.plan.frame_ms} ms frames up and down, TLS to the backend"
        table = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("path", no_wrap=True)
        for heading in _HEADINGS:
            table.add_column(heading, justify="right", no_wrap=True)
        for path in self.saturations:
            table.add_row(path, *self._cells(path))
        console.print(table)
        for line in self._remarks():
            console.print(line)

    def _cells(self, path: str) -> Sequence[str]:
        ramps = self.saturations[path]
        least = "" if all(each.reached for each in ramps) else "≥ "
        baseline = self.sessions(BASELINE) if BASELINE in self.saturations else 0
        return (
            f"{least}{self.sessions(path)}",
            f"{self.sessions(path) / baseline:.2f}" if baseline else "",
            f"{median(each.cpu_us_per_chunk(GATEWAY) for each in self.windows[path]):.0f}",
            *(f"{self.added_latency_ms(path, percentile):.2f}" for percentile in PERCENTILES),
            f"{self.kib[path]:.0f}",
        )

    def _remarks(self) -> list[str]:
        machine, conditions = self.machine, self.conditions
        direct = [median(each.latency_ms(percentile) for each in self.windows[DIRECT]) for percentile in PERCENTILES]
        remarks = [
            f"Cost and latency at {self.equal_load} sessions, 70 % of what {self.yardstick} carries. "
            f"Without a gateway: p50 {direct[0]:.2f} ms, p99 {direct[1]:.2f} ms.",
            f"{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}. "
            f"Medians of {self.plan.rounds} rounds.",
            f"Of a core, at most: generator {conditions.generator_cpu:.0%}, echo server {conditions.echo_cpu:.0%}.",
        ]
        if conditions.others_cpu > DISTURBED:
            remarks.append(f"DISTURBED: other processes used up to {conditions.others_cpu:.2f} cores meanwhile.")
        remarks += [f"INVALID: {reason}" for reason in conditions.reasons]
        return remarks
