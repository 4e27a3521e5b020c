"""A gateway that knows its clients: tenants, keys and certificates in files that a test may change."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import grpc
import trustme

from segue.backend.pool import Source
from segue.config import Settings
from segue.gateway import Gateway
from tests.edge.auth.issuer import AUDIENCE, ISSUER, Issuer, key_set
from tests.scripted_backend import ScriptedBackend
from tests.waiting import wait_until

ISSUES = Issuer()


def digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


TENANTS = f"""
[acme]
tokens = ["{digest("acme's")}"]
certificates = ["acme.example"]
[other]
tokens = ["{digest("other's")}"]
certificates = ["other.example"]
models = ["gemini-2.5-*"]
defaults.model = "gemini-2.5-flash-native-audio"
"""


class House:
    """What a gateway with authentication is made of, and may be changed while it runs."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.clients = trustme.CA()
        self.tenants, self.keys = folder / "tenants.toml", folder / "keys.json"
        self.chain, self.key, self.ca = folder / "chain.pem", folder / "key.pem", folder / "ca.pem"
        self.tenants.write_text(TENANTS)
        self.keys.write_bytes(key_set(ISSUES))
        self.ca.write_bytes(self.clients.cert_pem.bytes())
        self.certify()

    def certify(self) -> None:
        """Write another certificate of the server's."""
        certificate = self.authority.issue_cert("localhost")
        certificate.private_key_pem.write_to_path(self.key)
        certificate.cert_chain_pems[0].write_to_path(self.chain)

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "tenants_file": self.tenants,
            "jwks": str(self.keys),
            "jwt_issuer": ISSUER,
            "jwt_audience": AUDIENCE,
        }

    @property
    def tls(self) -> dict[str, Any]:
        return {"tls_cert_file": self.chain, "tls_key_file": self.key}

    def trusting(self, *names: str, common_name: str | None = None) -> grpc.ChannelCredentials:
        """Return what a client connects with that has a certificate with these names, or none."""
        root = self.authority.cert_pem.bytes()
        if not names:
            return grpc.ssl_channel_credentials(root)
        shown = self.clients.issue_cert(*names, common_name=common_name)
        chain = b"".join(pem.bytes() for pem in shown.cert_chain_pems)
        return grpc.ssl_channel_credentials(root, shown.private_key_pem.bytes(), chain)


@asynccontextmanager
async def running(backend: ScriptedBackend, **settings: Any) -> AsyncIterator[Gateway]:
    """Serve with these settings. In the end no session may be left."""
    gateway = Gateway(Settings(port=0, metrics_port=0, drain_timeout=0, **settings), [Source(backend)])
    await gateway.start()
    yield gateway
    await wait_until(lambda: not len(gateway.registry))
    await gateway.stop()


def count(gateway: Gateway, reason: str) -> float:
    """Return how much was refused for this reason."""
    return gateway.metrics.registry.get_sample_value("segue_rejections_total", {"reason": reason}) or 0.0
