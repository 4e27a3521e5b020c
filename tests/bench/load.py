"""The load generator: sessions that each send a chunk every frame, spread evenly over the time of a frame."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .machine import busy_seconds, cpu_seconds
from .session import Dialer, Meter, Session

# Opening at once what a gateway cannot open at once would measure its accept queue.
_OPENED_TOGETHER = 10
_OPEN_TIMEOUT_S = 20.0
_CLOSE_TIMEOUT_S = 3.0
# How long chunks under way are waited for: well over every bound on latency.
_GRACE_S = 1.0
_DRAIN_TIMEOUT_S = 5.0
_POLL_S = 0.02
# Coprime with the milliseconds of a frame, so that neighbours, who may share a connection, are never due together.
_SPREAD = 7
GENERATOR = "generator"


async def _until(condition: Callable[[], bool], timeout_s: float) -> None:
    """Waits for something, or until the time is up."""
    for _ in range(round(timeout_s / _POLL_S)):
        if condition():
            return
        await asyncio.sleep(_POLL_S)


@dataclass(frozen=True)
class Window:
    """What was measured in a window of time."""

    seconds: float
    sent: int
    latencies_ns: np.ndarray[tuple[int], np.dtype[np.uint64]]
    # Cores used by each process, and by everything else on the machine.
    cpu: Mapping[str, float]
    others_cpu: float
    failures: tuple[str, ...]

    @property
    def echoed(self) -> int:
        """The chunks that came back."""
        return len(self.latencies_ns)

    def latency_ms(self, percentile: float) -> float:
        """Of all chunks that were sent; one that did not come back counts as infinitely late."""
        rank = int(np.ceil(self.sent * percentile / 100)) - 1
        if rank >= self.echoed or not self.sent:
            return float("inf")
        return float(np.partition(self.latencies_ns, rank)[rank]) / 1e6

    def cpu_us_per_chunk(self, name: str) -> float:
        """CPU time of one process for each chunk that came back."""
        return self.cpu[name] * self.seconds * 1e6 / max(self.echoed, 1)


class Load:
    """A growing number of sessions on one path. They talk from when they are open until `close`."""

    def __init__(self, dialer: Dialer, frame_ms: int) -> None:
        self._dialer = dialer
        self._meter = Meter()
        self.sessions: list[Session] = []
        self._due: list[list[Session]] = [[] for _ in range(frame_ms)]
        self._tick_ms = 0
        self._timer: asyncio.TimerHandle | None = None

    async def grow(self, sessions: int, *, talking: bool = True) -> None:
        """Opens sessions until there are so many. Raises OSError when one is refused or that takes too long."""
        async with asyncio.timeout(_OPEN_TIMEOUT_S):
            while len(self.sessions) < sessions:
                first = len(self.sessions)
                opened = await self._dialer.dial(range(first, min(first + _OPENED_TOGETHER, sessions)), self._meter)
                self.sessions += opened
                if any(session.ended.done() for session in opened):
                    raise ConnectionError(f"a session was not opened: {self._meter.failures[-1:]}")
                for session in opened if talking else ():
                    self._due[session.number * _SPREAD % len(self._due)].append(session)
                if talking and self._timer is None:
                    self._tick_ms = time.monotonic_ns() // 1_000_000
                    self._tick()

    async def measure(self, seconds: float, processes: Mapping[str, int]) -> Window:
        """Measures for so long. `processes` gives the ids of the processes whose CPU time counts."""
        watched = {**processes, GENERATOR: os.getpid()}
        failed = len(self._meter.failures)
        cpu_before = {name: cpu_seconds(pid) for name, pid in watched.items()}
        busy_before, began = busy_seconds(), time.monotonic()
        self._meter.open_window(seconds)
        await asyncio.sleep(seconds)
        elapsed = time.monotonic() - began
        cpu = {name: (cpu_seconds(pid) - cpu_before[name]) / elapsed for name, pid in watched.items()}
        others_cpu = (busy_seconds() - busy_before) / elapsed - sum(cpu.values())
        await _until(lambda: len(self._meter.latencies_ns()) == self._meter.sent_in_window, _GRACE_S)
        return Window(
            elapsed,
            self._meter.sent_in_window,
            np.array(self._meter.latencies_ns(), dtype=np.uint64),
            cpu,
            max(others_cpu, 0.0),
            tuple(self._meter.failures[failed:]),
        )

    async def drain(self) -> tuple[int, int]:
        """Stops talking, waits for what is under way; returns how many chunks were sent and how many came back."""
        self._silence()
        await _until(lambda: all(each.echoed == each.sent for each in self.sessions), _DRAIN_TIMEOUT_S)
        return sum(each.sent for each in self.sessions), sum(each.echoed for each in self.sessions)

    async def close(self) -> None:
        """Ends all sessions, as politely as the other side allows."""
        self._silence()
        for session in self.sessions:
            session.close()
        if self.sessions:
            await asyncio.wait([session.ended for session in self.sessions], timeout=_CLOSE_TIMEOUT_S)
        for session in self.sessions:
            session.abort()
        self.sessions.clear()

    def _silence(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for sessions in self._due:
            sessions.clear()

    def _tick(self) -> None:
        now_ms = time.monotonic_ns() // 1_000_000
        while self._tick_ms < now_ms:
            self._tick_ms += 1
            for session in self._due[self._tick_ms % len(self._due)]:
                session.send()
        self._timer = asyncio.get_running_loop().call_later(0.001, self._tick)
