"""Client events become events of the core, its outputs server events: one by one, without a session."""

from math import nan
from typing import get_args

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Value

from segue.core import outputs as out
from segue.core.events import ActivityReceived, InputRefused, ToolResultReceived
from segue.core.events import ClientEvent as CoreEvent
from segue.core.options import Scheduling
from segue.edge.wire import read_input, write_output
from segue_client.segue.v1 import server_event_pb2 as pb
from segue_client.segue.v1.client_event_pb2 import Activity, ClientEvent, ToolResult
from segue_client.segue.v1.error_pb2 import Error


def read(**event: object) -> CoreEvent:
    return read_input(ClientEvent(seq=3, **event), "default")  # type: ignore[arg-type]


def result(**fields: object) -> CoreEvent:
    return read(tool_result=ToolResult(call_id="c1", **fields))  # type: ignore[arg-type]


def write(output: out.Output) -> pb.ServerEvent:
    event = write_output(5, 8, output)
    assert (event.channel, event.seq) == (5, 8)
    return event


def test_an_activity_is_left_to_the_core() -> None:
    assert read(activity=Activity(edge=Activity.EDGE_START)) == ActivityReceived(3, started=True)
    assert read(activity=Activity(edge=Activity.EDGE_END)) == ActivityReceived(3, started=False)


@pytest.mark.parametrize("edge", [Activity.EDGE_UNSPECIFIED, 9])
def test_an_activity_has_an_edge(edge: "Activity.Edge") -> None:
    refused = read(activity=Activity(edge=edge))
    assert isinstance(refused, InputRefused)
    assert (refused.seq, refused.reason) == (3, out.Rejection.INVALID_FIELD)
    assert f"activity.edge is {int(edge)}" in refused.message


def test_a_tool_result_is_an_object_in_text() -> None:
    taken = result(result=Value(number_value=21))
    assert taken == ToolResultReceived(3, "c1", '{"result":21}', scheduling=None, will_continue=False)
    assert result(error="no") == ToolResultReceived(3, "c1", '{"error":"no"}')
    assert result(error="") == ToolResultReceived(3, "c1", '{"error":""}')


@pytest.mark.parametrize("scheduling", Scheduling)
def test_a_tool_result_can_be_scheduled_and_continue(scheduling: Scheduling) -> None:
    taken = result(error="no", scheduling=f"SCHEDULING_{scheduling.name}", will_continue=True)
    assert taken == ToolResultReceived(3, "c1", '{"error":"no"}', scheduling, will_continue=True)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({}, "without an outcome"),
        ({"scheduling": 2}, "without an outcome"),
        ({"error": "no", "scheduling": 9}, "scheduling is 9"),
        ({"result": Value(number_value=nan)}, "JSON does not have"),
    ],
)
def test_a_tool_result_that_cannot_be_is_refused(fields: dict[str, object], complaint: str) -> None:
    refused = result(**fields)
    assert isinstance(refused, InputRefused)
    assert (refused.seq, refused.reason) == (3, out.Rejection.INVALID_FIELD)
    assert complaint in refused.message


def test_a_tool_call_carries_its_arguments() -> None:
    event = write(out.ToolCall(2, "c1", "get_weather", '{"city": "Oslo", "days": 2}'))
    assert event.turn == 2
    assert event.tool_call == pb.ToolCall(call_id="c1", name="get_weather", arguments={"city": "Oslo", "days": 2})
    assert write(out.ToolCall(0, "c2", "hang_up", "{}")).tool_call == pb.ToolCall(
        call_id="c2", name="hang_up", arguments={}
    )


def test_a_cancelled_call_is_named() -> None:
    event = write(out.ToolCallCancelled("c1"))
    assert (event.turn, event.tool_call_cancelled) == (0, pb.ToolCallCancelled(call_id="c1"))


@pytest.mark.parametrize("kind", out.NoticeKind)
def test_a_notice_says_what_was_done(kind: out.NoticeKind) -> None:
    notice = write(out.Notice(kind, "the link was renewed", 0.16)).notice
    assert pb.Notice.Kind.Name(notice.kind) == f"KIND_{kind.name}"
    assert (notice.message, notice.took) == ("the link was renewed", Duration(nanos=160_000_000))


def test_a_notice_of_what_took_no_time_has_none() -> None:
    assert not write(out.Notice(out.NoticeKind.WEDGED, "")).notice.HasField("took")
    assert write(out.Notice(out.NoticeKind.RENEWED, "", 0.0)).notice.HasField("took")


@pytest.mark.parametrize("cause", out.CutCause)
def test_every_cause_of_a_cut_is_said(cause: out.CutCause) -> None:
    event = write(out.Interrupted(4, cause, "heard", "unheard", 1.5, 0.25))
    cut = pb.Interrupted(
        cause=f"CAUSE_{cause.name}",
        heard_text="heard",
        unheard_text="unheard",
        heard_duration=Duration(seconds=1, nanos=500_000_000),
        stop_latency=Duration(nanos=250_000_000),
    )
    assert (event.turn, event.interrupted) == (4, cut)


@pytest.mark.parametrize("reason", out.CloseReason)
def test_every_reason_of_a_close_is_said(reason: out.CloseReason) -> None:
    closed = write(out.Closed(reason, "why", out.Next.OPEN_AGAIN, retry_delay=2.0)).closed
    error = Error(reason=f"REASON_{reason.name}", message="why", retry_delay=Duration(seconds=2))
    assert closed == pb.SessionClosed(error=error, next=pb.SessionClosed.NEXT_OPEN_AGAIN)


# One of each kind, with the arm that says it.
OUTPUTS: dict[str, out.Output] = {
    "opened": out.Opened("s", "m", "secret"),
    "resumed": out.Resumed(7, output_lost=True),
    "audio": out.Audio(1, b"\0\0"),
    "text": out.Text(1, "Once"),
    "transcript": out.Transcript(1, out.Speaker.USER, "Hi"),
    "user_activity": out.UserActivity(started=True),
    "interrupted": out.Interrupted(1, out.CutCause.PHANTOM),
    "turn_ended": out.TurnEnded(1, out.EndReason.COMPLETED, "", "", 0.0, 0.0, None, None, ""),
    "tool_call": out.ToolCall(1, "c", "f", "{}"),
    "tool_call_cancelled": out.ToolCallCancelled("c"),
    "notice": out.Notice(out.NoticeKind.RECOVERED, "again"),
    "input_ack": out.InputAck(1),
    "input_rejected": out.InputRejected(1, out.Rejection.UNKNOWN_CALL, "which?"),
    "closed": out.Closed(out.CloseReason.BACKEND_WEDGED, "", out.Next.OPEN_AGAIN),
}


def test_every_output_of_the_core_is_entered_here() -> None:
    assert {type(output) for output in OUTPUTS.values()} == set(get_args(out.Output))


@pytest.mark.parametrize("arm", OUTPUTS)
def test_every_output_of_the_core_can_be_said(arm: str) -> None:
    assert write(OUTPUTS[arm]).WhichOneof("output") == arm
