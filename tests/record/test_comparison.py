"""Recordings against the simulator: its own agree with it, and what was changed in one is reported at its point."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segue.record.comparison import Comparison, Point, Verdict, compare
from segue.record.recording import load_recording
from segue.record.redaction import Redaction
from segue.simulator.dialogue import Dialogue
from segue.simulator.dialogue_file import parse_dialogue
from segue.simulator.speech import SpeechLikeVoice
from tests.record.recorded import DIALOGUE, events_of, record_conversation

Events = list[dict[str, Any]]
# Changes a recording in place.
Edit = Callable[[Events], None]

DEVELOPER = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
HEADER = {"ev": "recording", "version": 1, "flavour": "developer", "model": "m", "date": "2026-11-20"}
NATIVE = "models/gemini-2.5-flash-native-audio-preview-12-2025"
HALF_CASCADE = "models/gemini-live-2.5-flash-preview"


@pytest.fixture(scope="module")
def conversation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spoken conversation with an interruption, recorded once."""
    path = tmp_path_factory.mktemp("recording") / "developer.jsonl"
    asyncio.run(record_conversation(path, "developer", "audio"))
    return path


def compare_events(path: Path, events: Events) -> Comparison:
    path.write_text("".join(f"{json.dumps(event)}\n" for event in events))
    return compare(load_recording(path))


def point(comparison: Comparison, name: str) -> Point:
    [found] = [point for point in comparison.points if point.name == name]
    return found


def differing(comparison: Comparison) -> set[str]:
    return {point.name for point in comparison.points if not point.agrees}


@pytest.mark.parametrize("said", [None, DIALOGUE])
def test_conversation_with_the_simulator_agrees_with_it(conversation: Path, said: Dialogue | None) -> None:
    comparison = compare(load_recording(conversation), None if said is None else (said, SpeechLikeVoice()))
    assert not [point for point in comparison.points if not point.agrees]
    assert comparison.agrees
    assert point(comparison, "order of turn 1").recorded == ("output", "interrupted", "turnComplete")
    assert point(comparison, "order of turn 2").recorded == ("output", "generationComplete", "turnComplete")
    assert point(comparison, "close").recorded == ("client 1000",)
    assert {point.name for point in comparison.points if not point.structural} >= {
        "setup latency (s)",
        "first output after the user's turn (s)",
        "audio chunks (s)",
        "pace of audio (x real time)",
        "turnComplete after generationComplete (s)",
        "turnComplete after the end of playback (s)",
        "output transcript, fragments per second of audio",
        "output transcript, ahead of its audio (s)",
        "input transcript, its end after the first output (s)",
        "interruption latency (s)",
    }


@pytest.mark.parametrize(
    ("service", "medium", "left_out"),
    [
        ("developer", "text", {}),
        ("vertex", "audio", {"keep_audio": True}),
        ("developer", "audio", {"keep_text": False}),
    ],
)
async def test_whatever_was_left_out_the_comparison_agrees(
    tmp_path: Path, service: str, medium: str, left_out: dict[str, bool]
) -> None:
    path = tmp_path / "recording.jsonl"
    await record_conversation(path, service, medium, Redaction(**left_out))
    comparison = compare(load_recording(path))
    assert not [point for point in comparison.points if not point.agrees]
    text = path.read_text()
    assert "a-key" not in text
    assert "a-token" not in text
    assert ("Hello" in text or "story" in text) == left_out.get("keep_text", True)


def test_comparison_is_deterministic(conversation: Path) -> None:
    recording = load_recording(conversation)
    assert compare(recording, seed=3) == compare(recording, seed=3)


def _server_contents(events: Events, field: str) -> Events:
    return [
        event for event in events if event["ev"] == "server_frame" and field in event["json"].get("serverContent", {})
    ]


def _drop_generation_complete(events: Events) -> None:
    for event in _server_contents(events, "generationComplete"):
        events.remove(event)


def _rename_usage(events: Events) -> None:
    for event in _server_contents(events, "turnComplete"):
        usage = event["json"]["usageMetadata"]
        usage["candidatesTokenCount"] = usage.pop("responseTokenCount")


def _delay_turn_complete(events: Events) -> None:
    late = _server_contents(events, "turnComplete")[-1]["at"]
    for event in events[1:]:
        if event["at"] >= late:
            event["at"] += 5


