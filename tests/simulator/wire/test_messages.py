"""The server's messages: shapes as the real service was recorded to send them, and that google-genai reads them."""

import base64
import json
from random import Random
from typing import Any

import pytest
from google.genai import _live_converters, types

from segue.simulator.wire import messages
from segue.simulator.wire.messages import FunctionCall, ServerMessage, Usage
from segue.simulator.wire.schema import Flavour

DEVELOPER, VERTEX = Flavour.DEVELOPER, Flavour.VERTEX
SESSION = "2f3a4b5c-0000-4000-8000-000000000000"
USAGE = Usage({"TEXT": 515}, {"TEXT": 31})


def _content(*fields: dict[str, Any]) -> ServerMessage:
    return messages.server_content({name: value for field in fields for name, value in field.items()})


def _parse(message: ServerMessage, flavour: Flavour) -> types.LiveServerMessage:
    """Read a message as google-genai does (live.py, `_receive`)."""
    response = json.loads(messages.encode(message))
    convert = (
        _live_converters._LiveServerMessage_from_vertex
        if flavour is VERTEX
        else _live_converters._LiveServerMessage_from_mldev
    )
    converted = convert(response)
    assert converted
    return types.LiveServerMessage._from_response(response=converted, kwargs=types.LiveServerMessage().model_dump())


# Frames of the real service (js-genai test/system/recordings, google-genai's documentation).
REAL = [
    (messages.setup_complete(""), DEVELOPER, '{"setupComplete":{}}'),
    (messages.setup_complete(SESSION), VERTEX, f'{{"setupComplete":{{"sessionId":"{SESSION}"}}}}'),
    (
        _content(messages.model_turn([messages.text_part("Yeah")], DEVELOPER)),
        DEVELOPER,
        '{"serverContent":{"modelTurn":{"parts":[{"text":"Yeah"}]}}}',
    ),
    (
        _content(messages.model_turn([messages.audio_part(b"\0\1\2", 24000)], VERTEX)),
        VERTEX,
        '{"serverContent":{"modelTurn":{"role":"model","parts":'
        '[{"inlineData":{"mimeType":"audio/pcm;rate=24000","data":"AAEC"}}]}}}',
    ),
    (_content({"generationComplete": True}), DEVELOPER, '{"serverContent":{"generationComplete":true}}'),
    (_content(messages.opening_transcription()), VERTEX, '{"serverContent":{"outputTranscription":{}}}'),
    (
        _content(messages.turn_complete()) | {"usageMetadata": messages.usage_metadata(USAGE, DEVELOPER)},
        DEVELOPER,
        '{"serverContent":{"turnComplete":true},"usageMetadata":{"promptTokenCount":515,"responseTokenCount":31,'
        '"totalTokenCount":546,"promptTokensDetails":[{"modality":"TEXT","tokenCount":515}],'
        '"responseTokensDetails":[{"modality":"TEXT","tokenCount":31}]}}',
    ),
    (
        _content(messages.turn_complete()) | {"usageMetadata": messages.usage_metadata(USAGE, VERTEX)},
        VERTEX,
        '{"serverContent":{"turnComplete":true},"usageMetadata":{"promptTokenCount":515,"candidatesTokenCount":31,'
        '"totalTokenCount":546,"promptTokensDetails":[{"modality":"TEXT","tokenCount":515}],'
        '"candidatesTokensDetails":[{"modality":"TEXT","tokenCount":31}],"trafficType":"ON_DEMAND"}}',
    ),
    (
        messages.tool_call(
            [FunctionCall("function-call-5831923424298605773", "get_current_weather", {"location": "Redmond, WA"})]
        ),
        DEVELOPER,
        '{"toolCall":{"functionCalls":[{"name":"get_current_weather","args":{"location":"Redmond, WA"},'
        '"id":"function-call-5831923424298605773"}]}}',
    ),
    (messages.go_away(50), DEVELOPER, '{"goAway":{"timeLeft":"50s"}}'),
    (messages.session_resumption_update(""), DEVELOPER, '{"sessionResumptionUpdate":{}}'),
    (
        messages.session_resumption_update("h"),
        DEVELOPER,
        '{"sessionResumptionUpdate":{"newHandle":"h","resumable":true}}',
    ),
    (
        messages.session_resumption_update("h", 12),
        VERTEX,
        '{"sessionResumptionUpdate":{"newHandle":"h","resumable":true,"lastConsumedClientMessageIndex":"12"}}',
    ),
    (
        messages.voice_activity("ACTIVITY_END", 1.2),
        DEVELOPER,
        '{"voiceActivity":{"type":"ACTIVITY_END","audioOffset":"1.200s"}}',
    ),
    (messages.voice_activity("ACTIVITY_START", 0), DEVELOPER, '{"voiceActivity":{"type":"ACTIVITY_START"}}'),
]


