"""The client's functions: the model's calls go to the client, and the results to whichever link there is by then."""

from collections.abc import Iterable
from math import inf

from segue.core import events as ev
from segue.core.admission import Fault
from segue.core.calls import Call
from segue.core.options import Scheduling
from segue.core.outputs import Rejection, ToolCallCancelled
from segue.core.parts import Parts
from segue.core.wording import result_of

_INTERRUPTED = '{"error": "the user interrupted"}'


class Tools:
    """One session's. A link that does not remember a call gets its result as a text, with what it was asked for."""

    def __init__(self, parts: Parts) -> None:
        self._calls = parts.calls
        self._recall = parts.recall
        self._playback = parts.playback
        self._links = parts.links
        self._uplink = parts.uplink
        self._handover = parts.handover
        self._watchdog = parts.watchdog

    def call(self, event: ev.ToolCalled, now: float) -> None:
        """Take a call of the model's; in a turn that was cut it fails, and the client is not troubled with it."""
        turn = self._playback.turns.open
        if turn is not None and not turn.cut:
            self._calls.add(event.call_id, event.name, event.arguments, turn.number, now)
            self._watchdog.hear()
        else:
            self._uplink.give(Call(event.call_id, event.name, event.arguments, 0, now, False, response=_INTERRUPTED))

    def cancel(self, event: ev.ToolCallsCancelled, now: float) -> None:
        """Tell the client which results nobody wants any more; what was held back for them is sent."""
        for call_id in event.call_ids:
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
            advice = "it was answered or cancelled, or never was: answer each ToolCall once"
            return Rejection.UNKNOWN_CALL, f"no call {event.call_id!r} waits for a result: {advice}"
        call.response, call.scheduling, call.will_continue = event.response, event.scheduling, event.will_continue
        call.given_at = inf
        if self._links.up:
            self.give_results(now)
        return None

    def retell(self, calls: Iterable[Call], now: float) -> None:
        """Give results once more, in other words."""
        for call in calls:
            call.known, call.given_at = False, inf
        self.give_results(now)

    def give_results(self, now: float) -> None:
        """Give the results that the link does not have yet; after the last one an answer is expected."""
        calls = self._calls.to_give()
        texts = []
        for call in calls:
            call.given_at = now
            if call.known:
                self._uplink.give(call)
            elif call.scheduling is not Scheduling.SILENT:
                question = self._recall.question(call.turn)
                texts.append(result_of(question, call.name, call.arguments, call.response or ""))
        if texts:
            self._watchdog.retold = True
            self._uplink.ask("\n".join(texts))
            self._uplink.tick(now)
        if not calls or self._calls.waiting:
            return
        self._release(now)
        turn = self._playback.turns.open
        muted = turn is not None and turn.cut
        if not muted and any(call.scheduling is not Scheduling.SILENT for call in calls):
            self._watchdog.expect(now + self._uplink.queued_seconds)

    def _release(self, now: float) -> None:
        if not self._calls.waiting:
            self._uplink.make_up(self._handover.serial)
            self._uplink.tick(now)
