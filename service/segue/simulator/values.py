"""Values that people set: each is checked against the one that it replaces."""

import math
from typing import Any

_TYPES = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


class SettingError(ValueError):
    """Something cannot be set so; the message says what and why."""


def checked(name: str, value: object, kind: type[object]) -> Any:
    """Return a value of a setting, which may be a bool, int, float or str. Numbers are not negative; floats may be inf.

    Raises:
        SettingError: it is of another type, or negative.
    """
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind or (isinstance(value, float) and math.isnan(value)):
        raise SettingError(f"{name} must be {_TYPES[kind]}, not {value!r}")
    if isinstance(value, int | float) and value < 0:
        raise SettingError(f"{name} must not be negative")
    return value


def known(name: str, names: list[str], what: str) -> str:
    """Return the name if it is one of these.

    Raises:
        SettingError: it is not.
    """
    if name not in names:
        raise SettingError(f"{name} is unknown: {what} are {', '.join(names)}")
    return name
