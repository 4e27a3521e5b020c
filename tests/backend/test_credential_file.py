"""The file of credentials: what it may say, and what is said of one that cannot be, which is never a secret."""

import json
from pathlib import Path

import pytest

from segue.backend.credential_file import from_file
from segue.backend.credentials import CredentialError, Share

SECRET = "AIza-hunter2"
SERVICE_ACCOUNT = {
    "type": "service_account",
    "client_email": "segue@p.iam.gserviceaccount.com",
    "token_uri": "https://oauth2.googleapis.com/token",
}


def written(folder: Path, text: str) -> Path:
    path = folder / "credentials.toml"
    path.write_text(text)
    return path


def fault(path: Path, environ: dict[str, str] | None = None) -> str:
    """Return what is wrong with a file; whatever that is, no secret is in it, and not in what led to it."""
    with pytest.raises(CredentialError) as raised:
        from_file(path, environ or {})
    error: BaseException | None = raised.value
    while error is not None:
        assert "hunter2" not in str(error) + repr(error)
        error = None if error.__suppress_context__ else error.__context__
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_every_kind_of_credential(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{SECRET}-of-file\n")
    path = written(
        tmp_path,
        f"""
        [plain]
        api_key = "{SECRET}"
        [from-env]
        api_key_env = "MINE"
        base_url = "https://localhost:8765"
        [from_file]
        api_key_file = "key"
        weight = 3
        max_sessions = 50
        dial_rate = 2
        dial_burst = 5
        [eu]
        project = "p"
        location = "europe-west4"
        """,
    )
    environ = {"MINE": f" {SECRET}-of-env ", "GOOGLE_GEMINI_BASE_URL": "https://g"}
    plain, from_env, from_key_file, eu = credentials = from_file(path, environ)
    assert [each.name for each in credentials] == ["plain", "from-env", "from_file", "eu"]
    assert [each.api_key for each in credentials] == [SECRET, f"{SECRET}-of-env", f"{SECRET}-of-file", None]
    # What is not said is as google-genai takes it from the environment.
    assert [each.base_url for each in credentials] == ["https://g", "https://localhost:8765", "https://g", None]
    assert (eu.vertex, eu.project, eu.location, eu.google_credentials) == (True, "p", "europe-west4", None)
    assert plain.share == Share()
    assert from_key_file.share == Share(weight=3, max_sessions=50, dial_rate=2.0, dial_burst=5)
    assert from_env.source == "credential from-env"
    assert "hunter2" not in repr(credentials)


def test_a_service_account_signs_in_to_its_project(tmp_path: Path) -> None:
    account = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    key = account.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "sa.json").write_text(json.dumps(SERVICE_ACCOUNT | {"private_key": key.decode()}))
    path = written(tmp_path, '[eu]\nproject = "p"\nlocation = "l"\nservice_account_file = "sa.json"')
    (credential,) = from_file(path)
    assert credential.google_credentials is not None
    assert "PRIVATE" not in repr(credential)


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ("", "one: nothing says who asks: set one of api_key, api_key_env, api_key_file, or both project and location"),
        ('project = "p"', "nothing says who asks"),
        ('location = "l"', "nothing says who asks"),
        (f'api_key = "{SECRET}"\napi_key_env = "MINE"', "api_key and api_key_env are set: leave all but one out"),
        (f'api_key = "{SECRET}"\nproject = "p"', "leave one of them out"),
        (f'api_key = ["{SECRET}"]', "api_key: Input should be a valid string"),
        ('api_key = ""', "api_key is empty or not set"),
        (f'api_key = "{SECRET} {SECRET}"', "api_key must hold an API key and nothing else"),
        (f'api_key = "{SECRET}\\n{SECRET}"', "api_key must hold an API key and nothing else"),
        ('api_key_env = "NOT_SET"', "the environment variable NOT_SET of api_key_env is empty or not set"),
        ('api_key_file = "none"', "none of api_key_file cannot be read: No such file or directory"),
        ('api_key_file = "binary"', "binary of api_key_file cannot be read: it is not UTF-8"),
        (f'key = "{SECRET}"', "key: no such setting"),
        (f'api_key = "{SECRET}"\nweight = 0', "weight: Input should be greater than or equal to 1"),
        (f'api_key = "{SECRET}"\nweight = "{SECRET}"', "weight: Input should be a valid integer"),
        (f'api_key = "{SECRET}"\nmax_sessions = 0', "max_sessions: Input should be greater than or equal to 1"),
        (f'api_key = "{SECRET}"\ndial_rate = 0', "dial_rate: Input should be greater than or equal to 0.1"),
        (f'api_key = "{SECRET}"\nbase_url = "http://h/?key={SECRET}"', "base_url: must be an https URL"),
        (f'api_key = "{SECRET}"\nbase_url = "https://me:{SECRET}@h"', "base_url: must not hold a user name"),
        (f'api_key = "{SECRET}"\nbase_url = "https://[{SECRET}"', "base_url: must be an https URL"),
        (
            'project = "p"\nlocation = "l"\nservice_account_file = "none"',
            "service_account_file cannot be read: No such",
        ),
        ('project = "p"\nlocation = "l"\nservice_account_file = "key"', "is no service account's key in JSON"),
        ('project = "p"\nlocation = "l"\nservice_account_file = "half"', "is no service account's key in JSON"),
    ],
)
def test_what_cannot_be_is_told_by_its_name(tmp_path: Path, table: str, complaint: str) -> None:
    (tmp_path / "key").write_text(SECRET)
    (tmp_path / "binary").write_bytes(b"\xff\xfe" + SECRET.encode())
    (tmp_path / "half").write_text(json.dumps(SERVICE_ACCOUNT | {"private_key": SECRET}))
    path = written(tmp_path, f"[one]\n{table}")
    message = fault(path)
    assert message.startswith(f"{path}: one: ")
    assert complaint in message


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "holds no credentials"),
        (f'api_key = "{SECRET}"', "api_key: must be in a table of a credential, such as [main]"),
        (f'[a.b]\napi_key = "{SECRET}"', "a: b: no such setting"),
        (f'["a b"]\napi_key = "{SECRET}"', "a b: the name must be of up to 63 letters"),
        (f"[a]\napi_key = {SECRET}", "is not TOML"),
        (f'[a]\napi_key = "{SECRET}', "is not TOML"),
    ],
)
def test_what_is_no_such_file_is_told(tmp_path: Path, text: str, complaint: str) -> None:
    assert complaint in fault(written(tmp_path, text))


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in fault(tmp_path / "none")
    (tmp_path / "binary").write_bytes(b"\xff")
    assert "cannot be read: it is not UTF-8" in fault(tmp_path / "binary")


def test_a_base_url_of_the_environment_that_cannot_be_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, f'[one]\napi_key = "{SECRET}"')
    assert "GOOGLE_GEMINI_BASE_URL must be" in fault(path, {"GOOGLE_GEMINI_BASE_URL": "localhost"})
