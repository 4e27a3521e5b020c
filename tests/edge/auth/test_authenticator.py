"""Who calls, by what a call carries."""

from hashlib import sha256

import grpc
import pytest

from segue.edge.auth.authenticator import Authenticator
from segue.edge.auth.keys import FileKeys
from segue.edge.auth.tokens import Verifier
from segue.edge.status import RefusedError
from segue.tenants import Tenant, Tenants
from tests.edge.auth.issuer import AUDIENCE, ISSUER, Issuer, key_set

ISSUES = Issuer()
Metadata = list[tuple[str, str | bytes]]


def digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


TENANTS = Tenants(
    [
        Tenant(name="acme", tokens=(digest("one"), digest("two")), certificates=("acme.example", "spiffe://mesh/acme")),
        Tenant(name="other", tokens=(digest("three"),), certificates=("other.example",)),
    ]
)


@pytest.fixture
def authenticator() -> Authenticator:
    keys = FileKeys()
    keys.adopt((key_set(ISSUES),))
    return Authenticator(TENANTS, Verifier(keys, ISSUER, AUDIENCE, "tenant"))


def bearer(token: str, scheme: str = "Bearer") -> Metadata:
    return [("user-agent", "x"), ("authorization", f"{scheme} {token}")]


def shown(*names: str, kind: str = "peer_dns") -> dict[str, list[bytes]]:
    return {kind: [name.encode() for name in names], "transport_security_type": [b"ssl"]}


@pytest.mark.parametrize(
    ("metadata", "peer", "tenant"),
    [
        (bearer("one"), {}, "acme"),
        (bearer("two", "bearer"), {}, "acme"),
        (bearer(" three ", "BEARER"), {}, "other"),
        (bearer(ISSUES.token("other")), {}, "other"),
        ([], shown("acme.example"), "acme"),
        ([], shown("x.example", "acme.example"), "acme"),
        ([], shown("spiffe://mesh/acme", kind="peer_uri"), "acme"),
        ([], shown("other.example", kind="x509_common_name"), "other"),
        (bearer("one"), shown("acme.example"), "acme"),
        (bearer(ISSUES.token("acme")), shown("acme.example"), "acme"),
        # A certificate of the network's own, as in a mesh, says nothing of the tenant.
        (bearer("one"), shown("proxy.example"), "acme"),
    ],
)
async def test_who_shows_credentials_is_known(
    authenticator: Authenticator, metadata: Metadata, peer: dict[str, list[bytes]], tenant: str
) -> None:
    caller = await authenticator.identify(metadata, peer)
    assert caller.name == tenant
    assert caller.tenant is not None
    assert caller.tenant.name == tenant


@pytest.mark.parametrize(
    ("metadata", "peer", "complaint"),
    [
        ([], {}, "a call without credentials"),
        ([], shown("stranger.example"), "a call without credentials"),
        # What is not one of the names that count may say anything.
        ([], shown("acme.example", kind="x509_subject"), "a call without credentials"),
        ([], shown("acme.example", "other.example"), "names of several tenants"),
        (bearer("wrong"), {}, "neither known nor a JSON Web Token"),
        (bearer(digest("one")), {}, "neither known nor"),
        (bearer("wrong"), shown("acme.example"), "neither known nor"),
        (bearer("three"), shown("acme.example"), "of different tenants"),
        (bearer(ISSUES.token("other")), shown("acme.example"), "of different tenants"),
        (bearer("one") + bearer("three"), {}, "2 authorizations"),
        (bearer(""), {}, "no bearer token"),
        (bearer("b25lOg==", "Basic"), {}, "no bearer token"),
        ([("authorization", "one")], {}, "no bearer token"),
        ([("authorization", b"Bearer one")], {}, "no bearer token"),
        (bearer("x" * 8193), {}, "a token of 8193 bytes"),
    ],
)
async def test_who_does_not_is_refused(
    authenticator: Authenticator, metadata: Metadata, peer: dict[str, list[bytes]], complaint: str
) -> None:
    with pytest.raises(RefusedError) as raised:
        await authenticator.identify(metadata, peer)
    assert raised.value.code is grpc.StatusCode.UNAUTHENTICATED
    assert complaint in str(raised.value)


async def test_a_genuine_token_of_a_tenant_that_is_not_here_is_not_permitted(authenticator: Authenticator) -> None:
    with pytest.raises(RefusedError) as raised:
        await authenticator.identify(bearer(ISSUES.token("stranger")), {})
    assert (raised.value.code, raised.value.reason) == (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")


async def test_without_keys_only_tokens_of_the_file_are_known() -> None:
    with pytest.raises(RefusedError, match="the token is not known"):
        await Authenticator(TENANTS).identify(bearer(ISSUES.token("acme")), {})


async def test_a_caller_is_nobody_once_what_it_was_known_by_is_withdrawn(authenticator: Authenticator) -> None:
    by_token = await authenticator.identify(bearer("one"), {})
    by_other_token = await authenticator.identify(bearer("two"), {})
    by_certificate = await authenticator.identify([], shown("acme.example"))
    by_jwt = await authenticator.identify(bearer(ISSUES.token("acme")), {})
    authenticator.tenants = Tenants([Tenant(name="acme", tokens=(digest("two"),), sessions=3)])
    assert by_token.tenant is None
    assert by_certificate.tenant is None
    for caller in (by_other_token, by_jwt):
        assert caller.tenant is not None
        assert caller.tenant.sessions == 3
    authenticator.tenants = Tenants([Tenant(name="other", tokens=(digest("two"),))])
    assert by_other_token.tenant is None
    assert by_jwt.tenant is None
