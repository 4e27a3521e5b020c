"""One credential's way to the service: links are dialled when a gate lets them, and some connections ahead of it."""

import asyncio
from collections.abc import Callable
from functools import partial
from math import inf
from typing import Protocol, TypeAlias

import structlog

from segue.backend.breaker import Outcome, Refusal
from segue.backend.dialled import DialledLink, ReadyLink
from segue.backend.gate import DialGate
from segue.backend.link import Account, Link
from segue.backend.reserve import Reserve
from segue.core.actions import Purpose, Setup
from segue.core.events import LinkEvent, LinkLost
from segue.core.options import Modality, ServerDetection
from segue.core.profiles import PROFILES, Profile, profile_of

_log = structlog.get_logger(__name__)

# A uvloop timer has whole milliseconds and may be early.
_TIMER_SLACK = 0.0005
_Dial: TypeAlias = DialledLink | ReadyLink


class Watcher(Protocol):
    """Who is told how a credential fares."""

    def breaker_changed(self, family: str, is_open: bool) -> None:
        """Take whether links to models of a family are held off."""

    def availability_changed(self, available: bool) -> None:
        """Take whether new sessions are opened with the credential, as far as it was tried."""

    def reserve_changed(self, ready: int) -> None:
        """Take how many connections stand ready."""


