"""`segue demo`: simulator or Live API, gateway and client, a conversation, and the promises checked on its history."""

import asyncio
import time
from functools import partial
from pathlib import Path

from rich.console import Console

from segue.config import Settings
from segue.demo.conversation import UTTERANCES, converse
from segue.gateway import Gateway
from segue.node.driver import Remains
from segue.serve import chosen_backend
from segue.simulator.history import History
from segue.simulator.promises import Broke, NotCheckedError, check


async def demo(settings: Settings, folder: Path, console: Console) -> bool:
    """Hold the demo conversation through a gateway of its own and leave what it produced in `folder`, which must exist.

    Returns whether everything happened that should, and no promise was broken.

    Raises:
        SettingsError: the settings cannot be.
        ListenError: an address is taken or is not ours.
        SegueError: the gateway closed the session.
    """
    say = partial(console.print, highlight=False, soft_wrap=True)
    history = History()
    tasks_before = len(asyncio.all_tasks())

    def note_end(session: str, remains: Remains) -> None:
        history.add(time.monotonic(), "gateway", session, "session_ended", **remains)

    async with chosen_backend(settings, history) as choice:
        say(f"[bold]Segue demo[/bold] on {choice.why}.")
        gateway = Gateway(settings, choice.backend, note_end)
        await gateway.start()
        say(
            f"gateway on 127.0.0.1:{gateway.port}, "
            f"metrics on http://127.0.0.1:{gateway.metrics_port}/metrics until the end\n"
        )
        try:
            outcome = await converse(f"127.0.0.1:{gateway.port}", UTTERANCES, folder / "reply.wav", console, history)
        finally:
            (folder / "metrics.txt").write_bytes(gateway.exposition())
            await gateway.stop()
    remains = {"sessions": len(gateway.registry), "tasks": len(asyncio.all_tasks()) - tasks_before}
    history.add(time.monotonic(), "gateway", "", "stopped", **remains)
    history.save(folder / "history.jsonl")
    # Only the simulator knows what the real service would have closed the link for.
    must = {"Ordered", "Gapless", "Silent", "Clean"} | (set() if choice.live else {"Legal"})
    try:
        report = check(history, must)
    except (Broke, NotCheckedError) as fault:
        say(f"[red]✗[/red] on the recorded history: {fault}")
        return False
    say(f"\npromises checked on the recorded history: {', '.join(report.checked)}")
    for what, name in (
        ("the reply, as it was heard", "reply.wav"),
        ("history", "history.jsonl"),
        ("metrics", "metrics.txt"),
    ):
        say(f"{what}: {folder / name}")
    for what in outcome.missing:
        say(f"[red]✗[/red] this did not happen: {what}")
    return not outcome.missing
