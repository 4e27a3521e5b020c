"""Checks recorded histories against what Segue promises.

Each checker reads one history and nothing else, so that the same ones judge runs under virtual time, over real sockets
and of real processes. A promise is broken, or checked, or not checked: a checker that lacks the records it needs says
so instead of passing.
"""

from collections.abc import Callable, Collection
from typing import TypeAlias

from segue.simulator.history import History
from segue.simulator.promises.delivery import gapless, ordered, silent, unique
from segue.simulator.promises.ending import clean
from segue.simulator.promises.footprint import frugal
from segue.simulator.promises.heard import heard
from segue.simulator.promises.legality import legal
from segue.simulator.promises.recovery import recovering
from segue.simulator.promises.renewal import seamless
from segue.simulator.promises.resuming import resumable
from segue.simulator.promises.verdict import Broke, NotCheckedError, Report, Verdict

__all__ = [
    "CHECKERS",
    "Broke",
    "Checker",
    "NotCheckedError",
    "Report",
    "Verdict",
    "check",
    "clean",
    "frugal",
    "gapless",
    "heard",
    "legal",
    "ordered",
    "recovering",
    "resumable",
    "seamless",
    "silent",
    "unique",
]

# The promises that no checker can read from a history yet.
_UNREAD = ("Sole", "Fair")

Checker: TypeAlias = Callable[[History], Verdict]

CHECKERS: dict[str, Checker] = {
    "Ordered": ordered,
    "Gapless": gapless,
    "Unique": unique,
    "Silent": silent,
    "Heard": heard,
    "Seamless": seamless,
    "Recovering": recovering,
    "Resumable": resumable,
    "Frugal": frugal,
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
    verdicts |= {promise: Verdict(promise, "there is no checker for it") for promise in _UNREAD}
    for promise in must:
        if verdicts[promise].lacking:
            raise NotCheckedError(f"{promise} was {verdicts[promise]}")
    return Report(tuple(verdicts.values()))
