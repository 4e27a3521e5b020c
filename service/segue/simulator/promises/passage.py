"""What goes through whatever links there are: the user's audio up, and the model's output down. A half of Seamless."""

from dataclasses import dataclass
from itertools import dropwhile, pairwise

from segue.simulator.history import Record
from segue.simulator.promises.chronicle import Chronicle, blocks_of
from segue.simulator.promises.spoken import NEVER, ModelTurn
from segue.simulator.promises.troubles import DEAF
from segue.simulator.promises.verdict import Broke

_BLOCK_SECONDS = _STAMP_SECONDS = 0.02
# The first of what is said is heard within this time, in seconds.
_HEARD_WITHIN = 1.0
_NO_LAST = 2**62
# So many stamps are a mere sound at most.
_SOUND = 15
# What has come reaches the client so long after the last of what was before it.
_ON_ITS_WAY = 2.0
# What is cut and does not end is expected to go on for so long after the user's next words.
_GATED = 3.0


@dataclass(frozen=True, slots=True)
class _Utterance:
    """When the user began to say something, and its stamps; the last utterance may go on."""

    begun_at: float
    first: int
    last: int


def check_user_audio(chronicle: Chronicle) -> tuple[int, int]:
    """Check that each link has all of the user's speech, once, but for what a recovery costs.

    Returns how many utterances could have been found to be lost, and how many there were.
    """
    # An activity whose start the service takes no notice of is not listened to until it ends.
    deaf = [trouble for trouble in chronicle.delays if trouble.what == DEAF]
    upsets = [
        *(record.at for record in chronicle.acted("wedged")),
        *(loss.at for loss in chronicle.acted("link_lost") if loss.fields["link"] in chronicle.up),
        *(at for trouble in deaf for at in (trouble.at, trouble.at + trouble.delay.lasts)),
        # What a client that was away for long has too much of is lost.
        *(record.at for record in chronicle.client if record.kind == "input_given_up"),
    ]
    for record in chronicle.service:
        if record.kind == "audio_lost":
            _check_lost(chronicle, record, upsets)
        elif record.kind == "audio_repeated":
            _check_repeated(chronicle, record, upsets)
    spoken = _utterances(chronicle)
    # What was lost shows once something later is heard.
    judged = sum(not _within(upsets, said.begun_at, later.begun_at + _HEARD_WITHIN) for said, later in pairwise(spoken))
    return judged, len(spoken)


def _check_lost(chronicle: Chronicle, lost: Record, upsets: list[float]) -> None:
    first, last = int(lost.fields["first"] or 0), int(lost.fields["last"] or 0)
    for said in _utterances(chronicle):
        begin, end = max(first, said.first), min(last, said.last)
        if begin > end or _within(upsets, said.begun_at, lost.at):
            continue
        # The rest of what was cut in two where a stream broke may be too short for words.
        most = _SOUND if chronicle.absent(said.begun_at, lost.at) else 0
        # Of what was taken for words, on a link before, a note can tell.
        if chronicle.not_understood(begin, end, lost.at) > most:
            how = f"{(end - begin + 1) * _STAMP_SECONDS:g} s of the user's audio from stamp {begin} lost"
            raise Broke("Seamless", f"on connection {lost.session}, {how} at {lost.at:.3f} s")


def _check_repeated(chronicle: Chronicle, repeated: Record, upsets: list[float]) -> None:
    """Check that words that the service had are given again only where they have no answer."""
    stamp = int(repeated.fields["first"] or 0)
    if any(
        said.first <= stamp <= said.last and _within(upsets, said.begun_at, repeated.at)
        for said in _utterances(chronicle)
    ):
        return
    link = int(repeated.session.rpartition("/")[2])
    before = [turn for turn in chronicle.turns if turn.link < link]
    since = list(dropwhile(lambda turn: not turn.holds(stamp, stamp), before))
    if not since or any(_is_given(chronicle, turn, repeated.at) for turn in since):
        how = f"{repeated.fields['seconds']} s of the user's audio from stamp {stamp} was given twice"
        raise Broke("Seamless", f"on connection {repeated.session}, {how} at {repeated.at:.3f} s")


def _is_given(chronicle: Chronicle, turn: ModelTurn, at: float) -> bool:
    """Return whether an answer was made to its end, or begun to be given."""
    return (turn.said and turn.over_at < NEVER) or chronicle.reached_at(turn) <= at


