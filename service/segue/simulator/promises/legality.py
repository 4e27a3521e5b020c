"""What Segue says to the service: Legal."""

from math import inf

from segue.simulator.history import History, Record
from segue.simulator.promises.verdict import Broke, Verdict

# Whoever runs Segue chose these, or the service's own clock did: no message of Segue's was wrong.
_NO_FAULT_OF_SEGUE = frozenset({"api_key_invalid", "api_key_missing", "model_unknown", "handle_unknown"})
# So is what the service does with an old handle, with a full context, or with a link that it does not know to be gone.
_AGE = frozenset({"handle_invalid", "session_still_open", "context_exhausted", "idle"})
# What a message that was right when it was sent may meet on its way: a call that the model has just made, or its
# cancellation. Who sends must not wait for either, since they may never come; what counts is whether it had arrived.
CROSSINGS = frozenset({"audio_during_call", "input_during_call", "response_unasked"})
# A link is left so long before its end at the latest, or halfway there if that is later; a dial that is under way by
# then has half of the rest, and at least so much time, in seconds.
_GO_AWAY_MARGIN = 5.0
_DIAL_TIMEOUT = 1.0
# No network holds back for longer what it does not lose, in seconds.
_LONGEST_STALL = 15.0
# What keeps calls from being sent: by themselves, with the rest of their turn, or with everything else; or for a while.
_KEEPS_CALLS = frozenset(
    {
        "early_turn_complete",
        "empty_turn",
        "generation_stops",
        "go_away_then_silence",
        "phantom_after_greeting",
        "phantom_by_echo",
        "slow_audio",
        "total_silence",
        "wedge",
    }
)


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
    match closing.fields["rule"]:
        case "deadline_expired" | "go_away_ignored":
            told = _of_link(history, closing, "going_away_received")
            # No word of an end had come, or that of a later one; or the link was left.
            return closing.at < min(map(_left_by, told), default=inf) or _given_up(history, closing)
        case "field_unknown":
            # Whether a service takes updates is found out by sending one, once.
            return "contextUpdate" in str(closing.fields["reason"]) and not _refused_before(history, closing)
        case "audio_during_call" | "input_during_call":
            calls = [record for record in on_connection if record.kind == "tool_call_sent"]
            if calls and not _is_answered(on_connection, calls[-1]):
                return not _spoke_into_call(history, closing, calls[-1].at)
            return any(record.fields.get("fault") in _KEEPS_CALLS for record in on_connection)
        case "response_unasked":
            cancelled = any(record.kind == "tool_call_cancellation_sent" for record in on_connection)
            # The result met the cancellation.
            return cancelled and not _of_link(history, closing, "unasked_result_sent")
        case "activity_too_soon":
            # Edges that were sent apart arrived together.
            stalled = any(_stalls(record) and closing.at < record.at + _LONGEST_STALL for record in on_connection)
            return stalled and not _of_link(history, closing, "activity_begun_too_soon")
    return False


def _left_by(told: Record) -> float:
    """Return when a link must be left at the latest that was told to go away."""
    left = float(told.fields["time_left"] or 0)
    leaves_at = told.at + max(left - _GO_AWAY_MARGIN, left / 2)
    return max((leaves_at + told.at + left) / 2, told.at + _DIAL_TIMEOUT)


def _refused_before(history: History, closing: Record) -> bool:
    """Return whether an earlier link of the session was closed for the same words."""
    session = closing.session.rpartition("/")[0]
    before = [record for record in history.of("simulator", "connection_closed") if record.at < closing.at]
    alike = [record for record in before if record.fields.get("reason") == closing.fields["reason"]]
    return any(record.session.rpartition("/")[0] == session for record in alike)


def _stalls(record: Record) -> bool:
    """Return whether what is sent may be held back for a while from here on."""
    return record.fields.get("how") == "STALL_UP" or record.fields.get("fault") == "stalled_reads"


def _is_answered(on_connection: list[Record], calls: Record) -> bool:
    """Return whether the service got a result for each of these calls."""
    awaited = len(str(calls.fields["ids"]).split(","))
    given = [r for r in on_connection if r.kind == "tool_response_received" and r.at >= calls.at]
    return sum(int(record.fields["responses"] or 0) for record in given) >= awaited


def _spoke_into_call(history: History, closing: Record, called_at: float) -> bool:
    """Return whether audio was sent after the call had arrived: what was sent before it arrived may have met it."""
    calls = [record.at for record in _of_link(history, closing, "tool_call_received")]
    arrived_at = min((at for at in calls if at >= called_at), default=inf)
    return any(record.at >= arrived_at for record in _of_link(history, closing, "audio_sent_during_call"))


def _given_up(history: History, closing: Record) -> bool:
    return bool(_of_link(history, closing, "link_lost", "link_hung_up"))


def _of_link(history: History, closing: Record, *kinds: str) -> list[Record]:
    """Return what the gateway told of the link until the service closed it."""
    session, _, link = closing.session.rpartition("/")
    records = [record for record in history.of("gateway", *kinds) if record.at <= closing.at]
    return [record for record in records if record.session == session and str(record.fields["link"]) == link]
