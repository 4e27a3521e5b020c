"""Every part of the contract is either served or refused with a reason: nothing that a client asks for is ignored.

A new field or input arm of the protos fails these tests until it is entered here.
"""

import pytest
from google.protobuf.duration_pb2 import Duration

from segue.core.options import (
    AudioFormat,
    Compression,
    Encoding,
    FunctionDeclaration,
    Modality,
    Options,
    ResumeContext,
    ResumePolicy,
    Sensitivity,
    ServerDetection,
)
from segue.edge.opening import read_open
from segue_client.segue.v1 import client_event_pb2 as client
from segue_client.segue.v1 import open_session_pb2 as pb
from tests.edge.opens import ALAW, BARGE_IN, DETECTION, MODEL, MULAW, RESUME, USER, extra

# For each field of OpenSession: what is served, with the option that it becomes.
SERVED: dict[str, tuple[pb.OpenSession, str, object]] = {
    "model": (pb.OpenSession(model="gemini-2.5-flash-native-audio"), "model", "gemini-2.5-flash-native-audio"),
    "voice": (pb.OpenSession(voice="Puck"), "voice", "Puck"),
    "language": (pb.OpenSession(language="de-DE"), "language", "de-DE"),
    "system_instruction": (pb.OpenSession(system_instruction="Be brief."), "system_instruction", "Be brief."),
    "tools": (
        pb.OpenSession(
            tools=pb.Tools(
                functions=[pb.FunctionDeclaration(name="get_time", blocking=False, timeout=Duration(seconds=5))],
                built_in=["urlContext"],
            )
        ),
        "functions",
        (FunctionDeclaration("get_time", blocking=False, timeout=5.0),),
    ),
    "response_modality": (pb.OpenSession(response_modality=pb.OpenSession.MODALITY_TEXT), "modality", Modality.TEXT),
    "turn_detection": (
        pb.OpenSession(
            turn_detection=DETECTION(
                mode=DETECTION.MODE_SERVER,
                start_sensitivity=DETECTION.SENSITIVITY_HIGH,
                end_sensitivity=DETECTION.SENSITIVITY_LOW,
                silence=Duration(nanos=600_000_000),
                prefix_padding=Duration(nanos=50_000_000),
            )
        ),
        "detection",
        ServerDetection(Sensitivity.HIGH, Sensitivity.LOW, 600, 50),
    ),
    "barge_in": (
        pb.OpenSession(barge_in=BARGE_IN(policy=BARGE_IN.POLICY_AFTER, after=Duration(seconds=2))),
        "barge_in_after",
        2.0,
    ),
    "input_format": (
        pb.OpenSession(input_format=pb.AudioFormat(encoding=MULAW, sample_rate_hertz=8_000)),
        "input_format",
        AudioFormat(Encoding.MULAW, 8_000),
    ),
    "output_format": (
        pb.OpenSession(output_format=pb.AudioFormat(encoding=ALAW, sample_rate_hertz=8_000)),
        "output_format",
        AudioFormat(Encoding.ALAW, 8_000),
    ),
    "output_frame_duration": (
        pb.OpenSession(output_frame_duration=Duration(nanos=20_000_000)),
        "output_frame_duration",
        0.02,
    ),
    "transcripts": (pb.OpenSession(transcripts=pb.OpenSession.TRANSCRIPTS_MODEL), "user_transcripts", False),
    "delivery": (pb.OpenSession(delivery=pb.Delivery(lead=Duration(seconds=2))), "lead", 2.0),
    "resume_context": (
        pb.OpenSession(
            resume_context=RESUME(policy=RESUME.POLICY_TEMPLATE, template="Missed: {unheard}", history_turns=0)
        ),
        "resume_context",
        ResumeContext(ResumePolicy.TEMPLATE, "Missed: {unheard}", 0),
    ),
    "tool_policy": (
        pb.OpenSession(tool_policy=pb.ToolPolicy(interim_after=Duration(seconds=1, nanos=500_000_000))),
        "interim_after",
        1.5,
    ),
    "first_turn": (pb.OpenSession(first_turn=pb.FirstTurn(prompt="Say hello.")), "first_turn", "Say hello."),
    "initial_history": (
        pb.OpenSession(
            initial_history=[
                pb.HistoryTurn(role=MODEL, text="Hello."),
                pb.HistoryTurn(role=USER, text="Hi."),
                pb.HistoryTurn(role=USER, text="I am Ann."),
                pb.HistoryTurn(role=MODEL, text="Hello, Ann."),
                pb.HistoryTurn(role=MODEL, text="Still there?"),
                pb.HistoryTurn(role=USER, text="Yes."),
            ]
        ),
        "initial_history",
        (("", "Hello."), ("Hi.", ""), ("I am Ann.", "Hello, Ann."), ("", "Still there?"), ("Yes.", "")),
    ),
    "context_compression": (
        pb.OpenSession(context_compression=pb.ContextCompression(trigger_tokens=20_000, target_tokens=10_000)),
        "compression",
        Compression(20_000, 10_000),
    ),
    "idle_timeout": (pb.OpenSession(idle_timeout=Duration(seconds=5)), "idle_timeout", 5.0),
    "max_duration": (pb.OpenSession(max_duration=Duration(seconds=60)), "max_duration", 60.0),
    "labels": (pb.OpenSession(labels={"call": "7"}), "labels", {"call": "7"}),
    "include_notices": (pb.OpenSession(include_notices=True), "notices", True),
    "resume_window": (pb.OpenSession(resume_window=Duration(seconds=90)), "resume_window", 90.0),
    "backend_options": (
        extra({"proactivity": {"proactiveAudio": True}, "generation_config": {"seed": 7, "temperature": 0.5}}),
        "backend_options",
        '{"generation_config":{"seed":7,"temperature":0.5},"proactivity":{"proactiveAudio":true}}',
    ),
}


