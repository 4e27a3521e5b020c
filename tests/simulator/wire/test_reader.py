"""The reader against every frame that the SDKs were recorded to send, and against what no SDK sends."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.simulator.rules.rules import Violation
from segue.simulator.wire.reader import (
    Blob,
    ClientContent,
    Compression,
    ContextUpdate,
    Detection,
    FunctionDeclaration,
    FunctionResponse,
    RealtimeInput,
    Setup,
    Thinking,
    ToolResponse,
    read,
)
from segue.simulator.wire.schema import Flavour

FRAMES = Path(__file__).parents[2] / "frames"


def _recorded() -> Iterator[tuple[str, str, Flavour]]:
    for path in sorted(FRAMES.rglob("*.jsonl")):
        service = ""
        for line in path.read_text().splitlines():
            event = json.loads(line)
            if event["ev"] == "handshake":
                service = event["path"]
            if event["ev"] == "client_frame":
                vertex = "aiplatform" in service or service == "/ws/x"
                name = f"{path.relative_to(FRAMES)}: {event.get('scenario', '')}"
                yield name, event["raw"], Flavour.VERTEX if vertex else Flavour.DEVELOPER


RECORDED = list(_recorded())


def _read_object(message: object, flavour: Flavour = Flavour.DEVELOPER) -> object:
    return read(json.dumps(message), flavour)


def test_recordings_are_there() -> None:
    assert len(RECORDED) > 300


@pytest.mark.parametrize(("name", "frame", "flavour"), RECORDED)
def test_recorded_frame_is_understood(name: str, frame: str, flavour: Flavour) -> None:
    message = read(frame, flavour)
    assert not isinstance(message, Violation), name
    assert read(frame.encode(), flavour) == message


def _in_snake_case(value: object) -> object:
    if isinstance(value, list):
        return [_in_snake_case(item) for item in value]
    if not isinstance(value, dict):
        return value
    opaque = {"response", "tools", "labels", "function_response", "functionResponse"}
    return {
        "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key): (
            item if key in opaque else _in_snake_case(item)
        )
        for key, item in value.items()
    }


@pytest.mark.parametrize(("name", "frame", "flavour"), RECORDED)
def test_key_case_makes_no_difference(name: str, frame: str, flavour: Flavour) -> None:
    assert read(json.dumps(_in_snake_case(json.loads(frame))), flavour) == read(frame, flavour), name


def test_setup_in_full() -> None:
    message = {
        "setup": {
            "model": "models/m",
            "generationConfig": {
                "responseModalities": ["AUDIO"],
                "speech_config": {
                    "language_code": "de-DE",
                    "voiceConfig": {"prebuilt_voice_config": {"voice_name": "Kore"}},
                },
                "thinkingConfig": {"include_thoughts": True, "thinkingBudget": 512, "thinkingLevel": "LOW"},
                "enableAffectiveDialog": True,
                "translationConfig": {"targetLanguageCode": "pl"},
                "topK": "20",
            },
            "realtime_input_config": {
                "automaticActivityDetection": {
                    "startOfSpeechSensitivity": "START_SENSITIVITY_LOW",
                    "end_of_speech_sensitivity": 1,
                    "prefixPaddingMs": "20",
                    "silence_duration_ms": 100,
                },
                "activityHandling": "NO_INTERRUPTION",
                "turnCoverage": "TURN_INCLUDES_ALL_INPUT",
            },
            "sessionResumption": {"handle": "h", "transparent": True},
            "inputAudioTranscription": {},
            "output_audio_transcription": {},
            "historyConfig": {"initial_history_in_client_content": True},
            "systemInstruction": {"parts": [{"text": "Be"}, {"text": "brief."}]},
            "tools": [
                {"functionDeclarations": [{"name": "f"}, {"name": "g", "behavior": "NON_BLOCKING"}]},
                {"google_search": {}, "functionDeclarations": [{"name": "h", "behavior": 1}]},
            ],
            "contextWindowCompression": {"triggerTokens": "25600", "sliding_window": {"target_tokens": 12800}},
            "proactivity": {"proactiveAudio": False},
            "explicitVadSignal": True,
            "labels": {"anyKey": "x"},
            "avatarConfig": {"avatar_name": "Vera", "customizedAvatar": {"image_data": "AAAA"}},
            "safetySettings": [{"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "OFF", "method": "SEVERITY"}],
        }
    }
    assert _read_object(message, Flavour.VERTEX) == Setup(
        model="models/m",
        modalities=("AUDIO",),
        language_code="de-DE",
        detection=Detection(False, "LOW", "HIGH", 0.02, 0.1),
        interruptible=False,
        input_transcription=True,
        output_transcription=True,
        resumption=True,
        handle="h",
        initial_history=True,
        voice="Kore",
        system_instruction="Be brief.",
        tools=(
            FunctionDeclaration("f"),
            FunctionDeclaration("g", "NON_BLOCKING"),
            FunctionDeclaration("h", "BLOCKING"),
        ),
        built_in_tools=frozenset({"google_search"}),
        thinking=Thinking(512, "LOW", True),
        proactive_audio=False,
        affective=True,
        compression=Compression(25600, 12800),
        transparent=True,
        turn_coverage="TURN_INCLUDES_ALL_INPUT",
        explicit_vad_signal=True,
        translation="pl",
    )


def test_settings_that_are_there_and_empty() -> None:
    message = {
        "setup": {
            "model": "m",
            "contextWindowCompression": {},
            "generationConfig": {"thinkingConfig": {"thinkingLevel": 0}},
            "realtimeInputConfig": {"turnCoverage": "TURN_COVERAGE_UNSPECIFIED"},
            "tools": [{"functionDeclarations": [{"name": "f", "behavior": "UNSPECIFIED"}]}, {}],
        }
    }
    assert _read_object(message) == Setup(
        "m", compression=Compression(), thinking=Thinking(), tools=(FunctionDeclaration("f"),)
    )


def test_setup_of_a_model_alone_takes_every_default() -> None:
    assert _read_object({"setup": {"model": "models/m"}}) == Setup("models/m")


@settings(deadline=None)
@given(st.binary(), st.booleans(), st.booleans())
def test_base64_in_any_spelling(content: bytes, url_safe: bool, padded: bool) -> None:
    text = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(content).decode()
    audio = {"data": text if padded else text.rstrip("="), "mimeType": "audio/pcm;rate=16000"}
    expected = RealtimeInput(audio=Blob(content, "audio/pcm;rate=16000"))
    assert _read_object({"realtimeInput": {"audio": audio}}) == expected


def test_realtime_input_may_set_several_fields() -> None:
    message = {"realtime_input": {"text": "", "activityStart": {}, "activity_end": {}, "audioStreamEnd": True}}
    assert _read_object(message) == RealtimeInput(
        text="", activity_start=True, activity_end=True, audio_stream_end=True
    )


def test_first_media_chunk_counts_by_its_type() -> None:
    chunks = [{"data": "AAAA", "mimeType": "image/jpeg"}, {"data": "AAAA", "mimeType": "audio/pcm"}]
    expected = RealtimeInput(video=Blob(b"\0\0\0", "image/jpeg"), media_chunks=2)
    assert _read_object({"realtimeInput": {"mediaChunks": chunks}}) == expected


def test_vertex_takes_a_media_chunk_of_each_type() -> None:
    chunks = [{"data": data, "mimeType": kind} for kind in ("image/jpeg", "audio/pcm") for data in ("AAAA", "BBBB")]
    expected = RealtimeInput(Blob(b"\0\0\0", "audio/pcm"), Blob(b"\0\0\0", "image/jpeg"), media_chunks=4)
    assert _read_object({"realtimeInput": {"mediaChunks": chunks}}, Flavour.VERTEX) == expected


def test_content_joins_texts_and_counts_other_parts() -> None:
    parts = [{"text": "a"}, {"inlineData": {"data": "AAAA"}}, {"text": "b"}]
    message = _read_object({"clientContent": {"turns": [{"role": "user", "parts": parts}]}})
    assert isinstance(message, ClientContent)
    assert [(turn.role, turn.text, turn.other_parts) for turn in message.turns] == [("user", "a b", 1)]
    assert not message.turn_complete


def test_keys_of_user_payloads_stay_as_they_are() -> None:
    response = {"snake_key": 1, "camelKey": {"a_b": 2}}
    message = {"toolResponse": {"functionResponses": [{"id": "1", "name": "f", "response": response}]}}
    assert _read_object(message) == ToolResponse((FunctionResponse("1", "f", response),))


@pytest.mark.parametrize(
    ("typed", "inside", "scheduling"),
    [
        ({}, {}, ""),
        ({"scheduling": "SILENT"}, {}, "SILENT"),
        ({"scheduling": "SCHEDULING_UNSPECIFIED"}, {}, ""),
        ({}, {"scheduling": "WHEN_IDLE"}, "WHEN_IDLE"),
        ({}, {"scheduling": "INTERRUPTED"}, "INTERRUPT"),
        ({"scheduling": "SILENT"}, {"scheduling": "INTERRUPT"}, "SILENT"),
        ({}, {"scheduling": "tomorrow"}, ""),
        ({}, {"scheduling": 3}, ""),
    ],
)
def test_scheduling_stands_beside_the_response_or_in_it(
    typed: dict[str, str], inside: dict[str, object], scheduling: str
) -> None:
    response = {"id": "1", "name": "f", "response": {"result": "ok", **inside}, **typed}
    message = _read_object({"toolResponse": {"functionResponses": [response]}})
    assert message == ToolResponse((FunctionResponse("1", "f", response["response"], scheduling),))


def test_function_response_may_lack_everything() -> None:
    message = {"tool_response": {"function_responses": [{"willContinue": True}, {"will_continue": False}]}}
    expected = (FunctionResponse("", "", None, will_continue=True), FunctionResponse("", "", None))
    assert _read_object(message) == ToolResponse(expected)


def test_context_update() -> None:
    message = {"contextUpdate": {"systemInstruction": {"parts": [{"text": "new"}]}, "tools": {"tools": []}}}
    assert _read_object(message) == ContextUpdate("new", ())
    tools = {"tools": [{"functionDeclarations": [{"name": "f"}]}]}
    assert _read_object({"contextUpdate": {"tools": tools}}) == ContextUpdate(None, (FunctionDeclaration("f"),))


@pytest.mark.parametrize(
    ("frame", "rule", "reason"),
    [
        ("", "not_json", "Invalid JSON payload"),
        ("{", "not_json", "Invalid JSON payload"),
        (b"\xff\xfe\x00", "not_json", "Invalid JSON payload"),
        ("[" * 200_000, "not_json", "Invalid JSON payload"),
        ('{"setup": ' + "9" * 5000 + "}", "not_json", "Invalid JSON payload"),
        ("[]", "value_invalid", "Invalid value at ''"),
        ("3", "value_invalid", "Invalid value at '' (TYPE_MESSAGE), 3"),
        ("{}", "empty_message", "Request contains an invalid argument."),
        ('{"setup": null}', "empty_message", "Request contains an invalid argument."),
        ('{"setup": {}, "clientContent": {}}', "second_arm", "Invalid value (oneof)"),
        ('{"bogus": 1}', "field_unknown", 'Invalid JSON payload received. Unknown name "bogus": Cannot find field.'),
        (
            '{"setup": {"bogusField": 1}}',
            "field_unknown",
            "Invalid JSON payload received. Unknown name \"bogusField\" at 'setup': Cannot find field.",
        ),
        (
            '{"setup": {"sessionResumption": {"transparent": true}}}',
            "field_unknown",
            "Invalid JSON payload received. Unknown name \"transparent\" at 'setup.session_resumption': Cannot find",
        ),
        ('{"setup": {"Model": "m"}}', "field_unknown", 'Invalid JSON payload received. Unknown name "Model"'),
        ('{"setup": {"model": 1}}', "value_invalid", "Invalid value at 'setup.model' (TYPE_STRING), 1"),
        (
            '{"setup": []}',
            "field_not_repeated",
            'Invalid JSON payload received. Unknown name "setup": Proto field is not repeating, cannot start list.',
        ),
        (
            '{"setup": {"tools": [{"functionDeclarations": [{"parameters": {"type": ["STRING", "NULL"]}}]}]}}',
            "field_not_repeated",
            'Invalid JSON payload received. Unknown name "type" at '
            "'setup.tools[0].function_declarations[0].parameters': Proto field is not repeating, cannot start list.",
        ),
        (
            '{"realtimeInput": {"text": {"x": 1}}}',
            "value_invalid",
            "Invalid value at 'realtime_input.text' (TYPE_STRING), Starting an object on a scalar field",
        ),
        ('{"clientContent": {"turns": {}}}', "value_invalid", "Invalid value at 'client_content.turns' (repeated)"),
        ('{"realtimeInput": {"audioStreamEnd": 1}}', "value_invalid", "Invalid value at"),
        (
            '{"realtimeInput": {"audio": {"data": "A"}}}',
            "value_invalid",
            "Invalid value at 'realtime_input.audio.data'",
        ),
        ('{"realtimeInput": {"audio": {"data": "Ä==="}}}', "value_invalid", "Invalid value at"),
        (
            '{"setup": {"generationConfig": {"responseModalities": ["SMELL"]}}}',
            "value_invalid",
            "Invalid value at 'setup.generation_config.response_modalities[0]' "
            '(type.googleapis.com/google.ai.generativelanguage.v1beta.GenerationConfig.Modality), "SMELL"',
        ),
        ('{"setup": {"generationConfig": {"seed": 1.5}}}', "value_invalid", "Invalid value at"),
        ('{"setup": {"generationConfig": {"seed": "x"}}}', "value_invalid", "Invalid value at"),
        ('{"setup": {"generationConfig": {"seed": Infinity}}}', "value_invalid", "Invalid value at"),
        ('{"setup": {"generationConfig": {"seed": true}}}', "value_invalid", "Invalid value at"),
        (
            '{"setup": {"generationConfig": {"seed": 2147483648}}}',
            "value_invalid",
            "Invalid value at 'setup.generation_config.seed' (TYPE_INT32), 2147483648",
        ),
        (
            '{"setup": {"contextWindowCompression": {"triggerTokens": "9223372036854775808"}}}',
            "value_invalid",
            "Invalid value at 'setup.context_window_compression.trigger_tokens' (TYPE_INT64)",
        ),
        (
            '{"setup": {"tools": [{}, {"functionDeclarations": [{"strict": true}]}]}}',
            "field_unknown",
            "Invalid JSON payload received. Unknown name \"strict\" at 'setup.tools[1].function_declarations[0]'",
        ),
        (
            '{"setup": {"tools": [{"functionDeclarations": [{"parameters": {"properties": {"a": {"$schema": 1}}}}]}]}}',
            "field_unknown",
            'Invalid JSON payload received. Unknown name "$schema" at '
            "'setup.tools[0].function_declarations[0].parameters.properties[0].value': Cannot find field.",
        ),
        (
            '{"setup": {"tools": [{"functionDeclarations": [{"parameters": {"additionalProperties": false}}]}]}}',
            "field_unknown",
            'Invalid JSON payload received. Unknown name "additionalProperties" at',
        ),
        ('{"setup": {"tools": [{"retrieval": {}}]}}', "field_unknown", "Invalid JSON payload received. Unknown name"),
        ('{"setup": {"explicitVadSignal": false}}', "field_unknown", "Invalid JSON payload received. Unknown name"),
        ('{"setup": {"safetySettings": [{"method": "SEVERITY"}]}}', "field_unknown", "Invalid JSON payload received."),
        (
            '{"setup": {"labels": ["x"]}}',
            "field_not_repeated",
            'Invalid JSON payload received. Unknown name "labels" at',
        ),
        ('{"setup": {"labels": 3}}', "value_invalid", "Invalid value at 'setup.labels' (map), 3"),
        (
            '{"toolResponse": {"functionResponses": [{"response": "text"}]}}',
            "value_invalid",
            "Invalid value at 'tool_response.function_responses[0].response' (type.googleapis.com/google.protobuf.",
        ),
        (
            '{"setup": {"realtimeInputConfig": {"automaticActivityDetection": '
            '{"startOfSpeechSensitivity": "START_SENSITIVITY_MEDIUM"}}}}',
            "value_invalid",
            "Invalid value at 'setup.realtime_input_config.automatic_activity_detection.start_of_speech_sensitivity'",
        ),
    ],
)
def test_what_the_service_refuses_is_a_violation(frame: str | bytes, rule: str, reason: str) -> None:
    violation = read(frame, Flavour.DEVELOPER)
    assert isinstance(violation, Violation)
    assert (violation.rule, violation.code) == (rule, 1007)
    assert violation.reason.startswith(reason)


def test_vertex_knows_its_own_fields() -> None:
    message = {"setup": {"model": "m", "explicitVadSignal": True, "sessionResumption": {"transparent": True}}}
    assert isinstance(_read_object(message, Flavour.VERTEX), Setup)
    assert isinstance(_read_object(message), Violation)


def test_developer_api_knows_its_own_fields() -> None:
    message = {"setup": {"model": "m", "tools": [{"fileSearch": {}}]}}
    assert isinstance(_read_object(message), Setup)
    assert isinstance(_read_object(message, Flavour.VERTEX), Violation)


def test_function_may_be_described_in_depth() -> None:
    text = {"type": "STRING", "enum": ["a"], "maxLength": "3"}
    parameters = {
        "type": "OBJECT",
        "properties": {"someKey": text, "list_key": {"type": "ARRAY", "items": text, "minItems": 1}},
        "anyOf": [{"type": "OBJECT"}],
        "required": ["someKey"],
        "propertyOrdering": ["someKey"],
    }
    declaration = {"name": "f", "parameters": parameters, "response": text, "parametersJsonSchema": {"$ref": "x"}}
    assert isinstance(_read_object({"setup": {"tools": [{"functionDeclarations": [declaration]}]}}), Setup)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["setup", "model", "turns", "parts", "x"]), inner),
)


@settings(deadline=None)
@given(_JSON | st.dictionaries(st.sampled_from(["setup", "clientContent", "realtime_input"]), _JSON))
def test_no_json_raises(message: object) -> None:
    _read_object(message)


@settings(deadline=None)
@given(st.text() | st.binary())
def test_no_frame_raises(frame: str | bytes) -> None:
    read(frame, Flavour.DEVELOPER)


@settings(deadline=None)
@given(st.text())
def test_reason_fits_a_close_frame(name: str) -> None:
    violation = _read_object({name: 1})
    assert isinstance(violation, Violation)
    assert len(violation.cut_reason.encode()) <= 123
