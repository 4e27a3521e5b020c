"""The wire format of the Gemini Live API: server frames to events, what a session sends to client frames.

The format is that of BidiGenerateContent: https://ai.google.dev/api/live and
google/ai/generativelanguage/v1beta/generative_service.proto of googleapis; Vertex AI names the output tokens
"candidates". Types here are as lenient as proto3's JSON: every field may be absent or null, integers may be strings,
enums are strings, unknown fields are ignored.
"""

import json
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from segue.core.events import (
    GenerationCompleted,
    LinkEvent,
    ModelAudio,
    ModelInterrupted,
    ModelText,
    ModelTranscribed,
    TurnCompleted,
    UsageReported,
    UserActivityDetected,
    UserTranscribed,
)
from segue.core.outputs import Usage
from segue.core.profiles import TextSlot

# Token counts are int32 in the service's definition; a larger one would not fit into what Segue sends on.
_Tokens = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class Oddity(StrEnum):
    """What can be wrong with a server frame. None of it ends a link."""

    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    # A known field holds what it cannot hold.
    WRONG_TYPE = "wrong_type"
    # Audio that is not base64.
    BAD_AUDIO = "bad_audio"
    # Nothing in the message is known, or an enum's value is not.
    UNKNOWN = "unknown"


class _Struct(msgspec.Struct, rename="camel"):
    pass


class _Blob(_Struct):
    data: bytes | None = None
    mime_type: str | None = None


class _Part(_Struct):
    inline_data: _Blob | None = None
    text: str | None = None
    thought: bool | None = None


class _ModelTurn(_Struct):
    parts: list[_Part] | None = None


class _Transcription(_Struct):
    text: str | None = None


class _ServerContent(_Struct):
    model_turn: _ModelTurn | None = None
    input_transcription: _Transcription | None = None
    output_transcription: _Transcription | None = None
    generation_complete: bool | None = None
    interrupted: bool | None = None
    turn_complete: bool | None = None
    turn_complete_reason: str | None = None


class _ModalityTokens(_Struct):
    modality: str | None = None
    token_count: _Tokens | None = None


class _UsageMetadata(_Struct):
    prompt_token_count: _Tokens | None = None
    response_token_count: _Tokens | None = None
    candidates_token_count: _Tokens | None = None
    total_token_count: _Tokens | None = None
    thoughts_token_count: _Tokens | None = None
    prompt_tokens_details: list[_ModalityTokens] | None = None
    response_tokens_details: list[_ModalityTokens] | None = None
    candidates_tokens_details: list[_ModalityTokens] | None = None


class _VoiceActivity(_Struct):
    type: str | None = None


class _ServerMessage(_Struct):
    server_content: _ServerContent | None = None
    usage_metadata: _UsageMetadata | None = None
    voice_activity: _VoiceActivity | None = None
    # Known, but nothing is made of them yet.
    setup_complete: Any = None
    tool_call: Any = None
    tool_call_cancellation: Any = None
    go_away: Any = None
    session_resumption_update: Any = None
    voice_activity_detection_signal: Any = None
    interaction_status: Any = None


_NOTHING = _ServerMessage()
_FIELDS = msgspec.structs.fields(_ServerMessage)
_decoder = msgspec.json.Decoder(_ServerMessage, strict=False)


def decode(frame: bytes | str, link: int, odd: Callable[[Oddity], None]) -> list[LinkEvent]:
    """Return what a server frame says, as events of `link`; nothing for what is not understood.

    One message can say many things. Whatever it holds comes in one order: user activity, the user's words, the model's
    audio, text and words, the end of generation, an interruption, usage, the end of the turn. So audio in the message
    of an interruption precedes it: it belongs to the turn that was interrupted. Thoughts are neither speech nor text.

    Never raises; `odd` is called for each thing that is wrong with the frame.
    """
    try:
        message = _decoder.decode(frame)
    except (ValueError, RecursionError):
        salvaged = _salvage(frame, odd)
        if salvaged is None:
            return []
        message = salvaged

    events: list[LinkEvent] = []
    if message.voice_activity is not None:
        _add_activity(events, message.voice_activity, link, odd)
    content = message.server_content
    if content is not None:
        _add_content(events, content, link)
    if message.usage_metadata is not None:
        usage = _usage(message.usage_metadata)
        if usage != Usage():
            events.append(UsageReported(link, usage))
    if content is not None and content.turn_complete:
        events.append(TurnCompleted(link, content.turn_complete_reason or ""))
    if not events and message == _NOTHING:
        odd(Oddity.UNKNOWN)
    return events


