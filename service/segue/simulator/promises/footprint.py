"""What a session costs: Frugal."""

from segue.simulator.history import History
from segue.simulator.promises.chronicle import Chronicle, chronicles
from segue.simulator.promises.verdict import Broke, Verdict

_KIB = 1024
# 180 s of unreleased output at 48,000 bytes a second, 30 s of input at 32,000 twice over (what waits, and what may have
# to be given again), and 256 KiB of everything else.
_MOST_BYTES = 180 * 48_000 + 2 * 30 * 32_000 + 256 * _KIB
# What a session holds at rest, which it is at least once in so many seconds.
_MOST_AT_REST = 1280 * _KIB
_RESTS_WITHIN = 300.0
_MOST_LINKS = 2
# So many dials in so many seconds are a loop.
_MOST_DIALS = 15
_SPAN = 60.0
# A long session may hold so many times more in its last third than in its first, and so much more.
_LONG = 3600.0
_GROWTH = 1.5
_GROWTH_BYTES = 64 * _KIB


def frugal(history: History) -> Verdict:
    """A session's memory is bounded, and so is how often it dials, whatever happens."""
    lacking = "no session was weighed"
    for chronicle in chronicles(history):
        if chronicle.acted("session_weighed"):
            lacking = ""
        _check_memory(chronicle)
        _check_growth(chronicle)
        _check_dials(chronicle)
    return Verdict("Frugal", lacking)


def _check_memory(chronicle: Chronicle) -> None:
    rested_at: float | None = None
    for record in chronicle.acted("session_weighed"):
        size, links = _whole(record.fields["bytes"]), _whole(record.fields["links"])
        what = f"session {chronicle.name} holds {size} bytes"
        if size > _MOST_BYTES:
            raise Broke("Frugal", f"{what} at {record.at:.3f} s")
        if size <= _MOST_AT_REST or rested_at is None:
            rested_at = record.at
        if record.at - rested_at > _RESTS_WITHIN:
            raise Broke("Frugal", f"{what} at {record.at:.3f} s, and over {_MOST_AT_REST} since {rested_at:.3f} s")
        if links > _MOST_LINKS:
            raise Broke("Frugal", f"session {chronicle.name} has {links} links at {record.at:.3f} s")


def _check_growth(chronicle: Chronicle) -> None:
    weighed = chronicle.acted("session_weighed")
    if not weighed or weighed[-1].at - weighed[0].at < _LONG:
        return
    third = len(weighed) // 3
    before = sorted(_whole(record.fields["bytes"]) for record in weighed[:third])
    after = sorted(_whole(record.fields["bytes"]) for record in weighed[-third:])
    # The median, since what is being played comes and goes.
    was, became = before[third // 2], after[third // 2]
    if became > was * _GROWTH + _GROWTH_BYTES:
        raise Broke("Frugal", f"session {chronicle.name} grew from {was} to {became} bytes")


def _check_dials(chronicle: Chronicle) -> None:
    dials = [record.at for record in chronicle.acted("link_dialled")]
    for number, at in enumerate(dials[_MOST_DIALS:]):
        if at - dials[number] < _SPAN:
            how = f"{_MOST_DIALS + 1} times from {dials[number]:.3f} s to {at:.3f} s"
            raise Broke("Frugal", f"session {chronicle.name} dialled {how}")


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
