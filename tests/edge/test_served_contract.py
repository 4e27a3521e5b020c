"""Every part of the contract is either served or refused with a reason: nothing that a client asks for is ignored.

A new field or input arm of the protos fails these tests until it is entered here.
"""

import inspect
from enum import Enum
from math import inf
from types import ModuleType
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct, Value

from segue.core import options as core_options
from segue.core import outputs as core_outputs
from segue.core.events import ImageReceived, InputRefused, NoteReceived, UpdateReceived
from segue.core.options import (
    AudioFormat,
    Compression,
    Encoding,
    FunctionDeclaration,
    Modality,
    Mode,
    Options,
    ResumeContext,
    ResumePolicy,
    Scheduling,
    Sensitivity,
    ServerDetection,
    Update,
)
from segue.core.outputs import CloseReason, CutCause, EndReason, Next, NoticeKind, Rejection, Speaker
from segue.edge.opening import Refusal, read_open
from segue.edge.wire import read_input
from segue.gateway import Gateway
from segue_client.segue.v1 import client_event_pb2 as client
from segue_client.segue.v1 import open_session_pb2 as pb
from segue_client.segue.v1 import server_event_pb2 as server
from segue_client.segue.v1.error_pb2 import Error
from tests.conversation import conversing

LINEAR16 = pb.AudioFormat.ENCODING_LINEAR16
MULAW, ALAW = pb.AudioFormat.ENCODING_MULAW, pb.AudioFormat.ENCODING_ALAW
DETECTION, BARGE_IN, RESUME = pb.TurnDetection, pb.BargeIn, pb.ResumeContext
USER, MODEL = pb.HistoryTurn.ROLE_USER, pb.HistoryTurn.ROLE_MODEL


def extra(fields: dict[str, Any]) -> pb.OpenSession:
    """Return an open with extra fields of the Live API's setup."""
    return pb.OpenSession(backend_options=ParseDict(fields, Struct()))


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
    "backend_options": (
        extra({"proactivity": {"proactiveAudio": True}, "generation_config": {"seed": 7, "temperature": 0.5}}),
        "backend_options",
        '{"generation_config":{"seed":7,"temperature":0.5},"proactivity":{"proactiveAudio":true}}',
    ),
}

# What is in the contract and not served yet.
UNSERVED: list[pb.OpenSession] = [
    pb.OpenSession(resume_window=Duration(seconds=1)),
]


def function(**fields: Any) -> pb.OpenSession:
    return pb.OpenSession(tools=pb.Tools(functions=[pb.FunctionDeclaration(name="f", **fields)]))


