"""What the Gemini Live API says: from server frames to events."""

import re
from collections.abc import Callable

import msgspec

from segue.audio.level import faint
from segue.backend.salvage import Oddity, in_camel_case, object_decoder, salvage
from segue.backend.schema import (
    ModalityTokens,
    ServerContent,
    ServerMessage,
    SessionResumptionUpdate,
    ToolCall,
    UsageMetadata,
    VoiceActivity,
)
from segue.core.events import (
    GenerationCompleted,
    GoingAway,
    HandleReceived,
    InputAwaited,
    InteractionChanged,
    LinkEvent,
    ModelAudio,
    ModelInterrupted,
    ModelText,
    ModelTranscribed,
    ToolCalled,
    ToolCallsCancelled,
    TurnCompleted,
    UsageReported,
    UserActivityDetected,
    UserTranscribed,
)
from segue.core.outputs import Usage

# google.protobuf.Duration in proto3's JSON, which has at most 12 digits of seconds.
_DURATION = re.compile(r"-?\d{1,12}(\.\d{1,9})?s", re.ASCII)

_NOTHING = ServerMessage()
_decoder = msgspec.json.Decoder(ServerMessage, strict=False)


def accepts_setup(frame: bytes | str) -> bool:
    """Return whether a server frame says that the setup is accepted. Never raises."""
    try:
        message = object_decoder.decode(frame)
    except (ValueError, RecursionError):
        return False
    return any(bytes(message.get(name, b"null")) != b"null" for name in ("setupComplete", "setup_complete"))


def decode(frame: bytes | str, link: int, odd: Callable[[Oddity], None]) -> list[LinkEvent]:
    """Return what a server frame says, as events of `link`; nothing for what is not understood.

    One message can say many things. Whatever it holds comes in one order: user activity, the user's words, the model's
    audio, text and words, the end of generation, an interruption, calls and their cancellation, usage, whether the
    model waits or goes on, the end of the turn, that the model is idle, the handle, the link's end. So audio in the
    message of an interruption precedes it: it belongs to the turn that was interrupted. Thoughts are neither speech nor
    text.

    A call without an id, which older models of Vertex AI make, has an empty one: any other would be unknown to the
    service, which tells the result of such a call by the function's name.

    Fields may be in snake case too, as proto3's JSON allows: then all of a message is.

    Never raises; `odd` is called for each thing that is wrong with the frame.
    """
    try:
        message = _decoder.decode(frame)
    except (ValueError, RecursionError):
        salvaged = salvage(frame, odd)
        if salvaged is None:
            return []
        message = salvaged

    events: list[LinkEvent] = []
    if message.voice_activity is not None:
        _add_activity(events, message.voice_activity, link, odd)
    content = message.server_content
    if content is not None:
        _add_content(events, content, link)
    if message.tool_call is not None:
        _add_calls(events, message.tool_call, link, odd)
    if message.tool_call_cancellation is not None:
        # A service that gives calls no ids can only mean all of them.
        events.append(ToolCallsCancelled(link, tuple(message.tool_call_cancellation.ids or ("",))))
    if message.usage_metadata is not None:
        usage = _usage(message.usage_metadata)
        if usage != Usage():
            events.append(UsageReported(link, usage))
    _add_end(events, message, link, odd)
    if message.session_resumption_update is not None:
        events.append(_handle(message.session_resumption_update, link))
    if message.go_away is not None:
        events.append(GoingAway(link, _seconds(message.go_away.time_left, odd)))
    if not events and message == _NOTHING:
        respelled = in_camel_case(frame)
        if respelled is not None:
            return decode(respelled, link, odd)
        odd(Oddity.UNKNOWN)
    return events


def _add_activity(events: list[LinkEvent], activity: VoiceActivity, link: int, odd: Callable[[Oddity], None]) -> None:
    match activity.type:
        case "ACTIVITY_START":
            events.append(UserActivityDetected(link, started=True))
        case "ACTIVITY_END":
            events.append(UserActivityDetected(link, started=False))
        case _:
            odd(Oddity.UNKNOWN)


