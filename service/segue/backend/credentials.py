"""Who Segue is for the Gemini API: a key of the Developer API, or a project and location of Vertex AI."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import google.auth.credentials


class CredentialError(Exception):
    """The environment names a way to the Gemini API, but not all that it takes. The text says what to set."""


@dataclass(frozen=True, slots=True)
class Share:
    """What part of the work a credential gets. What is None has no limit, or is as for the others.

    Attributes:
        weight: how many of the new sessions, against the weights of the others.
        max_sessions: new sessions go elsewhere while it has so many.
        dial_rate: so many dials a second may begin in the long run.
        dial_burst: so many may begin at once.
    """

    weight: int = 1
    max_sessions: int | None = None
    dial_rate: float | None = None
    dial_burst: int | None = None


@dataclass(frozen=True, slots=True)
class Credential:
    """One identity. Either `api_key` or both `project` and `location` are set; its repr holds no secret.

    Attributes:
        name: what metrics and logs call it.
        source: which setting it came from, for a person to look at.
        vertex: whether it is for Vertex AI (with an API key: its express mode) or for the Developer API.
        api_key: the key.
        project: the Google Cloud project.
        location: the Google Cloud region.
        google_credentials: how to sign in to the project; None for Application Default Credentials.
        base_url: the https origin to use in place of Google's, None for that.
        share: what part of the work it gets.
    """

    name: str
    source: str
    vertex: bool = False
    api_key: str | None = field(default=None, repr=False)
    project: str | None = None
    location: str | None = None
    google_credentials: google.auth.credentials.Credentials | None = field(default=None, repr=False)
    base_url: str | None = None
    share: Share = Share()


NOBODY = Credential("none", "no credential")


def from_environment(environ: Mapping[str, str] = os.environ) -> Credential | None:
    """Read the variables of google-genai, with its precedence (google/genai/_api_client.py, BaseApiClient.__init__).

    Returns None where they name no credential. Unlike google-genai it asks for the location of a project, because
    the default there, "global", lacks Live models.

    Raises:
        CredentialError: they are half set.
    """
    if _says_vertex(environ):
        return _of_vertex(environ)
    key = _key_variable(environ)
    if key is None:
        return None
    return Credential(
        name="default", source=key, api_key=environ[key].strip(), base_url=base_url_of(environ, vertex=False)
    )


def _says_vertex(environ: Mapping[str, str]) -> bool:
    # The first of the two that is set decides, even when it says no.
    for variable in ("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI"):
        if variable in environ:
            return environ[variable].lower() in ("true", "1")
    return False


def _of_vertex(environ: Mapping[str, str]) -> Credential:
    project = environ.get("GOOGLE_CLOUD_PROJECT") or None
    location = environ.get("GOOGLE_CLOUD_LOCATION") or None
    base_url = base_url_of(environ, vertex=True)
    if project and location:
        source = "GOOGLE_CLOUD_PROJECT and GOOGLE_CLOUD_LOCATION, with Application Default Credentials"
        return Credential("default", source, vertex=True, project=project, location=location, base_url=base_url)
    if project:
        raise CredentialError(
            "GOOGLE_CLOUD_PROJECT is set but not GOOGLE_CLOUD_LOCATION: set it to a region that has Live models, "
            "for example us-central1"
        )
    if location:
        raise CredentialError("GOOGLE_CLOUD_LOCATION is set but not GOOGLE_CLOUD_PROJECT: set it to your project's id")
    key = _key_variable(environ)
    if key is None:
        raise CredentialError(
            "Vertex AI is asked for, but nothing says who asks: set GOOGLE_CLOUD_PROJECT and GOOGLE_CLOUD_LOCATION, "
            "or GOOGLE_API_KEY for its express mode, or unset GOOGLE_GENAI_USE_VERTEXAI and GOOGLE_GENAI_USE_ENTERPRISE"
        )
    return Credential("default", key, vertex=True, api_key=environ[key].strip(), base_url=base_url)


def _key_variable(environ: Mapping[str, str]) -> str | None:
    for variable in ("GOOGLE_API_KEY", "GEMINI_API_KEY"):
        if environ.get(variable, "").strip():
            return variable
    return None


def fault_of_url(url: str) -> str | None:
    """Return what a base URL must not or must be; None where it can be used."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "must be an https URL such as https://localhost:8765"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user name or password"
    # google-genai speaks TLS whatever the URL says, which fails in obscure ways where the peer does not.
    if parts.scheme not in ("https", "wss") or not parts.hostname:
        return "must be an https URL such as https://localhost:8765"
    return None


def base_url_of(environ: Mapping[str, str], *, vertex: bool) -> str | None:
    """Return the base URL that google-genai takes from the environment, None where that has none.

    Raises:
        CredentialError: it cannot be used.
    """
    variable = "GOOGLE_VERTEX_BASE_URL" if vertex else "GOOGLE_GEMINI_BASE_URL"
    url = environ.get(variable)
    if not url:
        return None
    if fault := fault_of_url(url):
        raise CredentialError(f"{variable} {fault}")
    return url
