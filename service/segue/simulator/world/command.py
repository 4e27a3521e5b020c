"""`segue world`: what it runs, and what it says of it."""

from pathlib import Path

from rich.console import Console

from segue.simulator.world.campaign import Finished, read_seeds, read_shard, run_campaign, shard_of, summary
from segue.simulator.world.story import tell
from segue.simulator.world.world import run_world


def run_worlds(seeds: str, minutes: float, shard: str, resume: Path | None, jobs: int, console: Console) -> bool:
    """Run the worlds of a shard that were not run before; return whether all kept every promise.

    Args:
        seeds: "17" or "1-500".
        shard: "2/8" for the second of eight.
        resume: where the finished seeds stand and are noted.

    Raises:
        CampaignError: one of these means nothing, or the file cannot be used.
    """
    finished = Finished(resume, minutes)
    chosen = shard_of(read_seeds(seeds), *read_shard(shard))
    for outcome in run_campaign([seed for seed in chosen if seed not in finished.seeds], minutes, jobs):
        finished.add(outcome)
        if outcome.broke:
            again = f"segue world --seeds {outcome.seed} --minutes {minutes:g} --story"
            console.print(f"{outcome.how}\n  {again}", highlight=False, markup=False, soft_wrap=True)
    outcomes = [outcome for outcome in finished.outcomes if outcome.seed in chosen]
    counts = summary(outcomes)
    in_order = counts.pop("", 0)
    broke = ", ".join(f"{count} broke {promise}" for promise, count in counts.items())
    took = sum(outcome.seconds for outcome in outcomes)
    speed = len(outcomes) * minutes * 60 / took if took else 0.0
    said = f"{in_order} of {len(outcomes)} worlds kept every promise{'; ' if broke else ''}{broke}."
    pace = f"A processor made {speed:.0f} seconds of theirs in one of its own."
    console.print(f"{said} {pace}", highlight=False, markup=False, soft_wrap=True)
    return not counts


def tell_world(seeds: str, minutes: float, console: Console) -> None:
    """Print all that happens in the world of the first of the seeds.

    Raises:
        CampaignError: these are no seeds.
    """
    for line in tell(run_world(read_seeds(seeds)[0], minutes)):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
