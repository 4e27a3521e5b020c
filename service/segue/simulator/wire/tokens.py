"""Ephemeral tokens: short-lived credentials that a client's own server mints, and the setup that they prescribe.

The source is AuthToken of generative_service.proto (v1alpha) and google-genai's `auth_tokens.create`:

    name = service.tokens.mint(constraints=constraints({"model": "models/gemini-3.8-live"}))
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from segue.simulator.rules import rules
from segue.simulator.rules.rules import Violation
from segue.simulator.wire.protojson import read_message, snake_case
from segue.simulator.wire.schema import SETUP, Flavour

PREFIX = "auth_tokens/"


@dataclass(frozen=True, slots=True)
class Constraints:
    """What a token prescribes.

    Attributes:
        setup: a setup in snake case, read to the bottom.
        mask: the fields of it that replace the client's, as paths; empty for the setup as a whole.
    """

    setup: Mapping[str, Any]
    mask: tuple[str, ...] = ()

    def applied_to(self, sent: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the setup that is in effect when a client sends this one."""
        if self.mask:
            effective = dict(sent)
            for path in self.mask:
                _replace(effective, self.setup, path.split("."))
            return effective
        # The handle can only come from the client; a token that prescribes a setup allows resumption all the same.
        resumption = {**self.setup.get("session_resumption", {}), **sent.get("session_resumption", {})}
        return {**self.setup, "session_resumption": resumption} if resumption else self.setup


def _replace(target: dict[str, Any], source: Mapping[str, Any], path: list[str]) -> None:
    name, *rest = path
    if rest:
        inner = dict(target.get(name, {}))
        _replace(inner, source.get(name, {}), rest)
        target[name] = inner
    elif name in source:
        target[name] = source[name]
    else:
        target.pop(name, None)


def constraints(setup: object, mask: tuple[str, ...] = ()) -> Constraints:
    """Read what a token is to prescribe: a setup as on the wire, and paths as of a FieldMask, in either case.

    Raises:
        ViolationError: it is no setup.
    """
    paths = tuple(".".join(map(snake_case, path.split("."))) for path in mask)
    return Constraints(read_message(setup, SETUP, "bidi_generate_content_setup", Flavour.DEVELOPER), paths)


@dataclass(slots=True)
class EphemeralToken:
    """A token.

    Attributes:
        uses: for how many new sessions it is still good; None for any number. Resumption does not count.
        expires_at: until when it opens connections, in seconds of the service's clock.
        new_session_expires_at: until when it opens new sessions.
        constraints: None leaves the setup to the client.
    """

    uses: int | None = 1
    expires_at: float = float("inf")
    new_session_expires_at: float = float("inf")
    constraints: Constraints | None = None


@dataclass
class Tokens:
    """The ephemeral tokens of a service, by name."""

    minted: dict[str, EphemeralToken] = field(default_factory=dict)

    def mint(
        self,
        *,
        uses: int | None = 1,
        expires_at: float = float("inf"),
        new_session_expires_at: float = float("inf"),
        constraints: Constraints | None = None,
    ) -> str:
        """Make a token and return its name, which is the credential."""
        name = f"{PREFIX}{len(self.minted) + 1}"
        self.minted[name] = EphemeralToken(uses, expires_at, new_session_expires_at, constraints)
        return name

    def constraints_of(self, credential: str) -> Constraints | None:
        """Return what a credential prescribes for the setup, if anything."""
        token = self.minted.get(credential)
        return token.constraints if token else None

    def redeem(self, credential: str, resuming: bool, now: float) -> Violation | None:
        """Take a setup with this credential; return the rule broken, if any. What is no minted token always passes."""
        token = self.minted.get(credential)
        if token is None:
            return None
        if now >= token.expires_at or (not resuming and now >= token.new_session_expires_at):
            return rules.TOKEN_EXPIRED
        if resuming or token.uses is None:
            return None
        if not token.uses:
            return rules.TOKEN_USED_UP
        token.uses -= 1
        return None
