"""Writes what the Live API sends: pretty-printed JSON in binary frames, camel case, defaults omitted.

Each function returns one message, or one field of a `serverContent`, as the service words it; `encode` makes the frame.
The shapes are those of js-genai's recordings of the real service (test/system/recordings) and of
generative_service.proto, the newer fields those that google-genai 3.4 reads.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from segue.simulator.wire.schema import Flavour

ServerMessage: TypeAlias = dict[str, Any]
Part: TypeAlias = dict[str, Any]


def encode(message: ServerMessage) -> bytes:
    """Make the frame: JSON with two spaces of indentation and a line feed, UTF-8 (all 1,542 of a probe, 2026-09-10)."""
    try:
        return msgspec.json.format(msgspec.json.encode(message), indent=2) + b"\n"
    except UnicodeEncodeError:
        # A lone surrogate, which what the client sent may hold.
        return (json.dumps(message, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def duration(seconds: float) -> str:
    """Return a protobuf Duration in JSON: "50s", "0.440s"."""
    milliseconds = round(seconds * 1000)
    whole, fraction = divmod(milliseconds, 1000)
    return f"{whole}.{fraction:03d}s" if fraction else f"{whole}s"


def setup_complete(session_id: str, consent_signature: str = "") -> ServerMessage:
    """The answer to the setup; the Developer API leaves `session_id` empty.

    `consent_signature` goes with a replicated voice (google-genai `VoiceConsentSignature`).
    """
    consent = {"voiceConsentSignature": {"signature": consent_signature}} if consent_signature else {}
    return {"setupComplete": _set(sessionId=session_id) | consent}


def server_content(fields: Mapping[str, Any]) -> ServerMessage:
    """A `serverContent` with these fields, named as on the wire."""
    return {"serverContent": dict(fields)}


def model_turn(parts: list[Part], flavour: Flavour) -> dict[str, Any]:
    """The field of a `serverContent` that carries model output; only Vertex names the role."""
    role = {"role": "model"} if flavour is Flavour.VERTEX else {}
    return {"modelTurn": {**role, "parts": parts}}


def audio_part(pcm: bytes, rate: int) -> Part:
    """A part that holds 16-bit mono PCM at `rate` samples a second."""
    return {"inlineData": {"mimeType": f"audio/pcm;rate={rate}", "data": base64.b64encode(pcm).decode("ascii")}}


def text_part(text: str) -> Part:
    """A part of an answer in text."""
    return {"text": text}


def thought_part(text: str) -> Part:
    """A part that summarises what the model thinks, where `includeThoughts` asked for it."""
    return {"text": text, "thought": True}


def code_part(code: str) -> Part:
    """Code that the model has run, or in which half-cascade models word a function call before they make it."""
    return {"executableCode": {"language": "PYTHON", "code": code}}


def code_result_part(output: str, outcome: str = "OUTCOME_OK") -> Part:
    """What the code gave."""
    return {"codeExecutionResult": {"outcome": outcome, "output": output}}


def transcription(text: str, language_code: str = "", *, finished: bool = False) -> dict[str, Any]:
    """A delta of a transcript. `finished` is never set on the Developer API (js-genai issue 1429)."""
    return _set(text=text, languageCode=language_code, finished=finished)


def opening_transcription() -> dict[str, Any]:
    """The empty output transcription that Vertex sends before anything else of a turn."""
    return {"outputTranscription": {}}


def turn_complete(reason: str = "") -> dict[str, Any]:
    """The end of a turn; `reason` says what ended it early, "RESPONSE_REJECTED" for instance."""
    return {"turnComplete": True} | _set(turnCompleteReason=reason)


def interaction_status(status: str) -> dict[str, Any]:
    """Whether more may follow after a `turnComplete`: "IN_PROGRESS" or "IDLE" (extended thinking only)."""
    return {"interactionStatus": status}


def waiting_for_input() -> dict[str, Any]:
    """The model has heard the end of an activity and expects more."""
    return {"waitingForInput": True}


def grounding_metadata(queries: Iterable[str], sources: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
    """What a search found: the queries, and title and address of each page."""
    chunks = [{"web": {"uri": uri, "title": title}} for title, uri in sources]
    return {"groundingMetadata": _set(webSearchQueries=list(queries), groundingChunks=chunks)}


def url_context_metadata(urls: Iterable[str], status: str = "URL_RETRIEVAL_STATUS_SUCCESS") -> dict[str, Any]:
    """Which addresses were read."""
    return {
        "urlContextMetadata": {"urlMetadata": [{"retrievedUrl": url, "urlRetrievalStatus": status} for url in urls]}
    }


def voice_activity(kind: str, audio_offset: float) -> ServerMessage:
    """`kind` is ACTIVITY_START or ACTIVITY_END; `audio_offset` in seconds of the input audio."""
    offset = {"audioOffset": duration(audio_offset)} if audio_offset else {}
    return {"voiceActivity": {"type": kind, **offset}}


def vad_signal(kind: str) -> ServerMessage:
    """`kind` is VAD_SIGNAL_TYPE_SOS or VAD_SIGNAL_TYPE_EOS; where `explicitVadSignal` asked for it."""
    return {"voiceActivityDetectionSignal": {"vadSignalType": kind}}


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A call that the model makes; `id` is empty where the service gives none (older Vertex models)."""

    id: str
    name: str
    args: Mapping[str, Any] = field(default_factory=dict)


