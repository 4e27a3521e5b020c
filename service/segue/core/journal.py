"""What the user said and no answer shows to have arrived: kept, so that it can be given to the model again.

Audio is cut into spans of speech: each begins 300 ms before a sound and ends when nothing was heard for as long as the
Live API takes to think that the user has finished. Silence between spans is not kept.
"""

from collections import deque
from dataclasses import dataclass
from math import inf

# What is kept before the first sound of a span and after each sound, in seconds: together the longest inner silence.
PRE_ROLL = 0.3
TAIL = 0.2
# A pause that may be one between two words, in seconds.
PAUSE = 0.3
# At most so much audio is kept, in bytes: some 28 s at 16 kHz.
LIMIT = 900_000
# At most so many texts.
TEXTS_LIMIT = 64
# Less sound than this in a span is taken for no words unless somebody understood some, in seconds.
WORDS = 0.3
WAITING = -1
# Sounds without words are forgotten so long after them, in seconds.
WORDLESS_TIMEOUT = 2.0


@dataclass(slots=True, eq=False)
class Piece:
    """A frame of audio or a text. `message` is the number of the link's message that carried it, 0 for none yet.

    It is WAITING while it waits to be sent.
    """

    payload: bytes | str
    serial: int
    message: int = 0


class Journal:
    """One user's unanswered words, and what is known of the voice. Times are in seconds.

    Its clock is that of the audio: frames that come faster than real time are taken one after the other.

    Args:
        bytes_per_second: of the user's audio.
        silence: how long nothing is to be heard for a span to have ended.
    """

    def __init__(self, bytes_per_second: int, silence: float) -> None:
        self._bytes_per_second = bytes_per_second
        self.silence = silence
        self._pieces: deque[Piece] = deque()
        self._bytes = 0
        self._pre_roll: deque[bytes] = deque()
        self._pre_roll_bytes = 0
        self._serial = 0
        self._heard_until = -inf
        # The span that is going on, or the last one: its first piece, its sound, and whether somebody understood it.
        self._span_first = 0
        self._span_understood = True
        self.span_voiced = 0.0
        self.last_voiced_at = -inf
        # The serial after the last piece that is known to be of words.
        self._words_until = 0

    @property
    def first(self) -> int:
        """The serial of the oldest piece, or of the next one where there is none."""
        return self._pieces[0].serial if self._pieces else self._serial

    @property
    def last_span(self) -> int:
        """The serial of the first piece of the span that is going on, or of the last one."""
        return self._span_first

    @property
    def understood(self) -> bool:
        """Whether somebody understood words in the last span."""
        return self._span_understood

    @property
    def words_ended_at(self) -> float:
        """When the Live API takes the last span to have ended; -inf before the first."""
        return self.last_voiced_at + self.silence

    @property
    def held_bytes(self) -> int:
        """The size of the audio that is kept."""
        return self._bytes + self._pre_roll_bytes

    def speaking(self, now: float) -> bool:
        """Return whether a span is going on."""
        return now < self.words_ended_at

    def has_words(self) -> bool:
        """Return whether the last span holds words, as far as is known."""
        return self.span_voiced >= WORDS or (self._span_understood and self.span_voiced > 0)

    def has_words_since(self, serial: int) -> bool:
        """Return whether there are words that nobody answered, from this serial on."""
        return self._words_until > max(serial, self.first)

    def hear(self, audio: bytes, voiced: bool, now: float) -> list[Piece]:
        """Take a frame; return the pieces that were made of it, none where it is silence between spans."""
        seconds = len(audio) / self._bytes_per_second
        self._heard_until = max(self._heard_until + seconds, now)
        if voiced:
            if not self.speaking(self._heard_until):
                self._span_first, self._span_understood, self.span_voiced = self._serial, False, 0.0
            pieces = [self._add(frame) for frame in self._pre_roll]
            self._pre_roll.clear()
            self._pre_roll_bytes = 0
            self.span_voiced += seconds
            self.last_voiced_at = self._heard_until
            pieces.append(self._add(audio))
            if self.has_words():
                self._words_until = self._serial
            return pieces
        if self._heard_until < self.last_voiced_at + TAIL:
            return [self._add(audio)]
        self._pre_roll.append(audio)
        self._pre_roll_bytes += len(audio)
        while self._pre_roll_bytes - len(self._pre_roll[0]) >= PRE_ROLL * self._bytes_per_second:
            self._pre_roll_bytes -= len(self._pre_roll.popleft())
        return []

    def read(self, text: str) -> Piece:
        """Take a text."""
        piece = self._add(text)
        self._words_until = self._serial
        return piece

    def understand(self) -> None:
        """Note that somebody understood words in the last span."""
        self._span_understood = True
        if self.span_voiced:
            self._words_until = self._serial

    def boundary(self, now: float) -> int:
        """Return the serial before which a model that answers now has heard everything.

        Whoever paused for a moment has finished, if the model says so.
        """
        return self._span_first if now < self.last_voiced_at + PAUSE else self._serial

    def forget(self, serial: int) -> None:
        """Drop the pieces before this serial: they were answered."""
        while self._pieces and self._pieces[0].serial < serial:
            payload = self._pieces.popleft().payload
            self._bytes -= len(payload) if isinstance(payload, bytes) else 0

    def forget_wordless(self, now: float) -> None:
        """Drop the last span once it turns out to hold no words."""
        if self.wordless_deadline() <= now:
            kept = [
                piece for piece in self._pieces if piece.serial < self._span_first or isinstance(piece.payload, str)
            ]
            self._pieces = deque(kept)
            self._bytes = sum(len(piece.payload) for piece in kept if isinstance(piece.payload, bytes))
            self._span_understood, self.span_voiced = True, 0.0

    def wordless_deadline(self) -> float:
        """Return when `forget_wordless` has something to do; inf for never."""
        if self._span_understood or self.span_voiced >= WORDS:
            return inf
        return self.words_ended_at + WORDLESS_TIMEOUT

    def since(self, serial: int) -> list[Piece]:
        """Return the pieces from this serial on, oldest first."""
        return [piece for piece in self._pieces if piece.serial >= serial]

    def after_message(self, message: int) -> int:
        """Return the serial of the first piece that a later message of this link carried, or none yet."""
        return next((piece.serial for piece in self._pieces if not 0 < piece.message <= message), self._serial)

    def leave_link(self) -> None:
        """Note that no message of the present link counts any more."""
        for piece in self._pieces:
            piece.message = 0

    def _add(self, payload: bytes | str) -> Piece:
        piece = Piece(payload, self._serial)
        self._serial += 1
        self._pieces.append(piece)
        if isinstance(payload, bytes):
            self._bytes += len(payload)
        while self._bytes > LIMIT or len(self._pieces) > self._most_pieces:
            self.forget(self._pieces[0].serial + 1)
        return piece

    @property
    def _most_pieces(self) -> int:
        # Frames of 20 ms for as long as the limit allows, and texts beside them.
        return LIMIT // max(self._bytes_per_second // 50, 1) + TEXTS_LIMIT
