"""The contract's messages, translated: client events into events of the core, its outputs into server events."""

from collections.abc import Callable
from typing import Any

from google.protobuf.duration_pb2 import Duration

from segue.core import events as ev
from segue.core import outputs as out
from segue.core.admission import fault_of_image
from segue.core.options import Scheduling, Update
from segue.edge.durations import seconds_of
from segue.edge.json_text import read_object
from segue.edge.opening import Refusal, read_open
from segue.edge.tools import read_response
from segue.edge.updating import read_update
from segue.tenants import ANYBODY, Tenant
from segue_client.segue.v1 import client_event_pb2, error_pb2
from segue_client.segue.v1 import server_event_pb2 as pb


def read_input(event: client_event_pb2.ClientEvent, default_model: str, tenant: Tenant = ANYBODY) -> ev.ClientEvent:
    """Return what the core is told of any client event of a tenant's but audio, whose level the caller measures."""
    arm = event.WhichOneof("input") or ""
    if arm == "open":
        return _read_open(event, default_model, tenant)
    reader = _READERS.get(arm)
    if reader is not None:
        return reader(event)
    return ev.InputRefused(
        event.seq,
        out.Rejection.UNKNOWN_INPUT,
        "an event without an input, or with one that this server does not know: set one arm of ClientEvent.input",
    )


def _read_open(event: client_event_pb2.ClientEvent, default_model: str, tenant: Tenant) -> ev.ClientEvent:
    options = read_open(event.open, default_model, tenant)
    if isinstance(options, Refusal):
        return ev.OpenRefused(event.seq, options.reason, options.message)
    return ev.OpenReceived(event.seq, options)


def read_resume(resume: client_event_pb2.ResumeSession) -> ev.ResumeReceived:
    """Return what the core is told of a client that comes back."""
    heard = seconds_of(resume.heard.duration) if resume.heard.HasField("duration") else None
    return ev.ResumeReceived(resume.last_seq, resume.heard.turn, heard)


def _read_resume(event: client_event_pb2.ClientEvent) -> ev.ClientEvent:
    advice = "this channel carries a session: resume the other one on a new channel"
    return ev.InputRefused(event.seq, out.Rejection.ALREADY_OPEN, advice)


def _read_text(event: client_event_pb2.ClientEvent) -> ev.ClientEvent:
    return ev.TextReceived(event.seq, event.text.text)


def _read_image(event: client_event_pb2.ClientEvent) -> ev.ClientEvent:
    fault = fault_of_image(event.image.content, event.image.mime_type)
    if fault is not None:
        return ev.InputRefused(event.seq, *fault)
    return ev.ImageReceived(event.seq, event.image.content, event.image.mime_type)


def _read_update(event: client_event_pb2.ClientEvent) -> ev.ClientEvent:
    update = read_update(event.update)
    return ev.UpdateReceived(event.seq, update) if isinstance(update, Update) else ev.InputRefused(event.seq, *update)


def _read_note(event: client_event_pb2.ClientEvent) -> ev.ClientEvent:
    return ev.NoteReceived(event.seq, event.note.text, event.note.answer)


def _read_activity(event: client_event_pb2.ClientEvent) -> ev.ClientEvent:
    started = _EDGES.get(event.activity.edge)
    if started is None:
        return _invalid(event, f"activity.edge is {event.activity.edge}: set it to EDGE_START or EDGE_END")
    return ev.ActivityReceived(event.seq, started)


def _read_tool_result(event: client_event_pb2.ClientEvent) -> ev.ClientEvent:
    result = event.tool_result
    if result.WhichOneof("outcome") is None:
        return _invalid(event, "a tool_result without an outcome: set its result or its error")
    if result.scheduling not in _SCHEDULINGS:
        return _invalid(event, f"tool_result.scheduling is {result.scheduling}: Scheduling has no such value")
    response = read_response(result)
    if response is None:
        return _invalid(event, "tool_result.result holds a number that JSON does not have, such as NaN or Infinity")
    scheduling = _SCHEDULINGS[result.scheduling]
    return ev.ToolResultReceived(event.seq, result.call_id, response, scheduling, result.will_continue)


