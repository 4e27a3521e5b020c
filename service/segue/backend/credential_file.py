"""The credentials of a file: a TOML table for each, of which the name is what metrics and logs call it.

[eu]
project = "my-project"                    # Vertex AI
location = "europe-west4"
service_account_file = "eu.json"          # without it: Application Default Credentials
weight = 3                                # 3 of 4 new sessions
max_sessions = 200

[spare]
api_key_env = "SPARE_GEMINI_KEY"          # or api_key_file, or api_key
dial_rate = 2.0                           # a second
dial_burst = 10
base_url = "https://localhost:8765"

No message says what a secret is, nor what stands in its place.
"""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

from google.auth.exceptions import GoogleAuthError
from google.oauth2.service_account import Credentials
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from segue.backend.credentials import Credential, CredentialError, Share, base_url_of, fault_of_url

# A label of a metric, and short in a log.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_KEYS = ("api_key", "api_key_env", "api_key_file")
_from_service_account_file: Callable[..., Credentials] = Credentials.from_service_account_file


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, strict=True)

    api_key: SecretStr | None = None
    api_key_env: str | None = Field(default=None, min_length=1)
    api_key_file: str | None = Field(default=None, min_length=1)
    project: str | None = Field(default=None, min_length=1)
    location: str | None = Field(default=None, min_length=1)
    service_account_file: str | None = Field(default=None, min_length=1)
    base_url: str | None = None
    weight: int = Field(default=1, ge=1, le=1000)
    max_sessions: int | None = Field(default=None, ge=1)
    dial_rate: float | None = Field(default=None, ge=0.1, le=10_000)
    dial_burst: int | None = Field(default=None, ge=1, le=10_000)

    @field_validator("base_url")
    @classmethod
    def _can_be_reached(cls, url: str | None) -> str | None:
        if url is not None and (fault := fault_of_url(url)):
            raise ValueError(fault)
        return url

    @model_validator(mode="after")
    def _says_who(self) -> "_Entry":
        keys = [name for name in _KEYS if getattr(self, name) is not None]
        if len(keys) > 1:
            raise ValueError(f"{' and '.join(keys)} are set: leave all but one out")
        if keys and (self.project or self.location or self.service_account_file):
            raise ValueError(f"{keys[0]} is for the Developer API, and project is for Vertex AI: leave one of them out")
        if not keys and not (self.project and self.location):
            raise ValueError(f"nothing says who asks: set one of {', '.join(_KEYS)}, or both project and location")
        return self


def from_file(path: Path, environ: Mapping[str, str] = os.environ) -> tuple[Credential, ...]:
    """Read the credentials of a file, in its order; one or more. Paths in it start from where it is.

    Raises:
        CredentialError: there is something wrong with one of them, or with the file.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialError(f"{path} cannot be read: {_reason(error)}") from None
    except tomllib.TOMLDecodeError as error:
        raise CredentialError(f"{path} is not TOML: {error}") from None
    if not tables:
        raise CredentialError(f"{path} holds no credentials: give it a table for each, with a name such as [main]")
    credentials = []
    for name, table in tables.items():
        try:
            credentials.append(_read(name, table, path.parent, environ))
        except CredentialError as error:
            raise CredentialError(f"{path}: {name}: {error}") from None
    return tuple(credentials)


def _read(name: str, table: object, folder: Path, environ: Mapping[str, str]) -> Credential:
    if not isinstance(table, dict):
        raise CredentialError("must be in a table of a credential, such as [main]")
    if not _NAME.fullmatch(name):
        raise CredentialError("the name must be of up to 63 letters, digits, '.', '-' and '_'")
    try:
        entry = _Entry.model_validate(table)
    except ValidationError as error:
        raise CredentialError("; ".join(map(_described, error.errors(include_input=False)))) from None
    vertex = entry.project is not None
    return Credential(
        name,
        f"credential {name}",
        vertex=vertex,
        api_key=None if vertex else _key(entry, folder, environ),
        project=entry.project,
        location=entry.location,
        google_credentials=_service_account(folder / entry.service_account_file)
        if entry.service_account_file
        else None,
        base_url=entry.base_url or base_url_of(environ, vertex=vertex),
        share=Share(entry.weight, entry.max_sessions, entry.dial_rate, entry.dial_burst),
    )


def _described(fault: Mapping[str, object]) -> str:
    where = ".".join(map(str, fault["loc"])) if isinstance(fault["loc"], tuple) else ""
    if fault["type"] == "extra_forbidden":
        return f"{where}: no such setting"
    what = str(fault["msg"]).removeprefix("Value error, ")
    return f"{where}: {what}" if where else what


def _key(entry: _Entry, folder: Path, environ: Mapping[str, str]) -> str:
    if entry.api_key is not None:
        key, where = entry.api_key.get_secret_value(), "api_key"
    elif entry.api_key_env is not None:
        key, where = environ.get(entry.api_key_env, ""), f"the environment variable {entry.api_key_env} of api_key_env"
    else:
        assert entry.api_key_file is not None
        path = folder / entry.api_key_file
        where = f"{path} of api_key_file"
        try:
            key = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CredentialError(f"{where} cannot be read: {_reason(error)}") from None
    key = key.strip()
    if not key:
        raise CredentialError(f"{where} is empty or not set: it must hold an API key")
    # It goes into a header.
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise CredentialError(f"{where} must hold an API key and nothing else")
    return key


def _service_account(path: Path) -> Credentials:
    try:
        return _from_service_account_file(path, scopes=_SCOPES)
    except OSError as error:
        raise CredentialError(f"{path} of service_account_file cannot be read: {_reason(error)}") from None
    except (ValueError, GoogleAuthError):
        raise CredentialError(f"{path} of service_account_file is no service account's key in JSON") from None


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or "no reason" if isinstance(error, OSError) else "it is not UTF-8"
