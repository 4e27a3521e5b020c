"""What a setup may say, by model family, service, version, switch and strictness."""

import json
from typing import Any

import pytest

from segue.simulator.families import family_of
from segue.simulator.rules.rules import Violation
from segue.simulator.rules.validation import setup_violation
from segue.simulator.switches import Switches
from segue.simulator.wire.reader import Setup, read
from segue.simulator.wire.schema import Flavour
from segue.simulator.wire.upgrade import Upgrade

HALF_CASCADE = "models/gemini-live-2.5-flash-preview"
OLDEST = "models/gemini-2.0-flash-live-001"
NATIVE = "models/gemini-2.5-flash-native-audio-preview-12-2025"
FLASH_31 = "models/gemini-3.1-flash-live-preview"
NEWEST = "models/gemini-3.8-live"
THINKING = "models/gemini-3.8-live-extended-thinking"
TRANSCRIBE = "models/gemini-3.5-transcribe-live"
TRANSLATE = "models/gemini-3.5-live-translate-preview"
VERTEX_NATIVE = "gemini-live-2.5-flash-native-audio"
LOW = {"thinkingConfig": {"thinkingLevel": "LOW"}}


def _violation(
    model: str,
    fields: dict[str, Any],
    flavour: Flavour = Flavour.DEVELOPER,
    version: str = "v1beta",
    switches: Switches | None = None,
    strict: bool = False,
) -> Violation | None:
    setup = read(json.dumps({"setup": {"model": model, **fields}}), flavour)
    assert isinstance(setup, Setup)
    family = family_of(model)
    assert family
    upgrade = Upgrade("/", flavour, version, "k")
    return setup_violation(setup, family, upgrade, switches or Switches(), strict=strict)


def _generation(**fields: Any) -> dict[str, Any]:
    return {"generationConfig": fields}


def _functions(*behaviors: str) -> dict[str, Any]:
    declarations = [{"name": f"f{number}", "behavior": behavior} for number, behavior in enumerate(behaviors)]
    return {"tools": [{"functionDeclarations": declarations}]}


def _compression(trigger: int | None, target: int) -> dict[str, Any]:
    return {"contextWindowCompression": {"triggerTokens": trigger, "slidingWindow": {"targetTokens": target}}}