@pytest.mark.parametrize(("message", "flavour", "frame"), REAL)
def test_shape_is_that_of_the_real_service(message: ServerMessage, flavour: Flavour, frame: str) -> None:
    real = json.loads(frame)
    assert message == real
    assert messages.encode(message).decode() == json.dumps(real, indent=2) + "\n"
    _parse(message, flavour)


def _read(message: ServerMessage, flavour: Flavour = DEVELOPER) -> types.LiveServerContent:
    content = _parse(message, flavour).server_content
    assert content
    return content


def _first_part(part: messages.Part) -> types.Part:
    turn = _read(_content(messages.model_turn([part], DEVELOPER))).model_turn
    assert turn
    assert turn.parts
    return turn.parts[0]


def test_session_id_and_consent_are_read() -> None:
    completed = _parse(messages.setup_complete(SESSION, "signed"), VERTEX).setup_complete
    assert completed
    assert completed.session_id == SESSION
    assert completed.voice_consent_signature
    assert completed.voice_consent_signature.signature == "signed"


def test_role_is_named_on_vertex_only() -> None:
    parts = [messages.text_part("x")]
    roles = [messages.model_turn(parts, flavour)["modelTurn"].get("role") for flavour in (DEVELOPER, VERTEX)]
    assert roles == [None, "model"]


def test_parts_are_read() -> None:
    audio = _first_part(messages.audio_part(b"\xfb\xff", 24000)).inline_data
    assert audio
    assert (audio.data, audio.mime_type) == (b"\xfb\xff", "audio/pcm;rate=24000")
    # The service uses the standard alphabet.
    assert messages.audio_part(b"\xfb\xff", 24000)["inlineData"]["data"] == base64.b64encode(b"\xfb\xff").decode()
    thought = _first_part(messages.thought_part("hm"))
    assert (thought.text, thought.thought) == ("hm", True)
    code = _first_part(messages.code_part("print(1)")).executable_code
    assert code
    assert (code.language, code.code) == (types.Language.PYTHON, "print(1)")
    result = _first_part(messages.code_result_part("1")).code_execution_result
    assert result
    assert (result.outcome, result.output) == (types.Outcome.OUTCOME_OK, "1")


def test_transcriptions_are_read() -> None:
    content = _read(
        _content(
            {"inputTranscription": messages.transcription(" hello", "en-US", finished=True)},
            {"outputTranscription": messages.transcription("")},
            {"interimInputTranscription": messages.transcription("hel")},
        )
    )
    assert content.input_transcription == types.Transcription(text=" hello", language_code="en-US", finished=True)
    assert content.output_transcription == types.Transcription()
    assert content.interim_input_transcription == types.Transcription(text="hel")


@pytest.mark.parametrize("reason", [reason.value for reason in types.TurnCompleteReason])
def test_reason_of_a_turns_end_is_read(reason: str) -> None:
    content = _read(_content(messages.turn_complete(reason)))
    assert content.turn_complete
    assert content.turn_complete_reason == reason


@pytest.mark.parametrize("status", ["IN_PROGRESS", "IDLE"])
def test_interaction_status_is_read_in_server_content(status: str) -> None:
    content = _read(_content(messages.turn_complete(), messages.interaction_status(status)))
    assert content.interaction_status == status


def test_waiting_for_input_is_read() -> None:
    assert _read(_content(messages.waiting_for_input())).waiting_for_input


def test_grounding_is_read() -> None:
    grounding = _read(_content(messages.grounding_metadata(["q"], [("Title", "https://a.example")]))).grounding_metadata
    assert grounding
    assert grounding.web_search_queries == ["q"]
    assert grounding.grounding_chunks
    web = grounding.grounding_chunks[0].web
    assert web
    assert (web.uri, web.title) == ("https://a.example", "Title")


