"""How output reaches a client: Ordered, Gapless, Unique, Silent."""

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
    """No `seq` is skipped."""
    lacking = "no numbered output was recorded"
    for session, outputs in _numbered(history):
        lacking = ""
        numbers = [_whole(output.fields["seq"]) for output in outputs]
        skipped = set(range(1, max(numbers))).difference(numbers)
        if skipped:
            raise Broke("Gapless", f"session {session} got seq {max(numbers)} and never seq {min(skipped)}")
    return Verdict("Gapless", lacking)


def unique(history: History) -> Verdict:
    """No `seq` and no turn's number is used for two things: a turn ends once, and nothing of it follows.

    What of an input was applied, and what was given again, is not looked at.
    """
    lacking = "no numbered output was recorded"
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
