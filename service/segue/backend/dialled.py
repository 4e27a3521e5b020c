"""Links that may still have to wait for their dial, and connections that wait for their link."""

import re
from collections.abc import Callable
from typing import Protocol

from segue.backend.breaker import Outcome, Refusal
from segue.backend.link import Account, Link
from segue.core.actions import Purpose, Setup
from segue.core.events import LinkEvent, LinkHeld, LinkLost, LossCause
from segue.core.options import FunctionDeclaration, Scheduling
from segue.core.profiles import NoteSlot, TextSlot

# A model's name without a path, with which any connection of the credential can be set up.
_BARE_NAME = re.compile(r"[\w.-]+")
_FOR_THE_USER = (Purpose.RECOVERY, Purpose.OPEN)
# What one connection is lost to, others that say nothing may be lost to without a word.
_CONTAGIOUS = (LossCause.UNAVAILABLE, LossCause.STALLED)


class Desk(Protocol):
    """Whoever has links dialled."""

    def settle(self, dial: "DialledLink", outcome: Outcome) -> None:
        """Take how a dial came out."""

    def withdraw(self, dial: "DialledLink") -> None:
        """Forget a dial that waits or has begun."""

    def engage(self, link: "DialledLink") -> None:
        """Count a link that is set up as soon as it can be."""

    def release(self, link: "DialledLink") -> None:
        """Count a link no more."""

    def suspect(self) -> None:
        """Take it that connections broke, and that those that say nothing may have broken, too."""

    def take_ready(self) -> "ReadyLink | None":
        """Return a connection that stands ready, to be used at once."""

    def stand(self, ready: "ReadyLink") -> None:
        """Take it that a connection stands ready."""

    def lose(self, ready: "ReadyLink", lost: LinkLost) -> None:
        """Take it that a connection is gone that nobody has used."""


class DialledLink:
    """A link that may still have to wait for its dial."""

    def __init__(
        self,
        desk: Desk,
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
        self._desk = desk
        self._setup = setup
        self._hold = hold
        self._report = report
        self._link: Link | None = None
        # Whether the outcome of the dial is known, or nobody's business any more.
        self._settled = False
        self._over = False
        if not hold:
            desk.engage(self)

    @property
    def takes_ready(self) -> bool:
        """Whether a connection that stands already will do."""
        return self.purpose in _FOR_THE_USER and not self._hold and bool(_BARE_NAME.fullmatch(self._setup.model))

    def begin(self, account: Account) -> None:
        """Dial, or use a connection that stands already."""
        ready = self._desk.take_ready() if self.takes_ready else None
        if ready is None:
            self._link = account.dial(self.number, self._setup, self.hear, purpose=self.purpose, hold=self._hold)
        else:
            self._link = ready.use(self._setup, self.hear)

    def refuse(self, refusal: Refusal) -> None:
        """Report that there is no dial, unless the link was hung up meanwhile."""
        if not self._settled:
            self._settled = True
            self._leave()
            cause, message, retry_delay = refusal.cause, refusal.message, refusal.retry_delay
            self._report(LinkLost(self.number, cause, message, retry_delay, elsewhere=refusal.elsewhere))

    def hear(self, event: LinkEvent) -> None:
        """Take what happens on the link."""
        # A connection that was dialled for nobody has no number of its own.
        event.link = self.number
        if not self._settled or type(event) is LinkLost:
            self._note(event)
        self._report(event)

    def _note(self, event: LinkEvent) -> None:
        if isinstance(event, LinkLost):
            self._leave()
            if event.cause in _CONTAGIOUS:
                self._desk.suspect()
        if not self._settled and isinstance(event, Outcome):
            self._settled = not isinstance(event, LinkHeld)
            self._desk.settle(self, event)

    def set_up(self, setup: Setup) -> None:
        """See `Link.set_up`."""
        if not self._over:
            self._desk.engage(self)
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
        self._leave()
        if not self._settled:
            self._settled = True
            self._desk.withdraw(self)

    async def wait_closed(self) -> None:
        if self._link is not None:
            await self._link.wait_closed()

    def _leave(self) -> None:
        self._over = True
        self._desk.release(self)


class ReadyLink:
    """A connection that is opened ahead, for whoever needs one first."""

    purpose = Purpose.PREWARMING
    takes_ready = False

    def __init__(self, desk: Desk, setup: Setup, family: str) -> None:
        self.family = family
        self._desk = desk
        self._setup = setup
        self._link: Link | None = None
        # Whoever uses it.
        self._report: Callable[[LinkEvent], None] | None = None

    def begin(self, account: Account) -> None:
        """Dial."""
        self._link = account.dial(0, self._setup, self._hear, purpose=self.purpose, hold=True)

    def use(self, setup: Setup, report: Callable[[LinkEvent], None]) -> Link:
        """Have it be set up and report from now on; return the link."""
        assert self._link is not None
        self._report = report
        self._link.set_up(setup)
        return self._link

    def hang_up(self) -> None:
        """Close it, or do not dial it."""
        if self._link is not None:
            self._link.hang_up()

    def _hear(self, event: LinkEvent) -> None:
        if self._report is not None:
            self._report(event)
        elif isinstance(event, LinkLost):
            self._desk.lose(self, event)
        elif isinstance(event, LinkHeld):
            self._desk.stand(self)