def _read_interrupt(event: client_event_pb2.ClientEvent) -> ev.ClientEvent:
    interrupt = event.interrupt
    if not interrupt.HasField("heard"):
        return ev.InterruptReceived(event.seq, interrupt.turn, None)
    heard = seconds_of(interrupt.heard)
    if heard < 0:
        return _invalid(event, f"interrupt.heard is {heard:g} s: not negative")
    return ev.InterruptReceived(event.seq, interrupt.turn, heard)


def _read_ack(event: client_event_pb2.ClientEvent) -> ev.ClientEvent:
    ack = event.ack
    if event.seq:
        return _invalid(event, "an ack with a number: leave its seq at 0")
    heard = seconds_of(ack.heard.duration) if ack.HasField("heard") else None
    return ev.AckReceived(ack.seq, ack.heard.turn, heard)


def _read_close(event: client_event_pb2.ClientEvent) -> ev.ClientEvent:
    return ev.CloseReceived(event.seq, event.close.finish_turn)


def _invalid(event: client_event_pb2.ClientEvent, message: str) -> ev.InputRefused:
    return ev.InputRefused(event.seq, out.Rejection.INVALID_FIELD, message)


_EDGES: dict[int, bool] = {client_event_pb2.Activity.EDGE_START: True, client_event_pb2.Activity.EDGE_END: False}

_SCHEDULINGS: dict[int, Scheduling | None] = {
    client_event_pb2.ToolResult.SCHEDULING_UNSPECIFIED: None,
    client_event_pb2.ToolResult.SCHEDULING_INTERRUPT: Scheduling.INTERRUPT,
    client_event_pb2.ToolResult.SCHEDULING_WHEN_IDLE: Scheduling.WHEN_IDLE,
    client_event_pb2.ToolResult.SCHEDULING_SILENT: Scheduling.SILENT,
}

_READERS: dict[str, Callable[[client_event_pb2.ClientEvent], ev.ClientEvent]] = {
    "resume": _read_resume,
    "text": _read_text,
    "image": _read_image,
    "note": _read_note,
    "update": _read_update,
    "activity": _read_activity,
    "tool_result": _read_tool_result,
    "interrupt": _read_interrupt,
    "ack": _read_ack,
    "close": _read_close,
}


def write_output(channel: int, seq: int, output: out.Output) -> pb.ServerEvent:
    """Return the server event that says this output."""
    # The hot path: every other output is rare beside it.
    if isinstance(output, out.Audio):
        return pb.ServerEvent(channel=channel, seq=seq, turn=output.turn, audio=output.audio)
    event = _WRITERS[type(output)](output)
    event.channel = channel
    event.seq = seq
    return event


def _write_opened(opened: out.Opened) -> pb.ServerEvent:
    return pb.ServerEvent(
        opened=pb.SessionOpened(session_id=opened.session_id, model=opened.model, resume_token=opened.resume_token)
    )


def _write_resumed(resumed: out.Resumed) -> pb.ServerEvent:
    return pb.ServerEvent(
        resumed=pb.SessionResumed(last_input_seq=resumed.last_input_seq, output_lost=resumed.output_lost)
    )


def _write_text(text: out.Text) -> pb.ServerEvent:
    return pb.ServerEvent(turn=text.turn, text=text.text)


def _write_transcript(transcript: out.Transcript) -> pb.ServerEvent:
    speaker = f"SPEAKER_{transcript.speaker.name}"
    return pb.ServerEvent(turn=transcript.turn, transcript=pb.Transcript(speaker=speaker, text=transcript.text))


def _write_activity(activity: out.UserActivity) -> pb.ServerEvent:
    edge = pb.UserActivity.EDGE_START if activity.started else pb.UserActivity.EDGE_END
    return pb.ServerEvent(user_activity=pb.UserActivity(edge=edge))


def _write_interrupted(interrupted: out.Interrupted) -> pb.ServerEvent:
    latency = interrupted.stop_latency
    return pb.ServerEvent(
        turn=interrupted.turn,
        interrupted=pb.Interrupted(
            cause=f"CAUSE_{interrupted.cause.name}",
            heard_text=interrupted.heard_text,
            unheard_text=interrupted.unheard_text,
            heard_duration=_duration(interrupted.heard),
            stop_latency=None if latency is None else _duration(latency),
        ),
    )


