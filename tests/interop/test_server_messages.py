"""Every kind of message that the simulator sends is parsed by both SDKs, and nothing of it is lost."""

import json
from typing import Any

import pytest
from google import genai
from google.genai import live
from google.oauth2.credentials import Credentials
from websockets.asyncio.server import ServerConnection, serve

from segue.simulator.wire.messages import ServerMessage, encode
from segue.simulator.wire.schema import Flavour

from .conftest import Run
from .examples import builders, examples, lost

FLAVOURS = list(Flavour)
# Vertex' names of counts are those of the SDKs' callers on the Developer API.
RENAMED = {"candidatesTokenCount": "responseTokenCount", "candidatesTokensDetails": "responseTokensDetails"}


def _messages(flavour: Flavour) -> list[ServerMessage]:
    return [message for kind in examples(flavour).values() for message in kind]


def _renamed(message: ServerMessage) -> ServerMessage:
    """Return a message under the names that the SDKs' callers see."""
    seen: ServerMessage = json.loads(json.dumps(message))
    if "usageMetadata" in seen:
        seen["usageMetadata"] = {RENAMED.get(name, name): value for name, value in seen["usageMetadata"].items()}
    if "voiceActivity" in seen:
        seen["voiceActivity"]["voiceActivityType"] = seen["voiceActivity"].pop("type")
    return seen


def test_every_builder_has_its_example() -> None:
    for flavour in FLAVOURS:
        assert examples(flavour).keys() == builders()


class _Frames:
    """What the SDK takes for its connection."""

    def __init__(self, *frames: bytes) -> None:
        self._frames = list(frames)

    async def recv(self, decode: bool) -> bytes:
        return self._frames.pop(0)


def _client(flavour: Flavour) -> genai.Client:
    if flavour is Flavour.DEVELOPER:
        return genai.Client(api_key="a-key")
    token = Credentials(token="a-token")  # type: ignore[no-untyped-call]
    return genai.Client(vertexai=True, project="p", location="us-central1", credentials=token)


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_the_python_sdk_loses_nothing(flavour: Flavour) -> None:
    sent = _messages(flavour)
    frames: Any = _Frames(*map(encode, sent))
    session = live.AsyncSession(_client(flavour)._api_client, frames)
    for message in sent:
        received = (await session._receive()).model_dump(mode="json", by_alias=True, exclude_none=True)
        for part in received.get("serverContent", {}).get("modelTurn", {}).get("parts", []):
            if "inlineData" in part:
                # Its own alphabet of base64.
                part["inlineData"]["data"] = part["inlineData"]["data"].replace("-", "+").replace("_", "/")
        update = received.get("sessionResumptionUpdate", {})
        if "lastConsumedClientMessageIndex" in update:
            # A number in Python; a 64-bit integer is a string on the wire.
            update["lastConsumedClientMessageIndex"] = str(update["lastConsumedClientMessageIndex"])
        assert lost(_renamed(message), received) == []


@pytest.mark.parametrize(("flavour", "service"), [(Flavour.DEVELOPER, "developer"), (Flavour.VERTEX, "express")])
async def test_the_javascript_sdk_loses_nothing(run: Run, flavour: Flavour, service: str) -> None:
    sent = _messages(flavour)

    async def say_all(connection: ServerConnection) -> None:
        await connection.recv()
        for message in sent:
            await connection.send(encode(message))
        await connection.close(1008, "That was all.")

    async with serve(say_all, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        *received, end = await run("received.mjs", service, f"http://127.0.0.1:{port}")
    assert end == {"closed": 1008, "reason": "That was all."}
    assert len(received) == len(sent)
    for message, arrived in zip(sent, received, strict=True):
        # It converts what comes from Vertex and hands the rest on as it is.
        expected = _renamed(message) if flavour is Flavour.VERTEX else message
        assert lost(expected, arrived) == []
