"""The settings: where they come from, and what is said when they cannot be."""

import json
from pathlib import Path
from typing import Any

import pytest
import trustme

from segue.config import Settings, SettingsError, is_loopback, load, unknown_variables
from segue.core.policy import FalseInterruption, Policy
from segue.core.profiles import profile_of


@pytest.fixture(autouse=True)
def environment(plain_environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    return plain_environment


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    path = tmp_path / "segue.toml"
    path.write_text('port = 1\nlog_level = "debug"\nmodel = "from-toml"\n')
    return path


def test_the_defaults_may_listen() -> None:
    settings = load()
    assert (settings.host, settings.port, settings.metrics_port) == ("127.0.0.1", 50051, 9464)
    assert settings.fault() is None


def test_flags_go_before_the_environment_and_that_before_the_file(environment: pytest.MonkeyPatch, toml: Path) -> None:
    environment.setenv("SEGUE_PORT", "2")
    environment.setenv("SEGUE_LOG_LEVEL", "error")
    settings = load(toml, port=3, host=None)
    assert (settings.port, settings.log_level, settings.model) == (3, "error", "from-toml")
    assert settings.host == "127.0.0.1"
    assert load(toml).port == 2


def test_every_setting_can_be_set_in_each_way(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    values: dict[str, Any] = {
        "host": "::1",
        "port": 0,
        "tls_cert_file": Path("/chain.pem"),
        "tls_key_file": Path("/key.pem"),
        "tls_client_ca_file": Path("/ca.pem"),
        "tenants_file": Path("/tenants.toml"),
        "jwks": "https://issuer.example/keys",
        "jwt_issuer": "https://issuer.example",
        "jwt_audience": "segue",
        "jwt_tenant_claim": "org",
        "plaintext": True,
        "no_auth": True,
        "metrics_host": "0.0.0.0",
        "metrics_port": 0,
        "backend": "live",
        "model": "m",
        "setup_timeout": 1.5,
        "dial_rate": 5.0,
        "dial_burst": 10,
        "credentials_file": Path("/credentials.toml"),
        "prewarmed": 4,
        "renewal_overlap": True,
        "renewal_jitter": 30.0,
        "false_interruption": "wait",
        "resume_template": "Missed: {unheard}",
        "profiles": {"3.8-live": {"reply_timeout": 10.0, "proactive": False}},
        "max_sessions": 10,
        "max_streams": 20,
        "max_loop_lag": 0.5,
        "drain_timeout": 0.0,
        "log_level": "debug",
        "log_format": "json",
    }
    assert values.keys() == Settings.model_fields.keys()
    assert load(**values).model_dump() == values
    lines = [
        f"{name} = {str(value).lower() if isinstance(value, bool | int | float) else repr(str(value))}"
        for name, value in values.items()
        if name != "profiles"
    ]
    lines += ['[profiles."3.8-live"]', "reply_timeout = 10.0", "proactive = false"]
    (tmp_path / "all.toml").write_text("\n".join(lines))
    assert load(tmp_path / "all.toml").model_dump() == values
    for name, value in values.items():
        environment.setenv(f"SEGUE_{name.upper()}", json.dumps(value) if name == "profiles" else str(value))
    assert load().model_dump() == values
    assert unknown_variables() == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("prot = 1", "prot: no such setting"),
        ("port = 70000", "port: Input should be less than or equal to 65535"),
        ('port = "many"', "port: Input should be a valid integer"),
        ('backend = "openai"', "backend: Input should be 'auto', 'live' or 'simulator'"),
        ('log_level = "loud"', "log_level: Input should be 'debug'"),
        ("setup_timeout = 0", "setup_timeout: Input should be greater than 0"),
        ("prewarmed = -1", "prewarmed: Input should be greater than or equal to 0"),
        ("dial_burst = 0", "dial_burst: Input should be greater than or equal to 1"),
        ("renewal_jitter = 480", "renewal_jitter is 480 s, and must be below the age_limit of every family"),
        ('false_interruption = "stop"', "false_interruption: Input should be 'continue' or 'wait'"),
        ('resume_template = "{name}"', "resume_template: the placeholder {name} is not known: the placeholders are"),
        ('resume_template = "{"', "resume_template: Single '{' encountered in format string: write a brace that is no"),
        ('jwks = "https://[secret/keys"', "jwks: Value error, Invalid IPv6 URL"),
        ("max_sessions = 0", "max_sessions: Input should be greater than or equal to 1"),
        ("max_streams = 0", "max_streams: Input should be greater than or equal to 1"),
        ("max_loop_lag = 0", "max_loop_lag: Input should be greater than 0"),
        ("profiles = 1", "profiles: Input should be a valid dictionary"),
        (
            "[profiles.half-cascade]\nwindow = 0",
            "profiles.half-cascade.window is 0: a whole number, above 0, is needed",
        ),
        ('model = ""', "model: String should have at least 1 character"),
        ("port =", "is not TOML"),
        ("[grpc]\nport = 1", "grpc: no such setting"),
        ('model = "caf\xe9"', "is not TOML"),
    ],
)
def test_what_cannot_be_in_a_file_is_one_clear_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "segue.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsError) as raised:
        load(path)
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "secret" not in str(raised.value)


