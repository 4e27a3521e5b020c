"""Words of the user that are given to the model again: as they were, or in text."""

from collections.abc import Iterable

from segue.core.feed import FEED_PIECE, comfort_noise
from segue.core.journal import Aside, Edge, Piece
from segue.core.link_activity import LinkActivity
from segue.core.options import AudioFormat
from segue.core.pacing import Queue

# How much silence follows them, beside that which ends them, in seconds.
_SILENCE_MARGIN = 0.2
# What an activity begins with, and ends with.
_PLACES = {Edge.START: 0, Edge.END: 2}


class Replay:
    """One session's, by way of what waits in `queue`.

    Args:
        audio_format: of the audio; None where there is none.
        silence: what the service takes for the end of speech, in seconds; None where it is told of that.
    """

    def __init__(
        self, queue: Queue, activity: LinkActivity, audio_format: AudioFormat | None, silence: float | None
    ) -> None:
        self._queue = queue
        self._activity = activity
        self._format = audio_format
        self._silence = silence

    def put(self, pieces: Iterable[Piece], words: str, *, ended: bool) -> float:
        """Queue pieces of the journal, or in place of the audio among them these words, where there are any.

        `ended` tells that the user has finished speaking. Returns the seconds of audio among them.
        """
        size = 0
        pieces = sorted(pieces, key=self._place)
        for piece in pieces:
            payload = piece.payload
            # An activity begins with what is in it, where not even text goes without one.
            begins = payload is Edge.START and self._activity.wraps_text
            # A text of the user's is among the words.
            if (payload not in words) if isinstance(payload, str) else not (words or begins):
                aside = isinstance(payload, str) and size and self._silence is not None
                self._activity.put(Aside(payload) if aside else payload, piece)
                size += len(payload) if isinstance(payload, bytes) else 0
        if words:
            self._activity.say(words)
        elif ended and any(isinstance(piece.payload, str) for piece in pieces):
            # The end of what it was written beside may be gone, since that held no words.
            self._activity.end()
        if not size or self._format is None:
            return 0.0
        if ended and self._silence is not None:
            noise = comfort_noise(self._format.sample_rate)
            for _ in range(round((self._silence + _SILENCE_MARGIN) / FEED_PIECE)):
                self._queue.put(noise, None)
        return size / self._format.bytes_per_second

    def _place(self, piece: Piece) -> int:
        """Return where among the others a piece goes: all of them in the only activity that there is.

        Where nobody signals one, a text comes when the speech has begun and not ended.
        """
        if self._silence is None:
            return _PLACES[piece.payload] if isinstance(piece.payload, Edge) else 1
        return int(isinstance(piece.payload, str))
