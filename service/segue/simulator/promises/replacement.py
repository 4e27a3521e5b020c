"""Links that are replaced, and sessions that end because none can be had: a half of Recovering."""

from segue.simulator.history import Record
from segue.simulator.promises.chronicle import Chronicle
from segue.simulator.promises.spoken import NEVER, ModelTurn
from segue.simulator.promises.verdict import Broke

# How long a session may be without a link: then it has another one, or is closed. What was made before plays on.
_WITHOUT_LINK = 65.0
# The first loss in a while is answered by a dial within this time, and by a link where nothing is in its way.
_REDIAL = 1.0
_REPLACED = 5.0
_A_WHILE = 60.0
# Where the service is to blame for the loss, patience is called for.
_AT_ONCE = frozenset({"TRANSIENT", "STALLED"})
# What shows that a new link is on its way.
_DIALS = ("link_dialled", "link_set_up")
# What can be in its way.
_OBSTACLES = frozenset({"dial_obstructed", "fault_struck", "connection_broke", "connection_closed"})
# A service is given up after so many dials to open a session, and after so many to recover in so long a time, or when
# none led to a link for so long; or after so many wedged links.
_OPENING_DIALS = 3
_DIALS_TO_RECOVER = 9
_DIALS_WITHIN = 300.0
_GIVEN_UP_AFTER = 45.0
_WEDGES = 3
# Nor is it dialled more often than this without answering, beside once in a while.
_MOST_DIALS = 12
_REFILL = 30.0
# What a session is told that is closed because its service was given up.
_TRIED = frozenset({"BACKEND_UNAVAILABLE", "BACKEND_LOST", "BACKEND_WEDGED"})
# And what it is told where it is closed for the cause of its last loss.
_OF_CAUSE = {
    "BACKEND_CREDENTIALS": "CREDENTIALS",
    "BACKEND_MODEL": "MODEL",
    "BACKEND_REJECTED": "REJECTED",
    "BACKEND_QUOTA": "QUOTA",
    "CONTEXT_FULL": "INVALID",
    "INTERNAL": "INTERNAL",
}


def check_links(chronicle: Chronicle) -> None:
    """Check that a link that is gone is replaced within its bound, or the session closed, and that for a cause."""
    first_at = min((since for since, _ in chronicle.up.values()), default=NEVER)
    # What was made before plays on after the last link was given up.
    failed = [record.at for record in chronicle.acted("recovered") if record.fields["outcome"] == "FAILED"]
    for begun_at, ended_at in chronicle.outages:
        until = min([ended_at, chronicle.over_at, *(at for at in failed if at >= begun_at)])
        if until > begun_at + _WITHOUT_LINK:
            how = f"session {chronicle.name} had no link from {begun_at:.3f} s on for {_WITHOUT_LINK:g} s"
            raise Broke("Recovering", f"{how} and did not close")
        before = [gone.at for gone in chronicle.acted("link_lost", "wedged") if gone.at < begun_at]
        if first_at < begun_at and not (before and before[-1] > begun_at - _A_WHILE):
            _check_prompt(chronicle, begun_at, until)
    _check_tries(chronicle)
    _check_closing(chronicle)


def _check_prompt(chronicle: Chronicle, begun_at: float, until: float) -> None:
    """Check that the first link that is lost in a while is replaced at once."""
    losses = [loss for loss in chronicle.acted("link_lost") if loss.at == begun_at]
    if any(loss.fields["cause"] not in _AT_ONCE for loss in losses):
        return
    why = f"link {losses[0].fields['link']} at {begun_at:.3f} s ({losses[0].fields['cause']})" if losses else "its link"
    what = f"session {chronicle.name} lost {why}"
    # One may be on its way already, where links overlap.
    gone = {record.fields["link"] for record in chronicle.acted("link_lost", "link_hung_up") if record.at <= begun_at}
    dials = [record for record in chronicle.acted(*_DIALS) if record.fields["link"] not in gone]
    dialled_at = min((dial.at for dial in dials if not dial.fields.get("hold")), default=NEVER)
    if min(dialled_at, until) > begun_at + _REDIAL:
        raise Broke("Recovering", f"{what} and dialled no other within {_REDIAL:g} s")
    # A connection that was held may have gone wrong before it was needed.
    tried = {
        f"{chronicle.name}/{dial.fields['link']}"
        for dial in chronicle.acted("link_dialled")
        if chronicle.up.get(dial.fields["link"], (until, until))[0] >= begun_at
    }
    hampered = any(record.at <= until and record.session in tried and _hampers(record) for record in chronicle.service)
    if until > begun_at + _REPLACED and not hampered:
        raise Broke("Recovering", f"{what} and had no other within {_REPLACED:g} s, with nothing in its way")


