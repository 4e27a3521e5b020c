"""Which link a session has, and which one comes next: renewal before the service ends it, recovery when it is lost.

none ──dial──▶ dialled ──opened──▶ up ──lost, wedged──▶ waiting ──its time──▶ dialled ─ ─ ▶
                  ▲                 │ age, goAway: a second link is dialled and held
                  └────swap─────────┘ at a quiet moment, or at the deadline
"""

from collections.abc import Callable
from math import inf

from segue.core.actions import Action, Dial, HangUp, Outcome, Purpose, Recovered, Renewed, SetUp, Setup, Sign, Trigger
from segue.core.closings import FATAL, closing_of, wedged
from segue.core.events import LinkLost, LossCause
from segue.core.handles import Handle, Handles
from segue.core.outputs import Closed
from segue.core.policy import Policy
from segue.core.profiles import Profile
from segue.core.recovery import Recovery, timed_out
from segue.core.renewal import Renewal


class Links:
    """The links of one session. Times are in seconds.

    Args:
        setup: returns what a link is set up with that resumes by a handle, or begins afresh.
        suffices: tells whether a link that resumes by a handle can learn the rest.
        draw: gives numbers from 0 to 1.
        actions: where dials and hang-ups are appended.
    """

    def __init__(
        self,
        profile: Profile,
        policy: Policy,
        setup: Callable[[Handle | None], Setup],
        suffices: Callable[[Handle], bool],
        draw: Callable[[], float],
        actions: list[Action],
    ) -> None:
        self._setup = setup
        self._actions = actions
        self._handles = Handles(suffices)
        self._renewal = Renewal(profile, policy, draw)
        self._recovery = Recovery(draw)
        self._last = 0
        # The link that counts, 0 for none, and whether it can be talked to.
        self.number = 0
        self.up = False
        # How often any was up, and how many messages the present one carried.
        self.opened = 0
        self.messages = 0
        self._up_since = inf
        # The handle that the present one resumed by.
        self.resumed: Handle | None = None
        # Whether the model spoke on this link, and what the service called invalid since it last did on any.
        self._answered = False
        self._refused = False

    @property
    def next(self) -> int:
        """The link that is to follow, 0 for none."""
        return self._renewal.next

    @property
    def due(self) -> bool:
        """Return whether the next link is held, and waits for a quiet moment."""
        return self.up and not self._renewal.under_way and self._renewal.held

    @property
    def wedges(self) -> int:
        """How many links were found wedged since the user's words were last answered."""
        return self._recovery.wedges

    @property
    def spare(self) -> bool:
        """Return whether a link may be given up on a mere suspicion."""
        return self._recovery.spare

    @property
    def last_resort(self) -> bool:
        """Return whether the session ends if this link is found wedged, too."""
        return self._recovery.last_resort

    @property
    def refused(self) -> bool:
        """Return whether the service called something invalid since the model last answered: it may have been audio."""
        return self._refused

    def knows(self, link: int) -> bool:
        """Return whether what this link says still counts."""
        return link in (self.number, self.next) and link != 0

    def open(self, now: float) -> None:
        """Dial the first link."""
        self._recovery.open(now)
        self._dial(Purpose.OPEN, None)

    def keep(self, handle: Handle) -> None:
        """Take a new handle."""
        self._handles.keep(handle)

    @property
    def newest(self) -> Handle | None:
        """The newest handle, None where there is none."""
        return self._handles.newest

    def forget_handles(self) -> None:
        """Have the next link begin afresh."""
        self._handles.forget()

    def hold(self, now: float, credential: str = "") -> None:
        """Take it that the next link waits for its setup, with this credential."""
        self._renewal.hold(now, credential)

    def go_up(self, link: int, now: float, credential: str = "") -> Renewed | Recovered | None:
        """Take it that a link was set up with a credential. Returns what that completes; None for the first link."""
        self._handles.change_credential(credential)
        overlapped = link == self.next
        if overlapped:
            self._actions.append(HangUp(self.number))
            self.number = self._renewal.take()
        self.up = True
        self.opened += 1
        self.messages = 0
        self._up_since = now
        self._answered = False
        completed = self._completed(now, overlapped=overlapped)
        self._renewal.plan(now)
        self._recovery.end()
        if self.opened == 1:
            self._recovery.open_up()
        return completed

    def _completed(self, now: float, *, overlapped: bool) -> Renewed | Recovered | None:
        resumed = self.resumed is not None
        recovery, renewal = self._recovery, self._renewal
        if recovery.under_way and self.opened > 1:
            return Recovered(recovery.cause, now - recovery.since, Outcome.RESUMED if resumed else Outcome.FRESH)
        if renewal.under_way:
            return Renewed(renewal.trigger, 0.0 if overlapped else now - renewal.since, resumed, renewal.cuts)
        return None

    def begun(self) -> None:
        """Take it that the model began to answer: nothing is wrong with the handle or with what the link got."""
        self._answered = True
        self._handles.succeed()
        self._refused = False

    def answered(self) -> None:
        """Take it that the model answered words of the user to the end: the link is good.

        That it began to is no reason to try again: it may be what each link breaks at.
        """
        self._recovery.answered()

    # Renewal.

    def hurry(self, now: float, time_left: float) -> None:
        """Take it that the service ends the link soon."""
        self._renewal.hurry(now, time_left)

    def start_afresh(self, trigger: Trigger, now: float) -> None:
        """Have the link be replaced at the next quiet moment by one that remembers nothing but what it is told."""
        self._renewal.start_afresh(trigger, now)

    def prepare(self, now: float) -> None:
        """Dial the next link where it is time to, and dial anew one that was held for too long."""
        if not self.up or now < self._renewal.at or self._renewal.under_way:
            return
        if self.next and now >= self._renewal.deadline():
            self._hang_up_next()
        if not self.next and now >= self._renewal.deadline():
            self._last += 1
            self._renewal.expect(self._last, now)
            setup = self._setup(self._next_handle())
            self._actions.append(
                Dial(self.next, setup, Purpose.RENEWAL, hold=True, credential=self._handles.credential)
            )

    def swap_at(self, quiet_at: float) -> float:
        """Return when the link is to be swapped, if it is quiet from that time on; inf for never."""
        return self._renewal.swap_at(quiet_at) if self.up else inf

    def overlaps_at(self, now: float) -> bool:
        """Return whether the link is to last until the next one is up: not where a setup that fails lasted too long."""
        return self._renewal.overlaps_at(now)

    def swap(self, now: float, *, cuts: bool) -> None:
        """Go over to the next link; `cuts` tells that it costs a turn its rest."""
        handle = self._next_handle()
        self._renewal.begin(now, cuts=cuts)
        if self.overlaps_at(now) and not cuts:
            self.resumed = handle
            self._actions.append(SetUp(self.next, self._setup(handle)))
            return
        self._hang_up_current()
        if self._renewal.held:
            self._take_held(handle)
        else:
            self._hang_up_next()
            # There is none now, as after a loss.
            self._dial(Purpose.RECOVERY, handle)

    def _next_handle(self) -> Handle | None:
        if self._renewal.trigger.afresh:
            self.forget_handles()
        crosses = self._renewal.held and self._renewal.credential != self._handles.credential
        return None if crosses else self._handles.best

    # Recovery.

    def lose_next(self, now: float) -> None:
        """Take it that the link that was to follow is gone; the present one still works."""
        self._renewal.fail(now)

    def lose(self, lost: LinkLost, now: float) -> Closed | None:
        """Take it that the link that counts is gone. Returns how the session ends, where it gets no other.

        Where it gets one, `tick` dials it.
        """
        self._refused = self._refused or lost.cause is LossCause.INVALID
        self._forgive(now)
        self.number = 0
        if lost.elsewhere:
            self._handles.change_credential("")
        elif lost.cause in FATAL or (not self.opened and lost.cause in (LossCause.QUOTA, LossCause.INTERNAL)):
            return self._give_up(closing_of(lost), lost.cause, now)
        if self.resumed and not self._answered:
            self._handles.fail(lost.cause)
        pause = self._recovery.pause(lost)
        if not self._recovery.may_try(now, pause):
            return self._give_up(closing_of(lost), lost.cause, now)
        self._recover(lost.cause, now, pause)
        return None

    def replace(self, sign: Sign, trouble_at: float, now: float) -> Closed | None:
        """Give up a link that is wedged. Returns how the session ends, where it gets no other; else `tick` dials."""
        self._forgive(now)
        self._hang_up_current()
        self._recovery.wedges += 1
        if self._recovery.wedges > 1:
            self.forget_handles()
        self._handles.forget_since(trouble_at)
        if not self._recovery.may_try(now, 0.0):
            return self._give_up(wedged(self._recovery.wedges), sign, now)
        # What is wrong with a link is nothing that another connection must suffer from, if one stands already.
        self._recover(sign, now, 0.0, keep_next=self._renewal.held)
        return None

    def tick(self, now: float) -> None:
        """Dial if it is time to try again."""
        if now < self._recovery.retry_at:
            return
        self._recovery.retry_at = inf
        if self._renewal.held:
            self._take_held(self._next_handle())
        else:
            self._dial(Purpose.RECOVERY if self.opened else Purpose.OPEN, self._next_handle())

    def overdue(self, now: float) -> Closed | None:
        """Return how the session ends, where it has waited for too long for a link that nothing is heard of."""
        if now < self._give_up_at:
            return None
        return self._give_up(timed_out(), LossCause.UNAVAILABLE, now)

    def deadline(self) -> float:
        """Return when `tick`, `overdue` or `prepare` has something to do; inf for never."""
        if not self.up or self._renewal.under_way:
            return min(self._recovery.retry_at, self._give_up_at)
        return self._renewal.deadline()

    def hang_up(self) -> None:
        """Be without links from here on."""
        self._hang_up_current()
        self._hang_up_next()
        self._recovery.end()
        self._renewal.end()

    def _recover(self, cause: LossCause | Sign, now: float, pause: float, *, keep_next: bool = False) -> None:
        # Where links overlap, the next one may be being set up already.
        follows = self.next != 0 and self._renewal.under_way
        self.number, self.up = 0, False
        if follows:
            self.number = self._renewal.take()
        elif not keep_next:
            self._hang_up_next()
        # A renewal that fails has been without a link since it began.
        since = now if follows else min(now, self._renewal.since)
        self._recovery.begin(cause, since, inf if follows else now + pause)
        self._renewal.end()

    def _forgive(self, now: float) -> None:
        if self.up:
            self._recovery.forgive(now - self._up_since)

    @property
    def _give_up_at(self) -> float:
        return inf if self.up else self._recovery.give_up_at(self._renewal.since)

    def _give_up(self, closing: Closed, cause: LossCause | Sign, now: float) -> Closed:
        if self.opened:
            since = min(self._recovery.since, self._renewal.since, now)
            self._actions.append(Recovered(cause, now - since, Outcome.FAILED))
        self.up = False
        self.hang_up()
        return closing

    def _take_held(self, handle: Handle | None) -> None:
        self.number = self._renewal.take()
        self.up, self.resumed, self._answered = False, handle, False
        self._actions.append(SetUp(self.number, self._setup(handle)))

    def _dial(self, purpose: Purpose, handle: Handle | None) -> None:
        self._last += 1
        self.number, self.up, self.resumed, self._answered = self._last, False, handle, False
        self._actions.append(Dial(self.number, self._setup(handle), purpose, credential=self._handles.credential))

    def _hang_up_current(self) -> None:
        if self.number:
            self._actions.append(HangUp(self.number))
        self.number, self.up = 0, False

    def _hang_up_next(self) -> None:
        if self.next:
            self._actions.append(HangUp(self._renewal.take()))
