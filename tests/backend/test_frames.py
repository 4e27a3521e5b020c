import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from google.genai import types
from google.genai.live import AsyncSession
from hypothesis import given
from hypothesis import strategies as st

from segue.backend.frames import (
    activity_frame,
    audio_frame,
    image_frame,
    note_frame,
    setup_frame,
    text_frame,
    tool_result_frame,
    update_frame,
)
from segue.core.actions import Setup
from segue.core.options import (
    Compression,
    FunctionDeclaration,
    Modality,
    Mode,
    Scheduling,
    Sensitivity,
    ServerDetection,
)
from segue.core.profiles import NoteSlot, TextSlot
from tests.backend.live_server import SETUP
from tests.backend.sdk import RECORDINGS, SERVICES, Sdk, normal, recorded, tools_of

MESSAGES = sorted(RECORDINGS.glob("sdk_*/client_messages_*.jsonl"))
SETUPS = {
    "developer": RECORDINGS / "sdk_3.4.0" / "setup_mldev.jsonl",
    "vertex": RECORDINGS / "sdk_3.4.0" / "setup_vertex.jsonl",
    "express": RECORDINGS / "sdk_3.4.0" / "setup_vertex_express.jsonl",
}
# What the recordings were made with.
RECORDED_AUDIO = bytes.fromhex("fbfffe") * 4
TEXTS = ["", 'quo"te', "line\nbreak", "grüße 😀", "\ud83d"]

SENSITIVITIES = st.none() | st.sampled_from(Sensitivity)
NUMBERS = st.none() | st.integers(0, 200_000)
SCHEMAS = st.sampled_from(
    [
        "",
        "{}",
        '{"type": "object", "properties": {"city": {"type": "string", "description": "Größe"}}, "required": ["city"]}',
        '{"type":"object","properties":{"n":{"type":"array","items":{"type":["integer","null"],"minimum":0.5}}}}',
    ]
)
FUNCTIONS = st.builds(
    FunctionDeclaration,
    st.sampled_from(["get_weather", "end.call"]),
    st.text(max_size=5),
    SCHEMAS,
    st.none() | st.booleans(),
)
EXTRAS = [
    '{"generationConfig":{"temperature":0.5,"seed":7,"mediaResolution":"MEDIA_RESOLUTION_LOW"}}',
    '{"generation_config":{"max_output_tokens":100,"speech_config":{"language_code":"fr-FR"}},'
    '"realtime_input_config":{"turn_coverage":"TURN_INCLUDES_ALL_INPUT"}}',
    '{"generationConfig":{"thinkingConfig":{"includeThoughts":true}},"proactivity":{"proactiveAudio":true},'
    '"safetySettings":[{"category":"HARM_CATEGORY_HATE_SPEECH","threshold":"BLOCK_NONE"}]}',
    '{"contextWindowCompression":{"triggerTokens":9000},"labels":{"team":"x"}}',
]
BUILT_IN = st.lists(st.sampled_from(["googleSearch", "codeExecution", "urlContext", "googleMaps"]), unique=True)
ALL_SETUPS = st.builds(
    Setup,
    model=st.sampled_from(["gemini-3.8-live", "gemini-live-2.5-flash-native-audio"]),
    voice=st.sampled_from(["", "Kore"]),
    language=st.sampled_from(["", "de-DE"]),
    system_instruction=st.text(max_size=10),
    modality=st.sampled_from(Modality),
    detection=st.builds(ServerDetection, SENSITIVITIES, SENSITIVITIES, NUMBERS, NUMBERS),
    compression=st.none() | st.builds(Compression, NUMBERS, NUMBERS),
    mode=st.sampled_from(Mode),
    functions=st.lists(FUNCTIONS, max_size=2).map(tuple),
    built_in_tools=BUILT_IN.map(tuple),
    handle=st.sampled_from(["", "H-123", 'ö"']),
    transparent=st.booleans(),
    thinking_level=st.sampled_from(["", "MINIMAL", "LOW", "MEDIUM", "HIGH"]),
    extra=st.sampled_from(["", "{}", *EXTRAS]),
)


