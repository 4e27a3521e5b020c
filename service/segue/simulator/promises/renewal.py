"""Renewals that nobody notices: Seamless."""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from segue.simulator.history import History, Record
from segue.simulator.promises.chronicle import Chronicle, chronicles
from segue.simulator.promises.passage import check_output, check_user_audio, is_cut, numbers_of
from segue.simulator.promises.renewed import Renewal, renewal_of
from segue.simulator.promises.spoken import NEVER, ModelTurn
from segue.simulator.promises.verdict import Broke, Verdict

# What a renewal may add to the round trip of its setup, in seconds.
_MARGIN = 0.050
# What the client or the service did so long before a link was left had come to the gateway by then.
_KNOWN_AFTER = 1.0
# A reply to words is awaited at least for so long.
_AWAITED = 4.0
# Nothing is in doubt any more, and every handle has come, so long after the last that anybody said.
_SETTLED = 3.0
_EDGES = ("utterance_begun", "utterance_ended")
_SOUNDS = (*_EDGES, "sound_made", "text_written", "interrupt_sent", "tool_result_sent")
_SIGNS = (
    "activity_ended",
    "audio_sent",
    "fault_struck",
    "go_away_sent",
    "interrupted_sent",
    "text_received",
    "text_sent",
    "tool_call_sent",
    "transcription_sent",
    "turn_begun",
    "turn_complete_sent",
)
# What shows that the model makes a turn.
_OUTPUTS = ("audio_sent", "text_sent", "tool_call_sent", "transcription_sent")
# Frames of the client's with no longer pauses than this are a stream that a renewal must not hold up.
_STREAM = 0.35
# Rejections that a renewal must not cause.
_CAUSED_BY_LINKS = frozenset({"INPUT_OVERFLOW"})
_MISPLACE_ENDS = frozenset({"early_turn_complete", "generation_stops", "missing_turn_complete", "phantom_before_turn"})


def seamless(history: History) -> Verdict:
    """A renewal loses no user audio, repeats none, emits no error, and adds no more silence than it must.

    It resumes what the service remembers, waits for a quiet moment until its deadline, and says what it cuts. No output
    is missing or doubled, whatever link it came by. Its cases are the renewals, the user's utterances and the model's
    turns.
    """
    lacking = "" if any(chronicle.acted("renewed") for chronicle in chronicles(history)) else "no link was renewed"
    counts = judged_of(history)
    return Verdict("Seamless", lacking, sum(counts.judged.values()), sum(counts.cases.values()))


@dataclass(frozen=True, slots=True)
class Counts:
    """How many "renewals", "utterances" and "turns" could have been found to break the promise, and how many were."""

    judged: Counter[str]
    cases: Counter[str]


def judged_of(history: History) -> Counts:
    """Check a history as `seamless` does; return what that could judge."""
    counts = Counts(Counter(), Counter())
    for chronicle in chronicles(history):
        for what, check in (("turns", check_output), ("utterances", check_user_audio), ("renewals", _check_renewals)):
            judged, cases = check(chronicle)
            counts.judged[what] += judged
            counts.cases[what] += cases
    return counts


def _check_renewals(chronicle: Chronicle) -> tuple[int, int]:
    """Check each renewal. Returns how many could have been found to do harm, and how many there were."""
    renewals = [renewal_of(chronicle, renewed) for renewed in chronicle.acted("renewed")]
    return sum(_check_renewal(renewal) for renewal in renewals if renewal is not None), len(renewals)


def _check_renewal(renewal: Renewal) -> bool:
    """Check one renewal. Returns whether it could have been found to do harm."""
    _check_said(renewal)
    if renewal.chronicle.absent(renewal.at - _AWAITED, renewal.opened_at):
        # What the client says comes later, and all at once.
        return _check_resumed(renewal)
    if renewal.at < renewal.deadline - _MARGIN:
        _check_quiet(renewal)
    elif renewal.deadline > -NEVER and not renewal.held_up:
        _check_not_put_off(renewal)
    _check_rejections(renewal)
    resumed = _check_resumed(renewal)
    return _check_gap(renewal) or resumed


