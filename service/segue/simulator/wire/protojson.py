"""Reads the JSON form of protocol buffers as the Live API does, by a schema.

Keys come in camel or snake case at every level, base64 in either alphabet with or without padding, 64-bit integers as
numbers or strings, enums by name or number; null stands for an unset field.
"""

import base64
import binascii
import json
import re
from functools import lru_cache
from typing import Any

from segue.simulator.rules import rules
from segue.simulator.rules.rules import Violation
from segue.simulator.wire.schema import Choice, Field, Flavour, Keyed, Message, Only, Repeated, Scalar

# The protobuf packages, which the errors about enums name.
_PACKAGES = {
    Flavour.DEVELOPER: "google.ai.generativelanguage.v1beta",
    Flavour.VERTEX: "google.cloud.aiplatform.v1beta1",
}
_INTEGER_BITS = {Scalar.SMALL_INTEGER: 32, Scalar.INTEGER: 64}


class ViolationError(Exception):
    """Carries a violation up from the depth of a message."""

    def __init__(self, violation: Violation) -> None:
        super().__init__(violation.rule)
        self.violation = violation


def read_message(value: object, fields: Message, path: str, flavour: Flavour) -> dict[str, Any]:
    """Return the fields that are set, under their snake-case names, read to the bottom.

    Raises:
        ViolationError: the service would refuse it.
    """
    if not isinstance(value, dict):
        raise ViolationError(rules.value_invalid(path, Scalar.ANY.value, _shown(value)))
    message = {}
    for key, item in value.items():
        # No field's name is longer; what a client makes up is not to stay in the cache.
        name = snake_case(key) if len(key) < 64 else key
        field = fields.get(name)
        if isinstance(field, Only):
            field = field.field if flavour is field.flavour else None
        if field is None:
            raise ViolationError(rules.field_unknown(key, path))
        if isinstance(item, list) and not isinstance(field, Repeated) and field is not Scalar.ANY:
            raise ViolationError(rules.field_not_repeated(key, path))
        if item is not None:
            message[name] = _value(item, field, f"{path}.{name}" if path else name, flavour)
    return message


@lru_cache(maxsize=1024)
def snake_case(key: str) -> str:
    """Return a field's name in snake case, whichever case it came in."""
    return re.sub("[A-Z]", lambda letter: f"_{letter.group().lower()}", key)


def _value(value: object, field: Field, path: str, flavour: Flavour) -> Any:
    match field:
        case Scalar():
            return _scalar(value, field, path)
        case Choice():
            return _choice(value, field, path, flavour)
        case Repeated():
            if not isinstance(value, list):
                raise ViolationError(rules.value_invalid(path, "repeated", _shown(value)))
            return [_value(item, field.of, f"{path}[{index}]", flavour) for index, item in enumerate(value)]
        case Keyed():
            if not isinstance(value, dict):
                raise ViolationError(rules.value_invalid(path, "map", _shown(value)))
            # A map is a list of entries to the service: its paths count them.
            items = enumerate(value.items())
            return {key: _value(item, field.of, f"{path}[{index}].value", flavour) for index, (key, item) in items}
        case Only():
            return _value(value, field.field, path, flavour)
        case _:
            return read_message(value, field, path, flavour)


def _scalar(value: object, scalar: Scalar, path: str) -> Any:
    match scalar, value:
        # Audio comes first, of which there is most.
        case (Scalar.BYTES, str()):
            content = _bytes(value)
            if content is not None:
                return content
            raise ViolationError(rules.value_invalid(path, scalar.value, f'Base64 decoding failed for "{value}"'))
        case (Scalar.ANY, _) | (Scalar.STRING, str()) | (Scalar.BOOL, bool()) | (Scalar.OBJECT, dict()):
            return value
        case (Scalar.NUMBER, int() | float() | str()) if not isinstance(value, bool):
            number = _number(value)
            if number is not None:
                return number
        case (Scalar.SMALL_INTEGER | Scalar.INTEGER, int() | float() | str()) if not isinstance(value, bool):
            integer = _integer(value)
            if integer is not None and integer.bit_length() < _INTEGER_BITS[scalar]:
                return integer
    raise ViolationError(rules.value_invalid(path, scalar.value, _shown(value)))


def _number(value: int | float | str) -> float | None:
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _integer(value: int | float | str) -> int | None:
    if isinstance(value, int):
        return value
    # Not through a float, which holds 53 bits only.
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value):
        return int(value)
    number = _number(value)
    return int(number) if number is not None and number.is_integer() else None


def _bytes(text: str) -> bytes | None:
    standard = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _choice(value: object, choice: Choice, path: str, flavour: Flavour) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(choice.names):
        return choice.names[value]
    if isinstance(value, str) and value in choice.names:
        return value
    raise ViolationError(
        rules.value_invalid(path, f"type.googleapis.com/{_PACKAGES[flavour]}.{choice.type_name}", _shown(value))
    )


def _shown(value: object) -> str:
    match value:
        case dict():
            return "Starting an object on a scalar field"
        case list():
            return "Starting a list"
        case _:
            return json.dumps(value)
