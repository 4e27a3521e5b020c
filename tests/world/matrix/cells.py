"""The cells of the matrix: each is played once, and judged by what the design says of its fault at its moment."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import inf

from segue.simulator.history import History, Record
from segue.simulator.promises import Broke, NotCheckedError, check
from tests.world.matrix.moments import Moment
from tests.world.matrix.noticed import Experience, experience, noticed
from tests.world.matrix.rows import ROWS, Manner, Row
from tests.world.matrix.stage import Staging

# What every history of a session that ended can be checked for.
_ALWAYS = frozenset({"Ordered", "Gapless", "Unique", "Frugal", "Clean", "Legal"})
# A fault cuts a turn once, and what goes on is not cut again.
_MOST_INTERRUPTIONS = 1
# What the model says first of the other of two calls, in seconds.
_SAID_FIRST = 4.0
# A turn ends so long after its last audio at the latest, in seconds: 8 s after that was played, where nobody ends it.
_ENDED_WITHIN = 12.0
# A session that cannot go on is closed within so many seconds: there is something to be played.
_CLOSED_WITHIN = 6.0


@dataclass(frozen=True)
class Cell:
    """One fault at one moment."""

    row: Row
    moment: Moment

    @property
    def impossible(self) -> str:
        """Why there is no such thing; empty where there is."""
        return self.row.impossible.get(self.moment, "")

    def __str__(self) -> str:
        return f"{self.row.name}-{self.moment.title}".replace(": ", "-").replace(" ", "_")


@dataclass(frozen=True)
class Outcome:
    """What became of a cell.

    Attributes:
        noticed: what the user noticed of it, in a few words.
        wrong: what should not be so, each in a sentence.
    """

    noticed: str
    wrong: tuple[str, ...]


CELLS = tuple(Cell(row, moment) for row in ROWS for moment in Moment)


@cache
def outcome(cell: Cell) -> Outcome:
    """Play a cell, and judge it."""
    row, moment = cell.row, cell.moment
    stage = Staging(row, moment)
    history = stage.play()
    struck, usual = experience(history), _usual(moment, row.manner, row.lasts)
    on_the_line = _wrong_on_the_line(cell, history, stage.struck_at)
    for_the_user = _wrong_for_the_user(cell, struck, usual, stage.struck_at)
    return Outcome(noticed(struck, usual), (*on_the_line, *for_the_user))


def _wrong_on_the_line(cell: Cell, history: History, struck_at: float) -> Iterator[str]:
    row = cell.row
    if row.kind.name not in {record.fields["fault"] for record in history.of("simulator", "fault_struck")}:
        yield f"{row.kind.name} did not strike."
    try:
        check(history, must=_promises(cell, history))
    except (Broke, NotCheckedError) as broken:
        yield str(broken)
    if row.spoils_handle and cell.moment in (Moment.RENEWING, Moment.RECOVERING):
        following = next(record for record in history.of("gateway", "link_dialled") if record.at > struck_at)
        if following.fields["resumes"]:
            yield "The next link was set up with the handle that was not accepted."
    yield from _wrong_in_turns(history.of("client", "output_received"))


def _wrong_in_turns(outputs: list[Record]) -> Iterator[str]:
    heard = {output.fields["turn"]: output.at for output in outputs if output.fields["arm"] == "audio"}
    for output in outputs:
        turn = output.fields["turn"]
        if output.fields["arm"] == "turn_ended" and output.at > heard.get(turn, output.at) + _ENDED_WITHIN:
            yield f"Turn {turn} ended {output.at - heard[turn]:.1f} s after the last of it."


def _wrong_for_the_user(cell: Cell, struck: Experience, usual: Experience, struck_at: float) -> Iterator[str]:
    row, moment = cell.row, cell.moment
    closes = row.closes[moment].name if moment in row.closes else ""
    if struck.closed != closes:
        yield f"The session ended with {struck.closed or 'nothing wrong'}, not with {closes or 'nothing wrong'}."
    if struck.closed and struck.closed_at > struck_at + _CLOSED_WITHIN:
        yield f"The session was closed {struck.closed_at - struck_at:.1f} s after the fault struck."
    if struck.closed or closes:
        return
    within = row.within + (_SAID_FIRST if moment is Moment.TOOL_PENDING else 0.0)
    late = [reply.after for reply in struck.replies if reply.after > within]
    if late and not (row.costs_answer and late == [inf]):
        after = ", ".join("never" if seconds == inf else f"after {seconds:.1f} s" for seconds in late)
        yield f"Words were answered {after}, not within {within:g} s."
    if struck.interruptions > usual.interruptions + _MOST_INTERRUPTIONS:
        yield f"The client was told to stop {struck.interruptions - usual.interruptions} times for one fault."
    pairs = zip(struck.replies, usual.replies, strict=True)
    if any(reply.cuts > other.cuts and not reply.resumed for reply, other in pairs):
        yield "A turn was cut, and the model did not go on with it."


def _promises(cell: Cell, history: History) -> frozenset[str]:
    """Return the promises that the history of a cell can be checked for, and must be."""
    promises = _ALWAYS
    if cell.row.manner is Manner.BARGES_IN:
        promises |= {"Silent"}
    # A renewal that a fault prevents ends in a recovery.
    if cell.moment is Moment.RENEWING and history.of("gateway", "renewed"):
        promises |= {"Seamless"}
    elif cell.moment in (Moment.RENEWING, Moment.RECOVERING):
        promises |= {"Recovering"}
    return promises


@cache
def _usual(moment: Moment, manner: Manner, lasts: float) -> Experience:
    """Return what a session is like without a fault."""
    faultless = next(row for row in ROWS if (row.manner, row.lasts) == (manner, lasts))
    return experience(Staging(faultless, moment, faultless=True).play())
