"""How output reaches a client: Ordered, Gapless, Silent."""

from collections.abc import Iterator
from itertools import pairwise

from segue.simulator.history import History, Record
from segue.simulator.promises.verdict import Broke, Verdict


def ordered(history: History) -> Verdict:
    """A session's numbered output arrives in `seq` order."""
    lacking = "no numbered output was recorded"
    for session, numbers in _numbers(history):
        lacking = ""
        for before, number in pairwise(numbers):
            if number <= before:
                raise Broke("Ordered", f"session {session} got seq {number} after seq {before}")
    return Verdict("Ordered", lacking)


def gapless(history: History) -> Verdict:
    """No `seq` is skipped."""
    lacking = "no numbered output was recorded"
    for session, numbers in _numbers(history):
        lacking = ""
        skipped = set(range(1, max(numbers))).difference(numbers)
        if skipped:
            raise Broke("Gapless", f"session {session} got seq {max(numbers)} and never seq {min(skipped)}")
    return Verdict("Gapless", lacking)


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


def _numbers(history: History) -> Iterator[tuple[str, list[int]]]:
    """Yield the numbers of each session's numbered output, in the order of arrival."""
    for session, outputs in outputs_of(history):
        numbers = [seq for output in outputs if isinstance(seq := output.fields.get("seq"), int) and seq > 0]
        if numbers:
            yield session, numbers


def _cuts(interrupted: Record) -> bool:
    # CAUSE_NONE answers an Interrupt that cut nothing.
    return str(interrupted.fields.get("cause")).removeprefix("CAUSE_") != "NONE"
