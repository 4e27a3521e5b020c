"""Reads what a Live API client sends, as tolerantly as the service does and no more.

Keys come in camel or snake case at every level, base64 in either alphabet with or without padding, 64-bit integers as
numbers or strings, enums by name or number, JSON in text or binary frames. Nothing that a peer sends raises: what the
service would refuse is returned as a `Violation`.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from segue.simulator import rules
from segue.simulator.rules import Violation
from segue.simulator.schema import ARMS, Choice, Field, Flavour, Message, Repeated, Scalar, VertexOnly


@dataclass(frozen=True, slots=True)
class Detection:
    """The settings of the automatic activity detection; None stands for the service's default.

    Attributes:
        disabled: the client signals activities itself.
        start_sensitivity: "HIGH" or "LOW".
        end_sensitivity: "HIGH" or "LOW".
        prefix_padding: seconds of speech before its start is committed.
        silence_duration: seconds of silence before its end is.
    """

    disabled: bool = False
    start_sensitivity: str | None = None
    end_sensitivity: str | None = None
    prefix_padding: float | None = None
    silence_duration: float | None = None


@dataclass(frozen=True, slots=True)
class Setup:
    """The first message. Names are as the client wrote them.

    Attributes:
        resumption: the client wants resumption handles.
        handle: the session to resume; empty for a new one.
        initial_history: client content seeds the history until its first `turnComplete`, which asks for no answer.
    """

    model: str
    modalities: tuple[str, ...] = ()
    language_code: str = ""
    detection: Detection = Detection()
    interruptible: bool = True
    input_transcription: bool = False
    output_transcription: bool = False
    resumption: bool = False
    handle: str = ""
    initial_history: bool = False


@dataclass(frozen=True, slots=True)
class Blob:
    """Media, decoded."""

    content: bytes
    mime_type: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """One turn of client content: its text parts joined, and its other parts counted."""

    role: str
    text: str
    other_parts: int = 0


@dataclass(frozen=True, slots=True)
class ClientContent:
    """Turns that are appended to the conversation; `turn_complete` asks for an answer."""

    turns: tuple[Content, ...]
    turn_complete: bool


@dataclass(frozen=True, slots=True)
class RealtimeInput:
    """Input as it happens. The fields are no oneof: a client may set several; `text` None is absent, "" is empty."""

    audio: Blob | None = None
    video: Blob | None = None
    text: str | None = None
    activity_start: bool = False
    activity_end: bool = False
    audio_stream_end: bool = False


@dataclass(frozen=True, slots=True)
class FunctionResponse:
    """The result of one tool call; the keys of `response` are the user's own."""

    id: str
    name: str
    response: Any
    scheduling: str = ""
    will_continue: bool = False


@dataclass(frozen=True, slots=True)
class ToolResponse:
    """Results of tool calls."""

    responses: tuple[FunctionResponse, ...]


@dataclass(frozen=True, slots=True)
class ContextUpdate:
    """New instructions or tools in mid-session; None leaves them as they are."""

    system_instruction: str | None = None
    tools: tuple[Any, ...] | None = None


ClientMessage: TypeAlias = Setup | ClientContent | RealtimeInput | ToolResponse | ContextUpdate


class _ViolationError(Exception):
    """Carries a violation up from the depth of a message; never leaves this module."""

    def __init__(self, violation: Violation) -> None:
        super().__init__(violation.rule)
        self.violation = violation


def read(frame: str | bytes, flavour: Flavour) -> ClientMessage | Violation:
    """Parse one WebSocket message."""
    try:
        # RecursionError: brackets nested deeper than the interpreter's stack.
        value = json.loads(frame)
    except (ValueError, RecursionError):
        return rules.NOT_JSON
    try:
        return _client_message(value, flavour)
    except _ViolationError as error:
        return error.violation


def _client_message(value: object, flavour: Flavour) -> ClientMessage:
    fields = _message(value, ARMS, "", flavour)
    if not fields:
        raise _ViolationError(rules.EMPTY_MESSAGE)
    (arm, body), *others = fields.items()
    if others:
        raise _ViolationError(rules.second_arm(others[0][0]))
    match arm:
        case "setup":
            return _setup(body)
        case "client_content":
            turns = tuple(_content(turn) for turn in body.get("turns", ()))
            return ClientContent(turns, body.get("turn_complete", False))
        case "realtime_input":
            return _realtime_input(body)
        case "tool_response":
            return ToolResponse(tuple(_function_response(item) for item in body.get("function_responses", ())))
        case _:
            return _context_update(body)


