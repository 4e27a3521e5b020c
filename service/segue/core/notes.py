"""What the model is to know and not to answer: it waits for the user's next words, and goes with them.

Three things may wait: what the link missed of the conversation, what was heard of the turns that an interruption cut,
and what the client wants known. What was told and not answered is told to the next link again.
"""

from collections.abc import Iterable

from segue.core.actions import Action, NoteOutcome, ResumeNoted
from segue.core.admission import Fault
from segue.core.options import ResumeContext, ResumePolicy
from segue.core.outputs import Rejection
from segue.core.profiles import NoteSlot
from segue.core.recall import FROM_THE_START, Recall
from segue.core.resume_context import Interruption, note_of
from segue.core.turns import Turn
from segue.core.wording import fenced

# At most so much of the client's is kept, in bytes of UTF-8.
_MOST_BYTES = 64 * 1024


class Notes:
    """One session's. Actions that follow are appended to `actions`.

    Attributes:
        slot: where they go in a session whose speech the Live API detects.
        missed: what the present link missed of the conversation and was not told yet; empty for nothing.
    """

    def __init__(self, context: ResumeContext, slot: NoteSlot, recall: Recall, actions: list[Action]) -> None:
        self.slot = slot
        self._context = context
        self._recall = recall
        self._actions = actions
        self.missed = ""
        # The turns that the last interruption cut, and the client's notes: those to be told, and those that this link
        # was told and no turn has answered.
        self._cuts: list[Turn] = []
        self._told_cuts: list[Turn] = []
        self._clients: list[str] = []
        self._told_clients: list[str] = []
        # The turn that answers what was told, until the client has some of it.
        self._answer: Turn | None = None

    def refuse_updates(self) -> None:
        """Take it that the service takes no update of a session that runs: what would go in one waits for words."""
        if self.slot is NoteSlot.UPDATE:
            self.slot = NoteSlot.NONE

    @property
    def pending(self) -> bool:
        """Return whether anything waits."""
        return bool(self.missed or self._clients) or self._interruption() is not None

    def add(self, text: str) -> Fault | None:
        """Take a note of the client's; return why it cannot wait, and what to do, where it cannot."""
        self._forget_answered()
        if sum(len(note.encode()) for note in (*self._told_clients, *self._clients, text)) > _MOST_BYTES:
            advice = f"over {_MOST_BYTES} bytes of notes wait for the user's next words: send fewer or shorter ones"
            return Rejection.INPUT_OVERFLOW, advice
        self._clients.append(text)
        return None

    def interrupt(self, turns: Iterable[Turn]) -> None:
        """Take it that the user interrupted these turns, oldest first."""
        if self._context.policy in (ResumePolicy.BUILT_IN, ResumePolicy.TEMPLATE):
            self._cuts += turns

    def drop_interruption(self) -> None:
        """Take it that nobody interrupted, and that the model was asked to go on."""
        self._cuts.clear()
        self._told_cuts.clear()

    def begin_turn(self, turn: Turn) -> None:
        """Take it that the model begins to speak: what it does not know of the interruption comes too late."""
        self._forget_answered()
        if self._interruption() is not None:
            self._actions.append(ResumeNoted(NoteOutcome.LATE))
        # To another link, where this turn gets lost, it does not.
        self._told_cuts += self._cuts
        self._cuts.clear()
        self._answer = turn

    def change_link(self) -> None:
        """Take it that another link knows nothing of what the last one was told."""
        self.missed = ""
        self._forget_answered()
        self._cuts = self._told_cuts + self._cuts
        self._clients = self._told_clients + self._clients
        self._forget_told()

    def take(self) -> str:
        """Return all that waits, to be told now; empty for nothing."""
        self._forget_answered()
        self._answer = None
        notes = [self.missed] if self.missed else []
        interruption = self._interruption()
        if interruption is not None:
            # What the model is told was heard is what was heard, from here on.
            for turn in self._cuts:
                turn.split_final = True
            exchanges = self._recall.since(FROM_THE_START)
            notes.append(fenced(note_of(self._context, interruption, exchanges, self._recall.asked)))
            self._actions.append(ResumeNoted(NoteOutcome.TOLD))
            self._told_cuts += self._cuts
            self._cuts.clear()
        notes += map(fenced, self._clients)
        self._told_clients += self._clients
        self._clients.clear()
        self.missed = ""
        return "\n\n".join(notes)

    def _forget_answered(self) -> None:
        if self._answer is not None and self._answer.told:
            self._forget_told()

    def _forget_told(self) -> None:
        self._told_cuts.clear()
        self._told_clients.clear()
        self._answer = None

    def _interruption(self) -> Interruption | None:
        splits = [turn.split(turn.heard or 0.0) for turn in self._cuts]
        unheard = " ".join(filter(None, (unheard for _, unheard in splits)))
        if not unheard.strip():
            return None
        return Interruption(self._cuts[0].number, " ".join(filter(None, (heard for heard, _ in splits))), unheard)
