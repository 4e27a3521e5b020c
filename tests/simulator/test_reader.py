"""The reader against every frame that the SDKs were recorded to send, and against what no SDK sends."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.simulator.reader import (
    Blob,
    ClientContent,
    ContextUpdate,
    Detection,
    FunctionResponse,
    RealtimeInput,
    Setup,
    ToolResponse,
    read,
)
from segue.simulator.rules import Violation
from segue.simulator.schema import Flavour

FRAMES = Path(__file__).parents[1] / "frames"


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
            "generationConfig": {"responseModalities": ["AUDIO"], "speech_config": {"language_code": "de-DE"}},
            "realtime_input_config": {
                "automaticActivityDetection": {
                    "startOfSpeechSensitivity": "START_SENSITIVITY_LOW",
                    "end_of_speech_sensitivity": 1,
                    "prefixPaddingMs": "20",
                    "silence_duration_ms": 100,
                },
                "activityHandling": "NO_INTERRUPTION",
            },
            "sessionResumption": {"handle": "h"},
            "inputAudioTranscription": {},
            "output_audio_transcription": {},
            "historyConfig": {"initial_history_in_client_content": True},
            "tools": None,
        }
    }
    assert _read_object(message) == Setup(
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
    expected = RealtimeInput(video=Blob(b"\0\0\0", "image/jpeg"))
    assert _read_object({"realtimeInput": {"mediaChunks": chunks}}) == expected


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


def test_context_update() -> None:
    message = {"contextUpdate": {"systemInstruction": {"parts": [{"text": "new"}]}, "tools": {"tools": []}}}
    assert _read_object(message) == ContextUpdate("new", ())


@pytest.mark.parametrize(
    ("frame", "rule", "reason"),
    [
        ("", "not_json", "Invalid JSON payload"),
        ("{", "not_json", "Invalid JSON payload"),
        (b"\xff\xfe\x00", "not_json", "Invalid JSON payload"),
        ("[" * 200_000, "not_json", "Invalid JSON payload"),
        ('{"setup": ' + "9" * 5000 + "}", "not_json", "Invalid JSON payload"),
        ("[]", "value_invalid", "Invalid value at ''"),
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
        ('{"setup": []}', "value_invalid", "Invalid value at 'setup' (TYPE_MESSAGE), a list"),
        ('{"clientContent": {"turns": {}}}', "value_invalid", "Invalid value at 'client_content.turns' (repeated)"),
        ('{"realtimeInput": {"audioStreamEnd": 1}}', "value_invalid", "Invalid value at"),
        (
            '{"realtimeInput": {"audio": {"data": "A"}}}',
            "value_invalid",
            "Invalid value at 'realtime_input.audio.data'",
        ),
        ('{"realtimeInput": {"audio": {"data": "Ä==="}}}', "value_invalid", "Invalid value at"),
        ('{"setup": {"generationConfig": {"responseModalities": ["SMELL"]}}}', "value_invalid", "Invalid value at"),
        ('{"setup": {"generationConfig": {"seed": 1.5}}}', "value_invalid", "Invalid value at"),
        ('{"setup": {"generationConfig": {"seed": "x"}}}', "value_invalid", "Invalid value at"),
        ('{"setup": {"generationConfig": {"seed": Infinity}}}', "value_invalid", "Invalid value at"),
        ('{"setup": {"generationConfig": {"seed": true}}}', "value_invalid", "Invalid value at"),
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
