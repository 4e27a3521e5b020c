"""The tenants: what each is known by and what it may do, read from a TOML file with a table for each of them."""

import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from segue.files import UnusableError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class TenantsError(UnusableError):
    """The tenants cannot be: the message says which and what to do, and holds nothing of the file but names."""


def _digest(text: str) -> str:
    lowered = text.lower()
    if not _SHA256.fullmatch(lowered):
        raise ValueError("is no SHA-256 in hex; put the sum of the token there, never the token itself")
    return lowered


def _pattern(text: str) -> str:
    if not text or "*" in text[:-1]:
        raise ValueError("is no name of a model: the only * that may be is the last character")
    return text


class Defaults(BaseModel):
    """What the sessions of a tenant have that do not say otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = ""
    voice: str = ""
    language: str = ""
    system_instruction: str = ""


class Tenant(BaseModel):
    """One that may call, and what it may do on each pod. Durations are in seconds; None is no limit.

    Attributes:
        tokens: SHA-256 sums of its bearer tokens, in hex.
        certificates: DNS names, URIs or common names of its client certificates.
        streams: how many calls it may have at once.
        sessions: how many sessions it may have at once.
        opens_per_second: how many sessions it may open in the long run.
        audio_seconds_per_day: how much audio its users and their models may say from midnight to midnight, UTC.
        max_duration: the longest that a session of it lasts, whatever that asks for.
        idle_timeout: the longest that nobody says anything in a session of it.
        models: what it may use, with a * at the end for all that begin so; empty for every model.
        backend_options: whether it may set fields of the Live API's setup.
        credentials: the names of those that its sessions use; empty for any.
        defaults: what its sessions have that do not say otherwise.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    tokens: tuple[Annotated[str, AfterValidator(_digest)], ...] = Field(default=(), repr=False)
    certificates: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    streams: int | None = Field(default=None, ge=0)
    sessions: int | None = Field(default=None, ge=0)
    opens_per_second: float | None = Field(default=None, gt=0, le=10_000)
    audio_seconds_per_day: float | None = Field(default=None, ge=0)
    max_duration: float | None = Field(default=None, ge=1, le=86_400)
    idle_timeout: float | None = Field(default=None, ge=1, le=86_400)
    models: tuple[Annotated[str, AfterValidator(_pattern)], ...] = ()
    backend_options: bool = False
    credentials: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    defaults: Defaults = Defaults()

    @model_validator(mode="after")
    def _default_may_be_used(self) -> "Tenant":
        if self.defaults.model and not self.may_use(self.defaults.model):
            raise ValueError(f"has a default model that is none of its models: {self.defaults.model}")
        return self

    def may_use(self, model: str) -> bool:
        """Return whether its sessions may be with this model."""
        return not self.models or any(
            model.startswith(name[:-1]) if name.endswith("*") else model == name for name in self.models
        )


# Whoever calls where nobody has to say who they are.
ANYBODY = Tenant(name="", backend_options=True)


@dataclass(frozen=True, slots=True)
class Proof:
    """By what a caller is known as a tenant: the SHA-256 sum of its token, or a name in its certificate."""

    token: str = ""
    certificate: str = ""


class Tenants:
    """All that may call.

    Raises:
        TenantsError: two of them are known by the same token or certificate.
    """

    def __init__(self, tenants: Iterable[Tenant]) -> None:
        self._by_name = {tenant.name: tenant for tenant in tenants}
        self._by_proof: dict[Proof, str] = {}
        for tenant in self._by_name.values():
            for digest in tenant.tokens:
                self._own(Proof(token=digest), tenant.name, "token")
            for name in tenant.certificates:
                self._own(Proof(certificate=name), tenant.name, "certificate")

    def __iter__(self) -> Iterator[Tenant]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def named(self, name: str) -> Tenant | None:
        """Return the tenant of this name."""
        return self._by_name.get(name)

    def owner(self, proof: Proof) -> str | None:
        """Return the name of the tenant that is known by this."""
        return self._by_proof.get(proof)

    def _own(self, proof: Proof, name: str, kind: str) -> None:
        other = self._by_proof.setdefault(proof, name)
        if other != name:
            raise TenantsError(f"{other} and {name} have a {kind} in common: give each its own")


def proof_of(token: str) -> Proof:
    """Return what a bearer token proves. Tokens are random, so a plain sum does not give them away."""
    return Proof(token=hashlib.sha256(token.encode()).hexdigest())


def read_tenants(content: bytes, path: Path) -> Tenants:
    """Return the tenants in a TOML file that holds this.

    Raises:
        TenantsError: it is no TOML, or says what cannot be.
    """
    try:
        tables = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # What is around the fault may be a token.
        where = re.search(r"\(at [^)]*\)$", str(error))
        raise TenantsError(f"{path} is not TOML{f' {where[0]}' if where else ''}") from None
    faults: list[str] = []
    tenants = []
    for name, table in tables.items():
        try:
            tenants.append(_read_tenant(name, table))
        except TenantsError as error:
            faults.append(str(error))
    if faults:
        raise TenantsError(f"{path}: {'; '.join(faults)}")
    try:
        return Tenants(tenants)
    except TenantsError as error:
        raise TenantsError(f"{path}: {error}") from None


def _read_tenant(name: str, table: Any) -> Tenant:
    if not isinstance(table, dict):
        raise TenantsError(f"{name} is no table: each tenant has one of its own, as in [{name}]")
    if not _NAME.fullmatch(name):
        raise TenantsError(f"{name!r} is no tenant's name: 1 to 63 letters, digits, dots, dashes and underscores")
    if "name" in table:
        raise TenantsError(f"{name}.name: a tenant's name is that of its table")
    try:
        return Tenant(name=name, **table)
    except ValidationError as error:
        raise TenantsError("; ".join(_described(name, fault) for fault in error.errors())) from None


def _described(name: str, fault: ErrorDetails) -> str:
    where = ".".join((name, *map(str, fault["loc"])))
    if fault["type"] == "extra_forbidden":
        return f"{where}: tenants have no such field"
    # The text of a fault that was found here stands on its own; that of pydantic never holds what was put in.
    cause = fault.get("ctx", {}).get("error")
    return f"{where} {cause}" if isinstance(cause, ValueError) else f"{where}: {fault['msg']}"
