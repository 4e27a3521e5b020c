"""Writes what the Live API sends: pretty-printed JSON in binary frames, camel case, defaults omitted.

Each function returns one message as the service words it; `encode` makes the frame.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from segue.simulator.schema import Flavour

ServerMessage: TypeAlias = dict[str, Any]


def encode(message: ServerMessage) -> bytes:
    """Make the frame: JSON with two spaces of indentation and a line feed, UTF-8 (all 1,542 of a probe, 2026-09-10)."""
    return (json.dumps(message, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def duration(seconds: float) -> str:
    """Return a protobuf Duration in JSON: "50s", "0.440s"."""
    milliseconds = round(seconds * 1000)
    whole, fraction = divmod(milliseconds, 1000)
    return f"{whole}.{fraction:03d}s" if fraction else f"{whole}s"


def setup_complete(session_id: str) -> ServerMessage:
    """The answer to the setup; the Developer API leaves `session_id` empty."""
    return {"setupComplete": {"sessionId": session_id} if session_id else {}}


def model_turn(parts: list[dict[str, Any]], flavour: Flavour) -> dict[str, Any]:
    """The field of a `serverContent` that carries model output; only Vertex names the role."""
    role = {"role": "model"} if flavour is Flavour.VERTEX else {}
    return {"modelTurn": {**role, "parts": parts}}


def audio_part(pcm: bytes, rate: int) -> dict[str, Any]:
    """A part that holds 16-bit mono PCM at `rate` samples a second."""
    return {"inlineData": {"mimeType": f"audio/pcm;rate={rate}", "data": base64.b64encode(pcm).decode("ascii")}}


def server_content(fields: Mapping[str, Any]) -> ServerMessage:
    """A `serverContent` with these fields, named as on the wire."""
    return {"serverContent": dict(fields)}


def transcription(text: str) -> dict[str, str]:
    """A delta of a transcript. `finished` is never set (js-genai issue 1429)."""
    return {"text": text} if text else {}


def voice_activity(kind: str, audio_offset: float) -> ServerMessage:
    """`kind` is ACTIVITY_START or ACTIVITY_END; `audio_offset` in seconds of the input audio."""
    offset = {"audioOffset": duration(audio_offset)} if audio_offset else {}
    return {"voiceActivity": {"type": kind, **offset}}


def session_resumption_update(handle: str) -> ServerMessage:
    """A new handle; an empty one says that the session cannot be resumed at this moment."""
    return {"sessionResumptionUpdate": {"newHandle": handle, "resumable": True} if handle else {}}


def go_away(time_left: float) -> ServerMessage:
    """The connection will be closed in `time_left` seconds."""
    return {"goAway": {"timeLeft": duration(time_left)}}


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of one turn, by modality ("AUDIO", "TEXT"); the prompt is the whole context, billed anew."""

    prompt: Mapping[str, int]
    response: Mapping[str, int]


def usage_metadata(usage: Usage, flavour: Flavour) -> dict[str, Any]:
    """Token counts as each flavour names them; counts of zero are omitted."""
    response = "candidates" if flavour is Flavour.VERTEX else "response"
    prompt_count, response_count = sum(usage.prompt.values()), sum(usage.response.values())
    fields: dict[str, Any] = {
        "promptTokenCount": prompt_count,
        f"{response}TokenCount": response_count,
        "totalTokenCount": prompt_count + response_count,
        "promptTokensDetails": _details(usage.prompt),
        f"{response}TokensDetails": _details(usage.response),
        "trafficType": "ON_DEMAND" if flavour is Flavour.VERTEX else "",
    }
    return {name: value for name, value in fields.items() if value}


def _details(tokens: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"modality": modality, "tokenCount": count} for modality, count in sorted(tokens.items()) if count]
