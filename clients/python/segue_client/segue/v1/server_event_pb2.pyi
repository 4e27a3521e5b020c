import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from segue_client.segue.v1 import error_pb2 as _error_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ServerEvent(_message.Message):
    __slots__ = ("channel", "seq", "turn", "opened", "resumed", "audio", "text", "transcript", "user_activity", "interrupted", "turn_ended", "tool_call", "tool_call_cancelled", "grounding", "notice", "input_ack", "input_rejected", "go_away", "closed")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    TURN_FIELD_NUMBER: _ClassVar[int]
    OPENED_FIELD_NUMBER: _ClassVar[int]
    RESUMED_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TRANSCRIPT_FIELD_NUMBER: _ClassVar[int]
    USER_ACTIVITY_FIELD_NUMBER: _ClassVar[int]
    INTERRUPTED_FIELD_NUMBER: _ClassVar[int]
    TURN_ENDED_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_CANCELLED_FIELD_NUMBER: _ClassVar[int]
    GROUNDING_FIELD_NUMBER: _ClassVar[int]
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    INPUT_ACK_FIELD_NUMBER: _ClassVar[int]
    INPUT_REJECTED_FIELD_NUMBER: _ClassVar[int]
    GO_AWAY_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    channel: int
    seq: int
    turn: int
    opened: SessionOpened
    resumed: SessionResumed
    audio: bytes
    text: str
    transcript: Transcript
    user_activity: UserActivity
    interrupted: Interrupted
    turn_ended: TurnEnded
    tool_call: ToolCall
    tool_call_cancelled: ToolCallCancelled
    grounding: Grounding
    notice: Notice
    input_ack: InputAck
    input_rejected: InputRejected
    go_away: GoAway
    closed: SessionClosed
    def __init__(self, channel: _Optional[int] = ..., seq: _Optional[int] = ..., turn: _Optional[int] = ..., opened: _Optional[_Union[SessionOpened, _Mapping]] = ..., resumed: _Optional[_Union[SessionResumed, _Mapping]] = ..., audio: _Optional[bytes] = ..., text: _Optional[str] = ..., transcript: _Optional[_Union[Transcript, _Mapping]] = ..., user_activity: _Optional[_Union[UserActivity, _Mapping]] = ..., interrupted: _Optional[_Union[Interrupted, _Mapping]] = ..., turn_ended: _Optional[_Union[TurnEnded, _Mapping]] = ..., tool_call: _Optional[_Union[ToolCall, _Mapping]] = ..., tool_call_cancelled: _Optional[_Union[ToolCallCancelled, _Mapping]] = ..., grounding: _Optional[_Union[Grounding, _Mapping]] = ..., notice: _Optional[_Union[Notice, _Mapping]] = ..., input_ack: _Optional[_Union[InputAck, _Mapping]] = ..., input_rejected: _Optional[_Union[InputRejected, _Mapping]] = ..., go_away: _Optional[_Union[GoAway, _Mapping]] = ..., closed: _Optional[_Union[SessionClosed, _Mapping]] = ...) -> None: ...

class SessionOpened(_message.Message):
    __slots__ = ("session_id", "resume_token", "model")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    resume_token: str
    model: str
    def __init__(self, session_id: _Optional[str] = ..., resume_token: _Optional[str] = ..., model: _Optional[str] = ...) -> None: ...

class SessionResumed(_message.Message):
    __slots__ = ("last_input_seq", "output_lost")
    LAST_INPUT_SEQ_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_LOST_FIELD_NUMBER: _ClassVar[int]
    last_input_seq: int
    output_lost: bool
    def __init__(self, last_input_seq: _Optional[int] = ..., output_lost: _Optional[bool] = ...) -> None: ...

