"""An issuer of JSON Web Tokens."""

import json
import time
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from jwt.algorithms import ECAlgorithm

ISSUER = "https://issuer.example"
AUDIENCE = "segue"


@dataclass
class Issuer:
    """Signs with one key."""

    key_id: str = "k1"
    private: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))

    @property
    def jwk(self) -> dict[str, Any]:
        """Return the public key."""
        public: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(self.private.public_key()))
        return public | {"kid": self.key_id, "use": "sig", "alg": "ES256"}

    def token(self, tenant: Any = "acme", headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """Return a token that is in order unless the claims, of which None leaves one out, say otherwise."""
        payload = {"iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 86_400, "tenant": tenant} | claims
        payload = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(payload, self.private, "ES256", headers={"kid": self.key_id} | (headers or {}))


def key_set(*issuers: Issuer) -> bytes:
    """Return the JSON Web Key Set of their keys."""
    return json.dumps({"keys": [issuer.jwk for issuer in issuers]}).encode()
