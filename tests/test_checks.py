"""`segue check`: the effective settings, and what is wrong with them."""

import io
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from segue.checks import check
from segue.config import Settings
from segue.simulator.server import Simulator

pytestmark = pytest.mark.usefixtures("no_task_left")


@pytest.fixture(autouse=True)
def environment(plain_environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    return plain_environment


@pytest.fixture
async def service(environment: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Simulator]:
    """A Live API that knows one key, and an environment that leads to it."""
    async with Simulator(valid_credential=lambda credential: credential == "right") as simulator:
        (tmp_path / "ca.pem").write_bytes(simulator.ca_pem)
        environment.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        environment.setenv("GOOGLE_GEMINI_BASE_URL", simulator.url)
        yield simulator


async def checked(settings: Settings) -> tuple[bool, str]:
    console = Console(file=io.StringIO(), width=200)
    well = await check(settings, console)
    assert isinstance(console.file, io.StringIO)
    return well, console.file.getvalue()


FREE = Settings(port=0, metrics_port=0)


async def test_all_is_well_with_the_simulator() -> None:
    well, text = await checked(FREE)
    assert well, text
    assert "SIMULATED answers" in text
    assert "answered the setup in" in text
    for name, field in Settings.model_fields.items():
        assert f"SEGUE_{name.upper()}" in text
        assert field.description
        assert field.description in text
    assert "✗" not in text


async def test_the_effective_families_of_models_are_shown() -> None:
    profiles: dict[str, dict[str, Any]] = {
        "half-cascade": {"window": 12_345},
        "mine[1]": {"prefixes": ["gemini-mine"], "modalities": ["text"]},
    }
    well, text = await checked(Settings(port=0, metrics_port=0, profiles=profiles))
    assert well, text
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines()]
    assert ["SEGUE_PROFILES", "half-cascade, mine[1]"] in [row[:2] for row in rows]
    assert ["mine[1]", "gemini-mine", "modalities = text"] in rows
    for line in ("window = 12345", "text_slot = realtime", "idle_by_turn_complete = false", "reply_timeout = 8"):
        assert ["", "", line] in [["", "", *row[2:]] for row in rows]


async def test_a_template_is_shown_as_it_is() -> None:
    _, text = await checked(Settings(port=0, metrics_port=0, resume_template="[b]Missed[/b]: {unheard}"))
    assert "[b]Missed[/b]: {unheard}" in text


async def test_a_good_key_is_well(service: Simulator, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GEMINI_API_KEY", "right")
    well, text = await checked(FREE)
    assert well, text
    assert f"real answers of the Gemini Developer API at {service.url}, with GEMINI_API_KEY" in text
    assert "right" not in text.replace("https", "")


async def test_a_bad_key_is_told_and_not_shown(service: Simulator, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GEMINI_API_KEY", "wr0ng-key")
    well, text = await checked(FREE)
    assert not well
    assert "✗ backend" in text
    assert "API key not valid" in text
    assert "wr0ng-key" not in text


async def test_each_credential_of_a_file_is_tried(service: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "credentials.toml"
    path.write_text('[good]\napi_key = "right"\n[bad]\napi_key = "wr0ng-key"')
    well, text = await checked(Settings(port=0, metrics_port=0, credentials_file=path))
    assert not well
    assert "✓ credential good" in text
    assert "✗ credential bad" in text
    assert "Check credential bad: the Live API does not accept it." in text
    assert "wr0ng-key" not in text


async def test_a_file_of_credentials_that_cannot_be_is_told(tmp_path: Path) -> None:
    path = tmp_path / "credentials.toml"
    path.write_text('[one]\napi_key_env = "NO_SUCH_VARIABLE"')
    well, text = await checked(Settings(port=0, metrics_port=0, credentials_file=path))
    assert not well
    assert "one: the environment variable NO_SUCH_VARIABLE of api_key_env is empty or not set" in text


async def test_a_service_that_cannot_be_reached_is_told(environment: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    environment.setenv("GEMINI_API_KEY", "right")
    environment.setenv("GOOGLE_GEMINI_BASE_URL", f"https://127.0.0.1:{port}")
    well, text = await checked(FREE)
    assert not well
    assert "✗ backend" in text
    assert f"127.0.0.1:{port}" in text


async def test_missing_credentials_are_told() -> None:
    well, text = await checked(Settings(port=0, metrics_port=0, backend="live"))
    assert not well
    assert "✗ backend: no credentials" in text
    assert "set GEMINI_API_KEY" in text


async def test_every_fault_is_told_with_what_to_do(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SEGUE_PROT", "50051")
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = other.getsockname()[1]
        well, text = await checked(Settings(host="0.0.0.0", port=0, metrics_port=number))
    assert not well
    assert "✗ listening: refused" in text
    assert "→ 0.0.0.0 is not loopback" in text
    assert f"✗ metrics port: 127.0.0.1:{number} cannot be used: Address already in use" in text
    assert "✗ environment: SEGUE_PROT is no setting" in text
    assert "✓ gRPC port" in text
    assert "✓ backend" in text
