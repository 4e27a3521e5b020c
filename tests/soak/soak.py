"""A soak: a gateway and a simulator as processes of their own, and users who talk through both."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from statistics import median

from tests.bench.machine import free_port
from tests.bench.paths import started

from .plan import FAMILIES, SPLIT_SHARE, Plan
from .user import Microphone, User
from .watch import Metrics, Sample, Usage, Watch
from .witness import Witness

GATEWAY, SIMULATOR, USERS = "gateway", "simulator", "users"
GATEWAY_LOG = "gateway.log"
# Users arrive so far apart, and everything is looked at so often, in seconds.
_ARRIVAL_S = 0.1
_LOOK_S = 5.0
# How long the gateway may take to let go of everything.
_LET_GO_S = 15.0
_MICROPHONES = (Microphone.OPEN, Microphone.OPEN, Microphone.PUSH_TO_TALK, Microphone.SIGNALLED)
# What is flat, if it is by no more than so much, or by that share, higher in the last third of the time than in the one
# before: Python's allocator gives memory back in pieces of 1 MiB, and what sessions keep of their users' speech, up to
# 1 MiB each, and how many of them are just being renewed, varies from one look to the next.
FLAT = {"rss_mib": 8.0, "descriptors": 8.0, "threads": 4.0}
_GROWTH = 0.05
# Five times what a renewal may add, which is a setup, of 0.15 s here, and 50 ms; and five times the second within which
# a lost link is to be replaced. One in five may meet another fault on its way.
GAP_BOUND_S = 5 * 0.2
RECOVERY_BOUND_S = 5 * 1.0
_USUAL = 0.8
# Sockets of the look itself may be among what is counted in the end.
_LEFT_DESCRIPTORS = 2


@dataclass
class Soak:
    """What came of a soak.

    Attributes:
        plan: what was asked for.
        before: what the gateway held before the users came; it had served others by then.
        after: what it held when they had left.
        samples: what everything held meanwhile.
        metrics: the gateway's, in the end.
        witnesses: of all sessions.
        broken: what should not have happened.
    """

    plan: Plan
    before: Usage
    after: Usage
    samples: list[Sample]
    metrics: Metrics
    witnesses: list[Witness]
    broken: list[str] = field(default_factory=list)


async def soak(plan: Plan, folder: Path, say: Callable[[str], None], *, record: bool = False) -> Soak:
    """Run a soak.

    Args:
        plan: what is asked for.
        folder: where settings, logs and the certificate stay.
        say: is told how it goes.
        record: have the simulator write down what happens, some MB a minute.
    """
    async with _running(plan, folder, record=record) as (target, watch):
        # What the first sessions make a process load and open is not the others'.
        await _attend(replace(plan, sessions=min(plan.sessions, 4), seconds=plan.age_limit / 4), target, watch, say)
        before = await _let_go(watch, None)
        watch.samples.clear()
        witnesses = await _attend(plan, target, watch, say)
        samples = list(watch.samples)
        after = await _let_go(watch, before)
        result = Soak(plan, before.used[GATEWAY], after.used[GATEWAY], samples, await watch.metrics(), witnesses)
    result.broken = [each for witness in witnesses for each in witness.broken]
    result.broken += [
        *left(after, before),
        *grown(samples, plan),
        *slow(witnesses),
        *repeated(witnesses, plan),
        *complaints(folder / GATEWAY_LOG),
    ]
    return result


@asynccontextmanager
async def _running(plan: Plan, folder: Path, *, record: bool) -> AsyncIterator[tuple[str, Watch]]:
    """Start a simulator and a gateway in front of it; yield the gateway's address and who watches them."""
    settings, faults, dialogue = plan.write(folder)
    ca_file = folder / "ca.pem"
    port, simulator_port, metrics_port = free_port(), free_port(), free_port()
    segue = [sys.executable, "-m", "segue"]
    simulate = [*segue, "simulate", "--port", str(simulator_port), "--ca-file", str(ca_file), "--seed", str(plan.seed)]
    simulate += ["--faults", str(faults), "--dialogue", str(dialogue)]
    if record:
        simulate += ["--record", str(folder / "simulator.jsonl")]
    serve = [*segue, "serve", "--port", str(port), "--metrics-port", str(metrics_port), "--config", str(settings)]
    environment = {
        "GEMINI_API_KEY": "simulated",
        "GOOGLE_GEMINI_BASE_URL": f"https://127.0.0.1:{simulator_port}",
        "SSL_CERT_FILE": str(ca_file),
    }
    cores = os.sched_getaffinity(0)
    async with (
        started(simulate, {}, simulator_port, cores, folder / "simulator.log") as simulator,
        started(serve, environment, port, cores, folder / GATEWAY_LOG) as gateway,
    ):
        pids = {GATEWAY: gateway, SIMULATOR: simulator, USERS: os.getpid()}
        yield f"127.0.0.1:{port}", Watch(pids, metrics_port)


