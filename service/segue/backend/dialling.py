"""A backend around a backend, which dials when a gate lets it."""

import asyncio
from collections.abc import Callable
from math import inf

import structlog

from segue.backend.gate import DialGate, Outcome, Refusal
from segue.backend.link import Backend, Link
from segue.core.actions import Purpose, Setup
from segue.core.events import LinkEvent, LinkHeld, LinkLost
from segue.core.options import FunctionDeclaration, Scheduling
from segue.core.profiles import PROFILES, NoteSlot, Profile, TextSlot, profile_of

_log = structlog.get_logger(__name__)

# A uvloop timer has whole milliseconds and may be early.
_TIMER_SLACK = 0.0005


class Dialler:
    """A backend that dials another one when its gate lets it. A dial that waits can be hung up.

    Args:
        backend: one credential's; closed by `close`.
        profiles: the families of models; each has a breaker of its own.
        rate: so many dials a second may begin in the long run.
        burst: so many may begin at once.
        breaker_changed: told a family, and whether its breaker is open.
    """

    def __init__(
        self,
        backend: Backend,
        profiles: tuple[Profile, ...] = PROFILES,
        *,
        rate: float = 50.0,
        burst: int = 100,
        breaker_changed: Callable[[str, bool], None],
    ) -> None:
        self._backend = backend
        self._profiles = profiles
        self._breaker_changed = breaker_changed
        self._gate: DialGate[_DialledLink] = DialGate(rate, burst)
        self._timer: asyncio.TimerHandle | None = None

    def dial(
        self,
        number: int,
        setup: Setup,
        report: Callable[[LinkEvent], None],
        *,
        purpose: Purpose = Purpose.OPEN,
        hold: bool = False,
    ) -> Link:
        """Start to open a link as soon as it may be dialled, or report that it may not; see `Backend.dial`."""
        family = profile_of(setup.model, self._profiles).family
        link = _DialledLink(self, number, setup, report, family=family, purpose=purpose, hold=hold)
        self._gate.ask(link, asyncio.get_running_loop().time())
        self._proceed()
        return link

    async def close(self) -> None:
        """Hang up what waits, close the backend, and dial no more."""
        for link in self._gate.waiting:
            link.hang_up()
        await self._backend.close()

    def settle(self, link: "_DialledLink", outcome: Outcome) -> None:
        """Take how a link's dial came out."""
        was_open = self._gate.is_open(link.family)
        self._gate.settle(link, outcome, asyncio.get_running_loop().time())
        is_open = self._gate.is_open(link.family)
        if is_open != was_open:
            if isinstance(outcome, LinkLost) and is_open:
                cause = outcome.cause.name.lower()
                _log.warning("breaker_opened", family=link.family, cause=cause, message=outcome.message)
            else:
                _log.info("breaker_closed", family=link.family)
            self._breaker_changed(link.family, is_open)
        self._proceed()

    def withdraw(self, link: "_DialledLink") -> None:
        """Forget a link whose dial waits or has begun."""
        self._gate.withdraw(link)
        self._proceed()

    def _proceed(self) -> None:
        loop = asyncio.get_running_loop()
        for link, refusal in self._gate.decide(loop.time()):
            if refusal is None:
                link.begin(self._backend)
            else:
                # Whoever dials is not prepared to be told something meanwhile.
                loop.call_soon(link.refuse, refusal)
        if self._timer is not None:
            self._timer.cancel()
        deadline = self._gate.deadline()
        self._timer = loop.call_at(deadline + _TIMER_SLACK, self._proceed) if deadline < inf else None


class _DialledLink:
    """A link that may still have to wait for its dial."""

    def __init__(
        self,
        dialler: Dialler,
        number: int,
        setup: Setup,
        report: Callable[[LinkEvent], None],
        *,
        family: str,
        purpose: Purpose,
        hold: bool,
    ) -> None:
        self.number = number
        self.family = family
        self.purpose = purpose
        self._dialler = dialler
        self._setup = setup
        self._hold = hold
        self._report = report
        self._link: Link | None = None
        # Whether the outcome of the dial is known, or nobody's business any more.
        self._settled = False

    def begin(self, backend: Backend) -> None:
        self._link = backend.dial(self.number, self._setup, self.hear, purpose=self.purpose, hold=self._hold)

    def refuse(self, refusal: Refusal) -> None:
        if not self._settled:
            self._settled = True
            self._report(LinkLost(self.number, refusal.cause, refusal.message, refusal.retry_delay))

    def hear(self, event: LinkEvent) -> None:
        if not self._settled and isinstance(event, Outcome):
            self._settled = not isinstance(event, LinkHeld)
            self._dialler.settle(self, event)
        self._report(event)

    def set_up(self, setup: Setup) -> None:
        if self._link is not None:
            self._link.set_up(setup)
        elif self._hold:
            self._setup, self._hold = setup, False

    def send_audio(self, audio: bytes, sample_rate: int) -> None:
        if self._link is not None:
            self._link.send_audio(audio, sample_rate)

    def send_text(self, text: str, slot: TextSlot) -> None:
        if self._link is not None:
            self._link.send_text(text, slot)

    def send_note(self, text: str, slot: NoteSlot) -> None:
        if self._link is not None:
            self._link.send_note(text, slot)

    def send_image(self, content: bytes, mime_type: str) -> None:
        if self._link is not None:
            self._link.send_image(content, mime_type)

    def send_update(
        self,
        system_instruction: str | None,
        functions: tuple[FunctionDeclaration, ...] | None,
        built_in_tools: tuple[str, ...] | None,
    ) -> None:
        if self._link is not None:
            self._link.send_update(system_instruction, functions, built_in_tools)

    def send_activity(self, started: bool) -> None:
        if self._link is not None:
            self._link.send_activity(started)

    def send_tool_result(
        self, call_id: str, name: str, response: str, scheduling: Scheduling | None, will_continue: bool
    ) -> None:
        if self._link is not None:
            self._link.send_tool_result(call_id, name, response, scheduling, will_continue)

    def hang_up(self) -> None:
        if self._link is not None:
            self._link.hang_up()
        if not self._settled:
            self._settled = True
            self._dialler.withdraw(self)

    async def wait_closed(self) -> None:
        if self._link is not None:
            await self._link.wait_closed()