def _write_snake_case(events: Events) -> None:
    for event in _server_contents(events, "modelTurn"):
        event["json"] = {"server_content": {"model_turn": event["json"]["serverContent"]["modelTurn"]}}


def _close_otherwise(events: Events) -> None:
    events[-1] |= {"by": "server", "code": 1011, "reason": "Internal error encountered."}


def _empty_handles(events: Events) -> None:
    for event in events:
        if "newHandle" in event.get("json", {}).get("sessionResumptionUpdate", {}):
            event["json"] = {"sessionResumptionUpdate": {}}


def _name_no_rate(events: Events) -> None:
    for event in _server_contents(events, "modelTurn"):
        for part in event["json"]["serverContent"]["modelTurn"]["parts"]:
            part["inlineData"]["mimeType"] = "audio/pcm"


def _send_text_frames(events: Events) -> None:
    for event in events:
        if event["ev"] == "server_frame":
            event["opcode"] = "text"


def _add_voice_activity(events: Events) -> None:
    activity = {"voiceActivity": {"type": "ACTIVITY_START"}}
    events.insert(4, events[3] | {"json": activity})


@pytest.mark.parametrize(
    ("edit", "names"),
    [
        (_drop_generation_complete, {"kinds of messages", "order of turn 2"}),
        (_rename_usage, {"fields of usageMetadata"}),
        (_write_snake_case, {"fields of modelTurn"}),
        (_close_otherwise, {"close"}),
        (_empty_handles, {"resumption updates", "fields of sessionResumptionUpdate"}),
        (_name_no_rate, {"audio formats"}),
        (_send_text_frames, {"opcodes of the server"}),
        (_add_voice_activity, {"kinds of messages", "voice activity"}),
    ],
)
def test_what_was_changed_is_reported_at_its_point(
    conversation: Path, tmp_path: Path, edit: Edit, names: set[str]
) -> None:
    events = events_of(conversation)
    edit(events)
    comparison = compare_events(tmp_path / "edited.jsonl", events)
    assert differing(comparison) == names
    assert not comparison.agrees


def test_reported_points_say_what_both_did(conversation: Path, tmp_path: Path) -> None:
    events = events_of(conversation)
    _close_otherwise(events)
    _drop_generation_complete(events)
    comparison = compare_events(tmp_path / "edited.jsonl", events)
    close = point(comparison, "close")
    assert (close.verdict, close.recorded, close.simulated) == (
        Verdict.ONLY_RECORDED,
        ("server 1011 Internal error encountered.",),
        (),
    )
    order = point(comparison, "order of turn 2")
    assert (order.verdict, order.recorded, order.simulated) == (
        Verdict.DIFFERS,
        ("output", "turnComplete"),
        ("output", "generationComplete", "turnComplete"),
    )


def test_late_turn_complete_is_a_timing_outside(conversation: Path, tmp_path: Path) -> None:
    events = events_of(conversation)
    _delay_turn_complete(events)
    comparison = compare_events(tmp_path / "edited.jsonl", events)
    assert comparison.agrees
    outside = {point.name for point in comparison.points if point.verdict is Verdict.OUTSIDE}
    assert outside >= {
        "turnComplete after generationComplete (s)",
        "turnComplete after the end of playback (s)",
    }
    assert "setup latency (s)" not in outside


def recorded(*exchange: tuple[float, str, Any], path: str = DEVELOPER) -> Events:
    """A recording of one connection: time, event, and its JSON or its other fields."""
    events: Events = [HEADER, {"ev": "handshake", "connection": 1, "at": 0, "path": path, "headers": [KEY]}]
    for at, kind, content in exchange:
        fields = {"opcode": "binary", "json": content} if kind.endswith("_frame") else content
        events.append({"ev": kind, "connection": 1, "at": at, **fields})
    return events


KEY = ["x-goog-api-key", "key-1"]
SETUP = {"setup": {"model": NATIVE}}


