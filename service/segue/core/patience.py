"""What is waited for, and until when: a quiet moment to change links in, and what a model that works does in time."""

from math import inf

from segue.core.listener import Listener
from segue.core.parts import Parts

# No sound for so long, and no handle for a turn that ended so long ago: a quiet moment, in seconds.
_QUIET = 1.0
# A backend that ends no turn although all of it was played, or cut, is taken to have ended it then, in seconds.
_END_TIMEOUT = 8.0


class Patience:
    """Deadlines of one session, from what its parts know. All are inf where nothing is waited for."""

    def __init__(self, parts: Parts, listener: Listener) -> None:
        self._listener = listener
        self._profile = parts.profile
        self._links = parts.links
        self._uplink = parts.uplink
        self._journal = parts.journal
        self._downlink = parts.downlink
        self._evidence = parts.evidence
        self._watchdog = parts.watchdog
        self._calls = parts.calls
        self._cuts = parts.cuts

    def quiet_at(self) -> float:
        """Return from when on nothing is under way that a change of links could disturb, if nothing happens."""
        turn = self._downlink.turns.open
        restless = (
            self._watchdog.since is not None
            or self._calls.pending
            or self._uplink.queued
            or self._uplink.holding
            or self._cuts.deadline() < inf
            or self._evidence.deadline() < inf
            or (turn is not None and not turn.cut)
        )
        if restless:
            return inf
        handle, completed_at = self._links.newest, self._downlink.completed_at
        quiet_at = max(self._journal.last_voiced_at + _QUIET, self._watchdog.busy_until)
        if handle is None or handle.at < completed_at:
            quiet_at = max(quiet_at, completed_at + _QUIET)
        if turn is not None:
            quiet_at = max(quiet_at, turn.cut_at + _END_TIMEOUT)
        wordless_at = self._journal.wordless_deadline()
        return quiet_at if wordless_at == inf else max(quiet_at, wordless_at)

    def end_deadline(self) -> float:
        """Return when a turn that was generated and never ended is taken to be over, or whose end was put off."""
        turn = self._downlink.turns.open
        if turn is None or turn.cut or not (turn.generated or self._listener.in_progress):
            return inf
        return max(max(self.played_at(), self._downlink.spoke_at) + _END_TIMEOUT, self._watchdog.busy_until)

    def stop_deadline(self) -> float:
        """Return when a turn that was begun and neither goes on nor ends shows that the link is wedged."""
        turn = self._downlink.turns.open
        if turn is None or turn.cut or turn.generated or self._listener.in_progress or self._calls.holding:
            return inf
        spoken_at = max(self.played_at(), self._downlink.spoke_at, self._watchdog.since or -inf)
        timeout = self._profile.reply_timeout + self._profile.thinking
        return max(spoken_at + timeout, self._watchdog.busy_until)

    def reply_deadline(self) -> float:
        """Return when a reply that is expected and does not come shows that the link is wedged."""
        turn = self._downlink.turns.open
        waits = self._calls.waiting or self._uplink.queued or self._uplink.holding or self._journal.open
        if waits or (turn is not None and not turn.cut):
            return inf
        return max(self._watchdog.deadline(), self._downlink.completed_at + self._watchdog.timeout)

    def played_at(self) -> float:
        """Return when all that has come so far was played, or will be."""
        outbox = self._downlink.playback.outbox
        return outbox.player.dry_at + outbox.held