def audio_frame(audio: bytes, sample_rate: int) -> bytes:
    """Return the frame that gives user audio to the model: 16-bit little-endian mono of `sample_rate` Hz."""
    return b'{"realtimeInput":{"audio":{"mimeType":"audio/pcm;rate=%d","data":"%b"}}}' % (
        sample_rate,
        b2a_base64(audio, newline=False),
    )


def text_frame(text: str, slot: TextSlot) -> bytes:
    """Return the frame that gives the user's words to the model, which is to answer them."""
    # Unlike msgspec's, this encoder takes any string, even with half a surrogate pair.
    quoted = json.dumps(text).encode()
    if slot is TextSlot.REALTIME:
        return b'{"realtimeInput":{"text":%b}}' % quoted
    return b'{"clientContent":{"turns":[{"role":"user","parts":[{"text":%b}]}],"turnComplete":true}}' % quoted


def _add_activity(events: list[LinkEvent], activity: _VoiceActivity, link: int, odd: Callable[[Oddity], None]) -> None:
    match activity.type:
        case "ACTIVITY_START":
            events.append(UserActivityDetected(link, started=True))
        case "ACTIVITY_END":
            events.append(UserActivityDetected(link, started=False))
        case _:
            odd(Oddity.UNKNOWN)


def _add_content(events: list[LinkEvent], content: _ServerContent, link: int) -> None:
    """Add all but the end of the turn, which follows the usage."""
    if content.input_transcription is not None and content.input_transcription.text:
        events.append(UserTranscribed(link, content.input_transcription.text))
    if content.model_turn is not None and content.model_turn.parts:
        for part in content.model_turn.parts:
            if part.thought:
                continue
            blob = part.inline_data
            if blob is not None and blob.data and (blob.mime_type is None or blob.mime_type.startswith("audio/")):
                events.append(ModelAudio(link, blob.data))
            if part.text:
                events.append(ModelText(link, part.text))
    if content.output_transcription is not None and content.output_transcription.text:
        events.append(ModelTranscribed(link, content.output_transcription.text))
    if content.generation_complete:
        events.append(GenerationCompleted(link))
    if content.interrupted:
        events.append(ModelInterrupted(link))


def _usage(metadata: _UsageMetadata) -> Usage:
    return Usage(
        input_tokens=metadata.prompt_token_count or 0,
        output_tokens=metadata.response_token_count or metadata.candidates_token_count or 0,
        total_tokens=metadata.total_token_count or 0,
        thinking_tokens=metadata.thoughts_token_count or 0,
        input_by_modality=_by_modality(metadata.prompt_tokens_details),
        output_by_modality=_by_modality(metadata.response_tokens_details or metadata.candidates_tokens_details),
    )


def _by_modality(details: list[_ModalityTokens] | None) -> dict[str, int] | None:
    if not details:
        return None
    tokens: dict[str, int] = {}
    for detail in details:
        modality = detail.modality or "MODALITY_UNSPECIFIED"
        tokens[modality] = tokens.get(modality, 0) + (detail.token_count or 0)
    return tokens


def _salvage(frame: bytes | str, odd: Callable[[Oddity], None]) -> _ServerMessage | None:
    """Read what can be read of a frame that is not as it should be, or whose base64 is not the standard one."""
    try:
        message = msgspec.json.decode(frame)
    except (ValueError, RecursionError):
        odd(Oddity.NOT_JSON)
        return None
    if not isinstance(message, dict):
        odd(Oddity.NOT_AN_OBJECT)
        return None
    match message:
        case {"serverContent": {"modelTurn": {"parts": [*parts]}}}:
            for part in parts:
                match part:
                    case {"inlineData": {"data": str(data)} as blob}:
                        blob["data"] = _from_base64(data, odd)
    fields: dict[str, Any] = {}
    for known in _FIELDS:
        if known.encode_name in message:
            try:
                fields[known.name] = msgspec.convert(message[known.encode_name], known.type, strict=False)
            except (ValueError, RecursionError):
                odd(Oddity.WRONG_TYPE)
    return _ServerMessage(**fields) if fields else None


def _from_base64(text: str, odd: Callable[[Oddity], None]) -> bytes | None:
    """Decode either alphabet of RFC 4648, with or without padding."""
    standard = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return a2b_base64(standard + "=" * (-len(standard) % 4), strict_mode=True)
    except (Base64Error, ValueError):
        odd(Oddity.BAD_AUDIO)
        return None
