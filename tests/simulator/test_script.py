"""The script under virtual time: what comes, in which order, when; and every rule that closes a connection."""

from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from segue.simulator.outgoing import Close
from segue.simulator.service import Service
from segue.simulator.timing import Timing
from tests.simulator.live_client import (
    DIALOGUE,
    FRAME,
    HALF_CASCADE,
    LONG,
    NATIVE,
    NEWEST,
    TRANSCRIPTIONS,
    VERTEX,
    VOICE,
    LiveClient,
    keys,
    kinds,
    manual,
    silence,
    speech,
    upgrade_to,
)


def test_setup_is_answered_after_its_time() -> None:
    client = LiveClient().set_up()
    assert 0.13 <= client.now <= 0.17
    assert client.frames == [b'{\n  "setupComplete": {}\n}\n']


def test_spoken_turn_comes_in_order_and_in_time() -> None:
    client = LiveClient().set_up(sessionResumption={}, **TRANSCRIPTIONS)
    client.say(silence(0.3) + speech(1.0) + silence(0.9))
    end_at = client.now - 0.1
    client.wait_for("turnComplete")
    assert client.order("modelTurn", "outputTranscription") == [
        "setupComplete",
        "sessionResumptionUpdate",
        "inputTranscription",
        "generationComplete",
        "turnComplete",
        "sessionResumptionUpdate",
    ]
    assert client.joined("inputTranscription") == " Please tell me a long story."
    assert client.joined("outputTranscription") == LONG
    pause = bytes(round(DIALOGUE.pause * 24000) * 2)
    assert client.audio() == pause.join(VOICE.speak(sentence) for sentence in DIALOGUE.spoken(0).sentences)
    first, last = client.times("modelTurn")[0], client.times("modelTurn")[-1]
    duration = len(client.audio()) / 48000
    assert 0.25 <= first - end_at <= 1.2
    assert 2.9 <= duration / (last - first) <= 4.6
    assert client.times("generationComplete") == [last]
    assert client.times("turnComplete") == [pytest.approx(first + duration)]


def test_chunks_begin_small_and_hold_up_to_320_ms() -> None:
    client = LiveClient().set_up()
    client.text("long")
    client.wait_for("turnComplete")
    parts = [
        message["serverContent"]["modelTurn"]["parts"][0] for _, message in client.got if "modelTurn" in keys(message)
    ]
    assert {part["inlineData"]["mimeType"] for part in parts} == {"audio/pcm;rate=24000"}
    lengths = [len(b64decode(part["inlineData"]["data"])) / 48000 for part in parts]
    assert lengths[0] == 0.1
    assert all(0.2 <= length <= 0.32 for length in lengths[1:-1])


def test_transcript_fragments_hold_one_to_three_words() -> None:
    client = LiveClient().set_up(**TRANSCRIPTIONS)
    client.text("long")
    client.wait_for("turnComplete")
    fragments = [
        message["serverContent"]["outputTranscription"]
        for _, message in client.got
        if "outputTranscription" in keys(message)
    ]
    assert all(set(fragment) == {"text"} for fragment in fragments)
    assert not fragments[0]["text"].startswith(" ")
    assert all(fragment["text"].startswith(" ") for fragment in fragments[1:])
    assert client.times("outputTranscription")[-1] <= client.times("generationComplete")[0]


def test_transcripts_come_only_where_asked_for() -> None:
    client = LiveClient().set_up()
    client.say(speech(0.5) + silence(1.0))
    client.wait_for("turnComplete")
    assert not client.times("inputTranscription")
    assert not client.times("outputTranscription")
    assert not client.times("sessionResumptionUpdate")


def test_usage_counts_the_whole_context_of_a_turn() -> None:
    client = LiveClient().set_up()
    client.say(speech(2.0) + silence(1.0))
    first = client.wait_for("turnComplete")["usageMetadata"]
    assert first["promptTokensDetails"] == [{"modality": "AUDIO", "tokenCount": 50}]
    assert first["responseTokenCount"] == round(len(client.audio()) / 48000 * 25)
    client.text("four")
    second = client.wait_for("turnComplete")["usageMetadata"]
    assert second["promptTokenCount"] == first["totalTokenCount"] + 1


