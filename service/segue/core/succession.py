"""How one link succeeds another: it is renewed, lost or given up, and the next one is told what was under way.

Where none follows, that is how the session ends.
"""

from math import inf

from segue.core.actions import Recovered, Sign, Wedged
from segue.core.closings import context_full
from segue.core.events import LinkLost, LossCause
from segue.core.listener import Listener
from segue.core.notices import Notices
from segue.core.outputs import Closed, CutCause
from segue.core.parts import Parts
from segue.core.patience import Patience
from segue.core.tools import Tools
from segue.core.updates import Updates
from segue.core.wording import begin

# A window so full explains that the service took no more.
_FULL = 0.9


class Succession:
    """One session's. `Links` decides when to dial what, and `Handover` what goes over.

    Attributes:
        closing: how the session ends, once no other link can be had; None until then.
        cut_short: whether that cost the client anything.
    """

    def __init__(
        self, parts: Parts, tools: Tools, listener: Listener, updates: Updates, patience: Patience, notices: Notices
    ) -> None:
        self._first_turn = parts.options.first_turn
        self._calls = parts.calls
        self._tools = tools
        self._listener = listener
        self._updates = updates
        self._patience = patience
        self._notices = notices
        self._actions = parts.actions
        self._profile = parts.profile
        self._downlink = parts.downlink
        self._playback = parts.playback
        self._links = parts.links
        self._uplink = parts.uplink
        self._journal = parts.journal
        self._watchdog = parts.watchdog
        self._handover = parts.handover
        self.closing: Closed | None = None
        self.cut_short = False

    @property
    def owed(self) -> bool:
        """Return whether somebody waits for the model: for its answer, or for the rest of a turn that broke off."""
        return bool(self._handover.request) or self._watchdog.since is not None or self._uplink.holding

    def open(self, now: float) -> None:
        """Dial the first link."""
        if self._first_turn is not None:
            self._handover.ask(begin(self._first_turn))
            self._watchdog.expect(now)
        self._links.open(now)

    def hang_up(self) -> None:
        """Be without links from here on."""
        self._links.hang_up()
        self._watchdog.settle()
        self._handover.forget_request()

    def go_up(self, link: int, now: float, credential: str = "") -> None:
        """Take it that a link was set up, with this credential: it goes on with what was under way."""
        if link == self._links.next:
            # The old one was kept until now, and whatever it was doing ends with it.
            self._leave_link(now)
        completed = self._links.go_up(link, now, credential)
        # A session does not end because its last link is as slow as a service can be that works.
        self._watchdog.renew(suspect=isinstance(completed, Recovered), patient=self._links.last_resort)
        resumed = self._links.resumed
        if completed is not None:
            self._uplink.change_link()
        self._tools.change_link(resumed.at if resumed else -inf)
        if not resumed:
            self._listener.tokens = 0
        self._updates.tell_again(now)
        if completed is None:
            self._playback.active_at = now
            if self._handover.request:
                self._uplink.ask(self._handover.request)
        else:
            self._notices.replaced(completed)
            self._catch_up(now)
        if self._watchdog.since is not None:
            # What the model ends while silence behind the words is still on its way may be its answer to them.
            self._watchdog.expect(now + self._uplink.worded_seconds)
            self._watchdog.wait(now + self._uplink.queued_seconds)
        self._tools.give_results(now)
        self._uplink.tick(now)

    def lose(self, lost: LinkLost, now: float) -> None:
        """Take it that a link is gone."""
        if lost.link == self._links.next:
            self._links.lose_next(now)
            return
        if lost.cause is LossCause.STALLED:
            self._actions.append(Wedged(Sign.DEAD_SOCKET))
        full = lost.cause is LossCause.INVALID and self._listener.tokens >= _FULL * self._profile.window
        if full:
            self._links.forget_handles()
        self._updates.lose(lost.cause, now)
        was_up = self._links.up
        closing = self._links.lose(lost, now)
        if closing is not None:
            self.end(context_full(lost.message) if full else closing)
            return
        if was_up:
            self._leave_link(now)
        self._links.tick(now)

    def swap_at(self) -> float:
        """Return when the link is to be swapped; inf for never."""
        return self._links.swap_at(self._patience.quiet_at() if self._links.due else inf)

    def swap(self, now: float) -> None:
        """Go over to the next link."""
        overlaps = self._links.overlaps_at(now) and self._patience.quiet_at() <= now
        cut = False if overlaps else self._leave_link(now)
        self._links.swap(now, cuts=cut)

    def judge(self, sign: Sign | None, now: float) -> None:
        """Take what shows that the link is wedged, None for nothing: it is given up.

        That the model gives no answer shows nothing where there may have been nothing to answer.
        """
        if sign is None:
            return
        sure = self._handover.request or self._calls.unanswered or self._journal.is_sure() or self._links.spare
        if sign in (Sign.EMPTY_TURNS, Sign.SILENCE) and not sure:
            self._listener.let_be(now)
        else:
            self._give_up_link(sign, now)

    def end(self, closing: Closed) -> None:
        """Take it that no other link can be had."""
        turn = self._downlink.turns.open
        self.cut_short = (
            self.owed or not self._links.opened or (turn is not None and not turn.cut and not turn.generated)
        )
        self.closing = closing
        self._downlink.lose()
        self.hang_up()

    def _give_up_link(self, sign: Sign, now: float) -> None:
        self._notices.wedged(sign)
        self._listener.give_up_link(now)
        trouble_at = min(self._watchdog.trouble_at, now if self._watchdog.since is None else self._watchdog.since)
        closing = self._links.replace(sign, trouble_at, now)
        if closing is not None:
            self.end(closing)
            return
        self._leave_link(now)
        self._links.tick(now)

    def _leave_link(self, now: float) -> bool:
        """Let go of what the link was doing. Returns whether that broke off a turn."""
        turn = self._downlink.turns.open
        waits = turn is not None and self._calls.of(turn.number)
        if turn is not None and self._listener.in_progress:
            turn.generated = False
        elif turn is not None and turn.generated and not (turn.cut or waits):
            # All of it is in the outbox: what it answers is answered.
            self._playback.tell(turn)
            self._listener.note_released()
        self._listener.leave_link()
        broken = self._downlink.leave_link(CutCause.RECOVERY, now, waits=waits)
        if broken is not None:
            self._handover.break_off(broken)
            return True
        lost = turn is not None and not (turn.told or turn.cut or turn.generated or waits)
        if lost and self._journal.has_words_since(0):
            # An answer of which nobody has heard anything is owed still.
            self._watchdog.expect(now)
        return False

    def _catch_up(self, now: float) -> None:
        owed = self._watchdog.since is not None and not self._tools.to_give(now)
        replayed = self._handover.catch_up(now, owed=owed)
        if replayed is not None:
            self._notices.replayed(replayed)
        if self._handover.request or (replayed is not None and not self._journal.speaking(now)):
            self._watchdog.expect(now + self._uplink.queued_seconds)
