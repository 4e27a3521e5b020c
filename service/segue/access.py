"""What `segue check` finds of who may talk to the gateway, without what they are known by."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from rich.markup import escape
from rich.table import Table

from segue.config import Settings
from segue.edge.auth.certificates import check_pair
from segue.edge.auth.keys import fetch, read_keys
from segue.files import UnusableError
from segue.tenants import Tenant, Tenants, read_tenants


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `advice` is empty when all is well."""

    what: str
    result: str
    advice: str = ""


def without_secrets(location: str) -> str:
    """Return a path as it is, and of a URL no more than where it leads."""
    if "://" not in location:
        return location
    parts = urlsplit(location)
    hidden = "?..." if parts.query else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{hidden}"


class Access:
    """The tenants, the certificate and the keys of settings with no `fault`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tenants = Tenants(())
        self._found = [*self._read_tenants(), *self._read_certificate()]

    def tables(self) -> Iterator[Table]:
        """Yield what the tenants may do, if there are any."""
        if not len(self._tenants):
            return
        table = Table(title="Tenants", title_justify="left")
        for column in ("tenant", "known by", "may", "defaults"):
            table.add_column(column)
        for tenant in self._tenants:
            known = f"{_counted(len(tenant.tokens), 'token')}, {_counted(len(tenant.certificates), 'certificate')}"
            defaults = ", ".join(name for name, value in tenant.defaults if value)
            table.add_row(escape(tenant.name), known, escape("\n".join(_limits(tenant))), defaults)
        yield table

    async def findings(self) -> list[Finding]:
        """Return what was found, and whether the keys can be had."""
        return [*self._found, await self._keys()] if self._settings.jwks else self._found

    def _read_tenants(self) -> Iterator[Finding]:
        path = self._settings.tenants_file
        if path is None:
            yield Finding("authentication", "none: whoever can connect may talk")
            return
        try:
            self._tenants = read_tenants(_read(path), path)
        except UnusableError as error:
            yield Finding("tenants", "cannot be used", str(error))
            return
        yield Finding("tenants", f"{_counted(len(self._tenants), 'tenant')} in {path}")

    def _read_certificate(self) -> Iterator[Finding]:
        chain, key = self._settings.tls_cert_file, self._settings.tls_key_file
        if chain is None or key is None:
            return
        try:
            end = check_pair(_read(chain), _read(key))
        except UnusableError as error:
            yield Finding("certificate", "cannot be used", str(error))
            return
        over = end <= datetime.now(UTC)
        result = f"{chain} is valid until {end:%Y-%m-%d %H:%M} UTC"
        yield Finding("certificate", result, "renew it: clients refuse it by now" if over else "")

    async def _keys(self) -> Finding:
        location = self._settings.jwks
        try:
            keys = read_keys(await fetch(location) if "://" in location else _read(Path(location)))
        except UnusableError as error:
            return Finding("keys", f"{without_secrets(location)} cannot be used", str(error))
        return Finding("keys", f"{_counted(len(keys), 'key')} at {without_secrets(location)}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnusableError(f"{path} cannot be read: {error.strerror}") from None


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _limits(tenant: Tenant) -> Iterator[str]:
    """Yield what a tenant may do and what limits it."""
    for name in ("streams", "sessions", "opens_per_second", "audio_seconds_per_day", "max_duration", "idle_timeout"):
        limit = getattr(tenant, name)
        if limit is not None:
            yield f"{name} = {limit:g}"
    yield f"models = {', '.join(tenant.models) or 'all'}"
    if tenant.backend_options:
        yield "backend_options = true"
    if tenant.credentials:
        yield f"credentials = {', '.join(tenant.credentials)}"
