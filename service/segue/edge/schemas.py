"""JSON Schema, checked as far as a mistake in it would close a link or leave the model without a parameter.

Keywords that are not known pass: the Live API takes the whole of JSON Schema, and what it makes of it changes.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")

_Check: TypeAlias = Callable[[Any, str], Iterator[str]]


def wrong_schema(schema: Any, path: str, root: dict[str, Any]) -> Iterator[str]:
    """Say what is wrong with a schema, each fault with its path.

    Args:
        schema: what should be one.
        path: where it stands.
        root: the schema that it is a part of, in which its references point.
    """
    if not isinstance(schema, dict):
        yield f"{path} is no schema: that is an object"
        return
    for keyword, value in schema.items():
        if keyword in _CHECKS:
            yield from _CHECKS[keyword](value, f"{path}.{keyword}")
        elif keyword in _OF_ONE_SCHEMA:
            if not (isinstance(value, bool) and keyword in _OR_BOOLEAN):
                yield from wrong_schema(value, f"{path}.{keyword}", root)
        elif keyword in _OF_SCHEMAS:
            if not isinstance(value, list) or not value:
                yield f"{path}.{keyword} is no list of schemas"
            else:
                for index, item in enumerate(value):
                    yield from wrong_schema(item, f"{path}.{keyword}[{index}]", root)
        elif keyword in _OF_NAMED_SCHEMAS:
            if not isinstance(value, dict):
                yield f"{path}.{keyword} is no object of schemas"
            else:
                for name, item in value.items():
                    yield from wrong_schema(item, f"{path}.{keyword}.{name}", root)
        elif keyword == "$ref" and not _points(value, root):
            yield f"{path}.$ref is {value!r}: it must point to a schema in these parameters, such as #/$defs/name"
    yield from _unknown_names(schema, path)
    for least, most in _RANGES:
        if _is_number(schema.get(least)) and _is_number(schema.get(most)) and schema[least] > schema[most]:
            yield f"{path}.{least} is {schema[least]:g}: more than {most}, which is {schema[most]:g}"


def _unknown_names(schema: dict[str, Any], path: str) -> Iterator[str]:
    # A part of a schema may name what another part has.
    properties = schema.get("properties", {} if schema.get("type") == "object" else None)
    for keyword in ("required", "propertyOrdering"):
        names = schema.get(keyword)
        if isinstance(names, list) and isinstance(properties, dict):
            for name in names:
                if isinstance(name, str) and name not in properties:
                    yield f"{path}.{keyword} names {name!r}, which properties does not have"


def _wrong_type(value: Any, path: str) -> Iterator[str]:
    names = value if isinstance(value, list) else [value]
    if not names:
        yield f"{path} is empty: leave it out, or name a type"
    for name in names:
        if name not in _TYPES:
            yield f"{path} is {name!r}: the types are {', '.join(_TYPES)}"


def _wrong_enum(value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list) or not value:
        yield f"{path} is no list of values"
        return
    for index, item in enumerate(value):
        if item == "":
            yield f"{path}[{index}] is empty: the Live API takes no empty value"
        elif isinstance(item, dict | list):
            yield f"{path}[{index}] is no string and no number"


def _wrong_names(value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        yield f"{path} is no list of names"
        return
    for name, count in Counter(value).items():
        if count > 1:
            yield f"{path} names {name!r} {count} times"


def _wrong_text(value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{path} is no string"


def _wrong_number(value: Any, path: str) -> Iterator[str]:
    if not _is_number(value):
        yield f"{path} is no number"


def _wrong_count(value: Any, path: str) -> Iterator[str]:
    if not _is_number(value) or value < 0 or value % 1:
        yield f"{path} is no whole number from 0 on"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _points(reference: Any, root: dict[str, Any]) -> bool:
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        return False
    found: Any = root
    for name in reference.split("/")[1:]:
        found = found.get(name.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return isinstance(found, dict)


_OF_ONE_SCHEMA = ("items", "not", "additionalProperties", "propertyNames", "contains")
_OR_BOOLEAN = ("items", "additionalProperties")
_OF_SCHEMAS = ("anyOf", "oneOf", "allOf", "prefixItems")
_OF_NAMED_SCHEMAS = ("properties", "patternProperties", "$defs", "definitions")
_COUNTS = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_TEXTS = ("title", "description", "format", "pattern")
_RANGES = (
    ("minimum", "maximum"),
    ("minItems", "maxItems"),
    ("minLength", "maxLength"),
    ("minProperties", "maxProperties"),
)
_CHECKS: dict[str, _Check] = {
    "type": _wrong_type,
    "enum": _wrong_enum,
    "required": _wrong_names,
    "propertyOrdering": _wrong_names,
    **dict.fromkeys(_TEXTS, _wrong_text),
    **dict.fromkeys(_NUMBERS, _wrong_number),
    **dict.fromkeys(_COUNTS, _wrong_count),
}
