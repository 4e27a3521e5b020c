"""What the model says as JSON fits into a message, whatever it is."""

import json
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from segue.edge.json_text import read_object, write_json
from segue_client.segue.v1.server_event_pb2 import ServerEvent, ToolCall
from segue_client.segue.v1.voice_session_service_pb2 import ConverseResponse


def carried(text: str) -> dict[str, Any]:
    """Return what a client gets as the arguments of a call."""
    sent = ConverseResponse(events=[ServerEvent(tool_call=ToolCall(arguments=read_object(text)))])
    received = ConverseResponse.FromString(sent.SerializeToString())
    arguments: dict[str, Any] = MessageToDict(received.events[0].tool_call.arguments)
    return arguments


def nested(depth: int) -> str:
    return '{"a":' * depth + "7" + "}" * depth


@pytest.mark.parametrize(
    "value", [{}, {"city": "Zürich 😀", "days": 3, "exact": 0.5, "list": [1, None, True, {}, []], "": {"x": ""}}]
)
def test_an_object_arrives_as_it_is(value: dict[str, Any]) -> None:
    assert carried(json.dumps(value)) == value
    assert carried(json.dumps(value, ensure_ascii=False)) == value


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 400, "9" * 5000, "NaN", "Infinity", "-Infinity"])
def test_a_number_that_no_double_holds_stays_text(number: str) -> None:
    assert carried(f'{{"n": [{number}]}}') == {"n": [number]}


def test_a_large_number_is_as_exact_as_a_double() -> None:
    assert carried('{"n": 12345678901234567890}') == {"n": 12345678901234567168}
    assert carried('{"n": 1e308, "m": -9007199254740991}') == {"n": 1e308, "m": -9007199254740991}


def test_half_a_surrogate_pair_harms_nobody() -> None:
    assert carried('{"\\ud800a": "b\\udfff", "whole": "\\ud83d\\ude00"}') == {"?a": "b?", "whole": "😀"}


def test_what_is_nested_too_deep_for_protobuf_stays_text() -> None:
    assert carried(nested(24)) == json.loads(nested(24))
    deep = carried(nested(40))
    for _ in range(24):
        deep = deep["a"]
    assert json.loads(str(deep)) == json.loads(nested(16))
    lists = carried('{"a":' + "[" * 60 + "]" * 60 + "}")
    assert lists["a"]


@pytest.mark.parametrize("text", ["", "{", "[1]", "7", "null", '"x"', "[" * 100_000, nested(100_000)])
def test_what_is_no_object_is_an_empty_one(text: str) -> None:
    assert read_object(text) == {}


def test_json_is_written_without_what_it_does_not_have() -> None:
    assert write_json({"b": [1, None], "a": "ü"}) == '{"a":"ü","b":[1,null]}'
    assert write_json({"a": float("nan")}) is None
