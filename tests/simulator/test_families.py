"""The families: which model is of which, and that the table holds together."""

import pytest

from segue.simulator.families import FAMILIES, Family, Proactive, Thinking, family_of
from segue.simulator.wire.schema import Flavour


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("models/gemini-2.0-flash-live-001", "2.0-flash-live"),
        ("gemini-2.0-flash-exp", "2.0-flash-live"),
        ("models/gemini-live-2.5-flash-preview", "half-cascade"),
        ("publishers/google/models/gemini-live-2.5-flash", "half-cascade"),
        ("models/gemini-2.5-flash-native-audio-preview-12-2025", "2.5-native-audio"),
        ("models/gemini-2.5-flash-preview-native-audio-dialog", "2.5-native-audio"),
        ("models/gemini-2.5-flash-native-audio-latest", "2.5-native-audio"),
        (
            "projects/p/locations/us-central1/publishers/google/models/gemini-live-2.5-flash-native-audio",
            "2.5-native-audio-vertex",
        ),
        ("gemini-live-2.5-flash-preview-native-audio-09-2025", "2.5-native-audio-vertex"),
        ("models/gemini-3.1-flash-live-preview", "3.1"),
        ("models/gemini-3.8-live", "3.8"),
        ("models/gemini-3.8-live-extended-thinking", "3.8-extended-thinking"),
        ("models/gemini-3.5-transcribe-live", "transcribe-live"),
        ("models/gemini-3.5-live-translate-preview", "live-translate"),
    ],
)
def test_model_is_of_its_family(model: str, name: str) -> None:
    family = family_of(model)
    assert family
    assert family.name == name


@pytest.mark.parametrize("model", ["", "models/", "models/gemini-2.5-flash", "models/gemini-3.8", "gemini-3.8-live/"])
def test_other_model_is_of_none(model: str) -> None:
    assert family_of(model) is None


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_family_holds_together(family: Family) -> None:
    assert family.modalities <= {"AUDIO", "TEXT"}
    assert set(family.behaviors) <= {"BLOCKING", "NON_BLOCKING"}
    assert not family.schedules or "NON_BLOCKING" in family.behaviors
    assert (family.thinking is Thinking.NONE) <= (not family.thinking_levels)
    assert family.window in (32_000, 128_000, 131_072)


def test_names_are_unique() -> None:
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)


def test_newest_models_differ_as_published() -> None:
    newest, thinking = family_of("gemini-3.8-live"), family_of("gemini-3.8-live-extended-thinking")
    assert newest
    assert thinking
    assert newest.behaviors[0] == thinking.behaviors[0] == "NON_BLOCKING"
    assert (newest.schedules, thinking.schedules) == (True, False)
    assert (newest.idle_by_turn_complete, thinking.idle_by_turn_complete) == (True, False)
    assert newest.proactive is thinking.proactive is Proactive.ALWAYS
    assert newest.flavours == frozenset(Flavour)
