"""An open that cannot be is refused with all that is wrong."""

from math import inf
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct, Value

from segue.core.options import Options
from segue.core.outputs import CloseReason
from segue.edge.opening import Refusal, read_open
from segue.gateway import Gateway
from segue_client.segue.v1 import client_event_pb2 as client
from segue_client.segue.v1 import open_session_pb2 as pb
from segue_client.segue.v1 import server_event_pb2 as server
from segue_client.segue.v1.error_pb2 import Error
from tests.conversation import conversing
from tests.edge.opens import BARGE_IN, DETECTION, LINEAR16, MODEL, RESUME, USER, extra


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
                resume_window=Duration(seconds=3601),
            ),
            Error.REASON_INVALID_OPEN,
            ("idle_timeout", "transcripts", "label", "resume_window"),
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
