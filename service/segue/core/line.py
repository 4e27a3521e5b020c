"""A session's line to the model: it outlives every link, and what was under way when one ended goes on with the next.

What the user said and no turn has answered is said again; a turn that broke off is gone on with in a new one; what the
new link missed of the conversation it is told. Words are unanswered until the first output that they caused has been
released: that is how nothing is answered twice.
"""

from collections.abc import Callable
from math import inf
from typing import Any, TypeAlias

from segue.core import events as ev
from segue.core.actions import (
    Action,
    FalseInterruptionSeen,
    PhantomSeen,
    Recovered,
    Relearn,
    Renewed,
    Sign,
    Trigger,
    Wedged,
)
from segue.core.admission import Fault
from segue.core.closings import context_full
from segue.core.detection import Detection, Verdict
from segue.core.journal import PAUSE, Edge
from segue.core.listener import HEARD_EVENTS, Heard, Listener
from segue.core.options import MODEL_TAKES, Mode, Options
from segue.core.outputs import (
    Closed,
    CutCause,
    Notice,
    NoticeKind,
    UserActivity,
)
from segue.core.parts import Parts
from segue.core.patience import Patience
from segue.core.playback import Broken
from segue.core.policy import FalseInterruption, Policy
from segue.core.tools import Tools
from segue.core.updates import Updates
from segue.core.wording import begin, fenced

# A window so full explains that the service took no more.
_FULL = 0.9

LinkEvent: TypeAlias = Heard | ev.LinkHeld | ev.LinkOpened | ev.LinkLost