def test_close_for_a_rule_agrees_in_code_and_reason(tmp_path: Path) -> None:
    reason = "Explicit activity control is not supported when automatic activity detection is enabled."
    events = recorded(
        (0.1, "client_frame", SETUP),
        (0.25, "server_frame", {"setupComplete": {}}),
        (0.5, "client_frame", {"realtimeInput": {"activityStart": {}}}),
        (0.6, "closed", {"by": "server", "code": 1007, "reason": reason}),
    )
    path = tmp_path / "rule.jsonl"
    assert compare_events(path, events).agrees
    events[-1]["code"] = 1008
    comparison = compare_events(path, events)
    assert differing(comparison) == {"close"}
    close = point(comparison, "close")
    assert (close.recorded, close.simulated) == ((f"server 1008 {reason}",), (f"server 1007 {reason}",))


def test_key_that_was_refused_is_refused_by_the_simulator(tmp_path: Path) -> None:
    reason = "API key not valid. Please pass a valid API key."
    closed = {"by": "server", "code": 1007, "reason": reason}
    comparison = compare_events(tmp_path / "key.jsonl", recorded((0.1, "client_frame", SETUP), (0.2, "closed", closed)))
    assert comparison.agrees
    assert point(comparison, "close").simulated == (f"server 1007 {reason}",)


def test_rejection_of_a_path_agrees(tmp_path: Path) -> None:
    rejection = (0.1, "rejected", {"by": "server", "status": 404, "body": ""})
    assert compare_events(tmp_path / "other.jsonl", recorded(rejection, path="/other")).agrees
    comparison = compare_events(tmp_path / "live.jsonl", recorded(rejection))
    assert differing(comparison) == {"handshake"}


def test_frame_that_is_no_json_is_none_for_the_simulator_either(tmp_path: Path) -> None:
    events = recorded((0.1, "closed", {"by": "server", "code": 1007, "reason": ""}))
    events.insert(2, {"ev": "client_frame", "connection": 1, "at": 0.05, "opcode": "text", "bytes": 7})
    close = point(compare_events(tmp_path / "recording.jsonl", events), "close")
    assert str(close.simulated[0]).startswith("server 1007")


def _spoken(at: float, dbfs: int, seconds: float) -> tuple[float, str, Any]:
    data = {"bytes": round(seconds * 32000), "dbfs": [dbfs] * round(seconds * 50)}
    return at, "client_frame", {"realtimeInput": {"audio": {"data": data, "mimeType": "audio/pcm;rate=16000"}}}


def test_quiet_audio_is_as_quiet_for_the_simulator(tmp_path: Path) -> None:
    """Levels stand for the audio: the simulator hears speech where there was some, and nothing where there was none."""
    setup = [(0.0, "client_frame", SETUP), (0.15, "server_frame", {"setupComplete": {}})]
    for level, heard in ((-20, True), (-70, False)):
        events = recorded(*setup, _spoken(1.0, level, 0.5), _spoken(1.5, -100, 1.0), (9.0, "closed", CLIENT_CLOSED))
        comparison = compare_events(tmp_path / "recording.jsonl", events)
        simulated = [point.name for point in comparison.points if point.verdict is Verdict.ONLY_SIMULATED]
        assert ("order of turn 1" in simulated) == heard


CLIENT_CLOSED = {"by": "client", "code": 1000, "reason": ""}


def _text(at: float, text: str) -> tuple[float, str, Any]:
    content = {"turns": [{"role": "user", "parts": [{"text": text}]}], "turnComplete": True}
    return at, "client_frame", {"clientContent": content}


def test_resumed_connection_resumes_the_simulated_session(tmp_path: Path) -> None:
    """The recorded handle stands for the simulator's own, whose new one follows the setup."""
    setup = {"model": HALF_CASCADE, "generationConfig": {"responseModalities": ["TEXT"]}, "sessionResumption": {}}
    handles = [{"sessionResumptionUpdate": {"newHandle": f"handle-{n}", "resumable": True}} for n in (1, 2)]
    usage = {"promptTokenCount": 1, "responseTokenCount": 1, "totalTokenCount": 2}
    details = {f"{name}TokensDetails": [{"modality": "TEXT", "tokenCount": 1}] for name in ("prompt", "response")}
    events = recorded(
        (0.0, "client_frame", {"setup": setup}),
        (0.15, "server_frame", {"setupComplete": {}}),
        _text(0.2, "Hello."),
        (0.2, "server_frame", {"sessionResumptionUpdate": {}}),
        (0.7, "server_frame", {"serverContent": {"modelTurn": {"parts": [{"text": "Hello to you."}]}}}),
        (0.7, "server_frame", {"serverContent": {"generationComplete": True}}),
        (0.7, "server_frame", {"serverContent": {"turnComplete": True}, "usageMetadata": usage | details}),
        (0.7, "server_frame", handles[0]),
        (0.9, "closed", CLIENT_CLOSED),
    )
    resumed = recorded(
        (1.0, "client_frame", {"setup": setup | {"sessionResumption": {"handle": "handle-1"}}}),
        (1.15, "server_frame", {"setupComplete": {}}),
        (1.15, "server_frame", handles[1]),
        (2.0, "closed", CLIENT_CLOSED),
    )[1:]
    for event in resumed:
        event["connection"] = 2
    comparison = compare_events(tmp_path / "recording.jsonl", events + resumed)
    assert {point.connection for point in comparison.points} == {1, 2}
    assert not [point for point in comparison.points if not point.agrees]