class Transcript(_message.Message):
    __slots__ = ("speaker", "text")
    class Speaker(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SPEAKER_UNSPECIFIED: _ClassVar[Transcript.Speaker]
        SPEAKER_USER: _ClassVar[Transcript.Speaker]
        SPEAKER_MODEL: _ClassVar[Transcript.Speaker]
    SPEAKER_UNSPECIFIED: Transcript.Speaker
    SPEAKER_USER: Transcript.Speaker
    SPEAKER_MODEL: Transcript.Speaker
    SPEAKER_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    speaker: Transcript.Speaker
    text: str
    def __init__(self, speaker: _Optional[_Union[Transcript.Speaker, str]] = ..., text: _Optional[str] = ...) -> None: ...

class UserActivity(_message.Message):
    __slots__ = ("edge",)
    class Edge(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        EDGE_UNSPECIFIED: _ClassVar[UserActivity.Edge]
        EDGE_START: _ClassVar[UserActivity.Edge]
        EDGE_END: _ClassVar[UserActivity.Edge]
    EDGE_UNSPECIFIED: UserActivity.Edge
    EDGE_START: UserActivity.Edge
    EDGE_END: UserActivity.Edge
    EDGE_FIELD_NUMBER: _ClassVar[int]
    edge: UserActivity.Edge
    def __init__(self, edge: _Optional[_Union[UserActivity.Edge, str]] = ...) -> None: ...

class Interrupted(_message.Message):
    __slots__ = ("cause", "heard_text", "unheard_text", "heard_duration", "stop_latency")
    class Cause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CAUSE_UNSPECIFIED: _ClassVar[Interrupted.Cause]
        CAUSE_NONE: _ClassVar[Interrupted.Cause]
        CAUSE_USER: _ClassVar[Interrupted.Cause]
        CAUSE_CLIENT: _ClassVar[Interrupted.Cause]
        CAUSE_PHANTOM: _ClassVar[Interrupted.Cause]
        CAUSE_RECOVERY: _ClassVar[Interrupted.Cause]
        CAUSE_DETACHED: _ClassVar[Interrupted.Cause]
        CAUSE_OPERATOR: _ClassVar[Interrupted.Cause]
        CAUSE_TOOL: _ClassVar[Interrupted.Cause]
    CAUSE_UNSPECIFIED: Interrupted.Cause
    CAUSE_NONE: Interrupted.Cause
    CAUSE_USER: Interrupted.Cause
    CAUSE_CLIENT: Interrupted.Cause
    CAUSE_PHANTOM: Interrupted.Cause
    CAUSE_RECOVERY: Interrupted.Cause
    CAUSE_DETACHED: Interrupted.Cause
    CAUSE_OPERATOR: Interrupted.Cause
    CAUSE_TOOL: Interrupted.Cause
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    HEARD_TEXT_FIELD_NUMBER: _ClassVar[int]
    UNHEARD_TEXT_FIELD_NUMBER: _ClassVar[int]
    HEARD_DURATION_FIELD_NUMBER: _ClassVar[int]
    STOP_LATENCY_FIELD_NUMBER: _ClassVar[int]
    cause: Interrupted.Cause
    heard_text: str
    unheard_text: str
    heard_duration: _duration_pb2.Duration
    stop_latency: _duration_pb2.Duration
    def __init__(self, cause: _Optional[_Union[Interrupted.Cause, str]] = ..., heard_text: _Optional[str] = ..., unheard_text: _Optional[str] = ..., heard_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., stop_latency: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class TurnEnded(_message.Message):
    __slots__ = ("reason", "heard_text", "unheard_text", "heard_duration", "audio_duration", "first_audio_latency", "usage", "backend_reason")
    class Reason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        REASON_UNSPECIFIED: _ClassVar[TurnEnded.Reason]
        REASON_COMPLETED: _ClassVar[TurnEnded.Reason]
        REASON_INTERRUPTED: _ClassVar[TurnEnded.Reason]
        REASON_OUTPUT_OVERFLOW: _ClassVar[TurnEnded.Reason]
        REASON_REFUSED: _ClassVar[TurnEnded.Reason]
        REASON_LINK_LOST: _ClassVar[TurnEnded.Reason]
        REASON_SESSION_CLOSED: _ClassVar[TurnEnded.Reason]
    REASON_UNSPECIFIED: TurnEnded.Reason
    REASON_COMPLETED: TurnEnded.Reason
    REASON_INTERRUPTED: TurnEnded.Reason
    REASON_OUTPUT_OVERFLOW: TurnEnded.Reason
    REASON_REFUSED: TurnEnded.Reason
    REASON_LINK_LOST: TurnEnded.Reason
    REASON_SESSION_CLOSED: TurnEnded.Reason
    REASON_FIELD_NUMBER: _ClassVar[int]
    HEARD_TEXT_FIELD_NUMBER: _ClassVar[int]
    UNHEARD_TEXT_FIELD_NUMBER: _ClassVar[int]
    HEARD_DURATION_FIELD_NUMBER: _ClassVar[int]
    AUDIO_DURATION_FIELD_NUMBER: _ClassVar[int]
    FIRST_AUDIO_LATENCY_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    BACKEND_REASON_FIELD_NUMBER: _ClassVar[int]
    reason: TurnEnded.Reason
    heard_text: str
    unheard_text: str
    heard_duration: _duration_pb2.Duration
    audio_duration: _duration_pb2.Duration
    first_audio_latency: _duration_pb2.Duration
    usage: Usage
    backend_reason: str
    def __init__(self, reason: _Optional[_Union[TurnEnded.Reason, str]] = ..., heard_text: _Optional[str] = ..., unheard_text: _Optional[str] = ..., heard_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., audio_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., first_audio_latency: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., backend_reason: _Optional[str] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("input_tokens", "output_tokens", "total_tokens", "thinking_tokens", "input_by_modality", "output_by_modality")
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    THINKING_TOKENS_FIELD_NUMBER: _ClassVar[int]
    INPUT_BY_MODALITY_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_BY_MODALITY_FIELD_NUMBER: _ClassVar[int]
    input_tokens: int
    output_tokens: int
    total_tokens: int
    thinking_tokens: int
    input_by_modality: _containers.RepeatedCompositeFieldContainer[ModalityTokens]
    output_by_modality: _containers.RepeatedCompositeFieldContainer[ModalityTokens]
    def __init__(self, input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., total_tokens: _Optional[int] = ..., thinking_tokens: _Optional[int] = ..., input_by_modality: _Optional[_Iterable[_Union[ModalityTokens, _Mapping]]] = ..., output_by_modality: _Optional[_Iterable[_Union[ModalityTokens, _Mapping]]] = ...) -> None: ...

class ModalityTokens(_message.Message):
    __slots__ = ("modality", "tokens")
    MODALITY_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    modality: str
    tokens: int
    def __init__(self, modality: _Optional[str] = ..., tokens: _Optional[int] = ...) -> None: ...

class ToolCall(_message.Message):
    __slots__ = ("call_id", "name", "arguments")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    name: str
    arguments: _struct_pb2.Struct
    def __init__(self, call_id: _Optional[str] = ..., name: _Optional[str] = ..., arguments: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ToolCallCancelled(_message.Message):
    __slots__ = ("call_id",)
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    def __init__(self, call_id: _Optional[str] = ...) -> None: ...

class Grounding(_message.Message):
    __slots__ = ("metadata",)
    METADATA_FIELD_NUMBER: _ClassVar[int]
    metadata: _struct_pb2.Struct
    def __init__(self, metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class Notice(_message.Message):
    __slots__ = ("kind", "message", "took")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Notice.Kind]
        KIND_RENEWED: _ClassVar[Notice.Kind]
        KIND_RECOVERED: _ClassVar[Notice.Kind]
        KIND_WEDGED: _ClassVar[Notice.Kind]
        KIND_PHANTOM_INTERRUPT: _ClassVar[Notice.Kind]
        KIND_FALSE_INTERRUPTION: _ClassVar[Notice.Kind]
        KIND_INPUT_REPLAYED: _ClassVar[Notice.Kind]
        KIND_TAKEN_OVER: _ClassVar[Notice.Kind]
        KIND_BACKEND_ODDITY: _ClassVar[Notice.Kind]
    KIND_UNSPECIFIED: Notice.Kind
    KIND_RENEWED: Notice.Kind
    KIND_RECOVERED: Notice.Kind
    KIND_WEDGED: Notice.Kind
    KIND_PHANTOM_INTERRUPT: Notice.Kind
    KIND_FALSE_INTERRUPTION: Notice.Kind
    KIND_INPUT_REPLAYED: Notice.Kind
    KIND_TAKEN_OVER: Notice.Kind
    KIND_BACKEND_ODDITY: Notice.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TOOK_FIELD_NUMBER: _ClassVar[int]
    kind: Notice.Kind
    message: str
    took: _duration_pb2.Duration
    def __init__(self, kind: _Optional[_Union[Notice.Kind, str]] = ..., message: _Optional[str] = ..., took: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class InputAck(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class InputRejected(_message.Message):
    __slots__ = ("input_seq", "reason", "message")
    class Reason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        REASON_UNSPECIFIED: _ClassVar[InputRejected.Reason]
        REASON_UNIMPLEMENTED: _ClassVar[InputRejected.Reason]
        REASON_UNKNOWN_INPUT: _ClassVar[InputRejected.Reason]
        REASON_ALREADY_OPEN: _ClassVar[InputRejected.Reason]
        REASON_NO_INPUT_FORMAT: _ClassVar[InputRejected.Reason]
        REASON_ODD_BYTES: _ClassVar[InputRejected.Reason]
        REASON_EMPTY: _ClassVar[InputRejected.Reason]
        REASON_TOO_LARGE: _ClassVar[InputRejected.Reason]
        REASON_INPUT_OVERFLOW: _ClassVar[InputRejected.Reason]
        REASON_WRONG_MODE: _ClassVar[InputRejected.Reason]
        REASON_INVALID_IMAGE: _ClassVar[InputRejected.Reason]
        REASON_UNKNOWN_CALL: _ClassVar[InputRejected.Reason]
        REASON_INVALID_FIELD: _ClassVar[InputRejected.Reason]
        REASON_ENDING: _ClassVar[InputRejected.Reason]
        REASON_UNSUPPORTED_BY_MODEL: _ClassVar[InputRejected.Reason]
    REASON_UNSPECIFIED: InputRejected.Reason
    REASON_UNIMPLEMENTED: InputRejected.Reason
    REASON_UNKNOWN_INPUT: InputRejected.Reason
    REASON_ALREADY_OPEN: InputRejected.Reason
    REASON_NO_INPUT_FORMAT: InputRejected.Reason
    REASON_ODD_BYTES: InputRejected.Reason
    REASON_EMPTY: InputRejected.Reason
    REASON_TOO_LARGE: InputRejected.Reason
    REASON_INPUT_OVERFLOW: InputRejected.Reason
    REASON_WRONG_MODE: InputRejected.Reason
    REASON_INVALID_IMAGE: InputRejected.Reason
    REASON_UNKNOWN_CALL: InputRejected.Reason
    REASON_INVALID_FIELD: InputRejected.Reason
    REASON_ENDING: InputRejected.Reason
    REASON_UNSUPPORTED_BY_MODEL: InputRejected.Reason
    INPUT_SEQ_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    input_seq: int
    reason: InputRejected.Reason
    message: str
    def __init__(self, input_seq: _Optional[int] = ..., reason: _Optional[_Union[InputRejected.Reason, str]] = ..., message: _Optional[str] = ...) -> None: ...

class GoAway(_message.Message):
    __slots__ = ("deadline",)
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    deadline: _timestamp_pb2.Timestamp
    def __init__(self, deadline: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SessionClosed(_message.Message):
    __slots__ = ("error", "next", "totals")
    class Next(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        NEXT_UNSPECIFIED: _ClassVar[SessionClosed.Next]
        NEXT_NONE: _ClassVar[SessionClosed.Next]
        NEXT_RESUME: _ClassVar[SessionClosed.Next]
        NEXT_OPEN_AGAIN: _ClassVar[SessionClosed.Next]
    NEXT_UNSPECIFIED: SessionClosed.Next
    NEXT_NONE: SessionClosed.Next
    NEXT_RESUME: SessionClosed.Next
    NEXT_OPEN_AGAIN: SessionClosed.Next
    ERROR_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    TOTALS_FIELD_NUMBER: _ClassVar[int]
    error: _error_pb2.Error
    next: SessionClosed.Next
    totals: Totals
    def __init__(self, error: _Optional[_Union[_error_pb2.Error, _Mapping]] = ..., next: _Optional[_Union[SessionClosed.Next, str]] = ..., totals: _Optional[_Union[Totals, _Mapping]] = ...) -> None: ...

class Totals(_message.Message):
    __slots__ = ("duration", "turns", "interruptions", "input_audio", "output_audio", "usage")
    DURATION_FIELD_NUMBER: _ClassVar[int]
    TURNS_FIELD_NUMBER: _ClassVar[int]
    INTERRUPTIONS_FIELD_NUMBER: _ClassVar[int]
    INPUT_AUDIO_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_AUDIO_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    duration: _duration_pb2.Duration
    turns: int
    interruptions: int
    input_audio: _duration_pb2.Duration
    output_audio: _duration_pb2.Duration
    usage: Usage
    def __init__(self, duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., turns: _Optional[int] = ..., interruptions: _Optional[int] = ..., input_audio: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., output_audio: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ...) -> None: ...