@pytest.fixture(scope="module")
def sdk() -> Iterator[Sdk]:
    sdk = Sdk()
    with sdk.catching():
        yield sdk


class TestSetup:
    @pytest.mark.parametrize("service", SERVICES)
    def test_equals_the_one_of_the_installed_sdk(self, sdk: Sdk, service: str) -> None:
        @given(ALL_SETUPS)
        def check(setup: Setup) -> None:
            theirs = sdk.setup(service, setup)
            ours = json.loads(setup_frame(setup, theirs["setup"]["model"], vertex=service != "developer"))
            assert normal(ours) == theirs

        check()

    @pytest.mark.parametrize("service", SERVICES)
    @pytest.mark.parametrize(
        ("scenario", "setup"),
        [
            ("audio", SETUP),
            ("text", replace(SETUP, modality=Modality.TEXT)),
            ("speech", replace(SETUP, voice="Kore", language="de-DE")),
            ("system_str", replace(SETUP, system_instruction="You are helpful.")),
            ("tools_builtin", replace(SETUP, built_in_tools=("googleSearch", "codeExecution", "urlContext"))),
            (
                "tools_json_schema",
                replace(
                    SETUP,
                    functions=(
                        FunctionDeclaration("j", "d", '{"type":"object","properties":{"city_name":{"type":"string"}}}'),
                    ),
                ),
            ),
            ("resumption_new", SETUP),
            ("resumption_handle", replace(SETUP, handle="H-123")),
            ("resumption_transparent", replace(SETUP, transparent=True)),
            ("resumption_transparent_handle", replace(SETUP, handle="H-123", transparent=True)),
            ("compression", replace(SETUP, compression=Compression(25_600, 12_800))),
            ("compression_default", replace(SETUP, compression=Compression())),
            ("transcription", SETUP),
            (
                "sampling",
                replace(
                    SETUP,
                    extra='{"generationConfig":{"temperature":0.3,"topP":0.9,"topK":20.0,"maxOutputTokens":100,"seed":7,'
                    '"mediaResolution":"MEDIA_RESOLUTION_LOW"}}',
                ),
            ),
            (
                "affective_proactive",
                replace(
                    SETUP,
                    extra='{"generation_config":{"enable_affective_dialog":true},"proactivity":{"proactive_audio":true}}',
                ),
            ),
            (
                "thinking",
                replace(
                    SETUP,
                    extra='{"generationConfig":{"thinkingConfig":{"includeThoughts":true,"thinkingBudget":0}}}',
                ),
            ),
            ("avatar", replace(SETUP, extra='{"avatarConfig":{"avatarName":"Vera"}}')),
        ],
    )
    def test_has_what_was_recorded_of_the_sdk(self, service: str, scenario: str, setup: Setup) -> None:
        frame = recorded(SETUPS[service]).get(scenario)
        if frame is None:
            # What the SDK refuses to ask of the Developer API, we leave out.
            assert (service, setup.transparent) == ("developer", True)
            assert "transparent" not in json.loads(setup_frame(setup, "m", vertex=False))["setup"]["sessionResumption"]
            return
        theirs = normal(frame)["setup"]
        theirs["generationConfig"] = {"responseModalities": ["AUDIO"], **theirs.get("generationConfig", {})}
        ours = normal(json.loads(setup_frame(setup, theirs["model"], vertex=service != "developer")))["setup"]
        assert {name: ours[name] for name in theirs} == theirs

    def test_leaves_the_keys_of_a_schema_alone(self) -> None:
        schema = '{"type":"object","properties":{"city_name":{"type":"string"},"some_data":{"type":"string"}}}'
        setup = replace(SETUP, functions=(FunctionDeclaration("f", parameters=schema, blocking=True),))
        (tool,) = json.loads(setup_frame(setup, "m", vertex=False))["setup"]["tools"]
        (declaration,) = tool["functionDeclarations"]
        assert declaration == {"name": "f", "parametersJsonSchema": json.loads(schema), "behavior": "BLOCKING"}

    def test_what_is_extra_wins_and_leaves_the_rest_and_the_clients_own_names_alone(self) -> None:
        extra = '{"generation_config":{"speech_config":{"language_code":"fr-FR"}},"labels":{"my_team":"x_y"}}'
        setup = replace(SETUP, voice="Kore", language="de-DE", extra=extra)
        message = json.loads(setup_frame(setup, "m", vertex=False))["setup"]
        assert message["generationConfig"] == {
            "responseModalities": ["AUDIO"],
            "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}, "languageCode": "fr-FR"},
        }
        assert message["labels"] == {"my_team": "x_y"}


