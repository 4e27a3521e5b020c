"""The tenants file: what can be in it, and that no token ever leaves it."""

import os
import re
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from segue.tenants import ANYBODY, Defaults, Proof, Tenant, TenantsError, proof_of, read_tenants
from tests.tools import ROOT

PATH = Path("tenants.toml")
TOKEN = "seg_6f1d0c"
DIGEST = sha256(TOKEN.encode()).hexdigest()

EVERYTHING = f"""
[acme]
tokens = ["{DIGEST.upper()}"]
certificates = ["spiffe://mesh/acme", "acme.example"]
streams = 20
sessions = 10
opens_per_second = 2.5
audio_seconds_per_day = 3600
max_duration = 600
idle_timeout = 60
models = ["gemini-3.8-live", "gemini-2.5-*"]
backend_options = true
credentials = ["eu"]
[acme.defaults]
model = "gemini-2.5-flash"
voice = "Kore"
language = "de-DE"
system_instruction = "You are brief."

["big.corp_1"]
"""


def test_a_tenant_has_all_that_its_table_says() -> None:
    tenants = read_tenants(EVERYTHING.encode(), PATH)
    acme, other = tenants
    assert acme.model_dump(exclude={"defaults"}) == {
        "name": "acme",
        "tokens": (DIGEST,),
        "certificates": ("spiffe://mesh/acme", "acme.example"),
        "streams": 20,
        "sessions": 10,
        "opens_per_second": 2.5,
        "audio_seconds_per_day": 3600.0,
        "max_duration": 600.0,
        "idle_timeout": 60.0,
        "models": ("gemini-3.8-live", "gemini-2.5-*"),
        "backend_options": True,
        "credentials": ("eu",),
    }
    assert dict(acme.defaults) == {
        "model": "gemini-2.5-flash",
        "voice": "Kore",
        "language": "de-DE",
        "system_instruction": "You are brief.",
    }
    assert other == Tenant(name="big.corp_1")
    assert (other.sessions, other.backend_options, other.may_use("any")) == (None, False, True)
    assert len(tenants) == 2


def test_tenants_are_found_by_name_and_by_what_they_are_known_by() -> None:
    tenants = read_tenants(EVERYTHING.encode(), PATH)
    assert tenants.owner(proof_of(TOKEN)) == "acme"
    assert tenants.owner(Proof(certificate="acme.example")) == "acme"
    # A sum is no token, and neither is a name.
    assert tenants.owner(proof_of(DIGEST)) is None
    assert tenants.owner(Proof(token="acme.example")) is None
    assert tenants.owner(Proof()) is None
    assert tenants.named("acme") is not None
    assert tenants.named("nobody") is None


@pytest.mark.parametrize(
    ("model", "may"),
    [
        ("gemini-3.8-live", True),
        ("gemini-3.8-live-preview", False),
        ("gemini-2.5-flash", True),
        ("gemini-2.5-", True),
        ("gemini-2.5", False),
        ("models/gemini-3.8-live", False),
        ("", False),
    ],
)
def test_models_are_matched_as_a_whole_or_by_how_they_begin(model: str, may: bool) -> None:
    tenant = Tenant(name="acme", models=("gemini-3.8-live", "gemini-2.5-*"))
    assert tenant.may_use(model) is may


def test_whoever_need_not_say_who_they_are_may_do_everything() -> None:
    assert ANYBODY.may_use("any")
    assert ANYBODY.backend_options
    assert ANYBODY.sessions is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (f'[acme]\ntokens = ["{TOKEN}"]', "acme.tokens.0 is no SHA-256 in hex; put the sum of the token there"),
        (f'[acme]\ntokens = "{TOKEN}"', "acme.tokens: Input should be a valid tuple"),
        ("[acme]\nsessions = -1", "acme.sessions: Input should be greater than or equal to 0"),
        ("[acme]\nopens_per_second = 0", "acme.opens_per_second: Input should be greater than 0"),
        ('[acme]\nmodels = ["gemini-*-live"]', "acme.models.0 is no name of a model: the only *"),
        ('[acme]\nmodels = [""]', "acme.models.0 is no name of a model"),
        ("[acme]\nsesions = 1", "acme.sesions: tenants have no such field"),
        ('[acme]\nname = "other"', "acme.name: a tenant's name is that of its table"),
        ('[acme]\nmodels = ["a"]\ndefaults.model = "b"', "acme has a default model that is none of its models: b"),
        ("[acme.defaults]\nvolume = 1", "acme.defaults.volume: tenants have no such field"),
        ("acme = 1", "acme is no table"),
        ('["a b"]', "'a b' is no tenant's name"),
        ('[""]', "'' is no tenant's name"),
        (
            f'[a]\ntokens = ["{DIGEST}"]\n[b]\ntokens = ["{DIGEST}"]',
            "a and b have a token in common: give each its own",
        ),
        ('[a]\ncertificates = ["x"]\n[b]\ncertificates = ["x"]', "a and b have a certificate in common"),
        ("[a]\nsessions = -1\n[b]\nstreams = -1", "; b.streams: "),
        (f'[acme]\ntokens = ["{TOKEN}', "tenants.toml is not TOML"),
        (f"[acme]\ntokens = {TOKEN}", "tenants.toml is not TOML (at line 2, column"),
        (f"{TOKEN}\xff", "tenants.toml is not TOML"),
    ],
)
def test_what_cannot_be_is_one_clear_line_without_any_token(text: str, complaint: str) -> None:
    with pytest.raises(TenantsError) as raised:
        read_tenants(text.encode("latin-1"), PATH)
    message = str(raised.value)
    assert complaint in message
    assert message.startswith("tenants.toml")
    assert "\n" not in message
    assert TOKEN not in message
    assert DIGEST not in message


def test_a_tenant_that_is_printed_shows_no_token() -> None:
    (acme, _) = read_tenants(EVERYTHING.encode(), PATH)
    assert DIGEST not in f"{acme!r} {acme}"


def test_the_tenants_of_the_readme_can_be() -> None:
    (table,) = re.findall(r"```toml\n(# [^\n]*\n)*(\[acme\].*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (acme,) = read_tenants(table[1].encode(), PATH)
    # It shows every field.
    assert acme.model_fields_set == Tenant.model_fields.keys()
    assert acme.defaults.model_fields_set == Defaults.model_fields.keys()


def test_the_sum_of_a_token_is_what_the_readme_says() -> None:
    made = subprocess.run(
        'printf %s "$TOKEN" | sha256sum',
        shell=True,
        env={"TOKEN": TOKEN, "PATH": os.environ["PATH"]},
        text=True,
        capture_output=True,
        check=True,
    )
    assert made.stdout.split()[0] == DIGEST
    assert 'printf %s "$TOKEN" | sha256sum' in (ROOT / "README.md").read_text()
