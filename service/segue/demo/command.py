"""`segue demo`: simulator or Live API, gateway and client, a conversation, and the promises checked on its history."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console

from segue.config import Settings
from segue.core.profiles import profile_of
from segue.demo.conversation import UTTERANCES, converse
from segue.demo.links import WatchedAccount, attributed
from segue.demo.numbered import NumberedVoice
from segue.gateway import Gateway
from segue.node.driver import Remains
from segue.serve import chosen_backend, credentials_of
from segue.simulator.dialogue_file import default_dialogue
from segue.simulator.faults.plan import FaultPlan
from segue.simulator.faults.silence import TotalSilence
from segue.simulator.history import History
from segue.simulator.promises import Broke, NotCheckedError, check
from segue.simulator.speech import prepare_voice

# In seconds. The demo's links are renewed when they are so old.
_AGE_LIMIT = 15.0


async def demo(settings: Settings, folder: Path, console: Console) -> bool:
    """Hold the demo conversation through a gateway of its own and leave what it produced in `folder`, which must exist.

    Returns whether everything happened that should, and no promise was broken.

    Raises:
        SettingsError: the settings cannot be.
        ListenError: an address is taken or is not ours.
        SegueError: the gateway closed the session.
    """
    say = partial(console.print, highlight=False, soft_wrap=True)
    settings = open_to_itself(settings)
    history = History()
    tasks_before = len(asyncio.all_tasks())

    def note_end(session: str, remains: Remains) -> None:
        history.add(time.monotonic(), "gateway", session, "session_ended", **remains)

    voice = None
    if not credentials_of(settings):
        voice = NumberedVoice(await asyncio.to_thread(prepare_voice, default_dialogue().sentences()), history)
    async with chosen_backend(settings, history, voice) as choice:
        say(f"[bold]Segue demo[/bold] on {choice.why}.")
        watched = [replace(source, account=WatchedAccount(source.account, history)) for source in choice.sources]
        gateway = Gateway(renewing_soon(settings), watched, note_end)
        await gateway.start()
        say(
            f"gateway on 127.0.0.1:{gateway.port}, "
            f"metrics on http://127.0.0.1:{gateway.metrics_port}/metrics until the end\n"
        )
        try:
            outcome = await converse(
                f"127.0.0.1:{gateway.port}",
                UTTERANCES,
                folder / "reply.wav",
                console,
                history,
                wedge=partial(choice.simulator.inject, FaultPlan(TotalSilence)) if choice.simulator else None,
            )
        finally:
            (folder / "metrics.txt").write_bytes(gateway.exposition())
            await gateway.stop()
    remains = {"sessions": len(gateway.registry), "tasks": len(asyncio.all_tasks()) - tasks_before}
    history.add(time.monotonic(), "gateway", "", "stopped", **remains)
    history = attributed(history)
    history.save(folder / "history.jsonl")
    kept = _promises_kept(history, say, live=choice.live)
    for what, name in (
        ("the reply, as it was heard", "reply.wav"),
        ("history", "history.jsonl"),
        ("metrics", "metrics.txt"),
    ):
        say(f"{what}: {folder / name}")
    for what in outcome.missing:
        say(f"[red]✗[/red] this did not happen: {what}")
    return kept and not outcome.missing


def _promises_kept(history: History, say: Callable[[str], None], *, live: bool) -> bool:
    # Only the simulator knows what the real service would have closed the link for, and it alone can be made to fail.
    must = {"Ordered", "Gapless", "Silent", "Seamless", "Clean"} | (set() if live else {"Recovering", "Legal"})
    try:
        report = check(history, must)
    except (Broke, NotCheckedError) as fault:
        say(f"\n[red]✗[/red] on the recorded history: {fault}")
        return False
    say(f"\npromises checked on the recorded history: {', '.join(report.checked)}")
    return True


def open_to_itself(settings: Settings) -> Settings:
    """Return the settings without what keeps strangers out: the demo's gateway is on loopback, for its own client."""
    files = ("tls_cert_file", "tls_key_file", "tls_client_ca_file", "tenants_file")
    return settings.model_copy(update=dict.fromkeys(files) | {"jwks": ""})


def renewing_soon(settings: Settings) -> Settings:
    """Return the settings with links that are renewed when they are 15 s old, at the next quiet moment."""
    family = profile_of(settings.model, settings.policy().profiles).family
    profile = settings.profiles.get(family, {}) | {"age_limit": _AGE_LIMIT}
    return settings.model_copy(update={"profiles": settings.profiles | {family: profile}, "renewal_jitter": 0.0})
