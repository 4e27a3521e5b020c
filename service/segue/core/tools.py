"""The client's functions: the model's calls go to the client, and the results to whichever link there is by then."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from math import inf

from segue.core import events as ev
from segue.core.admission import Fault
from segue.core.calls import Call
from segue.core.journal import PAUSE
from segue.core.options import Scheduling
from segue.core.outputs import Rejection, ToolCallCancelled
from segue.core.parts import Parts
from segue.core.wording import interim, result_of, returned, timed_out

_INTERRUPTED = '{"error": "the user interrupted"}'


class Tools:
    """One session's. A link that does not remember a call gets its result as a text, with what it was asked for.

    So does one that got an interim answer, since a call can be answered once: as soon as nobody speaks. What it is not
    to speak of it is told as a note, with the user's next words.
    """

    def __init__(self, parts: Parts) -> None:
        self._interim = interim(parts.options.interim_text)
        self._calls = parts.calls
        self._recall = parts.recall
        self._downlink = parts.downlink
        self._evidence = parts.evidence
        self._playback = parts.playback
        self._journal = parts.journal
        self._links = parts.links
        self._uplink = parts.uplink
        self._handover = parts.handover
        self._watchdog = parts.watchdog
        self._notes = parts.notes

    def call(self, event: ev.ToolCalled, now: float) -> None:
        """Take a call of the model's; in a turn that was cut it fails, and the client is not troubled with it."""
        turn = self._playback.turns.open
        assert turn is not None, "a call of no turn"
        if not turn.cut:
            self._calls.add(event.call_id, event.name, event.arguments, turn.number, now)
            self._watchdog.hear()
        else:
            turn.responded = True
            self._uplink.give(Call(event.call_id, event.name, event.arguments, 0, now, False, response=_INTERRUPTED))

    def cancel(self, event: ev.ToolCallsCancelled, now: float) -> None:
        """Tell the client which results nobody wants any more; what was held back for them is sent."""
        for call_id in chain.from_iterable(map(self._calls.named, event.call_ids)):
            if self._calls.cancel(call_id):
                self._playback.outbox.put_urgent(ToolCallCancelled(call_id))
        self._release(now)

    def end_turn(self, turn: int, now: float) -> None:
        """Take it that the model ended a turn: what was held back for calls that it does not wait for is sent."""
        if self._calls.waiting:
            self._calls.end(turn)
            self._release(now)

    def respond(self, event: ev.ToolResultReceived, now: float) -> Fault | None:
        """Take the result of a call; return why it cannot be used, and what to do, where it cannot."""
        call = self._calls.find(event.call_id)
        if call is None:
            advice = "it was answered or cancelled, came too late, or never was: answer each ToolCall once, and in time"
            return Rejection.UNKNOWN_CALL, f"no call {event.call_id!r} waits for a result: {advice}"
        call.respond(event.response, event.scheduling, will_continue=event.will_continue)
        # Of several results each has that time.
        call.due_at = now + call.timeout
        if self._links.up:
            self.give_results(now)
        return None

    def change_link(self, remembers_until: float) -> None:
        """Go over to a link that remembers what was before this time: what it has not been told is told anew."""
        self._calls.move(remembers_until)
        if any(call.put_off for call in self._calls.to_give()) and not self._journal.has_words_since(0):
            # Whatever is owed is owed to them.
            self._watchdog.settle()

    def retell(self, calls: Iterable[Call], now: float) -> None:
        """Give results once more, in other words; in place of those that are still to come, nothing."""
        for call in calls:
            call.known, call.given_at, call.put_off_at = False, inf, inf
        if not self._journal.has_words_since(0):
            self._watchdog.settle()
        self.give_results(now)

    def to_give(self, now: float) -> list[Call]:
        """Return the calls whose results can be given now, to a link that does not have them."""
        return [call for call in self._calls.to_give() if self._free_at(call) <= now]

    def give_results(self, now: float) -> None:
        """Give the results that the link does not have yet; after the last one an answer is expected."""
        calls = self.to_give(now)
        texts = []
        for call in calls:
            call.given_at = now
            self._note_response(call)
            told = self._recall.question(call.turn), call.name, call.arguments, call.response or ""
            if call.answerable:
                self._uplink.give(call)
                if call.blocking and call.will_continue:
                    # A model that waits for results takes one: the others are told as after an interim answer.
                    call.put_off_at = now
            elif call.scheduling is not Scheduling.SILENT:
                texts.append(result_of(*told))
            else:
                # What finds no room among the notes is let go: nobody asked for a word of it.
                self._notes.add(returned(*told))
                call.spent = True
                if not call.will_continue:
                    self._calls.cancel(call.id)
        # A model that waits for a result says nothing that it could interrupt.
        free = [call for call in calls if not (call.answerable and call.blocking)]
        interrupts = any(call.scheduling is Scheduling.INTERRUPT for call in free)
        if interrupts or texts:
            self._evidence.note_result(now, interrupts=interrupts)
        if texts:
            self._watchdog.retold = True
            self._uplink.ask("\n".join(texts))
            self._uplink.tick(now)
        if calls:
            self._go_on(now, expecting=any(call.scheduling is not Scheduling.SILENT for call in calls))
            self._end_silent_turn()

    def tick(self, now: float) -> None:
        """Do what is due: fail calls that took too long, bridge those that take long, and tell what had to wait."""
        for call in self._calls.overdue(now):
            call.respond(timed_out(call.timeout))
            self._playback.outbox.put_urgent(ToolCallCancelled(call.id, timed_out=True))
        if not self._links.up:
            return
        slow = self._calls.slow(now)
        for call in slow:
            call.put_off_at = now
            self._note_response(call)
            self._uplink.give(replace(call, response=self._interim))
        if slow:
            self._go_on(now, expecting=True)
        self.give_results(now)

    def deadline(self) -> float:
        """Return when `tick` has something to do; inf for never."""
        if not self._calls:
            return inf
        due_at = self._calls.due_at()
        if not self._links.up:
            return due_at
        return min(due_at, self._calls.slow_at(), *map(self._free_at, self._calls.to_give()))

    def _note_response(self, call: Call) -> None:
        """Note that the model was given what it may go on with a turn with.

        Where it waits for no result, it answers the words first that it was given before.
        """
        turn, goes_first = self._playback.turns.open, call.blocking or call.scheduling is Scheduling.INTERRUPT
        if turn is not None and turn.number == call.turn and (goes_first or not self._playback.turns.moved_on):
            turn.responded = True

    def _go_on(self, now: float, *, expecting: bool) -> None:
        """Once the model has all that it waited for, it goes on: an answer is expected where it has to give one."""
        if self._calls.waiting:
            return
        self._release(now)
        turn = self._playback.turns.open
        if expecting and not (turn is not None and turn.cut):
            self._watchdog.expect(now + self._uplink.queued_seconds)

    def _end_silent_turn(self) -> None:
        """End a turn that a link which is gone began, once all it waited for are results that need no words."""
        turn = self._playback.turns.open
        if turn is not None and turn.handed_over and not turn.cut and not self._calls.of(turn.number):
            self._downlink.end_turn()

    def _free_at(self, call: Call) -> float:
        """Return from when on a result can be given; inf for as long as its text would interrupt somebody."""
        turn = self._playback.turns.open
        if call.answerable or call.scheduling in (Scheduling.INTERRUPT, Scheduling.SILENT):
            return -inf
        if turn is not None and not (turn.cut or turn.handed_over):
            return inf
        owed = self._watchdog.since is not None
        if owed and (self._journal.has_words_since(0) or self._calls.told):
            # The user has gone on to something else, or another result came first: that is answered first.
            return inf
        if not call.put_off:
            return -inf
        if owed or self._journal.open:
            return inf
        return self._journal.last_voiced_at + PAUSE

    def _release(self, now: float) -> None:
        if not self._calls.waiting:
            self._uplink.make_up(self._handover.serial)
            self._uplink.tick(now)
