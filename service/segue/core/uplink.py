"""The way from the client to the model: what is said goes out over the link that is up, in order and at its pace.

What the user said is journalled, so that it can be given to another link again.
"""

from collections.abc import Iterable, Sequence
from math import inf

from segue.core.actions import Action, Drop
from segue.core.admission import Fault
from segue.core.calls import Call, Calls
from segue.core.feed import Feed, comfort_noise
from segue.core.images import Images
from segue.core.journal import LIMIT, VOICED_EVIDENCE, WAITING, Aside, Edge, Journal, Piece
from segue.core.link_activity import LinkActivity
from segue.core.links import Links
from segue.core.notes import Notes
from segue.core.options import MODEL_TAKES, Mode, Options
from segue.core.outputs import Rejection
from segue.core.pacing import WAITING_TEXTS, Queue
from segue.core.playback import Playback
from segue.core.profiles import Profile, TextSlot
from segue.core.replay import Replay
from segue.core.sender import Sender

# The silence after which the Live API's detector takes speech to have ended, in seconds, where the client sets none.
DEFAULT_SILENCE = 0.8
# What the journal's clock runs on where the client sends no audio.
_ANY_RATE = 32_000


class Uplink:
    """One session's input on its way. Actions that follow are appended to `actions`. Times are in seconds.

    Attributes:
        worded: the activity that is open holds words beside its sound: a text, or what was said before it.
    """

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
        silence = DEFAULT_SILENCE if silence_ms is None else silence_ms / 1000
        self._feed = Feed(silence)
        # Where text is content, it is answered at once: it needs no activity around it, and one that holds nothing else
        # may close the link (python-genai issue 1720).
        bare_texts = profile.text_slot is TextSlot.CONTENT
        self._queue = Queue(self._format, profile.replay_speed, bare_texts=bare_texts)
        # Where the client says when the user has finished, no silence does.
        rate = self._format.bytes_per_second if self._format else _ANY_RATE
        self.journal = Journal(rate, 0.0 if self._signals else silence, profile.replay_speed)
        self._activity = LinkActivity(self._queue, self.journal, profile, signals=self._signals)
        self._replay = Replay(self._queue, self._activity, self._format, None if self._signals else silence)
        self._images = Images(links, actions)
        self._sender = Sender(
            profile, links, playback.turns, notes, actions, lambda: self.instruction, signals=self._signals
        )
        self._voiced = 0.0
        self.audio_seconds = 0.0
        # In the activity that was signalled there is something to answer.
        self._content = self.worded = False

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
    def worded_seconds(self) -> float:
        """How long what waits will take to leave up to the end of the last words in it."""
        return self._queue.seconds_of_words(self.journal.silence)

    @property
    def held_bytes(self) -> int:
        """The size of the audio and of the image that wait, or may have to be given again."""
        return self._queue.held_bytes + self.journal.held_bytes + self._images.held_bytes

    @property
    def hears_text(self) -> bool:
        """Return whether the service takes text for speech."""
        return self._profile.text_slot is TextSlot.REALTIME

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

    def puts_off(self, now: float) -> bool:
        """Return whether all that the user said and nobody answered waits for the time when it may interrupt."""
        before = (piece for piece in self.journal.since(0) if piece.serial < self.journal.held_from)
        said = any(piece.voiced or isinstance(piece.payload, str) for piece in before)
        return self.holding and not said and now < self._playback.interruptible_at() < inf

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
        direct = waits and links.up and self._queue.passes(now) and (self._activity.open or not self._signals)
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
            self._queue.note_passed(seconds, now)
            self._sender.send_audio(audio, pieces)
            if self._signals:
                self._activity.fill(pieces)
            if self._queue or self._images.waiting:
                self.tick(now)
        elif waits:
            self._activity.put(audio, pieces[-1] if pieces else None)
            self.tick(now)
        return None

    def pass_over(self, seconds: float) -> None:
        """Take it that the client sent so many seconds of noise, which is not passed on."""
        self.audio_seconds += seconds
        self._actions.append(Drop("noise", seconds))

    def show(self, content: bytes, mime_type: str, now: float) -> None:
        """Take an image for the model to see."""
        self._images.show(content, mime_type)
        self.tick(now)

    def fault_of_text(self) -> Fault | None:
        """Return why no more text can be taken, and what to do; None when it can."""
        if sum(isinstance(piece.payload, str) for piece in self.journal.held()) >= WAITING_TEXTS:
            return Rejection.INPUT_OVERFLOW, f"{WAITING_TEXTS} texts wait for the end of the model's turn: wait, too"
        if self._activity.holds_texts >= WAITING_TEXTS:
            return Rejection.INPUT_OVERFLOW, f"{WAITING_TEXTS} texts wait for the end of the activity: end it"
        return self._queue.fault_of("")

    def write(self, text: str, now: float) -> None:
        """Take a text that is to be answered; there must be no fault of it."""
        self._content, self.worded = True, self.worded or self.journal.open
        # An activity that nobody speaks in any more ends with it.
        ends = not self.journal.open and (self._activity.wraps_text or self._activity.open)
        self._pass(self.journal.read(text), now)
        if ends:
            self._pass(self.journal.mark(Edge.END), now)

    def signal(self, edge: Edge, now: float) -> bool:
        """Take the client's word that the user begins to speak, or has finished. Returns whether that is news.

        An end of nothing is none: the Live API closes a link for an activity without content.
        """
        if self.journal.open is (edge is Edge.START) or (edge is Edge.END and not self._content):
            return False
        self._content = self.worded = False
        # A client may press late, and a detector does not.
        self._pass(self.journal.mark(edge, now if self._detects else -inf), now)
        return True

    def release(self, now: float) -> list[Piece]:
        """Give the model what was held back, at a stretch, so that it answers all of it. Returns that."""
        # What was hushed ends only what was said before it.
        joined = self._join(self.journal.held_from)
        held = self.journal.since(self.journal.held_from) if joined else self.journal.held()
        if self._links.up:
            self._give_again(held, "", now, ended=not self.journal.speaking(now))
            self.tick(now)
        self.journal.held_from = inf
        return held

    def stop_model(self, now: float) -> None:
        """Have the model stop what it makes: where it takes text for speech, an activity that waits for the next words.

        Where text is content, that interrupts, and the activity's first audio does.
        """
        if self._activity.wraps_text and not self._activity.open and self._links.up:
            self._activity.put(Edge.START, None)
            self.tick(now)

    def hush(self) -> None:
        """Take it that the activity says nothing, or nothing yet: the link's stays open for what follows."""
        self.journal.mark(Edge.END).message = WAITING

    def end_hushed(self, now: float) -> None:
        """End the activity that was hushed, since there was something in it after all; where there is none, nothing."""
        if self._activity.end():
            self.tick(now)

    def replay(self, serial: int, words: str, now: float, *, ended: bool) -> float:
        """Give what was said from this serial on again, at a stretch, or these words in place of its audio, if any.

        `ended` tells that the user has finished speaking. Returns the seconds of audio that are given again.
        """
        self._join(serial)
        self.journal.settle(serial)
        return self._give_again(self.journal.since(serial), words, now, ended=ended)

    def change_link(self) -> None:
        """Forget what was on its way: the next link gets what the journal keeps."""
        self._queue.clear()
        self.journal.leave_link()
        self._activity.change_link()
        self._sender.change_link()
        self._images.change_link()

    def tick(self, now: float) -> None:
        """Send what is due: what waits, or silence where the client's audio pauses."""
        if not self._links.up or self._gated:
            return
        while taken := self._queue.take(now):
            pieces = [piece for _, piece in taken if piece is not None]
            # One text that interrupts another would be answered alone.
            if text := "\n".join(payload for payload, _ in taken if isinstance(payload, str)):
                self._images.give(now, seen=self._looks)
                self._sender.send_text(text, pieces, now, spoken=isinstance(taken[0][0], Aside))
            elif isinstance(edge := taken[0][0], Edge):
                self._sender.send_edge(edge, pieces, now)
            else:
                self._sender.send_audio(b"".join(payload for payload, _ in taken if isinstance(payload, bytes)), pieces)
                if pieces:
                    self.remind()
        if self._looks:
            self._images.tick(now)
        while not self._queue and self._feed.take(now):
            assert self._format is not None
            self._voiced = 0.0
            self._sender.send_audio(comfort_noise(self._format.sample_rate), ())

    def deadline(self) -> float:
        """Return when `tick` has something to do; inf for never."""
        if not self._links.up or self._gated:
            return inf
        at = self._queue.deadline() if self._queue else self._feed.deadline()
        return min(at, self._images.deadline()) if self._looks else at

    # What Segue itself says.

    def tell(self, missed: str) -> bool:
        """Tell the model what it missed, or remember to at the user's next words. Returns whether it was told now."""
        return self._sender.tell(missed)

    def remind(self) -> None:
        """The user is in the middle of words: what can be told only then is told now."""
        if self._links.up and not self._gated:
            self._sender.remind()

    def ask(self, request: str) -> None:
        """Ask the model for an answer, in words that are not the user's; `tick` sends it."""
        self._activity.say(request)

    def give(self, call: Call) -> None:
        """Give the result of a call that the link remembers."""
        self._sender.send_result(call)

    def make_up(self, serial: int) -> None:
        """Queue what was held back from this link, from this serial on."""
        for piece in self.journal.since(serial) if self._profile.gates_calls else ():
            if not piece.message and piece.serial < self.journal.held_from:
                self._activity.put(piece.payload, piece)

    def is_echo(self, words: str) -> bool:
        """Return whether these words of the user are Segue's own, which the service repeats in order."""
        return self._sender.echoes.take(words)

    @property
    def _looks(self) -> bool:
        # Older models see nothing of what is shown while nobody speaks, as far as they are told or can hear.
        heard = self._sender.in_activity if self._signals else self._voiced > 0.0 and self.journal.has_words()
        return heard or self._profile.sees_always

    def _hold(self, pieces: Sequence[Piece]) -> None:
        if pieces:
            self.journal.held_from = min(self.journal.held_from, pieces[0].serial)

    def _pass(self, piece: Piece, now: float) -> None:
        if self.holds(now):
            self._hold([piece])
        elif self._links.up or not self._links.opened:
            self._activity.put(piece.payload, piece)
            self.tick(now)

    def _join(self, serial: float) -> bool:
        """Have an activity that goes on begin with what was said from this serial on. Returns whether it then does."""
        joined = self.journal.join(serial)
        if joined and self.journal.open:
            self._content = self.worded = True
        return joined

    def _give_again(self, pieces: Iterable[Piece], words: str, now: float, *, ended: bool) -> float:
        if self.holding and not (ended or self._signals):
            # The silence that ends what was held back is still to come.
            self._feed.hear(now)
        seconds = self._replay.put(pieces, words, ended=ended)
        self.journal.held_from = inf
        return seconds
