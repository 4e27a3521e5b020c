"""One example or more of every kind of message that the simulator sends, made by its own builders."""

import inspect
from collections.abc import Mapping
from random import Random
from typing import Any, TypeAlias

from segue.simulator.wire import messages
from segue.simulator.wire.messages import FunctionCall, Part, ServerMessage, Usage
from segue.simulator.wire.schema import Flavour

Examples: TypeAlias = Mapping[str, list[ServerMessage]]

# What makes no message.
_OTHER = {"encode", "duration", "call_id"}


def builders() -> set[str]:
    """Return the names of all functions that make a message or a part of one."""
    functions = inspect.getmembers(messages, inspect.isfunction)
    own = {name for name, function in functions if function.__module__ == messages.__name__}
    return {name for name in own if not name.startswith("_")} - _OTHER


def examples(flavour: Flavour) -> Examples:
    """Return messages by the name of the builder that each one is there for; parts in messages that carry them."""
    content = messages.server_content
    usage = Usage(prompt={"AUDIO": 50, "TEXT": 12}, response={"AUDIO": 25}, thoughts=7, tool_use=3)
    audio = messages.audio_part(bytes(range(256)), 24000)
    call = FunctionCall(messages.call_id(flavour, Random(1)), "get_weather", {"city_name": "Wien", "days": 2})
    # Sound and words together, as newer models send them.
    together = messages.model_turn([audio], flavour) | {"outputTranscription": messages.transcription(" Yes")}

    def said(part: Part) -> ServerMessage:
        return content(messages.model_turn([part], flavour))

    return {
        "setup_complete": [
            messages.setup_complete("a-session" if flavour is Flavour.VERTEX else ""),
            messages.setup_complete("a-session" if flavour is Flavour.VERTEX else "", "a-signature"),
        ],
        "server_content": [content({name: True}) for name in ("generationComplete", "interrupted")],
        "model_turn": [content(messages.model_turn([messages.thought_part("Hm."), audio], flavour))],
        "audio_part": [said(audio)],
        "text_part": [said(messages.text_part("Ja, natürlich."))],
        "thought_part": [said(messages.thought_part("They want to know."))],
        "code_part": [said(messages.code_part("print(1)"))],
        "code_result_part": [said(messages.code_result_part("1"))],
        "transcription": [
            content({"inputTranscription": messages.transcription(" Hello, wörld")}),
            content({"inputTranscription": messages.transcription("Ja.", "de-DE", finished=True)}),
            content(together),
        ],
        "opening_transcription": [content(messages.opening_transcription())],
        "turn_complete": [content(messages.turn_complete()), content(messages.turn_complete("RESPONSE_REJECTED"))],
        "interaction_status": [
            content(messages.turn_complete() | messages.interaction_status("IN_PROGRESS")),
            content(messages.interaction_status("IDLE")),
        ],
        "waiting_for_input": [content(messages.waiting_for_input())],
        "grounding_metadata": [content(messages.grounding_metadata(["sea"], [("The sea", "https://sea.example")]))],
        "url_context_metadata": [content(messages.url_context_metadata(["https://sea.example"]))],
        "voice_activity": [
            messages.voice_activity("ACTIVITY_START", 0.0),
            messages.voice_activity("ACTIVITY_END", 1.44),
        ],
        "vad_signal": [messages.vad_signal("VAD_SIGNAL_TYPE_SOS"), messages.vad_signal("VAD_SIGNAL_TYPE_EOS")],
        "tool_call": [messages.tool_call([call]), messages.tool_call([call, FunctionCall("", "stop")])],
        "tool_call_cancellation": [messages.tool_call_cancellation([call.id])],
        "session_resumption_update": [
            messages.session_resumption_update("a-handle"),
            messages.session_resumption_update("a-handle", 12),
            messages.session_resumption_update(""),
        ],
        "go_away": [messages.go_away(50.0), messages.go_away(0.44)],
        "usage_metadata": [
            content(messages.turn_complete()) | {"usageMetadata": messages.usage_metadata(usage, flavour)}
        ],
    }


def lost(sent: Any, received: Any, place: str = "") -> list[str]:
    """Return the places of all values of a message that did not arrive as they were sent."""
    if isinstance(sent, dict) and isinstance(received, dict):
        return [found for key in sent for found in lost(sent[key], received.get(key), f"{place}.{key}")]
    if isinstance(sent, list) and isinstance(received, list) and len(sent) == len(received):
        pairs = enumerate(zip(sent, received, strict=True))
        return [found for index, (one, other) in pairs for found in lost(one, other, f"{place}[{index}]")]
    return [] if sent == received else [f"{place}: {sent!r} became {received!r}"]
