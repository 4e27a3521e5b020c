"""The settings: SEGUE_* environment variables, or a TOML file; flags of the command line go before both."""

import ipaddress
import os
import ssl
import tomllib
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pydantic_settings
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from segue.core.policy import FalseInterruption, Policy
from segue.core.resume_context import fault_of_template
from segue.overrides import overridden

PREFIX = "SEGUE_"


class SettingsError(Exception):
    """The settings cannot be: the message says which and what to do."""


class Settings(BaseSettings):
    """Everything that can be set. Times are in seconds."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    host: str = Field(default="127.0.0.1", description="where gRPC listens")
    port: int = Field(default=50051, ge=0, le=65535, description="gRPC port; 0 takes a free one")
    tls_cert_file: Path | None = Field(default=None, description="PEM certificate chain; with it gRPC speaks TLS")
    tls_key_file: Path | None = Field(default=None, description="PEM private key of the certificate")
    tls_client_ca_file: Path | None = Field(
        default=None,
        description="PEM certificates of the CA of clients; with it each must show a certificate of its own",
    )
    tenants_file: Path | None = Field(default=None, description="TOML file of who may call, and what they may do")
    jwks: str = Field(
        default="", description="keys that sign JSON Web Tokens of tenants: a file, or an https URL; needs the next two"
    )
    jwt_issuer: str = Field(default="", description="the iss that such tokens must have")
    jwt_audience: str = Field(default="", description="the aud that such tokens must have")
    jwt_tenant_claim: str = Field(default="tenant", min_length=1, description="the claim that names the tenant")
    plaintext: bool = Field(default=False, description="allow gRPC without TLS off loopback")
    no_auth: bool = Field(default=False, description="allow gRPC without authentication off loopback")
    metrics_host: str = Field(default="127.0.0.1", description="where metrics and probes listen")
    metrics_port: int = Field(
        default=9464, ge=0, le=65535, description="port of metrics and probes; 0 takes a free one"
    )
    backend: Literal["auto", "live", "simulator"] = Field(
        default="auto", description="auto: the Live API where credentials are set, else the embedded simulator"
    )
    model: str = Field(default="gemini-3.8-live", min_length=1, description="the model of sessions that name none")
    setup_timeout: float = Field(default=5.0, gt=0, le=120, description="how long a link may take from dial to setup")
    dial_rate: float = Field(default=50.0, ge=0.1, le=10_000, description="dials a second in the long run")
    dial_burst: int = Field(default=100, ge=1, le=10_000, description="dials at once, after a while without any")
    credentials_file: Path | None = Field(
        default=None, description="TOML with a table for each credential; None: the one of the environment"
    )
    prewarmed: int = Field(
        default=0, ge=0, le=1000, description="connections of each credential that stand ready for new sessions"
    )
    renewal_overlap: bool = Field(default=False, description="hang up a link when its successor is up, not before")
    renewal_jitter: float = Field(default=60.0, ge=0, description="renew each link up to so much before its age limit")
    false_interruption: Literal["continue", "wait"] = Field(
        default="continue", description="what the model does after a sound without words cut it"
    )
    resume_template: str = Field(
        default="", description="the wording of the note to an interrupted model; empty: Segue's own"
    )
    profiles: dict[str, dict[str, Any]] = Field(
        default={}, description="changes to what families of models can do, by family and field"
    )
    max_sessions: int = Field(default=1000, ge=1, description="sessions at once; more are refused")
    max_streams: int = Field(default=2000, ge=1, description="calls at once; more are refused")
    max_loop_lag: float = Field(
        default=0.25, gt=0, le=10, description="no new sessions while the event loop is so late on average"
    )
    drain_timeout: float = Field(default=30.0, ge=0, le=600, description="how long running turns may finish at a stop")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="the least that is logged"
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto", description="auto: console on a terminal, else JSON"
    )

    @field_validator("jwks")
    @classmethod
    def _is_read_as_a_url(cls, location: str) -> str:
        urlsplit(location)
        return location

    @model_validator(mode="after")
    def _policy_can_be(self) -> "Settings":
        profiles = overridden(self.profiles)
        shortest = min(profiles, key=lambda profile: profile.age_limit)
        if self.renewal_jitter >= shortest.age_limit:
            raise ValueError(
                f"renewal_jitter is {self.renewal_jitter:g} s, and must be below the age_limit of every family: that "
                f"of {shortest.family} is {shortest.age_limit:g} s"
            )
        if fault := fault_of_template(self.resume_template):
            raise ValueError(f"resume_template: {fault}")
        return self

    def policy(self, *, vertex: bool = False) -> Policy:
        """Return what holds for every session; `vertex` where the service is Vertex AI."""
        return Policy(
            profiles=overridden(self.profiles),
            transparent=vertex,
            transcripts_run_ahead=vertex,
            overlap=self.renewal_overlap,
            renewal_jitter=self.renewal_jitter,
            false_interruption=FalseInterruption[self.false_interruption.upper()],
            resume_template=self.resume_template.strip(),
        )

    def fault(self) -> str | None:
        """Return why the gateway must not listen with these settings, and what to do; None when it may."""
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            return "TLS needs both SEGUE_TLS_CERT_FILE and SEGUE_TLS_KEY_FILE: set the missing one"
        for path in (self.tls_cert_file, self.tls_key_file):
            if path is not None and not path.is_file():
                return f"{path} is no file: correct SEGUE_TLS_CERT_FILE or SEGUE_TLS_KEY_FILE"
        if self.tls_cert_file is not None:
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.tls_cert_file, self.tls_key_file)
            except OSError as error:
                return f"{self.tls_cert_file} and {self.tls_key_file} are no certificate and its key in PEM: {error}"
        elif self.tls_client_ca_file is not None:
            return "SEGUE_TLS_CLIENT_CA_FILE needs SEGUE_TLS_CERT_FILE and SEGUE_TLS_KEY_FILE: set them, too"
        fault = self._fault_of_authentication()
        if fault is not None:
            return fault
        if is_loopback(self.host):
            return None
        missing = []
        if self.tls_cert_file is None and not self.plaintext:
            missing.append("TLS (SEGUE_TLS_CERT_FILE and SEGUE_TLS_KEY_FILE), or --plaintext to do without")
        if self.tenants_file is None and not self.no_auth:
            missing.append("authentication (SEGUE_TENANTS_FILE), or --no-auth to do without")
        if missing:
            return f"{self.host} is not loopback, so anybody could connect. Needed: {'; and '.join(missing)}"
        return None

    def _fault_of_authentication(self) -> str | None:
        if self.tenants_file is None:
            return "SEGUE_JWKS needs SEGUE_TENANTS_FILE, which says what a token's tenant may do" if self.jwks else None
        if self.no_auth:
            return "SEGUE_TENANTS_FILE says who may call, and --no-auth that anybody may: leave one out"
        if not self.jwks:
            return None
        if not (self.jwt_issuer and self.jwt_audience):
            return "SEGUE_JWKS needs SEGUE_JWT_ISSUER and SEGUE_JWT_AUDIENCE: else tokens for others would do here, too"
        if "://" in self.jwks:
            parts = urlsplit(self.jwks)
            if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
                return "SEGUE_JWKS is neither a file nor an https URL without a user's name and password: correct it"
        return None


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def load(config: Path | None = None, **flags: Any) -> Settings:
    """Read the settings. Flags that are None were not given.

    Raises:
        SettingsError: a file, a name or a value cannot be.
    """
    if config is not None and not config.is_file():
        raise SettingsError(f"{config} is no file: correct --config")

    class Sourced(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            *_others: PydanticBaseSettingsSource,
            **_named_others: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            if config is None:
                return init_settings, env_settings
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=config)

    try:
        return Sourced(**{name: value for name, value in flags.items() if value is not None})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{config} is not TOML: {error}") from None
    except pydantic_settings.SettingsError as error:
        raise SettingsError(f"settings that cannot be: {error}: {error.__cause__}") from None
    except ValidationError as error:
        faults = "; ".join(_described(fault) for fault in error.errors())
        raise SettingsError(f"settings that cannot be: {faults}") from None


def _described(fault: ErrorDetails) -> str:
    # Where several settings do not go together, the text alone tells which.
    if not fault["loc"]:
        return str(fault["ctx"]["error"])
    what = "no such setting" if fault["type"] == "extra_forbidden" else fault["msg"]
    return f"{'.'.join(map(str, fault['loc']))}: {what}"


def unknown_variables() -> list[str]:
    """Return the SEGUE_* environment variables that name no setting: misspelt ones, most likely."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known | _OTHERS)


# Read by `segue talk` and by the tests.
_OTHERS = {"SEGUE_TOKEN", "SEGUE_REQUIRE_TOOLS"}
