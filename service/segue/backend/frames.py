"""What a session gives to the model, as client frames of the Gemini Live API.

The format is that of BidiGenerateContent (see `messages`), in camel case: the service takes other spellings too, which
google-genai mixes. Text that is JSON already is put in as it is.
"""

import json
from binascii import b2a_base64
from typing import Any

from segue.core.actions import Setup
from segue.core.options import Compression, FunctionDeclaration, Mode, Scheduling, Sensitivity, ServerDetection
from segue.core.profiles import NoteSlot, TextSlot

_CONTENT = b'{"clientContent":{"turns":[{"role":"%b","parts":[{"text":%b}]}],"turnComplete":%b}}'
_REALTIME_TEXT = b'{"realtimeInput":{"text":%b}}'
_UPDATE = b'{"contextUpdate":{"systemInstruction":{"parts":[{"text":%b}],"role":"user"}}}'


def audio_frame(audio: bytes, sample_rate: int) -> bytes:
    """Return the frame that gives user audio to the model: 16-bit little-endian mono of `sample_rate` Hz."""
    return b'{"realtimeInput":{"audio":{"mimeType":"audio/pcm;rate=%d","data":"%b"}}}' % (
        sample_rate,
        b2a_base64(audio, newline=False),
    )


def text_frame(text: str, slot: TextSlot) -> bytes:
    """Return the frame that gives the user's words to the model, which is to answer them."""
    if slot is TextSlot.REALTIME:
        return _REALTIME_TEXT % _quoted(text)
    return _CONTENT % (b"user", _quoted(text), b"true")


def note_frame(text: str, slot: NoteSlot) -> bytes | None:
    """Return the frame that gives context to the model, which is not to answer it; None where it goes nowhere."""
    match slot:
        case NoteSlot.CONTENT:
            return _CONTENT % (b"user", _quoted(text), b"false")
        case NoteSlot.SYSTEM:
            return _CONTENT % (b"system", _quoted(text), b"false")
        case NoteSlot.REALTIME:
            return _REALTIME_TEXT % _quoted(text)
        case NoteSlot.UPDATE:
            return _UPDATE % _quoted(text)
        case NoteSlot.NONE:
            return None


def image_frame(content: bytes, mime_type: str) -> bytes:
    """Return the frame that shows the model a picture; `mime_type` is "image/jpeg" or "image/png"."""
    return b'{"realtimeInput":{"video":{"mimeType":"%b","data":"%b"}}}' % (
        mime_type.encode(),
        b2a_base64(content, newline=False),
    )


def update_frame(
    system_instruction: str | None,
    functions: tuple[FunctionDeclaration, ...] | None,
    built_in_tools: tuple[str, ...] | None,
) -> bytes:
    """Return the frame that changes the system instruction, the tools, or both; what is None stays as it is."""
    update: dict[str, Any] = {}
    if system_instruction is not None:
        update["systemInstruction"] = _instruction(system_instruction)
    if functions is not None or built_in_tools is not None:
        update["tools"] = {"tools": _tools(functions or (), built_in_tools or ())}
    return json.dumps({"contextUpdate": update}).encode()


def activity_frame(started: bool) -> bytes:
    """Return the frame that says that the user begins to speak, or has finished."""
    return b'{"realtimeInput":{"activityStart":{}}}' if started else b'{"realtimeInput":{"activityEnd":{}}}'


def tool_result_frame(
    call_id: str, name: str, response: str, scheduling: Scheduling | None, will_continue: bool
) -> bytes:
    """Return the frame that gives the result of a call to the model.

    Args:
        call_id: the service's id of the call; empty where it gave none, and then left out.
        name: the function's name.
        response: a JSON object, as text.
        scheduling: when the model speaks of it; None leaves that to the service.
        will_continue: whether more results of this call follow.
    """
    identity = b'"id":%b,' % _quoted(call_id) if call_id else b""
    when = b',"scheduling":"%b"' % scheduling.name.encode() if scheduling else b""
    more = b',"willContinue":true' if will_continue else b""
    answer = b'{%b"name":%b,"response":%b%b%b}' % (identity, _quoted(name), response.encode(), when, more)
    return b'{"toolResponse":{"functionResponses":[%b]}}' % answer


