"""JSON Schemas of parameters: what is right passes, and each fault of a wrong one is named with its path."""

from typing import Any

import pytest

from segue.edge.schemas import wrong_schema


def faults(properties: Any = None, **others: Any) -> list[str]:
    """Return what is wrong with the schema of an object."""
    schema = {"type": "object", **({} if properties is None else {"properties": properties}), **others}
    return list(wrong_schema(schema, "parameters", schema))


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": ["string", "null"]},
        {"type": "string", "enum": ["a", "b"], "title": "T", "description": "d", "format": "date", "pattern": "a*"},
        {"enum": [1, 2.5, True, None, "a"]},
        {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 1},
        {"type": "array", "prefixItems": [{"type": "string"}], "items": False},
        {"type": "number", "minimum": -1.5, "maximum": 1, "exclusiveMinimum": -2, "multipleOf": 0.5},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        {"$ref": "#/$defs/place"},
        {"$ref": "#"},
        {"type": "object", "properties": {}, "additionalProperties": False},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"properties": {"a": {}, "b": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        # What is not known is left to the Live API.
        {"x-mine": {"type": "whatever"}, "const": {"type": 1}, "default": {"required": 7}},
    ],
)
def test_what_json_schema_has_passes(schema: dict[str, Any]) -> None:
    definitions = {"place": {"type": "object", "properties": {"enum": {"type": "string"}}, "required": ["enum"]}}
    assert faults({"x": schema}, required=["x"], **{"$defs": definitions}) == []


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ("string", " is no schema: that is an object"),
        (None, " is no schema"),
        ({"type": "STRING"}, ".type is 'STRING': the types are array, boolean, "),
        ({"type": ["string", "text"]}, ".type is 'text'"),
        ({"type": []}, ".type is empty"),
        ({"type": {"a": 1}}, ".type is {'a': 1}"),
        ({"enum": []}, ".enum is no list of values"),
        ({"enum": "a"}, ".enum is no list of values"),
        ({"enum": ["a", ""]}, ".enum[1] is empty"),
        ({"enum": [["a"]]}, ".enum[0] is no string and no number"),
        ({"properties": ["a"]}, ".properties is no object of schemas"),
        ({"properties": {"a": 1}}, ".properties.a is no schema"),
        ({"properties": {"a": {}}, "required": ["b"]}, ".required names 'b', which properties does not have"),
        ({"type": "object", "required": ["b"]}, ".required names 'b'"),
        ({"properties": {"a": {}}, "propertyOrdering": ["b"]}, ".propertyOrdering names 'b'"),
        ({"properties": {"a": {}}, "required": ["a", "a"]}, ".required names 'a' 2 times"),
        ({"required": "a"}, ".required is no list of names"),
        ({"required": [1]}, ".required is no list of names"),
        ({"items": True}, ""),
        ({"items": [{}]}, ".items is no schema"),
        ({"items": {"type": "text"}}, ".items.type is 'text'"),
        ({"not": True}, ".not is no schema"),
        ({"additionalProperties": "no"}, ".additionalProperties is no schema"),
        ({"anyOf": []}, ".anyOf is no list of schemas"),
        ({"oneOf": {"type": "string"}}, ".oneOf is no list of schemas"),
        ({"allOf": [{}, {"type": "text"}]}, ".allOf[1].type is 'text'"),
        ({"$ref": "#/$defs/nowhere"}, ".$ref is '#/$defs/nowhere': it must point to a schema"),
        ({"$ref": "https://example.org/schema"}, ".$ref is 'https://example.org/schema'"),
        ({"$ref": "#/type/of"}, ".$ref is '#/type/of'"),
        ({"$ref": 1}, ".$ref is 1"),
        ({"description": 1}, ".description is no string"),
        ({"minimum": "1"}, ".minimum is no number"),
        ({"maximum": True}, ".maximum is no number"),
        ({"minItems": -1}, ".minItems is no whole number"),
        ({"maxLength": 1.5}, ".maxLength is no whole number"),
        ({"minimum": 2, "maximum": 1.5}, ".minimum is 2: more than maximum, which is 1.5"),
        ({"minLength": 2, "maxLength": 1}, ".minLength is 2: more than maxLength"),
    ],
)
def test_a_fault_is_named_with_its_path(schema: Any, fault: str) -> None:
    said = faults({"x": schema})
    assert len(said) == bool(fault)
    assert all(line.startswith(f"parameters.properties.x{fault}") for line in said)


def test_all_faults_are_named() -> None:
    said = faults({"a": {"type": "x"}, "b": {"items": {"enum": []}}}, required=["c"], anyOf=[{"minimum": "1"}])
    assert [line.split()[0] for line in said] == [
        "parameters.properties.a.type",
        "parameters.properties.b.items.enum",
        "parameters.anyOf[0].minimum",
        "parameters.required",
    ]
