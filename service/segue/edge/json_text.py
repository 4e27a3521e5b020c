"""JSON between the two ways to carry it: as text in the core, as google.protobuf.Struct and Value in the contract."""

import json
from math import isfinite
from typing import Any

# Protobuf's readers give up 100 messages deep, and with them goes a whole stream; an object in an object takes three.
_MAX_DEPTH = 24


def write_json(value: object) -> str | None:
    """Return plain Python as JSON text; None where it holds a number that JSON does not have.

    Keys are sorted: a Struct has no order of its own, and the same one is always to be the same text.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    except ValueError:
        return None


def read_object(text: str) -> dict[str, Any]:
    """Return a JSON object as what a Struct can hold; an empty one for any other text.

    A number that no double can hold stays text, as does what is nested more than 24 deep; half a surrogate pair
    becomes "?".
    """
    try:
        value = _holdable(json.loads(text, parse_int=_number, parse_float=_number, parse_constant=str), _MAX_DEPTH)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _number(digits: str) -> float | str:
    number = float(digits)
    return number if isfinite(number) else digits


def _holdable(value: Any, depth: int) -> Any:
    match value:
        case str():
            return _utf8(value)
        case dict() | list() if not depth:
            return json.dumps(value)
        case dict():
            return {_utf8(key): _holdable(item, depth - 1) for key, item in value.items()}
        case list():
            return [_holdable(item, depth - 1) for item in value]
        case _:
            return value


def _utf8(text: str) -> str:
    return text.encode(errors="replace").decode()