def test_url_context_is_read() -> None:
    urls = _read(_content(messages.url_context_metadata(["https://a.example"]))).url_context_metadata
    assert urls
    assert urls.url_metadata
    [url] = urls.url_metadata
    assert url.retrieved_url == "https://a.example"
    assert url.url_retrieval_status is types.UrlRetrievalStatus.URL_RETRIEVAL_STATUS_SUCCESS


def test_voice_activity_is_read() -> None:
    activity = _parse(messages.voice_activity("ACTIVITY_START", 0.44), DEVELOPER).voice_activity
    assert activity
    assert activity.voice_activity_type is types.VoiceActivityType.ACTIVITY_START
    assert activity.audio_offset == "0.440s"


@pytest.mark.parametrize("kind", ["VAD_SIGNAL_TYPE_SOS", "VAD_SIGNAL_TYPE_EOS"])
def test_vad_signal_is_read(kind: str) -> None:
    signal = _parse(messages.vad_signal(kind), VERTEX).voice_activity_detection_signal
    assert signal
    assert signal.vad_signal_type == kind


@pytest.mark.parametrize("flavour", Flavour)
def test_calls_are_read(flavour: Flavour) -> None:
    call = FunctionCall(messages.call_id(flavour, Random(1)), "f", {"snake_key": 1, "camelKey": [2]})
    read = _parse(messages.tool_call([call, FunctionCall("", "g")]), flavour).tool_call
    assert read
    assert read.function_calls
    first, second = read.function_calls
    assert (first.id, first.name, first.args) == (call.id, "f", {"snake_key": 1, "camelKey": [2]})
    assert (second.id, second.name, second.args) == (None, "g", {})


def test_call_ids_are_of_their_flavour() -> None:
    assert messages.call_id(DEVELOPER, Random(1)).removeprefix("function-call-").isdigit()
    assert len(messages.call_id(VERTEX, Random(1))) == len(SESSION)
    assert messages.call_id(VERTEX, Random(1)) == messages.call_id(VERTEX, Random(1))


def test_cancellation_is_read() -> None:
    cancelled = _parse(messages.tool_call_cancellation(["a", "b"]), DEVELOPER).tool_call_cancellation
    assert cancelled
    assert cancelled.ids == ["a", "b"]


def test_resumption_is_read() -> None:
    update = _parse(messages.session_resumption_update("h", 12), VERTEX).session_resumption_update
    assert update
    assert (update.new_handle, update.resumable, update.last_consumed_client_message_index) == ("h", True, 12)
    nothing = _parse(messages.session_resumption_update(""), DEVELOPER).session_resumption_update
    assert nothing == types.LiveServerSessionResumptionUpdate()
    assert messages.session_resumption_update("h", 0) == messages.session_resumption_update("h")


def test_go_away_is_read() -> None:
    go_away = _parse(messages.go_away(0.44), DEVELOPER).go_away
    assert go_away
    assert go_away.time_left == "0.440s"


@pytest.mark.parametrize("flavour", Flavour)
def test_usage_is_read(flavour: Flavour) -> None:
    usage = Usage({"TEXT": 4, "AUDIO": 50}, {"AUDIO": 25}, thoughts=7, tool_use=3)
    message = _content(messages.turn_complete()) | {"usageMetadata": messages.usage_metadata(usage, flavour)}
    read = _parse(message, flavour).usage_metadata
    assert read
    assert (read.prompt_token_count, read.response_token_count, read.total_token_count) == (54, 25, 89)
    assert (read.thoughts_token_count, read.tool_use_prompt_token_count) == (7, 3)
    assert read.prompt_tokens_details
    assert [(item.modality, item.token_count) for item in read.prompt_tokens_details] == [("AUDIO", 50), ("TEXT", 4)]
    assert read.traffic_type == (types.TrafficType.ON_DEMAND if flavour is VERTEX else None)


def test_usage_of_nothing_is_empty() -> None:
    assert messages.usage_metadata(Usage({}, {}), DEVELOPER) == {}


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (50, "50s"), (0.44, "0.440s"), (1.0004, "1s"), (9.9996, "10s")]
)
def test_duration(seconds: float, text: str) -> None:
    assert messages.duration(seconds) == text


def test_frame_is_utf_8_even_where_the_text_is_none() -> None:
    assert messages.encode({"text": "hé\ud800"}) == '{\n  "text": "hé?"\n}\n'.encode()
