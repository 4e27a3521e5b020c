"""A session's line to the model: it outlives every link, and what was under way when one ended goes on with the next.

What the user said and no turn has answered is said again; a turn that broke off is gone on with in a new one; what the
new link missed of the conversation it is told. Words are unanswered until the first output that they caused has been
released: that is how nothing is answered twice.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from segue.core import events as ev
from segue.core.actions import Action, Sign
from segue.core.activities import Activities
from segue.core.admission import Fault
from segue.core.interruptions import Interruptions
from segue.core.journal import PAUSE
from segue.core.listener import HEARD_EVENTS, Heard, Listener
from segue.core.notices import Notices
from segue.core.options import Mode, Options
from segue.core.parts import Parts
from segue.core.patience import Patience
from segue.core.policy import Policy
from segue.core.succession import Succession
from segue.core.tools import Tools
from segue.core.updates import Updates
from segue.core.user import User

LinkEvent: TypeAlias = Heard | ev.LinkHeld | ev.LinkOpened | ev.LinkLost


class Line:
    """One session's line. Feed its parts the client's input, and itself the links' events and the time.

    Args:
        options: what the session was opened with.
        policy: what holds for all sessions of the server.
        draw: gives numbers from 0 to 1.
        actions: where whatever follows is appended.
    """

    def __init__(self, options: Options, policy: Policy, draw: Callable[[], float], actions: list[Action]) -> None:
        parts = Parts(options, policy, draw, actions)
        self.downlink = parts.downlink
        self.playback = parts.playback
        self.links = parts.links
        self.uplink = parts.uplink
        self.journal = parts.journal
        self.updates = Updates(parts)
        self.tools = Tools(parts)
        self._listener = Listener(parts, self.tools)
        self.user = User(parts, self._listener)
        self.activities = Activities(parts, self.user)
        self._detects = options.mode is Mode.GATEWAY
        self._patience = Patience(parts, self._listener)
        notices = Notices(parts)
        self._interruptions = Interruptions(parts, notices)
        self.succession = Succession(parts, self.tools, self._listener, self.updates, self._patience, notices)

    def hear(self, audio: bytes, voiced: bool, now: float) -> Fault | None:
        """Take a frame of the client's audio; return why it cannot be used, and what to do, where it cannot."""
        return (self.activities if self._detects else self.user).hear(audio, voiced, now)

    def receive(self, event: LinkEvent, now: float) -> None:
        """Take what a link says; what one says that was hung up, or is not up yet, means nothing."""
        links, kind = self.links, type(event)
        if (links.up and event.link == links.number) if kind not in _OF_DIALS else links.knows(event.link):
            _REACTIONS[kind](self, event, now)

    def _listen(self, event: Heard, now: float) -> None:
        self.succession.judge(self._listener.receive(event, now), now)
        if self.journal.has_words() and now < self.journal.last_voiced_at + PAUSE:
            self.uplink.remind()

    def _hold(self, event: ev.LinkHeld, now: float) -> None:
        if event.link == self.links.next:
            self.links.hold(now, event.credential)

    def _go_up(self, event: ev.LinkOpened, now: float) -> None:
        self.succession.go_up(event.link, now, event.credential)

    def _lose(self, event: ev.LinkLost, now: float) -> None:
        self.succession.lose(event, now)

    def note_released(self) -> None:
        """Look at what was just released to the client."""
        self._listener.note_released()

    def tick(self, now: float) -> None:
        """Do what is due."""
        self.playback.settle(now)
        self.user.tick(now)
        self.activities.tick(now)
        closing = self.links.overdue(now)
        if closing is not None:
            self.succession.end(closing)
            return
        self.links.tick(now)
        self.links.prepare(now)
        self.journal.forget_wordless(now)
        self._interruptions.tick(now)
        self.tools.tick(now)
        if not self.links.up:
            return
        if now >= self.succession.swap_at():
            self.succession.swap(now)
        elif now >= self._patience.end_deadline():
            self.succession.judge(self._listener.end_turn(self._patience.played_at(), now), now)
        elif now >= self._patience.stop_deadline():
            self.succession.judge(Sign.STOPPED, now)
        elif now >= self._patience.reply_deadline():
            self.succession.judge(Sign.SILENCE, now)
        else:
            self.uplink.tick(now)

    @property
    def covered(self) -> int:
        """The serial before which nothing has to be given to another link: it was answered, or a handle covers it."""
        newest = self.links.newest
        return max(self.journal.first, newest.serial if newest else 0)

    def deadline(self) -> float:
        """Return when `tick` has something to do; inf for never."""
        at = min(
            self.playback.deadline(),
            self.user.deadline(),
            self.activities.deadline(),
            self.links.deadline(),
            self.journal.wordless_deadline(),
            self._interruptions.deadline(),
            self.tools.deadline(),
        )
        if not self.links.up:
            return at
        owed_at = min(self._patience.end_deadline(), self._patience.stop_deadline(), self._patience.reply_deadline())
        return min(at, self.succession.swap_at(), owed_at, self.uplink.deadline())


_REACTIONS: dict[type, Callable[[Line, Any, float], None]] = dict.fromkeys(HEARD_EVENTS, Line._listen) | {
    ev.LinkHeld: Line._hold,
    ev.LinkOpened: Line._go_up,
    ev.LinkLost: Line._lose,
}

LINK_EVENTS = frozenset(_REACTIONS)
# What a link can say before it is up.
_OF_DIALS = frozenset({ev.LinkHeld, ev.LinkOpened, ev.LinkLost})