@pytest.mark.parametrize("when", ["thinking", "generating", "playing"])
def test_speech_interrupts_a_turn_until_its_delayed_end(when: str) -> None:
    client = LiveClient().set_up(sessionResumption={}, **TRANSCRIPTIONS)
    client.text("long")
    if when == "generating":
        client.wait_for("modelTurn")
    if when == "playing":
        client.wait_for("generationComplete")
    before = len(client.got)
    client.say(speech(0.5) + silence(0.9))
    client.wait_for("turnComplete")
    found = [kind for _, message in client.got[before:] for kind in kinds(message)]
    after = found[found.index("interrupted") :]
    assert after[:2] == ["interrupted", "turnComplete"]
    assert "generationComplete" not in found[: found.index("interrupted")]
    assert [kind for kind in after if kind == "inputTranscription"]
    assert after.index("inputTranscription") < after.index("modelTurn")
    assert client.joined("outputTranscription").endswith(LONG)


def test_interruption_follows_the_speech_within_tens_of_milliseconds() -> None:
    client = LiveClient().set_up()
    client.text("long")
    client.wait_for("modelTurn")
    began_at = client.now
    client.say(speech(0.5))
    [interrupted_at] = client.times("interrupted")
    assert interrupted_at - began_at <= 0.1 + 0.06 + 2 * FRAME
    assert not [at for at in client.times("modelTurn") if at > interrupted_at]
    [usage] = [message["usageMetadata"] for _, message in client.got if "turnComplete" in keys(message)]
    assert usage["responseTokenCount"] == round(len(client.audio()) / 48000 * 25)


def test_without_interruption_what_was_said_is_answered_afterwards() -> None:
    client = LiveClient().set_up(realtimeInputConfig={"activityHandling": "NO_INTERRUPTION"})
    client.text("long")
    client.wait_for("modelTurn")
    client.say(speech(0.5) + silence(0.9))
    client.text("well")
    for _ in range(3):
        client.wait_for("turnComplete")
    assert not client.times("interrupted")
    assert len(client.times("generationComplete")) == 3


def test_text_interrupts_and_is_answered() -> None:
    client = LiveClient().set_up()
    client.text("long")
    client.wait_for("modelTurn")
    client.text("And now?")
    client.wait_for("interrupted")
    client.wait_for("generationComplete")
    assert len(client.times("turnComplete")) == 1


def test_text_during_speech_belongs_to_the_activity() -> None:
    client = LiveClient().set_up(**TRANSCRIPTIONS)
    client.say(speech(0.5))
    client.text("a note")
    client.say(silence(0.9))
    client.wait_for("turnComplete")
    assert client.joined("outputTranscription") == LONG


def test_content_left_open_interrupts_and_waits() -> None:
    client = LiveClient().set_up(**TRANSCRIPTIONS)
    client.content("long")
    client.wait_for("modelTurn")
    client.content("stop", complete=False)
    client.wait_for("turnComplete")
    count = len(client.got)
    client.wait(30)
    assert len(client.got) == count
    client.send({"clientContent": {"turnComplete": True}})
    client.wait_for("turnComplete")
    assert client.joined("outputTranscription").endswith("I see.")
    assert client.close is None


def test_content_interrupts_even_where_activities_do_not() -> None:
    client = LiveClient().set_up(realtimeInputConfig={"activityHandling": "NO_INTERRUPTION"})
    client.content("long")
    client.wait_for("modelTurn")
    client.content("stop")
    client.wait_for("interrupted", limit=0.1)


def test_initial_history_asks_for_no_answer() -> None:
    client = LiveClient().set_up(historyConfig={"initialHistoryInClientContent": True})
    client.content("one", complete=False)
    client.content("two")
    client.wait(10)
    assert client.order() == ["setupComplete"]
    client.content("three")
    client.wait_for("turnComplete")


def test_signalled_activity_is_answered_at_its_end() -> None:
    client = LiveClient().set_up(**manual(), **TRANSCRIPTIONS)
    client.say(speech(0.5))
    client.signal("activityStart")
    client.signal("activityStart")
    client.say(speech(0.5) + silence(2.0))
    assert client.order() == ["setupComplete"]
    client.signal("activityEnd")
    client.wait_for("turnComplete")
    assert client.joined("inputTranscription") == " Please tell me a long story."
    client.signal("activityEnd")
    assert client.close is None


def test_signalled_start_interrupts() -> None:
    client = LiveClient().set_up(**manual())
    client.signal("activityStart")
    client.text("long")
    client.signal("activityEnd")
    client.wait_for("modelTurn")
    client.signal("activityStart")
    client.wait_for("interrupted", limit=0.1)


