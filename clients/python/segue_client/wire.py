"""Between the contract's messages and plain Python."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any, Protocol

from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import Parse, ParseError
from google.protobuf.struct_pb2 import Struct, Value

from segue_client import events
from segue_client.segue.v1 import error_pb2, server_event_pb2
from segue_client.segue.v1.open_session_pb2 import FunctionDeclaration, Tools

# Objects in objects: protobuf reads no message that is nested over 100 deep, and each takes three of these.
_MAX_JSON_DEPTH = 32


class _Enum(Protocol):
    """The part of a generated enum that is needed here; type stubs of protobuf have no common name for it."""

    DESCRIPTOR: Any


def enum_name(enum: _Enum, number: int) -> str:
    """Return the value's name without the enum's prefix; a number that this library does not know, as digits."""
    value = enum.DESCRIPTOR.values_by_number.get(number)
    return value.name.removeprefix(f"{enum.DESCRIPTOR.name.upper()}_") if value else str(number)


def enum_number(enum: _Enum, name: str) -> int:
    """Return the number of a value that is named without its enum's prefix. Raises ValueError for unknown names."""
    prefix = f"{enum.DESCRIPTOR.name.upper()}_"
    value = enum.DESCRIPTOR.values_by_name.get(prefix + name)
    if value is None or value.number == 0:
        known = ", ".join(v.name.removeprefix(prefix) for v in enum.DESCRIPTOR.values if v.number)
        raise ValueError(f"{name!r} is not one of {known}")
    return int(value.number)


def seconds(duration: Duration) -> float:
    """Return a duration in seconds."""
    return duration.seconds + duration.nanos / 1e9


def duration(seconds: float) -> Duration:
    """Return seconds as the contract's duration."""
    message = Duration()
    message.FromNanoseconds(round(seconds * 1e9))
    return message


def plain(value: Value) -> Any:
    """Return a JSON value as Python's own types. JSON has one kind of number: a whole one becomes an int."""
    match value.WhichOneof("kind"):
        case "struct_value":
            return plain_object(value.struct_value)
        case "list_value":
            return [plain(item) for item in value.list_value.values]
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case _:
            return None


def plain_object(struct: Struct) -> dict[str, Any]:
    """Return a JSON object as a dict."""
    return {key: plain(value) for key, value in struct.fields.items()}


def write_value(result: Any) -> Value:
    """Return a tool's result as the contract's JSON value. Raises ValueError for what is none."""
    message = Value()
    try:
        Parse(json.dumps(result, allow_nan=False), message, max_recursion_depth=2 * _MAX_JSON_DEPTH)
    except (TypeError, ValueError, RecursionError, ParseError) as cause:
        raise ValueError(f"a tool result must be a JSON value: {cause}") from cause
    return message


def write_tools(tools: Sequence[FunctionDeclaration | str]) -> Tools:
    """Return functions and the names of built-in tools as the contract's tools."""
    return Tools(
        functions=[tool for tool in tools if not isinstance(tool, str)],
        built_in=[tool for tool in tools if isinstance(tool, str)],
    )


def read_event(event: server_event_pb2.ServerEvent) -> events.Event | events.Closed | None:
    """Return what the gateway said; None for an output that this library does not know."""
    arm = event.WhichOneof("output")
    return _READERS[arm](event) if arm in _READERS else None


def read_go_away(message: server_event_pb2.GoAway) -> events.GoAway:
    """Return when the stream ends."""
    return events.GoAway(message.deadline.ToDatetime(UTC))


def _transcript(event: server_event_pb2.ServerEvent) -> events.Transcript:
    said = event.transcript
    return events.Transcript(event.turn, enum_name(server_event_pb2.Transcript.Speaker, said.speaker), said.text)


def _user_activity(event: server_event_pb2.ServerEvent) -> events.UserActivity:
    return events.UserActivity(enum_name(server_event_pb2.UserActivity.Edge, event.user_activity.edge))


