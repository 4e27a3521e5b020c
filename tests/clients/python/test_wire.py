"""Every output of the contract has its event, and every field of it arrives."""

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

import segue_client
from segue_client import events, wire
from segue_client.segue.v1 import server_event_pb2 as pb
from segue_client.segue.v1.client_event_pb2 import ToolResult
from segue_client.segue.v1.error_pb2 import Error


def a_second_and_a_half() -> Duration:
    return Duration(seconds=1, nanos=500_000_000)


def struct(**fields: Any) -> Struct:
    message = Struct()
    message.update(fields)
    return message


USAGE = pb.Usage(
    input_tokens=1,
    output_tokens=2,
    total_tokens=3,
    thinking_tokens=4,
    input_by_modality=[pb.ModalityTokens(modality="AUDIO", tokens=5)],
    output_by_modality=[pb.ModalityTokens(modality="TEXT", tokens=6)],
)
PLAIN_USAGE = events.Usage(1, 2, 3, 4, {"AUDIO": 5}, {"TEXT": 6})

# What the library deals with by itself.
OWN = {"input_ack"}
OUTPUTS: dict[str, tuple[pb.ServerEvent, events.Event | events.Closed]] = {
    "opened": (
        pb.ServerEvent(opened=pb.SessionOpened(session_id="s1", resume_token="secret", model="m")),
        events.Opened("s1", "m"),
    ),
    "resumed": (
        pb.ServerEvent(resumed=pb.SessionResumed(last_input_seq=7, output_lost=True)),
        events.Resumed(7, True),
    ),
    "audio": (pb.ServerEvent(turn=1, audio=b"\1\2"), events.Audio(1, b"\1\2")),
    "text": (pb.ServerEvent(turn=1, text="Once"), events.Text(1, "Once")),
    "transcript": (
        pb.ServerEvent(turn=2, transcript=pb.Transcript(speaker=pb.Transcript.SPEAKER_USER, text=" hello")),
        events.Transcript(2, "USER", " hello"),
    ),
    "user_activity": (
        pb.ServerEvent(user_activity=pb.UserActivity(edge=pb.UserActivity.EDGE_END)),
        events.UserActivity("END"),
    ),
    "interrupted": (
        pb.ServerEvent(
            turn=3,
            interrupted=pb.Interrupted(
                cause=pb.Interrupted.CAUSE_CLIENT,
                heard_text="a",
                unheard_text="b",
                heard_duration=a_second_and_a_half(),
                stop_latency=Duration(nanos=250_000_000),
            ),
        ),
        events.Interrupted(3, "CLIENT", "a", "b", 1.5, 0.25),
    ),
    "turn_ended": (
        pb.ServerEvent(
            turn=3,
            turn_ended=pb.TurnEnded(
                reason=pb.TurnEnded.REASON_REFUSED,
                heard_text="a",
                unheard_text="b",
                heard_duration=a_second_and_a_half(),
                audio_duration=Duration(seconds=2),
                first_audio_latency=Duration(nanos=250_000_000),
                usage=USAGE,
                backend_reason="SAFETY",
            ),
        ),
        events.TurnEnded(3, "REFUSED", "a", "b", 1.5, 2.0, 0.25, PLAIN_USAGE, "SAFETY"),
    ),
    "tool_call": (
        pb.ServerEvent(turn=4, tool_call=pb.ToolCall(call_id="c", name="f", arguments=struct(n=3, x=[0.5, None]))),
        events.ToolCall(4, "c", "f", {"n": 3, "x": [0.5, None]}),
    ),
    "tool_call_cancelled": (
        pb.ServerEvent(tool_call_cancelled=pb.ToolCallCancelled(call_id="c")),
        events.ToolCallCancelled("c"),
    ),
    "grounding": (
        pb.ServerEvent(turn=5, grounding=pb.Grounding(metadata=struct(a={"b": True}, c="d"))),
        events.Grounding(5, {"a": {"b": True}, "c": "d"}),
    ),
    "notice": (
        pb.ServerEvent(notice=pb.Notice(kind=pb.Notice.KIND_RENEWED, message="new link", took=a_second_and_a_half())),
        events.Notice("RENEWED", "new link", 1.5),
    ),
    "input_rejected": (
        pb.ServerEvent(
            input_rejected=pb.InputRejected(input_seq=1, reason=pb.InputRejected.REASON_ODD_BYTES, message="even!")
        ),
        events.InputRejected(1, "ODD_BYTES", "even!"),
    ),
    "go_away": (
        pb.ServerEvent(go_away=pb.GoAway(deadline=Timestamp(seconds=60))),
        events.GoAway(datetime(1970, 1, 1, 0, 1, tzinfo=UTC)),
    ),
    "closed": (
        pb.ServerEvent(
            closed=pb.SessionClosed(
                error=Error(reason=Error.REASON_QUOTA, message="later", retry_delay=a_second_and_a_half()),
                next=pb.SessionClosed.NEXT_OPEN_AGAIN,
                totals=pb.Totals(
                    duration=Duration(seconds=10),
                    turns=2,
                    interruptions=1,
                    input_audio=Duration(seconds=9),
                    output_audio=Duration(seconds=8),
                    usage=USAGE,
                ),
            )
        ),
        events.Closed("QUOTA", "later", 1.5, "OPEN_AGAIN", events.Totals(10.0, 2, 1, 9.0, 8.0, PLAIN_USAGE)),
    ),
}


