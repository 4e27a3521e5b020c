"""Sessions across connections: what a resumption handle stands for, how long it is good, and how often.

A session is one conversation, on as many connections as its handles are used for. A handle stands for what the session
remembered when it was sent; who resumes with an older one has forgotten what came since.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from segue.simulator.conversation.context import Context
from segue.simulator.conversation.stamps import Account
from segue.simulator.conversation.tools import PendingCall
from segue.simulator.dialogue import Place
from segue.simulator.rules.endings import HANDLE_INVALID, SESSION_STILL_OPEN
from segue.simulator.rules.rulebook import Violation
from segue.simulator.rules.rules import HANDLE_UNKNOWN
from segue.simulator.switches import Switches

# How many there are at most: the oldest go first. The real service publishes no such numbers.
_HANDLES_A_SESSION = 64
_ENDED_SESSIONS = 2000


@dataclass(slots=True)
class Memory:
    """What a session remembers.

    Attributes:
        place: how far the dialogue has come.
        context: what was said.
        account: which of the user's stamped audio arrived.
        calls: calls that were not answered yet, by their ids.
    """

    place: Place = field(default_factory=Place)
    context: Context = field(default_factory=Context)
    account: Account = field(default_factory=Account)
    calls: Mapping[str, PendingCall] = field(default_factory=dict)

    def copy(self) -> "Memory":
        """Return a memory that goes its own way from here."""
        return replace(self, context=self.context.copy(), calls=dict(self.calls))


@dataclass(slots=True, eq=False)
class Session:
    """One conversation.

    Attributes:
        model: as the client named it.
        connections: how many it is open on.
        ended_at: when the last one ended.
        handles: those that are kept, oldest first.
        key: the API key that it was begun with, and is resumed with; empty for none.
    """

    model: str
    connections: int = 1
    ended_at: float = float("-inf")
    handles: deque[str] = field(default_factory=deque)
    key: str = ""


@dataclass(slots=True)
class _Saved:
    session: Session
    memory: Memory
    used: bool = False
    poisoned: bool = False


@dataclass(frozen=True, slots=True)
class Resumed:
    """A session that goes on.

    Attributes:
        poisoned: it hears and transcribes, and never answers again (python-genai issue 2290).
    """

    session: Session
    memory: Memory
    poisoned: bool = False


class Sessions:
    """The sessions of one service that are open or may be resumed."""

    def __init__(self) -> None:
        self._saved: dict[str, _Saved] = {}
        # In the order in which they ended.
        self._ended: dict[Session, None] = {}

    def __len__(self) -> int:
        """Return how many handles are kept."""
        return len(self._saved)

    def resume(self, handle: str, switches: Switches, now: float, key: str = "") -> Resumed | Violation:
        """Return the session that a handle stands for, or why it cannot be resumed with this key."""
        self._forget_expired(switches, now)
        saved = self._saved.get(handle)
        if saved is None or saved.session.key != key:
            return HANDLE_UNKNOWN
        if saved.used and not switches.handle_works_twice:
            return HANDLE_INVALID
        if saved.session.connections and not switches.resume_while_open:
            return SESSION_STILL_OPEN
        saved.used = True
        saved.session.connections += 1
        self._ended.pop(saved.session, None)
        return Resumed(saved.session, saved.memory.copy(), saved.poisoned)

    def save(self, session: Session, handle: str, memory: Memory) -> None:
        """Keep what a session remembers behind a handle. `memory` is a copy that nobody changes."""
        self._saved[handle] = _Saved(session, memory)
        session.handles.append(handle)
        if len(session.handles) > _HANDLES_A_SESSION:
            self._saved.pop(session.handles.popleft(), None)

    def leave(self, session: Session, now: float) -> None:
        """Take it that one of the session's connections has ended."""
        session.connections -= 1
        if session.connections:
            return
        session.ended_at = now
        self._ended[session] = None
        if len(self._ended) > _ENDED_SESSIONS:
            self._forget(next(iter(self._ended)))

    def poison(self, handle: str) -> None:
        """Have whoever resumes with this handle be heard and never answered."""
        if handle in self._saved:
            self._saved[handle].poisoned = True

    def _forget_expired(self, switches: Switches, now: float) -> None:
        while self._ended:
            oldest = next(iter(self._ended))
            if oldest.ended_at + switches.handle_lifetime > now:
                return
            self._forget(oldest)

    def _forget(self, session: Session) -> None:
        del self._ended[session]
        for handle in session.handles:
            self._saved.pop(handle, None)