def _interrupted(event: server_event_pb2.ServerEvent) -> events.Interrupted:
    cut = event.interrupted
    return events.Interrupted(
        turn=event.turn,
        cause=enum_name(server_event_pb2.Interrupted.Cause, cut.cause),
        heard_text=cut.heard_text,
        unheard_text=cut.unheard_text,
        heard=seconds(cut.heard_duration),
        stop_latency=seconds(cut.stop_latency) if cut.HasField("stop_latency") else None,
    )


def _turn_ended(event: server_event_pb2.ServerEvent) -> events.TurnEnded:
    end = event.turn_ended
    return events.TurnEnded(
        turn=event.turn,
        reason=enum_name(server_event_pb2.TurnEnded.Reason, end.reason),
        heard_text=end.heard_text,
        unheard_text=end.unheard_text,
        heard=seconds(end.heard_duration),
        audio_duration=seconds(end.audio_duration),
        first_audio_latency=seconds(end.first_audio_latency) if end.HasField("first_audio_latency") else None,
        usage=_usage(end.usage),
        backend_reason=end.backend_reason,
    )


def _usage(usage: server_event_pb2.Usage) -> events.Usage:
    return events.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.total_tokens,
        thinking_tokens=usage.thinking_tokens,
        input_by_modality={part.modality: part.tokens for part in usage.input_by_modality},
        output_by_modality={part.modality: part.tokens for part in usage.output_by_modality},
    )


def _tool_call(event: server_event_pb2.ServerEvent) -> events.ToolCall:
    call = event.tool_call
    return events.ToolCall(event.turn, call.call_id, call.name, plain_object(call.arguments))


def _notice(event: server_event_pb2.ServerEvent) -> events.Notice:
    notice = event.notice
    took = seconds(notice.took) if notice.HasField("took") else None
    return events.Notice(enum_name(server_event_pb2.Notice.Kind, notice.kind), notice.message, took)


def _input_rejected(event: server_event_pb2.ServerEvent) -> events.InputRejected:
    rejection = event.input_rejected
    reason = enum_name(server_event_pb2.InputRejected.Reason, rejection.reason)
    return events.InputRejected(rejection.input_seq, reason, rejection.message)


def _closed(event: server_event_pb2.ServerEvent) -> events.Closed:
    closed = event.closed
    error = closed.error
    return events.Closed(
        reason=enum_name(error_pb2.Error.Reason, error.reason),
        message=error.message,
        retry_delay=seconds(error.retry_delay) if error.HasField("retry_delay") else None,
        next=enum_name(server_event_pb2.SessionClosed.Next, closed.next),
        totals=_totals(closed.totals) if closed.HasField("totals") else None,
    )


def _totals(totals: server_event_pb2.Totals) -> events.Totals:
    return events.Totals(
        duration=seconds(totals.duration),
        turns=totals.turns,
        interruptions=totals.interruptions,
        input_audio=seconds(totals.input_audio),
        output_audio=seconds(totals.output_audio),
        usage=_usage(totals.usage),
    )


_READERS: dict[str | None, Callable[[server_event_pb2.ServerEvent], events.Event | events.Closed]] = {
    "opened": lambda event: events.Opened(event.opened.session_id, event.opened.model),
    "resumed": lambda event: events.Resumed(event.resumed.last_input_seq, event.resumed.output_lost),
    "audio": lambda event: events.Audio(event.turn, event.audio),
    "text": lambda event: events.Text(event.turn, event.text),
    "transcript": _transcript,
    "user_activity": _user_activity,
    "interrupted": _interrupted,
    "turn_ended": _turn_ended,
    "tool_call": _tool_call,
    "tool_call_cancelled": lambda event: events.ToolCallCancelled(event.tool_call_cancelled.call_id),
    "grounding": lambda event: events.Grounding(event.turn, plain_object(event.grounding.metadata)),
    "notice": _notice,
    "input_rejected": _input_rejected,
    "go_away": lambda event: read_go_away(event.go_away),
    "closed": _closed,
}