WRONG: list[tuple[pb.OpenSession, str]] = [
    (pb.OpenSession(model="x?key=1"), "model 'x?key=1'"),
    (pb.OpenSession(model="../x"), "model '../x'"),
    (pb.OpenSession(response_modality=9), "response_modality is 9"),  # type: ignore[arg-type]
    (pb.OpenSession(transcripts=9), "transcripts is 9"),  # type: ignore[arg-type]
    (pb.OpenSession(turn_detection=DETECTION(mode=9)), "turn_detection.mode is 9"),  # type: ignore[arg-type]
    (pb.OpenSession(barge_in=BARGE_IN(policy=9)), "barge_in.policy is 9"),  # type: ignore[arg-type]
    (
        pb.OpenSession(barge_in=BARGE_IN(policy=BARGE_IN.POLICY_AFTER)),
        "barge_in.after is not set: POLICY_AFTER needs it",
    ),
    (
        pb.OpenSession(barge_in=BARGE_IN(policy=BARGE_IN.POLICY_NONE, after=Duration(seconds=1))),
        "barge_in.after is for POLICY_AFTER alone",
    ),
    (
        pb.OpenSession(barge_in=BARGE_IN(policy=BARGE_IN.POLICY_AFTER, after=Duration())),
        "after is 0 s: it must be from 0.1 to 60 s",
    ),
    (
        pb.OpenSession(delivery=pb.Delivery(max_unacked_bytes=4 * 2**20 + 1)),
        "delivery.max_unacked_bytes is 4194305: at most 4194304",
    ),
    (pb.OpenSession(resume_context=RESUME(policy=9)), "resume_context.policy is 9"),  # type: ignore[arg-type]
    (
        pb.OpenSession(resume_context=RESUME(policy=RESUME.POLICY_TEMPLATE, template=" ")),
        "resume_context.template is empty: POLICY_TEMPLATE needs one",
    ),
    (
        pb.OpenSession(resume_context=RESUME(policy=RESUME.POLICY_TEMPLATE, template="{name}")),
        "resume_context.template: the placeholder {name} is not known: the placeholders are {history}, {heard}, "
        "{sentence}, {unheard}, {said}",
    ),
    (
        pb.OpenSession(resume_context=RESUME(template="{said}")),
        "resume_context.template is for POLICY_TEMPLATE alone: set that policy, or leave the template out",
    ),
    (
        pb.OpenSession(resume_context=RESUME(history_turns=65)),
        "resume_context.history_turns is 65: at most 64",
    ),
    (
        pb.OpenSession(initial_history=[pb.HistoryTurn(role=USER, text="Hi"), pb.HistoryTurn(text="Hi")]),
        "initial_history[1] has no role: set ROLE_USER or ROLE_MODEL",
    ),
    (
        pb.OpenSession(initial_history=[pb.HistoryTurn(role=9, text="Hi")]),  # type: ignore[arg-type]
        "initial_history[0].role is 9",
    ),
    (
        pb.OpenSession(initial_history=[pb.HistoryTurn(role=MODEL, text=" ")]),
        "initial_history[0] has no text: leave it out",
    ),
    (pb.OpenSession(input_format=pb.AudioFormat(sample_rate_hertz=16_000)), "input_format.encoding is not set"),
    (pb.OpenSession(input_format=pb.AudioFormat(encoding=9)), "input_format.encoding is 9"),  # type: ignore[arg-type]
    (pb.OpenSession(input_format=pb.AudioFormat(encoding=LINEAR16)), "input_format.sample_rate_hertz is 0"),
    (
        pb.OpenSession(output_format=pb.AudioFormat(encoding=LINEAR16, sample_rate_hertz=96_000)),
        "output_format.sample_rate_hertz is 96000",
    ),
    (
        pb.OpenSession(input_format=pb.AudioFormat(encoding=pb.AudioFormat.ENCODING_MULAW, sample_rate_hertz=16_000)),
        "G.711 has 8000",
    ),
    (pb.OpenSession(output_frame_duration=Duration(nanos=9_000_000)), "output_frame_duration is 0.009 s"),
    (pb.OpenSession(output_frame_duration=Duration(seconds=2)), "from 0.01 to 1 s"),
    (pb.OpenSession(idle_timeout=Duration()), "idle_timeout is 0 s"),
    (pb.OpenSession(max_duration=Duration(seconds=86_401)), "max_duration is 86401 s"),
    (pb.OpenSession(resume_window=Duration(seconds=-1)), "resume_window is -1 s"),
    (pb.OpenSession(delivery=pb.Delivery(lead=Duration(nanos=99_000_000))), "lead is 0.099 s"),
    (pb.OpenSession(turn_detection=DETECTION(silence=Duration(seconds=6))), "silence is 6 s"),
    (pb.OpenSession(turn_detection=DETECTION(prefix_padding=Duration(seconds=2))), "prefix_padding is 2 s"),
    (
        pb.OpenSession(turn_detection=DETECTION(noise_gate=pb.NoiseGate(hang_over=Duration(seconds=6)))),
        "hang_over is 6 s: it must be from 0.1 to 5 s",
    ),
    (
        pb.OpenSession(turn_detection=DETECTION(mode=DETECTION.MODE_GATEWAY, noise_gate=pb.NoiseGate())),
        "turn_detection.noise_gate is for MODE_SERVER",
    ),
    (function(timeout=Duration(nanos=99_000_000)), "function 'f': timeout is 0.099 s: it must be from 0.1 to 600 s"),
    (function(timeout=Duration(seconds=601)), "function 'f': timeout is 601 s"),
    (
        function(parameters={"type": "object", "properties": {"city": {"type": "text"}}}),
        "function 'f': parameters.properties.city.type is 'text'",
    ),
    (pb.OpenSession(tool_policy=pb.ToolPolicy(interim_after=Duration(nanos=99_000_000))), "interim_after is 0.099 s"),
    (pb.OpenSession(tool_policy=pb.ToolPolicy(interim_after=Duration(seconds=61))), "interim_after is 61 s"),
    (
        pb.OpenSession(tool_policy=pb.ToolPolicy(interim_text="One moment.")),
        "tool_policy.interim_text is never said without tool_policy.interim_after",
    ),
    (
        extra({"model": "models/x"}),
        "backend_options.model is for Segue to decide, so leave it out: set OpenSession.model",
    ),
    (extra({"sessionResumption": {}}), "backend_options.sessionResumption is for Segue to decide"),
    (extra({"session_resumption": {}}), "backend_options.session_resumption is for Segue to decide"),
    (extra({"systemInstruction": {}}), "set OpenSession.system_instruction"),
    (extra({"tools": []}), "set OpenSession.tools"),
    (extra({"history_config": {}}), "set OpenSession.initial_history"),
    (extra({"inputAudioTranscription": {}}), "OpenSession.transcripts decides which the client gets"),
    (extra({"output_audio_transcription": {}}), "OpenSession.transcripts decides which the client gets"),
    (extra({"generation_config": {"responseModalities": ["TEXT"]}}), "set OpenSession.response_modality"),
    (extra({"generationConfig": {"audio_transcription_config": {}}}), "generationConfig.audio_transcription_config is"),
    (extra({"realtimeInputConfig": {"automatic_activity_detection": {}}}), "set OpenSession.turn_detection"),
    (extra({"realtime_input_config": {"activityHandling": "NO_INTERRUPTION"}}), "set OpenSession.barge_in"),
    (extra({"generationConfig": None}), "backend_options.generationConfig is no object: it holds fields of its own"),
    (
        pb.OpenSession(backend_options=Struct(fields={"seed": Value(number_value=inf)})),
        "backend_options hold a number that JSON does not have",
    ),
    (pb.OpenSession(labels={str(number): "" for number in range(17)}), "17 labels: at most 16"),
    (pb.OpenSession(labels={"": "x"}), "label ''"),
    (pb.OpenSession(labels={"x": "y" * 64}), "values at most 63"),
    (
        pb.OpenSession(context_compression=pb.ContextCompression(trigger_tokens=10, target_tokens=10)),
        "target_tokens must be lower",
    ),
    (pb.OpenSession(system_instruction="x" * 32 * 1024), "at most 32768 are allowed"),
]

