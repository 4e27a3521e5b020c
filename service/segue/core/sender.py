"""What the link that is up is sent, message by message: each is counted, and a text or a note goes in its slot."""

from collections.abc import Callable, Iterable, Sequence
from math import inf

from segue.core.actions import Action, SendActivity, SendAudio, SendNote, SendText, SendToolResult
from segue.core.calls import Call
from segue.core.echoes import Echoes
from segue.core.journal import Edge, Piece
from segue.core.link_activity import Sound
from segue.core.links import Links
from segue.core.notes import Notes
from segue.core.options import MODEL_TAKES
from segue.core.profiles import NoteSlot, Profile, TextSlot
from segue.core.turns import Turns
from segue.core.wording import holds_note

_CONTENT = (NoteSlot.CONTENT, NoteSlot.SYSTEM)
# A start interrupts the model, of which nothing comes any more so long after it, in seconds.
_IN_FLIGHT = 0.5


class Sender:
    """One session's. Actions that follow are appended to `actions`. Times are in seconds.

    Args:
        instruction: returns the system instruction that holds now.
        signals: the service does not look for activities by itself, but is told of each.

    Attributes:
        echoes: what of its texts the link repeats.
        in_activity: whether the last edge that this link was sent was a start.
    """

    def __init__(
        self,
        profile: Profile,
        links: Links,
        turns: Turns,
        notes: Notes,
        actions: list[Action],
        instruction: Callable[[], str],
        *,
        signals: bool,
    ) -> None:
        self._instruction = instruction
        self._signals = signals
        self._text_slot = profile.text_slot
        self._schedules = profile.calls_choose
        self._realtime_text = profile.realtime_text
        self._sound = Sound()
        self._links = links
        self._turns = turns
        self._notes = notes
        self._actions = actions
        self.echoes = Echoes()
        self.in_activity = False
        self._began_at = -inf

    def change_link(self) -> None:
        """Take it that another link was sent nothing."""
        self._notes.change_link()
        self.echoes.clear()
        self.in_activity = False

    def send_audio(self, audio: bytes, pieces: Iterable[Piece]) -> None:
        """Send audio of the user, which consists of these pieces, or silence, which consists of none."""
        self._count(pieces)
        if self.in_activity:
            self._sound.add(pieces)
        self._actions.append(SendAudio(self._links.number, audio, MODEL_TAKES.sample_rate))

    def send_text(self, text: str, pieces: Sequence[Piece], now: float, *, spoken: bool) -> None:
        """Send a text that is to be answered, which consists of these pieces, and with it what is to be told.

        `spoken` tells that the user is speaking, though nobody has signalled it.
        """
        self._count(pieces)
        note = self._notes.take() if self._notes.pending else ""
        text = f"{note}\n\n{text}" if note else text
        within = self.in_activity and bool(self._sound)
        if within and not self._realtime_text:
            # Content that completes its turn would be answered before the user has finished.
            self._actions.append(SendNote(self._links.number, text, NoteSlot.CONTENT))
            return
        in_speech = within or (spoken and self._realtime_text)
        slot = TextSlot.REALTIME if in_speech else self._text_slot
        if slot is TextSlot.REALTIME and holds_note(text):
            self.echoes.expect(text)
        if pieces and not in_speech:
            # It may have waited since before a turn was cut: what comes once that is over is its answer.
            self._turns.hear_user(now)
        self._actions.append(SendText(self._links.number, text, slot))

    def send_edge(self, edge: Edge, pieces: Iterable[Piece], now: float) -> None:
        """Send an edge of an activity; before an end, what is to be told."""
        speaks = bool(self._sound) or self._text_slot is TextSlot.REALTIME
        if edge is Edge.END and speaks and self._notes.pending:
            # Nobody is answered before that, so that every family can be told now.
            slot = self._notes.slot
            self._send_note(self._notes.take(), slot if slot in _CONTENT else NoteSlot.REALTIME)
        self.in_activity = edge is Edge.START
        if self.in_activity:
            self._began_at, self._sound = now, Sound()
        elif now >= self._began_at + _IN_FLIGHT:
            self._turns.end_cut()
        self._count(pieces)
        self._actions.append(SendActivity(self._links.number, self.in_activity))

    def send_result(self, call: Call) -> None:
        """Send the result of a call that the link remembers."""
        assert call.response is not None
        self._links.messages += 1
        call_id = "" if call.anonymous else call.id
        # A model that waits for its results, as all of some families do, has no other time to speak of them.
        scheduling = call.scheduling if self._schedules and not call.blocking else None
        continues = call.will_continue and not call.blocking
        self._actions.append(
            SendToolResult(self._links.number, call_id, call.name, call.response, scheduling, continues)
        )

    def tell(self, missed: str) -> bool:
        """Tell the model what it missed, or remember to at the user's next words. Returns whether it was told now."""
        slot = self._notes.slot
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
        slot = self._notes.slot
        if self._signals or slot is NoteSlot.NONE:
            return
        if (slot is NoteSlot.REALTIME or self._turns.open is None) and self._notes.pending:
            self._send_note(self._notes.take(), slot)

    def _send_note(self, note: str, slot: NoteSlot) -> None:
        if slot is NoteSlot.UPDATE:
            # It replaces the instruction, so it has to hold that too.
            note = f"{self._instruction()}\n\n{note}".lstrip()
        if slot is NoteSlot.REALTIME:
            self.echoes.expect(note)
        self._links.messages += 1
        self._actions.append(SendNote(self._links.number, note, slot))

    def _count(self, pieces: Iterable[Piece]) -> None:
        self._links.messages += 1
        for piece in pieces:
            piece.message = self._links.messages