def _check_said(renewal: Renewal) -> None:
    """Check that a turn that the renewal cut is said to be, and to be cut."""
    chronicle, cut = renewal.chronicle, renewal.record.fields["cut"]
    turn = _under_way(renewal, renewal.left_at)
    # What the client has nothing of may still be asked for anew, as if it had never been.
    if turn is None or chronicle.reached_at(turn) > renewal.left_at or turn.called_at < NEVER:
        return
    if is_cut(chronicle, turn, until=renewal.left_at + _KNOWN_AFTER, but="RECOVERY"):
        return
    numbers = numbers_of(chronicle, turn)
    if not cut:
        raise Broke("Seamless", f"{renewal} cut turn {turn.number} of link {turn.link} and did not say so")
    for ended in chronicle.got("turn_ended"):
        if ended.fields["turn"] not in numbers or str(ended.fields["reason"]).endswith("SESSION_CLOSED"):
            continue
        if str(ended.fields["reason"]).endswith("COMPLETED"):
            raise Broke("Seamless", f"{renewal} cut turn {ended.fields['turn']}, which was said to be complete")
        if not is_cut(chronicle, turn):
            raise Broke("Seamless", f"{renewal} cut turn {ended.fields['turn']}, and the client was not told")


def _under_way(renewal: Renewal, at: float) -> ModelTurn | None:
    """Return the turn of the old link that the service is still making at a time, if any."""
    for turn in [turn for turn in renewal.chronicle.turns if turn.link == renewal.old and turn.begun_at <= at][-1:]:
        generated = any(
            record.at <= at and record.fields["turn"] == turn.number
            for record in renewal.on(renewal.old, "generation_complete_sent")
        )
        if turn.over_at > at and not generated and not turn.interrupted:
            return turn
    return None


def _check_quiet(renewal: Renewal) -> None:
    """Check that nothing was going on that a renewal ahead of its deadline has to wait for."""
    chronicle, at = renewal.chronicle, renewal.at
    early = f"{renewal} did not wait for its deadline at {renewal.deadline:.3f} s"
    if renewal.record.fields["cut"]:
        raise Broke("Seamless", f"{early} to cut a turn")
    if renewal.held_up:
        return
    begun = [record for record in chronicle.client if record.kind == "utterance_begun" and record.at <= at]
    ended = [record for record in chronicle.client if record.kind == "utterance_ended" and record.at <= at]
    if len(begun) > len(ended) and begun[-1].at < at - _KNOWN_AFTER:
        raise Broke("Seamless", f"{early}, nor until the user had finished speaking")
    turn = _under_way(renewal, at)
    if turn is not None and _is_known(renewal, turn) and not is_cut(chronicle, turn, until=at + _KNOWN_AFTER):
        raise Broke("Seamless", f"{early}, nor for the end of turn {turn.number} of link {turn.link}")
    for words in chronicle.words:
        if not at - _AWAITED < words.at < at - _KNOWN_AFTER:
            continue
        answers = list(chronicle.answers(words))
        if answers and all(turn.begun_at > at for turn in answers):
            raise Broke("Seamless", f"{early}, nor for the answer to the words that ended at {words.at:.3f} s")


def _is_known(renewal: Renewal, turn: ModelTurn) -> bool:
    """Return whether a turn that is under way can be told to be, by what it says or by the words that ask for it.

    These may have been left unanswered, as far as that can be told: another turn ended after them, without a word. With
    the end of that one a model that thinks says that it goes on.
    """
    chronicle, known_at = renewal.chronicle, renewal.at - _KNOWN_AFTER
    if turn.begun_at >= known_at or not turn.answers or turn.blurred:
        return False
    outputs = (record for record in renewal.on(turn.link, *_OUTPUTS) if record.fields["turn"] == turn.number)
    if chronicle.thinks or any(output.at < known_at for output in outputs):
        return True
    asked = [words for words in chronicle.words if turn in chronicle.answers(words)]
    return not asked or any(
        all(empty.link != turn.link or empty.over_at > known_at for empty in chronicle.passing_over(words))
        for words in asked
    )