def _hampers(record: Record) -> bool:
    return record.kind in _OBSTACLES and record.fields.get("closed_by") != "client"


def _check_tries(chronicle: Chronicle) -> None:
    """Check that a service that answers nothing is not dialled for ever."""
    dials = [dial.at for dial in chronicle.acted("link_dialled") if dial.fields.get("purpose") == "RECOVERY"]
    answered = [turn.over_at for turn in _answers(chronicle)]
    for first, since in enumerate(dials):
        for last in range(first + _MOST_DIALS, len(dials)):
            refilled = (dials[last] - since) / _REFILL + sum(since <= at <= dials[last] for at in answered)
            if last - first + 1 > _MOST_DIALS + refilled:
                how = f"session {chronicle.name} dialled {last - first + 1} times from {since:.3f} s to"
                raise Broke("Recovering", f"{how} {dials[last]:.3f} s, and got {refilled:.0f} answers")


def _answers(chronicle: Chronicle) -> list[ModelTurn]:
    """Return the turns that ended, and of which something had come, while their link was up."""
    turns = [turn for turn in chronicle.turns if turn.said and turn.over_at == turn.ended_at < NEVER]
    return [turn for turn in turns if _has_come(chronicle, turn)]


def _has_come(chronicle: Chronicle, turn: ModelTurn) -> bool:
    """Return whether anything of a turn got as far as the gateway."""
    return any(chronicle.arrived[block] for block in turn.spoken) or chronicle.reached_at(turn) < NEVER


def _check_closing(chronicle: Chronicle) -> None:
    """Check that a session that is closed for want of a link had lost it for good."""
    closed = next(iter(chronicle.got("closed")), None)
    if closed is None or chronicle.left_at <= closed.at:
        return
    reason = str(closed.fields.get("reason"))
    if reason not in _TRIED and reason not in _OF_CAUSE:
        return
    # What was made before plays on.
    failed = [record.at for record in chronicle.acted("recovered") if record.fields["outcome"] == "FAILED"]
    at = min([closed.at, *failed])
    lost = [loss for loss in chronicle.acted("link_lost") if loss.at <= at]
    if any(loss.fields["cause"] == _OF_CAUSE.get(reason) for loss in lost[-1:]) or _was_tried(chronicle, at):
        return
    raise Broke("Recovering", f"session {chronicle.name} was closed at {closed.at:.3f} s ({reason}) without a cause")


def _was_tried(chronicle: Chronicle, at: float) -> bool:
    """Return whether enough was tried until a time to give a service up."""
    dials = [dial for dial in chronicle.acted("link_dialled") if dial.at <= at]
    if not chronicle.up:
        return len(dials) >= _OPENING_DIALS
    recent = [dial for dial in dials if dial.fields.get("purpose") == "RECOVERY" and dial.at > at - _DIALS_WITHIN]
    # A turn that said something only after its end may be one that stops.
    answers = [turn for turn in _answers(chronicle) if turn.finished and turn.over_at <= at]
    came = (turn.over_at for turn in answers if turn.over_at < chronicle.held_back_at(turn))
    answered_at = max(came, default=0.0)
    wedges = [wedged for wedged in chronicle.acted("wedged") if answered_at < wedged.at <= at]
    without = [at - begun_at for begun_at, ended_at in chronicle.outages if begun_at <= at <= ended_at]
    return len(recent) >= _DIALS_TO_RECOVER or len(wedges) >= _WEDGES or max(without, default=0.0) >= _GIVEN_UP_AFTER
