"""The figures of a soak, for people and as JSON."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import pairwise
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.machine import describe

from .soak import FLAT, GATEWAY, SIMULATOR, USERS, Soak, thirds
from .witness import Exchange

# Who sends real time so late, or runs what is due so late, in seconds, was not given the CPU time that it needed.
_LATE_S = 1.0
_LAG_S = 0.1
_POINTS = 30


def figures(soak: Soak) -> dict[str, Any]:
    """Return all figures of a soak, as JSON can hold them."""
    metrics, samples, witnesses = soak.metrics, soak.samples, soak.witnesses
    exchanges = [exchange for witness in witnesses for exchange in witness.exchanges]
    notices = [notice for witness in witnesses for notice in witness.notices]
    calm = [each for each in exchanges if not each.trouble and not each.renewed]
    renewed = [each for each in exchanges if each.renewed and not each.trouble]
    troubled = [each for each in exchanges if each.trouble]
    return {
        "machine": describe(),
        "plan": asdict(soak.plan),
        "broken": soak.broken,
        "disturbed": _disturbances(soak),
        "sessions": len(witnesses),
        "turns": sum(witness.turns for witness in witnesses),
        "unasked_turns": [each for witness in witnesses for each in witness.unasked],
        "exchanges": Counter(each.kind for each in exchanges),
        "answer_latency_s": {
            "without_fault": _latencies(calm),
            "renewed_meanwhile": _latencies(renewed),
            "with_fault": _latencies(troubled),
        },
        "renewals": metrics.by_labels("renewals_total"),
        "renewal_gap_s": _quantiles([took for kind, _, took in notices if kind == "RENEWED" and took is not None]),
        "recoveries": metrics.by_labels("recoveries_total"),
        "recovery_s": _quantiles([took for kind, _, took in notices if kind == "RECOVERED" and took is not None]),
        "wedges": metrics.by_labels("wedges_total"),
        "links_closed": metrics.by_labels("link_closed_total"),
        "dials": metrics.by_labels("link_dials_total"),
        "turns_by_outcome": metrics.by_labels("turns_total"),
        "interruptions": metrics.by_labels("interruptions_total"),
        "tool_calls": metrics.by_labels("tool_calls_total"),
        "rejected": _summed(witness.rejected for witness in witnesses),
        "input_replayed_s": metrics.total("input_replayed_seconds_total"),
        "audio_dropped_s": metrics.by_labels("audio_dropped_seconds_total"),
        "sessions_closed": metrics.by_labels("sessions_closed_total"),
        "loop_lag_s": {"p50": metrics.quantile("event_loop_lag_seconds", 0.5), "p99": _lag(soak)},
        "users_late_s": _quantiles([sample.late_s for sample in samples]),
        "gateway_before": asdict(soak.before),
        "gateway_after": asdict(soak.after),
        "cores": _cores(soak),
        "by_thirds": {what: thirds(samples, what) for what in FLAT},
        "over_time": _over_time(soak),
    }


def show(report: dict[str, Any], console: Console) -> None:
    """Print the figures."""
    table = Table("", "n", "p50", "p95", "p99", "most", title="Seconds", title_justify="left")
    rows = {f"answer, {name.replace('_', ' ')}": row for name, row in report["answer_latency_s"].items()}
    rows |= {"renewal gap": report["renewal_gap_s"], "recovery": report["recovery_s"]}
    for name, row in rows.items():
        table.add_row(name, str(row["n"]), *(f"{row[key]:.2f}" for key in ("p50", "p95", "p99", "most")))
    console.print(table)
    for name in ("exchanges", "renewals", "recoveries", "wedges", "interruptions", "links_closed", "turns_by_outcome"):
        counted = ", ".join(f"{label} {count:.0f}" for label, count in sorted(report[name].items()))
        console.print(f"{name.replace('_', ' ')}: {counted or 'none'}", highlight=False, soft_wrap=True)
    for name, use in report["cores"].items():
        console.print(f"{name}: {use['mean']:.2f} cores, at most {use['most']:.2f}", highlight=False)
    for what, medians in report["by_thirds"].items():
        console.print(f"{what} of the gateway, by thirds of the time: {medians}", highlight=False)
    over = Table("second", "gateway MiB", "descriptors", "threads", "links", title="Over time", title_justify="left")
    for point in report["over_time"]:
        row = (point[key] for key in ("second", "rss_mib", "descriptors", "threads", "links"))
        over.add_row(*(f"{value:.0f}" for value in row))
    console.print(over)
    for text in report["disturbed"]:
        console.print(f"Disturbed: {text}", style="yellow", highlight=False, markup=False, soft_wrap=True)
    for text in report["broken"]:
        console.print(text, style="red", highlight=False, markup=False, soft_wrap=True)


def _latencies(exchanges: Sequence[Exchange]) -> dict[str, float]:
    return _quantiles([exchange.latency for exchange in exchanges])


def _quantiles(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    at = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "most": 1.0}
    last = len(ordered) - 1
    found = {name: ordered[min(int(len(ordered) * share), last)] if ordered else 0.0 for name, share in at.items()}
    return {"n": len(ordered), **found}


def _summed(counts: Iterable[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for each in counts:
        total += each
    return total


def _lag(soak: Soak) -> float:
    return soak.metrics.quantile("event_loop_lag_seconds", 0.99)


def _disturbances(soak: Soak) -> list[str]:
    """Return why the figures may be worse than what was measured."""
    late = _quantiles([sample.late_s for sample in soak.samples])
    found = []
    if late["p95"] > _LATE_S:
        found.append(f"users spoke up to {late['most']:.1f} s late, {late['p95']:.1f} s in one look of twenty")
    if _lag(soak) > _LAG_S:
        found.append(f"the gateway's event loop was late by up to {_lag(soak):g} s at one time in a hundred")
    others = _cores(soak)["others"]["mean"]
    if others > 0.25:
        found.append(f"others used {others:.2f} cores of this machine")
    return found


def _cores(soak: Soak) -> dict[str, dict[str, float]]:
    """Return how many cores each process used between two looks, and everybody else."""
    used: dict[str, list[float]] = {name: [] for name in (GATEWAY, SIMULATOR, USERS, "others")}
    for one, other in pairwise(soak.samples):
        seconds = other.at - one.at
        own = {name: (other.used[name].cpu_s - one.used[name].cpu_s) / seconds for name in other.used}
        for name, cores in own.items():
            used[name].append(cores)
        used["others"].append(max(0.0, (other.busy_s - one.busy_s) / seconds - sum(own.values())))
    return {name: {"mean": fmean(shares), "most": max(shares)} for name, shares in used.items() if shares}


def _over_time(soak: Soak) -> list[dict[str, float]]:
    first = soak.samples[0].at if soak.samples else 0.0
    return [
        {
            "second": round(sample.at - first, 1),
            "rss_mib": round(sample.used[GATEWAY].rss_mib, 1),
            "descriptors": sample.used[GATEWAY].descriptors,
            "threads": sample.used[GATEWAY].threads,
            "links": sample.links,
            "simulator_rss_mib": round(sample.used[SIMULATOR].rss_mib, 1),
            "users_rss_mib": round(sample.used[USERS].rss_mib, 1),
        }
        for sample in soak.samples[:: max(1, len(soak.samples) // _POINTS)]
    ]
