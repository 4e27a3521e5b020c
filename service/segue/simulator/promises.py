"""Checks recorded histories against what Segue promises.

Each checker reads one history and nothing else, so that the same ones judge runs under virtual time, over real sockets
and of real processes. A promise is broken, or checked, or not checked: a checker that lacks the records it needs says
so instead of passing.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from segue.simulator.history import History, Record


# Named as a sentence reads: the promise was broken, it is no error of the checker.
class Broke(Exception):  # noqa: N818
    """A promise was broken. The message names what broke it."""

    def __init__(self, promise: str, how: str) -> None:
        super().__init__(f"broke {promise}: {how}")
        self.promise = promise


class NotCheckedError(Exception):
    """A promise that had to be checked could not be."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a checker says of a history that does not break its promise.

    Attributes:
        promise: its name.
        lacking: what the history would have to hold; empty when the promise was checked.
    """

    promise: str
    lacking: str = ""

    def __str__(self) -> str:
        return f"not checked, {self.lacking}" if self.lacking else "checked"


@dataclass(frozen=True, slots=True)
class Report:
    """The verdicts on one history, which broke no promise."""

    verdicts: tuple[Verdict, ...]

    @property
    def checked(self) -> tuple[str, ...]:
        """The promises that were checked, and kept."""
        return tuple(verdict.promise for verdict in self.verdicts if not verdict.lacking)

    def __str__(self) -> str:
        return "\n".join(f"{verdict.promise}: {verdict}" for verdict in self.verdicts)


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
    for session, outputs in _outputs(history):
        cut: set[object] = set()
        for output in outputs:
            arm, turn, seq = (output.fields.get(name) for name in ("arm", "turn", "seq"))
            if arm == "interrupted" and _cuts(output):
                lacking = ""
                cut.add(turn)
            elif arm == "audio" and turn in cut:
                raise Broke("Silent", f"session {session} got audio of turn {turn} in seq {seq} after its Interrupted")
    return Verdict("Silent", lacking)


def clean(history: History) -> Verdict:
    """When a session ends, nothing of it remains; when the process ends, nothing at all."""
    ended = history.of("gateway", "session_ended")
    stopped = history.of("gateway", "stopped")
    for record in [*ended, *stopped]:
        remains = ", ".join(f"{count} {what}" for what, count in record.fields.items() if count)
        if remains:
            of_what = f"session {record.session}" if record.kind == "session_ended" else "all sessions"
            raise Broke("Clean", f"{remains} remained of {of_what} at {record.at:g} s")

    unended = {session for session, _ in _outputs(history)} - {record.session for record in ended}
    if unended and stopped:
        raise Broke("Clean", f"session {min(unended)} had not ended when the gateway stopped")
    if unended or not (ended or stopped):
        return Verdict("Clean", f"the gateway recorded no end of {min(unended, default='any session')}")

    opened = Counter(record.session for record in history.of("simulator", "connection_opened"))
    closed = Counter(record.session for record in history.of("simulator", "connection_closed"))
    for connection in opened - closed:
        raise Broke("Clean", f"connection {connection} was never closed")
    return Verdict("Clean")


# Whoever runs Segue chose these, or the service's own clock did: no message of Segue's was wrong.
_NO_FAULT_OF_SEGUE = frozenset({"api_key_invalid", "api_key_missing", "model_unknown", "handle_unknown"})


def legal(history: History) -> Verdict:
    """Segue never sends the backend a message that the backend answers with a close."""
    closings = history.of("simulator", "connection_closed")
    for closing in closings:
        if closing.fields.get("rule") and closing.fields["rule"] not in _NO_FAULT_OF_SEGUE:
            code, reason, rule = (closing.fields.get(name) for name in ("code", "reason", "rule"))
            how = f'connection {closing.session} violated "{rule}" and was closed with {code} {reason}'
            raise Broke("Legal", how.rstrip())
    return Verdict("Legal", "" if closings else "the simulator recorded no closed connection")


Checker: TypeAlias = Callable[[History], Verdict]

CHECKERS: dict[str, Checker] = {
    "Ordered": ordered,
    "Gapless": gapless,
    "Silent": silent,
    "Clean": clean,
    "Legal": legal,
}


def check(history: History, must: Collection[str] = ()) -> Report:
    """Check a history against every promise.

    Args:
        must: the promises that it is no use to leave unchecked.

    Raises:
        Broke: a promise was broken.
        NotCheckedError: one of `must` could not be checked.
        KeyError: one of `must` is no promise.
    """
    verdicts = {promise: checker(history) for promise, checker in CHECKERS.items()}
    for promise in must:
        if verdicts[promise].lacking:
            raise NotCheckedError(f"{promise} was {verdicts[promise]}")
    return Report(tuple(verdicts.values()))


def _outputs(history: History) -> Iterator[tuple[str, list[Record]]]:
    """Yield what the client of each session got, in the order in which it got it."""
    outputs = history.of("client", "output_received")
    for session in dict.fromkeys(output.session for output in outputs):
        yield session, [output for output in outputs if output.session == session]


def _numbers(history: History) -> Iterator[tuple[str, list[int]]]:
    """Yield the numbers of each session's numbered output, in the order of arrival."""
    for session, outputs in _outputs(history):
        numbers = [seq for output in outputs if isinstance(seq := output.fields.get("seq"), int) and seq > 0]
        if numbers:
            yield session, numbers


def _cuts(interrupted: Record) -> bool:
    # CAUSE_NONE answers an Interrupt that cut nothing.
    return str(interrupted.fields.get("cause")).removeprefix("CAUSE_") != "NONE"
