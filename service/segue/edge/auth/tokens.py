"""JSON Web Tokens (RFC 7519): whose tenant they name, once they are found to be genuine and meant for Segue."""

from dataclasses import dataclass

import grpc
import jwt

from segue.edge.auth.caller import unauthenticated
from segue.edge.auth.keys import KeysError, KeySource
from segue.edge.status import RefusedError

# How far the clocks of whoever issues tokens and ours may be apart, in seconds.
_LEEWAY = 30.0


@dataclass(frozen=True, slots=True)
class Verifier:
    """Verifies tokens of one issuer.

    Attributes:
        keys: the issuer's.
        issuer: what their `iss` must be.
        audience: what their `aud` must be or hold.
        claim: which claim names the tenant.
    """

    keys: KeySource
    issuer: str
    audience: str
    claim: str

    async def tenant_of(self, token: str) -> str:
        """Return the name of the tenant in a genuine token.

        Raises:
            RefusedError: the token is not genuine, is for somebody else, or is of another time.
        """
        try:
            key_id = jwt.get_unverified_header(token).get("kid", "")
        except (jwt.PyJWTError, RecursionError):
            raise unauthenticated("the token is neither known nor a JSON Web Token") from None
        try:
            key = await self.keys.find(key_id)
        except KeysError as error:
            message = f"the token cannot be verified for now: {error}"
            raise RefusedError(grpc.StatusCode.UNAVAILABLE, "INTERNAL", message) from None
        if key is None:
            raise unauthenticated("the token is signed with a key that its issuer does not publish")
        try:
            claims = jwt.decode(
                token,
                key.public,
                algorithms=key.algorithms,
                audience=self.audience,
                issuer=self.issuer,
                leeway=_LEEWAY,
                options={"require": ["exp", "iss", "aud"]},
            )
        except (jwt.PyJWTError, ArithmeticError, TypeError, RecursionError) as error:
            raise unauthenticated(f"the token {_fault(error)}") from None
        name = claims.get(self.claim)
        if not isinstance(name, str):
            raise unauthenticated(f"the token names no tenant: it needs the claim {self.claim}")
        return name


def _fault(error: Exception) -> str:
    for kind, fault in _FAULTS.items():
        if isinstance(error, kind):
            return fault
    return "cannot be verified"


# In their own words, since those of the library may repeat what is in the token.
_FAULTS: dict[type[jwt.PyJWTError], str] = {
    jwt.ExpiredSignatureError: "has expired: get a new one",
    jwt.ImmatureSignatureError: "is not valid yet",
    jwt.InvalidAudienceError: "is for another audience",
    jwt.InvalidIssuerError: "is of another issuer",
    jwt.MissingRequiredClaimError: "needs the claims exp, iss and aud",
    jwt.InvalidAlgorithmError: "is signed with an algorithm that is not allowed for its key",
    jwt.InvalidSignatureError: "has a signature that is wrong",
}
