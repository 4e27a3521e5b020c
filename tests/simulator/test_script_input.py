"""Input under virtual time: bursts, signals, interruption by mode, and what the switches change."""

import json
from base64 import b64encode
from typing import Any

import pytest

from segue.simulator.conversation.intake import Intake, sample_rate
from segue.simulator.outgoing import StopReading
from segue.simulator.service import Service
from segue.simulator.switches import Switches
from segue.simulator.wire.reader import Blob, RealtimeInput
from tests.simulator.live_client import (
    DIALOGUE,
    HALF_CASCADE,
    LEGACY,
    LONG,
    NATIVE,
    NEWEST,
    TRANSCRIPTIONS,
    VERTEX,
    VERTEX_NEWEST,
    VOICE,
    LiveClient,
    keys,
    manual,
    silence,
    speech,
    upgrade_to,
)

PCM = "audio/pcm;rate=16000"


def _client(model: str = HALF_CASCADE, /, fields: dict[str, Any] | None = None, **switches: Any) -> LiveClient:
    service = Service(DIALOGUE, VOICE, switches=Switches(**switches))
    return LiveClient(service).set_up(model, **TRANSCRIPTIONS, **(fields or {}))


def test_long_audio_is_read_in_pieces_and_its_ends_stay_where_they_are() -> None:
    intake = Intake()
    intake.put(
        7,
        RealtimeInput(audio=Blob(bytes(8000), PCM), text="x", activity_start=True, activity_end=True, video=Blob(b"")),
    )
    pieces = [intake.take(0.0) for _ in range(3)]
    assert [piece.seconds for piece in pieces] == [0.1, 0.1, 0.05]
    assert [piece.whole for piece in pieces] == [False, False, True]
    first, middle, last = [piece.piece for piece in pieces]
    assert isinstance(first, RealtimeInput)
    assert isinstance(last, RealtimeInput)
    assert (first.activity_start, first.activity_end, first.text, first.video) == (True, False, None, Blob(b""))
    assert middle == RealtimeInput(audio=Blob(bytes(3200), PCM))
    assert (last.activity_start, last.activity_end, last.text, last.video) == (False, True, "x", None)
    assert intake.deadline() == float("inf")


@pytest.mark.parametrize(
    ("mime_type", "rate"),
    [
        ("audio/pcm;rate=24000", 24000),
        ("audio/pcm; rate=8000", 8000),
        ("audio/pcm", 16000),
        ("audio/pcm;rate=1", 16000),
    ],
)
def test_rate_is_read_from_the_type(mime_type: str, rate: int) -> None:
    assert sample_rate(mime_type) == rate


def test_burst_of_audio_is_read_at_three_times_real_time() -> None:
    client = _client()
    client.burst(silence(5.1) + speech(0.5) + silence(0.9))
    sent_at = client.now
    client.wait_for("modelTurn")
    assert client.times("inputTranscription")[0] - sent_at >= 6.4 / 3
    assert client.now - sent_at <= 6.5 / 3 + 1.2


def test_client_that_sends_far_too_fast_is_held_up() -> None:
    client = _client()
    audio = b64encode(silence(3.1)).decode()
    message = json.dumps({"realtimeInput": {"audio": {"data": audio, "mimeType": PCM}}})
    outputs = [output for _ in range(10) for output in client.script.receive(message, client.now)]
    # 31 s of audio take more than 10 s to read.
    [stop] = outputs
    assert isinstance(stop, StopReading)
    assert stop.seconds == pytest.approx(31 / 3 - 5)


def test_what_follows_a_burst_waits_until_it_is_read() -> None:
    client = _client(HALF_CASCADE, manual())
    client.signal("activityStart")
    client.burst(speech(3.0))
    client.signal("activityEnd")
    sent_at = client.now
    client.wait_for("modelTurn")
    assert client.now - sent_at >= 1.0
    client.send({"clientContent": {"turnComplete": True}})
    assert client.close


def test_start_soon_after_an_end_is_lost() -> None:
    client = _client(HALF_CASCADE, manual())
    client.signal("activityStart")
    client.say(speech(0.5))
    client.signal("activityEnd")
    client.wait(0.4)
    client.signal("activityStart")
    client.say(speech(0.5))
    client.signal("activityEnd")
    client.wait_for("turnComplete")
    client.wait(10)
    assert client.joined("inputTranscription") == " Please tell me a long story."
    assert len(client.history.of("simulator", "activity_start_dropped")) == 1
    client.signal("activityStart")
    client.say(speech(0.5))
    client.signal("activityEnd")
    client.wait_for("turnComplete")
    assert client.joined("inputTranscription").endswith("Wait, what was that?")


def test_audio_outside_a_signalled_activity_counts_for_the_offset_only() -> None:
    client = _client(NEWEST, manual())
    client.say(speech(1.0))
    client.signal("activityStart")
    client.say(speech(0.5))
    client.signal("activityEnd")
    usage = client.wait_for("turnComplete")["usageMetadata"]
    offsets = [message["voiceActivity"]["audioOffset"] for _, message in client.got if "voiceActivity" in message]
    assert offsets == ["1s", "1.500s"]
    assert {"modality": "AUDIO", "tokenCount": 12} in usage["promptTokensDetails"]