INPUTS_SERVED = {
    *("open", "audio", "image", "text", "activity", "interrupt", "tool_result", "note", "update", "ack", "close")
}


def set_fields(opening: pb.OpenSession) -> set[str]:
    return {field.name for field, _ in opening.ListFields()}


@pytest.mark.parametrize(
    "tuning",
    [
        DETECTION(start_sensitivity=DETECTION.SENSITIVITY_LOW),
        DETECTION(end_sensitivity=DETECTION.SENSITIVITY_HIGH),
        DETECTION(silence=Duration(seconds=1)),
        DETECTION(prefix_padding=Duration()),
        DETECTION(noise_gate=pb.NoiseGate()),
    ],
)
def test_a_detector_that_is_off_cannot_be_tuned(tuning: pb.TurnDetection) -> None:
    ((field, _),) = tuning.ListFields()
    assert isinstance(read_open(pb.OpenSession(turn_detection=tuning), "default"), Options)
    tuning.mode = DETECTION.MODE_MANUAL
    refusal = read_open(pb.OpenSession(turn_detection=tuning), "default")
    assert isinstance(refusal, Refusal)
    assert refusal.reason is CloseReason.INVALID_OPEN
    assert f"turn_detection.{field.name} tunes a detector" in refusal.message


def test_every_field_of_an_open_is_served_or_refused() -> None:
    refused = set().union(*map(set_fields, UNSERVED))
    assert {field.name for field in pb.OpenSession.DESCRIPTOR.fields} == SERVED.keys() | refused


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


@pytest.mark.parametrize(
    ("encoding", "rate", "audio_format", "duration"),
    [
        (LINEAR16, 8_000, AudioFormat(Encoding.LINEAR16, 8_000), 0.040),
        (LINEAR16, 48_000, AudioFormat(Encoding.LINEAR16, 48_000), 0.040),
        (MULAW, 8_000, AudioFormat(Encoding.MULAW, 8_000), 0.020),
        (ALAW, 8_000, AudioFormat(Encoding.ALAW, 8_000), 0.020),
    ],
)
def test_the_output_format_decides_how_long_an_event_is(
    encoding: pb.AudioFormat.Encoding, rate: int, audio_format: AudioFormat, duration: float
) -> None:
    given = pb.OpenSession(output_format=pb.AudioFormat(encoding=encoding, sample_rate_hertz=rate))
    options = read_open(given, "default")
    assert isinstance(options, Options)
    assert (options.output_format, options.output_frame_duration) == (audio_format, duration)