TOOL = {"functionDeclarations": [{"name": "look_up", "behavior": "BLOCKING"}]}
TOOL_DIALOGUE = parse_dialogue(
    """
    [[utterances]]
    user = "?"
    model = "."
    [[fallback]]
    call = { name = "look_up", args = { number = 7 } }
    model = "It is seven."
    """,
    "test",
)


def test_tool_response_answers_the_simulated_call(tmp_path: Path) -> None:
    """The recorded call's id stands for that of the simulator's own call, without which it would never go on."""
    call = {"functionCalls": [{"id": "function-call-42", "name": "look_up", "args": {"number": 9}}]}
    response = {"functionResponses": [{"id": "function-call-42", "name": "look_up", "response": {"result": 1}}]}
    setup = {"model": HALF_CASCADE, "generationConfig": {"responseModalities": ["TEXT"]}, "tools": [TOOL]}
    events = recorded(
        (0.0, "client_frame", {"setup": setup}),
        (0.15, "server_frame", {"setupComplete": {}}),
        _text(0.2, "Look it up."),
        (0.9, "server_frame", {"toolCall": call}),
        (3.0, "client_frame", {"toolResponse": response}),
        (4.0, "server_frame", {"serverContent": {"modelTurn": {"parts": [{"text": "It is one."}]}}}),
        (4.0, "server_frame", {"serverContent": {"generationComplete": True}}),
        (4.0, "server_frame", {"serverContent": {"turnComplete": True}}),
        (9.0, "closed", CLIENT_CLOSED),
    )
    path = tmp_path / "recording.jsonl"
    path.write_text("".join(f"{json.dumps(event)}\n" for event in events))
    comparison = compare(load_recording(path), (TOOL_DIALOGUE, SpeechLikeVoice()))
    order = point(comparison, "order of turn 1")
    assert order.recorded == ("toolCall", "output", "generationComplete", "turnComplete")
    assert order.simulated[-3:] == ("output", "generationComplete", "turnComplete")
    assert "toolCall" in order.simulated


def test_handle_from_before_the_recording_begins_a_session(tmp_path: Path) -> None:
    setup = {"setup": {"model": NATIVE, "sessionResumption": {"handle": "handle-1"}}}
    events = recorded(
        (0.0, "client_frame", setup), (0.15, "server_frame", {"setupComplete": {}}), (1.0, "closed", CLIENT_CLOSED)
    )
    assert compare_events(tmp_path / "recording.jsonl", events).agrees


def test_turn_that_the_recording_cuts_off_is_compared_as_far_as_it_goes(conversation: Path, tmp_path: Path) -> None:
    events = events_of(conversation)
    last = events.index(_server_contents(events, "generationComplete")[-1])
    cut = [*events[:last], events[-1] | {"at": events[last - 1]["at"]}]
    comparison = compare_events(tmp_path / "cut.jsonl", cut)
    assert point(comparison, "order of turn 2").recorded == ("output",)
    assert not [point for point in comparison.points if not point.agrees]


def test_comparison_is_json(conversation: Path) -> None:
    comparison = compare(load_recording(conversation))
    shown = json.loads(json.dumps(comparison.as_json()))
    assert shown["agrees"]
    assert shown["points"][0] == {
        "connection": 1,
        "name": "handshake",
        "structural": True,
        "verdict": "same",
        "recorded": ["accepted"],
        "simulated": ["accepted"],
    }
