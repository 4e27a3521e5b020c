"""What a session is opened with."""

from collections.abc import Sequence
from typing import Literal, TypedDict

from segue_client import wire
from segue_client.segue.v1.open_session_pb2 import (
    AudioFormat,
    FunctionDeclaration,
    NoiseGate,
    OpenSession,
    TurnDetection,
)


class Opening(TypedDict, total=False):
    """What a session may be opened with; `connect` says what each means."""

    model: str
    voice: str
    language: str
    system_instruction: str
    input_sample_rate_hertz: int
    output_sample_rate_hertz: int
    turn_detection: Literal["SERVER", "MANUAL", "GATEWAY"]
    noise_gate: bool
    tools: Sequence[FunctionDeclaration | str]
    include_notices: bool
    resume_window: float
    options: OpenSession | None


def write_opening(
    *,
    model: str = "",
    voice: str = "",
    language: str = "",
    system_instruction: str = "",
    input_sample_rate_hertz: int = 16000,
    output_sample_rate_hertz: int = 24000,
    turn_detection: Literal["SERVER", "MANUAL", "GATEWAY"] = "SERVER",
    noise_gate: bool = False,
    tools: Sequence[FunctionDeclaration | str] = (),
    include_notices: bool = False,
    resume_window: float = 120.0,
    options: OpenSession | None = None,
) -> OpenSession:
    """Return the contract's message. What `options` sets wins. Raises ValueError for an argument that cannot be."""
    opening = OpenSession(
        model=model,
        voice=voice,
        language=language,
        system_instruction=system_instruction,
        turn_detection=TurnDetection(
            mode=wire.enum_number(TurnDetection.Mode, turn_detection),  # type: ignore[arg-type]
            noise_gate=NoiseGate() if noise_gate else None,
        ),
        input_format=_linear16(input_sample_rate_hertz),
        output_format=_linear16(output_sample_rate_hertz),
        tools=wire.write_tools(tools) if tools else None,
        include_notices=include_notices,
        resume_window=wire.duration(resume_window) if resume_window else None,
    )
    if options is not None:
        # These are replaced as a whole; merging would mix the two.
        if options.HasField("tools"):
            opening.ClearField("tools")
        if options.HasField("resume_window"):
            opening.ClearField("resume_window")
        opening.MergeFrom(options)
    return opening


def _linear16(sample_rate_hertz: int) -> AudioFormat:
    return AudioFormat(encoding=AudioFormat.ENCODING_LINEAR16, sample_rate_hertz=sample_rate_hertz)
