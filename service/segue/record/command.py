"""`segue record`: what its commands do, and what they tell the person who ran them."""

import asyncio
import json
import ssl
import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from segue.record.comparison import Comparison, Point, Verdict, compare
from segue.record.proxy import ProxyError, RecordingProxy
from segue.record.recording import Recorder, Recording, RecordingError
from segue.record.redaction import Redaction
from segue.simulator.dialogue_file import load_dialogue
from segue.simulator.speech import prepare_voice

_STYLES = {
    Verdict.SAME: "green",
    Verdict.WITHIN: "green",
    Verdict.OUTSIDE: "yellow",
    Verdict.DIFFERS: "red",
}


async def record(
    output: Path,
    redaction: Redaction,
    *,
    upstream: str,
    upstream_ca_file: Path | None,
    port: int,
    plain: bool,
    ca_file: Path | None,
    console: Console,
) -> None:
    """Run the proxy until it is cancelled.

    Raises:
        ProxyError: it cannot start, or a file cannot be read or written.
    """
    try:
        # Evidence is not overwritten.
        with output.open("x", encoding="utf-8") as file:
            trusted = None if upstream_ca_file is None else ssl.create_default_context(cafile=upstream_ca_file)
            recorder = Recorder(file, redaction, time.monotonic)
            async with RecordingProxy(upstream, recorder, port, plain=plain, upstream_ssl=trusted) as proxy:
                _announce(proxy, upstream, output, ca_file, console)
                await asyncio.Event().wait()
    except OSError as error:
        raise ProxyError(f"{error.filename or upstream_ca_file}: {error.strerror}") from error


def compared(recording: Recording, dialogue: Path | None, seed: int) -> Comparison:
    """Compare a recording with the simulator, which says what a dialogue file says, or else as much as was recorded.

    Raises:
        DialogueError: the dialogue cannot be used.
        RecordingError: nothing was recorded.
    """
    if not recording.connections:
        raise RecordingError("the recording holds no connection")
    if dialogue is None:
        return compare(recording, seed=seed)
    said = load_dialogue(dialogue)
    return compare(recording, (said, prepare_voice(said.sentences())), seed)


def show(comparison: Comparison, console: Console, *, as_json: bool) -> None:
    """Print a comparison, as a table for a person or as JSON."""
    if as_json:
        console.print_json(json.dumps(comparison.as_json()))
        return
    table = Table("connection", "point", "verdict")
    # Paths of fields are long, and worth nothing without their ends.
    table.add_column("recorded", overflow="fold")
    table.add_column("simulated", overflow="fold")
    for point in comparison.points:
        style = _STYLES.get(point.verdict, "red" if point.structural else "yellow")
        verdict = f"[{style}]{point.verdict.value}[/{style}]"
        table.add_row(str(point.connection), escape(point.name), verdict, *(escape(text) for text in _shown(point)))
    console.print(table)
    differing = sum(not point.agrees for point in comparison.points)
    structural = sum(point.structural for point in comparison.points)
    outside = sum(point.verdict is Verdict.OUTSIDE for point in comparison.points)
    console.print(
        f"{differing} of {structural} structural points differ; "
        f"{outside} timings lie outside of what the simulator does."
    )


def _shown(point: Point) -> tuple[str, str]:
    """Return both values: the range of a timing; of sets that differ, what only one of them has."""
    if not point.structural:
        return _range(point.recorded), _range(point.simulated)
    recorded, simulated = [str(value) for value in point.recorded], [str(value) for value in point.simulated]
    if point.verdict is Verdict.SAME:
        return ", ".join(recorded), "the same"
    if point.verdict is Verdict.DIFFERS and len(recorded) + len(simulated) > 2 and set(recorded) != set(simulated):
        recorded, simulated = (
            [f"+ {value}" for value in ours if value not in theirs]
            for ours, theirs in ((recorded, simulated), (simulated, recorded))
        )
    return ", ".join(recorded), ", ".join(simulated)


def _range(values: tuple[str | float, ...]) -> str:
    numbers = sorted(float(value) for value in values)
    if not numbers:
        return ""
    return f"{numbers[0]:g}" if numbers[0] == numbers[-1] else f"{numbers[0]:g} to {numbers[-1]:g}"


def _announce(proxy: RecordingProxy, upstream: str, output: Path, ca_file: Path | None, console: Console) -> None:
    """Write the CA's certificate where it was asked for, and say how to use the proxy."""
    if ca_file is not None and proxy.ca_pem:
        ca_file.write_bytes(proxy.ca_pem)
    console.print(
        f"Recording what passes between [bold]{proxy.url}[/bold] and {escape(upstream)} to {escape(str(output))}. "
        "Ctrl-C stops it.",
        highlight=False,
        soft_wrap=True,
    )
    if ca_file is None and proxy.ca_pem:
        console.print("Its clients must trust its CA: start it with --ca-file FILE.", highlight=False)
    elif proxy.ca_pem:
        console.print(
            f"Any google-genai client uses it, with its own key, after\n\n  export SSL_CERT_FILE={ca_file} "
            f"GOOGLE_GEMINI_BASE_URL={proxy.url} GOOGLE_VERTEX_BASE_URL={proxy.url}\n",
            highlight=False,
            soft_wrap=True,
        )
    else:
        console.print(
            f"A JavaScript client uses it, with its own key, as httpOptions.baseUrl {proxy.url}.",
            highlight=False,
            soft_wrap=True,
        )