@pytest.mark.parametrize(
    ("number", "mode"),
    [
        (DETECTION.MODE_UNSPECIFIED, Mode.SERVER),
        (DETECTION.MODE_SERVER, Mode.SERVER),
        (DETECTION.MODE_GATEWAY, Mode.GATEWAY),
        (DETECTION.MODE_MANUAL, Mode.MANUAL),
    ],
)
def test_who_decides_that_the_user_speaks(number: "pb.TurnDetection.Mode", mode: Mode) -> None:
    options = read_open(pb.OpenSession(turn_detection=DETECTION(mode=number)), "default")
    assert isinstance(options, Options)
    assert options.mode is mode


@pytest.mark.parametrize(
    ("tuning", "hang_over"),
    [
        (DETECTION(), None),
        (DETECTION(noise_gate=pb.NoiseGate()), 0.6),
        (DETECTION(noise_gate=pb.NoiseGate(hang_over=Duration(seconds=1))), 1.0),
    ],
)
def test_how_long_a_noise_gate_stays_open(tuning: pb.TurnDetection, hang_over: float | None) -> None:
    options = read_open(pb.OpenSession(turn_detection=tuning), "default")
    assert isinstance(options, Options)
    assert options.noise_gate == hang_over


@pytest.mark.parametrize("number", RESUME.Policy.values(), ids=RESUME.Policy.keys())
def test_how_an_interrupted_model_learns_what_was_heard(number: "pb.ResumeContext.Policy") -> None:
    template = "{unheard}" if number == RESUME.POLICY_TEMPLATE else ""
    options = read_open(pb.OpenSession(resume_context=RESUME(policy=number, template=template)), "default")
    assert isinstance(options, Options)
    name = RESUME.Policy.Name(number).removeprefix("POLICY_").replace("UNSPECIFIED", "BUILT_IN")
    assert options.resume_context == ResumeContext(ResumePolicy[name], template, 4)


def test_the_interim_answer_is_worded_by_the_client() -> None:
    policy = pb.ToolPolicy(interim_after=Duration(seconds=60), interim_text="One moment.")
    options = read_open(pb.OpenSession(tool_policy=policy), "default")
    assert isinstance(options, Options)
    assert (options.interim_after, options.interim_text) == (60.0, "One moment.")


@pytest.mark.parametrize(
    ("number", "after"),
    [(BARGE_IN.POLICY_UNSPECIFIED, 0.0), (BARGE_IN.POLICY_ALLOWED, 0.0), (BARGE_IN.POLICY_NONE, inf)],
)
def test_when_the_user_may_interrupt(number: "pb.BargeIn.Policy", after: float) -> None:
    options = read_open(pb.OpenSession(barge_in=BARGE_IN(policy=number)), "default")
    assert isinstance(options, Options)
    assert options.barge_in_after == after


def test_a_window_is_read() -> None:
    options = read_open(pb.OpenSession(delivery=pb.Delivery(max_unacked_bytes=96_000)), "default")
    assert isinstance(options, Options)
    assert options.max_unacked_bytes == 96_000


PNG = b"\x89PNG\r\n\x1a\n..."


def test_an_image_is_read() -> None:
    event = client.ClientEvent(seq=3, image=client.Image(content=PNG, mime_type="image/png"))
    assert read_input(event, "default") == ImageReceived(3, PNG, "image/png")


def test_an_image_that_is_none_is_rejected() -> None:
    event = client.ClientEvent(seq=3, image=client.Image(content=PNG, mime_type="image/jpeg"))
    refused = read_input(event, "default")
    assert isinstance(refused, InputRefused)
    assert (refused.seq, refused.reason) == (3, Rejection.INVALID_IMAGE)


