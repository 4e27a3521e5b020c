"""A pool over scripted accounts, and sessions that dial with it."""

from dataclasses import replace
from itertools import count
from typing import Any

from segue.backend.credentials import Credential, Share
from segue.backend.link import Link
from segue.backend.pool import Pool, Source
from segue.core import events as ev
from segue.core.actions import Purpose
from segue.core.profiles import PROFILES
from tests.backend.live_server import SETUP
from tests.scripted_backend import ScriptedBackend, ScriptedLink


class Watched:
    """How a credential fares."""

    def __init__(self) -> None:
        self.breakers: list[tuple[str, bool]] = []
        self.available: list[bool] = []
        self.ready = 0

    def breaker_changed(self, family: str, is_open: bool) -> None:
        self.breakers.append((family, is_open))

    def availability_changed(self, available: bool) -> None:
        self.available.append(available)

    def reserve_changed(self, ready: int) -> None:
        self.ready = ready


class Call:
    """A link that was dialled, and what it reported."""

    def __init__(self, pooled: "Pooled", number: int) -> None:
        self.heard: list[ev.LinkEvent] = []
        self._pooled = pooled
        self.number = number

    def __call__(self, event: ev.LinkEvent) -> None:
        assert event.link == self.number
        self.heard.append(event)

    @property
    def behind(self) -> ScriptedLink:
        """The account's link of this number."""
        links = (link for account in self._pooled.accounts.values() for link in account.links)
        return next(link for link in links if link.number == self.number)

    @property
    def credential(self) -> str:
        """The name of the credential that it was dialled with; empty for none."""
        for name, account in self._pooled.accounts.items():
            if any(link.number == self.number for link in account.links):
                return name
        return ""

    @property
    def lost(self) -> ev.LinkLost:
        """Why it was lost, which is the last that it reported."""
        last = self.heard[-1]
        assert isinstance(last, ev.LinkLost)
        return last


class Pooled:
    """A pool of credentials of these names, each with its share of the work."""

    def __init__(self, *, rate: float = 1000.0, burst: int = 100, **shares: Share) -> None:
        self.accounts = {name: ScriptedBackend(opens=False) for name in shares}
        self.watched = {name: Watched() for name in shares}
        sources = [Source(self.accounts[name], Credential(name, name, share=share)) for name, share in shares.items()]
        self.pool = Pool(sources, PROFILES, rate=rate, burst=burst, watch=self.watched.__getitem__)
        self._numbers = count(1)

    def dial(
        self,
        purpose: Purpose = Purpose.OPEN,
        credential: str = "",
        allowed: tuple[str, ...] = (),
        *,
        handle: str = "",
        hold: bool = False,
        model: str = "gemini-3.8-live",
    ) -> tuple[Call, Link]:
        number = next(self._numbers)
        call = Call(self, number)
        setup = replace(SETUP, handle=handle, model=model)
        link = self.pool.dial(number, setup, call, purpose=purpose, hold=hold, credential=credential, allowed=allowed)
        return call, link

    def call(self, purpose: Purpose = Purpose.OPEN, credential: str = "", **rest: Any) -> Call:
        """Dial, and return what comes of it."""
        return self.dial(purpose, credential, **rest)[0]

    def opened(self, credential: str = "") -> Call:
        """Dial a link that is set up."""
        call = self.call(credential=credential)
        call.behind.open()
        return call
