"""The fields of every client message of the Live API, by their names in the published protobuf definitions.

The source is google/ai/generativelanguage/v1beta/generative_service.proto (googleapis), with the newer fields that
google-genai 3.4 sends. Sub-messages that the simulator does not look into are `ANY`: their keys stay as they came.
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
    INTEGER = "TYPE_INT64"
    NUMBER = "TYPE_DOUBLE"
    BYTES = "TYPE_BYTES"
    ANY = "TYPE_MESSAGE"


@dataclass(frozen=True, slots=True)
class Choice:
    """An enum: its values in the order of their numbers, the unspecified one first."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Repeated:
    """A list of one kind of value."""

    of: "Field"


@dataclass(frozen=True, slots=True)
class VertexOnly:
    """A field that the Developer API does not know."""

    field: "Field"


# A mapping is a message.
Field: TypeAlias = Scalar | Choice | Repeated | VertexOnly | Mapping[str, "Field"]
Message: TypeAlias = Mapping[str, Field]

_STRING, _BOOL, _INTEGER, _NUMBER, _ANY = Scalar.STRING, Scalar.BOOL, Scalar.INTEGER, Scalar.NUMBER, Scalar.ANY

_BLOB: Message = {"data": Scalar.BYTES, "mime_type": _STRING, "display_name": _STRING}

_PART: Message = {
    "text": _STRING,
    "inline_data": _BLOB,
    "thought": _BOOL,
    "thought_signature": _STRING,
    "function_call": _ANY,
    "function_response": _ANY,
    "file_data": _ANY,
    "executable_code": _ANY,
    "code_execution_result": _ANY,
    "video_metadata": _ANY,
    "media_resolution": _ANY,
}

_CONTENT: Message = {"role": _STRING, "parts": Repeated(_PART)}

_GENERATION_CONFIG: Message = {
    "response_modalities": Repeated(Choice(("MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "AUDIO"))),
    "temperature": _NUMBER,
    "top_p": _NUMBER,
    "top_k": _NUMBER,
    "candidate_count": _INTEGER,
    "max_output_tokens": _INTEGER,
    "seed": _INTEGER,
    "stop_sequences": Repeated(_STRING),
    "presence_penalty": _NUMBER,
    "frequency_penalty": _NUMBER,
    "media_resolution": Choice(
        ("MEDIA_RESOLUTION_UNSPECIFIED", "MEDIA_RESOLUTION_LOW", "MEDIA_RESOLUTION_MEDIUM", "MEDIA_RESOLUTION_HIGH")
    ),
    "speech_config": {
        "voice_config": {"prebuilt_voice_config": {"voice_name": _STRING}, "replicated_voice_config": _ANY},
        "multi_speaker_voice_config": _ANY,
        "language_code": _STRING,
    },
    "thinking_config": {
        "include_thoughts": _BOOL,
        "thinking_budget": _INTEGER,
        "thinking_level": Choice(("THINKING_LEVEL_UNSPECIFIED", "LOW", "HIGH", "MEDIUM", "MINIMAL")),
    },
    "enable_affective_dialog": _BOOL,
    "translation_config": {"target_language_code": _STRING, "echo_target_language": _BOOL},
}

_SETUP: Message = {
    "model": _STRING,
    "generation_config": _GENERATION_CONFIG,
    "system_instruction": _CONTENT,
    "tools": Repeated(_ANY),
    "realtime_input_config": {
        "automatic_activity_detection": {
            "disabled": _BOOL,
            "start_of_speech_sensitivity": Choice(
                ("START_SENSITIVITY_UNSPECIFIED", "START_SENSITIVITY_HIGH", "START_SENSITIVITY_LOW")
            ),
            "end_of_speech_sensitivity": Choice(
                ("END_SENSITIVITY_UNSPECIFIED", "END_SENSITIVITY_HIGH", "END_SENSITIVITY_LOW")
            ),
            "prefix_padding_ms": _INTEGER,
            "silence_duration_ms": _INTEGER,
        },
        "activity_handling": Choice(
            ("ACTIVITY_HANDLING_UNSPECIFIED", "START_OF_ACTIVITY_INTERRUPTS", "NO_INTERRUPTION")
        ),
        "turn_coverage": Choice(
            (
                "TURN_COVERAGE_UNSPECIFIED",
                "TURN_INCLUDES_ONLY_ACTIVITY",
                "TURN_INCLUDES_ALL_INPUT",
                "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO",
            )
        ),
        "interim_transcript_timestamp_enabled": _BOOL,
    },
    "session_resumption": {"handle": _STRING, "transparent": VertexOnly(_BOOL)},
    "context_window_compression": {"trigger_tokens": _INTEGER, "sliding_window": {"target_tokens": _INTEGER}},
    "input_audio_transcription": _ANY,
    "output_audio_transcription": _ANY,
    "proactivity": {"proactive_audio": _BOOL, "proactive_video": _BOOL},
    "history_config": {"initial_history_in_client_content": _BOOL},
    "explicit_vad_signal": VertexOnly(_BOOL),
    "avatar_config": _ANY,
    "safety_settings": Repeated(_ANY),
    "labels": _ANY,
}

_FUNCTION_RESPONSE: Message = {
    "id": _STRING,
    "name": _STRING,
    "response": _ANY,
    "parts": Repeated(_ANY),
    "scheduling": Choice(("SCHEDULING_UNSPECIFIED", "SILENT", "WHEN_IDLE", "INTERRUPT")),
    "will_continue": _BOOL,
}

# The arms of a client message, of which each message has exactly one.
ARMS: Mapping[str, Message] = {
    "setup": _SETUP,
    "client_content": {"turns": Repeated(_CONTENT), "turn_complete": _BOOL},
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
    "context_update": {"system_instruction": _CONTENT, "tools": {"tools": Repeated(_ANY)}},
}
