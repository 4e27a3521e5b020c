"""OpenSession, read: either valid options, or why it is refused."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf

from google.protobuf.message import Message

from segue.core.options import (
    MODEL_GIVES,
    AudioFormat,
    Compression,
    Encoding,
    Modality,
    Mode,
    Options,
    ResumeContext,
    ResumePolicy,
    Sensitivity,
    ServerDetection,
)
from segue.core.outputs import CloseReason
from segue.core.resume_context import fault_of_template
from segue.edge.backend_options import read_backend_options, wrong_backend_options
from segue.edge.durations import out_of_range, seconds, seconds_of
from segue.edge.tools import read_functions, wrong_tools
from segue.edge.updating import read_barge_in, read_lead, wrong_barge_in, wrong_delivery
from segue.tenants import ANYBODY, Tenant
from segue_client.segue.v1 import open_session_pb2 as pb

MAX_OPEN_BYTES = 32 * 1024
MAX_LABELS = 16
MAX_LABEL_BYTES = 63
MAX_HISTORY_TURNS = 64
_HOUR = 3_600.0
_DAY = 86_400.0
# How long a noise gate stays open after the last sound unless the client says so, in seconds.
_HANG_OVER = 0.6
# How long one audio event is unless the client says so, in seconds: for a telephone as long as its packets.
_FRAME_DURATIONS = {Encoding.LINEAR16: 0.040, Encoding.MULAW: 0.020, Encoding.ALAW: 0.020}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a session cannot be: INVALID_OPEN or PERMISSION_DENIED, and what to do."""

    reason: CloseReason
    message: str


def read_open(opening: pb.OpenSession, default_model: str, tenant: Tenant = ANYBODY) -> Options | Refusal:
    """Return the options of a tenant's session, or why there can be none. All that is wrong is said at once."""
    size = opening.ByteSize()
    if size > MAX_OPEN_BYTES:
        return Refusal(CloseReason.INVALID_OPEN, f"an open of {size} bytes: at most {MAX_OPEN_BYTES} are allowed")
    wrong = [*_wrong(opening)]
    if wrong:
        return Refusal(CloseReason.INVALID_OPEN, "; ".join(wrong))
    defaults = tenant.defaults
    model = opening.model or defaults.model or default_model
    denied = [*_denied(opening, model, tenant)]
    if denied:
        return Refusal(CloseReason.PERMISSION_DENIED, "; ".join(denied))
    detection = opening.turn_detection
    compression = opening.context_compression
    output_format = read_format(opening.output_format) if opening.HasField("output_format") else MODEL_GIVES
    return Options(
        model=model,
        voice=opening.voice or defaults.voice,
        language=opening.language or defaults.language,
        system_instruction=opening.system_instruction or defaults.system_instruction,
        modality=Modality.TEXT if opening.response_modality == pb.OpenSession.MODALITY_TEXT else Modality.AUDIO,
        mode=_MODES[detection.mode],
        detection=ServerDetection(
            start_sensitivity=_SENSITIVITIES[detection.start_sensitivity],
            end_sensitivity=_SENSITIVITIES[detection.end_sensitivity],
            silence_ms=_milliseconds(detection, "silence"),
            prefix_padding_ms=_milliseconds(detection, "prefix_padding"),
        ),
        noise_gate=seconds(detection.noise_gate, "hang_over", _HANG_OVER) if detection.HasField("noise_gate") else None,
        functions=read_functions(opening.tools),
        built_in_tools=tuple(opening.tools.built_in),
        interim_after=seconds(opening.tool_policy, "interim_after", inf),
        interim_text=opening.tool_policy.interim_text,
        input_format=read_format(opening.input_format) if opening.HasField("input_format") else None,
        output_format=output_format,
        output_frame_duration=seconds(opening, "output_frame_duration", _FRAME_DURATIONS[output_format.encoding]),
        user_transcripts=opening.transcripts not in (pb.OpenSession.TRANSCRIPTS_MODEL, pb.OpenSession.TRANSCRIPTS_NONE),
        model_transcripts=opening.transcripts not in (pb.OpenSession.TRANSCRIPTS_USER, pb.OpenSession.TRANSCRIPTS_NONE),
        barge_in_after=read_barge_in(opening.barge_in),
        lead=read_lead(opening.delivery),
        unpaced=opening.delivery.unpaced,
        max_unacked_bytes=opening.delivery.max_unacked_bytes,
        resume_context=_read_resume_context(opening.resume_context),
        first_turn=opening.first_turn.prompt if opening.HasField("first_turn") else None,
        initial_history=_read_history(opening.initial_history),
        compression=None
        if compression.off
        else Compression(compression.trigger_tokens or None, compression.target_tokens or None),
        idle_timeout=_at_most(tenant.idle_timeout, seconds(opening, "idle_timeout", 600.0)),
        max_duration=_at_most(tenant.max_duration, seconds(opening, "max_duration", 14_400.0)),
        resume_window=seconds_of(opening.resume_window),
        labels=dict(opening.labels),
        notices=opening.include_notices,
        backend_options=read_backend_options(opening.backend_options),
    )


