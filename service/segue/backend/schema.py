"""The server messages of BidiGenerateContent, which the Gemini Live API sends.

They are described in https://ai.google.dev/api/live and in google/ai/generativelanguage/v1beta/generative_service.proto
of googleapis; Vertex AI names the output tokens "candidates". Types here are as lenient as proto3's JSON: every field
may be absent or null, integers may be strings (the decoder is not strict), enums are strings, unknown fields are
ignored.
"""

from typing import Annotated, Any

import msgspec

# Token counts are int32 in the service's definition; a larger one would not fit into what Segue sends on.
_Tokens = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
_Index = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class _Struct(msgspec.Struct, rename="camel"):
    pass


class Blob(_Struct):
    data: bytes | None = None
    mime_type: str | None = None


class Part(_Struct):
    inline_data: Blob | None = None
    text: str | None = None
    thought: bool | None = None


class ModelTurn(_Struct):
    parts: list[Part] | None = None


class Transcription(_Struct):
    text: str | None = None


class ServerContent(_Struct):
    model_turn: ModelTurn | None = None
    input_transcription: Transcription | None = None
    output_transcription: Transcription | None = None
    generation_complete: bool | None = None
    interrupted: bool | None = None
    turn_complete: bool | None = None
    turn_complete_reason: str | None = None
    waiting_for_input: bool | None = None
    interaction_status: str | None = None


class ModalityTokens(_Struct):
    modality: str | None = None
    token_count: _Tokens | None = None


class UsageMetadata(_Struct):
    prompt_token_count: _Tokens | None = None
    response_token_count: _Tokens | None = None
    candidates_token_count: _Tokens | None = None
    total_token_count: _Tokens | None = None
    thoughts_token_count: _Tokens | None = None
    prompt_tokens_details: list[ModalityTokens] | None = None
    response_tokens_details: list[ModalityTokens] | None = None
    candidates_tokens_details: list[ModalityTokens] | None = None


class VoiceActivity(_Struct):
    type: str | None = None


class FunctionCall(_Struct):
    id: str | None = None
    name: str | None = None
    args: msgspec.Raw = msgspec.Raw(b"{}")


class ToolCall(_Struct):
    function_calls: list[FunctionCall] | None = None


class ToolCallCancellation(_Struct):
    ids: list[str] | None = None


class GoAway(_Struct):
    time_left: str | None = None


class SessionResumptionUpdate(_Struct):
    new_handle: str | None = None
    resumable: bool | None = None
    last_consumed_client_message_index: _Index | None = None


class ServerMessage(_Struct):
    server_content: ServerContent | None = None
    usage_metadata: UsageMetadata | None = None
    voice_activity: VoiceActivity | None = None
    tool_call: ToolCall | None = None
    tool_call_cancellation: ToolCallCancellation | None = None
    interaction_status: str | None = None
    session_resumption_update: SessionResumptionUpdate | None = None
    go_away: GoAway | None = None
    # Known, but nothing is made of them.
    setup_complete: Any = None
    voice_activity_detection_signal: Any = None
