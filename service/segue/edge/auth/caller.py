"""Who makes a call, for as long as it lasts."""

from collections.abc import Callable
from contextvars import ContextVar

import grpc

from segue.edge.status import RefusedError
from segue.tenants import ANYBODY, Proof, Tenant, Tenants


def unauthenticated(message: str) -> RefusedError:
    """Return the refusal of a call without credentials, or with wrong ones."""
    return RefusedError(grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED", message)


class Caller:
    """The tenant that makes a call.

    Args:
        name: the tenant's name.
        tenants: returns all tenants, as they are by now.
        proof: what the tenant was known by, where that is in the tenants file.
    """

    def __init__(self, name: str, tenants: Callable[[], Tenants], proof: Proof | None = None) -> None:
        self.name = name
        self._tenants = tenants
        self._proof = proof

    @property
    def tenant(self) -> Tenant | None:
        """The tenant as it is by now; None where it, or what it was known by, is no more."""
        tenants = self._tenants()
        if self._proof is not None and tenants.owner(self._proof) != self.name:
            return None
        return tenants.named(self.name)


_ALL = Tenants([ANYBODY])
ANYONE = Caller(ANYBODY.name, lambda: _ALL)
# Who makes the call that runs in this context.
CALLER: ContextVar[Caller] = ContextVar("caller", default=ANYONE)
