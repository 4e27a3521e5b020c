"""The activity that a link has open for the user's input: begun where input needs one, none in another, none empty.

Where text is content, a silent activity may close the link for a text in it (python-genai issue 1720). So the text
waits for the first sound, and leaves by itself where the activity ends before that; then the link's stays open for what
follows.
"""

from collections.abc import Iterable

from segue.core.journal import VOICED_EVIDENCE, WAITING, Edge, Journal, Payload, Piece
from segue.core.options import MODEL_TAKES
from segue.core.pacing import Queue
from segue.core.profiles import Profile, TextSlot

_VOICED_BYTES = VOICED_EVIDENCE * MODEL_TAKES.bytes_per_second


class Sound:
    """What an activity holds of the user's voice."""

    def __init__(self) -> None:
        self._bytes = 0

    def __bool__(self) -> bool:
        """Return whether that is speech and no click."""
        return self._bytes >= _VOICED_BYTES

    def add(self, pieces: Iterable[Piece]) -> None:
        """Take some more of the user's audio."""
        self._bytes += sum(len(piece.payload) for piece in pieces if piece.voiced and isinstance(piece.payload, bytes))


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
        self._begin()

    def change_link(self) -> None:
        """Take it that another link has none."""
        self.open = False
        self._begin()

    @property
    def holds_texts(self) -> int:
        """How many texts wait for its first sound or its end."""
        return len(self._texts)

    def fill(self, pieces: Iterable[Piece]) -> None:
        """Take it that audio is in it that does not wait."""
        self._filled = self._has_audio = True
        self._hear(pieces)

    def put(self, payload: Payload, piece: Piece | None) -> None:
        """Let something wait, within an activity where it needs one."""
        if payload is Edge.START and self.open:
            return
        if payload is Edge.END and not (self._filled or self._texts):
            return
        if piece is not None:
            piece.message = WAITING
        if isinstance(payload, str) and self.open and not (self.wraps_text or self._sound):
            self._texts.append((payload, piece))
            return
        if payload is Edge.END and self._texts:
            self._release()
            if self._has_audio:
                self._filled = False
                return
        if isinstance(payload, Edge):
            self.open = payload is Edge.START
            self._begin()
        elif self._signals and (self.open or self.wraps_text or isinstance(payload, bytes)):
            if not self.open:
                self._queue.put(Edge.START, None)
            self.open = self._filled = True
        self._queue.put(payload, piece)
        if isinstance(payload, bytes) and self.open:
            self._has_audio = True
            self._hear([piece] if piece else ())

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

    def _begin(self) -> None:
        self._filled = self._has_audio = False
        self._sound = Sound()
        self._texts: list[tuple[str, Piece | None]] = []

    def _hear(self, pieces: Iterable[Piece]) -> None:
        self._sound.add(pieces)
        if self._sound:
            self._release()

    def _release(self) -> None:
        for text, piece in self._texts:
            self._queue.put(text, piece)
        self._texts.clear()
