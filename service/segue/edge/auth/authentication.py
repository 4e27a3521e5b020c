"""Authentication as the settings say: its files and URLs read, and read again while it runs."""

import asyncio
from pathlib import Path

import grpc

from segue.config import Settings
from segue.edge.auth.authenticator import Authenticator
from segue.edge.auth.certificates import Certificates
from segue.edge.auth.keys import FetchedKeys, FileKeys, KeySource, fetch
from segue.edge.auth.tokens import Verifier
from segue.files import Contents, FileWatcher
from segue.tenants import Tenants, read_tenants


class Authentication:
    """What the server needs to know of who it is and who may call.

    Args:
        settings: with no `fault`.

    Attributes:
        files: what is read again when it changes.
        authenticator: knows who calls; None where nobody has to say who they are.

    Raises:
        UnusableError: a file cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self.files = FileWatcher()
        self._fetched: FetchedKeys | None = None
        self._certificates = self._use_certificates(settings)
        self.authenticator: Authenticator | None = None
        if settings.tenants_file is not None:
            self.authenticator = self._use_tenants(settings, settings.tenants_file)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def credentials(self) -> grpc.ServerCredentials | None:
        """What the port is opened with; None for no TLS."""
        return None if self._certificates is None else self._certificates.credentials()

    def start(self) -> None:
        """Notice from now on when files change, and fetch keys."""
        if self._certificates is not None or self.authenticator is not None:
            self._tasks.append(asyncio.create_task(self.files.run(), name="watch of files"))
        if self._fetched is not None:
            self._tasks.append(asyncio.create_task(self._fetched.run(), name="fetching of keys"))

    async def stop(self) -> None:
        """Let go of everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _use_certificates(self, settings: Settings) -> Certificates | None:
        if settings.tls_cert_file is None or settings.tls_key_file is None:
            return None
        certificates = Certificates(wants_clients=settings.tls_client_ca_file is not None)
        paths = (settings.tls_cert_file, settings.tls_key_file, settings.tls_client_ca_file)
        self.files.use(tuple(path for path in paths if path is not None), certificates.adopt)
        return certificates

    def _use_tenants(self, settings: Settings, path: Path) -> Authenticator:
        authenticator = Authenticator(Tenants(()), self._verifier(settings) if settings.jwks else None)

        def adopt(contents: Contents) -> None:
            (content,) = contents
            authenticator.tenants = read_tenants(content, path)

        self.files.use((path,), adopt)
        return authenticator

    def _verifier(self, settings: Settings) -> Verifier:
        source: KeySource
        if "://" in settings.jwks:
            source = self._fetched = FetchedKeys(lambda: fetch(settings.jwks))
        else:
            source = keys = FileKeys()
            self.files.use((Path(settings.jwks),), keys.adopt)
        return Verifier(source, settings.jwt_issuer, settings.jwt_audience, settings.jwt_tenant_claim)