def _check_not_put_off(renewal: Renewal) -> None:
    """Check that a renewal at its deadline had no quiet moment before."""
    chronicle, at = renewal.chronicle, renewal.at
    held_at = min((held.at for held in chronicle.acted("link_held") if held.fields["link"] == renewal.new), default=at)
    of_the_user = [record.at for record in chronicle.client if record.kind in _SOUNDS]
    of_the_model = [record.at for record in renewal.on(renewal.old, *_SIGNS)]
    moments = sorted([chronicle.up[renewal.old][0], *of_the_user, *of_the_model, at])
    for last, following in pairwise([moment for moment in moments if moment <= at]):
        if following > max(held_at, last + _SETTLED) + _KNOWN_AFTER and _is_quiet(renewal, last + _KNOWN_AFTER):
            how = (
                f"{renewal} waited for its deadline, though nobody said anything from {last:.3f} s to {following:.3f} s"
            )
            raise Broke("Seamless", how)


def _is_quiet(renewal: Renewal, at: float) -> bool:
    """Return whether nobody speaks at a time, and nothing is awaited."""
    chronicle = renewal.chronicle
    edges = [record.kind for record in chronicle.client if record.kind in _EDGES and record.at <= at]
    if edges[-1:] == ["utterance_begun"]:
        return False
    if any(turn.link == renewal.old and turn.begun_at <= at < turn.over_at for turn in chronicle.turns):
        return False
    # An end that does not come where it belongs is waited for.
    if any(record.fields["fault"] in _MISPLACE_ENDS for record in renewal.on(renewal.old, "fault_struck")):
        return False
    if _unanswered_calls(chronicle, at):
        return False
    asked = [words for words in chronicle.words if words.at <= at][-1:]
    return all(any(_is_given(chronicle, turn, at) for turn in chronicle.answers(words)) for words in asked)


def _unanswered_calls(chronicle: Chronicle, at: float) -> list[Record]:
    """Return the calls that the client had got by then and had returned no result of."""
    returned = {r.fields["call"] for r in chronicle.client if r.kind == "tool_result_sent" and r.at <= at}
    return [call for call in chronicle.got("tool_call") if call.at <= at and call.fields["call"] not in returned]


def _is_given(chronicle: Chronicle, turn: ModelTurn, at: float) -> bool:
    """Return whether a turn was over by then; one that ended before its first word is awaited still."""
    unheard = not turn.said or (turn.interrupted and chronicle.reached_at(turn) > turn.over_at + _KNOWN_AFTER)
    return turn.over_at <= at and not unheard


def _check_rejections(renewal: Renewal) -> None:
    for output in renewal.chronicle.got("input_rejected"):
        if renewal.at <= output.at <= renewal.record.at and output.fields.get("reason") in _CAUSED_BY_LINKS:
            raise Broke("Seamless", f"{renewal} had input rejected: {output.fields.get('message')}")


def _check_resumed(renewal: Renewal) -> bool:
    """Check that the new link knows what the old one did. Returns whether there was a handle to resume by."""
    chronicle = renewal.chronicle
    handles = [
        record.at
        for record in chronicle.acted("handle_received")
        if record.fields["link"] == renewal.old and record.fields["usable"] and record.at <= renewal.at
    ]
    if not handles:
        return False
    profile = chronicle.acted("profile_chosen")[0].fields
    # Where nothing lets old context go, a conversation that fills its window begins afresh.
    if renewal.record.fields["trigger"] == "CONTEXT" and not profile["compresses"]:
        return False
    # Where the service takes no update, only a link that begins afresh begins with the change.
    if renewal.record.fields["trigger"] == "UPDATE" and _refuses_updates(renewal):
        return False
    # A handle is good with the credential alone that it was given to.
    opened = [r.fields for r in chronicle.acted("link_opened") if r.fields["link"] in (renewal.old, renewal.new)]
    if len({fields.get("credential") for fields in opened}) > 1:
        return False
    # What the handle does not cover has to be told, and a new link can always be.
    if profile["note_slot"] == "NONE" and _misses_an_exchange(renewal, handles[-1]):
        return False
    if not any(record.fields["resumed"] for record in renewal.on(renewal.new, "setup_received")):
        raise Broke("Seamless", f"{renewal} began afresh, though there was a handle from {handles[-1]:.3f} s")
    return True


