"""What an open asks for becomes an option, and what it leaves out has the contract's default."""

from math import inf

import pytest
from google.protobuf.duration_pb2 import Duration

from segue.core.options import AudioFormat, Encoding, Mode, Options, ResumeContext, ResumePolicy
from segue.edge.opening import read_open
from segue_client.segue.v1 import open_session_pb2 as pb
from tests.edge.opens import ALAW, BARGE_IN, DETECTION, LINEAR16, MULAW, RESUME


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


def test_a_first_turn_without_a_prompt_is_one() -> None:
    options = read_open(pb.OpenSession(first_turn=pb.FirstTurn()), "default")
    assert isinstance(options, Options)
    assert options.first_turn == ""


def test_what_is_left_out_has_the_default_of_the_contract() -> None:
    built_in = ResumeContext(ResumePolicy.BUILT_IN)
    assert read_open(pb.OpenSession(), "default") == Options(model="default", resume_context=built_in)