def test_text_outside_a_signalled_activity_waits_for_one() -> None:
    client = LiveClient().set_up(**manual(), **TRANSCRIPTIONS)
    client.text("anything")
    client.wait(10)
    assert client.order() == ["setupComplete"]
    client.signal("activityStart")
    client.signal("activityEnd")
    client.wait_for("turnComplete")
    assert client.joined("outputTranscription") == "I see."


def test_signalled_silence_is_not_understood() -> None:
    client = LiveClient().set_up(**manual(), **TRANSCRIPTIONS)
    client.signal("activityStart")
    client.say(silence(0.5))
    client.signal("activityEnd")
    client.wait_for("turnComplete")
    assert client.joined("outputTranscription") == "Sorry, I did not catch that."


def test_end_of_the_audio_stream_ends_the_speech() -> None:
    client = LiveClient().set_up()
    client.say(speech(0.5))
    client.send({"realtimeInput": {"audioStreamEnd": True}})
    client.wait_for("turnComplete")


def test_model_may_say_nothing() -> None:
    client = LiveClient().set_up()
    for _ in range(3):
        client.say(speech(0.5) + silence(0.9))
        client.wait_for("turnComplete")
    assert len(client.times("generationComplete")) == 2


def test_text_modality_has_no_playback() -> None:
    client = LiveClient().set_up(generationConfig={"responseModalities": ["TEXT"]}, **TRANSCRIPTIONS)
    client.content("long")
    usage = client.wait_for("turnComplete")["usageMetadata"]
    texts = [
        message["serverContent"]["modelTurn"]["parts"][0]["text"]
        for _, message in client.got
        if "modelTurn" in keys(message)
    ]
    assert "".join(texts) == LONG
    assert client.times("turnComplete") == client.times("generationComplete")
    assert usage["responseTokensDetails"] == [{"modality": "TEXT", "tokenCount": -(-len(LONG) // 4)}]


def test_newest_family_tells_of_activity_and_bundles_transcripts() -> None:
    client = LiveClient().set_up(NEWEST, **TRANSCRIPTIONS)
    client.say(silence(1.0) + speech(0.5) + silence(0.9))
    client.wait_for("turnComplete")
    activities = [message["voiceActivity"] for _, message in client.got if "voiceActivity" in keys(message)]
    assert activities == [
        {"type": "ACTIVITY_START", "audioOffset": "1s"},
        {"type": "ACTIVITY_END", "audioOffset": "1.500s"},
    ]
    assert {"modelTurn", "outputTranscription"} in [
        message.get("serverContent", {}).keys() for _, message in client.got
    ]


def test_signals_are_echoed_to_the_newest_family() -> None:
    client = LiveClient().set_up(NEWEST, **manual())
    started_at = client.now
    client.signal("activityStart")
    client.wait(1)
    [echoed_at] = client.times("voiceActivity")
    assert 0.035 <= echoed_at - started_at <= 0.045


def test_text_is_transcribed_where_the_family_takes_it_for_speech() -> None:
    client = LiveClient().set_up("models/gemini-3.1-flash-live-preview", **TRANSCRIPTIONS)
    client.text("long")
    client.wait_for("turnComplete")
    assert client.joined("inputTranscription") == "long"


def test_vertex_names_session_role_and_candidates() -> None:
    client = LiveClient(upgrade=upgrade_to(VERTEX)).set_up(
        "projects/p/locations/l/publishers/google/models/gemini-3.8-live"
    )
    assert client.got[0][1]["setupComplete"]["sessionId"]
    client.text("well")
    usage = client.wait_for("turnComplete")["usageMetadata"]
    assert usage["candidatesTokenCount"] == usage["totalTokenCount"] - usage["promptTokenCount"]
    assert client.got[1][1]["serverContent"]["modelTurn"]["role"] == "model"


def test_handle_is_withheld_during_a_turn_and_resumes_after_it() -> None:
    client = LiveClient().set_up(sessionResumption={})
    client.say(speech(0.5) + silence(0.9))
    client.wait_for("turnComplete")
    empty, full = [
        message["sessionResumptionUpdate"] for _, message in client.got if "sessionResumptionUpdate" in message
    ]
    assert empty == {}
    assert full["resumable"] is True
    resumed = client.resume(full["newHandle"], **TRANSCRIPTIONS)
    assert resumed.got[1][1]["sessionResumptionUpdate"]["newHandle"] != full["newHandle"]
    resumed.say(speech(0.5) + silence(0.9))
    resumed.wait_for("turnComplete")
    assert resumed.joined("inputTranscription") == " Wait, what was that?"


def test_connection_is_told_to_go_and_then_closed() -> None:
    client = LiveClient().set_up()
    assert client.wait_for("goAway", limit=600) == {"goAway": {"timeLeft": "50s"}}
    assert client.now == 540
    client.wait(100)
    assert client.close == Close(
        1008,
        "Connection aborted because the client failed to close the connection after receiving a GoAway signal once the "
        "session durat",
        "go_away_ignored",
    )
    assert client.times("goAway") == [540]
    assert client.script.deadline() == float("inf")
    client.text("Hello?")
    assert len(client.got) == 2


def test_what_comes_before_setup_is_answered_waits_for_it() -> None:
    client = LiveClient()
    client.send({"setup": {"model": HALF_CASCADE}})
    client.text("well")
    client.wait_for("turnComplete")
    early = LiveClient()
    early.send({"setup": {"model": HALF_CASCADE}})
    early.send({"clientContent": {"turnComplete": True}})
    assert early.close is None
    early.wait(1)
    assert early.close
    assert early.close.rule == "bare_turn_complete"


def _before_setup(message: dict[str, Any]) -> Callable[[], LiveClient]:
    def connect() -> LiveClient:
        client = LiveClient()
        client.send(message)
        return client

    return connect


def _after_setup(*messages: dict[str, Any], **fields: Any) -> Callable[[], LiveClient]:
    def connect() -> LiveClient:
        client = LiveClient().set_up(**fields)
        for message in messages:
            client.send(message)
        return client

    return connect


def _with_key(key: str) -> Callable[[], LiveClient]:
    def connect() -> LiveClient:
        service = Service(DIALOGUE, VOICE, valid_credential=lambda credential: credential == "good")
        client = LiveClient(service, upgrade_to(key=key))
        client.send({"setup": {"model": HALF_CASCADE}})
        return client

    return connect


def _setup_with(**fields: Any) -> dict[str, Any]:
    return {"setup": {"model": NATIVE, **fields}}


AUDIO = {"realtimeInput": {"audio": {"data": "AAAA", "mimeType": "audio/pcm;rate=16000"}}}
START: dict[str, Any] = {"realtimeInput": {"activityStart": {}}}
END: dict[str, Any] = {"realtimeInput": {"activityEnd": {}}}
EXPLICIT = "Explicit activity control is not supported when automatic activity detection is enabled."
INVALID_ARGUMENT = "Request contains an invalid argument."


@pytest.mark.parametrize(
    ("connect", "code", "reason", "rule"),
    [
        (_with_key("bad"), 1007, "API key not valid. Please pass a valid API key.", "api_key_invalid"),
        (
            _with_key(""),
            1008,
            "Method doesn't allow unregistered callers (callers without established identity). "
            "Please use API Key or other form of API c",
            "api_key_missing",
        ),
        (
            _before_setup({"setup": {"model": "models/X"}}),
            1008,
            "models/X is not found for API version v1beta, or is not supported for bidiGenerateContent. "
            "Call ModelService.ListModels to ",
            "model_unknown",
        ),
        (
            _before_setup({"setup": {"model": NATIVE, "bogusField": 1}}),
            1007,
            "Invalid JSON payload received. Unknown name \"bogusField\" at 'setup': Cannot find field.",
            "field_unknown",
        ),
        (_before_setup(AUDIO), 1007, INVALID_ARGUMENT, "setup_not_first"),
        (
            _before_setup(_setup_with(generationConfig={"responseModalities": ["TEXT"]})),
            1007,
            "The requested combination of response modalities (TEXT) is not supported by the model",
            "modality_unsupported",
        ),
        (
            _before_setup(_setup_with(generationConfig={"responseModalities": ["AUDIO", "TEXT"]})),
            1007,
            "The requested combination of response modalities (AUDIO, TEXT) is not supported by the model",
            "modality_unsupported",
        ),
        (
            _before_setup(_setup_with(generationConfig={"speechConfig": {"languageCode": "es"}})),
            1007,
            "Unsupported language code 'es'",
            "language_unsupported",
        ),
        (
            _before_setup(_setup_with(sessionResumption={"handle": "none"})),
            1008,
            "BidiGenerateContent session not found",
            "handle_unknown",
        ),
        (_after_setup({"setup": {"model": NATIVE}}), 1007, INVALID_ARGUMENT, "setup_twice"),
        (_after_setup(START), 1007, EXPLICIT, "explicit_activity"),
        (_after_setup(END), 1007, EXPLICIT, "explicit_activity"),
        (_after_setup(START, END, **manual()), 1007, "Precondition check failed.", "empty_activity"),
        (_after_setup({"clientContent": {"turnComplete": True}}), 1007, INVALID_ARGUMENT, "bare_turn_complete"),
        (
            _after_setup({"clientContent": {"turns": [], "turnComplete": True}}),
            1007,
            INVALID_ARGUMENT,
            "bare_turn_complete",
        ),
    ],
)
def test_broken_rule_closes_with_the_reason_of_the_service(
    connect: Callable[[], LiveClient], code: int, reason: str, rule: str
) -> None:
    client = connect()
    assert client.close == Close(code, reason, rule)
    [closed] = client.history.of("simulator", "connection_closed")
    assert closed.fields == {"code": code, "reason": reason, "closed_by": "server", "rule": rule}
    client.script.connection_lost(code, reason, "client", client.now)
    assert len(client.history.of("simulator", "connection_closed")) == 1


def test_empty_activity_ends_its_turn_first() -> None:
    client = _after_setup(START, END, **manual())()
    assert client.got[-1][1] == {"serverContent": {"turnComplete": True}, "usageMetadata": {}}


def test_frame_that_is_no_json_closes() -> None:
    client = LiveClient()
    client.send_raw(b"\xff")
    assert client.close
    assert client.close.rule == "not_json"


@pytest.mark.parametrize(
    "message",
    [
        {"toolResponse": {"functionResponses": [{"id": "1", "name": "f", "response": {}}]}},
        {"contextUpdate": {"systemInstruction": {"parts": [{"text": "new"}]}}},
        {"realtimeInput": {"video": {"data": "AAAA", "mimeType": "image/jpeg"}}},
        {"realtimeInput": {"audio": {"data": "AAAA", "mimeType": "audio/opus"}}},
        {"realtimeInput": {"audio": {"data": "AAA", "mimeType": "audio/pcm;rate=0"}}},
        {"realtimeInput": {"audio": {"data": "", "mimeType": "audio/pcm"}}},
        {"realtimeInput": {"text": ""}},
        {"realtimeInput": {}},
    ],
)
def test_what_asks_for_nothing_gets_nothing(message: dict[str, Any]) -> None:
    client = _after_setup(message)()
    client.wait(30)
    assert client.close is None
    assert len(client.got) == 1


def test_frames_are_pretty_printed_utf_8() -> None:
    client = LiveClient().set_up("models/gemini-3.1-flash-live-preview", **TRANSCRIPTIONS)
    client.text("hé\ud800")
    client.wait(0)
    assert client.frames[-1].decode() == (
        '{\n  "serverContent": {\n    "inputTranscription": {\n      "text": "hé?"\n    }\n  }\n}\n'
    )


def test_same_seed_and_bytes_give_the_same_frames() -> None:
    def converse(seed: int) -> list[bytes]:
        client = LiveClient(seed=seed).set_up(sessionResumption={}, **TRANSCRIPTIONS)
        client.say(speech(0.5) + silence(0.9))
        client.wait_for("modelTurn")
        client.say(speech(0.5) + silence(0.9))
        client.wait_for("generationComplete")
        return client.frames

    assert converse(1) == converse(1)
    assert converse(1) != converse(2)


def test_timing_can_be_set() -> None:
    service = Service(DIALOGUE, VOICE, replace(Timing(), go_away_after=1.0, close_after=1.5))
    client = LiveClient(service).set_up()
    assert client.wait_for("goAway") == {"goAway": {"timeLeft": "0.500s"}}


def test_history_tells_what_was_seen() -> None:
    client = LiveClient().set_up(**TRANSCRIPTIONS)
    client.text("long")
    client.wait_for("modelTurn")
    client.content("stop")
    client.wait_for("turnComplete")
    client.script.connection_lost(1000, "", "client", client.now)
    records = client.history.of("simulator")
    assert {record.session for record in records} == {"connection-1"}
    kinds = list(dict.fromkeys(record.kind for record in records))
    assert kinds == [
        "connection_opened",
        "setup_received",
        "setup_complete_sent",
        "text_received",
        "turn_begun",
        "transcription_sent",
        "audio_sent",
        "interrupted_sent",
        "turn_complete_sent",
        "connection_closed",
    ]
    assert records[-1].fields == {"code": 1000, "reason": "", "closed_by": "client", "rule": ""}
    assert client.script.deadline() == float("inf")
