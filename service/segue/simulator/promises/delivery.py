"""How output reaches a client, and its input the model: Ordered, Gapless, Unique, Silent."""

from collections import Counter
from collections.abc import Container, Iterator
from itertools import pairwise

from segue.simulator.history import History, Record
from segue.simulator.promises.chronicle import blocks_of
from segue.simulator.promises.verdict import Broke, Verdict


def ordered(history: History) -> Verdict:
    """A session's numbered output arrives in `seq` order, its audio in that of the turns and as it was spoken.

    `closed` is the last of it.
    """
    lacking = "no numbered output was recorded"
    arrived = Counter(
        (record.session, block) for record in history.of("gateway", "speech_received") for block in blocks_of(record)
    )
    for session, outputs in _numbered(history):
        lacking = ""
        for before, output in pairwise(outputs):
            seq, previous = output.fields["seq"], before.fields["seq"]
            if _whole(seq) <= _whole(previous):
                raise Broke("Ordered", f"session {session} got seq {seq} after seq {previous}")
            if before.fields["arm"] == "closed":
                raise Broke("Ordered", f"session {session} got {_named(output)} after it was closed")
        # The service says the end of what was interrupted again at times, as if it were new.
        again = {block for (name, block), times in arrived.items() if name == session and times > 1}
        _check_audio(session, [output for output in outputs if output.fields["arm"] == "audio"], again)
    return Verdict("Ordered", lacking)


def gapless(history: History) -> Verdict:
    """No `seq` is skipped, unless the client that came back was told that output was lost."""
    lacking = "no numbered output was recorded"
    for session, outputs in outputs_of(history):
        numbers: set[int] = set()
        forgiven: set[int] = set()
        newest, lost = 0, False
        for output in outputs:
            lost = lost or bool(output.fields.get("output_lost"))
            if not (seq := _whole(output.fields.get("seq"))):
                continue
            if lost:
                forgiven.update(range(newest + 1, seq))
            numbers.add(seq)
            newest, lost = max(newest, seq), False
        if not numbers:
            continue
        lacking = ""
        skipped = set(range(1, newest)).difference(numbers, forgiven)
        if skipped:
            raise Broke("Gapless", f"session {session} got seq {newest} and never seq {min(skipped)}")
    return Verdict("Gapless", lacking)


def unique(history: History) -> Verdict:
    """No `seq` and no turn's number is used for two things: a turn ends once, and nothing of it follows.

    No output comes again that was acknowledged, and no input goes to a link again that it was given to.
    """
    lacking = "no numbered output was recorded"
    _check_acknowledged(history)
    _check_given_once(history)
    for session, outputs in _numbered(history):
        lacking = ""
        of_seq: dict[object, Record] = {}
        ended: set[object] = set()
        for output in outputs:
            seq, turn, arm = (output.fields.get(name) for name in ("seq", "turn", "arm"))
            if of_seq.setdefault(seq, output).fields != output.fields:
                raise Broke("Unique", f"session {session} got {_named(output)} and {_named(of_seq[seq])}")
            # Whoever interrupts a turn that is over is told that nothing of it was cut.
            if turn in ended and (arm != "interrupted" or _cuts(output)):
                raise Broke("Unique", f"session {session} got {_named(output)} after that turn had ended")
            if arm == "turn_ended":
                ended.add(turn)
        turns = {output.fields.get("turn") for output in outputs} - {0, None}
        unended = turns - ended
        if unended and outputs[-1].fields["arm"] == "closed":
            raise Broke("Unique", f"session {session} was closed and never got the end of turn {min(unended, key=str)}")
    return Verdict("Unique", lacking)


def _check_acknowledged(history: History) -> None:
    got: set[tuple[str, int]] = set()
    has: Counter[str] = Counter()
    for record in history.of("client", "acknowledged", "resume_sent", "output_received"):
        seq = _whole(record.fields.get("seq"))
        if record.kind != "output_received":
            has[record.session] = max(has[record.session], seq)
        elif (record.session, seq) in got and seq <= has[record.session]:
            raise Broke("Unique", f"session {record.session} got {_named(record)} again at {record.at:.3f} s")
        elif seq:
            got.add((record.session, seq))


def _check_given_once(history: History) -> None:
    for record in history.of("simulator", "audio_repeated"):
        if record.fields.get("here"):
            how = f"{record.fields['seconds']} s of the user's audio from stamp {record.fields['first']}"
            raise Broke("Unique", f"connection {record.session} was given {how} twice, at {record.at:.3f} s")


def silent(history: History) -> Verdict:
    """After `Interrupted` for a turn, no audio of that turn."""
    lacking = "no turn was interrupted"
    for session, outputs in outputs_of(history):
        cut: set[object] = set()
        for output in outputs:
            arm, turn, seq = (output.fields.get(name) for name in ("arm", "turn", "seq"))
            if arm == "interrupted" and _cuts(output):
                lacking = ""
                cut.add(turn)
            elif arm == "audio" and turn in cut:
                raise Broke("Silent", f"session {session} got audio of turn {turn} in seq {seq} after its Interrupted")
    return Verdict("Silent", lacking)


def outputs_of(history: History) -> Iterator[tuple[str, list[Record]]]:
    """Yield what the client of each session got, in the order in which it got it."""
    outputs = history.of("client", "output_received")
    for session in dict.fromkeys(output.session for output in outputs):
        yield session, [output for output in outputs if output.session == session]


def _check_audio(session: str, pieces: list[Record], again: Container[int]) -> None:
    last_turn, last_block = 0, -1
    for piece in pieces:
        turn = _whole(piece.fields["turn"])
        if turn < last_turn:
            raise Broke("Ordered", f"session {session} got {_named(piece)} after that of turn {last_turn}")
        # Only simulated speech is numbered. What is said later on another link has higher numbers.
        for block in blocks_of(piece):
            if block in again:
                continue
            if block <= last_block:
                raise Broke("Ordered", f"session {session} got block {block} of the model's speech after {last_block}")
            last_block = block
        last_turn = turn


def _numbered(history: History) -> Iterator[tuple[str, list[Record]]]:
    """Yield the numbered output of each session, in the order of arrival."""
    for session, outputs in outputs_of(history):
        numbered = [output for output in outputs if _whole(output.fields.get("seq"))]
        if numbered:
            yield session, numbered


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _named(output: Record) -> str:
    seq, turn, arm = (output.fields.get(name) for name in ("seq", "turn", "arm"))
    return f"{arm} of turn {turn} in seq {seq}" if turn else f"{arm} in seq {seq}"


def _cuts(interrupted: Record) -> bool:
    # CAUSE_NONE answers an Interrupt that cut nothing.
    return str(interrupted.fields.get("cause")).removeprefix("CAUSE_") != "NONE"
