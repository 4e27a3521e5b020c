"""What Segue says to the service: Legal."""

from segue.simulator.history import History, Record
from segue.simulator.promises.verdict import Broke, Verdict

# Whoever runs Segue chose these, or the service's own clock did: no message of Segue's was wrong.
_NO_FAULT_OF_SEGUE = frozenset({"api_key_invalid", "api_key_missing", "model_unknown", "handle_unknown"})
# So is what the service does with an old handle, with a full context, or with a link that it does not know to be gone.
_AGE = frozenset({"handle_invalid", "session_still_open", "context_exhausted", "idle"})
# What was under way when the other side changed its mind, in seconds.
_UNDER_WAY = 1.0


def legal(history: History) -> Verdict:
    """Segue never sends the backend a message that the backend answers with a close."""
    closings = history.of("simulator", "connection_closed")
    for closing in closings:
        rule = closing.fields.get("rule")
        if rule and rule not in _NO_FAULT_OF_SEGUE | _AGE and not _excused(history, closing):
            code, reason = closing.fields.get("code"), closing.fields.get("reason")
            how = f'connection {closing.session} violated "{rule}" and was closed with {code} {reason}'
            raise Broke("Legal", how.rstrip())
    return Verdict("Legal", "" if closings else "the simulator recorded no closed connection")


def _excused(history: History, closing: Record) -> bool:
    """Return whether Segue could not know better."""
    on_connection = [record for record in history.of("simulator") if record.session == closing.session]
    # It was not told, or is gone and the service has not noticed.
    broke = any(record.kind == "connection_broke" for record in on_connection) or _given_up(history, closing)
    match closing.fields["rule"]:
        case "deadline_expired" | "go_away_ignored":
            return broke or not any(record.kind == "go_away_sent" for record in on_connection)
        case "audio_during_call":
            # The call is under way, or a fault holds it back.
            held = any(record.kind == "fault_struck" for record in on_connection)
            calls = [record.at for record in on_connection if record.kind == "tool_call_sent"]
            return held or any(closing.at - _UNDER_WAY < at for at in calls)
    return False


def _given_up(history: History, closing: Record) -> bool:
    session, _, link = closing.session.rpartition("/")
    gone = history.of("gateway", "link_lost", "link_hung_up")
    return any(
        record.session == session and str(record.fields["link"]) == link and record.at <= closing.at for record in gone
    )
