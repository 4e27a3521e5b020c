"""The keys of an issuer: which are used, and when they are fetched."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
import trustme
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, OKPAlgorithm, RSAAlgorithm

from segue.edge.auth.keys import FetchedKeys, FileKeys, KeysError, fetch, read_keys
from tests.edge.auth.issuer import Issuer, key_set
from tests.waiting import wait_until

RSA = rsa.generate_private_key(65537, 2048)


def jwk(key: Any, kind: Any, **fields: Any) -> dict[str, Any]:
    published: dict[str, Any] = json.loads(kind.to_jwk(key))
    return published | fields


def read(*entries: Any) -> dict[str, tuple[str, ...]]:
    keys = read_keys(json.dumps({"keys": [*entries, Issuer("good").jwk]}).encode())
    return {key_id: key.algorithms for key_id, key in keys.items() if key_id != "good"}


def test_each_kind_of_key_is_for_its_own_algorithms() -> None:
    rsa_all = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
    assert read(jwk(RSA.public_key(), RSAAlgorithm, kid="1")) == {"1": rsa_all}
    assert read(jwk(RSA.public_key(), RSAAlgorithm, kid="1", alg="PS384")) == {"1": ("PS384",)}
    for curve, algorithm in ((ec.SECP256R1(), "ES256"), (ec.SECP384R1(), "ES384"), (ec.SECP521R1(), "ES512")):
        public = ec.generate_private_key(curve).public_key()
        assert read(jwk(public, ECAlgorithm, kid="1")) == {"1": (algorithm,)}
    public_ed = ed25519.Ed25519PrivateKey.generate().public_key()
    assert read(jwk(public_ed, OKPAlgorithm, kid="1")) == {"1": ("EdDSA",)}


@pytest.mark.parametrize(
    "entry",
    [
        {"kty": "oct", "kid": "1", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U"},
        jwk(b"secret" * 8, HMACAlgorithm, kid="1", alg="HS256"),
        jwk(RSA.public_key(), RSAAlgorithm, kid="1", use="enc"),
        jwk(RSA.public_key(), RSAAlgorithm, kid="1", alg="HS256"),
        jwk(RSA.public_key(), RSAAlgorithm, kid="1", alg="none"),
        jwk(RSA.public_key(), RSAAlgorithm, kid="1", alg="RSA-OAEP"),
        jwk(RSA.public_key(), RSAAlgorithm, kid="1", alg=["RS256"]),
        # Whoever publishes a private key has lost it.
        jwk(RSA, RSAAlgorithm, kid="1"),
        jwk(rsa.generate_private_key(65537, 1024).public_key(), RSAAlgorithm, kid="1"),
        {"kty": "EC", "kid": "1", "crv": "P-256", "x": "!", "y": "!"},
        {"kty": "EC", "kid": "1", "crv": "P-256"},
        {"kty": ["RSA"], "kid": "1"},
        {"kty": "RSA", "kid": "1", "n": 7, "e": 3},
        "key",
        None,
    ],
)
def test_what_is_no_public_key_for_signatures_is_passed_over(entry: Any) -> None:
    assert read(entry) == {}


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"keys": []}', b'{"keys": 1}', b'{"keys": ["secret"]}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_set_of_keys_is_refused_without_telling_it(content: bytes) -> None:
    with pytest.raises(KeysError) as raised:
        read_keys(content)
    assert "JSON Web Key Set" in str(raised.value)
    assert "secret" not in str(raised.value)


async def test_keys_of_a_file_are_found_by_their_ids_and_the_only_one_without() -> None:
    keys, one, other = FileKeys(), Issuer("1"), Issuer("2")
    keys.adopt((key_set(one),))
    assert await keys.find("1") == await keys.find("")
    assert await keys.find("2") is None
    keys.adopt((key_set(one, other),))
    assert await keys.find("2") is not None
    assert await keys.find("") is None
    with pytest.raises(KeysError):
        keys.adopt((b"{}",))
    assert await keys.find("2") is not None


class Published:
    """What an issuer publishes, and how often it was fetched."""

    def __init__(self, *issuers: Issuer) -> None:
        self.content = key_set(*issuers)
        self.fetched = 0
        self.away = False
        self.slow: asyncio.Event | None = None

    async def fetch(self) -> bytes:
        self.fetched += 1
        if self.slow is not None:
            await self.slow.wait()
        if self.away:
            raise KeysError("issuer.example cannot be reached")
        return self.content


@asynccontextmanager
async def running(keys: FetchedKeys) -> AsyncIterator[None]:
    task = asyncio.create_task(keys.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_keys_are_fetched_in_the_background(no_task_left: None) -> None:
    published = Published(Issuer("1"))
    keys = FetchedKeys(published.fetch)
    async with running(keys):
        await wait_until(lambda: published.fetched)
        for _ in range(10):
            assert await keys.find("1") is not None
    assert published.fetched == 1


async def test_an_unknown_key_has_the_keys_fetched_once_in_a_while_however_many_ask(no_task_left: None) -> None:
    published = Published(Issuer("1"))
    keys = FetchedKeys(published.fetch)
    async with running(keys):
        await wait_until(lambda: published.fetched)
        published.content = key_set(Issuer("1"), Issuer("2"))
        for number in range(100):
            assert await keys.find(f"made up {number}") is None
        assert published.fetched == 1
        keys._least_interval = 0.0
        published.slow = asyncio.Event()
        asking = [asyncio.create_task(keys.find("2")) for _ in range(100)]
        # Who hangs up meanwhile takes nothing away from the others.
        await wait_until(lambda: published.fetched == 2)
        asking[0].cancel()
        published.slow.set()
        found = await asyncio.gather(*asking, return_exceptions=True)
        assert sum(key is not None and not isinstance(key, BaseException) for key in found) == 99
    assert published.fetched == 2


async def test_keys_that_cannot_be_fetched_are_an_answer_only_while_there_never_were_any(no_task_left: None) -> None:
    published = Published(Issuer("1"))
    published.away = True
    keys = FetchedKeys(published.fetch, least_interval=0.0)
    with structlog.testing.capture_logs() as logs:
        async with running(keys):
            with pytest.raises(KeysError, match="cannot be reached"):
                await keys.find("1")
            published.away = False
            assert await keys.find("1") is not None
            published.away = True
            assert await keys.find("2") is None
            assert await keys.find("1") is not None
    assert {entry["event"] for entry in logs} == {"keys_not_fetched"}


async def test_a_fetch_that_goes_on_ends_with_the_rest(no_task_left: None) -> None:
    published = Published(Issuer("1"))
    published.slow = asyncio.Event()
    async with running(FetchedKeys(published.fetch)):
        await wait_until(lambda: published.fetched)


@asynccontextmanager
async def answering(
    monkeypatch: pytest.MonkeyPatch, folder: Path, answer: bytes, *, trusted: bool = True
) -> AsyncIterator[str]:
    """An https server that gives the same answer to everything."""
    authority = trustme.CA()
    (authority if trusted else trustme.CA()).cert_pem.write_to_path(folder / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "localhost", 0, ssl=context)
    async with server:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}/keys?secret=1"


def response(status: str, body: bytes = b"", header: str = "X: y") -> bytes:
    return f"HTTP/1.1 {status}\r\n{header}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def test_what_is_no_url_or_no_ca_is_said_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="cannot be reached: InvalidURL"):
        await fetch("https://localhost:port/keys")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(KeysError, match="localhost cannot be reached"):
        await fetch("https://localhost:1/keys")


async def test_keys_come_over_https(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    content = key_set(Issuer("1"))
    async with answering(monkeypatch, tmp_path, response("200 OK", content)) as url:
        assert await fetch(url) == content


@pytest.mark.parametrize(
    ("answer", "trusted", "complaint"),
    [
        (response("200 OK", b"{}"), False, "localhost cannot be reached: ConnectError"),
        (response("404 Not Found"), True, "localhost answered with the status 404"),
        (response("302 Found", header="Location: http://localhost/"), True, "localhost answered with the status 302"),
        (response("200 OK", bytes(2**20 + 1)), True, "localhost answered with more than 1048576 bytes"),
        (b"nonsense\r\n\r\n", True, "localhost cannot be reached: RemoteProtocolError"),
    ],
)
async def test_what_cannot_be_had_is_said_without_the_url(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: bytes, trusted: bool, complaint: str
) -> None:
    async with answering(monkeypatch, tmp_path, answer, trusted=trusted) as url:
        with pytest.raises(KeysError) as raised:
            await fetch(url)
    assert str(raised.value) == complaint
