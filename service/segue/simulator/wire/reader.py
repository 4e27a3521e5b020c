"""Reads what a Live API client sends, as tolerantly as the service does and no more.

JSON comes in text or binary frames, in any spelling that protocol buffers allow. Nothing that a peer sends raises: what
the service would refuse is returned as a `Violation`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from segue.simulator.rules import rules
from segue.simulator.rules.rules import Violation
from segue.simulator.wire.protojson import ViolationError, read_message
from segue.simulator.wire.schema import ARMS, Flavour
from segue.simulator.wire.tokens import Constraints


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
class FunctionDeclaration:
    """A function that the model may call; `behavior` is "BLOCKING", "NON_BLOCKING" or empty for the model's default."""

    name: str
    behavior: str = ""


@dataclass(frozen=True, slots=True)
class Thinking:
    """How much the model is to think: `budget` in tokens or `level` ("LOW"); None and empty where not said."""

    budget: int | None = None
    level: str = ""
    include_thoughts: bool = False


@dataclass(frozen=True, slots=True)
class Compression:
    """Context window compression: when it begins and what it leaves, in tokens; None for the model's defaults."""

    trigger_tokens: int | None = None
    target_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Setup:
    """The first message. Names are as the client wrote them, absent settings empty or None.

    Attributes:
        modalities: what the model is to answer in.
        voice: the name of a prebuilt voice.
        interruptible: activity interrupts the model.
        turn_coverage: which input belongs to a turn, "TURN_INCLUDES_ALL_INPUT" for instance.
        resumption: the client wants resumption handles.
        handle: the session to resume; empty for a new one.
        transparent: updates are to say which client message the server consumed last (Vertex).
        initial_history: client content seeds the history until its first `turnComplete`, which asks for no answer.
        tools: the functions of all tools together.
        built_in_tools: the other tools, in snake case: "google_search".
        thinking: None where thinking was not configured.
        compression: None where the context window is not to be compressed.
        explicit_vad_signal: `voiceActivityDetectionSignal` messages are wanted (Vertex).
        translation: the language to translate into.
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
    voice: str = ""
    system_instruction: str = ""
    tools: tuple[FunctionDeclaration, ...] = ()
    built_in_tools: frozenset[str] = frozenset()
    thinking: Thinking | None = None
    proactive_audio: bool | None = None
    affective: bool | None = None
    compression: Compression | None = None
    transparent: bool = False
    turn_coverage: str = ""
    explicit_vad_signal: bool = False
    translation: str = ""


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
    """Input as it happens. The fields are no oneof: a client may set several; `text` None is absent, "" is empty.

    Attributes:
        media_chunks: how many deprecated chunks there were; those that count are in `audio` and `video`.
        text_ignored: the model takes no notice of the text, which is no word of the client's.
    """

    audio: Blob | None = None
    video: Blob | None = None
    text: str | None = None
    activity_start: bool = False
    activity_end: bool = False
    audio_stream_end: bool = False
    media_chunks: int = 0
    text_ignored: bool = False


@dataclass(frozen=True, slots=True)
class FunctionResponse:
    """The result of one tool call; the keys of `response` are the user's own.

    Attributes:
        scheduling: "SILENT", "WHEN_IDLE" or "INTERRUPT", given beside `response` or within; empty where not given.
        will_continue: more results of this call will come.
    """

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
    tools: tuple[FunctionDeclaration, ...] | None = None


ClientMessage: TypeAlias = Setup | ClientContent | RealtimeInput | ToolResponse | ContextUpdate


def read(frame: str | bytes, flavour: Flavour, constraints: Constraints | None = None) -> ClientMessage | Violation:
    """Parse one WebSocket message. `constraints` are those of the ephemeral token that the connection came with."""
    try:
        # RecursionError: brackets nested deeper than the interpreter's stack.
        # Bytes are decoded here: `loads` would take UTF-16 and UTF-32 as well.
        value = json.loads(frame if isinstance(frame, str) else frame.decode())
    except (ValueError, RecursionError):
        return rules.NOT_JSON
    try:
        return _client_message(value, flavour, constraints)
    except ViolationError as error:
        return error.violation


def _client_message(value: object, flavour: Flavour, constraints: Constraints | None) -> ClientMessage:
    fields = read_message(value, ARMS, "", flavour)
    if not fields:
        raise ViolationError(rules.EMPTY_MESSAGE)
    (arm, body), *others = fields.items()
    if others:
        raise ViolationError(rules.second_arm(others[0][0]))
    match arm:
        case "setup":
            return _setup(constraints.applied_to(body) if constraints else body)
        case "client_content":
            turns = tuple(_content(turn) for turn in body.get("turns", ()))
            return ClientContent(turns, body.get("turn_complete", False))
        case "realtime_input":
            return _realtime_input(body, flavour)
        case "tool_response":
            return ToolResponse(tuple(_function_response(item) for item in body.get("function_responses", ())))
        case _:
            return _context_update(body)


def _setup(body: Mapping[str, Any]) -> Setup:
    generation = body.get("generation_config", {})
    speech = generation.get("speech_config", {})
    realtime = body.get("realtime_input_config", {})
    detection = realtime.get("automatic_activity_detection", {})
    resumption = body.get("session_resumption", {})
    tools = body.get("tools", ())
    return Setup(
        model=body.get("model", ""),
        modalities=tuple(generation.get("response_modalities", ())),
        language_code=speech.get("language_code", ""),
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
        handle=resumption.get("handle", ""),
        initial_history=body.get("history_config", {}).get("initial_history_in_client_content", False),
        voice=speech.get("voice_config", {}).get("prebuilt_voice_config", {}).get("voice_name", ""),
        system_instruction=_content(body.get("system_instruction", {})).text,
        tools=_functions(tools),
        built_in_tools=frozenset(name for tool in tools for name in tool if name != "function_declarations"),
        thinking=_thinking(generation.get("thinking_config")),
        proactive_audio=body.get("proactivity", {}).get("proactive_audio"),
        affective=generation.get("enable_affective_dialog"),
        compression=_compression(body.get("context_window_compression")),
        transparent=resumption.get("transparent", False),
        turn_coverage=_specified(realtime.get("turn_coverage", "")),
        explicit_vad_signal=body.get("explicit_vad_signal", False),
        translation=generation.get("translation_config", {}).get("target_language_code", ""),
    )


def _functions(tools: Iterable[Mapping[str, Any]]) -> tuple[FunctionDeclaration, ...]:
    declarations = [item for tool in tools for item in tool.get("function_declarations", ())]
    return tuple(
        FunctionDeclaration(item.get("name", ""), _specified(item.get("behavior", ""))) for item in declarations
    )


def _thinking(body: Mapping[str, Any] | None) -> Thinking | None:
    if body is None:
        return None
    level = _specified(body.get("thinking_level", ""))
    return Thinking(body.get("thinking_budget"), level, body.get("include_thoughts", False))


def _compression(body: Mapping[str, Any] | None) -> Compression | None:
    if body is None:
        return None
    return Compression(body.get("trigger_tokens"), body.get("sliding_window", {}).get("target_tokens"))


def _specified(name: str) -> str:
    return "" if name.endswith("UNSPECIFIED") else name


def _sensitivity(name: str | None) -> str | None:
    word = (name or "").rpartition("_")[2]
    return word if word in ("HIGH", "LOW") else None


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _content(body: Mapping[str, Any]) -> Content:
    parts = body.get("parts", ())
    texts = [part["text"] for part in parts if "text" in part]
    return Content(body.get("role", ""), " ".join(texts), len(parts) - len(texts))


def _realtime_input(body: Mapping[str, Any], flavour: Flavour) -> RealtimeInput:
    audio, video = _blob(body.get("audio")), _blob(body.get("video"))
    chunks = [blob for item in body.get("media_chunks", ()) if (blob := _blob(item))]
    # All but the first of the deprecated chunks are ignored (generative_service.proto), on Vertex one of each kind is
    # not (vertex-ai-samples).
    for chunk in chunks if flavour is Flavour.VERTEX else chunks[:1]:
        if chunk.mime_type.startswith("image/"):
            video = video or chunk
        else:
            audio = audio or chunk
    return RealtimeInput(
        audio=audio,
        video=video,
        text=body.get("text"),
        activity_start="activity_start" in body,
        activity_end="activity_end" in body,
        audio_stream_end=body.get("audio_stream_end", False),
        media_chunks=len(chunks),
    )


def _blob(body: Mapping[str, Any] | None) -> Blob | None:
    return None if body is None else Blob(body.get("data", b""), body.get("mime_type", ""))


def _function_response(body: Mapping[str, Any]) -> FunctionResponse:
    response = body.get("response")
    return FunctionResponse(
        id=body.get("id", ""),
        name=body.get("name", ""),
        response=response,
        scheduling=_specified(body.get("scheduling", "")) or _scheduling(response),
        will_continue=body.get("will_continue", False),
    )


def _scheduling(response: Mapping[str, Any] | None) -> str:
    """Return the scheduling that stands within a response, as in the samples of ai.google.dev, which spell it so."""
    name = (response or {}).get("scheduling")
    if name == "INTERRUPTED":
        return "INTERRUPT"
    return name if name in ("SILENT", "WHEN_IDLE", "INTERRUPT") else ""


def _context_update(body: Mapping[str, Any]) -> ContextUpdate:
    instruction = body.get("system_instruction")
    tools = body.get("tools")
    return ContextUpdate(
        system_instruction=None if instruction is None else _content(instruction).text,
        tools=None if tools is None else _functions(tools.get("tools", ())),
    )
