"""The context window: tokens in and out, the whole billed every turn, compression, and the end of a full one."""

from typing import Any

import pytest

from segue.simulator.conversation.context import Context, Entry, Limits, compressing
from segue.simulator.dialogue_file import parse_dialogue
from segue.simulator.service import Service
from segue.simulator.timing import Timing
from tests.simulator.live_client import (
    HALF_CASCADE,
    NATIVE,
    NEWEST,
    TRANSCRIPTIONS,
    VOICE,
    LiveClient,
    manual,
    silence,
    speech,
)

DIALOGUE = parse_dialogue(
    f"""
    [[utterances]]
    user = "What did I say?"
    model = "{{recall}}"
    [[texts]]
    words = ["recall"]
    model = "{{recall}}"
    [[texts]]
    words = ["told"]
    model = "I said: {{told}}"
    [[fallback]]
    model = "{" ".join(["All sorts of things happened then."] * 20)}"
    """,
    "test",
)
HOURS = 3600.0
FOREVER = Timing(go_away_after=100 * HOURS, close_after=200 * HOURS)


def _entry(speaker: str, tokens: int, text: str = "") -> Entry:
    return Entry(speaker, text, {"AUDIO": tokens})


def _client(model: str = NATIVE, **fields: Any) -> LiveClient:
    return LiveClient(Service(DIALOGUE, VOICE, FOREVER)).set_up(model, **TRANSCRIPTIONS, **fields)


def test_compression_cuts_at_the_start_of_a_user_turn_and_keeps_the_instruction() -> None:
    context = Context("Be kind.")
    for number in range(3):
        context.add(_entry("user", 10, f"{number}a"))
        context.add(_entry("user", 10, f"{number}b"))
        context.add(_entry("model", 20))
    assert context.total == 122
    assert context.compress(Limits(200, 120, 75)) == 80
    assert [entry.text for entry in context.entries] == ["2a", "2b", ""]
    assert context.tokens == {"AUDIO": 40, "TEXT": 2}
    assert context.instruction == "Be kind."


def test_compression_waits_for_its_trigger_and_leaves_the_newest_turn() -> None:
    context = Context(entries=[_entry("user", 50), _entry("model", 50)])
    assert context.compress(Limits(1000)) == 0
    assert context.compress(Limits(1000, 100, 10)) == 0
    assert context.compress(Limits(1000, 99, 10)) == 0
    context.add(_entry("user", 50))
    assert context.compress(Limits(1000, 99, 10)) == 100
    assert len(context.entries) == 1


def test_defaults_of_compression() -> None:
    assert compressing(131072, None, None) == Limits(131072, 104858, 52429)
    assert compressing(131072, 25600, None) == Limits(131072, 25600, 12800)
    assert compressing(131072, 25600, 100) == Limits(131072, 25600, 100)


def test_copy_goes_its_own_way() -> None:
    context = Context("x", [_entry("user", 5)])
    copy = context.copy()
    copy.add(_entry("user", 5))
    assert (context.total, copy.total) == (6, 11)


def test_usage_counts_instruction_text_audio_and_video() -> None:
    client = _client(systemInstruction={"parts": [{"text": "Be kind."}]})
    client.show()
    client.say(speech(1.0))
    client.show()
    client.say(silence(0.9))
    usage = client.wait_for("turnComplete")["usageMetadata"]
    assert usage["promptTokensDetails"] == [
        {"modality": "AUDIO", "tokenCount": 25},
        {"modality": "TEXT", "tokenCount": 2},
        {"modality": "VIDEO", "tokenCount": 258},
    ]


def test_coverage_decides_what_belongs_to_a_turn() -> None:
    client = _client(NEWEST)
    client.show()
    client.say(silence(1.0) + speech(1.0) + silence(0.9))
    usage = client.wait_for("turnComplete")["usageMetadata"]
    assert {"modality": "VIDEO", "tokenCount": 258} in usage["promptTokensDetails"]
    everything = _client(realtimeInputConfig={"turnCoverage": "TURN_INCLUDES_ALL_INPUT"})
    everything.say(silence(1.0) + speech(1.0) + silence(0.9))
    usage = everything.wait_for("turnComplete")["usageMetadata"]
    assert usage["promptTokensDetails"] == [{"modality": "AUDIO", "tokenCount": 50}]