class TestOtherFrames:
    @pytest.mark.parametrize("recording", MESSAGES, ids=lambda path: f"{path.parent.name}-{path.stem}")
    def test_equal_the_recorded_ones_of_the_sdk(self, recording: Path) -> None:
        frames = recorded(recording)

        def is_as(scenario: str, ours: bytes | None) -> bool:
            assert ours is not None
            return bool(normal(json.loads(ours)) == normal(frames[scenario]))

        assert is_as("send_realtime_input(audio=Blob)", audio_frame(RECORDED_AUDIO, 16_000))
        assert is_as("send_realtime_input(video=Blob jpeg)", image_frame(RECORDED_AUDIO, "image/jpeg"))
        content = "send_client_content(turns=Content(text), turn_complete=True)"
        assert is_as(content, text_frame("héllo", TextSlot.CONTENT))
        assert is_as("send_realtime_input(text)", text_frame("hello", TextSlot.REALTIME))
        assert is_as("send_realtime_input(text)", note_frame("hello", NoteSlot.REALTIME))
        assert is_as("send_realtime_input(activity_start)", activity_frame(started=True))
        assert is_as("send_realtime_input(activity_end)", activity_frame(started=False))
        if recording.parent.name != "sdk_1.24.0":
            assert is_as("send_context_update(system_instruction)", update_frame("new", None, None))
            assert is_as("send_context_update(tools=[])", update_frame(None, (), ()))

    @pytest.mark.parametrize("service", SERVICES)
    @pytest.mark.parametrize("text", TEXTS)
    def test_equal_those_of_the_installed_sdk(self, sdk: Sdk, service: str, text: str) -> None:
        def content(role: str) -> types.Content:
            return types.Content(role=role, parts=[types.Part(text=text)])

        async def say(session: AsyncSession) -> None:
            await session.send_realtime_input(audio=types.Blob(data=RECORDED_AUDIO, mime_type="audio/pcm;rate=8000"))
            await session.send_realtime_input(text=text)
            await session.send_client_content(turns=content("user"))
            await session.send_client_content(turns=content("user"), turn_complete=False)
            await session.send_client_content(turns=content("system"), turn_complete=False)
            await session.send_realtime_input(text=text)
            await session.send_context_update(system_instruction=text or " ")
            await session.send_realtime_input(activity_start=types.ActivityStart())
            await session.send_realtime_input(activity_end=types.ActivityEnd())

        ours = [
            audio_frame(RECORDED_AUDIO, 8_000),
            text_frame(text, TextSlot.REALTIME),
            text_frame(text, TextSlot.CONTENT),
            note_frame(text, NoteSlot.CONTENT),
            note_frame(text, NoteSlot.SYSTEM),
            note_frame(text, NoteSlot.REALTIME),
            note_frame(text or " ", NoteSlot.UPDATE),
            activity_frame(started=True),
            activity_frame(started=False),
        ]
        assert [normal(json.loads(frame or b"")) for frame in ours] == sdk.frames(service, say)

    @pytest.mark.parametrize("service", SERVICES)
    def test_equal_those_of_the_installed_sdk_for_images_and_updates(self, sdk: Sdk, service: str) -> None:
        functions = (FunctionDeclaration("f", "d", '{"type":"object"}', blocking=True),)
        theirs = tools_of(functions, ("googleSearch",))

        async def say(session: AsyncSession) -> None:
            for mime_type in ("image/jpeg", "image/png"):
                await session.send_realtime_input(video=types.Blob(data=RECORDED_AUDIO, mime_type=mime_type))
            await session.send_context_update(system_instruction="Be brief.")
            await session.send_context_update(tools=[*theirs])
            await session.send_context_update(system_instruction="Be brief.", tools=[*theirs])
            await session.send_context_update(tools=[])

        ours = [
            image_frame(RECORDED_AUDIO, "image/jpeg"),
            image_frame(RECORDED_AUDIO, "image/png"),
            update_frame("Be brief.", None, None),
            update_frame(None, functions, ("googleSearch",)),
            update_frame("Be brief.", functions, ("googleSearch",)),
            update_frame(None, (), ()),
        ]
        assert [normal(json.loads(frame)) for frame in ours] == sdk.frames(service, say)

    @pytest.mark.parametrize("service", SERVICES)
    @pytest.mark.parametrize("scheduling", [None, *Scheduling])
    @pytest.mark.parametrize("will_continue", [False, True])
    @pytest.mark.parametrize("response", ["{}", '{"result": {"text": "grüße", "list": [1, 2.5, null]}}'])
    def test_equal_the_sdks_for_the_result_of_a_call(
        self, sdk: Sdk, service: str, scheduling: Scheduling | None, will_continue: bool, response: str
    ) -> None:
        theirs = types.FunctionResponse(
            id="fc-1",
            name="get_weather",
            response=json.loads(response),
            scheduling=types.FunctionResponseScheduling[scheduling.name] if scheduling else None,
            will_continue=True if will_continue else None,
        )

        async def say(session: AsyncSession) -> None:
            await session.send_tool_response(function_responses=theirs)

        ours = tool_result_frame("fc-1", "get_weather", response, scheduling, will_continue)
        assert [normal(json.loads(ours))] == sdk.frames(service, say)

    def test_a_call_without_an_id_is_answered_without_one(self) -> None:
        frame = json.loads(tool_result_frame("", "f", '{"some_key":1}', None, False))
        assert frame == {"toolResponse": {"functionResponses": [{"name": "f", "response": {"some_key": 1}}]}}

    def test_a_note_may_go_nowhere(self) -> None:
        assert note_frame("x", NoteSlot.NONE) is None

    @given(st.text(), st.sampled_from(TextSlot))
    def test_carry_any_text(self, text: str, slot: TextSlot) -> None:
        assert text_of(json.loads(text_frame(text, slot))) == text

    @given(st.text(), st.sampled_from([slot for slot in NoteSlot if slot is not NoteSlot.NONE]))
    def test_carry_any_note(self, text: str, slot: NoteSlot) -> None:
        assert text_of(json.loads(note_frame(text, slot) or b"")) == text

    @given(st.binary())
    def test_carry_any_audio(self, audio: bytes) -> None:
        blob = json.loads(audio_frame(audio, 48_000))["realtimeInput"]["audio"]
        assert base64.b64decode(blob["data"], validate=True) == audio
        assert blob["mimeType"] == "audio/pcm;rate=48000"


def text_of(frame: dict[str, Any]) -> str:
    match frame:
        case {"realtimeInput": {"text": str(text)}}:
            return text
        case {"clientContent": {"turns": [{"parts": [{"text": str(text)}]}]}}:
            return text
        case {"contextUpdate": {"systemInstruction": {"parts": [{"text": str(text)}]}}}:
            return text
    raise AssertionError(frame)
