"""What was heard of a turn and what was not: Heard.

The truth is what the client played, block by block, and which words the service speaks in these blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from segue.simulator.history import History, Record
from segue.simulator.promises.chronicle import Chronicle, blocks_of, chronicles
from segue.simulator.promises.spoken import NEVER, ModelTurn
from segue.simulator.promises.verdict import Broke, Verdict

_BLOCK_SECONDS = 0.02
# Times that differ by less are the same.
_SAME = 0.001
# The client's last word on what it played is waited for so long, in seconds.
_WAITED = 0.5
# What shows that it is waited for no longer.
_SETTLES = ("resume_noted", "speech_received", "tool_call_received")
# Words that do not come as they were spoken, or with other audio than theirs.
_MISPLACING = frozenset({"duplicate_transcription", "early_turn_complete", "late_chunks", "missing_turn_complete"})
# What was still to be said of a turn never comes.
_GAP = "generation_stops"
# At most so many turns at once are told to have been cut.
_CUT_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class _Fragment:
    """A piece of a transcript, and the seconds of its turn's speech that it stands for."""

    text: str
    begin: float
    end: float


def heard(history: History) -> Verdict:
    """The heard and the unheard text of an interrupted turn are its words, each once, divided where it was cut.

    That is right to one fragment of the transcript where the client reports what it played, and to the lead of the
    delivery and one fragment where it does not. What the model is told is the same. Its cases are the turns that were
    interrupted while they were spoken.
    """
    lacking = "no turn was interrupted that was spoken"
    judged = cases = 0
    for chronicle in chronicles(history):
        ends = {end.fields["turn"]: end for end in chronicle.got("turn_ended")}
        for cut in chronicle.got("interrupted"):
            number = cut.fields["turn"]
            audio = [blocks_of(record) for record in chronicle.got("audio") if record.fields["turn"] == number]
            blocks = [block for piece in audio for block in piece]
            end = ends.get(number)
            if end is None or not blocks or str(cut.fields.get("cause")).endswith("NONE"):
                continue
            lacking = ""
            cases += 1
            # How much was played before the first block that can be told from others is not known.
            judged += bool(audio[0]) and _check_split(chronicle, cut, end, blocks)
        _check_told(chronicle)
    return Verdict("Heard", lacking, judged, cases)


def _check_split(chronicle: Chronicle, cut: Record, end: Record, blocks: Sequence[int]) -> bool:
    """Check where the words of a turn are divided. Returns whether that could be told."""
    played, known = cut.fields.get("played"), end.fields.get("heard")
    turns = _turns(chronicle, blocks[0], end.fields["turn"])
    if not (turns and isinstance(played, float) and isinstance(known, float)) or _is_misplaced(chronicle, turns, cut):
        return False
    fragments = _fragments(turns)
    spans = [span for turn in turns for span in turn.blocks]
    starts = _position(spans, blocks[0])
    position = starts + played
    if not fragments or blocks[-1] > spans[-1][1]:
        return False
    what = f"turn {end.fields['turn']} of session {chronicle.name}"
    heard_text, unheard_text = str(end.fields["heard_text"]), str(end.fields["unheard_text"])
    first, count, whole = _place(fragments, heard_text, unheard_text, starts)
    if whole < 0 or not (heard_text + unheard_text).startswith(_transcript(chronicle, end.fields["turn"])):
        raise Broke("Heard", f"the words of {what} are told as {heard_text!r} and {unheard_text!r}, and not each once")
    reported = abs(known - played) < _SAME
    if not reported and _was_waited_for(chronicle, cut, end):
        raise Broke("Heard", f"{what} was reported to be played for {played:.3f} s and is said to be for {known:.3f} s")
    margin = _margin(chronicle, reported=reported)
    # One fragment beside the one in which it was cut may be on the wrong side.
    last = first + count - 1
    if count > 1 and fragments[last - 1].begin > position + margin:
        how = f"is said to be heard to {fragments[last].text!r}"
        raise Broke("Heard", f"{what} was played for {played:.3f} s and {how}")
    after = last + 2
    if after < first + whole and fragments[after].end <= position - margin:
        how = f"is said not to be heard from {fragments[last + 1].text!r} on"
        raise Broke("Heard", f"{what} was played for {played:.3f} s and {how}")
    return margin < NEVER


def _turns(chronicle: Chronicle, block: int, number: object) -> list[ModelTurn]:
    """Return the turn of the model in which a block is spoken, and those that go on with it for the client.

    Some models go on after a turn's end; and what waits for a function's results when its link is lost goes on with
    the first turn of the next one.
    """
    turns = [turn for turn in chronicle.turns if any(first <= block <= last for first, last in turn.blocks)][:1]
    if turns and chronicle.thinks:
        turns += [t for t in chronicle.turns if t.link == turns[0].link and t.number > turns[0].number and t.blocks]
    called = any(call.fields["turn"] == number for call in chronicle.got("tool_call"))
    if turns and called and turns[-1].over_at == NEVER:
        rest = [turn for turn in chronicle.turns if turn.link > turns[-1].link][:1]
        # What was said of the results and did not come is said again in the rest, if there is one.
        turns = [*(_as_it_came(chronicle, turn) if rest else turn for turn in turns), *rest]
    return turns


def _as_it_came(chronicle: Chronicle, turn: ModelTurn) -> ModelTurn:
    """Return a turn without the sentences of which nothing came before its link was gone."""
    came = sum(any(chronicle.arrived[block] for block in range(first, last + 1)) for first, last in turn.blocks)
    words = sum(len(sentence.split()) for sentence in turn.sentences[:came])
    ends = accumulate(len(fragment.split()) for fragment in turn.fragments)
    fragments = [fragment for fragment, end in zip(turn.fragments, ends, strict=True) if end <= words]
    return replace(turn, blocks=turn.blocks[:came], sentences=turn.sentences[:came], fragments=fragments)


