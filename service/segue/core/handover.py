"""What goes over from one link to the next: the conversation so far, words without an answer, a turn that broke off.

A handle brings back what the service remembers. What it does not cover is told in a note, words that no turn has
answered are given again, and a turn that broke off is asked for in a new one. Without a handle the conversation so far
goes into the system instruction.
"""

from collections.abc import Iterable

from segue.core.actions import InputReplayed
from segue.core.events import HandleReceived
from segue.core.handles import Handle
from segue.core.journal import Piece
from segue.core.links import Links
from segue.core.options import MODEL_TAKES
from segue.core.playback import Broken
from segue.core.recall import Recall
from segue.core.setups import Instructions
from segue.core.turns import Turns
from segue.core.uplink import Uplink
from segue.core.wording import go_on, what_was_missed

# More speech than this is given again in words, in seconds.
_LONGEST_REPLAY = 15.0
# Speech of so few seconds, with the silence around it, may be a sound without words.
_SHORTEST_WORDS = 1.2
# The model is asked to go on so often at most until the user says something else: it may break off each time.
_MOST_CONTINUATIONS = 16


class Handover:
    """One session's. Times are in seconds.

    Attributes:
        request: what the model is asked that the user has not said, such as to go on with a turn that broke off, until
            it does; empty for nothing.
        serial: input before this serial is covered by the next handle that comes.
    """

    def __init__(self, instructions: Instructions, recall: Recall, turns: Turns, links: Links, uplink: Uplink) -> None:
        self._bytes_per_second = MODEL_TAKES.bytes_per_second
        self._instructions = instructions
        self._recall = recall
        self._turns = turns
        self._links = links
        self._uplink = uplink
        self._journal = uplink.journal
        self.request = ""
        self.serial = 0
        # What of the words that were given again the client has had in words already.
        self._known = ""
        # The turns up to this one are covered by the next handle that comes.
        self._turn = 0
        self._continuations = 0

    def begin_answer(self) -> None:
        """Take it that the model begins to answer words of the user."""
        self._continuations = 0

    def ask(self, request: str) -> None:
        """Remember what is asked of the model, until it answers or the user says something else."""
        self.request = request

    def break_off(self, broken: Broken) -> None:
        """Remember a turn that broke off, so that the model is asked to go on with it, unless it was too often."""
        self._continuations += 1
        if self._continuations > _MOST_CONTINUATIONS:
            self.forget_request()
            return
        question = self._recall.question(broken.turn) or self._recall.asked.strip()
        self.request = go_on(question, broken.heard, broken.rest)
        self._instructions.broken = broken.turn

    def forget_request(self) -> None:
        """Take it that the model went on, or is not to."""
        self.request = ""
        self._instructions.broken = 0

    def cover(self, serial: int) -> None:
        """Take it that the turns so far ended, and input before this serial with them."""
        self.serial, self._turn = serial, self._turns.last_number

    def keep(self, event: HandleReceived, now: float) -> None:
        """Take a handle; an empty one says that the conversation cannot be resumed now, and the last good one stays."""
        if event.handle:
            serial, last, turn = self.serial, self._turn, self._turns.open
            if turn is not None and not turn.cut:
                # What it answers had been heard before it began.
                serial, last = max(serial, turn.answers), turn.number
            if event.consumed is not None:
                serial = max(serial, self._journal.after_message(event.consumed))
            self._links.keep(Handle(event.handle, now, serial, last))

    def was_said(self, words: str) -> bool:
        """Return whether the client has had these words of the user, which the service hears once more."""
        words = words.strip()
        if not words or words not in self._known:
            return False
        self._known = self._known.partition(words)[2]
        return True

    def catch_up(self, now: float, *, owed: bool) -> InputReplayed | None:
        """Have a new link be given what it lacks, and where an answer is `owed` what it is to answer.

        Returns what was replayed, None where nothing was.
        """
        resumed = self._links.resumed
        self._known = ""
        missed = what_was_missed(self._recall.since(resumed.turn, self._instructions.broken)) if resumed else ""
        told = self._uplink.tell(missed)
        self.serial = resumed.serial if resumed else self._journal.first
        self._turn = resumed.turn if resumed and not told else self._turns.last_number
        speaking = self._journal.speaking(now)
        # What waits for its time has it on any link: the turn that it may not interrupt yet still plays.
        due = not self._uplink.puts_off(now)
        if due and (self._journal.has_words_since(self.serial) or speaking):
            # A sound that is so short may be no words, and have cut off the answer to those before it.
            pieces = self._journal.since(self.serial)
            short = self._seconds(pieces) < _SHORTEST_WORDS and not any(isinstance(p.payload, str) for p in pieces)
            return self._replay(0 if owed and short and not speaking else self.serial, now)
        if self.request:
            self._uplink.ask(self.request)
        elif due and owed and self._journal.has_words_since(0):
            # The link remembers the words, but nobody goes on by himself.
            return self._replay(0, now)
        return None

    def _replay(self, serial: int, now: float) -> InputReplayed:
        pieces = self._journal.since(serial)
        speaking = self._journal.speaking(now)
        seconds = self._seconds(pieces)
        # Words come late and in parts, so that they stand in only for what must not be said as it was.
        in_words = not speaking and (seconds > _LONGEST_REPLAY or self._links.refused)
        words = self._recall.asked.strip() if seconds and in_words and self._journal.understood else ""
        replayed = self._uplink.replay(serial, words, now, ended=not speaking)
        # Only what the service takes for speech it transcribes.
        self._known = self._recall.asked if replayed or self._uplink.hears_text else ""
        return InputReplayed(replayed)

    def _seconds(self, pieces: Iterable[Piece]) -> float:
        return sum(len(piece.payload) for piece in pieces if isinstance(piece.payload, bytes)) / self._bytes_per_second
