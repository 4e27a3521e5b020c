"""What the processes use and what the gateway counts, looked at again and again."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.bench.machine import busy_seconds, cpu_seconds


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process holds: memory in MiB, open descriptors, threads, and the CPU time that it has used in seconds."""

    rss_mib: float
    descriptors: int
    threads: int
    cpu_s: float

    @classmethod
    def of(cls, pid: int) -> "Usage":
        """Return what a process holds now."""
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return cls(
            int(status["VmRSS"].split()[0]) / 1024,
            sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()),
            int(status["Threads"]),
            cpu_seconds(pid),
        )


@dataclass(frozen=True, slots=True)
class Sample:
    """One look.

    Attributes:
        at: when, in seconds of the monotonic clock.
        used: what each process held.
        busy_s: the CPU time that the whole machine has used.
        sessions, links, streams: how many the gateway had.
        late_s: how late the users were at most since the last look.
    """

    at: float
    used: Mapping[str, Usage]
    busy_s: float
    sessions: float
    links: float
    streams: float
    late_s: float


class Metrics:
    """The gateway's metrics at one moment."""

    def __init__(self, exposition: str) -> None:
        self._samples = [each for family in text_string_to_metric_families(exposition) for each in family.samples]

    def total(self, name: str, **labels: str) -> float:
        """Return the sum over all series with these labels."""
        return sum(
            each.value
            for each in self._samples
            if each.name == f"segue_{name}" and labels.items() <= each.labels.items()
        )

    def by_labels(self, name: str) -> dict[str, float]:
        """Return the values that are not 0, by the values of their labels."""
        return {
            " ".join(each.labels.values()): each.value
            for each in self._samples
            if each.name == f"segue_{name}" and each.value
        }

    def quantile(self, name: str, quantile: float) -> float:
        """Return the upper bound of the histogram's bucket that holds a quantile; 0 for an empty one."""
        buckets: dict[float, float] = {}
        for each in self._samples:
            if each.name == f"segue_{name}_bucket":
                bound = float(each.labels["le"])
                buckets[bound] = buckets.get(bound, 0.0) + each.value
        most = max(buckets.values(), default=0.0)
        return min((bound for bound, count in buckets.items() if most and count >= quantile * most), default=0.0)


@dataclass
class Watch:
    """Looks at processes, by their names and ids, and at the gateway's metrics on a port of loopback."""

    pids: Mapping[str, int]
    metrics_port: int
    samples: list[Sample] = field(default_factory=list)

    async def look(self, late_s: float = 0.0) -> Sample:
        """Take a sample; `late_s` is how late the generator of the load was."""
        metrics = await self.metrics()
        sample = Sample(
            time.monotonic(),
            {name: Usage.of(pid) for name, pid in self.pids.items()},
            busy_seconds(),
            metrics.total("sessions_active"),
            metrics.total("links_active"),
            metrics.total("streams_active"),
            late_s,
        )
        self.samples.append(sample)
        return sample

    async def metrics(self) -> Metrics:
        """Return the gateway's metrics."""
        return Metrics(await asyncio.to_thread(self._get))

    def _get(self) -> str:
        connection = HTTPConnection("127.0.0.1", self.metrics_port, timeout=10)
        try:
            connection.request("GET", "/metrics")
            response = connection.getresponse()
            if response.status != HTTPStatus.OK:
                raise RuntimeError(f"the gateway's metrics cannot be had: {response.status}")
            return response.read().decode()
        finally:
            connection.close()