def _place(fragments: Sequence[_Fragment], heard_text: str, unheard_text: str, starts: float) -> tuple[int, int, int]:
    """Return from which fragment on these words are told, how many are heard, and how many there are; -1 for none."""
    found = (-1, -1, -1)
    for first in sorted(range(len(fragments)), key=lambda first: abs(fragments[first].begin - starts)):
        sums = ["", *accumulate(fragment.text for fragment in fragments[first:])]
        if heard_text in sums and heard_text + unheard_text in sums:
            return first, sums.index(heard_text), sums.index(heard_text + unheard_text)
    return found


def _transcript(chronicle: Chronicle, number: object) -> str:
    """Return what the client got of the words of a turn."""
    got = [words for words in chronicle.got("transcript") if words.fields["turn"] == number]
    return "".join(str(words.fields["text"]) for words in got if words.fields["speaker"] == "MODEL")


def _fragments(turns: Sequence[ModelTurn]) -> list[_Fragment]:
    """Return the fragments of the transcript of some turns; none where they are not what is spoken."""
    fragments: list[_Fragment] = []
    begin = 0.0
    for turn in turns:
        words: list[tuple[str, float, float]] = []
        for sentence, (first, last) in zip(turn.sentences, turn.blocks, strict=True):
            pace = (last - first + 1) * _BLOCK_SECONDS / max(1, len(sentence))
            characters = 0
            for word in sentence.split():
                following = characters + len(word) + 1
                words.append((word, begin + pace * characters, begin + pace * min(following, len(sentence))))
                characters = following
            begin += pace * len(sentence)
        at = 0
        for text in turn.fragments:
            spoken = words[at : at + len(text.split())]
            if [word for word, _, _ in spoken] != text.split():
                return []
            at += len(spoken)
            fragments.append(_Fragment(text, spoken[0][1], spoken[-1][2]))
    return fragments


def _position(spans: Sequence[tuple[int, int]], block: int) -> float:
    """Return the second of the speech in these ranges at which a block begins."""
    return sum(max(0, min(block - 1, last) - first + 1) for first, last in spans) * _BLOCK_SECONDS


def _margin(chronicle: Chronicle, *, reported: bool) -> float:
    """Return how well what was played can be known, in seconds."""
    if reported:
        return _SAME
    paces = [record for record in chronicle.client if record.kind in ("session_opened", "session_updated")]
    leads = [lead for record in paces if isinstance(lead := record.fields.get("lead"), float)]
    return max(leads, default=NEVER)


def _was_waited_for(chronicle: Chronicle, cut: Record, end: Record) -> bool:
    """Return whether the client's report of what it played came while it was waited for."""
    reported_at = cut.fields.get("reported_at")
    dropped = [d.at for d in chronicle.acted("audio_dropped") if d.at <= cut.at and d.fields["reason"] == "interrupted"]
    # A client that interrupts says what it has played then.
    if not isinstance(reported_at, float) or not dropped or str(cut.fields["cause"]).endswith("CLIENT"):
        return False
    settled = [record.at for record in chronicle.acted(*_SETTLES) if dropped[-1] <= record.at <= reported_at]
    # Whoever interrupts what is about to come settles what was before it.
    settled += [r.at for r in chronicle.client if r.kind == "interrupt_sent" and cut.at - _WAITED <= r.at <= cut.at]
    # So does a turn that has begun since, though it may have been cut as well.
    later = chronicle.outputs[chronicle.outputs.index(end) :]
    settled += [o.at for o in later if _turn_of(o) > _turn_of(end) and o.at <= reported_at]
    return reported_at < dropped[-1] + _WAITED - _SAME and not settled


def _turn_of(output: Record) -> int:
    return int(output.fields["turn"] or 0)


def _is_misplaced(chronicle: Chronicle, turns: Sequence[ModelTurn], cut: Record) -> bool:
    connections = [f"{chronicle.name}/{turn.link}" for turn in turns]
    struck = [record for record in chronicle.service if record.kind == "fault_struck" and record.session in connections]
    stopped = [record for record in struck if record.fields["fault"] == _GAP]
    return any(record.fields["fault"] in _MISPLACING for record in struck) or any(
        turns[0].begun_at <= record.at <= cut.at for record in stopped
    )


def _check_told(chronicle: Chronicle) -> None:
    """Check that a model is told of an interruption what the client is told of it."""
    cut = [str(end.fields.get("heard_text")) for end in chronicle.got("turn_ended") if _is_cut(end)]
    # Of a turn that ends later than the note goes the session's end may keep the end.
    for told in chronicle.acted("heard_told"):
        words = _plain(str(told.fields["text"])).removeprefix("… ")
        spans = [cut[first : first + count] for first in range(len(cut)) for count in range(1, _CUT_AT_ONCE + 1)]
        if told.at < chronicle.over_at and not any(_plain(" ".join(filter(None, s))).endswith(words) for s in spans):
            raise Broke("Heard", f"session {chronicle.name} told the model at {told.at:.3f} s that {words!r} was heard")


def _is_cut(end: Record) -> bool:
    return str(end.fields.get("reason")).endswith("INTERRUPTED")


def _plain(words: str) -> str:
    """Return words as a note quotes them."""
    return " ".join(words.split()).translate(str.maketrans('"[]', "'()"))
