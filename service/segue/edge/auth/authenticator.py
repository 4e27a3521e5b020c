"""Tells who makes a call from what the call carries."""

from collections.abc import Iterable, Iterator, Mapping

import grpc

from segue.edge.auth.caller import Caller, unauthenticated
from segue.edge.auth.tokens import Verifier
from segue.edge.status import RefusedError
from segue.tenants import Proof, Tenants, proof_of

_MAX_TOKEN_BYTES = 8 * 1024
# Where gRPC puts the names in a client certificate that it has verified.
_NAMES = ("peer_uri", "peer_dns", "x509_common_name")
_ADVICE = "send the metadata authorization: Bearer <token>"


class Authenticator:
    """Knows the tenants.

    Attributes:
        tenants: all that may call, as they are by now.
    """

    def __init__(self, tenants: Tenants, verifier: Verifier | None = None) -> None:
        self.tenants = tenants
        self._verifier = verifier

    async def identify(
        self, metadata: Iterable[tuple[str, str | bytes]], peer: Mapping[str, Iterable[bytes]]
    ) -> Caller:
        """Return who makes a call with this metadata, over a connection with this auth context.

        Who shows both a token and the certificate of a tenant must be the same with both.

        Raises:
            RefusedError: nobody, or not for now.
        """
        token = _bearer(metadata)
        certified = self._of_certificate(peer)
        if token is None:
            if certified is None:
                raise unauthenticated(f"a call without credentials: {_ADVICE}")
            return certified
        caller = await self._of_token(token)
        if certified is not None and certified.name != caller.name:
            raise unauthenticated("the token and the client certificate are of different tenants")
        return caller

    def _of_certificate(self, peer: Mapping[str, Iterable[bytes]]) -> Caller | None:
        owners: dict[str, Proof] = {}
        for name in _names(peer):
            proof = Proof(certificate=name)
            owner = self.tenants.owner(proof)
            if owner is not None:
                owners.setdefault(owner, proof)
        if len(owners) > 1:
            raise unauthenticated("the client certificate has the names of several tenants")
        for owner, proof in owners.items():
            return self._caller(owner, proof)
        return None

    async def _of_token(self, token: str) -> Caller:
        proof = proof_of(token)
        owner = self.tenants.owner(proof)
        if owner is not None:
            return self._caller(owner, proof)
        if self._verifier is None:
            raise unauthenticated("the token is not known")
        name = await self._verifier.tenant_of(token)
        if self.tenants.named(name) is None:
            raise RefusedError(
                grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED", "the tenant of the token may not call here"
            )
        return self._caller(name)

    def _caller(self, name: str, proof: Proof | None = None) -> Caller:
        return Caller(name, lambda: self.tenants, proof)


def _bearer(metadata: Iterable[tuple[str, str | bytes]]) -> str | None:
    values = [value for key, value in metadata if key == "authorization"]
    if not values:
        return None
    if len(values) > 1:
        raise unauthenticated(f"a call with {len(values)} authorizations: send one")
    scheme, _, token = str(values[0]).partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise unauthenticated(f"the authorization is no bearer token: {_ADVICE}")
    if len(token) > _MAX_TOKEN_BYTES:
        raise unauthenticated(f"a token of {len(token)} bytes: at most {_MAX_TOKEN_BYTES}")
    return token


def _names(peer: Mapping[str, Iterable[bytes]]) -> Iterator[str]:
    for kind in _NAMES:
        for name in peer.get(kind, ()):
            yield name.decode(errors="replace")
