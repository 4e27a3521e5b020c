"""What a history tells of an output that a client got."""

from segue.core import outputs as out
from segue.simulator.history import Value
from segue.simulator.world.voices import span_of

_ARMS: dict[type[out.Output], str] = {
    out.Opened: "opened",
    out.Resumed: "resumed",
    out.Audio: "audio",
    out.Text: "text",
    out.Transcript: "transcript",
    out.UserActivity: "user_activity",
    out.Interrupted: "interrupted",
    out.TurnEnded: "turn_ended",
    out.ToolCall: "tool_call",
    out.ToolCallCancelled: "tool_call_cancelled",
    out.Notice: "notice",
    out.InputAck: "input_ack",
    out.InputRejected: "input_rejected",
    out.Closed: "closed",
}


def told_of(seq: int, output: out.Output) -> dict[str, Value]:
    """Return the fields of an output and of its number."""
    fields: dict[str, Value] = {"seq": seq, "turn": getattr(output, "turn", 0), "arm": _ARMS[type(output)]}
    match output:
        case out.Resumed():
            fields |= {"last_input_seq": output.last_input_seq, "output_lost": output.output_lost}
        case out.Audio():
            fields["bytes"] = len(output.audio)
            fields |= span_of(output.audio)
        case out.Text():
            fields["text"] = output.text
        case out.Interrupted():
            fields["cause"] = output.cause.name
        case out.TurnEnded():
            fields |= {"reason": output.reason.name, "audio": output.audio, "heard": output.heard}
            fields |= {"heard_text": output.heard_text, "unheard_text": output.unheard_text}
            fields["backend_reason"] = output.backend_reason
        case out.Transcript():
            fields |= {"speaker": output.speaker.name, "text": output.text}
        case out.ToolCall():
            fields |= {"name": output.name, "call": output.call_id}
        case out.ToolCallCancelled():
            fields["call"] = output.call_id
        case out.InputAck():
            fields["input_seq"] = output.input_seq
        case out.InputRejected():
            fields |= {"reason": output.reason.name, "message": output.message}
        case out.Notice():
            fields |= {"notice": output.kind.name, "message": output.message}
        case out.Closed():
            fields |= {"reason": output.reason.name, "message": output.message, "next": output.next.name}
    return fields
