"""The families of Live models."""

import pytest

from segue.core.profiles import PROFILES, profile_of


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gemini-2.0-flash-live-001", "2.0-flash-live"),
        ("gemini-live-2.5-flash-preview", "half-cascade"),
        ("gemini-live-2.5-flash", "half-cascade"),
        ("models/gemini-2.5-flash-native-audio-preview-12-2025", "2.5-native-audio"),
        (
            "projects/p/publishers/google/models/gemini-live-2.5-flash-native-audio",
            "2.5-native-audio-vertex",
        ),
        ("gemini-3.1-flash-live-preview", "3.1-flash-live"),
        ("gemini-3.8-live", "3.8-live"),
        ("gemini-3.8-live-extended-thinking", "3.8-extended-thinking"),
    ],
)
def test_a_model_is_known_by_its_name_with_or_without_a_path(model: str, family: str) -> None:
    assert profile_of(model).family == family


def test_an_unknown_model_is_taken_for_one_of_the_newest_family() -> None:
    assert profile_of("gemini-9-live") is PROFILES[-1]
    assert profile_of("") is PROFILES[-1]


def test_families_have_names_of_their_own() -> None:
    assert len({profile.family for profile in PROFILES}) == len(PROFILES)