def call_id(flavour: Flavour, rng: Random) -> str:
    """Return an id for a call: "function-call-" and 63 bits on the Developer API, a UUID on Vertex."""
    if flavour is Flavour.VERTEX:
        return str(UUID(int=rng.getrandbits(128), version=4))
    return f"function-call-{rng.getrandbits(63)}"


def tool_call(calls: Iterable[FunctionCall]) -> ServerMessage:
    """Functions that the client is to call."""
    function_calls = [{"name": call.name, "args": dict(call.args)} | _set(id=call.id) for call in calls]
    return {"toolCall": {"functionCalls": function_calls}}


def tool_call_cancellation(ids: Iterable[str]) -> ServerMessage:
    """Calls whose results are not wanted any more, after an interruption; without ids, those that have none."""
    return {"toolCallCancellation": _set(ids=list(ids))}


def session_resumption_update(handle: str, last_consumed: int | None = None) -> ServerMessage:
    """A new handle; an empty one says that the session cannot be resumed at this moment.

    `last_consumed` is the index of the last client message that the handle stands for, where the client asked for
    transparent resumption (Vertex); 64-bit integers are strings in JSON.
    """
    if not handle:
        return {"sessionResumptionUpdate": {}}
    # An index of zero is a default, which is omitted.
    index = {"lastConsumedClientMessageIndex": str(last_consumed)} if last_consumed else {}
    return {"sessionResumptionUpdate": {"newHandle": handle, "resumable": True, **index}}


def go_away(time_left: float) -> ServerMessage:
    """The connection will be closed in `time_left` seconds."""
    return {"goAway": {"timeLeft": duration(time_left)}}


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of one turn, by modality ("AUDIO", "TEXT"); the prompt is the whole context, billed anew."""

    prompt: Mapping[str, int]
    response: Mapping[str, int]
    thoughts: int = 0
    tool_use: int = 0


def usage_metadata(usage: Usage, flavour: Flavour) -> dict[str, Any]:
    """Token counts as each flavour names them; counts of zero are omitted."""
    response = "candidates" if flavour is Flavour.VERTEX else "response"
    prompt_count, response_count = sum(usage.prompt.values()), sum(usage.response.values())
    fields: dict[str, Any] = {
        "promptTokenCount": prompt_count,
        f"{response}TokenCount": response_count,
        "toolUsePromptTokenCount": usage.tool_use,
        "thoughtsTokenCount": usage.thoughts,
        "totalTokenCount": prompt_count + response_count + usage.thoughts + usage.tool_use,
        "promptTokensDetails": _details(usage.prompt),
        f"{response}TokensDetails": _details(usage.response),
        "trafficType": "ON_DEMAND" if flavour is Flavour.VERTEX else "",
    }
    return _set(**fields)


def _details(tokens: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"modality": modality, "tokenCount": count} for modality, count in sorted(tokens.items()) if count]


def _set(**fields: Any) -> dict[str, Any]:
    """Return the fields that are not at their defaults, which the JSON of protocol buffers omits."""
    return {name: value for name, value in fields.items() if value}
