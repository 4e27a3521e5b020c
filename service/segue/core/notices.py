"""What happened on the way to the model: whoever counts it is told by an action, and a client that asks by a notice."""

from segue.core.actions import (
    FalseInterruptionSeen,
    InputReplayed,
    PhantomSeen,
    Recovered,
    Renewed,
    Sign,
    Trigger,
    Wedged,
)
from segue.core.outputs import Notice, NoticeKind
from segue.core.parts import Parts

_RENEWED_BECAUSE = {
    Trigger.AGE: "of its age",
    Trigger.GO_AWAY: "it was to end",
    Trigger.CONTEXT: "its context was full",
    Trigger.UPDATE: "the session was changed",
}


class Notices:
    """One session's."""

    def __init__(self, parts: Parts) -> None:
        self._wanted = parts.options.notices
        self._actions = parts.actions
        self._outbox = parts.playback.outbox

    def false_interruption(self, turn: int, *, continued: bool) -> None:
        """Tell that a sound without words cut this turn, and whether the model is asked to go on with it."""
        self._actions.append(FalseInterruptionSeen(continued))
        self._put(NoticeKind.FALSE_INTERRUPTION, f"a sound without words had interrupted turn {turn}")

    def phantom(self, *, cut: bool) -> None:
        """Tell that nobody made an interruption, and whether it cost a turn its rest."""
        self._actions.append(PhantomSeen(cut))
        self._put(NoticeKind.PHANTOM_INTERRUPT, "the model was interrupted by nobody")

    def wedged(self, sign: Sign) -> None:
        """Tell that a link is given up that looks alive."""
        self._actions.append(Wedged(sign))
        self._put(NoticeKind.WEDGED, f"the model gave no answer ({sign.name.lower()})")

    def replaced(self, completed: Renewed | Recovered) -> None:
        """Tell that a link has followed another one."""
        self._actions.append(completed)
        if isinstance(completed, Renewed):
            message = f"the link was replaced, because {_RENEWED_BECAUSE[completed.trigger]}"
            self._put(NoticeKind.RENEWED, message, completed.gap)
        else:
            message = f"a link that was lost ({completed.cause.name.lower()}) was replaced"
            self._put(NoticeKind.RECOVERED, message, completed.seconds)

    def replayed(self, replayed: InputReplayed) -> None:
        """Tell that a new link was given words again."""
        self._actions.append(replayed)
        self._put(NoticeKind.INPUT_REPLAYED, "the user's words were given to the model again", replayed.seconds)

    def _put(self, kind: NoticeKind, message: str, took: float | None = None) -> None:
        if self._wanted:
            self._outbox.put_urgent(Notice(kind, message, took))
