"""What a history says of a client message."""

from collections.abc import Iterator

from segue.simulator.wire.reader import ClientContent, ClientMessage, ContextUpdate, RealtimeInput, Setup, ToolResponse


def sightings(message: ClientMessage) -> Iterator[tuple[str, dict[str, str | int]]]:
    """Yield the records of a message, in the order in which the service looks at its fields."""
    match message:
        case Setup():
            yield "setup_received", {"model": message.model, "resumed": bool(message.handle)}
        case ClientContent():
            size = sum(_size(turn.text) for turn in message.turns)
            yield "text_received", {"bytes": size, "arm": "client_content", "turn_complete": message.turn_complete}
        case RealtimeInput():
            if message.activity_start:
                yield "activity_start_received", {}
            if message.audio:
                yield "audio_received", {"bytes": len(message.audio.content)}
            if message.video:
                yield "video_received", {"bytes": len(message.video.content)}
            if message.text is not None:
                yield "text_received", {"bytes": _size(message.text), "arm": "realtime_input"}
            if message.audio_stream_end:
                yield "audio_stream_end_received", {}
            if message.activity_end:
                yield "activity_end_received", {}
        case ToolResponse():
            ids = ",".join(response.id for response in message.responses)
            yield "tool_response_received", {"responses": len(message.responses), "ids": ids}
        case ContextUpdate():
            yield "context_update_received", {}


def _size(text: str) -> int:
    # A lone surrogate is valid JSON and no UTF-8.
    return len(text.encode("utf-8", "replace"))
