"""The public keys of whoever issues JSON Web Tokens: a JSON Web Key Set (RFC 7517), from a file or a URL."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias
from urllib.parse import urlsplit

import httpx2
import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from segue.files import UnusableError

_log = structlog.get_logger(__name__)

# Whoever can check a signature of these cannot make one.
_RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_ALGORITHMS = {*_RSA_ALGORITHMS, "ES256", "ES384", "ES512", "EdDSA"}
_LEAST_RSA_BITS = 2048
_MAX_BYTES = 2**20
# In seconds. A new key is to be known before the old one is used no more, and one that is withdrawn no longer is.
_REFRESH_PERIOD = 300.0
_RETRY_PERIOD = 15.0
# Tokens with unknown keys, which anybody can make, have the keys fetched no more often.
_LEAST_INTERVAL = 15.0
_FETCH_TIMEOUT = 5.0

PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


class KeysError(UnusableError):
    """There are no keys to be had: the message says why, and holds none of them."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key, and what it may have signed with."""

    public: PublicKey
    algorithms: tuple[str, ...]


# By their ids, which are empty where they have none.
Keys: TypeAlias = Mapping[str, Key]


class KeySource(Protocol):
    """Where the keys come from."""

    async def find(self, key_id: str) -> Key | None:
        """Return the key of this id; for an empty one the only key there is.

        Raises:
            KeysError: no keys are to be had for now.
        """


def read_keys(content: bytes) -> Keys:
    """Return the public keys in a JSON Web Key Set that are for signatures.

    Raises:
        KeysError: it is none, or holds no such key.
    """
    try:
        entries = json.loads(content)["keys"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise KeysError('no JSON Web Key Set: a JSON object {"keys": [...]} is needed') from None
    keys = {}
    for entry in entries if isinstance(entries, list) else ():
        key = _read_key(entry)
        if key is not None:
            keys[str(entry.get("kid", ""))] = key
    if not keys:
        raise KeysError("a JSON Web Key Set without a public key for RSA, ECDSA or EdDSA signatures")
    return keys


def _read_key(entry: Any) -> Key | None:
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    try:
        read = jwt.PyJWK(entry)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError, NotImplementedError):
        # Others in the set may be good.
        return None
    public = isinstance(read.key, RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey)
    if read.algorithm_name not in _ALGORITHMS or not public:
        return None
    if isinstance(read.key, RSAPublicKey):
        if read.key.key_size < _LEAST_RSA_BITS:
            return None
        if "alg" not in entry:
            return Key(read.key, _RSA_ALGORITHMS)
    return Key(read.key, (read.algorithm_name,))


def _pick(keys: Keys, key_id: str) -> Key | None:
    if not key_id and len(keys) == 1:
        return next(iter(keys.values()))
    return keys.get(key_id)


class FileKeys:
    """Keys of a file; `adopt` what is in it."""

    def __init__(self) -> None:
        self._keys: Keys = {}

    def adopt(self, contents: tuple[bytes, ...]) -> None:
        """Use the keys in these bytes from now on.

        Raises:
            KeysError: there are none; those that were stay.
        """
        (content,) = contents
        self._keys = read_keys(content)

    async def find(self, key_id: str) -> Key | None:
        """See `KeySource.find`."""
        return _pick(self._keys, key_id)


class FetchedKeys:
    """Keys that are fetched in the background while `run` runs, and also when a key is not known.

    Args:
        fetch: returns a JSON Web Key Set or raises KeysError.
    """

    def __init__(self, fetch: Callable[[], Awaitable[bytes]], least_interval: float = _LEAST_INTERVAL) -> None:
        self._fetch = fetch
        self._least_interval = least_interval
        self._keys: Keys = {}
        self._fault = "the keys were not fetched yet"
        self._fetching: asyncio.Task[None] | None = None
        self._fetched_at = float("-inf")

    async def run(self) -> None:
        """Fetch the keys again and again."""
        try:
            while True:
                await self._refresh()
                await asyncio.sleep(_RETRY_PERIOD if self._fault else _REFRESH_PERIOD)
        finally:
            if self._fetching is not None:
                self._fetching.cancel()
                await asyncio.gather(self._fetching, return_exceptions=True)

    async def find(self, key_id: str) -> Key | None:
        """See `KeySource.find`."""
        key = _pick(self._keys, key_id)
        if key is not None:
            return key
        recently = asyncio.get_running_loop().time() < self._fetched_at + self._least_interval
        if self._fetching is not None or not recently:
            await self._refresh()
        if not self._keys:
            raise KeysError(self._fault)
        return _pick(self._keys, key_id)

    async def _refresh(self) -> None:
        """Fetch the keys, once for all who want them meanwhile."""
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch_once(), name="fetch of keys")
        # A call that is cancelled takes nothing away from the others.
        await asyncio.shield(self._fetching)

    async def _fetch_once(self) -> None:
        try:
            self._keys = read_keys(await self._fetch())
            self._fault = ""
        except KeysError as error:
            self._fault = str(error)
            _log.warning("keys_not_fetched", message=self._fault, kept=len(self._keys))
        finally:
            self._fetched_at = asyncio.get_running_loop().time()
            self._fetching = None


async def fetch(url: str) -> bytes:
    """Return what is at an https URL.

    Raises:
        KeysError: it cannot be had.
    """
    host = urlsplit(url).hostname
    try:
        async with (
            asyncio.timeout(_FETCH_TIMEOUT),
            httpx2.AsyncClient(timeout=_FETCH_TIMEOUT) as client,
            client.stream("GET", url) as response,
        ):
            if response.status_code != httpx2.codes.OK:
                raise KeysError(f"{host} answered with the status {response.status_code}")
            content = b""
            async for part in response.aiter_bytes():
                content += part
                if len(content) > _MAX_BYTES:
                    raise KeysError(f"{host} answered with more than {_MAX_BYTES} bytes")
            return content
    except TimeoutError:
        raise KeysError(f"{host} did not answer within {_FETCH_TIMEOUT:g} s") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise KeysError(f"{host} cannot be reached: {type(error).__name__}") from None
