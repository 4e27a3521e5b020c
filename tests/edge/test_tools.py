"""Tools as a client declares them and as its functions answer."""

import json
from math import inf, nan
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Value

from segue.core.options import FunctionDeclaration, Options
from segue.core.outputs import CloseReason
from segue.edge.opening import Refusal, read_open
from segue.edge.tools import read_response
from segue_client.segue.v1 import open_session_pb2 as pb
from segue_client.segue.v1.client_event_pb2 import ToolResult

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 40}, "days": {"type": "number", "minimum": 0.5}},
    "required": ["city"],
    "additionalProperties": False,
    "default": None,
}


def refusal(*functions: pb.FunctionDeclaration, built_in: tuple[str, ...] = ()) -> str:
    refused = read_open(pb.OpenSession(tools=pb.Tools(functions=functions, built_in=built_in)), "default")
    assert isinstance(refused, Refusal)
    assert refused.reason is CloseReason.INVALID_OPEN
    return refused.message


def test_functions_and_built_in_tools_reach_the_core_in_their_order() -> None:
    tools = pb.Tools(
        functions=[
            pb.FunctionDeclaration(name="get_weather", description="The weather.", parameters=SCHEMA, blocking=True),
            pb.FunctionDeclaration(name="_hang-up_2", blocking=False),
            pb.FunctionDeclaration(name="x" * 64, parameters={}),
        ],
        built_in=["googleSearch", "codeExecution"],
    )
    options = read_open(pb.OpenSession(tools=tools), "default")
    assert isinstance(options, Options)
    weather, *others = options.functions
    assert (weather.name, weather.description, weather.blocking) == ("get_weather", "The weather.", True)
    assert json.loads(weather.parameters) == SCHEMA
    # As an integer, although a Struct has only doubles.
    assert '"maxLength":40,' in weather.parameters
    assert others == [FunctionDeclaration("_hang-up_2", blocking=False), FunctionDeclaration("x" * 64)]
    assert options.built_in_tools == ("googleSearch", "codeExecution")


def test_the_same_schema_is_the_same_text_in_whatever_order_it_came() -> None:
    schemas = SCHEMA, dict(reversed(SCHEMA.items()))
    texts = set()
    for schema in schemas:
        options = read_open(
            pb.OpenSession(tools=pb.Tools(functions=[pb.FunctionDeclaration(name="f", parameters=schema)])), "default"
        )
        assert isinstance(options, Options)
        texts.add(options.functions[0].parameters)
    assert len(texts) == 1


@pytest.mark.parametrize("name", ["", "get weather", "get.weather", "größe", "1st", "-x", "x" * 65, "f\n"])
def test_a_function_needs_a_name_that_the_model_takes(name: str) -> None:
    assert f"function {name!r}: a name has 1 to 64 letters" in refusal(pb.FunctionDeclaration(name=name))


@pytest.mark.parametrize("name", ["", "google_search", "GoogleSearch", "functionDeclarations", "google search"])
def test_a_built_in_tool_needs_a_name_of_the_live_api(name: str) -> None:
    assert f"{name!r} is no built-in tool's name" in refusal(built_in=(name,))


def test_nothing_is_declared_twice() -> None:
    twice = pb.FunctionDeclaration(name="f")
    assert "function 'f' is declared 2 times" in refusal(twice, pb.FunctionDeclaration(name="g"), twice)
    assert "built-in tool 'urlContext' is declared 3 times" in refusal(built_in=("urlContext",) * 3)


@pytest.mark.parametrize(
    "schema",
    [{"type": "string"}, {"properties": {}}, {"type": ["object"]}, {"type": "OBJECT"}, {"type": {"object": True}}],
)
def test_parameters_are_the_schema_of_an_object(schema: dict[str, Any]) -> None:
    assert "no JSON Schema with" in refusal(pb.FunctionDeclaration(name="f", parameters=schema))


@pytest.mark.parametrize("number", [nan, inf, -inf])
def test_parameters_hold_only_what_json_has(number: float) -> None:
    schema = {"type": "object", "properties": {"x": {"enum": [number]}}}
    assert "function 'f' hold a number" in refusal(pb.FunctionDeclaration(name="f", parameters=schema))


def test_all_that_is_wrong_with_tools_is_said_at_once() -> None:
    said = refusal(
        pb.FunctionDeclaration(name="1"), pb.FunctionDeclaration(name="f", parameters={"type": "null"}), built_in=("A",)
    )
    assert [name in said for name in ("'1'", "'f'", "'A'")] == [True] * 3


@pytest.mark.parametrize(
    ("result", "response"),
    [
        ({"celsius": 21, "wind": [0.5, None, True], "city": "Zürich"}, None),
        ({}, None),
        ({"result": 1}, None),
        (21, {"result": 21}),
        (2.5, {"result": 2.5}),
        ("done", {"result": "done"}),
        (False, {"result": False}),
        (None, {"result": None}),
        ([1, {"a": []}], {"result": [1, {"a": []}]}),
    ],
)
def test_a_result_becomes_an_object(result: Any, response: Any) -> None:
    text = read_response(ToolResult(result=ParseDict(result, Value())))
    assert text is not None
    assert json.loads(text) == (result if response is None else response)


def test_a_whole_number_stays_whole() -> None:
    assert read_response(ToolResult(result=Value(number_value=21))) == '{"result":21}'
    assert read_response(ToolResult(result=Value(number_value=2**53))) == '{"result":9007199254740992}'
    assert json.loads(read_response(ToolResult(result=Value(number_value=1e300))) or "") == {"result": 1e300}


def test_a_value_without_a_kind_is_null() -> None:
    assert read_response(ToolResult(result=Value())) == '{"result":null}'


def test_an_error_is_told_as_one() -> None:
    assert read_response(ToolResult(error='no "Atlantis"')) == '{"error":"no \\"Atlantis\\""}'


@pytest.mark.parametrize("number", [nan, inf, -inf])
def test_what_json_does_not_have_is_no_result(number: float) -> None:
    assert read_response(ToolResult(result=Value(number_value=number))) is None
    nested = Value()
    nested.struct_value.update({"a": [{"b": number}]})
    assert read_response(ToolResult(result=nested)) is None
