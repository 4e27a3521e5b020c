"""What remains when a session ends: Clean."""

from collections import Counter

from segue.simulator.history import History
from segue.simulator.promises.delivery import outputs_of
from segue.simulator.promises.verdict import Broke, Verdict


def clean(history: History) -> Verdict:
    """When a session ends, nothing of it remains; when the process ends, nothing at all."""
    ended = history.of("gateway", "session_ended")
    stopped = history.of("gateway", "stopped")
    for record in [*ended, *stopped]:
        remains = ", ".join(f"{count} {what}" for what, count in record.fields.items() if count)
        if remains:
            of_what = f"session {record.session}" if record.kind == "session_ended" else "all sessions"
            raise Broke("Clean", f"{remains} remained of {of_what} at {record.at:g} s")

    unended = {session for session, _ in outputs_of(history)} - {record.session for record in ended}
    if unended and stopped:
        raise Broke("Clean", f"session {min(unended)} had not ended when the gateway stopped")
    if unended or not (ended or stopped):
        return Verdict("Clean", f"the gateway recorded no end of {min(unended, default='any session')}")

    opened = Counter(record.session for record in history.of("simulator", "connection_opened"))
    closed = Counter(record.session for record in history.of("simulator", "connection_closed"))
    for connection in opened - closed:
        raise Broke("Clean", f"connection {connection} was never closed")
    return Verdict("Clean")