class Line:
    """One session's line. Feed it the client's input and the links' events; `closing` tells when no link can be had.

    Args:
        options: what the session was opened with.
        policy: what holds for all sessions of the server.
        draw: gives numbers from 0 to 1.
        actions: where whatever follows is appended.
    """

    def __init__(self, options: Options, policy: Policy, draw: Callable[[], float], actions: list[Action]) -> None:
        parts = Parts(options, policy, draw, actions)
        self._options = options
        self._policy = policy
        self._actions = actions
        self._profile = parts.profile
        self._recall = parts.recall
        self.downlink = parts.downlink
        self.playback = parts.playback
        self.links = parts.links
        self.uplink = parts.uplink
        self._journal = parts.journal
        self._watchdog = parts.watchdog
        self._calls = parts.calls
        self._handover = parts.handover
        self._cuts = parts.cuts
        self._notes = parts.notes
        self.updates = Updates(parts)
        self._tools = Tools(parts)
        self._listener = Listener(parts, self._tools)
        self._detection: Detection | None = None
        if options.mode is Mode.GATEWAY:
            self._detection = Detection(MODEL_TAKES.bytes_per_second, options.detection)
        self._patience = Patience(parts)
        # How the session ends, once no other link can be had, and whether that cost the client anything.
        self.closing: Closed | None = None
        self.cut_short = False

    @property
    def owed(self) -> bool:
        """Return whether somebody waits for the model: for its answer, or for the rest of a turn that broke off."""
        return bool(self._handover.request) or self._watchdog.since is not None or self.uplink.holding

    # The client speaks.

    def hear(self, audio: bytes, voiced: bool, now: float) -> Fault | None:
        """Take a frame of the user's audio; return why it cannot be used, and what to do, where it cannot."""
        if self._detection is None:
            return self._hear(audio, voiced, now)
        spoke, so_far = self._detection.speaking, self.uplink.audio_seconds
        frames = self._detection.hear(audio, voiced, now)
        if self._detection.speaking and not spoke:
            self.signal(Edge.START, now)
            self.playback.outbox.put_urgent(UserActivity(started=True))
        faults = [self._hear(part, loud, now) for part, loud in frames]
        self.uplink.audio_seconds = so_far + len(audio) / MODEL_TAKES.bytes_per_second
        self._ask_about_speech(now)
        return next(filter(None, faults), None)

    def judge_speech(self, question: int, probability: float, now: float) -> None:
        """Take how probably what a model was asked about is speech."""
        if self._detection is not None and self._detection.judge(question, probability):
            # A noise that has just begun is taken for speech until it is known.
            self._stop_speech(Verdict.NOISE, now)
        self._end_speech(now)

    def _ask_about_speech(self, now: float) -> None:
        if self._detection is not None and (question := self._detection.ask(now)):
            self._actions.append(question)

    def _end_speech(self, now: float) -> None:
        if self._detection is not None and (verdict := self._detection.end(now)):
            self._stop_speech(verdict, now)

    def _stop_speech(self, verdict: Verdict, now: float) -> None:
        assert self._detection is not None
        spoke_at = self._detection.voiced_at
        self._detection.reset()
        self.playback.outbox.put_urgent(UserActivity(started=False))
        if verdict in (Verdict.NOISE, Verdict.LONG):
            self._actions.append(Relearn())
        if verdict in (Verdict.ENDED, Verdict.LONG):
            self.signal(Edge.END, now)
            self.downlink.words_at = spoke_at
            return
        self.uplink.hush()
        if verdict is Verdict.NOISE:
            self._journal.forget_span()
            self._cuts.deny()
            if not self._journal.has_words_since(0):
                # Nobody waits for an answer to noise.
                self._watchdog.settle()
                self.downlink.words_at = None

    def _hear(self, audio: bytes, voiced: bool, now: float) -> Fault | None:
        if voiced and not self._journal.speaking(now):
            self._file_words()
        fault = self.uplink.hear(audio, voiced, now)
        if voiced and fault is None:
            self._hear_voice(now)
        return fault

    def write(self, text: str, now: float) -> Fault | None:
        """Take a text of the user; return why it cannot be used, and what to do, where it cannot."""
        fault = self.uplink.fault_of_text()
        if fault is None:
            self._file_words()
            held = self.uplink.holds(now)
            if not held:
                # What it interrupts is known before it goes, since what was heard of that goes with it.
                self._hear_words(now)
            self.uplink.write(text, now)
            self._recall.hear_user(f" {text}", 0)
            if not held:
                self._cuts.forget()
                self._await_answer(now)
        return fault

    def signal(self, edge: Edge, now: float) -> None:
        """Take the client's word that the user begins to speak, or has finished."""
        if not self.uplink.signal(edge, now) or self.uplink.holding:
            return
        self.downlink.show_evidence(now)
        if edge is Edge.START:
            self._file_words()
            self.playback.cut_all(CutCause.USER, now)
            self._listener.watch_cut()
            if self._detection is None:
                # A client knows what it says; what Segue has heard may be a cough.
                self._cuts.forget()
        else:
            self.downlink.words_at = now
            self._await_answer(now)

    def respond(self, event: ev.ToolResultReceived, now: float) -> Fault | None:
        """Take the result of a call; return why it cannot be used, and what to do, where it cannot."""
        return self._tools.respond(event, now)

    def stop(self, turn: int, heard: float | None, now: float) -> bool:
        """Cut a turn because the client asks. Returns whether it cut anything."""
        self._handover.forget_request()
        last = self.downlink.turns.last_number
        cut = self.downlink.stop(turn, heard, now)
        self.downlink.show_evidence(now)
        # An answer may be awaited still of which a number is over already: a sound cut it before its first word.
        still = not (turn or cut or self.downlink.turns.open or self._journal.speaking(now))
        if still:
            self._watchdog.settle()
        if still or self.downlink.turns.last_number > last:
            # The answer that was awaited is awaited no more.
            self._journal.forget(self._journal.boundary(now))
        self._listener.watch_cut()
        speaking = self.downlink.turns.open
        if speaking is not None and speaking.cut and not speaking.generated:
            self.uplink.stop_model(now)
        return cut

    def note(self, text: str, now: float, *, answer: bool) -> Fault | None:
        """Take context from the client; return why it cannot be used, and what to do, where it cannot."""
        if not answer:
            return self._notes.add(text)
        fault = self.uplink.fault_of_text()
        if fault is None:
            # Like the user's words it is owed an answer, whatever becomes of the link. A model that speaks is
            # interrupted by it, which is no phantom then.
            held = self.uplink.holds(now)
            self.uplink.write(fenced(text), now)
            if not held:
                self.downlink.evidence_at = now
                self._await_answer(now)
        return fault

    def _file_words(self) -> None:
        # What was understood after it had been answered is no part of what is said now.
        if not self._journal.has_words_since(self._listener.answers):
            self._recall.file()

    def _await_answer(self, now: float) -> None:
        self.downlink.understand_user(now)
        self._watchdog.expect(now + self.uplink.queued_seconds)

    def _release(self, now: float) -> None:
        """The user may interrupt the model again: it is given what was held back until now."""
        worded = self._journal.has_words_since(self._journal.held_from)
        held = [piece.payload for piece in self.uplink.release(now)]
        if not held:
            return
        self.downlink.show_evidence(now)
        if Edge.START in held:
            self.playback.cut_all(CutCause.USER, now)
        if worded:
            self._hear_words(now)
            self._watchdog.expect(now + self.uplink.queued_seconds)
        self._listener.watch_cut()
        if Edge.END in held or any(isinstance(payload, str) for payload in held):
            self._await_answer(now)

    def _hear_voice(self, now: float) -> None:
        if self.uplink.holding:
            return
        self.downlink.show_evidence(now)
        self._listener.hear_user()
        if self.uplink.speaking:
            self._hear_words(now)
        if self._journal.has_words():
            self._cuts.doubt()
            self._watchdog.expect(self._journal.words_ended_at)
            self.uplink.remind()

    def _hear_words(self, now: float) -> None:
        self.downlink.words_at = self.playback.active_at = now
        self.downlink.show_evidence(now)
        self.downlink.interrupt_playout(now)
        self._listener.watch_cut()
        self._handover.forget_request()

    # The links speak.

    def receive(self, event: LinkEvent, now: float) -> None:
        """Take what a link says; what one says that was hung up, or is not up yet, means nothing."""
        links, kind = self.links, type(event)
        if (links.up and event.link == links.number) if kind not in _OF_DIALS else links.knows(event.link):
            _REACTIONS[kind](self, event, now)

    def open(self, now: float) -> None:
        """Dial the first link."""
        if self._options.first_turn is not None:
            self._handover.ask(begin(self._options.first_turn))
            self._watchdog.expect(now)
        self.links.open(now)

    def hang_up(self) -> None:
        """Be without links from here on."""
        self.links.hang_up()
        self._watchdog.settle()
        self._handover.forget_request()

    def _listen(self, event: Heard, now: float) -> None:
        self._judge(self._listener.receive(event, now), now)
        if self._journal.has_words() and now < self._journal.last_voiced_at + PAUSE:
            self.uplink.remind()

    def _judge(self, sign: Sign | None, now: float) -> None:
        if sign is Sign.EMPTY_TURNS:
            self._suspect_link(sign, now)
        elif sign is not None:
            self._give_up_link(sign, now)

    def _hold(self, event: ev.LinkHeld, now: float) -> None:
        if event.link == self.links.next:
            self.links.hold(now)

    def _go_up(self, event: ev.LinkOpened, now: float) -> None:
        if event.link == self.links.next:
            # The old one was kept until now, and whatever it was doing ends with it.
            self._leave_link(now)
        completed = self.links.go_up(event.link, now)
        self._watchdog.renew(suspect=isinstance(completed, Recovered))
        resumed = self.links.resumed
        if completed is not None:
            self.uplink.change_link()
        self._calls.move(resumed.at if resumed else -inf)
        if not resumed:
            self._listener.tokens = 0
        self.updates.tell_again()
        if completed is None:
            self.playback.active_at = now
            if self._handover.request:
                self.uplink.ask(self._handover.request)
        else:
            self._tell_of(completed)
            self._catch_up(now)
        if self._watchdog.since is not None:
            self._watchdog.expect(now + self.uplink.queued_seconds)
        self._tools.give_results(now)
        self.uplink.tick(now)

    def _lose(self, event: ev.LinkLost, now: float) -> None:
        if event.link == self.links.next:
            self.links.lose_next(now)
            return
        if event.cause is ev.LossCause.STALLED:
            self._actions.append(Wedged(Sign.DEAD_SOCKET))
        full = event.cause is ev.LossCause.INVALID and self._listener.tokens >= _FULL * self._profile.window
        if full:
            self.links.forget_handles()
        was_up = self.links.up
        closing = self.links.lose(event, now)
        if closing is not None:
            self._end(context_full(event.message) if full else closing)
            return
        if was_up:
            self._leave_link(now)
        self.links.tick(now)

    # Time passes.

    def tick(self, now: float) -> None:
        """Do what is due."""
        self.playback.settle(now)
        if now >= self._release_at():
            self._release(now)
        self._ask_about_speech(now)
        self._end_speech(now)
        closing = self.links.overdue(now)
        if closing is not None:
            self._end(closing)
            return
        self.links.tick(now)
        self.links.prepare(now)
        self._journal.forget_wordless(now)
        if now >= self.downlink.doubt_deadline():
            self._take_for_phantom(now)
        if now >= self._cuts.deadline():
            self._take_for_false(now)
        self._tools.tick(now)
        if not self.links.up:
            return
        if now >= self.links.swap_at(self._patience.quiet_at()):
            self._swap(now)
        elif now >= self._patience.end_deadline():
            self._judge(self._listener.end_turn(now), now)
        elif now >= self._patience.stop_deadline():
            self._give_up_link(Sign.STOPPED, now)
        elif now >= self._patience.reply_deadline():
            self._suspect_link(Sign.SILENCE, now)
        else:
            self.uplink.tick(now)

    def deadline(self) -> float:
        """Return when `tick` has something to do; inf for never."""
        at = min(
            self.playback.deadline(),
            self._release_at(),
            self.links.deadline(),
            self.downlink.doubt_deadline(),
            self._cuts.deadline(),
            self._journal.wordless_deadline(),
            self._tools.deadline(),
            inf if self._detection is None else self._detection.deadline(),
        )
        if not self.links.up:
            return at
        swap_at = self.links.swap_at(self._patience.quiet_at() if self.links.due else inf)
        owed_at = min(self._patience.end_deadline(), self._patience.stop_deadline(), self._patience.reply_deadline())
        return min(at, swap_at, owed_at, self.uplink.deadline())

    def _release_at(self) -> float:
        return self.playback.interruptible_at() if self.uplink.holding else inf

    def note_released(self) -> None:
        """Look at what was just released to the client."""
        self._listener.note_released()

    # Interruptions that were none.

    def _take_for_false(self, now: float) -> None:
        cut = self._cuts.take()
        continued = self._policy.false_interruption is FalseInterruption.CONTINUE and cut.unfinished
        self._actions.append(FalseInterruptionSeen(continued))
        self._notify(NoticeKind.FALSE_INTERRUPTION, f"a sound without words had interrupted turn {cut.turn}")
        if continued:
            self._ask_to_go_on(cut, now)

    def _take_for_phantom(self, now: float) -> None:
        broken = self.downlink.dispel_doubt(now)
        self._actions.append(PhantomSeen(cut=broken is not None))
        self._notify(NoticeKind.PHANTOM_INTERRUPT, "the model was interrupted by nobody")
        self._watchdog.suspect(now)
        if broken is not None:
            self._ask_to_go_on(broken, now)

    def _ask_to_go_on(self, broken: Broken, now: float) -> None:
        self._handover.break_off(broken)
        if self._handover.request:
            self._notes.drop_interruption()
        if self.links.up and self._handover.request:
            self.uplink.ask(self._handover.request)
            self.uplink.tick(now)
            self._watchdog.expect(now)

    # One link gives way to another.

    def _swap(self, now: float) -> None:
        overlaps = self.links.overlaps_at(now) and self._patience.quiet_at() <= now
        cut = False if overlaps else self._leave_link(now)
        self.links.swap(now, cuts=cut)

    def _leave_link(self, now: float) -> bool:
        """Let go of what the link was doing. Returns whether that broke off a turn."""
        turn = self.downlink.turns.open
        waits = turn is not None and self._calls.of(turn.number)
        if turn is not None and self._listener.in_progress:
            turn.generated = False
        self._listener.leave_link()
        broken = self.downlink.leave_link(CutCause.RECOVERY, now, waits=waits)
        if broken is not None:
            self._handover.break_off(broken)
            return True
        lost = turn is not None and not (turn.told or turn.cut or turn.generated or waits)
        if lost and self._journal.has_words_since(0):
            # An answer of which nobody has heard anything is owed still.
            self._watchdog.expect(now)
        return False

    def _suspect_link(self, sign: Sign, now: float) -> None:
        """The model gives no answer: that is a wedge, unless it may be that there was nothing to answer."""
        if self._handover.request or self._calls.unanswered or self._journal.is_sure() or self.links.spare:
            self._give_up_link(sign, now)
        else:
            self._listener.let_be(now)

    def _give_up_link(self, sign: Sign, now: float) -> None:
        self._actions.append(Wedged(sign))
        self._notify(NoticeKind.WEDGED, f"the model gave no answer ({sign.name.lower()})")
        trouble_at = min(self._watchdog.trouble_at, now if self._watchdog.since is None else self._watchdog.since)
        closing = self.links.replace(sign, trouble_at, now)
        if closing is not None:
            self._end(closing)
            return
        self._leave_link(now)
        self.links.tick(now)

    def _end(self, closing: Closed) -> None:
        turn = self.downlink.turns.open
        self.cut_short = (
            self.owed or not self.links.opened or (turn is not None and not turn.cut and not turn.generated)
        )
        self.closing = closing
        self.downlink.lose()
        self.hang_up()

    def _catch_up(self, now: float) -> None:
        owed = self._watchdog.since is not None and not self._tools.to_give(now)
        replayed = self._handover.catch_up(now, owed=owed)
        if replayed is not None:
            self._actions.append(replayed)
            message = "the user's words were given to the model again"
            self._notify(NoticeKind.INPUT_REPLAYED, message, replayed.seconds)
        if self._handover.request or (replayed is not None and not self._journal.speaking(now)):
            self._watchdog.expect(now + self.uplink.queued_seconds)

    # Who watches is told.

    def _tell_of(self, completed: Renewed | Recovered) -> None:
        self._actions.append(completed)
        if isinstance(completed, Renewed):
            why = {Trigger.AGE: "of its age", Trigger.GO_AWAY: "it was to end", Trigger.CONTEXT: "its context was full"}
            message = f"the link was replaced, because {why[completed.trigger]}"
            self._notify(NoticeKind.RENEWED, message, completed.gap)
        else:
            message = f"a link that was lost ({completed.cause.name.lower()}) was replaced"
            self._notify(NoticeKind.RECOVERED, message, completed.seconds)

    def _notify(self, kind: NoticeKind, message: str, took: float | None = None) -> None:
        if self._options.notices:
            self.playback.outbox.put_urgent(Notice(kind, message, took))


_REACTIONS: dict[type, Callable[[Line, Any, float], None]] = dict.fromkeys(HEARD_EVENTS, Line._listen) | {
    ev.LinkHeld: Line._hold,
    ev.LinkOpened: Line._go_up,
    ev.LinkLost: Line._lose,
}

LINK_EVENTS = frozenset(_REACTIONS)
# What a link can say before it is up.
_OF_DIALS = frozenset({ev.LinkHeld, ev.LinkOpened, ev.LinkLost})
