import json
import re
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.backend.messages import accepts_setup, decode
from segue.backend.salvage import Oddity
from segue.core.events import (
    GenerationCompleted,
    GoingAway,
    HandleReceived,
    InputAwaited,
    InteractionChanged,
    LinkEvent,
    ModelAudio,
    ModelInterrupted,
    ModelText,
    ModelTranscribed,
    ToolCalled,
    ToolCallsCancelled,
    TurnCompleted,
    UsageReported,
    UserActivityDetected,
    UserTranscribed,
)
from segue.core.outputs import Usage

NAMES = st.sampled_from(
    [
        *("serverContent", "usageMetadata", "voiceActivity", "goAway", "toolCall", "modelTurn", "parts", "inlineData"),
        *("data", "mimeType", "text", "thought", "type", "interrupted", "turnComplete", "turnCompleteReason"),
        *("functionCalls", "id", "name", "args", "ids", "timeLeft", "newHandle", "resumable", "waitingForInput"),
        *(
            "lastConsumedClientMessageIndex",
            "interactionStatus",
            "promptTokenCount",
            "promptTokensDetails",
            "modality",
            "tokenCount",
            "inputTranscription",
        ),
    ]
)
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["AAEC", "-_", "7"])
TREES: st.SearchStrategy[Any] = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=20
)
PARTS = st.fixed_dictionaries({}, optional={"inlineData": TREES, "text": TREES, "thought": TREES})
CONTENTS = st.fixed_dictionaries(
    {},
    optional={
        "modelTurn": st.fixed_dictionaries({"parts": st.lists(PARTS | TREES, max_size=3) | TREES}) | TREES,
        "turnComplete": TREES,
        "outputTranscription": TREES,
    },
)
CALLS = st.fixed_dictionaries({}, optional={"id": TREES, "name": TREES, "args": TREES})
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "serverContent": CONTENTS | TREES,
        "usageMetadata": TREES,
        "voiceActivity": TREES,
        "toolCall": st.fixed_dictionaries({"functionCalls": st.lists(CALLS | TREES, max_size=3) | TREES}) | TREES,
        "toolCallCancellation": st.fixed_dictionaries({"ids": TREES}) | TREES,
        "goAway": st.fixed_dictionaries({"timeLeft": TREES}) | TREES,
        "sessionResumptionUpdate": st.fixed_dictionaries({"newHandle": TREES, "resumable": TREES}) | TREES,
        "interactionStatus": TREES,
    },
)


def understood(message: object) -> tuple[list[LinkEvent], list[Oddity]]:
    """Decode a message in the format in which the service sends it."""
    return understood_frame((json.dumps(message, indent=2) + "\n").encode())


def understood_frame(frame: bytes | str) -> tuple[list[LinkEvent], list[Oddity]]:
    odd: list[Oddity] = []
    return decode(frame, 7, odd.append), odd


def in_snake_case(value: Any) -> Any:
    """Return a message with the fields' names as generative_service.proto has them."""
    match value:
        case dict():
            return {
                re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name): in_snake_case(item)
                for name, item in value.items()
            }
        case list():
            return [in_snake_case(item) for item in value]
    return value


def of_part(part: object) -> dict[str, Any]:
    return {"serverContent": {"modelTurn": {"parts": [part]}}}


def of_audio(data: object, mime_type: str = "audio/pcm;rate=24000") -> dict[str, Any]:
    return of_part({"inlineData": {"mimeType": mime_type, "data": data}})


