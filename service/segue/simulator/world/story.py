"""The merged history of a world, for a person to read."""

from collections.abc import Iterator

from segue.simulator.history import History, Record

# These come many times a second and say little.
_OFTEN = frozenset(
    {
        "audio_lost",
        "audio_dropped",
        "audio_received",
        "audio_repeated",
        "audio_sent",
        "audio_sent_during_call",
        "frame_sent",
        "speech_planned",
        "speech_received",
    }
)


def tell(history: History) -> Iterator[str]:
    """Yield a line for what happened; audio that nothing else interrupts is told in one line for each witness."""
    runs: dict[tuple[str, str], list[Record]] = {}
    for record in history:
        if record.kind in _OFTEN or record.fields.get("arm") in ("audio", "input_ack"):
            runs.setdefault((record.session, record.kind), []).append(record)
            continue
        for run in runs.values():
            yield _told(run)
        runs.clear()
        yield _line(record)
    for run in runs.values():
        yield _told(run)


def _told(run: list[Record]) -> str:
    more = f" ... {len(run)} of them until {run[-1].at:.3f}" if len(run) > 1 else ""
    return _line(run[0]) + more


def _line(record: Record) -> str:
    fields = " ".join(f"{name}={value}" for name, value in record.fields.items() if value not in ("", None))
    return f"{record.at:9.3f}  {record.by:<9}  {record.session:<10}  {record.kind} {fields}".rstrip()
