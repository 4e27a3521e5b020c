"""Many worlds, one after the other: in shards, on several processors, resumed where the last run stopped."""

import json
import os
import re
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cache
from hashlib import sha256
from itertools import islice
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread

import segue
from segue.simulator.promises import Broke, check
from segue.simulator.world.world import run_world

# What is left of a trace back is the place where it happened.
_PLACES = 3


class CampaignError(Exception):
    """A campaign cannot be run; the message says why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a seed.

    Attributes:
        broke: the promise that was broken, or the exception that was raised; empty for a world that is in order.
        how: what broke it.
        checked: the promises that were checked, and kept.
        seconds: how long it took, in real time.
    """

    seed: int
    minutes: float
    broke: str = ""
    how: str = ""
    checked: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)


def judge(seed: int, minutes: float) -> Outcome:
    """Run one world, and check it."""
    began_at = time.perf_counter()
    broke = how = ""
    checked: tuple[str, ...] = ()
    try:
        checked = check(run_world(seed, minutes)).checked
    except Broke as breach:
        broke, how = breach.promise, str(breach)
    except Exception as error:  # Whatever a world raises is a finding.
        places = traceback.extract_tb(error.__traceback__)[-_PLACES:]
        where = ", ".join(f"{Path(place.filename).name}:{place.lineno} {place.name}" for place in places)
        broke, how = type(error).__name__, f"{error} ({where})"
    return Outcome(seed, minutes, broke, how, checked, round(time.perf_counter() - began_at, 3))


def read_seeds(text: str) -> range:
    """Return the seeds that "17" or "1-500" means.

    Raises:
        CampaignError: it means none.
    """
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    if match is None or int(match[2] or match[1]) < int(match[1]):
        raise CampaignError(f"{text} are no seeds: say 17 or 1-500")
    return range(int(match[1]), int(match[2] or match[1]) + 1)


def read_shard(text: str) -> tuple[int, int]:
    """Return which shard of how many "2/8" means.

    Raises:
        CampaignError: it means none.
    """
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise CampaignError(f"{text} is no shard: say 2/8 for the second of eight")
    return int(match[1]), int(match[2])


def shard_of(seeds: range, shard: int, shards: int) -> range:
    """Return every `shards`-th seed, from the `shard`-th on, which counts from 1."""
    return seeds[shard - 1 :: shards]


class Finished:
    """The outcomes of a campaign, on disk as JSON lines as they come; without a path, nowhere.

    What another version of the code made of a seed stays there, and counts for nothing.

    Raises:
        CampaignError: the file cannot be read or written, or holds something else.
    """

    def __init__(self, path: Path | None, minutes: float) -> None:
        self._path = path
        self._code = code_digest() if path is not None else ""
        self.outcomes = [outcome for outcome in self._read() if outcome.minutes == minutes]

    @property
    def seeds(self) -> frozenset[int]:
        """The seeds that need not be run again."""
        return frozenset(outcome.seed for outcome in self.outcomes)

    def add(self, outcome: Outcome) -> None:
        """Write an outcome down."""
        self.outcomes.append(outcome)
        if self._path is not None:
            try:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"code": self._code} | asdict(outcome)) + "\n")
            except OSError as error:
                raise CampaignError(f"{self._path}: cannot be written: {error.strerror or error}") from error

    def _read(self) -> Iterator[Outcome]:
        if self._path is None or not self._path.exists():
            return
        try:
            for line in self._path.read_text(encoding="utf-8").splitlines():
                fields = json.loads(line)
                if fields.pop("code") != self._code:
                    continue
                yield Outcome(**fields | {"checked": tuple(fields["checked"])})
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise CampaignError(f"{self._path}: is no state of worlds: {error}") from error


@cache
def code_digest() -> str:
    """Return what tells the code that makes and judges worlds from any other, in hexadecimal."""
    package = Path(segue.__file__).parent
    digest = sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def run_campaign(seeds: Iterable[int], minutes: float, jobs: int) -> Iterator[Outcome]:
    """Yield the outcomes, in the order in which they come."""
    if jobs == 1:
        for seed in seeds:
            yield judge(seed, minutes)
        return
    # A fresh interpreter each, since threads and forks do not mix.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_end_with_parent) as pool:
        yield from _judged(pool, seeds, minutes, jobs)


def _end_with_parent() -> None:
    """Have this process end when the one that started it is killed: workers wait for work forever by themselves."""
    parent = parent_process()
    assert parent is not None, "not a worker"

    def watch() -> None:
        parent.join()
        os._exit(1)

    Thread(target=watch, name="parent", daemon=True).start()


def _judged(pool: Executor, seeds: Iterable[int], minutes: float, jobs: int) -> Iterator[Outcome]:
    waiting = iter(seeds)
    while batch := list(islice(waiting, jobs * 16)):
        yield from pool.map(judge, batch, [minutes] * len(batch))


def summary(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Return how many worlds broke what, the most frequent first; those in order stand under the empty name."""
    return dict(Counter(outcome.broke for outcome in outcomes).most_common())