@pytest.mark.parametrize(
    ("model", "fields", "rule"),
    [
        (HALF_CASCADE, {}, None),
        ("gemini-3.8-live", {}, "model_path"),
        ("publishers/google/models/gemini-3.8-live", {}, "model_path"),
        ("models/projects/p/locations/l/publishers/google/models/gemini-3.8-live", {}, "model_path"),
        (f"models/{VERTEX_NATIVE}", {}, "model_unknown"),
        # Modalities and languages.
        (HALF_CASCADE, _generation(responseModalities=["TEXT"]), None),
        (HALF_CASCADE, _generation(responseModalities=["AUDIO"]), None),
        (HALF_CASCADE, _generation(responseModalities=["AUDIO", "TEXT"]), "modality_unsupported"),
        (HALF_CASCADE, _generation(responseModalities=["IMAGE"]), "modality_unsupported"),
        (NATIVE, _generation(responseModalities=["TEXT"]), "modality_unsupported"),
        (NEWEST, _generation(responseModalities=["TEXT"]), "modality_unsupported"),
        (TRANSCRIBE, _generation(responseModalities=["AUDIO"]), "modality_unsupported"),
        (TRANSCRIBE, {}, None),
        (
            NATIVE,
            _generation(
                responseModalities=["TEXT"],
                speechConfig={"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
            ),
            "voice_without_audio",
        ),
        (NATIVE, _generation(speechConfig={"languageCode": "es"}), "language_unsupported"),
        (NEWEST, _generation(speechConfig={"languageCode": "fa-IR"}), None),
        # What connects and what does not, as one developer tried (hermes-agent pull request 114116).
        (FLASH_31, {}, None),
        (FLASH_31, _generation(**LOW), None),
        (NEWEST, {}, None),
        (NEWEST, _generation(**LOW), "thinking_level_unsupported"),
        (THINKING, {}, "thinking_level_missing"),
        (THINKING, _generation(**LOW), None),
        (NATIVE, {}, None),
        (NATIVE, _generation(**LOW), None),
        (THINKING, _generation(thinkingConfig={"thinkingLevel": "MINIMAL"}), "thinking_level_refused"),
        (THINKING, _generation(thinkingConfig={"thinkingBudget": 0}), "thinking_level_missing"),
        (FLASH_31, _generation(thinkingConfig={"thinkingLevel": "XHIGH"}), "thinking_level_refused"),
        (OLDEST, _generation(thinkingConfig={"thinkingBudget": 0}), "thinking_unsupported"),
        (OLDEST, _generation(thinkingConfig={}), None),
        (NATIVE, _generation(thinkingConfig={"thinkingBudget": 0}), None),
        # Tools.
        (NEWEST, _functions("BLOCKING", "NON_BLOCKING", "UNSPECIFIED"), None),
        (THINKING, {**_functions("BLOCKING"), **_generation(**LOW)}, "blocking_unsupported"),
        (THINKING, {**_functions("NON_BLOCKING"), **_generation(**LOW)}, None),
        (FLASH_31, _functions("NON_BLOCKING"), None),
        (NEWEST, {"tools": [{"functionDeclarations": [{"name": "f"}, {"name": "f"}]}]}, "function_twice"),
        # What v1alpha introduced.
        (NATIVE, {"proactivity": {"proactiveAudio": True}}, "field_unknown"),
        (NATIVE, _generation(enableAffectiveDialog=False), "field_unknown"),
        (NEWEST, {"proactivity": {"proactiveAudio": True}}, None),
        (NEWEST, {"proactivity": {"proactiveAudio": False}}, "proactive_unsupported"),
        (FLASH_31, {"proactivity": {"proactiveAudio": True}}, "proactive_unsupported"),
        (NEWEST, _generation(enableAffectiveDialog=False), "affective_unsupported"),
        (NEWEST, {"sessionResumption": {}}, None),
    ],
)
def test_setup_on_the_developer_api(model: str, fields: dict[str, Any], rule: str | None) -> None:
    violation = _violation(model, fields)
    assert (violation.rule if violation else None) == rule


@pytest.mark.parametrize(
    ("path", "model", "fields", "rule"),
    [
        ("projects/p/locations/us-central1/publishers/google/models/", VERTEX_NATIVE, {}, None),
        ("publishers/google/models/", VERTEX_NATIVE, {}, None),
        ("projects/p/locations/global/publishers/google/models/", VERTEX_NATIVE, {}, "publisher_model_unknown"),
        ("projects/p/locations/global/publishers/google/models/", "gemini-3.8-live", {}, None),
        ("publishers/google/models/", "gemini-3.1-flash-live-preview", {}, "publisher_model_unknown"),
        ("publishers/google/models/", "gemini-2.5-flash-native-audio-latest", {}, "publisher_model_unknown"),
        ("models/", "gemini-3.8-live", {}, "model_path"),
        ("", "gemini-3.8-live", {}, "model_path"),
        (
            "publishers/google/models/",
            VERTEX_NATIVE,
            {"proactivity": {"proactiveAudio": True}, "generationConfig": {"enableAffectiveDialog": True}},
            None,
        ),
        (
            "publishers/google/models/",
            VERTEX_NATIVE,
            _generation(**LOW),
            "thinking_level_unsupported",
        ),
    ],
)
def test_setup_on_vertex(path: str, model: str, fields: dict[str, Any], rule: str | None) -> None:
    violation = _violation(path + model, fields, Flavour.VERTEX, "v1beta1")
    assert (violation.rule if violation else None) == rule


@pytest.mark.parametrize("fields", [{"proactivity": {"proactiveAudio": True}}, _generation(enableAffectiveDialog=True)])
def test_v1alpha_knows_more(fields: dict[str, Any]) -> None:
    assert _violation(NATIVE, fields, version="v1alpha") is None


def test_unknown_model_is_told_in_the_words_of_each_service() -> None:
    developer = _violation(f"models/{VERTEX_NATIVE}", {})
    assert developer
    assert developer.reason.startswith(
        f"models/{VERTEX_NATIVE} is not found for API version v1beta, or is not supported"
    )
    path = f"projects/p/locations/global/publishers/google/models/{VERTEX_NATIVE}"
    vertex = _violation(path, {}, Flavour.VERTEX)
    assert vertex
    assert vertex.reason.startswith(f"Publisher Model `{path}` was not found or your project does not have access")


def test_empty_resumption_may_be_refused() -> None:
    switches = Switches(empty_resumption_refused=True)
    violation = _violation(NEWEST, {"sessionResumption": {}}, switches=switches)
    assert violation
    assert violation.rule == "resumption_empty"
    assert _violation(NEWEST, {"sessionResumption": {"handle": "h"}}, switches=switches) is None
    assert _violation(NEWEST, {}, switches=switches) is None


@pytest.mark.parametrize(
    ("model", "fields", "rule"),
    [
        (NEWEST, {}, None),
        (FLASH_31, _functions("BLOCKING", "NON_BLOCKING"), "non_blocking_ignored"),
        (TRANSCRIBE, _functions("BLOCKING"), "tool_unsupported"),
        (NEWEST, {"tools": [{"codeExecution": {}}]}, "tool_unsupported"),
        (NEWEST, {"tools": [{"googleSearch": {}}]}, None),
        (OLDEST, {"tools": [{"codeExecution": {}}, {"urlContext": {}}]}, None),
        (NEWEST, _generation(translationConfig={"targetLanguageCode": "pl"}), "translation_unsupported"),
        (TRANSLATE, _generation(translationConfig={"targetLanguageCode": "pl"}), None),
        (NEWEST, _compression(25_600, 12_800), None),
        (NEWEST, _compression(None, 12_800), None),
        (NEWEST, _compression(4_999, 100), "compression_range"),
        (NEWEST, _compression(128_001, 100), "compression_range"),
        (NEWEST, _compression(25_600, 25_600), "compression_range"),
        (NEWEST, {"contextWindowCompression": {}}, None),
    ],
)
def test_strictness_tells_of_what_has_no_effect(model: str, fields: dict[str, Any], rule: str | None) -> None:
    violation = _violation(model, fields, strict=True)
    assert (violation.rule if violation else None) == rule
    assert _violation(model, fields) is None
    if violation:
        assert violation.code == 1008
        assert violation.reason.startswith("strict: ")
