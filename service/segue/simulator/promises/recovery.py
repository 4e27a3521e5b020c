"""Words that are answered whatever happens to the links: Recovering."""

from segue.simulator.history import History
from segue.simulator.promises.chronicle import Chronicle, chronicles
from segue.simulator.promises.spoken import NEVER, Words
from segue.simulator.promises.verdict import Broke, Verdict

# How long an answer may take where nothing goes wrong, from the end of the words, in seconds.
_UNDISTURBED = 10.0
# How long it may take where something does: detection, a new link, and a second one for a handle that is no good.
_DISTURBED = 30.0
# How much longer it may take where the model thinks first, and silence says less: twice the allowance of its profile.
_THINKING = 24.0
# How long it may take from the last thing that went wrong.
_SINCE_TROUBLE = 25.0
# Trouble before the words may still be at work during them: the link that answers them is already wedged.
_LINGERS = 120.0
# How long a session may be without a link: then it has another one, or is closed.
_WITHOUT_LINK = 90.0
# The first loss in a while is answered by a dial within this time.
_REDIAL = 1.0
_A_WHILE = 60.0
# Where the service is to blame for the loss, patience is called for.
_AT_ONCE = frozenset({"TRANSIENT", "STALLED"})
# What is under way to the client when the words are given again is no second answer.
_UNDER_WAY = 1.0


def recovering(history: History) -> Verdict:
    """A lost link is replaced within its bound, and the user's words are answered once, or the session closes."""
    lacking = "no link was lost or wedged"
    for chronicle in chronicles(history):
        if chronicle.acted("link_lost", "wedged"):
            lacking = ""
        _check_links(chronicle)
        _check_alarms(chronicle)
        for words in chronicle.words:
            _check_answered(chronicle, words)
            _check_answered_once(chronicle, words)
    return Verdict("Recovering", lacking)


def _check_links(chronicle: Chronicle) -> None:
    losses = chronicle.acted("link_lost")
    dials = [record.at for record in chronicle.acted("link_dialled")]
    opened = {record.fields["link"]: record.at for record in chronicle.acted("link_opened")}
    for number, loss in enumerate(losses):
        if loss.fields["link"] not in opened or _has_link(chronicle, loss.at):
            continue
        first = number == 0 or losses[number - 1].at < loss.at - _A_WHILE
        prompt = first and loss.fields["cause"] in _AT_ONCE
        redialled = next((at for at in dials if at >= loss.at), NEVER)
        what = f"session {chronicle.name} lost link {loss.fields['link']} at {loss.at:.3f} s"
        if prompt and redialled > loss.at + _REDIAL and chronicle.over_at > loss.at + _REDIAL:
            raise Broke("Recovering", f"{what} ({loss.fields['cause']}) and dialled no other within {_REDIAL:g} s")
        reopened = next((at for at in sorted(opened.values()) if at >= loss.at), NEVER)
        late = loss.at + _WITHOUT_LINK
        if reopened > late and chronicle.over_at > late:
            raise Broke("Recovering", f"{what}, had no other within {_WITHOUT_LINK:g} s and did not close")


def _check_alarms(chronicle: Chronicle) -> None:
    """Check that a link that answers is not taken for wedged."""
    for wedged in chronicle.acted("wedged"):
        at = wedged.at
        if chronicle.troubles(at - _LINGERS, at):
            continue
        silences = [turn for turn in chronicle.turns if at - _LINGERS <= turn.begun_at <= at and not turn.answers]
        sounds = [sound for sound in chronicle.client if sound.kind == "sound_made" and at - _A_WHILE < sound.at < at]
        # A sound may have cost an answer before its first word.
        if not silences and not sounds:
            how = f"session {chronicle.name} took a healthy link for wedged at {at:.3f} s ({wedged.fields['sign']})"
            raise Broke("Recovering", how)


def _has_link(chronicle: Chronicle, at: float) -> bool:
    """Return whether another link was open, or being set up, at a time."""
    up: set[object] = set()
    for record in chronicle.acted("link_dialled", "link_lost", "link_hung_up"):
        if record.at > at:
            break
        if record.kind == "link_dialled":
            up.add(record.fields["link"])
        else:
            up.discard(record.fields["link"])
    return bool(up)


def _check_answered(chronicle: Chronicle, words: Words) -> None:
    """Check that words got an answer, unless the user went on before it was due."""
    troubles = chronicle.troubles(words.at - words.seconds - _LINGERS, min(words.until, words.at + 200.0))
    longer = words.seconds + (_THINKING if troubles and chronicle.thinks else 0.0)
    due_at = words.at + (_DISTURBED if troubles else _UNDISTURBED) + longer
    for at in troubles:
        if at <= due_at:
            due_at = max(due_at, at + _SINCE_TROUBLE + longer)
    # What the model says of something else first is waited for.
    for turn in chronicle.turns:
        if turn.begun_at <= due_at and words.at < turn.ended_at < NEVER:
            due_at = max(due_at, turn.ended_at + _UNDISTURBED)
    if min(words.until, chronicle.over_at) <= due_at:
        return
    # An empty turn may be taken for the answer to whatever was said last.
    if any(words.at < turn.over_at <= due_at and chronicle.was_left_empty(turn) for turn in chronicle.turns):
        return
    answers = list(chronicle.answers(words))
    if any(not turn.answers or chronicle.reached_at(turn) <= due_at for turn in answers):
        return
    # So may be the answer to older words, where the service has both in its queue and the link ends before the second.
    others = [
        turn for turn in chronicle.turns if words.at - _UNDER_WAY < turn.begun_at <= due_at and turn not in answers
    ]
    gone = [record.at for record in chronicle.acted("link_lost", "link_hung_up") if words.at < record.at <= due_at]
    if gone and any(chronicle.reached_at(turn) < gone[-1] for turn in others):
        return
    raise Broke("Recovering", f"session {chronicle.name} got no answer to {_named(words)} until {due_at:.3f} s")


def _check_answered_once(chronicle: Chronicle, words: Words) -> None:
    reached_at = NEVER
    for turn in sorted(chronicle.answers(words), key=lambda turn: turn.begun_at):
        if turn.goes_on or turn.blurred:
            continue
        if turn.begun_at > reached_at + _UNDER_WAY and chronicle.reached_at(turn) < NEVER:
            again = f"again by turn {turn.number} of link {turn.link}, begun at {turn.begun_at:.3f} s"
            raise Broke("Recovering", f"session {chronicle.name} had {_named(words)} answered {again}")
        reached_at = min(reached_at, chronicle.reached_at(turn))


def _named(words: Words) -> str:
    what = f"stamps {words.first}-{words.last}" if words.last >= 0 else f'"{words.text}"'
    return f"its words that ended at {words.at:.3f} s ({what})"
