"""What an operator says about families of models: changes to `core.profiles`, in the terms of TOML and JSON."""

from collections.abc import Mapping
from dataclasses import fields, replace
from enum import Enum
from math import isfinite
from typing import Any, TypeAlias, get_args, get_origin, get_type_hints

from segue.core.profiles import PROFILES, Profile

Overrides: TypeAlias = Mapping[str, Mapping[str, Any]]

_TYPES = {name: kind for name, kind in get_type_hints(Profile).items() if name != "family"}
# 0, or no text, turns these off; all others need more.
_MAY_BE_NOTHING = {"thinking", "thinking_level", "faint_audio_limit", "rejections_limit"}


def overridden(overrides: Overrides, profiles: tuple[Profile, ...] = PROFILES) -> tuple[Profile, ...]:
    """Return the profiles with some fields changed, and with new families before the last one, which stays the default.

    Args:
        overrides: by family, the fields of its profile; enums by their names in lower case.
        profiles: what is overridden.

    Raises:
        ValueError: a field or value cannot be; the text lists what there is.
    """
    by_family = {profile.family: profile for profile in profiles}
    last = profiles[-1].family
    for family, changes in overrides.items():
        values: dict[str, Any] = {
            name: _read(f"profiles.{family}.{name}", name, value) for name, value in changes.items()
        }
        known = by_family.get(family)
        if known is None and "prefixes" not in values:
            raise ValueError(
                f"profiles.{family}: this is no known family, and a new one needs prefixes, what the names of its "
                f"models start with. Known are {', '.join(by_family)}"
            )
        profile = replace(known or Profile(family, ()), **values)
        if profile.age_limit > profile.age_deadline:
            raise ValueError(f"profiles.{family}: age_limit is {profile.age_limit:g} s, above its age_deadline")
        by_family[family] = profile
    return (*(profile for family, profile in by_family.items() if family != last), by_family[last])


def written(profile: Profile) -> dict[str, str]:
    """Return the fields of a profile but for its family, with their values as text for a person."""
    return {field.name: _written(getattr(profile, field.name)) for field in fields(profile) if field.name in _TYPES}


def _read(path: str, name: str, value: object) -> object:
    kind = _TYPES.get(name)
    if kind is None:
        raise ValueError(f"{path}: no such field. There are {', '.join(_TYPES)}")
    if get_origin(kind) in (tuple, frozenset):
        if not isinstance(value, list) or not value:
            raise ValueError(f"{path} is {_written(value)}: a list of one or more is needed")
        return get_origin(kind)(_read_one(path, get_args(kind)[0], item, name) for item in value)
    return _read_one(path, kind, value, name)


def _read_one(path: str, kind: Any, value: object, name: str) -> object:
    if issubclass(kind, Enum):
        choices = {member.name.lower(): member for member in kind}
        if not isinstance(value, str) or value not in choices:
            raise ValueError(f"{path} is {_written(value)}: one of {', '.join(choices)} is needed")
        return choices[value]
    if kind is bool:
        if not isinstance(value, bool):
            raise ValueError(f"{path} is {_written(value)}: true or false is needed")
        return value
    if kind is str:
        if not isinstance(value, str) or (not value and name not in _MAY_BE_NOTHING):
            raise ValueError(f"{path} is {_written(value)}: a text is needed")
        return value
    if (
        not isinstance(value, int if kind is int else int | float)
        or isinstance(value, bool)
        or not isfinite(value)
        or value < 0
        or (value == 0 and name not in _MAY_BE_NOTHING)
    ):
        what = "a whole number" if kind is int else "a number"
        least = "0 or more" if name in _MAY_BE_NOTHING else "above 0"
        raise ValueError(f"{path} is {_written(value)}: {what}, {least}, is needed")
    return kind(value)


def _written(value: object) -> str:
    match value:
        case Enum():
            return value.name.lower()
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case tuple() | list():
            return ", ".join(_written(item) for item in value) or "empty"
        case frozenset():
            return ", ".join(sorted(_written(item) for item in value))
        case str():
            return value or "empty"
        case _:
            return str(value)
