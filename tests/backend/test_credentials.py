import pytest
from google import genai

from segue.backend.credentials import Credential, CredentialError, from_environment

VERTEX = {"GOOGLE_GENAI_USE_VERTEXAI": "true"}
PLACE = {"GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_CLOUD_LOCATION": "us-central1"}
VARIABLES = (
    "GOOGLE_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_GENAI_USE_VERTEXAI",
    "GOOGLE_GENAI_USE_ENTERPRISE",
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_CLOUD_LOCATION",
    "GOOGLE_GEMINI_BASE_URL",
    "GOOGLE_VERTEX_BASE_URL",
)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"GEMINI_API_KEY": "", "GOOGLE_API_KEY": " "},
        PLACE,
        {"GOOGLE_GENAI_USE_VERTEXAI": "false", **PLACE},
        {"GOOGLE_GEMINI_BASE_URL": "https://localhost:1"},
    ],
)
def test_nothing_set_is_no_credential(environ: dict[str, str]) -> None:
    assert from_environment(environ) is None


@pytest.mark.parametrize(
    ("environ", "source", "key"),
    [
        ({"GEMINI_API_KEY": "a"}, "GEMINI_API_KEY", "a"),
        ({"GOOGLE_API_KEY": "b\n"}, "GOOGLE_API_KEY", "b"),
        ({"GEMINI_API_KEY": "a", "GOOGLE_API_KEY": "b"}, "GOOGLE_API_KEY", "b"),
        ({"GEMINI_API_KEY": "a", "GOOGLE_API_KEY": ""}, "GEMINI_API_KEY", "a"),
        ({"GEMINI_API_KEY": "a", "GOOGLE_GENAI_USE_VERTEXAI": "0", **PLACE}, "GEMINI_API_KEY", "a"),
        ({"GEMINI_API_KEY": "a", "GOOGLE_GENAI_USE_ENTERPRISE": "no", **VERTEX, **PLACE}, "GEMINI_API_KEY", "a"),
    ],
)
def test_a_key_is_for_the_developer_api(environ: dict[str, str], source: str, key: str) -> None:
    credential = from_environment(environ)
    assert credential == Credential("default", source, api_key=key)


@pytest.mark.parametrize(
    "environ",
    [
        {**VERTEX, **PLACE},
        {"GOOGLE_GENAI_USE_VERTEXAI": "1", **PLACE},
        {"GOOGLE_GENAI_USE_VERTEXAI": "False", "GOOGLE_GENAI_USE_ENTERPRISE": "True", **PLACE},
        {**VERTEX, **PLACE, "GOOGLE_API_KEY": "b"},
    ],
)
def test_a_project_and_location_are_for_vertex(environ: dict[str, str]) -> None:
    credential = from_environment(environ)
    assert credential is not None
    assert credential.vertex
    assert (credential.project, credential.location, credential.api_key) == ("p", "us-central1", None)
    assert "GOOGLE_CLOUD_PROJECT" in credential.source


def test_a_key_alone_is_for_the_express_mode_of_vertex() -> None:
    assert from_environment({**VERTEX, "GOOGLE_API_KEY": "b"}) == Credential(
        "default", "GOOGLE_API_KEY", vertex=True, api_key="b"
    )


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        (VERTEX, "GOOGLE_CLOUD_PROJECT"),
        ({"GOOGLE_GENAI_USE_ENTERPRISE": "true"}, "GOOGLE_CLOUD_PROJECT"),
        ({**VERTEX, "GOOGLE_CLOUD_PROJECT": "p"}, "GOOGLE_CLOUD_LOCATION"),
        ({**VERTEX, "GOOGLE_CLOUD_LOCATION": "l", "GEMINI_API_KEY": "a"}, "GOOGLE_CLOUD_PROJECT"),
        ({"GEMINI_API_KEY": "a", "GOOGLE_GEMINI_BASE_URL": "localhost:8765"}, "GOOGLE_GEMINI_BASE_URL"),
        ({"GEMINI_API_KEY": "a", "GOOGLE_GEMINI_BASE_URL": "ws://localhost:8765"}, "https"),
        ({"GEMINI_API_KEY": "a", "GOOGLE_GEMINI_BASE_URL": "https://"}, "https"),
        ({**VERTEX, **PLACE, "GOOGLE_VERTEX_BASE_URL": "https://me:secret@host"}, "GOOGLE_VERTEX_BASE_URL"),
    ],
)
def test_what_is_half_set_is_an_error_that_names_it(environ: dict[str, str], named: str) -> None:
    with pytest.raises(CredentialError, match=named) as raised:
        from_environment(environ)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("environ", "base_url"),
    [
        (
            {"GEMINI_API_KEY": "a", "GOOGLE_GEMINI_BASE_URL": "https://g", "GOOGLE_VERTEX_BASE_URL": "https://v"},
            "https://g",
        ),
        (
            {**VERTEX, **PLACE, "GOOGLE_GEMINI_BASE_URL": "https://g", "GOOGLE_VERTEX_BASE_URL": "https://v"},
            "https://v",
        ),
        ({**VERTEX, "GOOGLE_API_KEY": "b", "GOOGLE_VERTEX_BASE_URL": "https://v"}, "https://v"),
    ],
)
def test_each_api_has_its_own_base_url(environ: dict[str, str], base_url: str) -> None:
    credential = from_environment(environ)
    assert credential is not None
    assert credential.base_url == base_url


def test_no_secret_is_shown() -> None:
    assert "secret" not in repr(Credential("default", "GEMINI_API_KEY", api_key="secret"))


@pytest.mark.parametrize(
    "environ",
    [
        {"GEMINI_API_KEY": "a", "GOOGLE_API_KEY": "b"},
        {"GEMINI_API_KEY": "a", "GOOGLE_GENAI_USE_ENTERPRISE": "no", **VERTEX, **PLACE},
        {**VERTEX, **PLACE, "GOOGLE_API_KEY": "b"},
        {**VERTEX, "GOOGLE_API_KEY": "b"},
        {"GEMINI_API_KEY": "a", "GOOGLE_GEMINI_BASE_URL": "https://g"},
    ],
)
@pytest.mark.filterwarnings("ignore:Warning. Both GOOGLE_GENAI_USE_ENTERPRISE")
async def test_the_installed_sdk_reads_the_same(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)
    credential = from_environment()
    assert credential is not None
    client = genai.Client()
    sdk = client._api_client
    assert bool(sdk.vertexai) == credential.vertex
    assert sdk.api_key == credential.api_key
    if credential.project:
        assert (sdk.project, sdk.location) == (credential.project, credential.location)
    if credential.base_url:
        assert sdk._http_options.base_url == credential.base_url
    client.close()
    await client.aio.aclose()
