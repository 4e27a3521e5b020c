"""How many real-time sessions one core of the simulator carries: `python -m tests.bench.simulator_load`.

Every session sends 100 ms of near-silence every 100 ms and asks something now and then. The answer is to be complete
when its playback ends, which is known in advance: what `turnComplete` comes later than that is the lag of the
simulator's playback clock. Sessions are added until the lag of one turn in a hundred is over 50 ms.
"""

import argparse
import asyncio
import json
import os
import re
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import uvloop
from rich.console import Console
from rich.table import Table

from .chunk import INPUT_RATE_HZ, OUTPUT_RATE_HZ, input_bytes, quiet_noise
from .frames import FrameReader, Opcode, frame_head
from .machine import busy_seconds, cpu_seconds, describe
from .measures import DISTURBED, next_step
from .paths import Cores

TARGET_SESSIONS = 200
_LAG_BOUND_MS = 50.0
_OUTPUT = Path(__file__).parents[2] / "build" / "simulator_load.json"
_FRAME_MS = 100
_TURN_PERIOD_S = 10.0
_ANSWER_DELAY_S = 0.3
# The simulator reads audio at three times its pace: right after a frame, a question would wait for it.
_ASKED_AFTER_MS = 60
_DIALOGUE = f"""
[[utterances]]
user = "Yes?"
model = "Yes."
[[fallback]]
model = "The keeper was called Marta, of course."
delay = {_ANSWER_DELAY_S}
"""
_SETUP = {
    "model": "models/gemini-3.8-live",
    "inputAudioTranscription": {},
    "outputAudioTranscription": {},
    "sessionResumption": {},
}
_UPGRADE = (
    b"GET /ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=k HTTP/1.1\r\n"
    b"Host: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_OPENED_TOGETHER = 10
_START_TIMEOUT_S = 60.0
_OPEN_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 5.0
# How long the last turns of a window are waited for.
_GRACE_S = 5.0
# Coprime with the milliseconds of a frame, so that neighbours are never due together.
_SPREAD = 7


def _frame(message: object) -> bytes:
    payload = json.dumps(message).encode()
    return frame_head(Opcode.TEXT, len(payload), masked=True) + payload


_SETUP_FRAME = _frame({"setup": _SETUP})
_ASK = _frame({"realtimeInput": {"text": "And then?"}})
_AUDIO = _frame(
    {
        "realtimeInput": {
            "audio": {
                "mimeType": f"audio/pcm;rate={INPUT_RATE_HZ}",
                "data": b64encode(quiet_noise(input_bytes(_FRAME_MS))).decode(),
            }
        }
    }
)


@dataclass
class Turns:
    """The turns that were asked for, and by how many seconds those that are complete were late."""

    asked: int = 0
    lags_s: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    all_complete: asyncio.Event = field(default_factory=asyncio.Event)

    def ask(self) -> None:
        """A turn begins."""
        self.asked += 1
        self.all_complete.clear()

    def complete(self, lag_s: float) -> None:
        """A turn ends."""
        self.lags_s.append(lag_s)
        if len(self.lags_s) == self.asked:
            self.all_complete.set()

    def lag_ms(self, percentile: float) -> float:
        """Of all turns; one that never ended counts as infinitely late."""
        lags = np.full(max(self.asked, 1), np.inf)
        lags[: len(self.lags_s)] = self.lags_s
        rank = int(np.ceil(len(lags) * percentile / 100)) - 1
        return float(np.partition(lags, rank)[rank]) * 1000


class VoiceSession(asyncio.Protocol):
    """A connection whose user is mostly silent."""

    def __init__(self, number: int, turns: Turns) -> None:
        self.turns = turns
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._frames_per_turn = round(_TURN_PERIOD_S * 1000 / _FRAME_MS)
        self._until_turn = number * _SPREAD % self._frames_per_turn
        self._reader = FrameReader()
        self._upgrade: bytes | None = b""
        self._asked_in: Turns | None = None
        self._asked_at = 0.0
        self._audio_s = 0.0
        self._closing = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transport is one without being a subclass.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(_UPGRADE)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._closing:
            self.turns.failures.append(f"connection lost: {exc}")
        if not self.opened.done():
            self.opened.set_result(None)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        if self._upgrade is not None:
            response, end, data = (self._upgrade + data).partition(b"\r\n\r\n")
            self._upgrade = None if end else response
            if not end:
                return
            self._transport.write(_SETUP_FRAME)
        for opcode, payload in self._reader.feed(data):
            if opcode == Opcode.BINARY:
                self._receive(payload, now)
            elif opcode == Opcode.CLOSE:
                self._transport.close()

    def speak(self) -> None:
        """Send the next frame of audio."""
        self._transport.write(_AUDIO)

    def ask(self) -> None:
        """Send the next question, if it is time."""
        self._until_turn -= 1
        if self._until_turn <= 0 and self._asked_in is None:
            self._until_turn = self._frames_per_turn
            self._asked_in, self._asked_at, self._audio_s = self.turns, time.monotonic(), 0.0
            self.turns.ask()
            self._transport.write(_ASK)

    def close(self) -> None:
        """Drop the connection."""
        self._closing = True
        self._transport.abort()

    def _receive(self, payload: bytes, now: float) -> None:
        # Looked for, not parsed: the load is to cost less than what it measures.
        _, found, rest = payload.partition(b'"data": "')
        if found:
            base64 = rest[: rest.index(b'"')]
            self._audio_s += (len(base64) * 3 // 4 - base64.count(b"=", -2)) / (2 * OUTPUT_RATE_HZ)
        if b'"turnComplete"' in payload and self._asked_in is not None:
            self._asked_in.complete(now - (self._asked_at + _ANSWER_DELAY_S + self._audio_s))
            self._asked_in = None
        if b'"setupComplete"' in payload:
            self.opened.set_result(None)


@dataclass(frozen=True)
class Step:
    """What was measured at one number of sessions."""

    sessions: int
    turns: int
    lag_p50_ms: float
    lag_p99_ms: float
    # Cores used by the simulator, by this load, and by everything else on the machine.
    cpu: float
    load_cpu: float
    others_cpu: float
    failures: tuple[str, ...]

    @property
    def carried(self) -> bool:
        """Whether the playback clock kept up."""
        return self.lag_p99_ms <= _LAG_BOUND_MS and not self.failures


class Load:
    """A growing number of sessions, spread evenly over the time of a frame."""

    def __init__(self, port: int, pid: int) -> None:
        self._port = port
        self._pid = pid
        self._turns = Turns()
        self._sessions: list[VoiceSession] = []
        self._due: list[list[VoiceSession]] = [[] for _ in range(_FRAME_MS)]
        self._tick_ms = time.monotonic_ns() // 1_000_000
        self._timer = asyncio.get_running_loop().call_soon(self._tick)

    async def grow(self, sessions: int) -> None:
        """Open sessions until there are so many."""
        while len(self._sessions) < sessions:
            first = len(self._sessions)
            numbers = range(first, min(first + _OPENED_TOGETHER, sessions))
            async with asyncio.timeout(_OPEN_TIMEOUT_S):
                opened = await asyncio.gather(*map(self._open, numbers))
            for number, session in zip(numbers, opened, strict=True):
                self._sessions.append(session)
                self._due[number * _SPREAD % _FRAME_MS].append(session)

    async def measure(self, seconds: float) -> Step:
        """Watch all turns that begin within so many seconds."""
        self._turns = turns = Turns()
        for session in self._sessions:
            session.turns = turns
        pids = (self._pid, os.getpid())
        cpu_before, busy_before, began_at = [cpu_seconds(pid) for pid in pids], busy_seconds(), time.monotonic()
        await asyncio.sleep(seconds)
        elapsed = time.monotonic() - began_at
        cpu = [(cpu_seconds(pid) - before) / elapsed for pid, before in zip(pids, cpu_before, strict=True)]
        others = max((busy_seconds() - busy_before) / elapsed - sum(cpu), 0.0)
        # Turns from now on are those of the next window.
        for session in self._sessions:
            session.turns = Turns()
        with suppress(TimeoutError):
            await asyncio.wait_for(turns.all_complete.wait(), _GRACE_S)
        return Step(
            sessions=len(self._sessions),
            turns=turns.asked,
            lag_p50_ms=turns.lag_ms(50),
            lag_p99_ms=turns.lag_ms(99),
            cpu=cpu[0],
            load_cpu=cpu[1],
            others_cpu=others,
            failures=tuple(turns.failures),
        )

    def close(self) -> None:
        """End all sessions."""
        self._timer.cancel()
        for session in self._sessions:
            session.close()

    async def _open(self, number: int) -> VoiceSession:
        loop = asyncio.get_running_loop()
        _, session = await loop.create_connection(lambda: VoiceSession(number, self._turns), "127.0.0.1", self._port)
        await session.opened
        return session

    def _tick(self) -> None:
        now_ms = time.monotonic_ns() // 1_000_000
        while self._tick_ms < now_ms:
            self._tick_ms += 1
            for session in self._due[self._tick_ms % _FRAME_MS]:
                session.speak()
            for session in self._due[(self._tick_ms - _ASKED_AFTER_MS) % _FRAME_MS]:
                session.ask()
        self._timer = asyncio.get_running_loop().call_later(0.001, self._tick)


@asynccontextmanager
async def _simulator(cores: set[int]) -> AsyncIterator[tuple[int, int]]:
    """`segue simulate` on some cores: its port and its process."""
    with tempfile.TemporaryDirectory() as folder:
        dialogue = Path(folder) / "dialogue.toml"
        dialogue.write_text(_DIALOGUE)
        command = [sys.executable, "-m", "segue", "simulate", "--plain", "--port", "0", "--dialogue", str(dialogue)]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        # Before it has threads, which would keep the cores that they began with.
        os.sched_setaffinity(process.pid, cores)
        try:
            assert process.stdout
            line = await asyncio.wait_for(process.stdout.readline(), _START_TIMEOUT_S)
            address = re.search(rb"http://127\.0\.0\.1:(\d+)", line)
            if not address:
                raise RuntimeError(f"the simulator did not start: {line.decode()!r}")
            yield int(address[1]), process.pid
        finally:
            process.terminate()
            await asyncio.wait_for(process.wait(), _STOP_TIMEOUT_S)


async def run(first: int, most: int, window_s: float, limit_s: float) -> list[Step]:
    """Add sessions until they are not carried any more, there are enough of them, or the time is up."""
    deadline = time.monotonic() + limit_s
    cores = Cores.share_out()
    steps: list[Step] = []
    async with _simulator(cores.gateway) as (port, pid):
        os.sched_setaffinity(0, cores.generator)
        load = Load(port, pid)
        sessions = first
        try:
            while True:
                await load.grow(sessions)
                steps.append(await load.measure(window_s))
                if not steps[-1].carried or sessions == most or time.monotonic() > deadline:
                    return steps
                sessions = min(next_step(sessions, steps[-1].cpu), most)
        finally:
            load.close()


def _report(steps: Sequence[Step]) -> dict[str, object]:
    return {
        "machine": describe(),
        "sessions_per_core": max((step.sessions for step in steps if step.carried), default=0),
        # More than that were tried, and were not carried.
        "limit_reached": not steps[-1].carried,
        "target": TARGET_SESSIONS,
        "lag_bound_ms": _LAG_BOUND_MS,
        "turn_period_s": _TURN_PERIOD_S,
        "cores_per_session": min(step.cpu / step.sessions for step in steps),
        # Whoever else used the machine may have been what made the last step late.
        "disturbed": steps[-1].others_cpu > DISTURBED,
        "steps": [asdict(step) for step in steps],
    }


def _print(steps: Sequence[Step], console: Console) -> None:
    table = Table("sessions", "turns", "p50, ms", "p99, ms", "simulator", "load", "others")
    for step in steps:
        lags = (f"{step.lag_p50_ms:.1f}", f"{step.lag_p99_ms:.1f}")
        shares = (f"{share:.0%}" for share in (step.cpu, step.load_cpu, step.others_cpu))
        table.add_row(str(step.sessions), str(step.turns), *lags, *shares, style="" if step.carried else "red")
    console.print(table)


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.simulator_load", description=__doc__)
    parser.add_argument("--first", type=int, default=50, help="sessions to begin with")
    parser.add_argument("--most", type=int, default=1000, help="go no further")
    parser.add_argument("--window", type=float, default=_TURN_PERIOD_S, help="seconds of each step")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds after which no step begins")
    parser.add_argument("--output", type=Path, default=_OUTPUT)
    arguments = parser.parse_args(argv)
    console = Console()
    try:
        steps = uvloop.run(run(arguments.first, arguments.most, arguments.window, arguments.limit))
    except KeyboardInterrupt:
        return 130
    report = _report(steps)
    _print(steps, console)
    output: Path = arguments.output
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(report, indent=2) + "\n")
    console.print(f"One core carries {report['sessions_per_core']} sessions. Written to {output}.", highlight=False)
    if report["disturbed"]:
        console.print("Others were busy on this machine: the figure is a lower bound.", style="yellow")
    return 0


if __name__ == "__main__":
    sys.exit(main())