@pytest.mark.parametrize(("model", "cut"), [(NATIVE, True), (NEWEST, False)])
def test_no_interruption_is_not_always_respected(model: str, cut: bool) -> None:
    fields = {"realtimeInputConfig": {"activityHandling": "NO_INTERRUPTION"}}
    client = _client(model, fields, no_interruption_respected=False)
    client.text("long")
    client.wait_for("modelTurn")
    client.say(speech(0.5))
    assert bool(client.times("interrupted")) is cut


@pytest.mark.parametrize("waits", [True, False])
def test_open_content_may_wait_on_the_newest_family(waits: bool) -> None:
    client = _client(NEWEST, open_content_waits=waits)
    client.content("long")
    client.wait_for("modelTurn")
    client.content("a note", complete=False)
    client.wait_for("turnComplete")
    assert bool(client.times("interrupted")) is not waits
    client.send({"clientContent": {"turnComplete": True}})
    client.wait_for("turnComplete")
    assert client.said().endswith("I see.")


@pytest.mark.parametrize("ends", [True, False])
def test_end_of_the_audio_stream_may_end_nothing(ends: bool) -> None:
    client = _client(stream_end_ends_speech=ends)
    client.say(speech(0.5))
    client.send({"realtimeInput": {"audioStreamEnd": True}})
    client.wait(10)
    assert bool(client.times("turnComplete")) is ends


def test_end_of_the_audio_stream_means_nothing_where_activities_are_signalled() -> None:
    client = _client(HALF_CASCADE, manual())
    client.signal("activityStart")
    client.say(speech(0.5))
    client.send({"realtimeInput": {"audioStreamEnd": True}})
    client.wait(10)
    assert not client.times("turnComplete")


@pytest.mark.parametrize(("respected", "silent"), [(True, 2.5), (False, 1.9)])
def test_long_silence_may_be_cut_to_two_seconds(respected: bool, silent: float) -> None:
    fields = {"realtimeInputConfig": {"automaticActivityDetection": {"silenceDurationMs": 3000}}}
    client = _client(HALF_CASCADE, fields, long_silence_respected=respected)
    client.say(speech(0.5) + silence(silent))
    assert not client.times("inputTranscription")
    client.say(silence(0.6))
    client.wait(3)
    assert bool(client.times("inputTranscription"))


def test_interruption_and_end_of_the_turn_may_share_a_message_on_newer_families() -> None:
    for model, together in ((NEWEST, True), (NATIVE, False)):
        client = _client(model, interrupted_ends_turn=True)
        client.text("long")
        client.wait_for("modelTurn")
        client.text("And now?")
        message = client.wait_for("interrupted")
        assert ("turnComplete" in message["serverContent"]) is together
        assert ("usageMetadata" in message) is together
        client.wait_for("generationComplete")
        assert client.said().endswith("I see.")
        kinds = [record.kind for record in client.history.of("simulator", "interrupted_sent", "turn_complete_sent")]
        assert kinds[:2] == ["interrupted_sent", "turn_complete_sent"]


def test_second_interruption_of_a_turn_changes_nothing() -> None:
    client = _client()
    client.text("long")
    client.wait_for("modelTurn")
    client.text("And now?")
    client.content("Or now?", complete=False)
    client.wait(0.1)
    assert len(client.times("interrupted")) == 1


def test_vertex_opens_and_finishes_its_transcripts() -> None:
    client = LiveClient(Service(DIALOGUE, VOICE), upgrade_to(VERTEX)).set_up(VERTEX_NEWEST, **TRANSCRIPTIONS)
    client.say(speech(0.5) + silence(0.9))
    client.wait_for("turnComplete")
    for key, text in (("outputTranscription", LONG), ("inputTranscription", " Please tell me a long story.")):
        transcripts = [message["serverContent"][key] for _, message in client.got if key in keys(message)]
        assert client.joined(key) == text
        assert [transcript.get("finished", False) for transcript in transcripts][-2:] == [False, True]
    first = next(message for _, message in client.got if "outputTranscription" in keys(message))
    assert first == {"serverContent": {"outputTranscription": {}}}
    assert client.times("outputTranscription")[0] == client.times("modelTurn")[0]


def test_explicit_vad_signals_tell_of_speech() -> None:
    client = LiveClient(Service(DIALOGUE, VOICE), upgrade_to(VERTEX)).set_up(VERTEX_NEWEST, explicitVadSignal=True)
    client.say(speech(0.5) + silence(0.9))
    signals = [m["voiceActivityDetectionSignal"] for _, m in client.got if "voiceActivityDetectionSignal" in m]
    assert [signal["vadSignalType"] for signal in signals] == ["VAD_SIGNAL_TYPE_SOS", "VAD_SIGNAL_TYPE_EOS"]


@pytest.mark.parametrize(("model", "closes"), [(NEWEST, True), (LEGACY, False)])
def test_an_activity_of_text_alone_closes_the_connection_on_models_that_take_content(model: str, closes: bool) -> None:
    client = _client(model, manual(), text_activity_closes=True)
    client.signal("activityStart")
    client.text("Hello")
    client.signal("activityEnd")
    client.wait(1.0)
    assert (client.close is not None) is closes


def test_text_that_the_model_does_not_take_in_real_time_is_ignored() -> None:
    client = LiveClient(Service(DIALOGUE, VOICE), upgrade_to(VERTEX))
    client.set_up("projects/p/locations/us-central1/publishers/google/models/gemini-live-2.5-flash-native-audio")
    client.text("long")
    client.wait(10)
    assert client.order() == ["setupComplete"]
