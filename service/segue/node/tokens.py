"""The resume tokens of this pod: which session each one brings back, and what became of those that have ended."""

import hashlib
import secrets
from collections import OrderedDict
from typing import Generic, TypeVar

from segue.core.outputs import Closed, CloseReason, Next

# For so long it is known why a session ended, in seconds, and of so many sessions at most.
_MEMORY = 600.0
_MOST = 100_000

_S = TypeVar("_S")


class Tokens(Generic[_S]):
    """Finds sessions by their tokens, each of which is valid for its tenant alone. Keeps no token itself."""

    def __init__(self) -> None:
        self._sessions: dict[bytes, tuple[str, _S]] = {}
        # How sessions ended, and when they are to be forgotten; the oldest first.
        self._ended: OrderedDict[bytes, tuple[str, Closed, float]] = OrderedDict()

    @staticmethod
    def make() -> str:
        """Return a new token, a secret."""
        return secrets.token_urlsafe(24)

    def give(self, token: str, tenant: str, session: _S) -> None:
        """Remember whose session a token brings back."""
        self._sessions[_digest(token)] = tenant, session

    def withdraw(self, token: str, closed: Closed | None, now: float) -> None:
        """Take it that the session of a token has ended, and how; None where nobody was to be told."""
        digest = _digest(token)
        tenant, _ = self._sessions.pop(digest)
        if closed is not None:
            self._ended[digest] = tenant, closed, now + _MEMORY
        while self._ended and (len(self._ended) > _MOST or next(iter(self._ended.values()))[2] <= now):
            self._ended.popitem(last=False)

    def find(self, token: str, tenant: str) -> _S | Closed:
        """Return the session that a tenant's token brings back; how it ended, or that there is none."""
        digest = _digest(token)
        owner, session = self._sessions.get(digest, (None, None))
        if session is not None and owner == tenant:
            return session
        owner, closed, _ = self._ended.get(digest, (None, None, 0.0))
        if closed is not None and owner == tenant:
            return closed
        message = "the resume token fits no session here: it ended long ago, or never was; open another one"
        return Closed(CloseReason.RESUME_UNKNOWN, message, Next.OPEN_AGAIN)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