def _read_resume_context(context: pb.ResumeContext) -> ResumeContext:
    turns = context.history_turns if context.HasField("history_turns") else ResumeContext().history_turns
    return ResumeContext(_RESUME_POLICIES[context.policy], context.template, turns)


def _read_history(turns: Iterable[pb.HistoryTurn]) -> tuple[tuple[str, str], ...]:
    """Return what the user said and what the model answered, in pairs; either may be missing."""
    pairs: list[tuple[str, str]] = []
    for turn in turns:
        if turn.role == pb.HistoryTurn.ROLE_USER:
            pairs.append((turn.text, ""))
        elif pairs and not pairs[-1][1]:
            pairs[-1] = (pairs[-1][0], turn.text)
        else:
            pairs.append(("", turn.text))
    return tuple(pairs)


def _wrong(opening: pb.OpenSession) -> Iterator[str]:
    if any(character in opening.model for character in "?&") or ".." in opening.model:
        yield f"model {opening.model!r} is no model's name"
    yield from _unknown_numbers(opening)
    yield from wrong_tools(opening.tools)
    yield from wrong_barge_in(opening.barge_in)
    yield from wrong_delivery(opening.delivery)
    yield from wrong_backend_options(opening.backend_options)
    yield from _contradictory_detection(opening.turn_detection)
    for name, audio_format in (("input_format", opening.input_format), ("output_format", opening.output_format)):
        if opening.HasField(name):
            yield from _wrong_format(name, audio_format)
    yield from out_of_range(opening, "output_frame_duration", 0.010, 1.0)
    yield from out_of_range(opening, "idle_timeout", 1.0, _DAY)
    yield from out_of_range(opening, "max_duration", 1.0, _DAY)
    yield from out_of_range(opening, "resume_window", 0.0, _HOUR)
    yield from out_of_range(opening.turn_detection, "silence", 0.100, 5.0)
    yield from out_of_range(opening.turn_detection, "prefix_padding", 0.0, 1.0)
    yield from out_of_range(opening.turn_detection.noise_gate, "hang_over", 0.100, 5.0)
    yield from out_of_range(opening.tool_policy, "interim_after", 0.100, 60.0)
    if opening.tool_policy.interim_text and not opening.tool_policy.HasField("interim_after"):
        yield "tool_policy.interim_text is never said without tool_policy.interim_after: set that, or leave it out"
    yield from _wrong_resume_context(opening.resume_context)
    for number, turn in enumerate(opening.initial_history):
        if not turn.role:
            yield f"initial_history[{number}] has no role: set ROLE_USER or ROLE_MODEL"
        if not turn.text.strip():
            yield f"initial_history[{number}] has no text: leave it out"
    if len(opening.labels) > MAX_LABELS:
        yield f"{len(opening.labels)} labels: at most {MAX_LABELS} are allowed"
    for key, value in opening.labels.items():
        if not key or max(len(key.encode()), len(value.encode())) > MAX_LABEL_BYTES:
            yield f"label {key!r}: keys have 1 to {MAX_LABEL_BYTES} bytes, values at most {MAX_LABEL_BYTES}"
    compression = opening.context_compression
    if compression.target_tokens and compression.target_tokens >= (compression.trigger_tokens or 2**32):
        yield "context_compression.target_tokens must be lower than trigger_tokens"


def _wrong_resume_context(context: pb.ResumeContext) -> Iterator[str]:
    if context.policy == pb.ResumeContext.POLICY_TEMPLATE:
        if not context.template.strip():
            yield "resume_context.template is empty: POLICY_TEMPLATE needs one"
        elif fault := fault_of_template(context.template):
            yield f"resume_context.template: {fault}"
    elif context.template:
        yield "resume_context.template is for POLICY_TEMPLATE alone: set that policy, or leave the template out"
    if context.history_turns > MAX_HISTORY_TURNS:
        yield f"resume_context.history_turns is {context.history_turns}: at most {MAX_HISTORY_TURNS}"


