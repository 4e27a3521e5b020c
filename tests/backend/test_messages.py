import base64
import json
import re
from pathlib import Path
from typing import Any

import google.oauth2.credentials
import pytest
from google import genai
from google.genai import types
from google.genai.live import AsyncSession
from hypothesis import given
from hypothesis import strategies as st

from segue.backend.messages import Oddity, audio_frame, decode, text_frame
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

FRAMES = Path(__file__).parents[1] / "frames"
SDK_RECORDINGS = sorted(FRAMES.glob("sdk_*/client_messages_*.jsonl"))
# What the recordings were made with.
RECORDED_AUDIO = bytes.fromhex("fbfffe") * 4

NAMES = st.sampled_from(
    [
        *("serverContent", "usageMetadata", "voiceActivity", "goAway", "toolCall", "modelTurn", "parts", "inlineData"),
        *("data", "mimeType", "text", "thought", "type", "interrupted", "turnComplete", "turnCompleteReason"),
        *("promptTokenCount", "promptTokensDetails", "modality", "tokenCount", "inputTranscription"),
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
MESSAGES = st.fixed_dictionaries(
    {}, optional={"serverContent": CONTENTS | TREES, "usageMetadata": TREES, "voiceActivity": TREES}
)


def normal(value: Any) -> Any:
    """Return JSON with camel case keys and decoded base64: what the service makes of the spellings it accepts."""
    if isinstance(value, list):
        return [normal(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        re.sub("_([a-z])", lambda found: found[1].upper(), key): (
            base64.urlsafe_b64decode(item.replace("+", "-").replace("/", "_")) if key == "data" else normal(item)
        )
        for key, item in value.items()
    }


def understood(message: object) -> tuple[list[LinkEvent], list[Oddity]]:
    """Decode a message in the format in which the service sends it."""
    return understood_frame((json.dumps(message, indent=2) + "\n").encode())


def understood_frame(frame: bytes | str) -> tuple[list[LinkEvent], list[Oddity]]:
    odd: list[Oddity] = []
    return decode(frame, 7, odd.append), odd


def of_part(part: object) -> dict[str, Any]:
    return {"serverContent": {"modelTurn": {"parts": [part]}}}


def of_audio(data: object, mime_type: str = "audio/pcm;rate=24000") -> dict[str, Any]:
    return of_part({"inlineData": {"mimeType": mime_type, "data": data}})


class TestClientFrames:
    @pytest.mark.parametrize("recording", SDK_RECORDINGS, ids=lambda path: f"{path.parent.name}-{path.stem}")
    def test_equal_the_recorded_frames_of_the_sdk(self, recording: Path) -> None:
        recorded = {}
        for line in recording.read_text().splitlines():
            event = json.loads(line)
            if event["ev"] == "client_frame":
                recorded[event["scenario"]] = event["json"]
        audio = recorded["send_realtime_input(audio=Blob)"]
        ours = normal(json.loads(audio_frame(RECORDED_AUDIO, 16_000)))
        assert ours == normal(audio)
        content = recorded["send_client_content(turns=Content(text), turn_complete=True)"]
        assert normal(json.loads(text_frame("héllo", TextSlot.CONTENT))) == normal(content)
        text = recorded["send_realtime_input(text)"]
        assert normal(json.loads(text_frame("hello", TextSlot.REALTIME))) == normal(text)

    @pytest.mark.parametrize("vertex", [False, True])
    @pytest.mark.parametrize("text", ["", 'quo"te', "line\nbreak", "grüße 😀", "\ud83d"])
    async def test_equal_those_of_the_installed_sdk(self, vertex: bool, text: str) -> None:
        sent: list[str] = []

        class Socket:
            async def send(self, message: str) -> None:
                sent.append(message)

        if vertex:
            credentials = google.oauth2.credentials.Credentials(token="x")  # type: ignore[no-untyped-call]
            client = genai.Client(vertexai=True, project="p", location="l", credentials=credentials)
        else:
            client = genai.Client(vertexai=False, api_key="k")
        session = AsyncSession(client._api_client, Socket())  # type: ignore[arg-type]
        await session.send_realtime_input(audio=types.Blob(data=RECORDED_AUDIO, mime_type="audio/pcm;rate=8000"))
        await session.send_realtime_input(text=text)
        await session.send_client_content(turns=types.Content(role="user", parts=[types.Part(text=text)]))
        client.close()
        await client.aio.aclose()

        ours = [
            audio_frame(RECORDED_AUDIO, 8_000),
            text_frame(text, TextSlot.REALTIME),
            text_frame(text, TextSlot.CONTENT),
        ]
        assert [normal(json.loads(frame)) for frame in ours] == [normal(json.loads(frame)) for frame in sent]

    @given(st.text(), st.sampled_from(TextSlot))
    def test_carry_any_text(self, text: str, slot: TextSlot) -> None:
        frame = json.loads(text_frame(text, slot))
        if slot is TextSlot.REALTIME:
            assert frame == {"realtimeInput": {"text": text}}
        else:
            turn = {"role": "user", "parts": [{"text": text}]}
            assert frame == {"clientContent": {"turns": [turn], "turnComplete": True}}

    @given(st.binary())
    def test_carry_any_audio(self, audio: bytes) -> None:
        blob = json.loads(audio_frame(audio, 48_000))["realtimeInput"]["audio"]
        assert base64.b64decode(blob["data"], validate=True) == audio
        assert blob["mimeType"] == "audio/pcm;rate=48000"


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
            ({"serverContent": {"waitingForInput": True, "groundingMetadata": {"a": [1]}}}, []),
            ({"serverContent": {"interactionStatus": "IN_PROGRESS"}}, []),
            ({"serverContent": {}}, []),
            ({"voiceActivity": {"type": "ACTIVITY_START", "audioOffset": "1.2s"}}, [UserActivityDetected(7, True)]),
            ({"voiceActivity": {"type": "ACTIVITY_END"}, "serverContent": {}}, [UserActivityDetected(7, False)]),
            ({"voiceActivityDetectionSignal": {"vadSignalType": "VAD_SIGNAL_TYPE_SOS"}}, []),
            ({"setupComplete": {"sessionId": "1-2"}}, []),
            ({"toolCall": {"functionCalls": [{"id": "1", "name": "f", "args": {"a": 1}}]}}, []),
            ({"toolCallCancellation": {"ids": ["1"]}}, []),
            ({"goAway": {"timeLeft": "50s"}}, []),
            ({"sessionResumptionUpdate": {}}, []),
            ({"sessionResumptionUpdate": {"newHandle": "h", "lastConsumedClientMessageIndex": "12"}}, []),
            ({"interactionStatus": "IDLE"}, []),
            ({"serverContent": {"turnComplete": True}, "usageMetadata": {}}, [TurnCompleted(7, "")]),
            ({"somethingNew": {}, "serverContent": {"interrupted": True, "new": 1}}, [ModelInterrupted(7)]),
            ({"serverContent": {"modelTurn": None, "turnComplete": True}}, [TurnCompleted(7, "")]),
            # Spellings of base64 that the service does not use, but could.
            (of_audio("-__-"), [ModelAudio(7, b"\xfb\xff\xfe")]),
            (of_audio("AAE"), [ModelAudio(7, b"\x00\x01")]),
            (of_audio("_w"), [ModelAudio(7, b"\xff")]),
        ],
    )
    def test_understands(self, message: object, events: list[LinkEvent]) -> None:
        assert understood(message) == (events, [])

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
            },
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
                UsageReported(7, Usage(total_tokens=3)),
                TurnCompleted(7, "NEED_MORE_INPUT"),
            ],
            [],
        )

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
            (b"[" * 100_000, Oddity.NOT_JSON),
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
            (b'{"server_content":{"turn_complete":true}}', Oddity.UNKNOWN),
            (b'{"error":{"code":400,"message":"bad"}}', Oddity.UNKNOWN),
            (b'{"voiceActivity":{"type":"ACTIVITY_PAUSED"}}', Oddity.UNKNOWN),
            (b'{"voiceActivity":{"voiceActivityType":"ACTIVITY_START"}}', Oddity.UNKNOWN),
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

    def test_takes_text_frames_too(self) -> None:
        assert understood_frame('{"serverContent":{"turnComplete":true}}') == ([TurnCompleted(7, "")], [])

    @given(st.binary() | st.text())
    def test_never_raises_on_bytes(self, frame: bytes | str) -> None:
        understood_frame(frame)

    @given(MESSAGES)
    def test_never_raises_on_json(self, message: object) -> None:
        understood(message)
