"""Clients that lost their stream and come back: Resumable."""

from segue.simulator.history import History, Record
from segue.simulator.promises.chronicle import Chronicle, chronicles
from segue.simulator.promises.spoken import NEVER
from segue.simulator.promises.verdict import Broke, Verdict

# Whoever comes back is answered within so many seconds, beside what a slow stream takes.
_ANSWERED_WITHIN = 3.0
# Reasons that no client that kept to the rules is given.
_REFUSALS = frozenset({"RESUME_UNKNOWN", "RESUME_REJECTED"})


def resumable(history: History) -> Verdict:
    """A client that comes back in time has its session again, and the gateway knows what it had said.

    Its cases are the returns; those are judged whose stream lasted until they were answered.
    """
    lacking = "no client came back"
    judged = cases = 0
    for chronicle in chronicles(history):
        returns = [record for record in chronicle.client if record.kind == "resume_sent"]
        for number, sent in enumerate(returns):
            lacking = ""
            cases += 1
            until = min([NEVER, *(later.at for later in returns[number + 1 :][:1])])
            judged += _check_return(chronicle, sent, until)
    return Verdict("Resumable", lacking, judged, cases)


def _check_return(chronicle: Chronicle, sent: Record, until: float) -> bool:
    """Check one return, before the next one. Returns whether it could have been found to be refused."""
    what = f"session {chronicle.name}, whose client came back at {sent.at:.3f} s"
    broke_at = min((r.at for r in chronicle.client if r.kind == "stream_broke" and r.at >= sent.at), default=NEVER)
    until = min(until, broke_at)
    answers = [output for output in chronicle.outputs if sent.at <= output.at <= until]
    answer = next((output for output in answers if output.fields["arm"] in ("resumed", "closed")), None)
    if answer is None:
        if until > sent.at + _ANSWERED_WITHIN:
            raise Broke("Resumable", f"{what}, did not answer")
        return False
    if answer.fields["arm"] == "closed":
        if answer.fields["reason"] in _REFUSALS:
            raise Broke("Resumable", f"{what}, was refused: {answer.fields['message']}")
        return True
    _check_input(chronicle, what, answer)
    return True


def _check_input(chronicle: Chronicle, what: str, resumed: Record) -> None:
    """Check that the gateway has what it acknowledged before."""
    last = _whole(resumed.fields["last_input_seq"])
    acknowledged = [_whole(ack.fields.get("input_seq")) for ack in chronicle.got("input_ack") if ack.at < resumed.at]
    if acknowledged and last < max(acknowledged):
        raise Broke("Resumable", f"{what}, has input up to {last}, and had acknowledged {max(acknowledged)}")


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