def _setup(body: Mapping[str, Any]) -> Setup:
    generation = body.get("generation_config", {})
    realtime = body.get("realtime_input_config", {})
    detection = realtime.get("automatic_activity_detection", {})
    return Setup(
        model=body.get("model", ""),
        modalities=tuple(generation.get("response_modalities", ())),
        language_code=generation.get("speech_config", {}).get("language_code", ""),
        detection=Detection(
            disabled=detection.get("disabled", False),
            start_sensitivity=_sensitivity(detection.get("start_of_speech_sensitivity")),
            end_sensitivity=_sensitivity(detection.get("end_of_speech_sensitivity")),
            prefix_padding=_seconds(detection.get("prefix_padding_ms")),
            silence_duration=_seconds(detection.get("silence_duration_ms")),
        ),
        interruptible=realtime.get("activity_handling") != "NO_INTERRUPTION",
        input_transcription="input_audio_transcription" in body,
        output_transcription="output_audio_transcription" in body,
        resumption="session_resumption" in body,
        handle=body.get("session_resumption", {}).get("handle", ""),
        initial_history=body.get("history_config", {}).get("initial_history_in_client_content", False),
    )


def _sensitivity(name: str | None) -> str | None:
    word = (name or "").rpartition("_")[2]
    return word if word in ("HIGH", "LOW") else None


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _content(body: Mapping[str, Any]) -> Content:
    parts = body.get("parts", ())
    texts = [part["text"] for part in parts if "text" in part]
    return Content(body.get("role", ""), " ".join(texts), len(parts) - len(texts))


def _realtime_input(body: Mapping[str, Any]) -> RealtimeInput:
    audio, video = _blob(body.get("audio")), _blob(body.get("video"))
    # All but the first of the deprecated chunks are ignored (generative_service.proto).
    chunk = next((_blob(item) for item in body.get("media_chunks", ())), None)
    if chunk is not None and chunk.mime_type.startswith("image/"):
        video = video or chunk
    elif chunk is not None:
        audio = audio or chunk
    return RealtimeInput(
        audio=audio,
        video=video,
        text=body.get("text"),
        activity_start="activity_start" in body,
        activity_end="activity_end" in body,
        audio_stream_end=body.get("audio_stream_end", False),
    )


def _blob(body: Mapping[str, Any] | None) -> Blob | None:
    return None if body is None else Blob(body.get("data", b""), body.get("mime_type", ""))


def _function_response(body: Mapping[str, Any]) -> FunctionResponse:
    return FunctionResponse(
        id=body.get("id", ""),
        name=body.get("name", ""),
        response=body.get("response"),
        scheduling=body.get("scheduling", ""),
        will_continue=body.get("will_continue", False),
    )


def _context_update(body: Mapping[str, Any]) -> ContextUpdate:
    instruction = body.get("system_instruction")
    tools = body.get("tools")
    return ContextUpdate(
        system_instruction=None if instruction is None else _content(instruction).text,
        tools=None if tools is None else tuple(tools.get("tools", ())),
    )


def _message(value: object, fields: Message, path: str, flavour: Flavour) -> dict[str, Any]:
    """Return the fields that are set, under their snake-case names, read to the bottom."""
    if not isinstance(value, dict):
        raise _ViolationError(rules.value_invalid(path, Scalar.ANY.value, _shown(value)))
    message = {}
    for key, item in value.items():
        name = _snake_case(key)
        field = fields.get(name)
        if isinstance(field, VertexOnly):
            field = field.field if flavour is Flavour.VERTEX else None
        if field is None:
            raise _ViolationError(rules.field_unknown(key, path))
        # In the JSON of protocol buffers null stands for an unset field.
        if item is not None:
            message[name] = _value(item, field, f"{path}.{name}" if path else name, flavour)
    return message


@lru_cache(maxsize=1024)
def _snake_case(key: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter.group().lower()}", key)


def _value(value: object, field: Field, path: str, flavour: Flavour) -> Any:
    match field:
        case Scalar():
            return _scalar(value, field, path)
        case Choice():
            return _choice(value, field, path)
        case Repeated():
            if not isinstance(value, list):
                raise _ViolationError(rules.value_invalid(path, "repeated", _shown(value)))
            return [_value(item, field.of, f"{path}[{index}]", flavour) for index, item in enumerate(value)]
        case VertexOnly():
            return _value(value, field.field, path, flavour)
        case _:
            return _message(value, field, path, flavour)


def _scalar(value: object, scalar: Scalar, path: str) -> Any:
    match scalar, value:
        case (Scalar.ANY, _) | (Scalar.STRING, str()) | (Scalar.BOOL, bool()):
            return value
        case (Scalar.INTEGER | Scalar.NUMBER, int() | float() | str()) if not isinstance(value, bool):
            number = _number(value)
            if number is not None and (scalar is Scalar.NUMBER or number.is_integer()):
                return number if scalar is Scalar.NUMBER else int(number)
        case (Scalar.BYTES, str()):
            content = _bytes(value)
            if content is not None:
                return content
            raise _ViolationError(rules.value_invalid(path, scalar.value, f'Base64 decoding failed for "{value}"'))
    raise _ViolationError(rules.value_invalid(path, scalar.value, _shown(value)))


def _number(value: int | float | str) -> float | None:
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _bytes(text: str) -> bytes | None:
    standard = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _choice(value: object, choice: Choice, path: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(choice.names):
        return choice.names[value]
    if isinstance(value, str) and value in choice.names:
        return value
    raise _ViolationError(rules.value_invalid(path, "TYPE_ENUM", _shown(value)))


def _shown(value: object) -> str:
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case _:
            return json.dumps(value)
