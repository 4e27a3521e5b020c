"""Recordings of google-genai talking to the simulator through the proxy."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from segue.record.proxy import RecordingProxy
from segue.record.recording import Recorder
from segue.record.redaction import Redaction
from segue.simulator.dialogue_file import parse_dialogue
from segue.simulator.server import Simulator
from segue.simulator.speech import SpeechLikeVoice

CONVERSATION = Path(__file__).parents[1] / "simulator" / "sdk_conversation.py"
# Long enough to be interrupted long before all of it is generated, on whatever machine.
STORY = "and who had a cat that went up and down the stairs with her, and who wrote down the name of every ship, " * 5
DIALOGUE = parse_dialogue(
    f"""
    [[utterances]]
    user = "Tell me a story."
    model = "Once upon a time, there was a keeper who kept a light, {STORY} and that is all."
    delay = 0.3
    [[utterances]]
    user = "Wait, stop."
    model = "I stop, as you say."
    delay = 0.3
    [[texts]]
    words = ["hello"]
    model = "Hello to you."
    [[fallback]]
    model = "My name is Marta."
    """,
    "test",
)


async def record_conversation(path: Path, service: str, medium: str, redaction: Redaction | None = None) -> None:
    """Record the conversation of the SDK's program over TLS on both sides."""
    ca_file = path.with_suffix(".pem")
    with path.open("x", encoding="utf-8") as output:
        recorder = Recorder(output, redaction or Redaction(), time.monotonic)
        async with (
            Simulator(dialogue=DIALOGUE, voice=SpeechLikeVoice()) as simulator,
            RecordingProxy(simulator.url, recorder, upstream_ssl=simulator.client_ssl_context()) as proxy,
        ):
            ca_file.write_bytes(proxy.ca_pem)
            environment = {
                "PATH": os.environ["PATH"],
                "GOOGLE_GEMINI_BASE_URL": proxy.url,
                "GOOGLE_VERTEX_BASE_URL": proxy.url,
                "SSL_CERT_FILE": str(ca_file),
                "NO_PROXY": "127.0.0.1",
            }
            program = await asyncio.create_subprocess_exec(
                sys.executable, str(CONVERSATION), service, medium, env=environment, stdout=-1, stderr=-1
            )
            _, errors = await program.communicate()
            assert program.returncode == 0, errors.decode()


def events_of(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a recording."""
    return [json.loads(line) for line in path.read_text().splitlines()]
