"""The timings of one connection: how long the service takes for what, and at which pace. They inform only."""

from collections.abc import Callable

from segue.record.measures import Turn, messages, onsets, pace, plain, transcript_leads, turns_of
from segue.record.recording import Connection


def setup_latency(connection: Connection) -> list[float]:
    """Return how long the setup took to be accepted, in seconds; nothing where it was not."""
    set_up_at = next((f.at for f in connection.frames if f.by == "client" and "setup" in plain(f.message)), None)
    answered_at = next((f.at for f, message in messages(connection) if "setupcomplete" in plain(message)), None)
    return [] if set_up_at is None or answered_at is None else [answered_at - set_up_at]


def interruption_latencies(connection: Connection) -> list[float]:
    """Return how long after the client began to say something each interruption came, in seconds."""
    began = onsets(connection)
    interrupted = [turn.at["interrupted"] for turn in turns_of(connection) if "interrupted" in turn.at]
    return [at - max(before) for at in interrupted if (before := [onset for onset in began if onset <= at])]


def go_away_after(connection: Connection) -> list[float]:
    """Return how long after the handshake each goAway came, in seconds."""
    return [frame.at - connection.at for frame, message in messages(connection) if "goaway" in plain(message)]


def closed_after(connection: Connection) -> list[float]:
    """Return how long after the handshake the server closed, in seconds; nothing where it did not."""
    closed = connection.closed
    return [closed.at - connection.at] if closed and closed.by == "server" else []


def _chunk_lengths(turn: Turn) -> list[float]:
    # The last chunk is what was left.
    return [seconds for _, seconds in turn.chunks[1:-1]]


def _turn_complete_delay(turn: Turn) -> list[float]:
    return [turn.at["turnComplete"] - turn.at["generationComplete"]] if _played_out(turn) else []


def _after_playback(turn: Turn) -> list[float]:
    return [turn.at["turnComplete"] - turn.chunks[0][0] - turn.audio] if _played_out(turn) else []


def _played_out(turn: Turn) -> bool:
    return (
        bool(turn.chunks) and "interrupted" not in turn.at and {"generationComplete", "turnComplete"} <= turn.at.keys()
    )


def _fragment_rate(turn: Turn) -> list[float]:
    return [len(turn.fragments) / turn.audio] if turn.fragments and _played_out(turn) else []


def _mean_lead(turn: Turn) -> list[float]:
    leads = transcript_leads(turn) if _played_out(turn) else []
    return [sum(leads) / len(leads)] if leads else []


def _heard_after_output(turn: Turn) -> list[float]:
    return [turn.heard[-1][0] - turn.at["output"]] if turn.heard and "output" in turn.at else []


# What is measured in every turn, by its name with its unit.
TIMINGS_OF_TURNS: dict[str, Callable[[Turn], list[float]]] = {
    "first audio chunk (s)": lambda turn: [turn.chunks[0][1]] if len(turn.chunks) > 1 else [],
    "audio chunks (s)": _chunk_lengths,
    "pace of audio (x real time)": lambda turn: [] if (found := pace(turn)) is None else [found],
    "turnComplete after generationComplete (s)": _turn_complete_delay,
    "turnComplete after the end of playback (s)": _after_playback,
    "output transcript, fragments per second of audio": _fragment_rate,
    "output transcript, ahead of its audio (s)": _mean_lead,
    "input transcript, fragments per turn": lambda turn: [float(len(turn.heard))] if turn.heard else [],
    "input transcript, its end after the first output (s)": _heard_after_output,
}
