import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Error(_message.Message):
    __slots__ = ("reason", "message", "retry_delay")
    class Reason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        REASON_UNSPECIFIED: _ClassVar[Error.Reason]
        REASON_COMPLETED: _ClassVar[Error.Reason]
        REASON_IDLE_TIMEOUT: _ClassVar[Error.Reason]
        REASON_MAX_DURATION: _ClassVar[Error.Reason]
        REASON_INVALID_OPEN: _ClassVar[Error.Reason]
        REASON_UNIMPLEMENTED: _ClassVar[Error.Reason]
        REASON_NOT_OPEN: _ClassVar[Error.Reason]
        REASON_INPUT_GAP: _ClassVar[Error.Reason]
        REASON_TAKEN_OVER: _ClassVar[Error.Reason]
        REASON_DETACHED: _ClassVar[Error.Reason]
        REASON_RESUME_UNKNOWN: _ClassVar[Error.Reason]
        REASON_RESUME_REJECTED: _ClassVar[Error.Reason]
        REASON_QUOTA: _ClassVar[Error.Reason]
        REASON_OVERLOADED: _ClassVar[Error.Reason]
        REASON_SHUTTING_DOWN: _ClassVar[Error.Reason]
        REASON_OPERATOR: _ClassVar[Error.Reason]
        REASON_BACKEND_UNAVAILABLE: _ClassVar[Error.Reason]
        REASON_BACKEND_CREDENTIALS: _ClassVar[Error.Reason]
        REASON_BACKEND_MODEL: _ClassVar[Error.Reason]
        REASON_BACKEND_REJECTED: _ClassVar[Error.Reason]
        REASON_BACKEND_QUOTA: _ClassVar[Error.Reason]
        REASON_BACKEND_LOST: _ClassVar[Error.Reason]
        REASON_BACKEND_WEDGED: _ClassVar[Error.Reason]
        REASON_CONTEXT_FULL: _ClassVar[Error.Reason]
        REASON_UNAUTHENTICATED: _ClassVar[Error.Reason]
        REASON_PERMISSION_DENIED: _ClassVar[Error.Reason]
        REASON_MALFORMED_MESSAGE: _ClassVar[Error.Reason]
        REASON_INTERNAL: _ClassVar[Error.Reason]
    REASON_UNSPECIFIED: Error.Reason
    REASON_COMPLETED: Error.Reason
    REASON_IDLE_TIMEOUT: Error.Reason
    REASON_MAX_DURATION: Error.Reason
    REASON_INVALID_OPEN: Error.Reason
    REASON_UNIMPLEMENTED: Error.Reason
    REASON_NOT_OPEN: Error.Reason
    REASON_INPUT_GAP: Error.Reason
    REASON_TAKEN_OVER: Error.Reason
    REASON_DETACHED: Error.Reason
    REASON_RESUME_UNKNOWN: Error.Reason
    REASON_RESUME_REJECTED: Error.Reason
    REASON_QUOTA: Error.Reason
    REASON_OVERLOADED: Error.Reason
    REASON_SHUTTING_DOWN: Error.Reason
    REASON_OPERATOR: Error.Reason
    REASON_BACKEND_UNAVAILABLE: Error.Reason
    REASON_BACKEND_CREDENTIALS: Error.Reason
    REASON_BACKEND_MODEL: Error.Reason
    REASON_BACKEND_REJECTED: Error.Reason
    REASON_BACKEND_QUOTA: Error.Reason
    REASON_BACKEND_LOST: Error.Reason
    REASON_BACKEND_WEDGED: Error.Reason
    REASON_CONTEXT_FULL: Error.Reason
    REASON_UNAUTHENTICATED: Error.Reason
    REASON_PERMISSION_DENIED: Error.Reason
    REASON_MALFORMED_MESSAGE: Error.Reason
    REASON_INTERNAL: Error.Reason
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RETRY_DELAY_FIELD_NUMBER: _ClassVar[int]
    reason: Error.Reason
    message: str
    retry_delay: _duration_pb2.Duration
    def __init__(self, reason: _Optional[_Union[Error.Reason, str]] = ..., message: _Optional[str] = ..., retry_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
