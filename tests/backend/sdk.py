"""What google-genai itself would send, to compare with."""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import google.oauth2.credentials
from google import genai
from google.genai import types
from google.genai.live import AsyncSession

from segue.core.actions import Setup
from segue.core.options import FunctionDeclaration

RECORDINGS = Path(__file__).parents[1] / "frames"
SERVICES = ("developer", "vertex", "express")


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


def recorded(path: Path) -> dict[str, Any]:
    """Return the client frames of a recording by their scenario."""
    events = (json.loads(line) for line in path.read_text().splitlines())
    return {event["scenario"]: event["json"] for event in events if event["ev"] == "client_frame"}


class Sdk:
    """The SDK for each of the services, with what it sends caught before it gets to a socket."""

    def __init__(self) -> None:
        self._sent: list[str] = []
        self._runner = asyncio.Runner()
        credentials = google.oauth2.credentials.Credentials(token="x")  # type: ignore[no-untyped-call]
        self._clients = {
            "developer": genai.Client(vertexai=False, api_key="k"),
            "vertex": genai.Client(vertexai=True, project="p", location="l", credentials=credentials),
            "express": genai.Client(vertexai=True, api_key="k"),
        }

    @contextmanager
    def catching(self) -> Iterator[None]:
        """Let no connection be made, and close the clients in the end."""
        with mock.patch("google.genai.live.ws_connect", self._connect), self._runner:
            yield
            for client in self._clients.values():
                client.close()
                self._runner.run(client.aio.aclose())

    def setup(self, service: str, setup: Setup) -> dict[str, Any]:
        """Return the setup message that the SDK makes of a setup."""

        async def connect() -> None:
            config = connect_config(setup, vertex=service != "developer")
            async with self._clients[service].aio.live.connect(model=setup.model, config=config):
                pass

        (frame,) = self._caught(connect)
        return frame

    def frames(self, service: str, say: Callable[[AsyncSession], Awaitable[None]]) -> list[dict[str, Any]]:
        """Return what the SDK sends of what is said to its session."""

        async def converse() -> None:
            await say(AsyncSession(self._clients[service]._api_client, _Socket(self._sent)))  # type: ignore[arg-type]

        return self._caught(converse)

    def _caught(self, do: Callable[[], Any]) -> list[dict[str, Any]]:
        self._sent.clear()
        self._runner.run(do())
        return [normal(json.loads(frame)) for frame in self._sent]

    @asynccontextmanager
    async def _connect(self, *_: Any, **__: Any) -> AsyncIterator["_Socket"]:
        yield _Socket(self._sent)


class _Socket:
    def __init__(self, sent: list[str]) -> None:
        self._sent = sent

    async def send(self, message: str) -> None:
        self._sent.append(message)

    async def recv(self, decode: bool) -> bytes:
        assert not decode
        return b'{"setupComplete":{}}'


def connect_config(setup: Setup, *, vertex: bool) -> types.LiveConnectConfig:
    """Return a setup in the SDK's terms. What is left to the service's defaults is left out."""
    config = types.LiveConnectConfig(
        response_modalities=[types.Modality[setup.modality.name]],
        speech_config=_speech(setup),
        thinking_config=_thinking(setup),
        system_instruction=setup.system_instruction or None,
        realtime_input_config=_realtime_input(setup),
        context_window_compression=_compression(setup),
        input_audio_transcription=types.AudioTranscriptionConfig(),
        output_audio_transcription=types.AudioTranscriptionConfig(),
        session_resumption=types.SessionResumptionConfig(
            handle=setup.handle or None, transparent=True if vertex and setup.transparent else None
        ),
        tools=[*tools_of(setup.functions, setup.built_in_tools)] or None,
    )
    if not setup.extra:
        return config
    extra = _snake(json.loads(setup.extra))
    # What is one object on the wire is flat for its callers.
    generation = extra.pop("generation_config", {})
    return types.LiveConnectConfig.model_validate(
        _merged(config.model_dump(exclude_none=True, exclude={"tools"}), extra | generation) | {"tools": config.tools}
    )


def _snake(value: Any) -> Any:
    if isinstance(value, list):
        return [_snake(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", key): _snake(item) for key, item in value.items()}


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    both = {key: _merged(one[key], other[key]) for key in one.keys() & other.keys() if isinstance(other[key], dict)}
    return one | other | both


def _speech(setup: Setup) -> types.SpeechConfig | None:
    if not setup.voice and not setup.language:
        return None
    voice = types.VoiceConfig(prebuilt_voice_config=types.PrebuiltVoiceConfig(voice_name=setup.voice))
    return types.SpeechConfig(voice_config=voice if setup.voice else None, language_code=setup.language or None)


def _thinking(setup: Setup) -> types.ThinkingConfig | None:
    return (
        types.ThinkingConfig(thinking_level=types.ThinkingLevel[setup.thinking_level]) if setup.thinking_level else None
    )


def _realtime_input(setup: Setup) -> types.RealtimeInputConfig | None:
    tuned = setup.detection
    start, end = tuned.start_sensitivity, tuned.end_sensitivity
    detection = types.AutomaticActivityDetection(
        start_of_speech_sensitivity=types.StartSensitivity[f"START_SENSITIVITY_{start.name}"] if start else None,
        end_of_speech_sensitivity=types.EndSensitivity[f"END_SENSITIVITY_{end.name}"] if end else None,
        prefix_padding_ms=tuned.prefix_padding_ms,
        silence_duration_ms=tuned.silence_ms,
    )
    if setup.mode.signals:
        detection = types.AutomaticActivityDetection(disabled=True)
    if detection == types.AutomaticActivityDetection():
        return None
    return types.RealtimeInputConfig(automatic_activity_detection=detection)


def _compression(setup: Setup) -> types.ContextWindowCompressionConfig | None:
    if setup.compression is None:
        return None
    return types.ContextWindowCompressionConfig(
        trigger_tokens=setup.compression.trigger_tokens,
        sliding_window=types.SlidingWindow(target_tokens=setup.compression.target_tokens),
    )


def tools_of(functions: tuple[FunctionDeclaration, ...], built_in_tools: tuple[str, ...]) -> list[types.Tool]:
    """Return tools in the SDK's terms."""
    declared = [_declaration(function) for function in functions]
    built_in = [types.Tool.model_validate({name: {}}) for name in built_in_tools]
    return ([types.Tool(function_declarations=declared)] if declared else []) + built_in


def _declaration(function: FunctionDeclaration) -> types.FunctionDeclaration:
    behaviors = {True: types.Behavior.BLOCKING, False: types.Behavior.NON_BLOCKING, None: None}
    return types.FunctionDeclaration(
        name=function.name,
        description=function.description or None,
        parameters_json_schema=json.loads(function.parameters) if function.parameters else None,
        behavior=behaviors[function.blocking],
    )
