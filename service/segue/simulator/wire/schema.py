"""The fields of every client message of the Live API, by their names in the published protobuf definitions.

The source is google/ai/generativelanguage/v1beta/generative_service.proto and content.proto (googleapis), with the
newer fields that google-genai 3.4 sends (types.py). Sub-messages that no Live model takes are `ANY`: their keys stay
as they came.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias


class Flavour(Enum):
    """Which of the two services that speak the Live API."""

    DEVELOPER = "developer"
    VERTEX = "vertex"


class Scalar(Enum):
    """The type of a field that is no message, by the name that the service's errors give it."""

    STRING = "TYPE_STRING"
    BOOL = "TYPE_BOOL"
    SMALL_INTEGER = "TYPE_INT32"
    INTEGER = "TYPE_INT64"
    NUMBER = "TYPE_DOUBLE"
    BYTES = "TYPE_BYTES"
    OBJECT = "type.googleapis.com/google.protobuf.Struct"
    ANY = "TYPE_MESSAGE"


@dataclass(frozen=True, slots=True)
class Choice:
    """An enum: its name in the package, and its values in the order of their numbers, the unspecified one first."""

    type_name: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Repeated:
    """A list of one kind of value."""

    of: "Field"


@dataclass(frozen=True, slots=True)
class Keyed:
    """A map: its keys are the user's own."""

    of: "Field"


@dataclass(frozen=True, slots=True)
class Only:
    """A field that the other flavour does not know."""

    flavour: Flavour
    field: "Field"


# A mapping is a message.
Field: TypeAlias = Scalar | Choice | Repeated | Keyed | Only | Mapping[str, "Field"]
Message: TypeAlias = Mapping[str, Field]

_STRING, _BOOL, _NUMBER, _ANY = Scalar.STRING, Scalar.BOOL, Scalar.NUMBER, Scalar.ANY
_INT32, _INT64 = Scalar.SMALL_INTEGER, Scalar.INTEGER


def _vertex(field: Field) -> Only:
    return Only(Flavour.VERTEX, field)


_BLOB: Message = {"data": Scalar.BYTES, "mime_type": _STRING, "display_name": _vertex(_STRING)}

_FUNCTION_RESPONSE: Message = {
    "id": _STRING,
    "name": _STRING,
    "response": Scalar.OBJECT,
    "parts": Repeated({"inline_data": _BLOB, "file_data": _ANY}),
    "scheduling": Choice("FunctionResponse.Scheduling", ("SCHEDULING_UNSPECIFIED", "SILENT", "WHEN_IDLE", "INTERRUPT")),
    "will_continue": _BOOL,
}

_PART: Message = {
    "text": _STRING,
    "inline_data": _BLOB,
    "thought": _BOOL,
    "thought_signature": Scalar.BYTES,
    "function_call": {"id": _STRING, "name": _STRING, "args": Scalar.OBJECT, "partial_args": _ANY},
    "function_response": _FUNCTION_RESPONSE,
    "file_data": {"file_uri": _STRING, "mime_type": _STRING, "display_name": _vertex(_STRING)},
    "executable_code": {"id": _STRING, "language": _STRING, "code": _STRING},
    "code_execution_result": {"id": _STRING, "outcome": _STRING, "output": _STRING},
    "video_metadata": _ANY,
    "media_resolution": _ANY,
    "part_metadata": Scalar.OBJECT,
}

CONTENT: Message = {"role": _STRING, "parts": Repeated(_PART)}