class Dialler:
    """An account that dials another one when its gate lets it. A dial that waits can be hung up.

    Args:
        account: one credential's; closed by `close`.
        profiles: the families of models; each has a breaker of its own.
        rate: so many dials a second may begin in the long run.
        burst: so many may begin at once.
        watcher: told how the credential fares.
        name: what logs call the credential.
    """

    def __init__(
        self,
        account: Account,
        profiles: tuple[Profile, ...] = PROFILES,
        *,
        rate: float = 50.0,
        burst: int = 100,
        watcher: Watcher,
        name: str = "",
    ) -> None:
        self._account = account
        self._profiles = profiles
        self._watcher = watcher
        self._log = _log.bind(credential=name)
        self._gate: DialGate[_Dial] = DialGate(rate, burst)
        self._timer: asyncio.TimerHandle | None = None
        self._engaged: set[DialledLink] = set()
        self._reserve: Reserve[ReadyLink] = Reserve(0)
        self._reserve_setup = _nothing_yet("")

    @property
    def sessions(self) -> int:
        """How many links are set up or about to be: those that are held are not."""
        return len(self._engaged)

    def family_of(self, model: str) -> str:
        """Return the name of the family that a model is of."""
        return profile_of(model, self._profiles).family

    def trusted(self) -> bool:
        """Return whether the service accepts the credential, as far as is known, or it is time to find out."""
        return self._gate.trusts(_now())

    def sound(self, family: str) -> bool:
        """Return whether a session that lost its credential does well to dial here now."""
        return self._gate.sound(family, _now())

    def welcomes(self, family: str) -> bool:
        """Return whether a new session does well to dial here now: nothing is wrong, or it is time to find out."""
        return self._gate.welcomes(family, _now())

    def welcome_at(self, family: str) -> float:
        """Return from when on it does so, as far as is known, on the clock of the event loop."""
        return self._gate.welcome_at(family, _now())

    def dial(
        self,
        number: int,
        setup: Setup,
        report: Callable[[LinkEvent], None],
        *,
        purpose: Purpose = Purpose.OPEN,
        hold: bool = False,
    ) -> Link:
        """Start to open a link as soon as it may be dialled, or report that it may not; see `Account.dial`."""
        family = self.family_of(setup.model)
        link = DialledLink(self, number, setup, report, family=family, purpose=purpose, hold=hold)
        self._gate.ask(link, _now())
        self._proceed()
        return link

    def refuse(self, number: int, setup: Setup, report: Callable[[LinkEvent], None], refusal: Refusal) -> Link:
        """Report that a link is not dialled, and why."""
        link = DialledLink(self, number, setup, report, family="", purpose=Purpose.OPEN, hold=True)
        asyncio.get_running_loop().call_soon(link.refuse, refusal)
        return link

    def prewarm(self, size: int, model: str) -> None:
        """Keep so many connections ready from now on, for sessions with any model that is named without its path."""
        self._reserve = Reserve(size)
        self._reserve_setup = _nothing_yet(model.rpartition("/")[2])
        self._proceed()

    def stop_prewarming(self) -> None:
        """Keep no connections ready any more."""
        for ready in self._reserve.close():
            self._gate.withdraw(ready)
            ready.hang_up()
        self._proceed()

    async def close(self) -> None:
        """Hang up what waits, close the account, and dial no more."""
        self.stop_prewarming()
        for dial in self._gate.waiting:
            dial.hang_up()
        await self._account.close()

    def engage(self, link: DialledLink) -> None:
        """See `Desk`, as for what follows."""
        self._engaged.add(link)

    def release(self, link: DialledLink) -> None:
        self._engaged.discard(link)

    def settle(self, dial: _Dial, outcome: Outcome) -> None:
        self._judge(dial.family, outcome, partial(self._gate.settle, dial, outcome, _now()))

    def shun(self, family: str, lost: LinkLost) -> None:
        """Take what a link was lost to, for which the credential is to blame: new sessions had better go elsewhere."""
        self._judge(family, lost, partial(self._gate.shun, family, lost, _now()))

    def _judge(self, family: str, outcome: Outcome, judge: Callable[[], None]) -> None:
        gate = self._gate
        was_open, was_available = gate.is_open(family), gate.available
        judge()
        is_open = gate.is_open(family)
        if is_open != was_open:
            if isinstance(outcome, LinkLost) and is_open:
                cause = outcome.cause.name.lower()
                self._log.warning("breaker_opened", family=family, cause=cause, message=outcome.message)
            else:
                self._log.info("breaker_closed", family=family)
            self._watcher.breaker_changed(family, is_open)
        if gate.available != was_available:
            if isinstance(outcome, LinkLost):
                self._log.warning("credential_unavailable", message=outcome.message)
            else:
                self._log.info("credential_available")
            self._watcher.availability_changed(gate.available)
        self._proceed()

    def withdraw(self, dial: DialledLink) -> None:
        self._gate.withdraw(dial)
        self._proceed()

    def suspect(self) -> None:
        if cleared := self._reserve.clear():
            for ready in cleared:
                ready.hang_up()
            self._proceed()

    def take_ready(self) -> ReadyLink | None:
        return self._reserve.take() if self._reserve.ready else None

    def stand(self, ready: ReadyLink) -> None:
        self._reserve.stand(ready, _now())
        self._proceed()

    def lose(self, ready: ReadyLink, lost: LinkLost) -> None:
        self._log.info("ready_connection_lost", cause=lost.cause.name.lower(), code=lost.code, message=lost.message)
        self._reserve.lose(ready, _now())
        self.settle(ready, lost)

    def _proceed(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for ready in self._reserve.weed(now):
            ready.hang_up()
        self._begin(now)
        if lacking := self._reserve.lacks(now):
            family = self.family_of(self._reserve_setup.model)
            for _ in range(lacking):
                ready = ReadyLink(self, self._reserve_setup, family)
                self._reserve.expect(ready)
                self._gate.ask(ready, now)
            self._begin(now)
        self._watcher.reserve_changed(self._reserve.ready)
        if self._timer is not None:
            self._timer.cancel()
        deadline = min(self._gate.deadline(), self._reserve.deadline(now))
        self._timer = loop.call_at(deadline + _TIMER_SLACK, self._proceed) if deadline < inf else None

    def _begin(self, now: float) -> None:
        for dial, refusal in self._gate.decide(now, self._reserve.ready):
            if refusal is None:
                dial.begin(self._account)
            elif isinstance(dial, DialledLink):
                # Whoever dials is not prepared to be told something meanwhile.
                asyncio.get_running_loop().call_soon(dial.refuse, refusal)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _nothing_yet(model: str) -> Setup:
    """Return a setup that never goes out."""
    return Setup(model, "", "", "", Modality.AUDIO, ServerDetection(), None)
