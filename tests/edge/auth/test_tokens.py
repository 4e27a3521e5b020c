"""JSON Web Tokens: which are taken, and that nobody can make their own."""

import base64
import json
import time
from typing import Any

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from segue.edge.auth.keys import FetchedKeys, FileKeys, KeysError
from segue.edge.auth.tokens import Verifier
from segue.edge.status import RefusedError
from tests.edge.auth.issuer import AUDIENCE, ISSUER, Issuer, key_set

ISSUES = Issuer()


def verifier(*issuers: Issuer) -> Verifier:
    keys = FileKeys()
    keys.adopt((key_set(*issuers),))
    return Verifier(keys, ISSUER, AUDIENCE, "tenant")


async def refused(token: str) -> str:
    with pytest.raises(RefusedError) as raised:
        await verifier(ISSUES).tenant_of(token)
    assert (raised.value.code, raised.value.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
    assert raised.value.__cause__ is None
    return str(raised.value)


async def test_a_token_that_is_in_order_names_its_tenant() -> None:
    assert await verifier(ISSUES).tenant_of(ISSUES.token("acme")) == "acme"
    assert await verifier(ISSUES, Issuer("k2")).tenant_of(ISSUES.token("acme", aud=["other", AUDIENCE])) == "acme"
    # Clocks may be a little apart.
    assert await verifier(ISSUES).tenant_of(ISSUES.token("acme", exp=time.time() - 5)) == "acme"


@pytest.mark.parametrize(
    ("claims", "complaint"),
    [
        ({"exp": time.time() - 40}, "has expired"),
        ({"exp": None}, "needs the claims exp, iss and aud"),
        ({"iss": None}, "needs the claims exp, iss and aud"),
        ({"aud": None}, "needs the claims exp, iss and aud"),
        ({"iss": "https://other.example"}, "is of another issuer"),
        ({"aud": "other"}, "is for another audience"),
        ({"nbf": time.time() + 86_400}, "is not valid yet"),
        ({"exp": "soon"}, "cannot be verified"),
        ({"exp": float("inf")}, "cannot be verified"),
        ({"exp": {}}, "cannot be verified"),
        ({"tenant": None}, "names no tenant: it needs the claim tenant"),
        ({"tenant": ["acme"]}, "names no tenant"),
    ],
)
async def test_a_token_that_is_not_in_order_is_refused(claims: dict[str, Any], complaint: str) -> None:
    assert complaint in await refused(ISSUES.token(**claims))


def part(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


async def test_nobody_makes_their_own() -> None:
    stranger = Issuer()
    assert "signature that is wrong" in await refused(stranger.token())
    assert "does not publish" in await refused(Issuer("k2").token())
    head, _, signature = ISSUES.token("acme").split(".")
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 86_400, "tenant": "other"}
    assert "signature that is wrong" in await refused(f"{head}.{part(claims)}.{signature}")
    for algorithm in ("none", "None", "HS256", "ES384", "RS256"):
        forged = f"{part({'alg': algorithm, 'kid': 'k1'})}.{part(claims)}.{signature}"
        assert "algorithm that is not allowed" in await refused(forged)
        assert "algorithm that is not allowed" in await refused(forged.rpartition(".")[0] + ".")
    # The public key is no secret to share.
    pem = ISSUES.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    mixed = jwt.api_jws.PyJWS()
    mixed._algorithms["HS256"].prepare_key = lambda key: key  # type: ignore[method-assign]
    confused = mixed.encode(json.dumps(claims).encode(), pem, "HS256", headers={"kid": "k1"})
    assert "algorithm that is not allowed" in await refused(confused)


@pytest.mark.parametrize(
    "token",
    [
        "seg_opaque",
        "a.b.c",
        "..",
        "é.é.é",
        f"{part({'alg': 'ES256', 'kid': 7})}.{part({})}.x",
        f"{part({'alg': 'ES256', 'kid': 'k1', 'crit': ['b64']})}.{part({})}.x",
        f"{part([])}.{part({})}.x",
        f"{'W1tb' * 2000}.{part({})}.x",
    ],
)
async def test_what_is_no_token_is_refused(token: str) -> None:
    assert "token" in await refused(token)


@given(st.text(st.characters(codec="utf-8"), max_size=200), st.integers(0, 3), st.binary(max_size=64))
async def test_nothing_that_is_sent_as_a_token_does_more_than_be_refused(text: str, dots: int, junk: bytes) -> None:
    good = ISSUES.token().split(".")
    pieces = [text, base64.urlsafe_b64encode(junk).decode(), *good]
    await refused(".".join(pieces[: dots + 1]))
    await refused(".".join((good[0], pieces[1], good[2])))
    await refused(".".join((good[0], good[1], pieces[1] or "A")))


async def test_without_any_keys_it_is_the_server_that_is_not_ready() -> None:
    async def away() -> bytes:
        raise KeysError("issuer.example cannot be reached")

    with pytest.raises(RefusedError) as raised:
        await Verifier(FetchedKeys(away), ISSUER, AUDIENCE, "tenant").tenant_of(ISSUES.token())
    assert (raised.value.code, raised.value.reason) == (grpc.StatusCode.UNAVAILABLE, "INTERNAL")
    assert "cannot be verified for now: issuer.example cannot be reached" in str(raised.value)