# For each field of SessionUpdate: an update of it, and what it becomes.
UPDATES: dict[str, tuple[client.SessionUpdate, Update]] = {
    "system_instruction": (client.SessionUpdate(system_instruction=""), Update(system_instruction="")),
    "tools": (
        client.SessionUpdate(tools=pb.Tools(functions=[pb.FunctionDeclaration(name="f")], built_in=["googleSearch"])),
        Update(functions=(FunctionDeclaration("f"),), built_in_tools=("googleSearch",)),
    ),
    "barge_in": (client.SessionUpdate(barge_in=BARGE_IN(policy=BARGE_IN.POLICY_NONE)), Update(barge_in_after=inf)),
    "delivery": (
        client.SessionUpdate(delivery=pb.Delivery(unpaced=True, max_unacked_bytes=96_000)),
        Update(lead=1.0, unpaced=True, max_unacked_bytes=96_000),
    ),
}


def test_every_field_of_an_update_is_served() -> None:
    assert {field.name for field in client.SessionUpdate.DESCRIPTOR.fields} == UPDATES.keys()


@pytest.mark.parametrize("name", sorted(UPDATES))
def test_an_update_is_read(name: str) -> None:
    update, read = UPDATES[name]
    assert [field.name for field, _ in update.ListFields()] == [name]
    assert read_input(client.ClientEvent(seq=3, update=update), "default") == UpdateReceived(3, read)


def test_an_update_that_takes_all_tools_away_is_one() -> None:
    event = client.ClientEvent(update=client.SessionUpdate(tools=pb.Tools()))
    assert read_input(event, "default") == UpdateReceived(0, Update(functions=(), built_in_tools=()))


@pytest.mark.parametrize(
    ("update", "reason", "complaint"),
    [
        (client.SessionUpdate(), Rejection.EMPTY, "changes nothing"),
        (client.SessionUpdate(system_instruction="x" * 32 * 1024), Rejection.TOO_LARGE, "at most 32768"),
        (
            client.SessionUpdate(
                barge_in=BARGE_IN(policy=9),  # type: ignore[arg-type]
                delivery=pb.Delivery(lead=Duration()),
                tools=pb.Tools(built_in=["?"]),
            ),
            Rejection.INVALID_FIELD,
            "'?' is no built-in tool's name: those are such as \"googleSearch\"; barge_in.policy is 9: Policy has no "
            "such value; lead is 0 s: it must be from 0.1 to 60 s",
        ),
    ],
)
def test_an_update_that_cannot_be_is_rejected_with_all_that_is_wrong(
    update: client.SessionUpdate, reason: Rejection, complaint: str
) -> None:
    refused = read_input(client.ClientEvent(seq=3, update=update), "default")
    assert isinstance(refused, InputRefused)
    assert (refused.seq, refused.reason) == (3, reason)
    assert complaint in refused.message


def test_a_first_turn_without_a_prompt_is_one() -> None:
    options = read_open(pb.OpenSession(first_turn=pb.FirstTurn()), "default")
    assert isinstance(options, Options)
    assert options.first_turn == ""


@pytest.mark.parametrize("answer", [False, True])
def test_a_note_is_read(answer: bool) -> None:
    event = client.ClientEvent(seq=3, note=client.Note(text="It rains.", answer=answer))
    assert read_input(event, "default") == NoteReceived(3, "It rains.", answer)


def test_what_is_left_out_has_the_default_of_the_contract() -> None:
    built_in = ResumeContext(ResumePolicy.BUILT_IN)
    assert read_open(pb.OpenSession(), "default") == Options(model="default", resume_context=built_in)


@pytest.mark.parametrize("opening", UNSERVED, ids=lambda opening: str(opening).replace("\n", " ").strip())
def test_what_is_not_served_is_refused_by_its_name(opening: pb.OpenSession) -> None:
    refusal = read_open(opening, "default")
    assert isinstance(refusal, Refusal)
    assert refusal.reason is CloseReason.UNIMPLEMENTED
    (name,) = set_fields(opening)
    assert name in refusal.message


@pytest.mark.parametrize(("opening", "complaint"), WRONG, ids=[complaint for _, complaint in WRONG])
def test_what_cannot_be_is_refused_with_the_reason(opening: pb.OpenSession, complaint: str) -> None:
    refusal = read_open(opening, "default")
    assert isinstance(refusal, Refusal)
    assert refusal.reason is CloseReason.INVALID_OPEN
    assert complaint in refusal.message


