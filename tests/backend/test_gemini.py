import asyncio
import base64
import json
import socket
import ssl
import sys
from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from segue.backend.gemini import GeminiBackend
from segue.backend.salvage import Oddity
from segue.core.actions import Setup
from segue.core.events import (
    GenerationCompleted,
    HandleReceived,
    LinkEvent,
    LinkHeld,
    LinkOpened,
    ModelAudio,
    ModelTranscribed,
    TurnCompleted,
    UsageReported,
)
from segue.core.options import (
    Compression,
    FunctionDeclaration,
    Modality,
    Mode,
    Scheduling,
    Sensitivity,
    ServerDetection,
)
from segue.core.outputs import Usage
from segue.core.profiles import NoteSlot, TextSlot
from tests.backend.live_server import PATIENCE, SETUP, Reports, Serving, accept, dialled, say, stay

EVIDENCE: dict[str, Any] = {
    "inputAudioTranscription": {},
    "outputAudioTranscription": {},
    "sessionResumption": {},
}


class TestConversation:
    async def test_carries_several_turns_on_one_link(self, serving: Serving, trusting: ssl.SSLContext) -> None:
        heard: list[Any] = []
        ended = asyncio.get_running_loop().create_future()

        async def script(ws: ServerConnection) -> None:
            await accept(ws)
            try:
                while True:
                    heard.append(json.loads(await ws.recv()))
                    await say(
                        ws,
                        {"serverContent": {"modelTurn": {"parts": [{"inlineData": {"data": "AAEC"}}]}}},
                        {"serverContent": {"outputTranscription": {"text": "Hi"}, "generationComplete": True}},
                        {"serverContent": {"turnComplete": True}, "usageMetadata": {"totalTokenCount": 3}},
                        {"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}},
                    )
            except ConnectionClosed as closed:
                ended.set_result(closed.rcvd and closed.rcvd.code)

        async with serving(script) as live, dialled(live.key, trusting) as (backend, link, reports):
            link.send_audio(b"lost", 16_000)
            assert (await reports.until(LinkOpened)).link == 1
            link.send_audio(b"\x01\x02", 16_000)
            await reports.until(TurnCompleted, 1)
            link.send_text("one", TextSlot.CONTENT)
            await reports.until(TurnCompleted, 2)
            link.send_text("two", TextSlot.REALTIME)
            await reports.until(HandleReceived, 3)
            link.hang_up()
            await link.wait_closed()
            link.hang_up()
            link.send_audio(b"lost", 16_000)
            assert await asyncio.wait_for(ended, PATIENCE) == 1000

            turn = [
                ModelAudio(1, b"\x00\x01\x02"),
                ModelTranscribed(1, "Hi"),
                GenerationCompleted(1),
                UsageReported(1, Usage(total_tokens=3)),
                TurnCompleted(1, ""),
                HandleReceived(1, "h"),
            ]
            assert reports.events == [LinkOpened(1), *turn, *turn, *turn]
            audio = {"mimeType": "audio/pcm;rate=16000", "data": base64.b64encode(b"\x01\x02").decode()}
            assert heard[0] == {"realtimeInput": {"audio": audio}}
            assert heard[1]["clientContent"]["turnComplete"]
            assert heard[2] == {"realtimeInput": {"text": "two"}}
            assert not backend.odd_messages

    async def test_gives_the_model_all_else_that_a_session_has_for_it(
        self, serving: Serving, trusting: ssl.SSLContext
    ) -> None:
        heard: list[Any] = []

        async def script(ws: ServerConnection) -> None:
            await accept(ws)
            async for frame in ws:
                heard.append(json.loads(frame))
                await say(ws, {"serverContent": {"turnComplete": True}})

        async with serving(script) as live, dialled(live.key, trusting) as (_, link, reports):
            await reports.until(LinkOpened)
            link.send_note("nowhere", NoteSlot.NONE)
            link.send_note("aside", NoteSlot.CONTENT)
            link.send_activity(started=True)
            link.send_activity(started=False)
            link.send_tool_result("1", "f", '{"result":7}', Scheduling.SILENT, will_continue=True)
            await reports.until(TurnCompleted, 4)
            turn = {"role": "user", "parts": [{"text": "aside"}]}
            result = {
                "id": "1",
                "name": "f",
                "response": {"result": 7},
                "scheduling": "SILENT",
                "willContinue": True,
            }
            assert heard == [
                {"clientContent": {"turns": [turn], "turnComplete": False}},
                {"realtimeInput": {"activityStart": {}}},
                {"realtimeInput": {"activityEnd": {}}},
                {"toolResponse": {"functionResponses": [result]}},
            ]

    async def test_survives_odd_messages(self, serving: Serving, trusting: ssl.SSLContext) -> None:
        async def script(ws: ServerConnection) -> None:
            await accept(ws)
            for odd in ("hello", b"\xff", b"", "[]", "{}", '{"error":{"code":400}}', '{"serverContent":5}'):
                await ws.send(odd)
            await say(ws, {"serverContent": {"turnComplete": True}})
            await stay(ws)

        async with serving(script) as live, dialled(live.key, trusting) as (backend, _, reports):
            await reports.until(TurnCompleted)
            assert reports.events == [LinkOpened(1), TurnCompleted(1, "")]
            assert backend.odd_messages == {
                Oddity.NOT_JSON: 3,
                Oddity.NOT_AN_OBJECT: 1,
                Oddity.UNKNOWN: 2,
                Oddity.WRONG_TYPE: 1,
            }

    async def test_two_links_do_not_mix(self, serving: Serving, trusting: ssl.SSLContext) -> None:
        async def script(ws: ServerConnection) -> None:
            setup = await accept(ws)
            text = setup["setup"]["systemInstruction"]["parts"][0]["text"]
            await say(ws, {"serverContent": {"outputTranscription": {"text": text}}})
            await stay(ws)

        one = replace(SETUP, system_instruction="one")
        two = replace(SETUP, system_instruction="two")
        async with serving(script) as live, dialled(live.key, trusting, one) as (backend, _, first):
            second = Reports()
            backend.dial(2, two, second)
            assert await first.until(ModelTranscribed) == ModelTranscribed(1, "one")
            assert await second.until(ModelTranscribed) == ModelTranscribed(2, "two")


class TestSetup:
    async def test_the_developer_api_is_asked_with_the_key(self, serving: Serving, trusting: ssl.SSLContext) -> None:
        heard: asyncio.Queue[Any] = asyncio.Queue()

        async def script(ws: ServerConnection) -> None:
            heard.put_nowait(await accept(ws))
            await stay(ws)

        async with serving(script) as live, dialled(live.key, trusting) as (_, _, reports):
            await reports.until(LinkOpened)
            (request,) = live.requests
            assert request.path.lstrip("/").startswith("ws/google.ai.generativelanguage.v1")
            assert request.headers["x-goog-api-key"] == "made-up-key"
            generation = {"responseModalities": ["AUDIO"]}
            setup = {"model": "models/gemini-3.8-live", "generationConfig": generation, **EVIDENCE}
            assert heard.get_nowait() == {"setup": setup}

    async def test_vertex_is_asked_with_a_token(self, serving: Serving, trusting: ssl.SSLContext) -> None:
        heard: asyncio.Queue[Any] = asyncio.Queue()

        async def script(ws: ServerConnection) -> None:
            heard.put_nowait(json.loads(await ws.recv()))
            await say(ws, {"setupComplete": {"sessionId": "1-2-3"}})
            await stay(ws)

        async with serving(script) as live, dialled(live.project, trusting) as (_, _, reports):
            await reports.until(LinkOpened)
            (request,) = live.requests
            assert request.path.endswith("ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent")
            assert request.headers["Authorization"] == "Bearer made-up-token"
            model = heard.get_nowait()["setup"]["model"]
            assert model == "projects/p/locations/us-central1/publishers/google/models/gemini-3.8-live"

    async def test_the_express_mode_of_vertex_is_asked_with_a_key(
        self, serving: Serving, trusting: ssl.SSLContext
    ) -> None:
        heard: asyncio.Queue[Any] = asyncio.Queue()

        async def script(ws: ServerConnection) -> None:
            heard.put_nowait(await accept(ws))
            await stay(ws)

        setup = replace(SETUP, transparent=True)
        async with serving(script) as live, dialled(live.express_key, trusting, setup) as (_, _, reports):
            await reports.until(LinkOpened)
            (request,) = live.requests
            assert request.path.endswith("ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent")
            assert request.headers["x-goog-api-key"] == "made-up-key"
            message = heard.get_nowait()["setup"]
            assert message["model"] == "publishers/google/models/gemini-3.8-live"
            assert message["sessionResumption"] == {"transparent": True}

    @pytest.mark.parametrize(
        ("setup", "expected"),
        [
            (
                replace(SETUP, voice="Kore"),
                {"generationConfig": {"speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}}},
            ),
            (replace(SETUP, language="de-DE"), {"generationConfig": {"speechConfig": {"languageCode": "de-DE"}}}),
            (replace(SETUP, thinking_level="LOW"), {"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}}}),
            (replace(SETUP, modality=Modality.TEXT), {"generationConfig": {"responseModalities": ["TEXT"]}}),
            (
                replace(SETUP, system_instruction="Be brief."),
                {"systemInstruction": {"parts": [{"text": "Be brief."}], "role": "user"}},
            ),
            (replace(SETUP, compression=Compression()), {"contextWindowCompression": {"slidingWindow": {}}}),
            (
                replace(SETUP, compression=Compression(9000, 5000)),
                {"contextWindowCompression": {"triggerTokens": 9000, "slidingWindow": {"targetTokens": 5000}}},
            ),
            (
                replace(SETUP, detection=ServerDetection(Sensitivity.HIGH, Sensitivity.LOW, 500, 20)),
                {
                    "realtimeInputConfig": {
                        "automaticActivityDetection": {
                            "startOfSpeechSensitivity": "START_SENSITIVITY_HIGH",
                            "endOfSpeechSensitivity": "END_SENSITIVITY_LOW",
                            "prefixPaddingMs": 20,
                            "silenceDurationMs": 500,
                        }
                    }
                },
            ),
            (replace(SETUP, handle="h", transparent=True), {"sessionResumption": {"handle": "h"}}),
            (
                replace(SETUP, mode=Mode.MANUAL, detection=ServerDetection(silence_ms=500)),
                {"realtimeInputConfig": {"automaticActivityDetection": {"disabled": True}}},
            ),
            (
                replace(SETUP, functions=(FunctionDeclaration("f", blocking=False),), built_in_tools=("googleSearch",)),
                {
                    "tools": [
                        {"googleSearch": {}},
                        {"functionDeclarations": [{"name": "f", "behavior": "NON_BLOCKING"}]},
                    ]
                },
            ),
            (
                replace(SETUP, detection=ServerDetection(silence_ms=500)),
                {"realtimeInputConfig": {"automaticActivityDetection": {"silenceDurationMs": 500}}},
            ),
        ],
    )
    async def test_every_option_reaches_the_wire(
        self, serving: Serving, trusting: ssl.SSLContext, setup: Setup, expected: dict[str, Any]
    ) -> None:
        heard: asyncio.Queue[Any] = asyncio.Queue()

        async def script(ws: ServerConnection) -> None:
            heard.put_nowait(await accept(ws))
            await stay(ws)

        expected = {"model": "models/gemini-3.8-live", **EVIDENCE, **expected}
        expected["generationConfig"] = {"responseModalities": ["AUDIO"], **expected.get("generationConfig", {})}
        async with serving(script) as live, dialled(live.key, trusting, setup) as (_, _, reports):
            await reports.until(LinkOpened)
            assert heard.get_nowait() == {"setup": expected}

    @pytest.mark.parametrize("hold", [False, True])
    async def test_the_sdk_connects_as_it_is_told(self, serving: Serving, trusting: ssl.SSLContext, hold: bool) -> None:
        async def script(ws: ServerConnection) -> None:
            await accept(ws)
            await stay(ws)

        async with serving(script) as live, dialled(live.key, trusting, hold=hold) as (backend, _, reports):
            await reports.until(LinkHeld if hold else LinkOpened)
            (connection,) = [link._connection for link in backend._links]
            assert connection is not None
            assert connection.protocol.extensions == []
            assert (connection.ping_interval, connection.ping_timeout, connection.close_timeout) == (30, 60, 1)
            assert connection.protocol.max_message_size == 16 * 2**20
            assert connection.keepalive_task is not None
            if sys.platform == "linux":
                sock: socket.socket = connection.transport.get_extra_info("socket")
                assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000


class TestHangUp:
    async def test_right_after_dialling_nothing_is_reported(self, serving: Serving, trusting: ssl.SSLContext) -> None:
        async with serving(stay) as live, dialled(live.key, trusting) as (_, link, reports):
            link.hang_up()
            await asyncio.wait_for(link.wait_closed(), PATIENCE)
            assert reports.events == []

    async def test_during_the_setup_nothing_is_reported(self, serving: Serving, trusting: ssl.SSLContext) -> None:
        asked = asyncio.Event()

        async def script(ws: ServerConnection) -> None:
            await ws.recv()
            asked.set()
            await stay(ws)

        async with serving(script) as live, dialled(live.key, trusting) as (_, link, reports):
            await asyncio.wait_for(asked.wait(), PATIENCE)
            link.hang_up()
            await asyncio.wait_for(link.wait_closed(), PATIENCE)
            assert reports.events == []

    async def test_within_a_report_nothing_more_of_the_message_is_reported(
        self, serving: Serving, trusting: ssl.SSLContext
    ) -> None:
        codes: list[int | None] = []

        async def script(ws: ServerConnection) -> None:
            await accept(ws)
            await say(ws, {"serverContent": {"generationComplete": True, "turnComplete": True}})
            await ws.wait_closed()
            codes.append(ws.close_code)

        events: list[LinkEvent] = []

        def report(event: LinkEvent) -> None:
            events.append(event)
            if isinstance(event, GenerationCompleted):
                link.hang_up()

        async with serving(script) as live:
            backend = GeminiBackend(live.key, ssl_context=trusting)
            link = backend.dial(1, SETUP, report)
            await asyncio.wait_for(link.wait_closed(), PATIENCE)
            await backend.close()
        assert events == [LinkOpened(1), GenerationCompleted(1)]
        assert codes == [1000]

    async def test_does_not_wait_for_a_service_that_does_not_answer(
        self, serving: Serving, trusting: ssl.SSLContext
    ) -> None:
        async def script(ws: ServerConnection) -> None:
            await accept(ws)
            ws.transport.pause_reading()
            await stay(ws)

        async with serving(script) as live, dialled(live.key, trusting) as (_, link, reports):
            await reports.until(LinkOpened)
            link.hang_up()
            await asyncio.wait_for(link.wait_closed(), PATIENCE)
            assert reports.events == [LinkOpened(1)]

    async def test_closing_the_backend_hangs_up_all_links(self, serving: Serving, trusting: ssl.SSLContext) -> None:
        codes: list[int | None] = []

        async def script(ws: ServerConnection) -> None:
            await accept(ws)
            await ws.wait_closed()
            codes.append(ws.close_code)

        async with serving(script) as live:
            backend = GeminiBackend(live.key, ssl_context=trusting)
            reports = [Reports() for _ in range(3)]
            for number, report in enumerate(reports):
                backend.dial(number, SETUP, report)
            for report in reports:
                await report.until(LinkOpened)
            await asyncio.wait_for(backend.close(), PATIENCE)
            assert all(len(report.events) == 1 for report in reports)
        assert codes == [1000, 1000, 1000]
