"""A backend over several credentials: each session has one of them, and leaves it when that is of no use any more."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from segue.backend.breaker import Refusal
from segue.backend.credentials import NOBODY, Credential
from segue.backend.dialling import Dialler, Watcher
from segue.backend.gate import BLAMED
from segue.backend.link import Account, Link
from segue.backend.rota import Rota
from segue.core.actions import Purpose, Setup
from segue.core.events import LinkEvent, LinkHeld, LinkLost, LinkOpened, LossCause
from segue.core.profiles import Profile


@dataclass(frozen=True, slots=True)
class Source:
    """An account, and the credential that it is reached with."""

    account: Account
    credential: Credential = NOBODY


class _Member:
    """A credential and its dialler, as `rota.Candidate`."""

    def __init__(self, credential: Credential, dialler: Dialler) -> None:
        self.name = credential.name
        self.weight = credential.share.weight
        self.dialler = dialler
        self._max_sessions = credential.share.max_sessions
        self.trusted = dialler.trusted
        self.sound = dialler.sound
        self.welcomes = dialler.welcomes
        self.welcome_at = dialler.welcome_at

    @property
    def has_room(self) -> bool:
        return self._max_sessions is None or self.dialler.sessions < self._max_sessions


class Pool:
    """The backend of a gateway.

    A session stays with its credential, even above what that may have of sessions: another knows none of its handles.

    Args:
        sources: one or more, with credentials of different names; closed by `close`.
        profiles: the families of models.
        rate: so many dials a second may begin in the long run, with each credential that has no rate of its own.
        burst: so many may begin at once.
        watch: returns who is told how the credential of a name fares.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        profiles: tuple[Profile, ...],
        *,
        rate: float,
        burst: int,
        watch: Callable[[str], Watcher],
    ) -> None:
        self._members = []
        for source in sources:
            share = source.credential.share
            dialler = Dialler(
                source.account,
                profiles,
                rate=share.dial_rate or rate,
                burst=share.dial_burst or burst,
                watcher=watch(source.credential.name),
                name=source.credential.name,
            )
            self._members.append(_Member(source.credential, dialler))
        self._rota = Rota(self._members)

    def dial(
        self,
        number: int,
        setup: Setup,
        report: Callable[[LinkEvent], None],
        *,
        purpose: Purpose = Purpose.OPEN,
        hold: bool = False,
        credential: str = "",
        allowed: tuple[str, ...] = (),
    ) -> Link:
        """Start to open a link with a credential that is of use; see `Backend.dial`."""
        dialler = self._members[0].dialler
        family = dialler.family_of(setup.model)
        # A link that is held learns only later what it resumes.
        resumes = bool(setup.handle) and not hold
        ventures = purpose is Purpose.OPEN
        chosen = self._rota.choose(family, credential, allowed, resumes=resumes, ventures=ventures)
        if isinstance(chosen, Refusal):
            return dialler.refuse(number, setup, report, chosen)
        if chosen is None:
            message = f"The credential {credential} is of no use any more, and another one is."
            return dialler.refuse(number, setup, report, Refusal(LossCause.CREDENTIALS, message, 0.0, elsewhere=True))
        name = chosen.name

        def hear(event: LinkEvent) -> None:
            if type(event) is LinkLost:
                if event.cause in BLAMED and self._rota.is_well_elsewhere(name, family, allowed):
                    event.elsewhere = True
                    chosen.dialler.shun(family, event)
            elif type(event) is LinkOpened or type(event) is LinkHeld:
                event.credential = name
            report(event)

        return chosen.dialler.dial(number, setup, hear, purpose=purpose, hold=hold)

    def prewarm(self, size: int, model: str) -> None:
        """Keep so many connections of each credential ready, for sessions with any model."""
        for member in self._members:
            member.dialler.prewarm(size, model)

    def stop_prewarming(self) -> None:
        """Keep no connections ready any more."""
        for member in self._members:
            member.dialler.stop_prewarming()

    async def close(self) -> None:
        """Hang up what waits, close the accounts, and dial no more."""
        await asyncio.gather(*(member.dialler.close() for member in self._members))
