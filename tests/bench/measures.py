"""The three measurements: how many sessions a path carries, what a chunk costs at equal load, what a session weighs."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from .load import GENERATOR, Load, Window
from .machine import cpu_seconds, private_kib
from .paths import Cores, Running

ECHO = "echo"
GATEWAY = "gateway"

_LATENCY_BOUND_MS = 200.0
_CPU_BOUND = 0.97
_CROWDED = 0.85
# Above this many cores, what else the machine does shows in the figures.
DISTURBED = 0.25
_IDLE = 0.05
_IDLE_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Plan:
    """How much is measured, and for how long."""

    frame_ms: int = 20
    rounds: int = 3
    window_s: float = 5.0
    settle_s: float = 1.0
    step_window_s: float = 1.5
    step_settle_s: float = 0.5
    ramp_s: float = 24.0
    first_sessions: int = 24
    most_sessions: int = 1000
    sessions_at_rest: int = 60


@dataclass
class Conditions:
    """Under which the measurements were made, at their worst. Says whether they may be believed."""

    cores: Cores
    generator_cpu: float = 0.0
    echo_cpu: float = 0.0
    others_cpu: float = 0.0
    reasons: list[str] = field(default_factory=list)

    def crowded(self, window: Window) -> bool:
        """Whether the generator or the echo server, not the gateway, may have been the limit."""
        generator, echo = window.cpu[GENERATOR], window.cpu[ECHO]
        together = self.cores.generator == self.cores.echo
        return (generator + echo if together else max(generator, echo)) > _CROWDED

    def note(self, path: str, window: Window) -> None:
        """Takes a window into account whose figures are reported."""
        self.generator_cpu = max(self.generator_cpu, window.cpu[GENERATOR])
        self.echo_cpu = max(self.echo_cpu, window.cpu[ECHO])
        self.others_cpu = max(self.others_cpu, window.others_cpu)
        if self.crowded(window):
            self.reasons.append(f"{path}: generator and echo server were over {_CROWDED:.0%} of their core")


@dataclass(frozen=True)
class Saturation:
    """The most sessions that were carried; `reached` when more of them were not."""

    sessions: int
    reached: bool


def carried(window: Window) -> bool:
    """Whether a gateway keeps up with its sessions: nothing late, lost or mistaken, and CPU time to spare."""
    return window.latency_ms(99) <= _LATENCY_BOUND_MS and window.cpu[GATEWAY] <= _CPU_BOUND and not window.failures


def next_step(sessions: int, cpu: float) -> int:
    """How many sessions to try next: most of the way to where the CPU time would end."""
    growth = min(max((_CPU_BOUND / max(cpu, 0.01) - 1) * 0.7, 0.04), 1.0)
    return sessions + max(round(sessions * growth), 1)


class Bench:
    """Measures paths that are running, one at a time."""

    def __init__(self, plan: Plan, conditions: Conditions, echo_pid: int) -> None:
        self._plan = plan
        self._conditions = conditions
        self._echo_pid = echo_pid

    async def kib_at_rest(self, path: Running) -> float:
        """Memory for each session that is open and silent, in KiB."""
        assert path.pid is not None
        # What the first sessions make a process load and build is not theirs.
        async with self._load(path) as load:
            await load.grow(2, talking=False)
        before = private_kib(path.pid)
        async with self._load(path) as load:
            await load.grow(self._plan.sessions_at_rest, talking=False)
            await asyncio.sleep(self._plan.settle_s)
            return (private_kib(path.pid) - before) / self._plan.sessions_at_rest

    async def saturate(self, path: Running, first_sessions: int) -> Saturation:
        """Adds sessions until they are not carried any more, or the time is up."""
        deadline = time.monotonic() + self._plan.ramp_s
        first = min(first_sessions, self._plan.most_sessions)
        while True:
            saturation = await self._ramp(path, first, deadline)
            if saturation.sessions or first == 1 or time.monotonic() > deadline:
                return saturation
            first = max(first // 2, 1)

    async def at_load(self, path: Running, sessions: int) -> Window:
        """The latency and the cost of chunks when there are so many sessions."""
        async with self._load(path) as load:
            await load.grow(sessions)
            await asyncio.sleep(self._plan.settle_s)
            window = await load.measure(self._plan.window_s, self._watched(path))
            if window.others_cpu > DISTURBED:
                again = await load.measure(self._plan.window_s, self._watched(path))
                window = min(window, again, key=lambda each: each.others_cpu)
            sent, echoed = await load.drain()
        self._conditions.note(path.name, window)
        if sent != echoed or window.failures:
            self._conditions.reasons.append(
                f"{path.name}: {echoed} of {sent} chunks came back at {sessions} sessions {window.failures[:1]}"
            )
        return window

    async def _ramp(self, path: Running, first: int, deadline: float) -> Saturation:
        sessions, target = 0, first
        async with self._load(path) as load:
            while time.monotonic() < deadline:
                try:
                    await load.grow(target)
                except OSError:
                    return Saturation(sessions, reached=True)
                window = await self._step(path, load, deadline)
                if self._conditions.crowded(window):
                    self._conditions.note(path.name, window)
                    break
                if not carried(window):
                    return Saturation(sessions, reached=window.others_cpu <= DISTURBED)
                self._conditions.note(path.name, window)
                sessions = target
                if sessions == self._plan.most_sessions:
                    break
                target = min(next_step(sessions, window.cpu[GATEWAY]), self._plan.most_sessions)
        return Saturation(sessions, reached=False)

    async def _step(self, path: Running, load: Load, deadline: float) -> Window:
        # Anyone can have a bad moment: what is not carried is looked at twice, and longer while others disturb.
        for look in count(1):
            await asyncio.sleep(self._plan.step_settle_s)
            window = await load.measure(self._plan.step_window_s, self._watched(path))
            calm = window.others_cpu <= DISTURBED
            if carried(window) or time.monotonic() > deadline or (calm and look > 1):
                break
        return window

    def _watched(self, path: Running) -> Mapping[str, int]:
        return {ECHO: self._echo_pid} | ({GATEWAY: path.pid} if path.pid is not None else {})

    @asynccontextmanager
    async def _load(self, path: Running) -> AsyncIterator[Load]:
        load = Load(path.dialer, self._plan.frame_ms)
        try:
            yield load
        finally:
            await load.close()
            if path.pid is not None:
                await _idle(path.pid)


async def _idle(pid: int) -> None:
    """Waits until a process has done what it had to do."""
    deadline = time.monotonic() + _IDLE_TIMEOUT_S
    cpu, looked = cpu_seconds(pid), time.monotonic()
    while looked < deadline:
        await asyncio.sleep(0.2)
        before, since = cpu, looked
        cpu, looked = cpu_seconds(pid), time.monotonic()
        if (cpu - before) / (looked - since) < _IDLE:
            return