def _utterances(chronicle: Chronicle) -> list[_Utterance]:
    begun = [record for record in chronicle.client if record.kind == "utterance_begun"]
    firsts = [int(record.fields["first"] or 0) for record in begun]
    lasts = [first - 1 for first in firsts[1:]] + [_NO_LAST]
    return [_Utterance(record.at, *span) for record, *span in zip(begun, firsts, lasts, strict=False)]


def _within(times: list[float], begin: float, end: float) -> bool:
    return any(begin <= at <= end for at in times)


def check_output(chronicle: Chronicle) -> tuple[int, int]:
    """Check that what came of the model's speech reaches the client, once, unless somebody cut it.

    Returns how many turns could have been found to lack something, and how many there were.
    """
    for block, times in chronicle.got_times.items():
        if times > chronicle.arrived[block]:
            raise Broke("Seamless", f"session {chronicle.name} got block {block} of the model's speech {times} times")
    judged = cases = 0
    for turn in chronicle.turns:
        arrived = [block for block in turn.spoken if chronicle.arrived[block]]
        if not arrived:
            continue
        cases += 1
        if turn.interrupted or _broke_off(chronicle, turn) or is_cut(chronicle, turn) or _overflowed(chronicle, turn):
            continue
        if is_missed(chronicle, turn):
            continue
        missing = [block for block in arrived if block not in chronicle.got_at]
        if chronicle.over_at <= _played_at(chronicle, turn, missing) or _is_gated(chronicle, turn, missing):
            continue
        if missing:
            what = f"{len(missing)} of {len(arrived)} blocks of turn {turn.number} of link {turn.link}"
            raise Broke("Seamless", f"session {chronicle.name} never got {what}, begun at {turn.begun_at:.3f} s")
        judged += 1
    return judged, cases


def _broke_off(chronicle: Chronicle, turn: ModelTurn) -> bool:
    """Return whether a turn was cut short by the end of its link: what was not released may be thrown away.

    It was not where all of it had been made, as far as the network let anybody know.
    """
    held_back_at = chronicle.held_back_at(turn)
    if turn.over_at < held_back_at:
        return False
    connection, known_at = f"{chronicle.name}/{turn.link}", min(turn.ended_at, held_back_at) - _ON_ITS_WAY
    made = any(
        record.kind == "generation_complete_sent" and record.session == connection and record.at <= known_at
        for record in chronicle.service
        if record.fields.get("turn") == turn.number
    )
    return not made or not all(chronicle.arrived[block] for block in turn.spoken)


def _is_gated(chronicle: Chronicle, turn: ModelTurn, blocks: list[int]) -> bool:
    """Return whether blocks of a turn could be taken for the rest of one that was cut and never seemed to end."""
    before = [other for other in chronicle.turns if other.link == turn.link and other.number < turn.number][-1:]
    if not (turn.blurred and any(is_cut(chronicle, other, until=turn.begun_at) for other in before)):
        return False
    came = [record.at for record in chronicle.acted("speech_received") if not set(blocks).isdisjoint(blocks_of(record))]
    return max(came, default=NEVER) <= turn.begun_at + _GATED + _ON_ITS_WAY


def _overflowed(chronicle: Chronicle, turn: ModelTurn) -> bool:
    numbers = numbers_of(chronicle, turn)
    return any(
        end.fields["turn"] in numbers and str(end.fields["reason"]).endswith("OUTPUT_OVERFLOW")
        for end in chronicle.got("turn_ended")
    )


def _played_at(chronicle: Chronicle, turn: ModelTurn, missing: list[int]) -> float:
    """Return when all of a turn has reached the client at the latest, given what waited when it was over."""
    # A stream that takes less than is said has its own pace, and so has a client that gets what it acknowledges.
    if missing and _waits(chronicle, turn):
        return NEVER
    waiting = sum(at > turn.ended_at for at in chronicle.got_at.values()) + len(missing)
    return turn.ended_at + waiting * _BLOCK_SECONDS + _ON_ITS_WAY


def _waits(chronicle: Chronicle, turn: ModelTurn) -> bool:
    """Return whether the last that the client got, just before it was over, was of a turn, or of one before it."""
    came = [other for other in chronicle.turns if chronicle.heard_until(other) > -NEVER][-1:]
    since = chronicle.over_at - _ON_ITS_WAY - chronicle.acknowledges_within
    before = (one for one in came if (one.link, one.number) <= (turn.link, turn.number))
    return any(chronicle.heard_until(one) > since for one in before)