@pytest.mark.parametrize("arm", [field.name for field in pb.ServerEvent.DESCRIPTOR.oneofs_by_name["output"].fields])
def test_every_output_becomes_an_event_or_is_the_librarys_own(arm: str) -> None:
    if arm in OWN:
        message = pb.ServerEvent()
        getattr(message, arm).SetInParent()
        assert wire.read_event(message) is None
    else:
        message, event = OUTPUTS[arm]
        assert wire.read_event(message) == event


@pytest.mark.parametrize("arm", list(OUTPUTS))
def test_every_event_is_exported(arm: str) -> None:
    event = type(OUTPUTS[arm][1])
    assert getattr(segue_client, event.__name__) is event
    assert event.__name__ in segue_client.__all__


def test_what_is_unset_is_none_or_empty() -> None:
    ended = wire.read_event(pb.ServerEvent(turn=1, turn_ended=pb.TurnEnded()))
    assert ended == events.TurnEnded(1, "UNSPECIFIED", "", "", 0.0, 0.0, None, events.Usage(), "")
    assert wire.read_event(pb.ServerEvent(notice=pb.Notice())) == events.Notice("UNSPECIFIED", "", None)
    assert wire.read_event(pb.ServerEvent(closed=pb.SessionClosed())) == events.Closed(
        "UNSPECIFIED", "", None, "UNSPECIFIED", None
    )


def test_an_output_of_a_newer_contract_is_no_event() -> None:
    # Field 1000, a string: what an arm that is added later looks like to this library.
    newer = pb.ServerEvent.FromString(pb.ServerEvent(seq=4).SerializeToString() + b"\xc2\x3e\x01x")
    assert newer.seq == 4
    assert wire.read_event(newer) is None


def test_an_enum_value_of_a_newer_contract_is_its_number() -> None:
    newer = pb.ServerEvent(turn=1, interrupted=pb.Interrupted(cause=99))  # type: ignore[arg-type]
    assert wire.read_event(newer) == events.Interrupted(1, "99", "", "", 0.0)


def test_enum_names_are_checked_against_the_contract() -> None:
    assert wire.enum_number(ToolResult.Scheduling, "SILENT") == ToolResult.SCHEDULING_SILENT
    for wrong in ("LATER", "UNSPECIFIED", ""):
        with pytest.raises(ValueError, match=f"'{wrong}' is not one of INTERRUPT, WHEN_IDLE, SILENT"):
            wire.enum_number(ToolResult.Scheduling, wrong)


def test_durations_keep_nanoseconds() -> None:
    assert wire.duration(1.25) == Duration(seconds=1, nanos=250_000_000)
    assert wire.seconds(wire.duration(0.02)) == 0.02


def test_neither_audio_nor_the_resume_token_shows_in_a_repr() -> None:
    assert repr(events.Audio(1, b"\1\2")) == "Audio(turn=1)"
    assert "resume_token" not in {field.name for field in fields(events.Opened)}