def _add_content(events: list[LinkEvent], content: ServerContent, link: int) -> None:
    """Add all but what `_add_end` adds after the usage."""
    if content.input_transcription is not None and content.input_transcription.text:
        events.append(UserTranscribed(link, content.input_transcription.text))
    if content.model_turn is not None and content.model_turn.parts:
        for part in content.model_turn.parts:
            if part.thought:
                continue
            blob = part.inline_data
            if blob is not None and blob.data and (blob.mime_type is None or blob.mime_type.startswith("audio/")):
                events.append(ModelAudio(link, blob.data, faint(blob.data)))
            if part.text:
                events.append(ModelText(link, part.text))
    if content.output_transcription is not None and content.output_transcription.text:
        events.append(ModelTranscribed(link, content.output_transcription.text))
    if content.generation_complete:
        events.append(GenerationCompleted(link))
    if content.interrupted:
        events.append(ModelInterrupted(link))


def _add_end(events: list[LinkEvent], message: ServerMessage, link: int, odd: Callable[[Oddity], None]) -> None:
    """Add whether the model goes on before the end of its turn, since that is none then, and that it is idle after."""
    content = message.server_content
    statuses = [message.interaction_status, content.interaction_status if content is not None else None]
    for status in statuses:
        # The second is deprecated: the model waits for a call's result, so it is not through.
        if status in ("IN_PROGRESS", "REQUIRES_ACTION"):
            events.append(InteractionChanged(link, idle=False))
        elif status not in ("IDLE", None):
            odd(Oddity.UNKNOWN)
    if content is not None and content.waiting_for_input:
        events.append(InputAwaited(link))
    if content is not None and content.turn_complete:
        events.append(TurnCompleted(link, content.turn_complete_reason or ""))
    if "IDLE" in statuses:
        events.append(InteractionChanged(link, idle=True))


def _add_calls(events: list[LinkEvent], tool_call: ToolCall, link: int, odd: Callable[[Oddity], None]) -> None:
    for call in tool_call.function_calls or ():
        arguments = _object_text(call.args)
        if not call.name or arguments is None:
            odd(Oddity.WRONG_TYPE)
        else:
            events.append(ToolCalled(link, call.id or "", call.name, arguments))


def _object_text(raw: msgspec.Raw) -> str | None:
    """Return a JSON object as compact text; None for what is none. Nothing is an empty object."""
    try:
        text = msgspec.json.format(bytes(raw), indent=-1).decode()
    except (ValueError, RecursionError):
        return None
    if text == "null":
        return "{}"
    return text if text.startswith("{") else None


def _handle(update: SessionResumptionUpdate, link: int) -> HandleReceived:
    # proto3's JSON leaves out what is false and empty: `{}` says that nothing can be resumed now.
    handle = "" if update.resumable is False else update.new_handle or ""
    return HandleReceived(link, handle, update.last_consumed_client_message_index)


def _seconds(duration: str | None, odd: Callable[[Oddity], None]) -> float:
    """Return a duration in seconds, 0 for one that cannot be read: then there is no time to lose."""
    if duration is None:
        return 0.0
    if not _DURATION.fullmatch(duration):
        odd(Oddity.WRONG_TYPE)
        return 0.0
    return max(0.0, float(duration[:-1]))


def _usage(metadata: UsageMetadata) -> Usage:
    return Usage(
        input_tokens=metadata.prompt_token_count or 0,
        output_tokens=metadata.response_token_count or metadata.candidates_token_count or 0,
        total_tokens=metadata.total_token_count or 0,
        thinking_tokens=metadata.thoughts_token_count or 0,
        input_by_modality=_by_modality(metadata.prompt_tokens_details),
        output_by_modality=_by_modality(metadata.response_tokens_details or metadata.candidates_tokens_details),
    )


def _by_modality(details: list[ModalityTokens] | None) -> dict[str, int] | None:
    if not details:
        return None
    tokens: dict[str, int] = {}
    for detail in details:
        modality = detail.modality or "MODALITY_UNSPECIFIED"
        tokens[modality] = tokens.get(modality, 0) + (detail.token_count or 0)
    return tokens
