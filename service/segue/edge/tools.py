"""Tools, read: what a client declares at the open, and what its functions returned."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from segue.core.options import CALL_TIMEOUT, FunctionDeclaration
from segue.edge.durations import out_of_range, seconds
from segue.edge.json_text import write_json
from segue.edge.schemas import wrong_schema
from segue_client.segue.v1 import client_event_pb2
from segue_client.segue.v1 import open_session_pb2 as pb
from segue_client.wire import plain, plain_object

# The Gemini API wants a letter or an underscore at the front; its reference of FunctionDeclaration.name says so.
_FUNCTION = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_BUILT_IN = re.compile(r"[a-z][A-Za-z0-9]{0,63}")
# Stands beside the built-in tools in the Live API's Tool, and is what Segue fills with the client's own.
_NO_BUILT_IN = "functionDeclarations"


def wrong_tools(tools: pb.Tools) -> Iterator[str]:
    """Say what is wrong with the tools of an open."""
    for function in tools.functions:
        if not _FUNCTION.fullmatch(function.name):
            yield (
                f"function {function.name!r}: a name has 1 to 64 letters, digits, underscores and dashes, and begins "
                "with a letter or an underscore"
            )
        parameters = plain_object(function.parameters)
        if parameters and parameters.get("type") != "object":
            yield f'the parameters of function {function.name!r} are no JSON Schema with "type": "object"'
        else:
            for fault in wrong_schema(parameters, "parameters", parameters):
                yield f"function {function.name!r}: {fault}"
        if write_json(parameters) is None:
            yield f"the parameters of function {function.name!r} hold a number that JSON does not have"
        for fault in out_of_range(function, "timeout", 0.100, 600.0):
            yield f"function {function.name!r}: {fault}"
    for name in tools.built_in:
        if not _BUILT_IN.fullmatch(name) or name == _NO_BUILT_IN:
            yield f'{name!r} is no built-in tool\'s name: those are such as "googleSearch"'
    yield from _repeated("function", (function.name for function in tools.functions))
    yield from _repeated("built-in tool", tools.built_in)


def _repeated(what: str, names: Iterable[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{what} {name!r} is declared {count} times"


def read_functions(tools: pb.Tools) -> tuple[FunctionDeclaration, ...]:
    """Return the functions of tools with which nothing is wrong."""
    return tuple(
        FunctionDeclaration(
            name=function.name,
            description=function.description,
            parameters=(write_json(plain_object(function.parameters)) or "") if function.parameters.fields else "",
            blocking=function.blocking if function.HasField("blocking") else None,
            timeout=seconds(function, "timeout", CALL_TIMEOUT),
        )
        for function in tools.functions
    )


def read_response(result: client_event_pb2.ToolResult) -> str | None:
    """Return the outcome of a call as the JSON object, in text, that the model gets; None where it is no JSON.

    An object is taken as it is, any other value as {"result": value}, an error as {"error": text}.
    """
    if result.WhichOneof("outcome") == "error":
        return write_json({"error": result.error})
    value = plain(result.result)
    return write_json(value if isinstance(value, dict) else {"result": value})
