"""What the user does: it goes to the model, interrupts what that says, and is owed an answer.

While nobody may interrupt the model, what the user says is held back; once somebody may, it counts as said then.
"""

from math import inf

from segue.core.admission import Fault
from segue.core.journal import Edge
from segue.core.listener import Listener
from segue.core.options import Mode
from segue.core.outputs import CutCause
from segue.core.parts import Parts
from segue.core.wording import fenced


class User:
    """One session's."""

    def __init__(self, parts: Parts, listener: Listener) -> None:
        self._detects = parts.options.mode is Mode.GATEWAY
        self._listener = listener
        self._recall = parts.recall
        self._downlink = parts.downlink
        self._evidence = parts.evidence
        self._playback = parts.playback
        self._uplink = parts.uplink
        self._journal = parts.journal
        self._watchdog = parts.watchdog
        self._handover = parts.handover
        self._cuts = parts.cuts
        self._notes = parts.notes

    def hear(self, audio: bytes, voiced: bool, now: float) -> Fault | None:
        """Take a frame of the user's audio; return why it cannot be used, and what to do, where it cannot."""
        if voiced and not self._journal.speaking(now):
            self._file_words()
        fault = self._uplink.hear(audio, voiced, now)
        if voiced and fault is None:
            self._hear_voice(now)
        return fault

    def write(self, text: str, now: float) -> Fault | None:
        """Take a text of the user; return why it cannot be used, and what to do, where it cannot."""
        fault = self._uplink.fault_of_text()
        if fault is None:
            self._file_words()
            held = self._uplink.holds(now)
            if not held:
                # What it interrupts is known before it goes, since what was heard of that goes with it.
                self._hear_words(now)
            self._uplink.write(text, now)
            self._recall.hear_user(f" {text}", 0)
            if not held:
                self._cuts.forget()
                self._evidence.note_text(now)
                self._await_answer(now)
        return fault

    def signal(self, edge: Edge, now: float, since: float | None = None) -> None:
        """Take the client's word that the user begins to speak, or has finished.

        `since` is when the first sound of it was heard, None for just now.
        """
        if not self._uplink.signal(edge, now) or self._uplink.holding:
            return
        self._evidence.show(now, since)
        if edge is Edge.START:
            self._file_words()
            self._evidence.cut_all(now)
            self._listener.watch_cut()
            if not self._detects:
                # A client knows what it says; what Segue has heard may be a cough.
                self._cuts.forget()
        else:
            self._downlink.words_at = now
            self._await_answer(now)
            self._listener.ended_at = now + self._uplink.queued_seconds

    def stop(self, turn: int, heard: float | None, now: float) -> bool:
        """Cut a turn because the client asks. Returns whether it cut anything."""
        self._handover.forget_request()
        last = self._downlink.turns.last_number
        cut = self._downlink.stop(turn, heard, now)
        self._evidence.show(now)
        # An answer may be awaited still of which a number is over already: a sound cut it before its first word.
        over = self._downlink.withdrawn
        still = over and not (turn or cut or self._downlink.turns.open or self._journal.speaking(now))
        if still:
            self._watchdog.settle()
        if still or self._downlink.turns.last_number > last:
            # The answer that was awaited is awaited no more.
            self._journal.forget(self._journal.boundary(now))
        self._listener.watch_cut()
        speaking = self._downlink.turns.open
        if speaking is not None and speaking.cut and not speaking.generated:
            self._uplink.stop_model(now)
        return cut

    def note(self, text: str, now: float, *, answer: bool) -> Fault | None:
        """Take context from the client; return why it cannot be used, and what to do, where it cannot."""
        if not answer:
            return self._notes.add(text)
        fault = self._uplink.fault_of_text()
        if fault is None:
            # Like the user's words it is owed an answer, whatever becomes of the link. A model that speaks is
            # interrupted by it, which is no phantom then.
            held = self._uplink.holds(now)
            self._uplink.write(fenced(text), now)
            if not held:
                self._evidence.note_sign(now)
                self._evidence.note_text(now)
                self._await_answer(now)
        return fault

    def tick(self, now: float) -> None:
        """Give the model what was held back, once the user may interrupt it again."""
        if now >= self.deadline():
            self._release(now)

    def deadline(self) -> float:
        """Return when `tick` has something to do; inf for never."""
        return self._playback.interruptible_at() if self._uplink.holding else inf

    def miss(self, now: float) -> None:
        """Take it that nobody listens: cut whatever is being said."""
        if self._playback.cut_all(CutCause.DETACHED, now):
            self._listener.watch_cut()

    def _file_words(self) -> None:
        # What was understood after it had been answered is no part of what is said now.
        if not self._journal.has_words_since(self._listener.answers):
            self._recall.file()

    def _hear_voice(self, now: float) -> None:
        if self._uplink.holding:
            return
        self._evidence.show(now)
        self._listener.hear_user()
        if self._uplink.speaking:
            self._hear_words(now)
        if self._journal.has_words():
            self._cuts.doubt()
            self._watchdog.expect(self._journal.words_ended_at)
            self._uplink.remind()

    def _hear_words(self, now: float) -> None:
        self._downlink.words_at = self._playback.active_at = now
        self._evidence.show(now)
        self._downlink.interrupt_playout(now)
        self._listener.watch_cut()
        self._handover.forget_request()

    def _await_answer(self, now: float) -> None:
        self._downlink.understand_user(now)
        self._watchdog.expect(now + self._uplink.queued_seconds)

    def _release(self, now: float) -> None:
        worded = self._journal.has_words_since(self._journal.held_from)
        held = [piece.payload for piece in self._uplink.release(now)]
        if not held:
            return
        self._evidence.show(now)
        if Edge.START in held:
            self._evidence.cut_all(now)
        if worded:
            self._hear_words(now)
            self._watchdog.expect(now + self._uplink.queued_seconds)
        self._listener.watch_cut()
        if Edge.END in held or any(isinstance(payload, str) for payload in held):
            self._await_answer(now)