# A function's parameters; the numbers of a schema's limits are 64-bit integers.
_SCHEMA: dict[str, Field] = {
    "type": Choice("Type", ("TYPE_UNSPECIFIED", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL")),
    **dict.fromkeys(("format", "title", "description", "pattern"), _STRING),
    **dict.fromkeys(("max_items", "min_items", "max_properties", "min_properties", "max_length", "min_length"), _INT64),
    **dict.fromkeys(("minimum", "maximum"), _NUMBER),
    **dict.fromkeys(("enum", "required", "property_ordering"), Repeated(_STRING)),
    **dict.fromkeys(("example", "default"), _ANY),
    # Well known from clients that convert JSON schemas: only Vertex knows these.
    **dict.fromkeys(("additional_properties", "defs", "ref"), _vertex(_ANY)),
    "nullable": _BOOL,
}
_SCHEMA |= {"items": _SCHEMA, "properties": Keyed(_SCHEMA), "any_of": Repeated(_SCHEMA)}

_FUNCTION_DECLARATION: Message = {
    "name": _STRING,
    "description": _STRING,
    "behavior": Choice("FunctionDeclaration.Behavior", ("UNSPECIFIED", "BLOCKING", "NON_BLOCKING")),
    "parameters": _SCHEMA,
    "parameters_json_schema": _ANY,
    "response": _SCHEMA,
    "response_json_schema": _ANY,
}

_TOOL: Message = {
    "function_declarations": Repeated(_FUNCTION_DECLARATION),
    "google_search": _ANY,
    "google_search_retrieval": _ANY,
    "google_maps": _ANY,
    "code_execution": {},
    "url_context": {},
    "computer_use": _ANY,
    "mcp_servers": Repeated(_ANY),
    "file_search": Only(Flavour.DEVELOPER, _ANY),
    "retrieval": _vertex(_ANY),
    "enterprise_web_search": _vertex(_ANY),
    "parallel_ai_search": _vertex(_ANY),
    "exa_ai_search": _vertex(_ANY),
}

_VOICE_CONFIG: Message = {
    "prebuilt_voice_config": {"voice_name": _STRING},
    "replicated_voice_config": _ANY,
    "voice": _STRING,
}

_TRANSCRIPTION_CONFIG: Message = {
    "language_codes": Repeated(_STRING),
    "language_auto": _ANY,
    "language_hints": _ANY,
    "custom_vocabulary": Repeated(_STRING),
    "adaptation_phrases": Repeated(_STRING),
    "word_timestamp": _BOOL,
    "diarization": _BOOL,
    "mode": _STRING,
    "source_text": _STRING,
}

_GENERATION_CONFIG: Message = {
    "response_modalities": Repeated(
        Choice("GenerationConfig.Modality", ("MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "AUDIO", "VIDEO"))
    ),
    **dict.fromkeys(("temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty"), _NUMBER),
    **dict.fromkeys(("candidate_count", "max_output_tokens", "seed", "logprobs"), _INT32),
    **dict.fromkeys(("response_logprobs", "enable_enhanced_civic_answers", "enable_affective_dialog"), _BOOL),
    "stop_sequences": Repeated(_STRING),
    "media_resolution": Choice(
        "GenerationConfig.MediaResolution",
        ("MEDIA_RESOLUTION_UNSPECIFIED", "MEDIA_RESOLUTION_LOW", "MEDIA_RESOLUTION_MEDIUM", "MEDIA_RESOLUTION_HIGH"),
    ),
    "speech_config": {
        "voice_config": _VOICE_CONFIG,
        "multi_speaker_voice_config": {
            "speaker_voice_configs": Repeated({"speaker": _STRING, "voice_config": _VOICE_CONFIG})
        },
        "language_code": _STRING,
    },
    "thinking_config": {
        "include_thoughts": _BOOL,
        "thinking_budget": _INT32,
        "thinking_level": Choice(
            "ThinkingConfig.ThinkingLevel", ("THINKING_LEVEL_UNSPECIFIED", "LOW", "HIGH", "MEDIUM", "MINIMAL", "XHIGH")
        ),
    },
    "translation_config": {"target_language_code": _STRING, "echo_target_language": _BOOL},
    "audio_transcription_config": _TRANSCRIPTION_CONFIG,
    # These are fields of GenerationConfig that no Live model uses.
    "response_mime_type": _STRING,
    "response_schema": _SCHEMA,
    "response_json_schema": _ANY,
    "response_format": Repeated(_ANY),
    **dict.fromkeys(("audio_timestamp", "routing_config", "model_selection_config"), _vertex(_ANY)),
}

SETUP: Message = {
    "model": _STRING,
    "generation_config": _GENERATION_CONFIG,
    "system_instruction": CONTENT,
    "tools": Repeated(_TOOL),
    "realtime_input_config": {
        "automatic_activity_detection": {
            "disabled": _BOOL,
            "start_of_speech_sensitivity": Choice(
                "RealtimeInputConfig.AutomaticActivityDetection.StartSensitivity",
                ("START_SENSITIVITY_UNSPECIFIED", "START_SENSITIVITY_HIGH", "START_SENSITIVITY_LOW"),
            ),
            "end_of_speech_sensitivity": Choice(
                "RealtimeInputConfig.AutomaticActivityDetection.EndSensitivity",
                ("END_SENSITIVITY_UNSPECIFIED", "END_SENSITIVITY_HIGH", "END_SENSITIVITY_LOW"),
            ),
            "prefix_padding_ms": _INT32,
            "silence_duration_ms": _INT32,
        },
        "activity_handling": Choice(
            "RealtimeInputConfig.ActivityHandling",
            ("ACTIVITY_HANDLING_UNSPECIFIED", "START_OF_ACTIVITY_INTERRUPTS", "NO_INTERRUPTION"),
        ),
        "turn_coverage": Choice(
            "RealtimeInputConfig.TurnCoverage",
            (
                "TURN_COVERAGE_UNSPECIFIED",
                "TURN_INCLUDES_ONLY_ACTIVITY",
                "TURN_INCLUDES_ALL_INPUT",
                "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO",
            ),
        ),
        "interim_transcript_timestamp_enabled": _BOOL,
    },
    "session_resumption": {"handle": _STRING, "transparent": _vertex(_BOOL)},
    "context_window_compression": {"trigger_tokens": _INT64, "sliding_window": {"target_tokens": _INT64}},
    "input_audio_transcription": _TRANSCRIPTION_CONFIG,
    "output_audio_transcription": _TRANSCRIPTION_CONFIG,
    "proactivity": {"proactive_audio": _BOOL, "proactive_video": _BOOL},
    "history_config": {"initial_history_in_client_content": _BOOL},
    "explicit_vad_signal": _vertex(_BOOL),
    "avatar_config": {
        "avatar_name": _STRING,
        "customized_avatar": {"image_mime_type": _STRING, "image_data": Scalar.BYTES},
        "audio_bitrate_bps": _INT32,
        "video_bitrate_bps": _INT32,
    },
    "safety_settings": Repeated({"category": _STRING, "threshold": _STRING, "method": _vertex(_STRING)}),
    "labels": Keyed(_STRING),
}

# The arms of a client message, of which each message has exactly one.
ARMS: Mapping[str, Message] = {
    "setup": SETUP,
    "client_content": {"turns": Repeated(CONTENT), "turn_complete": _BOOL},
    "realtime_input": {
        "audio": _BLOB,
        "video": _BLOB,
        "text": _STRING,
        "media_chunks": Repeated(_BLOB),
        "activity_start": {},
        "activity_end": {},
        "audio_stream_end": _BOOL,
    },
    "tool_response": {"function_responses": Repeated(_FUNCTION_RESPONSE)},
    "context_update": {"system_instruction": CONTENT, "tools": {"tools": Repeated(_TOOL)}},
}