def test_profiles_in_the_environment_must_be_json(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SEGUE_PROFILES", "{")
    with pytest.raises(SettingsError, match='"profiles" from source "EnvSettingsSource": Expecting property name'):
        load()


def test_the_environment_changes_only_the_fields_it_names(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "segue.toml").write_text("[profiles.half-cascade]\nwindow = 1000\nreply_timeout = 9")
    environment.setenv("SEGUE_PROFILES", '{"half-cascade": {"window": 2000}, "3.8-live": {"proactive": false}}')
    profiles = load(tmp_path / "segue.toml").policy().profiles
    changed = profile_of("gemini-live-2.5-flash", profiles)
    assert (changed.window, changed.reply_timeout) == (2000, 9.0)
    assert not profile_of("gemini-3.8-live", profiles).proactive


def test_the_policy_is_what_the_settings_say() -> None:
    assert Settings().policy() == Policy()
    settings = Settings(
        renewal_overlap=True,
        renewal_jitter=5,
        false_interruption="wait",
        resume_template="Missed: {unheard}",
        profiles={"3.8-live": {"age_limit": 60.0}},
    )
    policy = settings.policy(vertex=True)
    assert (policy.transparent, policy.transcripts_run_ahead) == (True, True)
    assert (policy.overlap, policy.renewal_jitter) == (True, 5.0)
    assert policy.false_interruption is FalseInterruption.WAIT
    assert policy.resume_template == "Missed: {unheard}"
    assert profile_of("gemini-3.8-live", policy.profiles).age_limit == 60.0


def test_all_that_is_wrong_is_named_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SEGUE_PORT", "many")
    with pytest.raises(SettingsError, match=r"port: .*; drain_timeout: "):
        load(drain_timeout=-1)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml is no file: correct --config"):
        load(tmp_path / "none.toml")


def test_misspelt_variables_are_found(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SEGUE_PROT", "1")
    environment.setenv("SEGUE_PORT", "1")
    environment.setenv("SEGUE_TOKEN", "read by segue talk")
    environment.setenv("SEGUE_REQUIRE_TOOLS", "1")
    assert unknown_variables() == ["SEGUE_PROT"]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_nothing(host: str) -> None:
    assert is_loopback(host)
    assert Settings(host=host).fault() is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.1", "example.com", ""])
def test_another_address_needs_tls_and_tenants_or_to_do_without_explicitly(host: str, tmp_path: Path) -> None:
    chain, key = certificate(tmp_path)
    tls: dict[str, Any] = {"tls_cert_file": chain, "tls_key_file": key}
    neither = Settings(host=host).fault()
    assert neither is not None
    assert "--plaintext" in neither
    assert "SEGUE_TENANTS_FILE" in neither
    assert "--no-auth" in neither
    for secrecy in ({"plaintext": True}, tls):
        fault = Settings(host=host, **secrecy).fault()
        assert fault is not None
        assert "--plaintext" not in fault
        assert "--no-auth" in fault
        assert Settings(host=host, no_auth=True, **secrecy).fault() is None
        assert Settings(host=host, tenants_file=tmp_path / "tenants.toml", **secrecy).fault() is None
    fault = Settings(host=host, no_auth=True).fault()
    assert fault is not None
    assert "--plaintext" in fault
    assert "--no-auth" not in fault


JWT = {"jwks": "/keys.json", "jwt_issuer": "https://issuer.example", "jwt_audience": "segue"}


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"no_auth": True}, "leave one out"),
        ({"tenants_file": None, **JWT}, "SEGUE_JWKS needs SEGUE_TENANTS_FILE"),
        (JWT | {"jwt_issuer": ""}, "needs SEGUE_JWT_ISSUER and SEGUE_JWT_AUDIENCE"),
        (JWT | {"jwt_audience": ""}, "needs SEGUE_JWT_ISSUER and SEGUE_JWT_AUDIENCE"),
        (JWT | {"jwks": "http://issuer.example/keys"}, "neither a file nor an https URL"),
        (JWT | {"jwks": "https://me:secret@issuer.example/keys"}, "neither a file nor an https URL"),
        (JWT | {"jwks": "https:///keys"}, "neither a file nor an https URL"),
        ({"tls_client_ca_file": Path("/ca.pem")}, "needs SEGUE_TLS_CERT_FILE and SEGUE_TLS_KEY_FILE"),
        (JWT, None),
        (JWT | {"jwks": "https://issuer.example/keys"}, None),
    ],
)
def test_authentication_that_cannot_be_is_one_clear_line(settings: dict[str, Any], complaint: str | None) -> None:
    fault = Settings(**{"tenants_file": Path("/tenants.toml")} | settings).fault()
    if complaint is None:
        assert fault is None
    else:
        assert complaint in (fault or "")
        assert "secret" not in (fault or "")


def test_metrics_have_an_address_of_their_own() -> None:
    assert Settings(metrics_host="0.0.0.0").fault() is None
    assert Settings(host="0.0.0.0", plaintext=True, no_auth=True).metrics_host == "127.0.0.1"


def certificate(folder: Path) -> tuple[Path, Path]:
    issued = trustme.CA().issue_cert("localhost")
    chain, key = folder / "chain.pem", folder / "key.pem"
    issued.cert_chain_pems[0].write_to_path(chain)
    issued.private_key_pem.write_to_path(key)
    return chain, key


def test_a_certificate_needs_its_key(tmp_path: Path) -> None:
    chain, key = certificate(tmp_path)
    for half in (Settings(tls_cert_file=chain), Settings(tls_key_file=key)):
        assert "set the missing one" in (half.fault() or "")
    assert "is no file" in (Settings(tls_cert_file=chain, tls_key_file=tmp_path / "none.pem").fault() or "")
    fault = Settings(tls_cert_file=key, tls_key_file=key).fault()
    assert fault is not None
    assert "no certificate and its key" in fault
    other = tmp_path / "other"
    other.mkdir()
    assert "no certificate and its key" in (
        Settings(tls_cert_file=chain, tls_key_file=certificate(other)[1]).fault() or ""
    )
