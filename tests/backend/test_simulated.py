"""The backend against the simulator, which closes the connection on every frame that the service may mind."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from segue.backend.credentials import Credential
from segue.backend.gemini import GeminiBackend
from segue.backend.link import Link
from segue.core.actions import Setup
from segue.core.events import (
    GenerationCompleted,
    GoingAway,
    HandleReceived,
    LinkHeld,
    LinkLost,
    LinkOpened,
    LossCause,
    ModelAudio,
    ModelTranscribed,
    ToolCalled,
    TurnCompleted,
    UserActivityDetected,
)
from segue.core.options import FunctionDeclaration, Mode
from segue.core.profiles import NoteSlot, TextSlot
from segue.simulator.dialogue_file import parse_dialogue
from segue.simulator.server import Simulator
from segue.simulator.speech import SpeechLikeVoice
from segue.simulator.timing import Span, Timing
from tests.backend.live_server import SETUP, Reports
from tests.waiting import wait_until

DIALOGUE = """
[[utterances]]
user = "Hello?"
model = "Hello."
[[texts]]
words = ["colour"]
model = "You said: {recall}"
[[texts]]
words = ["weather"]
call = { name = "get_weather", args = { city = "Köln" } }
model = "It rains."
after = "It is {response}."
[[fallback]]
model = "Yes."
"""
AT_ONCE = Span(0.0, 0.0)
TIMING = Timing(setup=AT_ONCE, first_audio=AT_ONCE, generation_speed=Span(50.0, 50.0), activity_echo=AT_ONCE)
WEATHER = FunctionDeclaration(
    "get_weather", "The weather of a city.", '{"type":"object","properties":{"city":{"type":"string"}}}'
)


@asynccontextmanager
async def simulated(timing: Timing = TIMING) -> AsyncIterator[GeminiBackend]:
    dialogue = parse_dialogue(DIALOGUE, "test")
    async with Simulator(dialogue=dialogue, voice=SpeechLikeVoice(), timing=timing, strict=True) as simulator:
        credential = Credential("test", "the simulator", api_key="any", base_url=simulator.url)
        backend = GeminiBackend(credential, ssl_context=simulator.client_ssl_context())
        try:
            yield backend
        finally:
            await backend.close()


async def opened(backend: GeminiBackend, setup: Setup) -> tuple[Link, Reports]:
    reports = Reports()
    link = backend.dial(1, setup, reports)
    await reports.until(LinkOpened)
    return link, reports


def handles(reports: Reports) -> list[str]:
    return [event.handle for event in reports.events if isinstance(event, HandleReceived)]


async def test_a_held_link_goes_on_where_the_old_one_was() -> None:
    async with simulated() as backend:
        old, first = await opened(backend, SETUP)
        old.send_note("They like blue.", NoteSlot.CONTENT)
        old.send_text("Blue is beautiful.", TextSlot.CONTENT)
        await first.until(TurnCompleted)
        # Nothing can be resumed while the model generates, which empty handles tell.
        await wait_until(lambda: handles(first) and handles(first)[-1])
        handle = handles(first)[-1]

        second = Reports()
        new = backend.dial(2, SETUP, second, hold=True)
        await second.until(LinkHeld)
        old.hang_up()
        new.set_up(replace(SETUP, handle=handle))
        await second.until(LinkOpened)
        new.send_text("What colour did I say?", TextSlot.CONTENT)
        await second.until(GenerationCompleted)
        words = "".join(event.text for event in second.events if isinstance(event, ModelTranscribed))
        assert "Blue is beautiful." in words
        assert not any(event.faint for event in second.events if isinstance(event, ModelAudio))
        assert not backend.odd_messages


async def test_a_function_is_called_and_answered() -> None:
    setup = replace(SETUP, functions=(WEATHER,), built_in_tools=("googleSearch",))
    async with simulated() as backend:
        link, reports = await opened(backend, setup)
        link.send_text("How is the weather?", TextSlot.CONTENT)
        call = await reports.until(ToolCalled)
        assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Köln"})
        link.send_tool_result(call.call_id, call.name, '{"result":"sunny"}', None, will_continue=False)
        await reports.until(ModelAudio)
        await reports.until(TurnCompleted, 2)
        assert "sunny" in "".join(event.text for event in reports.events if isinstance(event, ModelTranscribed))


async def test_the_client_says_when_the_user_speaks() -> None:
    async with simulated() as backend:
        link, reports = await opened(backend, replace(SETUP, mode=Mode.MANUAL))
        link.send_activity(started=True)
        link.send_audio(bytes(6_400), 16_000)
        link.send_activity(started=False)
        await reports.until(TurnCompleted)
        edges = [event.started for event in reports.events if isinstance(event, UserActivityDetected)]
        assert edges == [True, False]


async def test_the_model_is_shown_pictures_and_changed() -> None:
    async with simulated() as backend:
        link, reports = await opened(backend, SETUP)
        link.send_image(b"\xff\xd8\xff".ljust(2**20, b"."), "image/jpeg")
        link.send_update("Be brief.", (WEATHER,), ("googleSearch",))
        link.send_text("How is the weather?", TextSlot.CONTENT)
        assert (await reports.until(ToolCalled)).name == WEATHER.name
        assert not backend.odd_messages


async def test_the_service_says_goodbye_and_closes() -> None:
    timing = replace(TIMING, go_away_after=0.1, close_after=0.3)
    async with simulated(timing) as backend:
        _, reports = await opened(backend, SETUP)
        assert 0.0 < (await reports.until(GoingAway)).time_left <= 0.2
        loss = await reports.until(LinkLost)
        assert (loss.cause, loss.code) == (LossCause.TRANSIENT, 1008)


async def test_a_handle_that_is_unknown_is_refused() -> None:
    async with simulated() as backend:
        reports = Reports()
        backend.dial(1, replace(SETUP, handle="made-up"), reports)
        assert (await reports.until(LinkLost)).cause is LossCause.HANDLE
