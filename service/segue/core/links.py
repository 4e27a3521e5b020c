"""Which link a session has, and which one comes next: renewal before the service ends it, recovery when it is lost.

none ──dial──▶ dialled ──opened──▶ up ──lost, wedged──▶ waiting ──its time──▶ dialled ─ ─ ▶
                  ▲                 │ age, goAway: a second link is dialled and held
                  └────swap─────────┘ at a quiet moment, or at the deadline
"""

from collections import deque
from collections.abc import Callable
from math import inf

from segue.core.actions import Action, Dial, HangUp, Outcome, Purpose, Recovered, Renewed, SetUp, Setup, Sign, Trigger
from segue.core.closings import FATAL, closing_of, wedged
from segue.core.events import LinkLost, LossCause
from segue.core.handles import Handle
from segue.core.outputs import Closed
from segue.core.policy import Policy
from segue.core.profiles import Profile

# How long a connection is held without being used, how long before the end that `goAway` announces a link is renewed
# at the latest, and when a renewal that could not be dialled is tried again, doubling up to the longest, in seconds.
_HOLD_TIMEOUT = 20.0
_GO_AWAY_MARGIN = 5.0
_REDIAL_DELAY = 2.0
_LONGEST_REDIAL_DELAY = 16.0
# A setup that nobody answers is given up after this time, unless an operator has other wishes, in seconds.
_SETUP_TIMEOUT = 5.0
# A session dials so often to recover: each time the user's words are answered to the end gives one back, and so does
# each of these periods, in seconds.
_BUDGET = 10.0
_OPENING_BUDGET = 3.0
_REFILL_PERIOD = 30.0
# Who loses a link that was up for so long dials as if nothing had gone wrong before, in seconds.
_LASTING = 30.0
# The pause before the second try, which doubles from then on up to the longest one, in seconds.
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 8.0
_QUOTA_PAUSE = 5.0
# Who has had no link for so long hangs up, in seconds.
_RECOVERY_TIMEOUT = 60.0
# So many links in a row that resumed by handles and were lost unanswered show that it is the handles.
_FAILED_RESUMES = 2
# So many wedged links in a row end a session.
_WEDGES = 3
_HANDLES = 4


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
        self._profile = profile
        self._policy = policy
        self._setup = setup
        self._suffices = suffices
        self._draw = draw
        self._actions = actions
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
        self._handles: deque[Handle] = deque(maxlen=_HANDLES)
        # The link that is to follow, and since when it is held; inf until it is.
        self.next = 0
        self._held_at = inf
        self._redial_at = -inf
        self._redials = 0
        self._renew_at = inf
        self._renew_by = inf
        self._trigger = Trigger.AGE
        # When the service ends the link, as far as it said.
        self._ends_at = inf
        # The renewal or recovery under way: since when, and of what.
        self._overlaps = policy.overlap
        self._swapped_at = inf
        self._swap_cuts = False
        self._lost_at = inf
        self._cause: LossCause | Sign = LossCause.TRANSIENT
        self._retry_at = inf
        # Whether the model spoke on this link, and what went wrong since it last did on any, or last came to an end.
        self._answered = False
        self._tries = 0
        self._refused = False
        self._failed_resumes = 0
        self._wedges = 0
        self._budget = _OPENING_BUDGET
        self._refilled_at = -inf

    @property
    def recovering(self) -> bool:
        """Return whether a link was lost and none has followed yet."""
        return self._lost_at < inf

    @property
    def due(self) -> bool:
        """Return whether the next link is held, and waits for a quiet moment."""
        return self.up and self._swapped_at == inf and self._held_at < inf

    @property
    def wedges(self) -> int:
        """How many links were found wedged since the user's words were last answered."""
        return self._wedges

    @property
    def spare(self) -> bool:
        """Return whether a link may be given up on a mere suspicion."""
        return not self._wedges and self._budget >= _BUDGET / 2

    @property
    def refused(self) -> bool:
        """Return whether the service called something invalid since the model last answered: it may have been audio."""
        return self._refused

    def knows(self, link: int) -> bool:
        """Return whether what this link says still counts."""
        return link in (self.number, self.next) and link != 0

    def open(self, now: float) -> None:
        """Dial the first link."""
        self._refilled_at = now
        self._dial(Purpose.OPEN, None)

    def keep(self, handle: Handle) -> None:
        """Take a new handle."""
        self._handles.append(handle)

    @property
    def newest(self) -> Handle | None:
        """The newest handle, None where there is none."""
        return self._handles[-1] if self._handles else None

    def forget_handles(self) -> None:
        """Have the next link begin afresh."""
        self._handles.clear()

    def hold(self, now: float) -> None:
        """Take it that the next link waits for its setup."""
        self._held_at, self._redials = now, 0

    def go_up(self, link: int, now: float) -> Renewed | Recovered | None:
        """Take it that a link was set up. Returns what that completes; None for the first link."""
        overlapped = link == self.next
        if overlapped:
            self._actions.append(HangUp(self.number))
            self.number, self.next, self._held_at = self.next, 0, inf
        self.up = True
        self.opened += 1
        self.messages = 0
        self._up_since = now
        self._answered = False
        self._ends_at = inf
        self._renew_at = now + self._profile.age_limit - self._policy.renewal_jitter * self._draw()
        self._renew_by = now + self._profile.age_deadline
        completed = self._completed(now, overlapped=overlapped)
        self._trigger = Trigger.AGE
        self._lost_at = self._swapped_at = inf
        if self.opened == 1:
            self._budget = _BUDGET
        return completed

    def _completed(self, now: float, *, overlapped: bool) -> Renewed | Recovered | None:
        resumed = self.resumed is not None
        if self.recovering and self.opened > 1:
            return Recovered(self._cause, now - self._lost_at, Outcome.RESUMED if resumed else Outcome.FRESH)
        if self._swapped_at < inf:
            return Renewed(self._trigger, 0.0 if overlapped else now - self._swapped_at, resumed, self._swap_cuts)
        return None

    def begun(self) -> None:
        """Take it that the model began to answer: nothing is wrong with the handle or with what the link got."""
        self._answered = True
        self._failed_resumes = 0
        self._refused = False

    def answered(self) -> None:
        """Take it that the model answered words of the user to the end: the link is good.

        That it began to is no reason to try again: it may be what each link breaks at.
        """
        self._tries = self._wedges = 0
        self._budget = min(_BUDGET, self._budget + 1)

    # Renewal.

    def hurry(self, now: float, time_left: float) -> None:
        """Take it that the service ends the link soon."""
        self._ends_at = min(self._ends_at, now + time_left)
        if self._renew_at > now:
            self._trigger = Trigger.GO_AWAY
        self._renew_at = min(self._renew_at, now)
        self._renew_by = min(self._renew_by, now + max(time_left - _GO_AWAY_MARGIN, time_left / 2))

    def start_afresh(self, now: float) -> None:
        """Have the link be replaced at the next quiet moment by one that remembers nothing but what it is told."""
        if self._trigger is not Trigger.CONTEXT:
            self._trigger = Trigger.CONTEXT
            self._renew_at = min(self._renew_at, now)

    def prepare(self, now: float) -> None:
        """Dial the next link where it is time to, and dial anew one that was held for too long."""
        if not self.up or now < self._renew_at or self._swapped_at < inf:
            return
        if self.next and now >= self._held_at + _HOLD_TIMEOUT:
            self._actions.append(HangUp(self.next))
            self.next, self._held_at = 0, inf
        if not self.next and now >= self._redial_at:
            self._last += 1
            self.next = self._last
            self._actions.append(Dial(self.next, self._setup(self._next_handle()), Purpose.RENEWAL, hold=True))

    def swap_at(self, quiet_at: float) -> float:
        """Return when the link is to be swapped, if it is quiet from that time on; inf for never."""
        if not self.up or self._swapped_at < inf:
            return inf
        if self._held_at < inf:
            return max(self._renew_at, min(self._renew_by, quiet_at))
        # A link that nobody ends is better than none, and a dial that is under way has half of the time that is left.
        if self.next:
            return (self._renew_by + self._ends_at) / 2
        return self._renew_by if self._ends_at < inf else inf

    def overlaps_at(self, now: float) -> bool:
        """Return whether the link is to last until the next one is up: not where a setup that fails lasted too long."""
        return self._overlaps and self._held_at < inf and now + _SETUP_TIMEOUT < self._renew_by

    def swap(self, now: float, *, cuts: bool) -> None:
        """Go over to the next link; `cuts` tells that it costs a turn its rest."""
        handle = self._next_handle()
        if self._trigger is Trigger.CONTEXT:
            self.forget_handles()
        self._swapped_at, self._swap_cuts = now, cuts
        held = self.next if self._held_at < inf else 0
        if self.overlaps_at(now) and not cuts:
            self.resumed = handle
            self._actions.append(SetUp(held, self._setup(handle)))
            return
        self._hang_up_current()
        if held:
            self._take_held(handle)
        else:
            self._hang_up_next()
            # There is none now, as after a loss.
            self._dial(Purpose.RECOVERY, handle)

    def _next_handle(self) -> Handle | None:
        handle = self.newest
        return handle if handle and self._trigger is not Trigger.CONTEXT and self._suffices(handle) else None

    # Recovery.

    def lose_next(self, now: float) -> None:
        """Take it that the link that was to follow is gone; the present one still works."""
        # Where a service does not have a session on two links, that was why: the next one waits for the old one's end.
        refused = self._swapped_at < inf
        self._overlaps = self._overlaps and not refused
        self.next, self._held_at = 0, inf
        self._swapped_at = inf
        self._redials += 1
        self._redial_at = now if refused else now + min(_REDIAL_DELAY * 2 ** (self._redials - 1), _LONGEST_REDIAL_DELAY)

    def lose(self, lost: LinkLost, now: float) -> Closed | None:
        """Take it that the link that counts is gone. Returns how the session ends, where it gets no other.

        Where it gets one, `tick` dials it.
        """
        self._refused = self._refused or lost.cause is LossCause.INVALID
        self._forget_tries(now)
        self.number = 0
        if lost.cause in FATAL or (not self.opened and lost.cause in (LossCause.QUOTA, LossCause.INTERNAL)):
            return self._give_up(closing_of(lost), lost.cause, now)
        if self.resumed and not self._answered and lost.cause is not LossCause.UNAVAILABLE:
            self._failed_resumes += 1
            at_once = lost.cause in (LossCause.HANDLE, LossCause.INVALID)
            if at_once or self._failed_resumes >= _FAILED_RESUMES:
                self.forget_handles()
        pause = self._pause(lost)
        if not self._may_try(now, pause):
            return self._give_up(closing_of(lost), lost.cause, now)
        self._recover(lost.cause, now, pause)
        return None

    def replace(self, sign: Sign, trouble_at: float, now: float) -> Closed | None:
        """Give up a link that is wedged. Returns how the session ends, where it gets no other; else `tick` dials."""
        self._forget_tries(now)
        self._hang_up_current()
        self._wedges += 1
        if self._wedges > 1:
            self.forget_handles()
        while self._handles and self._handles[-1].at >= trouble_at:
            self._handles.pop()
        if self._wedges >= _WEDGES or not self._may_try(now, 0.0):
            return self._give_up(wedged(self._wedges), sign, now)
        # What is wrong with a link is nothing that another connection must suffer from, if one stands already.
        self._recover(sign, now, 0.0, keep_next=self._held_at < inf)
        return None

    def tick(self, now: float) -> None:
        """Dial if it is time to try again."""
        if now < self._retry_at:
            return
        self._retry_at = inf
        if self._held_at < inf:
            self._take_held(self._next_handle())
        else:
            self._dial(Purpose.RECOVERY if self.opened else Purpose.OPEN, self._next_handle())

    def overdue(self, now: float) -> Closed | None:
        """Return how the session ends, where it has waited for too long for a link that nothing is heard of."""
        if now < self._recover_by():
            return None
        message = f"No link could be had within {_RECOVERY_TIMEOUT:g} s. Open a session again."
        cause = LossCause.UNAVAILABLE
        return self._give_up(closing_of(LinkLost(self.number, cause, message)), cause, now)

    def deadline(self) -> float:
        """Return when `tick`, `overdue` or `prepare` has something to do; inf for never."""
        if not self.up or self._swapped_at < inf:
            return min(self._retry_at, self._recover_by())
        if self.next:
            return self._held_at + _HOLD_TIMEOUT
        return max(self._renew_at, self._redial_at)

    def hang_up(self) -> None:
        """Be without links from here on."""
        self._hang_up_current()
        self._hang_up_next()
        self._retry_at = self._lost_at = self._swapped_at = inf

    def _recover(self, cause: LossCause | Sign, now: float, pause: float, *, keep_next: bool = False) -> None:
        # Where links overlap, the next one may be being set up already.
        follows = self.next if self._swapped_at < inf else 0
        self.number, self.up = 0, False
        if follows:
            self.number, self.next, self._held_at = follows, 0, inf
        elif not keep_next:
            self._hang_up_next()
        if self._lost_at == inf:
            # A renewal that fails has been without a link since it began.
            self._lost_at, self._cause = now if follows else min(now, self._swapped_at), cause
        self._swapped_at = inf
        self._tries += 1
        self._budget -= 1
        self._retry_at = inf if follows else now + pause

    def _forget_tries(self, now: float) -> None:
        # Pauses spare a service that refuses links, or ends them soon.
        if self.up and now >= self._up_since + _LASTING:
            self._tries = 0

    def _pause(self, lost: LinkLost) -> float:
        pause = 0.0
        if self._tries:
            pause = min(_FIRST_PAUSE * 2 ** (self._tries - 1), _LONGEST_PAUSE) * (0.5 + self._draw())
        if lost.cause is LossCause.QUOTA:
            pause = max(pause, _QUOTA_PAUSE * 2**self._tries)
        return max(pause, lost.retry_delay or 0.0)

    def _may_try(self, now: float, pause: float) -> bool:
        self._budget = min(_BUDGET, self._budget + max(0.0, now - self._refilled_at) / _REFILL_PERIOD)
        self._refilled_at = now
        lost_at = min(self._lost_at, now)
        return self._budget >= 1 and now + pause <= lost_at + _RECOVERY_TIMEOUT

    def _recover_by(self) -> float:
        return inf if self.up else min(self._lost_at, self._swapped_at) + _RECOVERY_TIMEOUT

    def _give_up(self, closing: Closed, cause: LossCause | Sign, now: float) -> Closed:
        if self.opened:
            self._actions.append(Recovered(cause, now - min(self._lost_at, self._swapped_at, now), Outcome.FAILED))
        self.up = False
        self.hang_up()
        return closing

    def _take_held(self, handle: Handle | None) -> None:
        self.number, self.next, self._held_at = self.next, 0, inf
        self.up, self.resumed, self._answered = False, handle, False
        self._actions.append(SetUp(self.number, self._setup(handle)))

    def _dial(self, purpose: Purpose, handle: Handle | None) -> None:
        self._last += 1
        self.number, self.up, self.resumed, self._answered = self._last, False, handle, False
        self._actions.append(Dial(self.number, self._setup(handle), purpose))

    def _hang_up_current(self) -> None:
        if self.number:
            self._actions.append(HangUp(self.number))
        self.number, self.up = 0, False

    def _hang_up_next(self) -> None:
        if self.next:
            self._actions.append(HangUp(self.next))
        self.next, self._held_at = 0, inf