@pytest.mark.parametrize(
    ("wrong", "reason", "complaints"),
    [
        (
            pb.OpenSession(
                idle_timeout=Duration(),
                transcripts=9,  # type: ignore[arg-type]
                labels={"": ""},
                resume_window=Duration(seconds=1),
            ),
            Error.REASON_INVALID_OPEN,
            ("idle_timeout", "transcripts", "label"),
        ),
        (
            pb.OpenSession(resume_window=Duration(seconds=1)),
            Error.REASON_UNIMPLEMENTED,
            ("resume_window",),
        ),
        (
            pb.OpenSession(model="gemini-3.8-live", response_modality=pb.OpenSession.MODALITY_TEXT),
            Error.REASON_INVALID_OPEN,
            ("does not answer in TEXT",),
        ),
        (
            pb.OpenSession(model="gemini-3.8-live-extended-thinking", tools=function(blocking=True).tools),
            Error.REASON_INVALID_OPEN,
            ("blocking is true in the declaration of 'f'", "never waits for results"),
        ),
    ],
)
async def test_a_refused_open_closes_its_channel_and_names_all_that_is_wrong(
    gateway: Gateway, wrong: pb.OpenSession, reason: "Error.Reason", complaints: tuple[str, ...]
) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.say(client.ClientEvent(open=wrong))
        refused = await conversation.hear("closed")
        assert (refused.seq, refused.closed.error.reason) == (1, reason)
        assert refused.closed.next == server.SessionClosed.NEXT_NONE
        for complaint in complaints:
            assert complaint in refused.closed.error.message
        await conversation.open(1)


def test_every_input_is_served_or_refused() -> None:
    inputs = {field.name for field in client.ClientEvent.DESCRIPTOR.oneofs_by_name["input"].fields}
    assert inputs == INPUTS_SERVED | {"resume"}


async def test_a_resume_is_refused(gateway: Gateway) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.say(client.ClientEvent(resume=client.ResumeSession(resume_token="x")))
        closed = (await conversation.hear("closed")).closed
        assert closed.error.reason == Error.REASON_UNIMPLEMENTED
        assert "open anew" in closed.error.message


# For each enum of the core: the contract's, and its values' prefix.
ENUMS: dict[type[Enum], tuple[object, str]] = {
    CloseReason: (Error.Reason, "REASON"),
    Next: (server.SessionClosed.Next, "NEXT"),
    Rejection: (server.InputRejected.Reason, "REASON"),
    EndReason: (server.TurnEnded.Reason, "REASON"),
    CutCause: (server.Interrupted.Cause, "CAUSE"),
    Speaker: (server.Transcript.Speaker, "SPEAKER"),
    NoticeKind: (server.Notice.Kind, "KIND"),
    Modality: (pb.OpenSession.Modality, "MODALITY"),
    Mode: (pb.TurnDetection.Mode, "MODE"),
    Sensitivity: (pb.TurnDetection.Sensitivity, "SENSITIVITY"),
    Encoding: (pb.AudioFormat.Encoding, "ENCODING"),
    Scheduling: (client.ToolResult.Scheduling, "SCHEDULING"),
    ResumePolicy: (RESUME.Policy, "POLICY"),
}


def enums_of(module: ModuleType) -> set[type[Enum]]:
    found = (member for _, member in inspect.getmembers(module, inspect.isclass) if issubclass(member, Enum))
    return {enum for enum in found if enum.__module__ == module.__name__}


def test_every_enum_that_the_core_shares_with_its_clients_is_entered_here() -> None:
    assert enums_of(core_outputs) | enums_of(core_options) == ENUMS.keys()


@pytest.mark.parametrize("names", ENUMS, ids=lambda names: names.__name__)
def test_every_value_of_the_core_has_its_name_in_the_contract(names: type[Enum]) -> None:
    enum, prefix = ENUMS[names]
    assert {f"{prefix}_{name}" for name in names.__members__} <= set(enum.keys())  # type: ignore[attr-defined]


@pytest.mark.parametrize("names", [Sensitivity, Scheduling, ResumePolicy], ids=lambda names: names.__name__)
def test_every_value_that_a_client_can_choose_is_known_to_the_core(names: type[Enum]) -> None:
    enum, prefix = ENUMS[names]
    chosen = set(enum.keys()) - {f"{prefix}_UNSPECIFIED"}  # type: ignore[attr-defined]
    assert chosen == {f"{prefix}_{name}" for name in names.__members__}
