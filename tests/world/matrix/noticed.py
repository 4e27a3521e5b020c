"""What a user notices of a fault: the history of the session beside that of the same one without the fault."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from segue.simulator.history import History, Record
from segue.simulator.promises.chronicle import Chronicle, chronicles
from segue.simulator.promises.spoken import Words

# What is shorter than this nobody notices, in seconds.
_NOTICED = 0.3
_OUTPUT_BYTES_PER_SECOND = 48_000
_BLOCK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Reply:
    """What the user heard between some words of theirs and the next ones. Times are in seconds.

    Attributes:
        after: how long after the words their answer began; infinity for never.
        length: how long all that was heard took.
        audible: how much of that could be heard.
        paused: how long it stood still in the middle.
        cuts: how many turns were cut in the middle.
        resumed: it went on after the last cut.
        relinked: a link opened meanwhile, so that the model may have said it in other words.
    """

    after: float
    length: float
    audible: float
    paused: float
    cuts: int
    resumed: bool
    relinked: bool


@dataclass(frozen=True, slots=True)
class Experience:
    """What one session was like for its user.

    Attributes:
        replies: in the order of the user's words.
        shown: what the user was shown to have said.
        interruptions: how often the client was told to stop.
        closed: why it was closed; empty where the user left it.
        closed_at: when, on the clock of the world.
    """

    replies: tuple[Reply, ...]
    shown: str
    interruptions: int
    closed: str
    closed_at: float


def experience(history: History) -> Experience:
    """Return what a history of one session was like."""
    session = chronicles(history)[0]
    begun = [record.at for record in session.client if record.kind in ("utterance_begun", "text_written")]
    ends = [*begun[1:], inf]
    replies = tuple(_reply(session, words, end) for words, end in zip(session.words, ends, strict=False))
    shown = [str(record.fields["text"]) for record in session.got("transcript") if record.fields["speaker"] == "USER"]
    interruptions = sum(record.fields["cause"] != "NONE" for record in session.got("interrupted"))
    closed = "".join(str(record.fields["reason"]) for record in session.got("closed"))
    return Experience(replies, "".join(shown), interruptions, "" if closed == "COMPLETED" else closed, session.over_at)


def noticed(struck: Experience, usual: Experience) -> str:
    """Return in a few words what was otherwise than usual."""
    if struck.closed:
        return f"closed: {struck.closed}"
    return ", ".join(_differences(struck, usual)) or "nothing"


def _differences(struck: Experience, usual: Experience) -> Iterator[str]:
    pairs = list(zip(struck.replies, usual.replies, strict=True))
    if any(reply.audible < reply.length and reply.audible < other.audible - _NOTICED for reply, other in pairs):
        yield "answer inaudible"
    if any(reply.length == 0 < other.length for reply, other in pairs):
        yield "no answer"
    later = max(reply.after - other.after for reply, other in pairs if reply.after < inf)
    if later > _NOTICED:
        yield f"answer +{later:.1f} s"
    cut = [reply for reply, other in pairs if reply.cuts > other.cuts]
    paused = max(reply.paused - other.paused for reply, other in pairs)
    if cut:
        goes_on = f", goes on after {max(reply.paused for reply in cut):.1f} s"
        yield f"turn cut{goes_on if all(reply.resumed for reply in cut) else ''}"
    elif paused > _NOTICED:
        yield f"pause {paused:.1f} s"
    whole = [(reply, other) for reply, other in pairs if reply.cuts <= other.cuts and reply.relinked == other.relinked]
    if any(0 < reply.length < other.length - _NOTICED for reply, other in whole):
        yield "answer cut short"
    if any(reply.length > other.length + _NOTICED for reply, other in whole if not reply.relinked):
        yield "more said"
    if len(struck.shown) != len(usual.shown):
        yield "more words shown" if len(struck.shown) > len(usual.shown) else "fewer words shown"


def _reply(session: Chronicle, words: Words, end: float) -> Reply:
    heard = [output for output in session.outputs if words.at <= output.at < end]
    reached = min((session.reached_at(turn) for turn in session.answers(words)), default=inf)
    audio = [output for output in heard if output.fields["arm"] == "audio"]
    cuts = [output.at for output in heard if output.fields["arm"] == "turn_ended" and _was_cut(session, output)]
    return Reply(
        after=reached - words.at,
        length=sum(map(_seconds, audio)),
        audible=sum(_seconds(output) for output in audio if "first" in output.fields or "blocks" in output.fields),
        paused=_paused(heard),
        cuts=len(cuts),
        resumed=bool(cuts and audio and audio[-1].at > cuts[-1]),
        relinked=any(words.at <= record.at < end for record in session.acted("link_opened")),
    )


def _was_cut(session: Chronicle, ended: Record) -> bool:
    """Return whether the user heard the beginning of a turn, and not its end."""
    heard = ended.fields["heard"]
    assert isinstance(heard, float)
    if ended.fields["reason"] not in ("INTERRUPTED", "LINK_LOST") or not heard:
        return False
    parts = [set(turn.spoken) for turn in session.turns]
    planned = sum(
        len(part) for part in parts if any(session.got_in.get(block) == ended.fields["turn"] for block in part)
    )
    return planned * _BLOCK_SECONDS - heard > _NOTICED


def _paused(heard: list[Record]) -> float:
    """Return for how long nothing was played between the first and the last of it."""
    paused, played_until = 0.0, inf
    for output in heard:
        if output.fields["arm"] == "interrupted":
            played_until = min(played_until, output.at)
        elif output.fields["arm"] == "audio":
            paused += max(0.0, output.at - played_until)
            played_until = (output.at if played_until == inf else max(output.at, played_until)) + _seconds(output)
    return paused


def _seconds(audio: Record) -> float:
    size = audio.fields["bytes"]
    assert isinstance(size, int)
    return size / _OUTPUT_BYTES_PER_SECOND
