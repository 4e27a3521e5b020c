"""What `segue check` finds of who may talk to the gateway."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme
from rich.console import Console

from segue.access import Access, without_secrets
from segue.config import Settings
from segue.edge.auth.keys import KeysError
from tests.edge.auth.issuer import Issuer, key_set
from tests.edge.house import House, digest

pytestmark = pytest.mark.usefixtures("plain_environment")


async def found(settings: Settings) -> tuple[dict[str, str], dict[str, str], str]:
    """Return the results and the advices by what they are about, and the tables."""
    assert settings.fault() is None
    access = Access(settings)
    console = Console(file=io.StringIO(), width=200)
    for table in access.tables():
        console.print(table)
    findings = await access.findings()
    assert isinstance(console.file, io.StringIO)
    results = {finding.what: finding.result for finding in findings}
    advices = {finding.what: finding.advice for finding in findings if finding.advice}
    return results, advices, console.file.getvalue()


async def test_without_tenants_it_says_that_anybody_may_talk() -> None:
    results, advices, tables = await found(Settings())
    assert results == {"authentication": "none: whoever can connect may talk"}
    assert advices == {}
    assert tables == ""


async def test_tenants_are_shown_with_all_that_they_may_and_nothing_that_they_are_known_by(house: House) -> None:
    house.tenants.write_text(
        f"""
        [acme]
        tokens = ["{digest("one")}", "{digest("two")}"]
        certificates = ["acme.example"]
        streams = 3
        sessions = 2
        opens_per_second = 0.5
        audio_seconds_per_day = 3600
        max_duration = 60
        idle_timeout = 10
        models = ["gemini-2.5-*", "gemini-3.8-live"]
        backend_options = true
        credentials = ["eu"]
        defaults.model = "gemini-3.8-live"
        defaults.voice = "Kore"
        [other]
        """
    )
    results, advices, tables = await found(Settings(**house.settings, **house.tls))
    assert advices == {}
    assert results["tenants"] == f"2 tenants in {house.tenants}"
    assert results["keys"] == f"1 key at {house.keys}"
    assert " is valid until " in results["certificate"]
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in tables.splitlines() if "│" in line]
    assert rows[0] == ["acme", "2 tokens, 1 certificate", "streams = 3", "model, voice"]
    assert [row[2] for row in rows[1:]] == [
        "sessions = 2",
        "opens_per_second = 0.5",
        "audio_seconds_per_day = 3600",
        "max_duration = 60",
        "idle_timeout = 10",
        "models = gemini-2.5-*, gemini-3.8-live",
        "backend_options = true",
        "credentials = eu",
        "models = all",
    ]
    assert rows[-1][:2] == ["other", "0 tokens, 0 certificates"]
    assert digest("one") not in tables


async def test_what_cannot_be_used_is_said(house: House) -> None:
    house.tenants.write_text("[acme")
    house.keys.write_text("{}")
    _, advices, tables = await found(Settings(**house.settings))
    assert advices.keys() == {"tenants", "keys"}
    assert "is not TOML" in advices["tenants"]
    assert "JSON Web Key Set" in advices["keys"]
    assert tables == ""
    house.tenants.unlink()
    _, advices, _ = await found(Settings(**house.settings))
    assert "cannot be read: No such file" in advices["tenants"]


async def test_a_certificate_that_is_over_is_found(house: House) -> None:
    over = house.authority.issue_cert("localhost", not_after=datetime.now(UTC) - timedelta(days=1))
    over.private_key_pem.write_to_path(house.key)
    over.cert_chain_pems[0].write_to_path(house.chain)
    _, advices, _ = await found(Settings(**house.tls))
    assert advices == {"certificate": "renew it: clients refuse it by now"}


async def test_a_chain_is_valid_no_longer_than_any_of_it(house: House) -> None:
    middle = trustme.CA().create_child_ca()
    issued = middle.issue_cert("localhost")
    issued.private_key_pem.write_to_path(house.key)
    house.chain.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    results, advices, _ = await found(Settings(**house.tls))
    assert " is valid until " in results["certificate"]
    assert advices == {}


@pytest.mark.parametrize("away", [False, True])
async def test_keys_are_fetched(house: House, monkeypatch: pytest.MonkeyPatch, away: bool) -> None:
    async def fetch(url: str) -> bytes:
        assert url == "https://issuer.example/keys?secret=1"
        if away:
            raise KeysError("issuer.example cannot be reached")
        return key_set(Issuer("1"), Issuer("2"))

    monkeypatch.setattr("segue.access.fetch", fetch)
    settings: dict[str, Any] = house.settings | {"jwks": "https://issuer.example/keys?secret=1"}
    results, advices, _ = await found(Settings(**settings))
    shown = "https://issuer.example/keys?..."
    if away:
        assert results["keys"] == f"{shown} cannot be used"
        assert advices == {"keys": "issuer.example cannot be reached"}
    else:
        assert results["keys"] == f"2 keys at {shown}"


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("", ""),
        ("/etc/segue/keys.json", "/etc/segue/keys.json"),
        ("https://issuer.example/keys", "https://issuer.example/keys"),
        ("https://me:secret@issuer.example:8443/keys?secret=1#secret", "https://issuer.example:8443/keys?..."),
    ],
)
def test_of_a_url_no_more_is_shown_than_where_it_leads(location: str, shown: str) -> None:
    assert without_secrets(location) == shown