def setup_frame(setup: Setup, model: str, *, vertex: bool) -> bytes:
    """Return the frame that sets a link up. What is left to the service's defaults is left out.

    Args:
        setup: what to ask for; every `parameters` in it, and what is `extra`, must be JSON.
        model: the path by which this service knows the model.
        vertex: whether it is Vertex AI, which alone knows transparent resumption: the Developer API closes the link.
    """
    resumption: dict[str, Any] = {}
    if setup.handle:
        resumption["handle"] = setup.handle
    if vertex and setup.transparent:
        resumption["transparent"] = True
    message: dict[str, Any] = {
        "model": model,
        "generationConfig": _generation(setup),
        "inputAudioTranscription": {},
        "outputAudioTranscription": {},
        "sessionResumption": resumption,
    }
    if setup.system_instruction:
        message["systemInstruction"] = _instruction(setup.system_instruction)
    if detection := _detection(setup.mode, setup.detection):
        message["realtimeInputConfig"] = {"automaticActivityDetection": detection}
    if setup.compression is not None:
        message["contextWindowCompression"] = _compression(setup.compression)
    if tools := _tools(setup.functions, setup.built_in_tools):
        message["tools"] = tools
    if setup.extra:
        _merge(message, json.loads(setup.extra))
    return json.dumps({"setup": message}).encode()


def _merge(message: dict[str, Any], extra: dict[str, Any]) -> None:
    """Put extra fields, in camel or snake case, into a message; objects in both keep what the extra ones lack."""
    for name, value in extra.items():
        first, *rest = name.split("_")
        camel = first + "".join(word.capitalize() for word in rest)
        present = message.get(camel)
        if isinstance(present, dict) and isinstance(value, dict):
            _merge(present, value)
        else:
            # Further inside may be names of the client's own, such as those of labels.
            message[camel] = value


def _quoted(text: str) -> bytes:
    # Unlike msgspec's, this encoder takes any string, even with half a surrogate pair.
    return json.dumps(text).encode()


def _generation(setup: Setup) -> dict[str, Any]:
    speech: dict[str, Any] = {}
    if setup.voice:
        speech["voiceConfig"] = {"prebuiltVoiceConfig": {"voiceName": setup.voice}}
    if setup.language:
        speech["languageCode"] = setup.language
    generation: dict[str, Any] = {"responseModalities": [setup.modality.name]}
    if speech:
        generation["speechConfig"] = speech
    if setup.thinking_level:
        generation["thinkingConfig"] = {"thinkingLevel": setup.thinking_level}
    return generation


def _detection(mode: Mode, detection: ServerDetection) -> dict[str, Any]:
    if mode.signals:
        return {"disabled": True}
    return _known(
        startOfSpeechSensitivity=_sensitivity("START", detection.start_sensitivity),
        endOfSpeechSensitivity=_sensitivity("END", detection.end_sensitivity),
        prefixPaddingMs=detection.prefix_padding_ms,
        silenceDurationMs=detection.silence_ms,
    )


def _sensitivity(edge: str, sensitivity: Sensitivity | None) -> str | None:
    return f"{edge}_SENSITIVITY_{sensitivity.name}" if sensitivity else None


def _compression(compression: Compression) -> dict[str, Any]:
    # It is the presence of the sliding window that turns compression on.
    window = _known(targetTokens=compression.target_tokens)
    return _known(triggerTokens=compression.trigger_tokens, slidingWindow=window)


def _instruction(text: str) -> dict[str, Any]:
    return {"parts": [{"text": text}], "role": "user"}


def _tools(functions: tuple[FunctionDeclaration, ...], built_in_tools: tuple[str, ...]) -> list[dict[str, Any]]:
    declared = [_declaration(function) for function in functions]
    built_in: list[dict[str, Any]] = [{name: {}} for name in built_in_tools]
    return built_in + ([{"functionDeclarations": declared}] if declared else [])


def _declaration(function: FunctionDeclaration) -> dict[str, Any]:
    behaviours = {True: "BLOCKING", False: "NON_BLOCKING", None: None}
    return _known(
        name=function.name,
        description=function.description or None,
        parametersJsonSchema=json.loads(function.parameters) if function.parameters else None,
        behavior=behaviours[function.blocking],
    )


def _known(**fields: Any) -> dict[str, Any]:
    """Return the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}
