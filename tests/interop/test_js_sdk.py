"""The newest @google/genai, unmodified, talks to the simulator."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from segue.simulator.dialogue_file import parse_dialogue
from segue.simulator.history import History
from segue.simulator.server import Simulator
from segue.simulator.speech import SpeechLikeVoice

from .conftest import SOURCES, Run

STORY = " ".join(["Once upon a time there was a keeper who kept a light, and this story has no end,"] * 4)
DIALOGUE = parse_dialogue(
    f"""
    [[utterances]]
    user = "Tell me a story."
    model = "{STORY}"
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
    """,
    "test",
)
VOICE = SpeechLikeVoice()


@pytest.fixture
def history() -> History:
    return History()


@pytest.fixture
async def simulator(history: History) -> AsyncIterator[Simulator]:
    async with Simulator(plain=True, dialogue=DIALOGUE, voice=VOICE, history=history) as simulator:
        yield simulator


def _joined(lines: list[dict[str, Any]], key: str) -> str:
    return "".join(line[key] for line in lines if key in line)


def test_the_version_is_exact_and_names_no_registry() -> None:
    [version] = json.loads((SOURCES / "package.json").read_text())["dependencies"].values()
    lock = json.loads((SOURCES / "package-lock.json").read_text())
    assert lock["packages"]["node_modules/@google/genai"]["version"] == version
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]


@pytest.mark.parametrize("service", ["developer", "vertex", "express"])
async def test_a_conversation_in_text(run: Run, simulator: Simulator, service: str) -> None:
    lines = await run("conversation.mjs", service, "text", simulator.url)
    assert lines == [{"answer": "Hello to you."}, {"answer": "My name is Marta."}, {"event": "closed"}]


async def test_a_conversation_over_tls(run: Run, tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    async with Simulator(dialogue=DIALOGUE, voice=VOICE) as simulator:
        ca_file.write_bytes(simulator.ca_pem)
        lines = await run("conversation.mjs", "developer", "text", simulator.url, ca_file=ca_file)
    assert lines[0] == {"answer": "Hello to you."}


async def test_a_conversation_in_audio_with_an_interruption(run: Run, simulator: Simulator, history: History) -> None:
    lines = await run("conversation.mjs", "developer", "audio", simulator.url)
    events = [line["event"] for line in lines if "event" in line]
    assert [event for event, before in zip(events, ["", *events], strict=False) if event != before] == [
        "audio",
        "interrupted",
        "turn_complete",
        "handle",
        "audio",
        "generation_complete",
        "turn_complete",
        "handle",
        "closed",
    ]
    end = lines.index({"event": "interrupted"})
    assert 0 < sum(line.get("bytes", 0) for line in lines[:end]) < len(VOICE.speak(STORY))
    assert sum(line.get("bytes", 0) for line in lines[end:]) == len(VOICE.speak("I stop."))
    assert _joined(lines, "heard") == " Tell me a story. Wait, stop."
    assert STORY.startswith(_joined(lines, "said").removesuffix("I stop."))
    [closed] = history.of("simulator", "connection_closed")
    # It closes without a code (RFC 6455, section 7.1.5).
    assert (closed.fields["code"], closed.fields["closed_by"]) == (1005, "client")