class TestDecode:
    @pytest.mark.parametrize(
        ("message", "events"),
        [
            (of_audio("AAEC"), [ModelAudio(7, b"\x00\x01\x02")]),
            (of_audio("AAEC", "audio/pcm"), [ModelAudio(7, b"\x00\x01\x02")]),
            (of_part({"inlineData": {"data": "AAEC"}}), [ModelAudio(7, b"\x00\x01\x02")]),
            (of_audio(""), []),
            (of_audio("AAEC", "image/png"), []),
            (of_part({"text": "Yeah"}), [ModelText(7, "Yeah")]),
            (of_part({"text": "Hm", "thought": True}), []),
            (of_part({"thought": True, "inlineData": {"mimeType": "audio/pcm", "data": "AAEC"}}), []),
            (of_part({"executableCode": {"language": "PYTHON", "code": "1"}}), []),
            ({"serverContent": {"modelTurn": {"role": "model"}}}, []),
            ({"serverContent": {"generationComplete": True}}, [GenerationCompleted(7)]),
            ({"serverContent": {"interrupted": True}}, [ModelInterrupted(7)]),
            ({"serverContent": {"turnComplete": True}}, [TurnCompleted(7, "")]),
            ({"serverContent": {"turnComplete": False, "interrupted": False}}, []),
            (
                {"serverContent": {"turnComplete": True, "turnCompleteReason": "RESPONSE_REJECTED"}},
                [TurnCompleted(7, "RESPONSE_REJECTED")],
            ),
            (
                {"serverContent": {"turnComplete": True, "turnCompleteReason": "SOMETHING_NEW"}},
                [TurnCompleted(7, "SOMETHING_NEW")],
            ),
            ({"serverContent": {"inputTranscription": {"text": " hi", "finished": True}}}, [UserTranscribed(7, " hi")]),
            ({"serverContent": {"outputTranscription": {"text": "Hello "}}}, [ModelTranscribed(7, "Hello ")]),
            ({"serverContent": {"outputTranscription": {}}}, []),
            ({"serverContent": {"interimInputTranscription": {"text": "h"}}}, []),
            ({"serverContent": {"waitingForInput": True, "groundingMetadata": {"a": [1]}}}, [InputAwaited(7)]),
            ({"serverContent": {"waitingForInput": False}}, []),
            ({"serverContent": {"interactionStatus": "IN_PROGRESS"}}, [InteractionChanged(7, idle=False)]),
            ({"serverContent": {"interactionStatus": "IDLE"}}, [InteractionChanged(7, idle=True)]),
            ({"serverContent": {}}, []),
            ({"voiceActivity": {"type": "ACTIVITY_START", "audioOffset": "1.2s"}}, [UserActivityDetected(7, True)]),
            ({"voiceActivity": {"type": "ACTIVITY_END"}, "serverContent": {}}, [UserActivityDetected(7, False)]),
            ({"voiceActivityDetectionSignal": {"vadSignalType": "VAD_SIGNAL_TYPE_SOS"}}, []),
            ({"setupComplete": {"sessionId": "1-2"}}, []),
            (
                {"toolCall": {"functionCalls": [{"id": "1", "name": "f", "args": {"a": [1, "ö"]}}, {"name": "g"}]}},
                # The second call is one of an older model of Vertex AI, which names none.
                [ToolCalled(7, "1", "f", '{"a":[1,"\\u00f6"]}'), ToolCalled(7, "", "g", "{}")],
            ),
            (
                {"toolCall": {"functionCalls": [{"id": "1", "name": "f", "args": None}]}},
                [ToolCalled(7, "1", "f", "{}")],
            ),
            ({"toolCall": {}}, []),
            ({"toolCallCancellation": {"ids": ["1", "2"]}}, [ToolCallsCancelled(7, ("1", "2"))]),
            ({"toolCallCancellation": {"ids": []}}, [ToolCallsCancelled(7, ("",))]),
            ({"toolCallCancellation": {}}, [ToolCallsCancelled(7, ("",))]),
            ({"goAway": {"timeLeft": "50s"}}, [GoingAway(7, 50.0)]),
            ({"goAway": {"timeLeft": "0.440s"}}, [GoingAway(7, 0.44)]),
            ({"goAway": {"timeLeft": "-1s"}}, [GoingAway(7, 0.0)]),
            ({"goAway": {}}, [GoingAway(7, 0.0)]),
            ({"sessionResumptionUpdate": {}}, [HandleReceived(7, "")]),
            ({"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}}, [HandleReceived(7, "h")]),
            ({"sessionResumptionUpdate": {"newHandle": "h", "resumable": False}}, [HandleReceived(7, "")]),
            (
                {"sessionResumptionUpdate": {"newHandle": "h", "lastConsumedClientMessageIndex": "12"}},
                [HandleReceived(7, "h", 12)],
            ),
            (
                {"sessionResumptionUpdate": {"newHandle": "h", "lastConsumedClientMessageIndex": 0}},
                [HandleReceived(7, "h", 0)],
            ),
            ({"interactionStatus": "IDLE"}, [InteractionChanged(7, idle=True)]),
            ({"interactionStatus": "REQUIRES_ACTION"}, [InteractionChanged(7, idle=False)]),
            ({"serverContent": {"turnComplete": True}, "usageMetadata": {}}, [TurnCompleted(7, "")]),
            ({"somethingNew": {}, "serverContent": {"interrupted": True, "new": 1}}, [ModelInterrupted(7)]),
            ({"serverContent": {"modelTurn": None, "turnComplete": True}}, [TurnCompleted(7, "")]),
            # Spellings of base64 that the service does not use, but could.
            (of_audio("-__-"), [ModelAudio(7, b"\xfb\xff\xfe", faint=True)]),
            (of_audio("AAE"), [ModelAudio(7, b"\x00\x01")]),
            (of_audio("_w"), [ModelAudio(7, b"\xff")]),
        ],
    )
    def test_understands(self, message: object, events: list[LinkEvent]) -> None:
        assert understood(message) == (events, [])
        assert understood(in_snake_case(message)) == (events, [])

    def test_says_all_of_a_message_in_one_order(self) -> None:
        parts = [{"inlineData": {"data": "AAEC"}}, {"text": "a"}, {"inlineData": {"data": "AwQF"}, "text": "b"}]
        message = {
            "usageMetadata": {"totalTokenCount": 3},
            "voiceActivity": {"type": "ACTIVITY_START"},
            "serverContent": {
                "turnCompleteReason": "NEED_MORE_INPUT",
                "turnComplete": True,
                "interrupted": True,
                "generationComplete": True,
                "outputTranscription": {"text": "out"},
                "inputTranscription": {"text": "in"},
                "modelTurn": {"parts": parts},
                "waitingForInput": True,
                "interactionStatus": "IN_PROGRESS",
            },
            "toolCall": {"functionCalls": [{"id": "2", "name": "f"}]},
            "toolCallCancellation": {"ids": ["1"]},
            "sessionResumptionUpdate": {"newHandle": "h", "resumable": True},
            "goAway": {"timeLeft": "9s"},
        }
        assert understood(message) == (
            [
                UserActivityDetected(7, True),
                UserTranscribed(7, "in"),
                ModelAudio(7, b"\x00\x01\x02"),
                ModelText(7, "a"),
                ModelAudio(7, b"\x03\x04\x05"),
                ModelText(7, "b"),
                ModelTranscribed(7, "out"),
                GenerationCompleted(7),
                ModelInterrupted(7),
                ToolCalled(7, "2", "f", "{}"),
                ToolCallsCancelled(7, ("1",)),
                UsageReported(7, Usage(total_tokens=3)),
                InteractionChanged(7, idle=False),
                InputAwaited(7),
                TurnCompleted(7, "NEED_MORE_INPUT"),
                HandleReceived(7, "h"),
                GoingAway(7, 9.0),
            ],
            [],
        )

    @pytest.mark.parametrize("within", [False, True])
    def test_says_that_the_model_is_idle_behind_the_end_that_it_is_idle_after(self, within: bool) -> None:
        ended, idle = {"turnComplete": True}, {"interactionStatus": "IDLE"}
        message = {"serverContent": ended | idle} if within else {"serverContent": ended} | idle
        assert understood(message) == ([TurnCompleted(7, ""), InteractionChanged(7, idle=True)], [])

    @pytest.mark.parametrize("output", ["response", "candidates"])
    @pytest.mark.parametrize("number", [int, str])
    def test_understands_the_usage_of_both_services(self, output: str, number: type) -> None:
        details = [{"modality": "TEXT", "tokenCount": number(5)}, {"modality": "AUDIO", "tokenCount": number(10)}]
        metadata = {
            "promptTokenCount": number(15),
            f"{output}TokenCount": number(20),
            "totalTokenCount": number(42),
            "thoughtsTokenCount": number(7),
            "promptTokensDetails": details,
            f"{output}TokensDetails": [*details, {"modality": "AUDIO", "tokenCount": number(5)}, {"tokenCount": 1}],
            "trafficType": "ON_DEMAND",
        }
        usage = Usage(15, 20, 42, 7, {"TEXT": 5, "AUDIO": 10}, {"TEXT": 5, "AUDIO": 15, "MODALITY_UNSPECIFIED": 1})
        assert understood({"usageMetadata": metadata}) == ([UsageReported(7, usage)], [])

    @pytest.mark.parametrize(
        ("frame", "oddity"),
        [
            (b"hello", Oddity.NOT_JSON),
            ("hello", Oddity.NOT_JSON),
            (b"", Oddity.NOT_JSON),
            (b"\xff\xfe", Oddity.NOT_JSON),
            (b'{"serverContent":{"turnComplete":true}', Oddity.NOT_JSON),
            (b"[" * 100_000, Oddity.NOT_AN_OBJECT),
            (b'{"new":' + b"[" * 100_000, Oddity.NOT_JSON),
            (b"[]", Oddity.NOT_AN_OBJECT),
            (b"null", Oddity.NOT_AN_OBJECT),
            (b'{"serverContent":5}', Oddity.WRONG_TYPE),
            (b'{"serverContent":{"modelTurn":{"parts":[null]}}}', Oddity.WRONG_TYPE),
            (b'{"usageMetadata":{"totalTokenCount":-1}}', Oddity.WRONG_TYPE),
            (b'{"usageMetadata":{"totalTokenCount":99999999999999999999}}', Oddity.WRONG_TYPE),
            (b'{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"data":"@@@"}}]}}}', Oddity.BAD_AUDIO),
            (b'{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"data":"\xc3\xa9"}}]}}}', Oddity.BAD_AUDIO),
            (b"{}", Oddity.UNKNOWN),
            (b'{"somethingNew":{}}', Oddity.UNKNOWN),
            (b'{"serverContent":null}', Oddity.UNKNOWN),
            (b'{"error":{"code":400,"message":"bad"}}', Oddity.UNKNOWN),
            (b'{"voiceActivity":{"type":"ACTIVITY_PAUSED"}}', Oddity.UNKNOWN),
            (b'{"voiceActivity":{"voiceActivityType":"ACTIVITY_START"}}', Oddity.UNKNOWN),
            (b'{"interactionStatus":"DREAMING"}', Oddity.UNKNOWN),
            (b'{"serverContent":{"interactionStatus":"DREAMING"}}', Oddity.UNKNOWN),
            (b'{"interactionStatus":5}', Oddity.WRONG_TYPE),
            (b'{"toolCall":{"functionCalls":[{"id":"1"}]}}', Oddity.WRONG_TYPE),
            (b'{"toolCall":{"functionCalls":[{"id":"1","name":"f","args":[]}]}}', Oddity.WRONG_TYPE),
            (b'{"toolCall":{"functionCalls":[{"id":"1","name":"f","args":{"a":"\xff"}}]}}', Oddity.WRONG_TYPE),
            (b'{"toolCall":[]}', Oddity.WRONG_TYPE),
            (b'{"toolCallCancellation":{"ids":[1]}}', Oddity.WRONG_TYPE),
            (b'{"goAway":"now"}', Oddity.WRONG_TYPE),
            (b'{"sessionResumptionUpdate":{"newHandle":5}}', Oddity.WRONG_TYPE),
            (b'{"sessionResumptionUpdate":{"lastConsumedClientMessageIndex":"-1"}}', Oddity.WRONG_TYPE),
            (
                b'{"sessionResumptionUpdate":{"lastConsumedClientMessageIndex":"9223372036854775808"}}',
                Oddity.WRONG_TYPE,
            ),
        ],
    )
    def test_counts_what_it_does_not_understand(self, frame: bytes | str, oddity: Oddity) -> None:
        assert understood_frame(frame) == ([], [oddity])

    def test_saves_what_it_can_of_an_odd_message(self) -> None:
        content = of_audio("@@@")["serverContent"] | {"turnComplete": True}
        message = {"usageMetadata": {"totalTokenCount": "many"}, "serverContent": content}
        events, odd = understood(message)
        assert events == [TurnCompleted(7, "")]
        assert set(odd) == {Oddity.BAD_AUDIO, Oddity.WRONG_TYPE}

    def test_saves_a_call_from_an_odd_message(self) -> None:
        message = {"usageMetadata": 5, "toolCall": {"functionCalls": [{"id": "1", "name": "f", "args": {"a": 1}}]}}
        assert understood(message) == ([ToolCalled(7, "1", "f", '{"a":1}')], [Oddity.WRONG_TYPE])

    def test_saves_the_calls_beside_an_odd_one(self) -> None:
        calls = [{"id": "1", "name": "f", "args": "x"}, {"id": "2", "name": "g"}]
        assert understood({"toolCall": {"functionCalls": calls}}) == (
            [ToolCalled(7, "2", "g", "{}")],
            [Oddity.WRONG_TYPE],
        )

    @pytest.mark.parametrize("time_left", ["", "s", "soon", "50", "1e3s", "5 s", "9999999999999s", "\u0665s"])
    def test_a_goodbye_of_unknown_length_is_now(self, time_left: str) -> None:
        assert understood({"goAway": {"timeLeft": time_left}}) == ([GoingAway(7, 0.0)], [Oddity.WRONG_TYPE])

    def test_the_arguments_of_a_call_stay_as_they_are(self) -> None:
        arguments = '{"a_b":123456789012345678901234567890,"c":1.10,"d":"\\u00e9é","e":{"f":[]}}'
        frame = f'{{"toolCall": {{"functionCalls": [{{"id": "1", "name": "f", "args": {arguments}}}]}}}}'
        assert understood_frame(frame) == ([ToolCalled(7, "1", "f", arguments)], [])

    @pytest.mark.parametrize(("peak", "faint"), [(0, True), (32, True), (-32, True), (33, False), (-33, False)])
    def test_says_when_nobody_can_hear_the_model(self, peak: int, faint: bool) -> None:
        audio = bytes(4798) + peak.to_bytes(2, "little", signed=True)
        assert understood(of_audio(b64encode(audio).decode())) == ([ModelAudio(7, audio, faint)], [])

    @pytest.mark.parametrize("message", [{"server_content": {"model_turn": 5}}, {"server_content": {"modelTurn": 5}}])
    def test_counts_what_it_does_not_understand_in_snake_case(self, message: object) -> None:
        assert understood(message) == ([], [Oddity.WRONG_TYPE])

    def test_the_names_in_the_arguments_of_a_call_stay_in_snake_case(self) -> None:
        call = {"id": "1", "name": "f", "args": {"server_content": [{"time_left": "A_b"}]}}
        events = [ToolCalled(7, "1", "f", '{"server_content":[{"time_left":"A_b"}]}')]
        assert understood({"tool_call": {"function_calls": [call]}}) == (events, [])

    def test_takes_text_frames_too(self) -> None:
        assert understood_frame('{"serverContent":{"turnComplete":true}}') == ([TurnCompleted(7, "")], [])

    @given(st.binary() | st.text())
    def test_never_raises_on_bytes(self, frame: bytes | str) -> None:
        understood_frame(frame)

    @given(MESSAGES)
    def test_never_raises_on_json(self, message: object) -> None:
        understood(message)
        understood(in_snake_case(message))
        accepts_setup(json.dumps(message))

    @pytest.mark.parametrize(
        ("frame", "accepts"),
        [
            ('{"setupComplete": {}}', True),
            (b'{\n  "setupComplete": {"sessionId": "1"}\n}\n', True),
            (b'{"setup_complete":{},"new":5}', True),
            (b'{"setupComplete":{},"usageMetadata":5}', True),
            (b'{"setupComplete":null}', False),
            (b'{"sessionResumptionUpdate":{}}', False),
            (b"[]", False),
            (b"setupComplete", False),
            (b"\xff", False),
            (b"[" * 100_000, False),
            (b"", False),
        ],
    )
    def test_knows_an_accepted_setup(self, frame: bytes | str, accepts: bool) -> None:
        assert accepts_setup(frame) is accepts