INPUTS_SERVED = {
    *("open", "resume", "audio", "image", "text", "activity", "interrupt"),
    *("tool_result", "note", "update", "ack", "close"),
}


def set_fields(opening: pb.OpenSession) -> set[str]:
    return {field.name for field, _ in opening.ListFields()}


def test_every_field_of_an_open_is_served() -> None:
    assert {field.name for field in pb.OpenSession.DESCRIPTOR.fields} == SERVED.keys()


@pytest.mark.parametrize(
    "message",
    [
        pb.Tools,
        pb.FunctionDeclaration,
        pb.AudioFormat,
        pb.TurnDetection,
        pb.NoiseGate,
        pb.BargeIn,
        pb.Delivery,
        pb.ResumeContext,
        pb.FirstTurn,
        pb.HistoryTurn,
        pb.ContextCompression,
        pb.ToolPolicy,
    ],
    ids=lambda message: message.DESCRIPTOR.name,
)
def test_every_field_within_a_served_part_is_served_or_refused(message: type) -> None:
    told = {
        "Tools": {"functions", "built_in"},
        "FunctionDeclaration": {"name", "description", "parameters", "blocking", "timeout"},
        "AudioFormat": {"encoding", "sample_rate_hertz"},
        "TurnDetection": {*("mode", "start_sensitivity", "end_sensitivity", "silence", "prefix_padding", "noise_gate")},
        "NoiseGate": {"hang_over"},
        "BargeIn": {"policy", "after"},
        "Delivery": {"lead", "unpaced", "max_unacked_bytes"},
        "ResumeContext": {"policy", "template", "history_turns"},
        "FirstTurn": {"prompt"},
        "HistoryTurn": {"role", "text"},
        "ContextCompression": {"off", "trigger_tokens", "target_tokens"},
        "ToolPolicy": {"interim_after", "interim_text"},
    }
    descriptor = message.DESCRIPTOR  # type: ignore[attr-defined]
    assert {field.name for field in descriptor.fields} == told[descriptor.name]


@pytest.mark.parametrize("name", sorted(SERVED))
def test_what_is_served_becomes_an_option(name: str) -> None:
    opening, option, value = SERVED[name]
    assert set_fields(opening) == {name}
    options = read_open(opening, "default")
    assert isinstance(options, Options)
    assert getattr(options, option) == value


def test_every_input_is_served() -> None:
    inputs = {field.name for field in client.ClientEvent.DESCRIPTOR.oneofs_by_name["input"].fields}
    assert inputs == INPUTS_SERVED