def _contradictory_detection(detection: pb.TurnDetection) -> Iterator[str]:
    if detection.mode == pb.TurnDetection.MODE_MANUAL:
        for field, _ in detection.ListFields():
            if field.name != "mode":
                yield f"turn_detection.{field.name} tunes a detector, and MODE_MANUAL has none: leave it out"
    elif detection.mode == pb.TurnDetection.MODE_GATEWAY and detection.HasField("noise_gate"):
        advice = "MODE_GATEWAY gives the model no noise between activities anyway: leave it out"
        yield f"turn_detection.noise_gate is for MODE_SERVER, and {advice}"


def _wrong_format(name: str, audio_format: pb.AudioFormat) -> Iterator[str]:
    rate = audio_format.sample_rate_hertz
    if audio_format.encoding == pb.AudioFormat.ENCODING_UNSPECIFIED:
        yield f"{name}.encoding is not set: set it to ENCODING_LINEAR16, ENCODING_MULAW or ENCODING_ALAW"
    elif audio_format.encoding == pb.AudioFormat.ENCODING_LINEAR16:
        if not 8_000 <= rate <= 48_000:
            yield f"{name}.sample_rate_hertz is {rate}: LINEAR16 has 8000 to 48000"
    elif rate != 8_000:
        yield f"{name}.sample_rate_hertz is {rate}: G.711 has 8000"


def _unknown_numbers(opening: pb.OpenSession) -> Iterator[str]:
    for message, path in _enum_holders(opening):
        for field, value in message.ListFields():
            if field.enum_type is not None and value not in field.enum_type.values_by_number:
                yield f"{path}{field.name} is {value}: {field.enum_type.name} has no such value"


def _enum_holders(opening: pb.OpenSession) -> Iterator[tuple[Message, str]]:
    yield opening, ""
    for name in ("input_format", "output_format", "turn_detection", "resume_context"):
        yield getattr(opening, name), f"{name}."
    for number, turn in enumerate(opening.initial_history):
        yield turn, f"initial_history[{number}]."


def _denied(opening: pb.OpenSession, model: str, tenant: Tenant) -> Iterator[str]:
    if not tenant.may_use(model):
        yield f"the tenant may not use the model {model!r}: set one that it may, such as {tenant.models[0]}"
    if opening.backend_options.fields and not tenant.backend_options:
        yield "the tenant may not set backend_options: leave them out"


def _at_most(limit: float | None, asked: float) -> float:
    return asked if limit is None else min(limit, asked)


def read_format(audio_format: pb.AudioFormat) -> AudioFormat:
    """Return a format with which nothing is wrong."""
    return AudioFormat(_ENCODINGS[audio_format.encoding], audio_format.sample_rate_hertz)


_ENCODINGS = {
    pb.AudioFormat.ENCODING_LINEAR16: Encoding.LINEAR16,
    pb.AudioFormat.ENCODING_MULAW: Encoding.MULAW,
    pb.AudioFormat.ENCODING_ALAW: Encoding.ALAW,
}

_RESUME_POLICIES = {
    pb.ResumeContext.POLICY_UNSPECIFIED: ResumePolicy.BUILT_IN,
    pb.ResumeContext.POLICY_BUILT_IN: ResumePolicy.BUILT_IN,
    pb.ResumeContext.POLICY_TEMPLATE: ResumePolicy.TEMPLATE,
    pb.ResumeContext.POLICY_CLIENT: ResumePolicy.CLIENT,
    pb.ResumeContext.POLICY_OFF: ResumePolicy.OFF,
}

_MODES = {
    pb.TurnDetection.MODE_UNSPECIFIED: Mode.SERVER,
    pb.TurnDetection.MODE_SERVER: Mode.SERVER,
    pb.TurnDetection.MODE_MANUAL: Mode.MANUAL,
    pb.TurnDetection.MODE_GATEWAY: Mode.GATEWAY,
}

_SENSITIVITIES = {
    pb.TurnDetection.SENSITIVITY_UNSPECIFIED: None,
    pb.TurnDetection.SENSITIVITY_HIGH: Sensitivity.HIGH,
    pb.TurnDetection.SENSITIVITY_LOW: Sensitivity.LOW,
}


def _milliseconds(message: Message, name: str) -> int | None:
    return round(seconds_of(getattr(message, name)) * 1000) if message.HasField(name) else None
