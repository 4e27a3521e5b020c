"""What the user said and no answer shows to have arrived: kept, so that it can be given to the model again.

Audio is cut into spans of speech: each begins 300 ms before a sound and ends when nothing was heard for as long as the
Live API takes to think that the user has finished. Silence between spans is not kept.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from math import inf
from typing import TypeAlias

# What is kept before the first sound of a span and after each sound, in seconds: together the longest inner silence.
PRE_ROLL = 0.3
TAIL = 0.2
# So much less silence than ends speech is within it for sure, in seconds.
_MARGIN = 0.1
# A pause that may be one between two words, in seconds.
PAUSE = 0.3
# At most so much is kept, in bytes: some 28 s of audio at 16 kHz. What a piece takes beside its payload counts too.
LIMIT = 950_000
_PIECE_BYTES = 100
# At most so many texts.
TEXTS_LIMIT = 64
# Less sound than this in a span is taken for no words unless somebody understood some, in seconds.
WORDS = 0.3
WAITING = -1
# So much voiced audio is speech and no click, in seconds.
VOICED_EVIDENCE = 0.150
# Words are understood no sooner after they were begun, in seconds.
SOONEST_WORDS = 0.25
# Words may be understood so long after they ended, and pieces of them so soon after each other, in seconds.
_LATEST_WORDS = 5.0
_BETWEEN_PIECES = 0.5
# So much sound in a span is words even if nobody understood any, in seconds.
SURELY_WORDS = 1.0
# Sounds without words are forgotten so long after them, in seconds.
WORDLESS_TIMEOUT = 2.0


class Aside(str):
    """A text that the user wrote while speaking: the service is to take it for a part of that."""


class Edge(Enum):
    """Where the client says that the user begins to speak, and where that the user has finished."""

    START = auto()
    END = auto()


Payload: TypeAlias = bytes | str | Edge


@dataclass(slots=True, eq=False)
class Piece:
    """Audio, a text or an edge. `message` is the number of the link's message that carried it, 0 for none yet.

    It is WAITING while it waits to be sent. `voiced` tells whether the audio holds a sound.
    """

    payload: Payload
    serial: int
    message: int = 0
    voiced: bool = False


class Journal:
    """One user's unanswered words, and what is known of the voice. Times are in seconds.

    Frames that come faster than real time are taken one after the other, as the model gets them.

    Args:
        bytes_per_second: of the user's audio.
        silence: how long nothing is to be heard for a span to have ended.
        speed: how many times faster than real time the model gets audio that waited.
    """

    def __init__(self, bytes_per_second: int, silence: float, speed: float) -> None:
        self._bytes_per_second = bytes_per_second
        self._speed = speed
        self.silence = silence
        # Nobody takes half of what ends speech for its end.
        self._tail = min(TAIL, silence / 2) if silence else TAIL
        self._pieces: deque[Piece] = deque()
        self._bytes = self._texts = 0
        self._pre_roll: deque[bytes] = deque()
        self._pre_roll_bytes = 0
        self._serial = 0
        # When the model has all that was heard, and how long nothing was heard before that.
        self._given_until = -inf
        self._quiet = inf
        # The span that is going on, or the last one: its first piece, its sound, and whether somebody understood it.
        self._span_first = 0
        self._span_began_at = -inf
        self._span_understood = True
        self.span_voiced = 0.0
        self.last_voiced_at = -inf
        # Until when what somebody understands may be words before that span, which nobody has understood.
        self._behind_until = -inf
        # The client said that the user speaks.
        self.open = False
        # The serial from which on all is held back, because nobody may interrupt the model; inf where nothing is.
        self.held_from = inf
        # What was dropped since it is being answered, from the last text on, or from the last span behind other words.
        self._answered: list[Piece] = []
        # The serial before which the model has nothing to answer any more.
        self._settled = 0
        # The serial after the last piece that is known to be of words.
        self._words_until = 0
        # The serial after the last piece that is words for sure.
        self._sure_until = 0

    @property
    def first(self) -> int:
        """The serial of the oldest piece, or of the next one where there is none."""
        return self._pieces[0].serial if self._pieces else self._serial

    @property
    def next(self) -> int:
        """The serial of the next piece."""
        return self._serial

    @property
    def last_span(self) -> int:
        """The serial of the first piece of the span that is going on, or of the last one, that was not held back."""
        return int(min(self._span_first, self.held_from))

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
        """The size of what is kept."""
        return self._bytes + self._pre_roll_bytes + sum(map(_size, self._answered))

    def speaking(self, now: float) -> bool:
        """Return whether a span is going on."""
        return self.open or now < self.words_ended_at

    def has_words(self) -> bool:
        """Return whether the last span holds words, as far as is known."""
        return self.span_voiced >= WORDS or (self._span_understood and self.span_voiced > 0)

    def has_words_since(self, serial: float) -> bool:
        """Return whether there are words that nobody answered, from this serial on."""
        return self._words_until > max(serial, self.first)

    def is_sure(self) -> bool:
        """Return whether what nobody answered are words for sure, and no mere sounds."""
        return self._sure_until > self.first

    def hear(self, audio: bytes, voiced: bool, now: float) -> list[Piece]:
        """Take a frame; return the pieces that were made of it, none where it is silence between spans."""
        seconds = len(audio) / self._bytes_per_second
        self._quiet += max(seconds, now - self._given_until)
        self._given_until = max(self._given_until + seconds / self._speed, now)
        if voiced:
            if not (self.open or self._quiet < self.silence):
                self._begin_span(now)
                if self._pieces:
                    # Given again at a stretch, it is not to be taken for something new.
                    self._shorten_pre_roll(self.silence - self._tail - _MARGIN)
            pieces = [self._add(frame) for frame in self._pre_roll]
            self._pre_roll.clear()
            self._pre_roll_bytes = 0
            self.span_voiced += seconds
            self.last_voiced_at, self._quiet = self._given_until, 0.0
            pieces.append(self._add(audio, voiced=True))
            if self.has_words():
                self._words_until = self._serial
            if self.span_voiced >= SURELY_WORDS:
                self._sure_until = self._serial
            return pieces
        if self.open or self._quiet < self._tail:
            return [self._add(audio)]
        self._pre_roll.append(audio)
        self._pre_roll_bytes += len(audio)
        while self._pre_roll_bytes - len(self._pre_roll[0]) >= PRE_ROLL * self._bytes_per_second:
            self._pre_roll_bytes -= len(self._pre_roll.popleft())
        return []

    def read(self, text: str) -> Piece:
        """Take a text."""
        piece = self._add(text)
        self._words_until = self._sure_until = self._serial
        return piece

    def mark(self, edge: Edge, at: float = -inf) -> Piece:
        """Take it that a span begins or ends; `at` is when a sound began it, -inf where that is not known."""
        self.open = edge is Edge.START
        if self.open:
            self._begin_span(at)
            self._pre_roll.clear()
            self._pre_roll_bytes = 0
        piece = self._add(edge)
        if self.has_words():
            self._words_until = self._sure_until = self._serial
        return piece

    def understand(self, now: float) -> bool:
        """Note that somebody understood words. Returns whether they are of the last span, or that has only begun."""
        behind = now < self._behind_until and (self.span_voiced < WORDS or self.speaking(now))
        if behind:
            self._behind_until = min(self._behind_until, now + _BETWEEN_PIECES)
        late = behind or now < self._span_began_at + SOONEST_WORDS or self._waits()
        self._span_understood = self._span_understood or not late
        if self.span_voiced:
            until = self._span_first if late else self._serial
            self._words_until, self._sure_until = max(self._words_until, until), max(self._sure_until, until)
        return not late

    def voiced(self, now: float) -> bool:
        """Return whether the user is in the middle of words."""
        return self.open or now < self.last_voiced_at + min(PAUSE, self.silence)

    def boundary(self, now: float) -> int:
        """Return the serial before which a model that answers now has heard everything.

        Whoever paused for a moment has finished, if the model says so.
        """
        serial = self._span_first if self.voiced(now) else self._serial
        return int(min(serial, self.held_from))

    def settle(self, serial: int) -> None:
        """Take it that the model has nothing to answer before this serial, and something, if anything, from it on."""
        self._settled = serial

    def forget_crossing(self) -> None:
        """Take it that nothing crossed the last answer: it would have interrupted that by now."""
        self._answered = []

    def answer(self, serial: int) -> None:
        """Drop the pieces before this serial: they are being answered, unless the last words crossed their answer."""
        before = [piece for piece in self._pieces if piece.serial < serial]
        unsettled = [piece for piece in before if piece.serial >= self._settled]
        crossing = [piece.serial for piece in unsettled if isinstance(piece.payload, str)][-1:]
        if self._follows_words():
            crossing.append(self._span_first)
        self.forget(serial)
        self._answered = [piece for piece in before if piece.serial >= min(crossing, default=serial)]

    def answer_texts(self, serial: int) -> None:
        """Drop the texts before this serial: they are being answered, unlike the words in whose middle they came."""
        texts = [piece for piece in self._pieces if isinstance(piece.payload, str) and piece.serial < serial]
        self._pieces = deque(piece for piece in self._pieces if piece not in texts)
        self._bytes -= sum(map(_size, texts))
        self._texts -= len(texts)

    def restore(self) -> None:
        """Take it that the last text crossed what answers the rest."""
        self._restore(max((piece.serial for piece in self._answered if isinstance(piece.payload, str)), default=inf))

    def restore_span(self) -> bool:
        """Take it that the last span crossed what answers the words before it. Returns whether there were any."""
        crossed = self._follows_words() or any(piece.serial == self._span_first for piece in self._answered)
        self._restore(self._span_first if crossed else inf)
        return crossed

    def forget(self, serial: int) -> None:
        """Drop the pieces before this serial: they were answered."""
        self._answered = []
        while self._pieces and self._pieces[0].serial < serial:
            piece = self._pieces.popleft()
            self._bytes -= _size(piece)
            self._texts -= isinstance(piece.payload, str)

    def forget_wordless(self, now: float) -> None:
        """Drop the last span once it turns out to hold no words."""
        if self.wordless_deadline() <= now:
            self.forget_span()

    def forget_span(self) -> None:
        """Drop the sound of the last span: it was no words."""
        kept = [piece for piece in self._pieces if piece.serial < self._span_first or isinstance(piece.payload, str)]
        self._pieces = deque(kept)
        self._bytes = sum(map(_size, kept))
        self._span_understood, self.span_voiced = True, 0.0
        written = max((piece.serial + 1 for piece in kept if isinstance(piece.payload, str)), default=0)
        self._words_until = max(min(self._words_until, self._span_first), written)
        self._sure_until = max(min(self._sure_until, self._span_first), written)

    def wordless_deadline(self) -> float:
        """Return when `forget_wordless` has something to do; inf for never."""
        # What nobody was given, nobody can have understood.
        if self.open or self._span_understood or self.span_voiced >= WORDS or self.held_from < inf:
            return inf
        return self.words_ended_at + WORDLESS_TIMEOUT

    def since(self, serial: float) -> list[Piece]:
        """Return the pieces from this serial on, oldest first."""
        return [piece for piece in self._pieces if piece.serial >= serial]

    def held(self) -> list[Piece]:
        """Return the pieces that are held back, oldest first."""
        return [piece for piece in self._pieces if piece.serial >= self.held_from and not piece.message]

    def join(self, serial: float) -> bool:
        """Take it that all from this serial on was said at a stretch: of its edges the first start and a last end stay.

        Returns whether anything was said after an end.
        """
        pieces = [piece for piece in self._pieces if piece.serial >= serial]
        edges = [piece for piece in pieces if isinstance(piece.payload, Edge)]
        kept = [piece for piece in edges if piece.payload is Edge.START][:1]
        kept += [piece for piece in edges[-1:] if piece.payload is Edge.END]
        inner = [piece for piece in edges if piece not in kept]
        self._pieces = deque(piece for piece in self._pieces if piece not in inner)
        self._bytes -= sum(map(_size, inner))
        return any(piece.payload is Edge.END for piece in pieces[:-1])

    def after_texts(self) -> int:
        """Return the serial behind the last text that this link was sent; 0 for none."""
        sent = (piece.serial + 1 for piece in self._pieces if isinstance(piece.payload, str) and piece.message > 0)
        return max(sent, default=0)

    def after_message(self, message: int) -> int:
        """Return the serial of the first piece that a later message of this link carried, or none yet."""
        return next((piece.serial for piece in self._pieces if not 0 < piece.message <= message), self._serial)

    def leave_link(self) -> None:
        """Note that no message of the present link counts any more, and that no text crosses its answers."""
        self._answered = []
        for piece in self._pieces:
            piece.message = 0

    def _waits(self) -> bool:
        # What has yet to be sent, nobody can have understood.
        first = next((piece for piece in self._pieces if piece.serial >= self._span_first), None)
        return first is not None and first.message == WAITING

    def _shorten_pre_roll(self, seconds: float) -> None:
        while self._pre_roll and self._pre_roll_bytes > seconds * self._bytes_per_second:
            self._pre_roll_bytes -= len(self._pre_roll.popleft())

    def _follows_words(self) -> bool:
        """Return whether the last span came behind other words that the model has to answer."""
        before = [piece for piece in self._pieces if self._settled <= piece.serial < self._span_first]
        sounds = sum(len(piece.payload) for piece in before if piece.voiced and isinstance(piece.payload, bytes))
        return sounds >= WORDS * self._bytes_per_second or any(isinstance(piece.payload, str) for piece in before)

    def _restore(self, serial: float) -> None:
        restored = [piece for piece in self._answered if piece.serial >= serial]
        self._pieces.extendleft(reversed(restored))
        self._bytes += sum(map(_size, restored))
        self._texts += sum(isinstance(piece.payload, str) for piece in restored)
        self._answered = []

    def _begin_span(self, now: float) -> None:
        # What interrupts from here on is no span before.
        self._answered = [piece for piece in self._answered if isinstance(piece.payload, str)]
        if self.span_voiced:
            if self._span_understood:
                self._behind_until = -inf
            elif self.span_voiced >= WORDS:
                self._behind_until = self.last_voiced_at + _LATEST_WORDS
        self._span_first, self._span_began_at = self._serial, now
        self._span_understood, self.span_voiced = False, 0.0

    def _add(self, payload: Payload, *, voiced: bool = False) -> Piece:
        piece = Piece(payload, self._serial, voiced=voiced)
        self._serial += 1
        self._pieces.append(piece)
        self._bytes += _size(piece)
        self._texts += isinstance(payload, str)
        while self._bytes > LIMIT or self._texts > TEXTS_LIMIT:
            self.forget(self._pieces[0].serial + 1)
        return piece


def _size(piece: Piece) -> int:
    # Whatever it holds, a piece takes room itself.
    return _PIECE_BYTES + (0 if isinstance(piece.payload, Edge) else len(piece.payload))
