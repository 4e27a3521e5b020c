"""The activity that a link has open for the user's input: begun where input needs one, none in another, none empty."""

from segue.core.journal import WAITING, Edge, Journal, Payload, Piece
from segue.core.pacing import Queue
from segue.core.profiles import Profile, TextSlot


class LinkActivity:
    """That of the link that is up, once all that waits in `queue` has left.

    Args:
        signals: the service does not look for activities by itself, but is told of each.

    Attributes:
        open: whether there is one.
        wraps_text: text is a part of what the user says, and needs an activity around it.
    """

    def __init__(self, queue: Queue, journal: Journal, profile: Profile, *, signals: bool) -> None:
        self._queue = queue
        self._journal = journal
        self._signals = signals
        self.wraps_text = signals and profile.text_slot is TextSlot.REALTIME
        self.open = False
        self._filled = False

    def change_link(self) -> None:
        """Take it that another link has none."""
        self.open = self._filled = False

    def fill(self) -> None:
        """Take it that something is in it that does not wait."""
        self._filled = True

    def put(self, payload: Payload, piece: Piece | None) -> None:
        """Let something wait, within an activity where it needs one."""
        if payload is Edge.START and self.open:
            return
        if payload is Edge.END and not self._filled:
            return
        if isinstance(payload, Edge):
            self.open, self._filled = payload is Edge.START, False
        elif self._signals and (self.open or self.wraps_text or isinstance(payload, bytes)):
            if not self.open:
                self._queue.put(Edge.START, None)
            self.open = self._filled = True
        if piece is not None:
            piece.message = WAITING
        self._queue.put(payload, piece)

    def say(self, text: str) -> None:
        """Let words wait that are not the user's."""
        self.put(text, None)
        self.end()

    def end(self) -> bool:
        """End the activity, unless the user has one open, who ends it. Returns whether there was one to end."""
        ends = self.open and not self._journal.open
        if ends:
            self.put(Edge.END, None)
        return ends