def test_video_between_texts_is_billed() -> None:
    client = _client(NEWEST)
    client.show()
    client.text("recall")
    usage = client.wait_for("turnComplete")["usageMetadata"]
    assert usage["promptTokenCount"] == 258 + 2


def _talk_for(client: LiveClient, seconds: float) -> None:
    """Hold a conversation, in audio both ways, for so long or until it is closed."""
    until = client.now + seconds
    while client.now < until and client.close is None:
        client.signal("activityStart")
        client.say(speech(10.0), 1.0)
        client.text("tell me more, please")
        client.signal("activityEnd")
        client.wait(60)


SPOKEN = parse_dialogue(
    f"""
    [[utterances]]
    user = "Go on."
    model = "{" ".join(["All sorts of things happened then."] * 12)}"
    [[texts]]
    words = ["recall"]
    model = "{{recall}}"
    [[fallback]]
    model = "Hm."
    """,
    "test",
)


def _long_client(**fields: Any) -> LiveClient:
    client = LiveClient(Service(SPOKEN, VOICE, FOREVER))
    return client.set_up(NATIVE, **manual(), **TRANSCRIPTIONS, **fields)


def test_three_hours_without_compression_end_when_the_window_is_full() -> None:
    client = _long_client()
    _talk_for(client, 3 * HOURS)
    assert client.close
    assert (client.close.code, client.close.reason) == (1007, "Request contains an invalid argument.")
    assert client.close.rule == "context_exhausted"
    *_, last = [m["usageMetadata"] for _, m in client.got if "usageMetadata" in m]
    assert last["totalTokenCount"] > 125_000
    assert last["promptTokenCount"] <= 128_000
    # 70 s a round, of which 10 s in and some 27 s out count: 137 rounds.
    assert 2 * HOURS < client.now < 3 * HOURS


def test_three_hours_with_compression_go_on_and_forget_the_beginning() -> None:
    client = _long_client(contextWindowCompression={"slidingWindow": {}})
    client.signal("activityStart")
    client.text("This comes first.")
    client.signal("activityEnd")
    client.wait_for("turnComplete")
    client.wait(1)
    client.signal("activityStart")
    client.text("recall")
    client.signal("activityEnd")
    client.wait_for("turnComplete")
    assert client.said().endswith("You said: This comes first.")
    client.wait(1)
    _talk_for(client, 3 * HOURS)
    assert client.close is None
    counts = [m["usageMetadata"]["promptTokenCount"] for _, m in client.got if "usageMetadata" in m]
    assert max(counts) <= 0.8 * 128_000
    compressions = client.history.of("simulator", "context_compressed")
    assert compressions
    assert all(record.fields["left"] <= 0.4 * 128_000 for record in compressions)  # type: ignore[operator]
    client.signal("activityStart")
    client.text("recall")
    client.signal("activityEnd")
    client.wait_for("turnComplete", limit=HOURS)
    recalled = client.said().rpartition("You said: ")[2]
    assert recalled.startswith("tell me more, please, then: Go on.")
    assert "This comes first" not in recalled


def test_half_cascade_has_a_smaller_window() -> None:
    client = _client(HALF_CASCADE)
    client.content("word " * 20_000)
    client.wait_for("turnComplete")
    assert client.close is None
    client.content("word " * 6_000)
    client.wait(1)
    assert client.close
    assert client.close.rule == "context_exhausted"


def test_user_is_reminded_of_what_was_said_before_and_not_of_the_question() -> None:
    client = _client()
    client.content("My name is Ada.")
    client.wait_for("turnComplete")
    client.content("I like tea")
    client.wait_for("turnComplete")
    client.say(speech(0.5) + silence(0.9))
    client.wait_for("turnComplete")
    assert client.said().endswith("You said: My name is Ada., then: I like tea.")


def test_model_with_nothing_to_remember_says_so() -> None:
    client = _client()
    client.content("recall")
    client.wait_for("turnComplete")
    assert client.said() == "You said nothing."


@pytest.mark.parametrize("whole", [False, True])
def test_of_an_interrupted_turn_what_was_sent_is_remembered(whole: bool) -> None:
    client = _client()
    client.content("Go on.")
    client.wait_for("generationComplete" if whole else "modelTurn")
    client.wait(0.01)
    client.content("told")
    client.wait_for("turnComplete")
    sent = client.said()
    client.wait_for("turnComplete")
    assert client.said() == f"{sent}I said: {sent.strip()}"
    assert sent.count("happened") == 20 if whole else sent.count("happened") < 20
