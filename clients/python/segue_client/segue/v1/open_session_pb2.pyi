import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OpenSession(_message.Message):
    __slots__ = ("model", "voice", "language", "system_instruction", "tools", "response_modality", "turn_detection", "barge_in", "input_format", "output_format", "output_frame_duration", "transcripts", "delivery", "resume_context", "tool_policy", "context_compression", "first_turn", "initial_history", "idle_timeout", "max_duration", "resume_window", "labels", "include_notices", "backend_options")
    class Modality(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MODALITY_UNSPECIFIED: _ClassVar[OpenSession.Modality]
        MODALITY_AUDIO: _ClassVar[OpenSession.Modality]
        MODALITY_TEXT: _ClassVar[OpenSession.Modality]
    MODALITY_UNSPECIFIED: OpenSession.Modality
    MODALITY_AUDIO: OpenSession.Modality
    MODALITY_TEXT: OpenSession.Modality
    class Transcripts(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        TRANSCRIPTS_UNSPECIFIED: _ClassVar[OpenSession.Transcripts]
        TRANSCRIPTS_BOTH: _ClassVar[OpenSession.Transcripts]
        TRANSCRIPTS_USER: _ClassVar[OpenSession.Transcripts]
        TRANSCRIPTS_MODEL: _ClassVar[OpenSession.Transcripts]
        TRANSCRIPTS_NONE: _ClassVar[OpenSession.Transcripts]
    TRANSCRIPTS_UNSPECIFIED: OpenSession.Transcripts
    TRANSCRIPTS_BOTH: OpenSession.Transcripts
    TRANSCRIPTS_USER: OpenSession.Transcripts
    TRANSCRIPTS_MODEL: OpenSession.Transcripts
    TRANSCRIPTS_NONE: OpenSession.Transcripts
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VOICE_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_INSTRUCTION_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_MODALITY_FIELD_NUMBER: _ClassVar[int]
    TURN_DETECTION_FIELD_NUMBER: _ClassVar[int]
    BARGE_IN_FIELD_NUMBER: _ClassVar[int]
    INPUT_FORMAT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FORMAT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FRAME_DURATION_FIELD_NUMBER: _ClassVar[int]
    TRANSCRIPTS_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    RESUME_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    TOOL_POLICY_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_COMPRESSION_FIELD_NUMBER: _ClassVar[int]
    FIRST_TURN_FIELD_NUMBER: _ClassVar[int]
    INITIAL_HISTORY_FIELD_NUMBER: _ClassVar[int]
    IDLE_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    MAX_DURATION_FIELD_NUMBER: _ClassVar[int]
    RESUME_WINDOW_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_NOTICES_FIELD_NUMBER: _ClassVar[int]
    BACKEND_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    model: str
    voice: str
    language: str
    system_instruction: str
    tools: Tools
    response_modality: OpenSession.Modality
    turn_detection: TurnDetection
    barge_in: BargeIn
    input_format: AudioFormat
    output_format: AudioFormat
    output_frame_duration: _duration_pb2.Duration
    transcripts: OpenSession.Transcripts
    delivery: Delivery
    resume_context: ResumeContext
    tool_policy: ToolPolicy
    context_compression: ContextCompression
    first_turn: FirstTurn
    initial_history: _containers.RepeatedCompositeFieldContainer[HistoryTurn]
    idle_timeout: _duration_pb2.Duration
    max_duration: _duration_pb2.Duration
    resume_window: _duration_pb2.Duration
    labels: _containers.ScalarMap[str, str]
    include_notices: bool
    backend_options: _struct_pb2.Struct
    def __init__(self, model: _Optional[str] = ..., voice: _Optional[str] = ..., language: _Optional[str] = ..., system_instruction: _Optional[str] = ..., tools: _Optional[_Union[Tools, _Mapping]] = ..., response_modality: _Optional[_Union[OpenSession.Modality, str]] = ..., turn_detection: _Optional[_Union[TurnDetection, _Mapping]] = ..., barge_in: _Optional[_Union[BargeIn, _Mapping]] = ..., input_format: _Optional[_Union[AudioFormat, _Mapping]] = ..., output_format: _Optional[_Union[AudioFormat, _Mapping]] = ..., output_frame_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., transcripts: _Optional[_Union[OpenSession.Transcripts, str]] = ..., delivery: _Optional[_Union[Delivery, _Mapping]] = ..., resume_context: _Optional[_Union[ResumeContext, _Mapping]] = ..., tool_policy: _Optional[_Union[ToolPolicy, _Mapping]] = ..., context_compression: _Optional[_Union[ContextCompression, _Mapping]] = ..., first_turn: _Optional[_Union[FirstTurn, _Mapping]] = ..., initial_history: _Optional[_Iterable[_Union[HistoryTurn, _Mapping]]] = ..., idle_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., resume_window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., labels: _Optional[_Mapping[str, str]] = ..., include_notices: _Optional[bool] = ..., backend_options: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class AudioFormat(_message.Message):
    __slots__ = ("encoding", "sample_rate_hertz")
    class Encoding(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ENCODING_UNSPECIFIED: _ClassVar[AudioFormat.Encoding]
        ENCODING_LINEAR16: _ClassVar[AudioFormat.Encoding]
        ENCODING_MULAW: _ClassVar[AudioFormat.Encoding]
        ENCODING_ALAW: _ClassVar[AudioFormat.Encoding]
    ENCODING_UNSPECIFIED: AudioFormat.Encoding
    ENCODING_LINEAR16: AudioFormat.Encoding
    ENCODING_MULAW: AudioFormat.Encoding
    ENCODING_ALAW: AudioFormat.Encoding
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_RATE_HERTZ_FIELD_NUMBER: _ClassVar[int]
    encoding: AudioFormat.Encoding
    sample_rate_hertz: int
    def __init__(self, encoding: _Optional[_Union[AudioFormat.Encoding, str]] = ..., sample_rate_hertz: _Optional[int] = ...) -> None: ...

class Tools(_message.Message):
    __slots__ = ("functions", "built_in")
    FUNCTIONS_FIELD_NUMBER: _ClassVar[int]
    BUILT_IN_FIELD_NUMBER: _ClassVar[int]
    functions: _containers.RepeatedCompositeFieldContainer[FunctionDeclaration]
    built_in: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, functions: _Optional[_Iterable[_Union[FunctionDeclaration, _Mapping]]] = ..., built_in: _Optional[_Iterable[str]] = ...) -> None: ...

class FunctionDeclaration(_message.Message):
    __slots__ = ("name", "description", "parameters", "blocking", "timeout")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    BLOCKING_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    parameters: _struct_pb2.Struct
    blocking: bool
    timeout: _duration_pb2.Duration
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., parameters: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., blocking: _Optional[bool] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class TurnDetection(_message.Message):
    __slots__ = ("mode", "start_sensitivity", "end_sensitivity", "silence", "prefix_padding", "noise_gate")
    class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MODE_UNSPECIFIED: _ClassVar[TurnDetection.Mode]
        MODE_SERVER: _ClassVar[TurnDetection.Mode]
        MODE_MANUAL: _ClassVar[TurnDetection.Mode]
        MODE_GATEWAY: _ClassVar[TurnDetection.Mode]
    MODE_UNSPECIFIED: TurnDetection.Mode
    MODE_SERVER: TurnDetection.Mode
    MODE_MANUAL: TurnDetection.Mode
    MODE_GATEWAY: TurnDetection.Mode
    class Sensitivity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SENSITIVITY_UNSPECIFIED: _ClassVar[TurnDetection.Sensitivity]
        SENSITIVITY_HIGH: _ClassVar[TurnDetection.Sensitivity]
        SENSITIVITY_LOW: _ClassVar[TurnDetection.Sensitivity]
    SENSITIVITY_UNSPECIFIED: TurnDetection.Sensitivity
    SENSITIVITY_HIGH: TurnDetection.Sensitivity
    SENSITIVITY_LOW: TurnDetection.Sensitivity
    MODE_FIELD_NUMBER: _ClassVar[int]
    START_SENSITIVITY_FIELD_NUMBER: _ClassVar[int]
    END_SENSITIVITY_FIELD_NUMBER: _ClassVar[int]
    SILENCE_FIELD_NUMBER: _ClassVar[int]
    PREFIX_PADDING_FIELD_NUMBER: _ClassVar[int]
    NOISE_GATE_FIELD_NUMBER: _ClassVar[int]
    mode: TurnDetection.Mode
    start_sensitivity: TurnDetection.Sensitivity
    end_sensitivity: TurnDetection.Sensitivity
    silence: _duration_pb2.Duration
    prefix_padding: _duration_pb2.Duration
    noise_gate: NoiseGate
    def __init__(self, mode: _Optional[_Union[TurnDetection.Mode, str]] = ..., start_sensitivity: _Optional[_Union[TurnDetection.Sensitivity, str]] = ..., end_sensitivity: _Optional[_Union[TurnDetection.Sensitivity, str]] = ..., silence: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., prefix_padding: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., noise_gate: _Optional[_Union[NoiseGate, _Mapping]] = ...) -> None: ...

class NoiseGate(_message.Message):
    __slots__ = ("hang_over",)
    HANG_OVER_FIELD_NUMBER: _ClassVar[int]
    hang_over: _duration_pb2.Duration
    def __init__(self, hang_over: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class BargeIn(_message.Message):
    __slots__ = ("policy", "after")
    class Policy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        POLICY_UNSPECIFIED: _ClassVar[BargeIn.Policy]
        POLICY_ALLOWED: _ClassVar[BargeIn.Policy]
        POLICY_NONE: _ClassVar[BargeIn.Policy]
        POLICY_AFTER: _ClassVar[BargeIn.Policy]
    POLICY_UNSPECIFIED: BargeIn.Policy
    POLICY_ALLOWED: BargeIn.Policy
    POLICY_NONE: BargeIn.Policy
    POLICY_AFTER: BargeIn.Policy
    POLICY_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    policy: BargeIn.Policy
    after: _duration_pb2.Duration
    def __init__(self, policy: _Optional[_Union[BargeIn.Policy, str]] = ..., after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Delivery(_message.Message):
    __slots__ = ("lead", "unpaced", "max_unacked_bytes")
    LEAD_FIELD_NUMBER: _ClassVar[int]
    UNPACED_FIELD_NUMBER: _ClassVar[int]
    MAX_UNACKED_BYTES_FIELD_NUMBER: _ClassVar[int]
    lead: _duration_pb2.Duration
    unpaced: bool
    max_unacked_bytes: int
    def __init__(self, lead: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., unpaced: _Optional[bool] = ..., max_unacked_bytes: _Optional[int] = ...) -> None: ...

class ResumeContext(_message.Message):
    __slots__ = ("policy", "template", "history_turns")
    class Policy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        POLICY_UNSPECIFIED: _ClassVar[ResumeContext.Policy]
        POLICY_BUILT_IN: _ClassVar[ResumeContext.Policy]
        POLICY_TEMPLATE: _ClassVar[ResumeContext.Policy]
        POLICY_CLIENT: _ClassVar[ResumeContext.Policy]
        POLICY_OFF: _ClassVar[ResumeContext.Policy]
    POLICY_UNSPECIFIED: ResumeContext.Policy
    POLICY_BUILT_IN: ResumeContext.Policy
    POLICY_TEMPLATE: ResumeContext.Policy
    POLICY_CLIENT: ResumeContext.Policy
    POLICY_OFF: ResumeContext.Policy
    POLICY_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    HISTORY_TURNS_FIELD_NUMBER: _ClassVar[int]
    policy: ResumeContext.Policy
    template: str
    history_turns: int
    def __init__(self, policy: _Optional[_Union[ResumeContext.Policy, str]] = ..., template: _Optional[str] = ..., history_turns: _Optional[int] = ...) -> None: ...

class ToolPolicy(_message.Message):
    __slots__ = ("interim_after", "interim_text")
    INTERIM_AFTER_FIELD_NUMBER: _ClassVar[int]
    INTERIM_TEXT_FIELD_NUMBER: _ClassVar[int]
    interim_after: _duration_pb2.Duration
    interim_text: str
    def __init__(self, interim_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., interim_text: _Optional[str] = ...) -> None: ...

class ContextCompression(_message.Message):
    __slots__ = ("off", "trigger_tokens", "target_tokens")
    OFF_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TARGET_TOKENS_FIELD_NUMBER: _ClassVar[int]
    off: bool
    trigger_tokens: int
    target_tokens: int
    def __init__(self, off: _Optional[bool] = ..., trigger_tokens: _Optional[int] = ..., target_tokens: _Optional[int] = ...) -> None: ...

class FirstTurn(_message.Message):
    __slots__ = ("prompt",)
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    prompt: str
    def __init__(self, prompt: _Optional[str] = ...) -> None: ...

class HistoryTurn(_message.Message):
    __slots__ = ("role", "text")
    class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ROLE_UNSPECIFIED: _ClassVar[HistoryTurn.Role]
        ROLE_USER: _ClassVar[HistoryTurn.Role]
        ROLE_MODEL: _ClassVar[HistoryTurn.Role]
    ROLE_UNSPECIFIED: HistoryTurn.Role
    ROLE_USER: HistoryTurn.Role
    ROLE_MODEL: HistoryTurn.Role
    ROLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    role: HistoryTurn.Role
    text: str
    def __init__(self, role: _Optional[_Union[HistoryTurn.Role, str]] = ..., text: _Optional[str] = ...) -> None: ...
