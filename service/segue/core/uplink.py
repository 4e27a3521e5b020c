"""The way from the client to the model: what is said goes out over the link that is up, in order and at its pace.

What the user said is journalled, so that it can be given to another link again.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from math import inf

from segue.core.actions import Action, Drop, SendActivity, SendAudio, SendNote, SendText, SendToolResult
from segue.core.admission import Fault
from segue.core.calls import Call, Calls
from segue.core.feed import FEED_PIECE, Feed, comfort_noise
from segue.core.images import Images
from segue.core.journal import LIMIT, WAITING, Edge, Journal, Payload, Piece
from segue.core.links import Links
from segue.core.notes import Notes
from segue.core.options import MODEL_TAKES, Mode, Options
from segue.core.outputs import Rejection
from segue.core.pacing import WAITING_TEXTS, Queue
from segue.core.playback import Playback
from segue.core.profiles import NoteSlot, Profile, TextSlot
from segue.core.wording import holds_note

# The silence after which the Live API's detector takes speech to have ended, in seconds, where the client sets none.
DEFAULT_SILENCE = 0.8
# So much voiced audio in a row is speech and no click, in seconds.
VOICED_EVIDENCE = 0.150
# How much silence follows words that are given again, beside that which ends them, in seconds.
_SILENCE_MARGIN = 0.2
# So many of Segue's own texts at most are listened for.
_MOST_ECHOES = 4
_CONTENT = (NoteSlot.CONTENT, NoteSlot.SYSTEM)
# A start interrupts the model, of which nothing comes any more so long after it, in seconds.
_IN_FLIGHT = 0.5
# What the journal's clock runs on where the client sends no audio.
_ANY_RATE = 32_000


class Uplink:
    """One session's input on its way. Actions that follow are appended to `actions`. Times are in seconds."""

    def __init__(
        self,
        options: Options,
        profile: Profile,
        links: Links,
        calls: Calls,
        playback: Playback,
        notes: Notes,
        actions: list[Action],
    ) -> None:
        self.instruction = options.system_instruction
        self._signals = options.mode.signals
        self._detects = options.mode is Mode.GATEWAY
        self._format = MODEL_TAKES if options.input_format else None
        self._profile = profile
        self._links = links
        self._calls = calls
        self._playback = playback
        self._actions = actions
        silence_ms = options.detection.silence_ms
        self._silence = DEFAULT_SILENCE if silence_ms is None else silence_ms / 1000
        self._feed = Feed(self._silence)
        # Where text is content, it is answered at once: it needs no activity around it, and one that holds nothing else
        # may close the link (python-genai issue 1720).
        bare_texts = profile.text_slot is TextSlot.CONTENT
        self._queue = Queue(self._format, profile.replay_speed, bare_texts=bare_texts)
        # Where the client says when the user has finished, no silence does.
        silence = 0.0 if self._signals else self._silence
        self.journal = Journal(self._format.bytes_per_second if self._format else _ANY_RATE, silence)
        self._voiced = 0.0
        self.audio_seconds = 0.0
        # In the activity that the client signalled there is something to answer.
        self._content = False
        # Once all that waits has left, this link has an open activity, and something in it.
        self._open = False
        self._filled = False
        # The last edge that this link was sent was a start, and when that was.
        self._signalled = False
        self._started_at = -inf
        self._notes = notes
        self._images = Images(links, actions)
        # What Segue said that the service repeats as if the user had, word by word.
        self._echoes: deque[str] = deque(maxlen=_MOST_ECHOES)

    @property
    def speaking(self) -> bool:
        """Return whether the user has been audible for long enough to be speaking."""
        return self._voiced >= VOICED_EVIDENCE

    @property
    def queued(self) -> bool:
        """Return whether anything waits: what comes now has to wait behind it."""
        return bool(self._queue)

    @property
    def queued_seconds(self) -> float:
        """How long what waits will take to leave."""
        return self._queue.seconds

    @property
    def held_bytes(self) -> int:
        """The size of the audio and of the image that wait, or may have to be given again."""
        return self._queue.held_bytes + self.journal.held_bytes + self._images.held_bytes

    @property
    def holding(self) -> bool:
        """Return whether something that the user said is held back, because nobody may interrupt the model."""
        return self.journal.held_from < inf

    def holds(self, now: float) -> bool:
        """Return whether what the user says now is held back: who was speaking when the turn began, goes on."""
        if self.holding or now >= self._playback.interruptible_at():
            return self.holding
        turn, journal = self._playback.saying, self.journal
        goes_on = turn is not None and turn.early and journal.last_span <= turn.answers and journal.speaking(now)
        return not goes_on

    @property
    def _gated(self) -> bool:
        return self._profile.gates_calls and self._calls.waiting

    def hear(self, audio: bytes, voiced: bool, now: float) -> Fault | None:
        """Take a frame of the user's audio; return why it cannot be used, and what to do, where it cannot."""
        assert self._format is not None
        links = self._links
        if self._signals and not self.journal.open:
            self._actions.append(Drop("outside_activity", len(audio) / self._format.bytes_per_second))
            return None
        held = self.holds(now)
        if held and voiced and self.journal.held_bytes + len(audio) > LIMIT:
            advice = "the user may not interrupt the model, and has said more than can wait for its end"
            return Rejection.INPUT_OVERFLOW, f"{advice}: allow barge-in, or interrupt it"
        # While a link is missing that was there, the journal keeps what matters; before the first one all of it waits.
        waits = not (held or self._gated) and (links.up or not links.opened)
        direct = waits and links.up and not self._queue and (self._open or not self._signals)
        if waits and not direct and (fault := self._queue.fault_of(audio)):
            return fault
        seconds = len(audio) / self._format.bytes_per_second
        self.audio_seconds += seconds
        self._voiced = self._voiced + seconds if voiced else 0.0
        if self._signals:
            self._content = True
        elif not held:
            self._feed.hear(now)
        pieces = self.journal.hear(audio, voiced, now)
        if held:
            self._hold(pieces if voiced or self._signals else ())
        elif direct:
            self._filled = True
            self._send_audio(audio, pieces)
        elif waits:
            self._put(audio, pieces[-1] if pieces else None)
            self.tick(now)
        return None

    def show(self, content: bytes, mime_type: str, now: float) -> None:
        """Take an image for the model to see."""
        self._images.show(content, mime_type)
        self.tick(now)

    def fault_of_text(self) -> Fault | None:
        """Return why no more text can be taken, and what to do; None when it can."""
        if sum(isinstance(piece.payload, str) for piece in self.journal.held()) >= WAITING_TEXTS:
            return Rejection.INPUT_OVERFLOW, f"{WAITING_TEXTS} texts wait for the end of the model's turn: wait, too"
        return self._queue.fault_of("")

    def write(self, text: str, now: float) -> None:
        """Take a text that is to be answered; there must be no fault of it."""
        self._content = True
        # An activity that nobody speaks in any more ends with it.
        ends = not self.journal.open and (self._wraps_text or self._open)
        self._pass(self.journal.read(text), now)
        if ends:
            self._pass(self.journal.mark(Edge.END), now)

    def signal(self, edge: Edge, now: float) -> bool:
        """Take the client's word that the user begins to speak, or has finished. Returns whether that is news.

        An end of nothing is none: the Live API closes a link for an activity without content.
        """
        if self.journal.open is (edge is Edge.START) or (edge is Edge.END and not self._content):
            return False
        self._content = False
        # A client may press late, and a detector does not.
        self._pass(self.journal.mark(edge, now if self._detects else -inf), now)
        return True

    def release(self, now: float) -> list[Piece]:
        """Give the model what was held back. Returns that."""
        held = self.journal.held()
        if self._links.up:
            self.replay(held, "", ended=not self.journal.speaking(now))
            self.tick(now)
        self.journal.held_from = inf
        return held

    def stop_model(self, now: float) -> None:
        """Have the model stop what it makes: where it takes text for speech, an activity that waits for the next words.

        Where text is content, that interrupts, and the activity's first audio does.
        """
        if self._wraps_text and not self._open and self._links.up:
            self._put(Edge.START, None)
            self.tick(now)

    def hush(self) -> None:
        """Take it that the activity says nothing, or nothing yet: the link's stays open for what follows."""
        self.journal.mark(Edge.END).message = WAITING

    def end_hushed(self, now: float) -> None:
        """End the activity that was hushed, since there was something in it after all; where there is none, nothing."""
        if self._open and not self.journal.open:
            self._put(Edge.END, None)
            self.tick(now)

    def replay(self, pieces: Iterable[Piece], words: str, *, ended: bool) -> float:
        """Give pieces of the journal again, or in place of the audio among them these words, where there are any.

        `ended` tells that the user has finished speaking. Returns the seconds of audio that are given again.
        """
        size = 0
        for piece in pieces:
            # An activity begins with what is in it, where not even text goes without one.
            if isinstance(piece.payload, str) or not (words or (piece.payload is Edge.START and self._wraps_text)):
                self._put(piece.payload, piece)
                size += len(piece.payload) if isinstance(piece.payload, bytes) else 0
        if words:
            self._say(words)
        self.journal.held_from = inf
        if not size or self._format is None:
            return 0.0
        if ended and not self._signals:
            noise = comfort_noise(self._format.sample_rate)
            for _ in range(round((self._silence + _SILENCE_MARGIN) / FEED_PIECE)):
                self._queue.put(noise, None)
        return size / self._format.bytes_per_second

    def change_link(self) -> None:
        """Forget what was on its way: the next link gets what the journal keeps."""
        self._queue.clear()
        self.journal.leave_link()
        self._notes.change_link()
        self._images.change_link()
        self._echoes.clear()
        self._signalled = self._open = self._filled = False

    def tick(self, now: float) -> None:
        """Send what is due: what waits, or silence where the client's audio pauses."""
        if not self._links.up or self._gated:
            return
        while taken := self._queue.take(now):
            pieces = [piece for _, piece in taken if piece is not None]
            # One text that interrupts another would be answered alone.
            if text := "\n".join(payload for payload, _ in taken if isinstance(payload, str)):
                self._images.give(now)
                self._send_text(text, pieces)
                continue
            if isinstance(edge := taken[0][0], Edge):
                if edge is Edge.END and self._notes.pending:
                    # Nobody is answered before that, so that every family can be told now.
                    slot = self._profile.note_slot
                    self._send_note(self._notes.take(), slot if slot in _CONTENT else NoteSlot.REALTIME)
                self._signalled = edge is Edge.START
                if self._signalled:
                    self._started_at = now
                elif now >= self._started_at + _IN_FLIGHT:
                    self._playback.turns.end_cut()
                self._count(pieces)
                self._actions.append(SendActivity(self._links.number, self._signalled))
                continue
            self._send_audio(b"".join(payload for payload, _ in taken if isinstance(payload, bytes)), pieces)
            if pieces:
                self.remind()
        if self._looks:
            self._images.tick(now)
        while not self._queue and self._feed.take(now):
            assert self._format is not None
            self._voiced = 0.0
            self._send_audio(comfort_noise(self._format.sample_rate), ())

    def deadline(self) -> float:
        """Return when `tick` has something to do; inf for never."""
        if not self._links.up or self._gated:
            return inf
        at = self._queue.deadline() if self._queue else self._feed.deadline()
        return min(at, self._images.deadline()) if self._looks else at

    # What Segue itself says.

    def tell(self, missed: str) -> bool:
        """Tell the model what it missed, or remember to at the user's next words. Returns whether it was told now."""
        slot = self._profile.note_slot
        now = slot not in (NoteSlot.REALTIME, NoteSlot.NONE)
        if missed and now:
            self._send_note(missed, slot)
        self._notes.missed = "" if now else missed
        return not self._notes.missed

    def remind(self) -> None:
        """The user is in the middle of words: what can be told only then is told now.

        Content interrupts, so it waits until the model is idle. In an activity that is signalled there is time until
        its end.
        """
        slot = self._profile.note_slot
        if self._signals or slot is NoteSlot.NONE or self._gated or not self._links.up:
            return
        if (slot is NoteSlot.REALTIME or self._playback.turns.open is None) and self._notes.pending:
            self._send_note(self._notes.take(), slot)

    def ask(self, request: str) -> None:
        """Ask the model for an answer, in words that are not the user's; `tick` sends it."""
        self._say(request)

    def give(self, call: Call) -> None:
        """Give the result of a call that the link remembers."""
        assert call.response is not None
        self._links.messages += 1
        self._actions.append(
            SendToolResult(self._links.number, call.id, call.name, call.response, call.scheduling, call.will_continue)
        )

    def make_up(self, serial: int) -> None:
        """Queue what was held back from this link, from this serial on."""
        for piece in self.journal.since(serial) if self._profile.gates_calls else ():
            if not piece.message and piece.serial < self.journal.held_from:
                self._put(piece.payload, piece)

    def is_echo(self, words: str) -> bool:
        """Return whether these words of the user are Segue's own, which the service repeats in order."""
        words = " ".join(words.split())
        for index, echo in enumerate(self._echoes):
            if words and echo.startswith(words):
                self._echoes[index] = echo[len(words) :].lstrip()
                return True
        return False

    @property
    def _looks(self) -> bool:
        # Older models see nothing of what is shown between the activities that are signalled to them.
        return self._signalled or not self._signals or self._profile.sees_always

    def _hold(self, pieces: Sequence[Piece]) -> None:
        if pieces:
            self.journal.held_from = min(self.journal.held_from, pieces[0].serial)

    def _pass(self, piece: Piece, now: float) -> None:
        if self.holds(now):
            self._hold([piece])
        elif self._links.up or not self._links.opened:
            self._put(piece.payload, piece)
            self.tick(now)

    def _say(self, text: str) -> None:
        self._put(text, None)
        # Whoever has the link's activity open ends it, unless it is nobody any more.
        if self._signals and self._open and not self.journal.open:
            self._put(Edge.END, None)

    @property
    def _wraps_text(self) -> bool:
        # Where text is a part of what the user says, it needs an activity around it.
        return self._signals and self._profile.text_slot is TextSlot.REALTIME

    def _put(self, payload: Payload, piece: Piece | None) -> None:
        """Let something wait, within an activity of this link where it needs one: none in another, and none empty."""
        if payload is Edge.START and self._open:
            return
        if payload is Edge.END and not self._filled:
            return
        if isinstance(payload, Edge):
            self._open, self._filled = payload is Edge.START, False
        elif self._signals and (self._open or self._wraps_text or isinstance(payload, bytes)):
            if not self._open:
                self._queue.put(Edge.START, None)
            self._open = self._filled = True
        if piece is not None:
            piece.message = WAITING
        self._queue.put(payload, piece)

    def _send_audio(self, audio: bytes, pieces: Iterable[Piece]) -> None:
        assert self._format is not None
        self._count(pieces)
        self._actions.append(SendAudio(self._links.number, audio, self._format.sample_rate))

    def _send_text(self, text: str, pieces: Iterable[Piece]) -> None:
        self._count(pieces)
        note = self._notes.take() if self._notes.pending else ""
        text = f"{note}\n\n{text}" if note else text
        slot = TextSlot.REALTIME if self._signalled else self._profile.text_slot
        if slot is TextSlot.REALTIME and holds_note(text):
            self._expect_echo(text)
        self._actions.append(SendText(self._links.number, text, slot))

    def _count(self, pieces: Iterable[Piece]) -> None:
        self._links.messages += 1
        for piece in pieces:
            piece.message = self._links.messages

    def _send_note(self, note: str, slot: NoteSlot) -> None:
        if slot is NoteSlot.UPDATE:
            # It replaces the instruction, so it has to hold that too.
            note = f"{self.instruction}\n\n{note}".lstrip()
        if slot is NoteSlot.REALTIME:
            self._expect_echo(note)
        self._links.messages += 1
        self._actions.append(SendNote(self._links.number, note, slot))

    def _expect_echo(self, text: str) -> None:
        self._echoes.append(" ".join(text.split()))
