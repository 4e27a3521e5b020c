"""Renewals that nobody notices: Seamless."""

from segue.simulator.history import History, Record
from segue.simulator.promises.chronicle import Chronicle, chronicles
from segue.simulator.promises.spoken import NEVER, ModelTurn
from segue.simulator.promises.verdict import Broke, Verdict

# What a renewal may add to the round trip of its setup, in seconds.
_MARGIN = 0.050
# All of a turn has been played so long after the service took it to be over.
_PLAYED_WITHIN = 60.0
# A connection is held for no longer than this: what went wrong with it was in this time.
_HELD_SINCE = 30.0
# Rejections that a renewal must not cause.
_CAUSED_BY_LINKS = frozenset({"INPUT_OVERFLOW"})


def seamless(history: History) -> Verdict:
    """A renewal loses no user audio, repeats none, emits no error, and adds no more silence than it must.

    No output is missing or doubled, whatever link it came by.
    """
    lacking = "no link was renewed"
    for chronicle in chronicles(history):
        _check_output(chronicle)
        _check_user_audio(chronicle)
        for renewed in chronicle.acted("renewed"):
            lacking = ""
            _check_renewal(chronicle, renewed)
    return Verdict("Seamless", lacking)


def _check_renewal(chronicle: Chronicle, renewed: Record) -> None:
    who = f"the renewal of session {chronicle.name} at {renewed.at:.3f} s"
    if renewed.fields["cut"]:
        # What was held of a turn plays on to the end of a sentence, however long that takes.
        for turn in {turn.link: turn for turn in chronicle.turns}.values():
            if turn.over_at == NEVER and abs(turn.ended_at - renewed.at) < _HELD_SINCE:
                _check_said(chronicle, turn, who)
        return
    opened = [record for record in chronicle.acted("link_opened") if record.at <= renewed.at]
    if not opened:
        return
    link = opened[-1].fields["link"]
    began_at = _began_at(chronicle, link)
    failed = bool(chronicle.troubles(renewed.at - _HELD_SINCE, renewed.at))
    setup, gap = opened[-1].at - began_at, renewed.fields["gap"]
    if not failed and isinstance(gap, float) and gap > setup + _MARGIN:
        raise Broke("Seamless", f"{who} left a gap of {gap:.3f} s, with a setup of {setup:.3f} s")
    for output in chronicle.got("input_rejected"):
        if began_at <= output.at <= renewed.at and output.fields.get("reason") in _CAUSED_BY_LINKS:
            raise Broke("Seamless", f"{who} had input rejected: {output.fields.get('message')}")


def _check_said(chronicle: Chronicle, cut: ModelTurn, who: str) -> None:
    """Check that the client was not told that a turn was complete which a renewal cut."""
    numbers = {chronicle.got_in[block] for block in cut.spoken if block in chronicle.got_in}
    for ended in chronicle.got("turn_ended"):
        if ended.fields["turn"] in numbers and str(ended.fields["reason"]).endswith("COMPLETED"):
            raise Broke("Seamless", f"{who} cut turn {ended.fields['turn']}, which was said to be complete")


def _began_at(chronicle: Chronicle, link: object) -> float:
    """Return when the setup of a link was sent."""
    set_up = [record.at for record in chronicle.acted("link_set_up") if record.fields["link"] == link]
    connected = [
        record.at
        for record in chronicle.service
        if record.kind == "connection_opened" and record.session.endswith(f"/{link}")
    ]
    return (set_up or connected or [0.0])[-1]


def _check_user_audio(chronicle: Chronicle) -> None:
    """Check that what a renewed link resumes has all of the user's speech, once."""
    lost_links = {record.fields["link"] for record in chronicle.acted("link_lost")}
    # A renewal that cuts a turn gives its question in the words of a note.
    excuses = [record.at for record in chronicle.acted("wedged")]
    excuses += [record.at for record in chronicle.acted("renewed") if record.fields["cut"]]
    dialled = {record.fields["link"]: record for record in chronicle.acted("link_dialled")}
    resumed = {record.fields["link"] for record in chronicle.acted("link_set_up", "link_dialled") if _resumes(record)}
    for record in chronicle.service:
        if record.kind not in ("audio_lost", "audio_repeated"):
            continue
        link = int(record.session.rpartition("/")[2])
        # Before a loss or a wedge nothing but renewals can have cost anything.
        if record.kind == "audio_lost" and chronicle.understood(record):
            continue
        # An answer that a deadline cut off before its first word has to be asked for again.
        before = [turn for turn in chronicle.turns if turn.link < link]
        if record.kind == "audio_repeated" and before and before[-1].over_at == NEVER:
            continue
        began_with = all(dialled[number].fields["purpose"] != "RECOVERY" for number in range(1, link + 1))
        undisturbed = not any(at <= record.at for at in (*chronicle.troubles(0.0, record.at), *excuses))
        if began_with and undisturbed and not lost_links & set(range(1, link + 1)) and (link == 1 or link in resumed):
            what = "lost" if record.kind == "audio_lost" else "was given twice"
            how = f"{record.fields['seconds']} s of the user's audio from stamp {record.fields['first']}"
            raise Broke("Seamless", f"on connection {record.session}, {how} {what} at {record.at:.3f} s")


def _resumes(record: Record) -> bool:
    return bool(record.fields.get("resumes"))


def _check_output(chronicle: Chronicle) -> None:
    for block, times in chronicle.got_times.items():
        if times > chronicle.arrived[block]:
            raise Broke("Seamless", f"session {chronicle.name} got block {block} of the model's speech {times} times")
    cuts = [cut.at for cut in chronicle.got("interrupted")]
    ends = {end.fields["turn"]: end for end in chronicle.got("turn_ended")}
    for turn in chronicle.turns:
        arrived = [block for block in turn.spoken if chronicle.arrived[block]]
        missing = [block for block in arrived if block not in chronicle.got_at]
        # Of a turn that was cut short by the end of its link, what was not released may be thrown away.
        if not missing or turn.interrupted or turn.over_at == NEVER:
            continue
        first_at = turn.begun_at - 1.0
        over_at = turn.over_at + _PLAYED_WITHIN
        # An interruption explains it, and so do a fault of the service's and the end of the session.
        if (
            chronicle.troubles(first_at - _HELD_SINCE, turn.over_at)
            or any(first_at <= at <= over_at for at in cuts)
            or chronicle.over_at <= over_at
        ):
            continue
        overflowed = any(end.fields.get("reason") == "OUTPUT_OVERFLOW" for end in ends.values())
        if not overflowed:
            what = f"{len(missing)} of {len(arrived)} blocks of turn {turn.number} of link {turn.link}"
            raise Broke("Seamless", f"session {chronicle.name} never got {what}, begun at {turn.begun_at:.3f} s")
