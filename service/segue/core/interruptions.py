"""Interruptions that were none, by a sound without words or by nobody: the model goes on with what they cut."""

from segue.core.notices import Notices
from segue.core.parts import Parts
from segue.core.playback import Broken
from segue.core.policy import FalseInterruption


class Interruptions:
    """One session's. What is in doubt, `Cuts` and `Downlink` know."""

    def __init__(self, parts: Parts, notices: Notices) -> None:
        self._continues = parts.policy.false_interruption is FalseInterruption.CONTINUE
        self._notices = notices
        self._cuts = parts.cuts
        self._evidence = parts.evidence
        self._links = parts.links
        self._uplink = parts.uplink
        self._watchdog = parts.watchdog
        self._handover = parts.handover
        self._notes = parts.notes

    def tick(self, now: float) -> None:
        """Take it that what is in doubt for too long was no interruption."""
        if now >= self._evidence.deadline():
            self._take_for_phantom(now)
        if now >= self._cuts.deadline():
            self._take_for_false(now)

    def deadline(self) -> float:
        """Return when `tick` has something to do; inf for never."""
        return min(self._evidence.deadline(), self._cuts.deadline())

    def _take_for_phantom(self, now: float) -> None:
        broken = self._evidence.dispel(now)
        self._notices.phantom(cut=broken is not None)
        self._watchdog.suspect(now)
        if broken is not None:
            self._ask_to_go_on(broken, now)

    def _take_for_false(self, now: float) -> None:
        cut = self._cuts.take()
        continued = self._continues and cut.unfinished
        self._notices.false_interruption(cut.turn, continued=continued)
        if continued:
            self._ask_to_go_on(cut, now)

    def _ask_to_go_on(self, broken: Broken, now: float) -> None:
        self._handover.break_off(broken)
        if self._handover.request:
            self._notes.drop_interruption()
        if self._links.up and self._handover.request:
            self._uplink.ask(self._handover.request)
            self._uplink.tick(now)
            self._watchdog.expect(now)