def _write_turn_ended(ended: out.TurnEnded) -> pb.ServerEvent:
    latency = ended.first_audio_latency
    return pb.ServerEvent(
        turn=ended.turn,
        turn_ended=pb.TurnEnded(
            reason=f"REASON_{ended.reason.name}",
            heard_text=ended.heard_text,
            unheard_text=ended.unheard_text,
            heard_duration=_duration(ended.heard),
            audio_duration=_duration(ended.audio),
            first_audio_latency=None if latency is None else _duration(latency),
            usage=_usage(ended.usage),
            backend_reason=ended.backend_reason,
        ),
    )


def _write_tool_call(call: out.ToolCall) -> pb.ServerEvent:
    arguments = read_object(call.arguments)
    return pb.ServerEvent(
        turn=call.turn, tool_call=pb.ToolCall(call_id=call.call_id, name=call.name, arguments=arguments)
    )


def _write_cancelled(cancelled: out.ToolCallCancelled) -> pb.ServerEvent:
    return pb.ServerEvent(tool_call_cancelled=pb.ToolCallCancelled(call_id=cancelled.call_id))


def _write_notice(notice: out.Notice) -> pb.ServerEvent:
    took = None if notice.took is None else _duration(notice.took)
    return pb.ServerEvent(notice=pb.Notice(kind=f"KIND_{notice.kind.name}", message=notice.message, took=took))


def _write_input_ack(ack: out.InputAck) -> pb.ServerEvent:
    return pb.ServerEvent(input_ack=pb.InputAck(seq=ack.input_seq))


def _write_rejected(rejected: out.InputRejected) -> pb.ServerEvent:
    reason = f"REASON_{rejected.reason.name}"
    return pb.ServerEvent(
        input_rejected=pb.InputRejected(input_seq=rejected.input_seq, reason=reason, message=rejected.message)
    )


def _write_closed(closed: out.Closed) -> pb.ServerEvent:
    delay, totals = closed.retry_delay, closed.totals
    return pb.ServerEvent(
        closed=pb.SessionClosed(
            error=error_pb2.Error(
                reason=f"REASON_{closed.reason.name}",
                message=closed.message,
                retry_delay=None if delay is None else _duration(delay),
            ),
            next=f"NEXT_{closed.next.name}",
            totals=None
            if totals is None
            else pb.Totals(
                duration=_duration(totals.duration),
                turns=totals.turns,
                interruptions=totals.interruptions,
                input_audio=_duration(totals.input_audio),
                output_audio=_duration(totals.output_audio),
                usage=_usage(totals.usage),
            ),
        )
    )


_WRITERS: dict[type, Callable[[Any], pb.ServerEvent]] = {
    out.Opened: _write_opened,
    out.Resumed: _write_resumed,
    out.Text: _write_text,
    out.Transcript: _write_transcript,
    out.UserActivity: _write_activity,
    out.Interrupted: _write_interrupted,
    out.TurnEnded: _write_turn_ended,
    out.ToolCall: _write_tool_call,
    out.ToolCallCancelled: _write_cancelled,
    out.Notice: _write_notice,
    out.InputAck: _write_input_ack,
    out.InputRejected: _write_rejected,
    out.Closed: _write_closed,
}


def _duration(seconds: float) -> Duration:
    nanos = round(seconds * 1e9)
    return Duration(seconds=nanos // 1_000_000_000, nanos=nanos % 1_000_000_000)


def _usage(usage: out.Usage | None) -> pb.Usage | None:
    if usage is None:
        return None
    return pb.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.total_tokens,
        thinking_tokens=usage.thinking_tokens,
        input_by_modality=_by_modality(usage.input_by_modality),
        output_by_modality=_by_modality(usage.output_by_modality),
    )


def _by_modality(tokens: dict[str, int] | None) -> list[pb.ModalityTokens]:
    return [pb.ModalityTokens(modality=name, tokens=count) for name, count in (tokens or {}).items()]
