"""The opening handshake, and whether its credential is good."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from segue.simulator.switches import Switches
from segue.simulator.wire.credentials import credential_violation
from segue.simulator.wire.protojson import ViolationError
from segue.simulator.wire.reader import Setup, read
from segue.simulator.wire.schema import Flavour
from segue.simulator.wire.tokens import Constraints, Tokens, constraints
from segue.simulator.wire.upgrade import Upgrade, read_upgrade

DEVELOPER = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
CONSTRAINED = f"{DEVELOPER}Constrained"
VERTEX = "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"
FRAMES = Path(__file__).parents[2] / "frames"


def _upgrade(target: str, **headers: str) -> Upgrade:
    upgrade = read_upgrade(target, {name.replace("_", "-"): value for name, value in headers.items()})
    assert upgrade
    return upgrade


@pytest.mark.parametrize("prefix", ["", "/", "//", "/sim", "/sim/", "/a/b//"])
@pytest.mark.parametrize("version", ["v1", "v1alpha", "v1beta", "v1beta1", "v9"])
@pytest.mark.parametrize(
    ("path", "flavour"),
    [
        ("/ws/google.ai.generativelanguage.{}.GenerativeService.BidiGenerateContent", Flavour.DEVELOPER),
        ("/ws/google.ai.generativelanguage.{}.GenerativeService.BidiGenerateContentConstrained", Flavour.DEVELOPER),
        ("/ws/google.cloud.aiplatform.{}.LlmBidiService/BidiGenerateContent", Flavour.VERTEX),
    ],
)
def test_any_prefix_and_version_is_read(prefix: str, version: str, path: str, flavour: Flavour) -> None:
    upgrade = _upgrade(prefix + path.format(version))
    assert (upgrade.flavour, upgrade.version) == (flavour, version)
    assert upgrade.constrained == path.endswith("Constrained")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/ws/x",
        f"{DEVELOPER}/more",
        f"{VERTEX}Constrained",
        "/ws/google.cloud.aiplatform.v1.LlmBidiService.BidiGenerateContent",
        "/ws/google.ai.generativelanguage.v1.2.GenerativeService.BidiGenerateContent",
        "ws/google.ai.generativelanguage.v1.GenerativeService.BidiGenerateContent",
    ],
)
def test_other_path_is_none_of_its(path: str) -> None:
    assert read_upgrade(path, {}) is None


@pytest.mark.parametrize(
    ("target", "headers", "credential", "bearer"),
    [
        (DEVELOPER, {}, "", False),
        (f"{DEVELOPER}?key=K", {}, "K", False),
        (f"{DEVELOPER}?alt=json&key=a%2Fb", {}, "a/b", False),
        (DEVELOPER, {"x_goog_api_key": "K"}, "K", False),
        # Up to google-genai 1.25 the key is in both.
        (f"{DEVELOPER}?key=K", {"x_goog_api_key": "K"}, "K", False),
        (f"{CONSTRAINED}?access_token=auth_tokens/x", {}, "auth_tokens/x", False),
        (CONSTRAINED, {"authorization": "Token auth_tokens/x"}, "auth_tokens/x", False),
        (
            CONSTRAINED,
            {"authorization": "Token auth_tokens/x", "x_goog_api_key": "auth_tokens/x"},
            "auth_tokens/x",
            False,
        ),
        (VERTEX, {"authorization": "Bearer ya29"}, "ya29", True),
        (VERTEX, {"authorization": "bearer  ya29"}, "ya29", True),
        (VERTEX, {"x_goog_api_key": "K"}, "K", False),
        (VERTEX, {"authorization": "Bearer"}, "", False),
    ],
)
def test_credential_is_found(target: str, headers: Mapping[str, str], credential: str, bearer: bool) -> None:
    upgrade = _upgrade(target, **headers)
    assert (upgrade.credential, upgrade.bearer) == (credential, bearer)


def _recorded_handshakes() -> list[tuple[str, list[list[str]]]]:
    events = [json.loads(line) for path in FRAMES.rglob("*.jsonl") for line in path.read_text().splitlines()]
    return [(event["path"], event["headers"]) for event in events if event["ev"] == "handshake"]


def test_every_recorded_handshake_has_its_credential() -> None:
    handshakes = [
        read_upgrade(path, {name.lower(): value for name, value in headers})
        for path, headers in _recorded_handshakes()
        if "google" in path
    ]
    assert len(handshakes) > 100
    assert all(upgrade and upgrade.credential for upgrade in handshakes)


def _good(credential: str) -> bool:
    return credential == "good"


@pytest.mark.parametrize(
    ("target", "headers", "rule"),
    [
        (DEVELOPER, {}, "api_key_missing"),
        (DEVELOPER, {"x_goog_api_key": "bad"}, "api_key_invalid"),
        (DEVELOPER, {"x_goog_api_key": "good"}, None),
        (DEVELOPER, {"authorization": "Bearer good"}, None),
        (DEVELOPER, {"authorization": "Bearer bad"}, "bearer_invalid"),
        (VERTEX, {}, "bearer_missing"),
        (VERTEX, {"authorization": "Bearer bad"}, "bearer_invalid"),
        (VERTEX, {"authorization": "Bearer good"}, None),
        (VERTEX, {"x_goog_api_key": "good"}, None),
        (VERTEX, {"x_goog_api_key": "bad"}, "api_key_invalid"),
        (f"{VERTEX}?access_token=auth_tokens/1", {}, "api_key_invalid"),
        (f"{DEVELOPER}?access_token=auth_tokens/1", {}, "token_method"),
        (f"{CONSTRAINED}?access_token=auth_tokens/1", {}, None),
        (f"{CONSTRAINED}?access_token=auth_tokens/2", {}, "api_key_invalid"),
    ],
)
def test_credential_is_checked(target: str, headers: Mapping[str, str], rule: str | None) -> None:
    minted = Tokens()
    assert minted.mint() == "auth_tokens/1"
    violation = credential_violation(_upgrade(target, **headers), _good, minted, Switches())
    assert (violation.rule if violation else None) == rule


@pytest.mark.parametrize(("version", "rule"), [("v1alpha", None), ("v1beta", "token_version")])
def test_tokens_may_need_v1alpha(version: str, rule: str | None) -> None:
    minted = Tokens()
    target = f"{CONSTRAINED.replace('v1beta', version)}?access_token={minted.mint()}"
    violation = credential_violation(_upgrade(target), _good, minted, Switches(token_needs_v1alpha=True))
    assert (violation.rule if violation else None) == rule


def test_token_is_good_for_its_uses_and_resumption_is_none() -> None:
    minted = Tokens()
    name = minted.mint(uses=2)
    assert minted.redeem(name, resuming=False, now=0.0) is None
    assert minted.redeem(name, resuming=True, now=0.0) is None
    assert minted.redeem(name, resuming=False, now=0.0) is None
    violation = minted.redeem(name, resuming=False, now=0.0)
    assert violation
    assert violation.rule == "token_used_up"
    assert minted.redeem(name, resuming=True, now=0.0) is None


def test_token_without_limit_is_good_for_ever() -> None:
    minted = Tokens()
    name = minted.mint(uses=None)
    assert not any(minted.redeem(name, resuming=False, now=0.0) for _ in range(10))


def test_token_expires_for_new_sessions_first() -> None:
    minted = Tokens()
    name = minted.mint(uses=None, expires_at=1800.0, new_session_expires_at=60.0)
    assert minted.redeem(name, resuming=False, now=59.0) is None
    assert minted.redeem(name, resuming=True, now=60.0) is None
    for resuming, now in ((False, 60.0), (True, 1800.0)):
        violation = minted.redeem(name, resuming=resuming, now=now)
        assert violation
        assert violation.rule == "token_expired"


def test_what_was_not_minted_here_is_not_counted() -> None:
    minted = Tokens()
    assert minted.redeem("auth_tokens/other", resuming=False, now=0.0) is None
    assert minted.constraints_of("auth_tokens/other") is None


LOCKED = {"model": "models/gemini-3.8-live", "generationConfig": {"temperature": 0.5}, "inputAudioTranscription": {}}


def _effective(sent: dict[str, Any], prescribed: Constraints) -> Setup:
    message = read(json.dumps({"setup": sent}), Flavour.DEVELOPER, prescribed)
    assert isinstance(message, Setup)
    return message


def test_locked_setup_replaces_the_clients() -> None:
    minted = Tokens()
    prescribed = minted.constraints_of(minted.mint(constraints=constraints(LOCKED)))
    assert prescribed
    sent = {"model": "models/other", "outputAudioTranscription": {}}
    expected = Setup("models/gemini-3.8-live", input_transcription=True)
    assert _effective(sent, prescribed) == expected


def test_handle_passes_a_locked_setup() -> None:
    sent = {"model": "models/other", "sessionResumption": {"handle": "h"}}
    setup = _effective(sent, constraints(LOCKED))
    assert (setup.model, setup.resumption, setup.handle) == ("models/gemini-3.8-live", True, "h")


def test_mask_locks_some_fields_only() -> None:
    prescribed = constraints(
        {"model": "models/gemini-3.8-live", "realtimeInputConfig": {"activityHandling": "NO_INTERRUPTION"}},
        ("model", "realtimeInputConfig.activityHandling", "outputAudioTranscription"),
    )
    sent = {
        "model": "models/other",
        "realtime_input_config": {"automatic_activity_detection": {"disabled": True}},
        "inputAudioTranscription": {},
        "outputAudioTranscription": {},
    }
    setup = _effective(sent, prescribed)
    assert setup.model == "models/gemini-3.8-live"
    assert setup.detection.disabled
    assert not setup.interruptible
    assert setup.input_transcription
    assert not setup.output_transcription


def test_constraints_change_other_messages_not_at_all() -> None:
    frame = '{"realtimeInput": {"text": "x"}}'
    assert read(frame, Flavour.DEVELOPER, constraints(LOCKED)) == read(frame, Flavour.DEVELOPER)


def test_constraints_that_are_no_setup_are_refused() -> None:
    with pytest.raises(ViolationError, match="field_unknown"):
        constraints({"bogus": 1})


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"x-goog-api-key": "mine"}, "mine"),
        ({"x-goog-api-key": "auth_tokens/1"}, ""),
        ({"authorization": "Token auth_tokens/1"}, ""),
        ({"authorization": "Bearer ya29.1"}, ""),
    ],
)
def test_only_a_key_lasts_as_long_as_a_session(headers: dict[str, str], key: str) -> None:
    upgrade = read_upgrade("/ws/google.ai.generativelanguage.v1.GenerativeService.BidiGenerateContent", headers)
    assert upgrade is not None
    assert upgrade.key == key