def numbers_of(chronicle: Chronicle, turn: ModelTurn) -> set[object]:
    """Return the numbers under which the client knows a turn; of which nothing was got, that of its call."""
    return _numbers_got(chronicle, turn) or _number_of_call(chronicle, turn)


def _numbers_got(chronicle: Chronicle, turn: ModelTurn) -> set[object]:
    """Return the numbers under which the client got some of a turn."""
    numbers = {chronicle.got_in[block] for block in turn.spoken if block in chronicle.got_in}
    texts = (text for text in chronicle.got("text") if text.at == turn.read_at)
    return numbers | {text.fields["turn"] for text in texts}


def _number_of_call(chronicle: Chronicle, turn: ModelTurn) -> set[object]:
    """Return the number of the turn that called for the results that another one tells; none where it tells none."""
    if turn.stamps or turn.text:
        return set()
    connection = f"{chronicle.name}/{turn.link}"
    given = [r for r in chronicle.service if r.kind == "tool_response_received" and r.session == connection]
    # The model may have got something in place of a result; where calls have no ids, only the client knows of which.
    responses = [str(response.fields.get("ids") or "") for response in given if response.at <= turn.begun_at]
    calls: set[object] = {call for call in "".join(responses[-1:]).split(",") if call}
    if not calls:
        results = [r for r in chronicle.client if r.kind == "tool_result_sent" and r.at <= turn.begun_at]
        calls = {result.fields["call"] for result in results[-1:]}
    return {call.fields["turn"] for call in chronicle.got("tool_call") if call.fields["call"] in calls}


def _numbers_before(chronicle: Chronicle, turn: ModelTurn) -> set[object]:
    """Return the numbers of the turn that one may be the rest of: a model that thinks goes on behind an end."""
    before = [other for other in chronicle.turns if other.link == turn.link and other.number < turn.number]
    return _numbers_got(chronicle, before[-1]) if before and chronicle.thinks else set()


def is_cut(chronicle: Chronicle, turn: ModelTurn, *, until: float = NEVER, but: str = "") -> bool:
    """Return whether the client was told, until a time, that a turn is cut, for any cause but one."""
    numbers = numbers_of(chronicle, turn)
    if _lacks_beginning(chronicle, turn):
        # What came first was of the turn that called, or of a number of which nothing was got, and the rest of another.
        rest_at = chronicle.reached_at(turn) if _numbers_got(chronicle, turn) else NEVER
        known = set(chronicle.got_in.values()) | {text.fields["turn"] for text in chronicle.got("text")}
        before = _numbers_before(chronicle, turn)
        numbers |= _number_of_call(chronicle, turn) | {
            cut.fields["turn"]
            for cut in chronicle.got("interrupted")
            if turn.begun_at <= cut.at <= rest_at and (cut.fields["turn"] not in known or cut.fields["turn"] in before)
        }
    return any(
        cut.fields["turn"] in numbers and cut.at <= until and _cause(cut) not in ("NONE", but)
        for cut in chronicle.got("interrupted")
    )


def is_missed(chronicle: Chronicle, turn: ModelTurn) -> bool:
    """Return whether a turn was made while nobody had been there for so long that what they miss is interrupted.

    The same goes for what was sent and could not be kept for a client that came back.
    """
    for begun_at, ended_at in chronicle.absences:
        if turn.begun_at > ended_at or turn.ended_at < begun_at:
            continue
        told = [
            record for record in (*chronicle.got("interrupted"), *chronicle.got("resumed")) if record.at >= ended_at
        ]
        if any(record.fields.get("cause") == "DETACHED" or record.fields.get("output_lost") for record in told):
            return True
    return False


def _lacks_beginning(chronicle: Chronicle, turn: ModelTurn) -> bool:
    """Return whether the client got nothing of a turn, or only what came after the first that had come of it."""
    if not _numbers_got(chronicle, turn):
        return True
    first = next((block for block in turn.spoken if chronicle.arrived[block]), None)
    return first is not None and first not in chronicle.got_at


def _cause(interrupted: Record) -> str:
    return str(interrupted.fields["cause"]).removeprefix("CAUSE_")
