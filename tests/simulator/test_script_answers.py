"""What the model may do beside answering: think, stay silent, wait, or end its turn for a reason; always the same."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from segue.simulator.dialogue_file import parse_dialogue
from segue.simulator.service import Service
from tests.simulator.live_client import (
    HALF_CASCADE,
    LEGACY,
    NATIVE,
    NEWEST,
    THINKING,
    TRANSCRIPTIONS,
    VOICE,
    LiveClient,
    keys,
    silence,
    speech,
    upgrade_to,
)

DIALOGUE = parse_dialogue(
    """
    [[texts]]
    words = ["aside"]
    addressed = false
    model = "Did you mean me?"
    [[texts]]
    words = ["unfinished"]
    waits = true
    model = "Go on."
    [[texts]]
    words = ["rejected"]
    reason = "RESPONSE_REJECTED"
    model = ""
    [[texts]]
    words = ["hard"]
    thought = "This is a hard question, for which I take some time."
    model = "It is forty two."
    [[texts]]
    words = ["product"]
    code = "print(6 * 7)"
    output = "42"
    model = "It is 42."
    [[texts]]
    words = ["tide"]
    queries = ["tide tables"]
    pages = { "Tides" = "https://tides.example" }
    urls = ["https://tides.example"]
    model = "It is rising."
    [[utterances]]
    user = "Hm."
    model = "Hm, indeed. That is what I think of it, too."
    [[fallback]]
    model = "I see."
    """,
    "test",
)


def _client(model: str = NATIVE, /, **fields: Any) -> LiveClient:
    alpha = "/ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateContent"
    return LiveClient(Service(DIALOGUE, VOICE), upgrade_to(alpha)).set_up(model, **TRANSCRIPTIONS, **fields)


def _level(level: str, **fields: Any) -> dict[str, Any]:
    return {"generationConfig": {"thinkingConfig": {"thinkingLevel": level, **fields}}}


@pytest.mark.parametrize(
    ("model", "fields", "silent"),
    [
        (NATIVE, {}, False),
        (NATIVE, {"proactivity": {"proactiveAudio": True}}, True),
        (LEGACY, {}, False),
        (NEWEST, {}, True),
        (THINKING, _level("LOW"), True),
    ],
)
def test_model_that_is_proactive_says_nothing_where_it_is_not_addressed(
    model: str, fields: dict[str, Any], silent: bool
) -> None:
    client = _client(model, **fields)
    client.text("aside")
    message = client.wait_for("turnComplete")
    assert bool(client.times("modelTurn")) is not silent
    assert bool(client.times("generationComplete")) is not silent
    assert message["usageMetadata"].get("responseTokenCount", 0) == 0 or not silent


def test_model_may_wait_for_more() -> None:
    client = _client()
    client.content("unfinished")
    client.wait_for("turnComplete")
    assert client.order() == ["setupComplete", "waitingForInput", "turnComplete"]


def test_turn_may_end_for_a_reason() -> None:
    client = _client()
    client.content("rejected")
    message = client.wait_for("turnComplete")
    assert message["serverContent"] == {"turnComplete": True, "turnCompleteReason": "RESPONSE_REJECTED"}


@pytest.mark.parametrize(
    ("model", "fields", "thinks"),
    [
        (NATIVE, {}, True),
        (NATIVE, {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}, False),
        (LEGACY, {}, False),
        (LEGACY, _level("HIGH"), True),
        (LEGACY, _level("MINIMAL"), False),
        (NEWEST, {}, False),
        (THINKING, _level("HIGH"), True),
    ],
)
def test_thinking_costs_tokens_and_time(model: str, fields: dict[str, Any], thinks: bool) -> None:
    client = _client(model, **fields)
    client.text("hard")
    usage = client.wait_for("turnComplete")["usageMetadata"]
    assert usage.get("thoughtsTokenCount", 0) == (13 if thinks else 0)
    counts = ("promptTokenCount", "responseTokenCount", "thoughtsTokenCount")
    assert usage["totalTokenCount"] == sum(usage.get(count, 0) for count in counts)
    assert not [message for _, message in client.got if "thought" in str(message.get("serverContent", ""))]


def test_thought_is_shown_where_asked_for_before_the_answer() -> None:
    client = _client(LEGACY, **_level("LOW", includeThoughts=True))
    client.text("hard")
    first = client.wait_for("modelTurn")
    part = {"text": "This is a hard question, for which I take some time.", "thought": True}
    assert first["serverContent"]["modelTurn"]["parts"] == [part]
    asked_at = client.now
    client.wait_for("turnComplete")
    assert client.times("modelTurn")[1] >= asked_at
    assert client.said() == "It is forty two."


def test_extended_thinking_says_when_it_is_idle() -> None:
    client = _client(THINKING, **_level("LOW"))
    client.text("well")
    assert client.wait_for("turnComplete")["serverContent"]["interactionStatus"] == "IDLE"
    other = _client(NEWEST)
    other.text("well")
    assert "interactionStatus" not in other.wait_for("turnComplete")["serverContent"]


def test_transcribing_model_never_answers() -> None:
    client = _client("models/gemini-3.5-transcribe-live", generationConfig={"responseModalities": ["TEXT"]})
    client.say(speech(0.5) + silence(0.9))
    client.wait(10)
    assert "inputTranscription" in client.order()
    assert not client.times("modelTurn")


def test_transcribing_model_tells_what_it_heard_so_far() -> None:
    client = _client("models/gemini-3.5-transcribe-live", generationConfig={"responseModalities": ["TEXT"]})
    client.say(speech(0.3) + speech(0.9) + silence(0.9))
    client.wait(1)
    interim = [m["serverContent"]["interimInputTranscription"] for _, m in client.got if "interim" in str(m)]
    assert interim[-1] == {"text": "Hm."}
    first, second = client.times("interimInputTranscription")[:2]
    assert second - first == pytest.approx(0.5)
    assert client.times("inputTranscription")[-1] > client.times("interimInputTranscription")[-1]
    other = _client(NEWEST)
    other.say(speech(1.2) + silence(0.9))
    assert not other.times("interimInputTranscription")


def _conversation(seed: int) -> bytes:
    """Return every frame of a conversation with interruptions, transcripts and handles."""
    client = LiveClient(Service(DIALOGUE, VOICE), seed=seed).set_up(
        HALF_CASCADE, sessionResumption={}, **TRANSCRIPTIONS
    )
    for cut in (True, False):
        client.say(speech(0.5) + silence(0.9))
        client.wait_for("modelTurn" if cut else "turnComplete")
    client.content("hard")
    client.wait_for("turnComplete")
    return b"".join(client.frames)


def test_same_seed_and_bytes_give_the_same_frames_whatever_the_hash_seed() -> None:
    program = f"import sys; from {__name__} import _conversation; sys.stdout.buffer.write(_conversation(3))"
    root = Path(__file__).parents[2]
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": f"{root}:{root / 'service'}"}
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True)
        assert done.stdout == _conversation(3)
    assert _conversation(3) != _conversation(4)


def test_every_frame_of_a_conversation_is_one_message() -> None:
    client = _client()
    client.content("hard")
    client.wait_for("turnComplete")
    tops = {"setupComplete", "serverContent", "usageMetadata"}
    assert all(message.keys() <= tops and len(message.keys() - {"usageMetadata"}) == 1 for _, message in client.got)
    assert keys(client.got[-1][1]) == {"serverContent", "turnComplete", "usageMetadata"}


def test_model_runs_code_and_says_what_it_gave() -> None:
    client = _client(HALF_CASCADE, tools=[{"codeExecution": {}}])
    client.text("What is the product?")
    client.wait_for("turnComplete")
    parts = [part for content in _contents(client) for part in content.get("modelTurn", {}).get("parts", ())]
    assert parts[0] == {"executableCode": {"language": "PYTHON", "code": "print(6 * 7)"}}
    assert parts[1] == {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "42"}}


def test_model_says_what_it_found_and_read_before_its_generation_ends() -> None:
    client = _client(NEWEST, tools=[{"googleSearch": {}}, {"urlContext": {}}])
    client.text("How is the tide?")
    client.wait_for("turnComplete")
    names = [key for content in _contents(client) for key in content]
    [grounded] = [content for content in _contents(client) if "groundingMetadata" in content]
    assert grounded["groundingMetadata"]["webSearchQueries"] == ["tide tables"]
    assert grounded["urlContextMetadata"]["urlMetadata"][0]["retrievedUrl"] == "https://tides.example"
    assert names.index("groundingMetadata") < names.index("generationComplete")


def test_model_searches_and_runs_nothing_that_the_session_has_not_asked_for() -> None:
    client = _client(NEWEST)
    client.text("How is the tide, and what is the product?")
    client.wait_for("turnComplete")
    assert not any({"groundingMetadata", "urlContextMetadata"} & content.keys() for content in _contents(client))
    assert "executableCode" not in str(client.got)


def _contents(client: LiveClient) -> list[dict[str, Any]]:
    return [message["serverContent"] for _, message in client.got if "serverContent" in message]