async def _attend(plan: Plan, target: str, watch: Watch, say: Callable[[str], None]) -> list[Witness]:
    """Have users talk, all of them for so long as the plan says; return what they saw."""
    stop = asyncio.Event()
    models = list(FAMILIES.values())
    users = [
        User(
            number,
            target,
            models[number % len(models)],
            _MICROPHONES[number % len(_MICROPHONES)],
            plan.seed,
            stop,
        )
        for number in range(plan.sessions)
    ]
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as talking:
        for user in users:
            talking.create_task(user.talk())
            await asyncio.sleep(_ARRIVAL_S)
        ends_at = loop.time() + plan.seconds
        while (left := ends_at - loop.time()) > 0:
            await asyncio.sleep(min(_LOOK_S, left))
            late_s = max(user.late_s for user in users)
            for user in users:
                user.late_s = 0.0
            say(_described(await watch.look(late_s), users))
        stop.set()
    return [user.witness for user in users]


def _described(sample: Sample, users: list[User]) -> str:
    witnesses = [user.witness for user in users]
    used = sample.used[GATEWAY]
    exchanges, broken = (
        sum(map(len, each)) for each in zip(*((w.exchanges, w.broken) for w in witnesses), strict=True)
    )
    return (
        f"{sample.sessions:.0f} sessions, {sample.links:.0f} links, {exchanges} exchanges, {broken} broken; gateway "
        f"{used.rss_mib:.0f} MiB, {used.descriptors} descriptors, {used.threads} threads; late by {sample.late_s:.2f} s"
    )


async def _let_go(watch: Watch, before: Sample | None) -> Sample:
    """Wait until nothing is left of any session, or for long enough; return what is there then."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _LET_GO_S
    while True:
        sample = await watch.look()
        if not any(left(sample, before)) or loop.time() > deadline:
            return sample
        await asyncio.sleep(0.25)


def left(sample: Sample, before: Sample | None) -> Iterator[str]:
    """Tell what is left of sessions that are over."""
    if sample.sessions or sample.links or sample.streams:
        yield f"Clean: {sample.sessions:.0f} sessions, {sample.links:.0f} links, {sample.streams:.0f} streams are left"
    elif before is not None:
        had, has = before.used[GATEWAY].descriptors, sample.used[GATEWAY].descriptors
        if has > had + _LEFT_DESCRIPTORS:
            yield f"Clean: the gateway had {had} open descriptors before the users came, and has {has} after they left"


def thirds(samples: list[Sample], what: str) -> list[float]:
    """Return the median of what the gateway held in each third of the time; nothing for fewer than three samples."""
    third = len(samples) // 3
    if not third:
        return []
    parts = (samples[:third], samples[third : 2 * third], samples[2 * third :])
    return [median(getattr(each.used[GATEWAY], what) for each in part) for part in parts]


def grown(samples: list[Sample], plan: Plan) -> Iterator[str]:
    """Tell what of the gateway's grew although the load did not, or if that did not last."""
    fewest = min((sample.sessions for sample in samples), default=plan.sessions)
    if fewest < plan.sessions:
        yield f"Recovering: there were only {fewest:.0f} sessions at one time"
    for what, slack in FLAT.items():
        for had, has in pairwise(thirds(samples, what)[1:]):
            if has > had + max(slack, had * _GROWTH):
                yield f"Frugal: the gateway's {what} grew from {had:.0f} in the middle third of the time to {has:.0f}"


def slow(witnesses: list[Witness]) -> Iterator[str]:
    """Tell what took too long: the bounds are those of virtual time, five times over."""
    for promise, kind, bound in (("Seamless", "RENEWED", GAP_BOUND_S), ("Recovering", "RECOVERED", RECOVERY_BOUND_S)):
        notices = [notice for witness in witnesses for notice in witness.notices]
        times = sorted(took for name, _, took in notices if name == kind and took is not None)
        usual = times[int(len(times) * _USUAL)] if times else 0.0
        if usual > bound:
            yield f"{promise}: one in five of {len(times)} took over {usual:.2f} s, not {bound:g} s ({kind})"


def repeated(witnesses: list[Witness], plan: Plan) -> Iterator[str]:
    """Tell whether words were answered twice: nobody asked for more turns than those that come in two pieces."""
    turns, unasked = sum(witness.turns for witness in witnesses), [each for w in witnesses for each in w.unasked]
    if len(unasked) > max(1.0, 5 * SPLIT_SHARE * plan.calamity * turns):
        yield f"Recovering: {len(unasked)} of {turns} turns answered nothing that was asked, such as: {unasked[0]}"


def complaints(log: Path) -> Iterator[str]:
    """Tell what the gateway should never write: errors, and what is none of its lines, such as a trace back."""
    for line in log.read_text().splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            yield f"Clean: the gateway wrote {line!r}"
            continue
        if record["level"] in ("error", "critical"):
            yield f"Clean: the gateway logged {line}"
