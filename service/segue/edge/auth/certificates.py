"""The server's certificate, and whose certificates it wants of clients; both can change while it listens."""

from collections import deque
from datetime import datetime
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from segue.files import Contents, UnusableError


class CertificatesError(UnusableError):
    """The certificates cannot be used: the message says why."""


class Certificates:
    """What the server shows and wants in its TLS handshakes; `adopt` first.

    Args:
        wants_clients: whether clients must show a certificate of their own.
    """

    def __init__(self, *, wants_clients: bool) -> None:
        self._wants_clients = wants_clients
        self._used: grpc.ServerCertificateConfiguration | None = None
        # What changed and was not used yet. Two threads meet here.
        self._newest: deque[grpc.ServerCertificateConfiguration] = deque(maxlen=1)

    def adopt(self, contents: Contents) -> None:
        """Use, from the next handshake on, this chain, its key, and where clients are wanted the CA of theirs.

        Raises:
            CertificatesError: they cannot be; those that were stay.
        """
        chain, key, *authorities = contents
        check_pair(chain, key)
        for authority in authorities:
            _load(authority, "the CA of the clients")
        newest = grpc.ssl_server_certificate_configuration([(key, chain)], authorities[0] if authorities else None)
        self._newest.append(newest)
        self._used = self._used or newest

    def credentials(self) -> grpc.ServerCredentials:
        """Return what a port is opened with."""
        assert self._used is not None
        return grpc.dynamic_ssl_server_credentials(self._used, self._take_newest, self._wants_clients)

    def _take_newest(self) -> Any:
        # Asked at each handshake, from a thread of gRPC's; None, which its stubs do not know of, is for no change.
        try:
            return self._newest.pop()
        except IndexError:
            return None


def check_pair(chain: bytes, key: bytes) -> datetime:
    """Return until when a chain of certificates is valid.

    Raises:
        CertificatesError: one of the two is no PEM, or the key is that of another certificate.
    """
    leaf, *_ = certificates = _load(chain, "the certificate")
    try:
        private = load_pem_private_key(key, password=None)
    except (ValueError, TypeError):
        raise CertificatesError("the key is no private key in PEM without a password") from None
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if private.public_key().public_bytes(*form) != leaf.public_key().public_bytes(*form):
        raise CertificatesError("the key is that of another certificate")
    return min(certificate.not_valid_after_utc for certificate in certificates)


def _load(chain: bytes, what: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(chain)
    except ValueError:
        raise CertificatesError(f"{what} is no certificate in PEM") from None
