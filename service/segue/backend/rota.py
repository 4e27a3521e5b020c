"""Which of several credentials a link is dialled with. Knows no clock and does no I/O."""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from segue.backend.breaker import Refusal
from segue.core.events import LossCause

# When it makes sense to try again where every credential has its sessions, in seconds.
_FULL_DELAY = 5.0


class Candidate(Protocol):
    """A credential, as far as it is chosen by it."""

    @property
    def name(self) -> str:
        """What the session knows it by."""

    @property
    def weight(self) -> int:
        """How many of the new sessions it gets, against the others: 1 or more."""

    @property
    def has_room(self) -> bool:
        """Whether it has fewer sessions than it may have."""

    def trusted(self) -> bool:
        """Return whether the service accepts it, as far as is known."""

    def sound(self, family: str) -> bool:
        """Return whether a session that lost its credential does well to be dialled with this one now."""

    def welcomes(self, family: str) -> bool:
        """Return whether a new session does, be it to find out whether the credential is accepted again."""

    def welcome_at(self, family: str) -> float:
        """Return from when on it does, in seconds."""


_C = TypeVar("_C", bound=Candidate)


class Rota(Generic[_C]):
    """Chooses among credentials by smooth weighted round robin, as nginx does: deterministic, and never in bursts.

    A session stays with its credential: its handles are good with no other. It leaves when the service refuses the
    credential, or it has just been told that there is no quota, if another one is well.
    """

    def __init__(self, candidates: Sequence[_C]) -> None:
        self._candidates = candidates
        self._credits = dict.fromkeys((candidate.name for candidate in candidates), 0)

    def choose(
        self, family: str, credential: str, allowed: Sequence[str], *, resumes: bool, ventures: bool
    ) -> _C | Refusal | None:
        """Return what to dial with, or why not to dial; None where the session has to go elsewhere, without its handle.

        Args:
            family: the model's.
            credential: the session's own; empty for any.
            allowed: those that it may use; none for all.
            resumes: it is set up with a handle of its own credential.
            ventures: it can find out whether what was wrong with a credential still is: a new session has nothing to
                lose.
        """
        mine = self._allowed(allowed)
        well = [
            candidate
            for candidate in mine
            if candidate.has_room and (candidate.welcomes(family) if ventures else candidate.sound(family))
        ]
        own = next((candidate for candidate in mine if candidate.name == credential), None)
        if own is not None and (own.trusted() or not well):
            return own
        if credential and resumes and mine:
            return None
        if well:
            return self._next(well)
        if not mine:
            message = f"None of the credentials that this session may use exists: {', '.join(allowed)}."
            return Refusal(LossCause.CREDENTIALS, message, 0.0)
        return self._least_bad(family, mine)

    def is_well_elsewhere(self, name: str, family: str, allowed: Sequence[str]) -> bool:
        """Return whether a session does well to leave this credential for another."""
        others = (candidate for candidate in self._allowed(allowed) if candidate.name != name)
        return any(candidate.sound(family) and candidate.has_room for candidate in others)

    def _allowed(self, allowed: Sequence[str]) -> list[_C]:
        return [candidate for candidate in self._candidates if not allowed or candidate.name in allowed]

    def _next(self, among: Sequence[_C]) -> _C:
        for candidate in among:
            self._credits[candidate.name] += candidate.weight
        chosen = max(among, key=lambda candidate: self._credits[candidate.name])
        self._credits[chosen.name] -= sum(candidate.weight for candidate in among)
        return chosen

    def _least_bad(self, family: str, mine: Sequence[_C]) -> _C | Refusal:
        roomy = [candidate for candidate in mine if candidate.has_room]
        if not roomy:
            message = "Every credential has as many sessions as it may have. Try again later, or raise max_sessions."
            return Refusal(LossCause.QUOTA, message, _FULL_DELAY)
        # What is wrong with it is told as of old: by its gate, or by the service.
        return min(roomy, key=lambda candidate: (not candidate.trusted(), candidate.welcome_at(family)))
