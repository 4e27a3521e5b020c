"""What an operator says about families of models."""

from dataclasses import fields, replace
from typing import Any

import pytest

from segue.core.options import Modality
from segue.core.profiles import PROFILES, NoteSlot, Profile, TextSlot, profile_of
from segue.overrides import overridden, written

NEWEST = PROFILES[-1]

VALUES: dict[str, tuple[Any, Any]] = {
    "prefixes": (["a", "b"], ("a", "b")),
    "modalities": (["audio", "text"], frozenset(Modality)),
    "text_slot": ("realtime", TextSlot.REALTIME),
    "realtime_text": (False, False),
    "note_slot": ("system", NoteSlot.SYSTEM),
    "takes_language": (False, False),
    "window": (32_000, 32_000),
    "age_limit": (60, 60.0),
    "age_deadline": (6000, 6000.0),
    "reply_timeout": (2.5, 2.5),
    "thinking": (0, 0.0),
    "thinking_level": ("", ""),
    "sees_always": (False, False),
    "takes_updates": (False, False),
    "idle_by_turn_complete": (False, False),
    "proactive": (False, False),
    "calls_wait": (True, True),
    "calls_choose": (False, False),
    "gates_calls": (True, True),
    "replay_speed": (1, 1.0),
    "faint_audio_limit": (0, 0.0),
    "rejections_limit": (0, 0),
}


def test_nothing_said_changes_nothing() -> None:
    assert overridden({}) == PROFILES


def test_every_field_can_be_overridden() -> None:
    assert {field.name for field in fields(Profile)} == {"family", *VALUES}
    for name, (value, read) in VALUES.items():
        (*others, changed) = overridden({NEWEST.family: {name: value}})
        assert changed == replace(NEWEST, **{name: read})
        assert type(getattr(changed, name)) is type(read)
        assert tuple(others) == PROFILES[:-1]


def test_a_new_family_is_known_by_its_prefixes_and_the_newest_stays_the_default() -> None:
    profiles = overridden(
        {"4-live": {"prefixes": ["gemini-4-live"], "window": 1_000_000}, "half-cascade": {"window": 9}}
    )
    assert profile_of("models/gemini-4-live-preview", profiles) == Profile(
        "4-live", ("gemini-4-live",), window=1_000_000
    )
    assert profile_of("gemini-5", profiles) == NEWEST
    assert [profile.family for profile in profiles] == [
        *(profile.family for profile in PROFILES[:-1]),
        "4-live",
        NEWEST.family,
    ]


@pytest.mark.parametrize(
    ("overrides", "complaint"),
    [
        ({"half-cascade": {"reply_timout": 9}}, r"reply_timout: no such field\. There are prefixes, .*reply_timeout, "),
        ({"half-cascade": {"family": "other"}}, r"half-cascade\.family: no such field"),
        ({"4-live": {"window": 9}}, r"4-live: .*needs prefixes.*Known are 2\.0-flash-live, .*, 3\.8-live$"),
        ({"4-live": {"prefixes": []}}, r"prefixes is empty: a list of one or more is needed"),
        ({"4-live": {"prefixes": [""]}}, r"prefixes is empty: a text is needed"),
        ({"4-live": {"prefixes": "gemini-4"}}, r"prefixes is gemini-4: a list of one or more is needed"),
        ({"half-cascade": {"text_slot": "CONTENT"}}, r"text_slot is CONTENT: one of content, realtime is needed"),
        ({"half-cascade": {"text_slot": ["content"]}}, r"text_slot is content: one of content, realtime is needed"),
        ({"half-cascade": {"modalities": ["video"]}}, r"modalities is video: one of audio, text is needed"),
        ({"half-cascade": {"proactive": 1}}, r"proactive is 1: true or false is needed"),
        ({"half-cascade": {"proactive": "no"}}, r"proactive is no: true or false is needed"),
        ({"half-cascade": {"window": 1.5}}, r"window is 1\.5: a whole number, above 0, is needed"),
        ({"half-cascade": {"window": True}}, r"window is true: a whole number, above 0, is needed"),
        ({"half-cascade": {"reply_timeout": 0}}, r"reply_timeout is 0: a number, above 0, is needed"),
        ({"half-cascade": {"reply_timeout": "9"}}, r"reply_timeout is 9: a number, above 0, is needed"),
        ({"half-cascade": {"reply_timeout": float("inf")}}, r"reply_timeout is inf: a number, above 0, is needed"),
        ({"half-cascade": {"thinking": -1}}, r"thinking is -1: a number, 0 or more, is needed"),
        ({"half-cascade": {"rejections_limit": float("nan")}}, r"rejections_limit is nan: a whole number, 0 or more"),
        ({"half-cascade": {"age_limit": 571}}, r"half-cascade: age_limit is 571 s, above its age_deadline"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_with_what_can(overrides: dict[str, dict[str, Any]], complaint: str) -> None:
    with pytest.raises(ValueError, match=r"^profiles\..*" + complaint):
        overridden(overrides)


def test_a_profile_is_written_as_it_would_be_read() -> None:
    fields_written = written(profile_of("gemini-live-2.5-flash"))
    assert fields_written.keys() == VALUES.keys()
    assert {name: fields_written[name] for name in ("prefixes", "modalities", "text_slot", "proactive", "window")} == {
        "prefixes": "gemini-live-2.5-flash, gemini-2.5-flash-live",
        "modalities": "audio, text",
        "text_slot": "content",
        "proactive": "false",
        "window": "32000",
    }
    assert written(replace(NEWEST, reply_timeout=2.5))["reply_timeout"] == "2.5"
    assert written(replace(NEWEST, thinking_level=""))["thinking_level"] == "empty"