def _refuses_updates(renewal: Renewal) -> bool:
    """Return whether the service had closed a link before for an update of the session, or for nobody knows what."""
    lost = [record for record in renewal.chronicle.acted("link_lost") if record.at < renewal.at]
    return any(record.fields["cause"] in ("UPDATE", "INVALID") for record in lost)


def _misses_an_exchange(renewal: Renewal, handle_at: float) -> bool:
    """Return whether the client has something of a turn that was not over when the handle came, or knows it was cut.

    What was made to its end is still to come to a client that has nothing of it, whatever becomes of the link.
    """
    chronicle = renewal.chronicle
    generated = renewal.on(renewal.old, "generation_complete_sent")
    made = {record.fields["turn"] for record in generated if record.at <= renewal.at}
    turns = [turn for turn in chronicle.turns if turn.link == renewal.old and turn.begun_at <= renewal.at]
    # What cannot be heard bears no numbers by which it could be known to have come.
    until = renewal.opened_at
    told = [
        turn
        for turn in turns
        if not turn.answers
        or chronicle.reached_at(turn) <= until
        or (turn.number in made and chronicle.reached_at(turn) < NEVER)
        or is_cut(chronicle, turn, until=until)
    ]
    # A turn can be over before it calls.
    return any(turn.over_at > handle_at or handle_at < turn.called_at < NEVER for turn in told)


def _check_gap(renewal: Renewal) -> bool:
    """Check that the user's audio is not held up for longer than a setup takes. Returns whether that can be told."""
    if renewal.record.fields["cut"] or renewal.held_up or renewal.unprepared:
        return False
    protected = renewal.chronicle.protected
    # What must not interrupt the model waits for that.
    if any(begun_at <= renewal.record.at and renewal.at - _KNOWN_AFTER <= ended_at for begun_at, ended_at in protected):
        return False
    most = renewal.round_trip + _MARGIN
    gap = renewal.record.fields["gap"]
    if isinstance(gap, float) and gap > most:
        raise Broke("Seamless", f"{renewal} left a gap of {gap:.3f} s, with a setup of {renewal.round_trip:.3f} s")
    before = [record.at for record in renewal.on(renewal.old, "audio_received")][-1:]
    after = renewal.first(renewal.new, "audio_received")
    speaking = any(words.at - words.seconds <= renewal.left_at <= words.at for words in renewal.chronicle.words)
    # Where the client says when the user speaks, nothing else is passed on.
    signalled = any(renewal.on(link, "activity_start_received") for link in (renewal.old, renewal.new))
    if not before or after == NEVER or (signalled and not (speaking and before[0] > renewal.left_at - _STREAM)):
        return False
    # A model that waits for the result of a call may be given no audio meanwhile.
    calls = _unanswered_calls(renewal.chronicle, renewal.left_at - _KNOWN_AFTER)
    if any(before[0] < call.at + _KNOWN_AFTER for call in calls):
        return False
    frames = [record.at for record in renewal.chronicle.client if record.kind == "frame_sent"]
    meanwhile = [at for at in frames if before[0] - _KNOWN_AFTER <= at <= after]
    pause = max(later - at for at, later in pairwise([before[0] - _KNOWN_AFTER, *meanwhile, after]))
    if pause > _STREAM:
        return False
    # Silence is not given again: the first on the new link is the first frame that comes once it is up.
    waited = after - before[0] - pause * (1 if speaking else 2)
    if waited > most:
        how = f"held the user's audio up for {waited:.3f} s, with a setup of {renewal.round_trip:.3f} s"
        raise Broke("Seamless", f"{renewal} {how}")
    return True
