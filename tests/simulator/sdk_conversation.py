"""Talks to a simulator through google-genai, whichever version is installed, and prints what happened as JSON.

A program of its own, so that it runs in environments that hold nothing but the SDK. The SDK is pointed at the
simulator by its own environment variables: GOOGLE_GEMINI_BASE_URL or GOOGLE_VERTEX_BASE_URL, and SSL_CERT_FILE.
"""

import argparse
import array
import asyncio
import json
import math
import sys
from collections.abc import AsyncIterator
from typing import Any

from google import genai
from google.genai import live, types
from google.oauth2.credentials import Credentials

RATE = 16000
SPEECH = array.array("h", [int(8000 * math.sin(2 * math.pi * 200 * n / RATE)) for n in range(RATE // 2)]).tobytes()
SILENCE = bytes(2 * RATE)


def connect(service: str) -> genai.Client:
    if service == "developer":
        return genai.Client(api_key="a-key")
    token = Credentials(token="a-token")  # type: ignore[no-untyped-call]
    return genai.Client(vertexai=True, project="p", location="us-central1", credentials=token)


async def messages(session: live.AsyncSession) -> AsyncIterator[types.LiveServerMessage]:
    """Yield every message: the SDK's own `receive` ends with each turn."""
    while True:
        async for message in session.receive():
            yield message


async def converse_in_text(client: genai.Client) -> dict[str, Any]:
    answers = []
    config: Any = {"response_modalities": ["TEXT"]}
    async with client.aio.live.connect(model="gemini-live-2.5-flash-preview", config=config) as session:
        for question in ("Hello there.", "What is your name?"):
            content = types.Content(role="user", parts=[types.Part(text=question)])
            await session.send_client_content(turns=content, turn_complete=True)
            answers.append("".join([message.text or "" async for message in session.receive()]))
    return {"answers": answers}


async def converse_in_audio(client: genai.Client) -> dict[str, Any]:
    """Ask, interrupt the answer after its third chunk, and hear the next one out."""
    config: Any = {
        "response_modalities": ["AUDIO"],
        "input_audio_transcription": {},
        "output_audio_transcription": {},
        "session_resumption": {},
    }
    events: list[str] = []
    spoken = [0]
    heard, said = "", ""
    asked_twice = False
    async with client.aio.live.connect(model="gemini-live-2.5-flash-preview", config=config) as session:
        await speak(session)
        async for message in messages(session):
            content = message.server_content or types.LiveServerContent()
            if message.session_resumption_update and message.session_resumption_update.new_handle:
                events.append("handle")
                if len(spoken) > 2:
                    break
            for part in (content.model_turn and content.model_turn.parts) or ():
                spoken[-1] += len((part.inline_data and part.inline_data.data) or b"")
                events.append("audio")
            if content.input_transcription:
                heard += content.input_transcription.text or ""
            if content.output_transcription:
                said += content.output_transcription.text or ""
            if content.interrupted:
                events.append("interrupted")
            if content.generation_complete:
                events.append("generation_complete")
            if content.turn_complete:
                events.append("turn_complete")
                spoken.append(0)
            if events.count("audio") == 3 and not asked_twice:
                asked_twice = True
                await speak(session)
    return {"events": events, "bytes": spoken[:-1], "heard": heard, "said": said}


async def speak(session: live.AsyncSession) -> None:
    await session.send_realtime_input(audio=types.Blob(data=SPEECH + SILENCE, mime_type=f"audio/pcm;rate={RATE}"))


async def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("service", choices=["developer", "vertex"])
    arguments.add_argument("medium", choices=["text", "audio"])
    chosen = arguments.parse_args()
    client = connect(chosen.service)
    conversation = converse_in_text if chosen.medium == "text" else converse_in_audio
    outcome = await asyncio.wait_for(conversation(client), 30)
    json.dump({"version": genai.__version__, **outcome}, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
