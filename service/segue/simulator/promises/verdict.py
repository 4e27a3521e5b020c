"""What a checker says of a history: that its promise was broken, checked, or not checked."""

from dataclasses import dataclass


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
        judged: how many of its `cases` could have been found to break it, where it is about cases.
        cases: how many there were.
    """

    promise: str
    lacking: str = ""
    judged: int = 0
    cases: int = 0

    def __str__(self) -> str:
        if self.lacking:
            return f"not checked, {self.lacking}"
        return f"checked, {self.judged} of {self.cases} cases judged" if self.cases else "checked"


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
