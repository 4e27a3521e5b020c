"""What the opening handshake says: which service is asked for, and with what credential."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from segue.simulator.wire.schema import Flavour
from segue.simulator.wire.tokens import PREFIX

# Any prefix, any number of slashes, any version: google-genai asks for `//ws/...` and versions v1, v1alpha, v1beta.
_DEVELOPER_PATH = re.compile(
    r"/+(?:[^/]+/+)*ws/google\.ai\.generativelanguage\.(?P<version>[^./]+)"
    r"\.GenerativeService\.BidiGenerateContent(?:Constrained)?"
)
_VERTEX_PATH = re.compile(
    r"/+(?:[^/]+/+)*ws/google\.cloud\.aiplatform\.(?P<version>[^./]+)\.LlmBidiService/BidiGenerateContent"
)


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A request for a Live API connection.

    Attributes:
        path: without the query, which may hold a key.
        version: the API's version, as asked for.
        credential: an API key or a token; empty for none.
        bearer: the credential is an OAuth token, and not a key or an ephemeral token.
    """

    path: str
    flavour: Flavour
    version: str
    credential: str
    bearer: bool = field(default=False, compare=False)

    @property
    def key(self) -> str:
        """The API key; empty for a token, of which each is good for a while only."""
        return "" if self.bearer or self.credential.startswith(PREFIX) else self.credential

    @property
    def constrained(self) -> bool:
        """The method is the one for ephemeral tokens."""
        return self.path.endswith("Constrained")


def read_upgrade(target: str, headers: Mapping[str, str]) -> Upgrade | None:
    """Read a handshake's request target and headers, named in lower case; None where the path is not the Live API's.

    Keys come in the header `x-goog-api-key` or the query parameter `key`, ephemeral tokens in `Authorization: Token` or
    `access_token`, and with google-genai in `x-goog-api-key`, too; OAuth tokens in `Authorization: Bearer`.
    """
    # Not urlsplit: two leading slashes would make the first segment a host.
    path, _, query = target.partition("?")
    for flavour, pattern in ((Flavour.DEVELOPER, _DEVELOPER_PATH), (Flavour.VERTEX, _VERTEX_PATH)):
        if match := pattern.fullmatch(path):
            credential, bearer = _credential(parse_qs(query), headers)
            return Upgrade(path, flavour, match["version"], credential, bearer)
    return None


def _credential(query: Mapping[str, list[str]], headers: Mapping[str, str]) -> tuple[str, bool]:
    """Return the credential, and whether it is an OAuth token."""
    if key := headers.get("x-goog-api-key", ""):
        return key, False
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if token:
        return token.strip(), scheme.lower() == "bearer"
    from_query = [*query.get("key", ()), *query.get("access_token", ())]
    return next(iter(from_query), ""), False
