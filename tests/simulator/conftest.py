"""A simulator that says little, and SDKs that talk to it from a process of their own."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from segue.simulator.dialogue_file import parse_dialogue
from segue.simulator.history import History
from segue.simulator.server import Simulator
from segue.simulator.speech import SpeechLikeVoice

DIALOGUE = """
[[utterances]]
user = "Tell me a story."
model = '''Once upon a time, there was a keeper who kept a light for forty long years, and who had a cat that went up
and down the stairs with her every evening and every morning, and who wrote down the name of every ship that she saw
from her window, and when the book was full, she began another one, and so it went on, for this story has no end.'''
delay = 0.1
[[utterances]]
user = "Wait, stop."
model = "I stop."
delay = 0.1
[[texts]]
words = ["hello"]
model = "Hello to you."
[[texts]]
words = ["name"]
model = "My name is Marta."
[[fallback]]
model = "I see."
"""

CONVERSATION = Path(__file__).with_name("sdk_conversation.py")

# Runs the conversation program: interpreter, service, medium; returns what it printed.
Converse = Callable[[str, str, str], Awaitable[dict[str, Any]]]


@pytest.fixture
def history() -> History:
    return History()


@pytest.fixture
async def simulator(history: History) -> AsyncIterator[Simulator]:
    dialogue = parse_dialogue(DIALOGUE, "test")
    async with Simulator(dialogue=dialogue, voice=SpeechLikeVoice(), history=history) as simulator:
        yield simulator


@pytest.fixture
def converse(simulator: Simulator, tmp_path: Path) -> Converse:
    """Run the conversation program against the simulator in an environment that names nothing else."""
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(simulator.ca_pem)
    environment = {
        "PATH": os.environ["PATH"],
        "GOOGLE_GEMINI_BASE_URL": simulator.url,
        "GOOGLE_VERTEX_BASE_URL": simulator.url,
        "SSL_CERT_FILE": str(ca_file),
        "NO_PROXY": "127.0.0.1",
    }

    async def run(python: str, service: str, medium: str) -> dict[str, Any]:
        program = await asyncio.create_subprocess_exec(
            python, str(CONVERSATION), service, medium, env=environment, stdout=-1, stderr=-1
        )
        output, errors = await program.communicate()
        assert program.returncode == 0, errors.decode()
        outcome: dict[str, Any] = json.loads(output)
        return outcome

    return run


def check_text(outcome: dict[str, Any]) -> None:
    assert outcome["answers"] == ["Hello to you.", "My name is Marta."]


def check_audio(outcome: dict[str, Any]) -> None:
    """Two answers, the first cut by an interruption and never completed, the second whole."""
    dialogue, voice = parse_dialogue(DIALOGUE, "test"), SpeechLikeVoice()
    story, stop = dialogue.spoken(0), dialogue.spoken(1)
    events = [
        event for event, before in zip(outcome["events"], ["", *outcome["events"]], strict=False) if event != before
    ]
    assert events == [
        "audio",
        "interrupted",
        "turn_complete",
        "handle",
        "audio",
        "generation_complete",
        "turn_complete",
        "handle",
    ]
    cut, whole = outcome["bytes"]
    assert 0 < cut < len(voice.speak(story.model))
    assert whole == len(voice.speak(stop.model))
    assert outcome["heard"] == f" {story.user} {stop.user}"
    assert story.model.startswith(outcome["said"].removesuffix(stop.model))


@pytest.fixture
def check() -> dict[str, Callable[[dict[str, Any]], None]]:
    """How to tell that a conversation in a medium went as it should."""
    return {"text": check_text, "audio": check_audio}
