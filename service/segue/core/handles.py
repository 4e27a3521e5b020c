"""Resumption handles: what the service remembers of a conversation, and which one the next link resumes by."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from segue.core.events import LossCause

_MOST_KEPT = 4
# So many links in a row that resumed by handles and were lost unanswered show that it is the handles.
_FAILURES = 2
# What the service calls a link's end that the handle is to blame for, more likely than not.
_REFUSALS = (LossCause.HANDLE, LossCause.INVALID)


@dataclass(frozen=True, slots=True)
class Handle:
    """A resumption handle, when it came, and what it covers: input before `serial`, the turns up to `turn`."""

    token: str
    at: float
    serial: int
    turn: int


class Handles:
    """The newest handles of one session.

    Args:
        suffices: tells whether a link that resumes by a handle can learn the rest.

    Attributes:
        credential: the one that all of them are of; empty where there may be none.
    """

    def __init__(self, suffices: Callable[[Handle], bool]) -> None:
        self._suffices = suffices
        self.credential = ""
        self._handles: deque[Handle] = deque(maxlen=_MOST_KEPT)
        self._failures = 0

    @property
    def newest(self) -> Handle | None:
        """The newest handle, None where there is none."""
        return self._handles[-1] if self._handles else None

    @property
    def best(self) -> Handle | None:
        """The handle to resume by, None to begin afresh."""
        handle = self.newest
        return handle if handle and self._suffices(handle) else None

    def keep(self, handle: Handle) -> None:
        """Take a new handle."""
        self._handles.append(handle)

    def change_credential(self, credential: str) -> None:
        """Take it that those to come are of this credential, and that those of another are of no use any more."""
        if credential != self.credential:
            self.credential = credential
            self.forget()

    def forget(self) -> None:
        """Have the next link begin afresh."""
        self._handles.clear()

    def forget_since(self, at: float) -> None:
        """Have the next link resume from before this time."""
        while self._handles and self._handles[-1].at >= at:
            self._handles.pop()

    def fail(self, cause: LossCause) -> None:
        """Take it that a link that resumed by a handle was lost before the model began to answer."""
        if cause is LossCause.UNAVAILABLE:
            return
        self._failures += 1
        if cause in _REFUSALS or self._failures >= _FAILURES:
            self.forget()

    def succeed(self) -> None:
        """Take it that the model answers on a link: nothing is wrong with the handle."""
        self._failures = 0
