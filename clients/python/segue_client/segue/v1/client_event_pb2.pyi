import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from segue_client.segue.v1 import open_session_pb2 as _open_session_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ClientEvent(_message.Message):
    __slots__ = ("channel", "seq", "open", "resume", "audio", "image", "text", "activity", "interrupt", "tool_result", "note", "update", "ack", "close")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_FIELD_NUMBER: _ClassVar[int]
    INTERRUPT_FIELD_NUMBER: _ClassVar[int]
    TOOL_RESULT_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    channel: int
    seq: int
    open: _open_session_pb2.OpenSession
    resume: ResumeSession
    audio: bytes
    image: Image
    text: UserText
    activity: Activity
    interrupt: Interrupt
    tool_result: ToolResult
    note: Note
    update: SessionUpdate
    ack: Ack
    close: CloseSession
    def __init__(self, channel: _Optional[int] = ..., seq: _Optional[int] = ..., open: _Optional[_Union[_open_session_pb2.OpenSession, _Mapping]] = ..., resume: _Optional[_Union[ResumeSession, _Mapping]] = ..., audio: _Optional[bytes] = ..., image: _Optional[_Union[Image, _Mapping]] = ..., text: _Optional[_Union[UserText, _Mapping]] = ..., activity: _Optional[_Union[Activity, _Mapping]] = ..., interrupt: _Optional[_Union[Interrupt, _Mapping]] = ..., tool_result: _Optional[_Union[ToolResult, _Mapping]] = ..., note: _Optional[_Union[Note, _Mapping]] = ..., update: _Optional[_Union[SessionUpdate, _Mapping]] = ..., ack: _Optional[_Union[Ack, _Mapping]] = ..., close: _Optional[_Union[CloseSession, _Mapping]] = ...) -> None: ...

class ResumeSession(_message.Message):
    __slots__ = ("resume_token", "last_seq", "last_turn", "heard")
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    LAST_TURN_FIELD_NUMBER: _ClassVar[int]
    HEARD_FIELD_NUMBER: _ClassVar[int]
    resume_token: str
    last_seq: int
    last_turn: int
    heard: Heard
    def __init__(self, resume_token: _Optional[str] = ..., last_seq: _Optional[int] = ..., last_turn: _Optional[int] = ..., heard: _Optional[_Union[Heard, _Mapping]] = ...) -> None: ...

class Image(_message.Message):
    __slots__ = ("content", "mime_type")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    content: bytes
    mime_type: str
    def __init__(self, content: _Optional[bytes] = ..., mime_type: _Optional[str] = ...) -> None: ...

class UserText(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class Activity(_message.Message):
    __slots__ = ("edge",)
    class Edge(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        EDGE_UNSPECIFIED: _ClassVar[Activity.Edge]
        EDGE_START: _ClassVar[Activity.Edge]
        EDGE_END: _ClassVar[Activity.Edge]
    EDGE_UNSPECIFIED: Activity.Edge
    EDGE_START: Activity.Edge
    EDGE_END: Activity.Edge
    EDGE_FIELD_NUMBER: _ClassVar[int]
    edge: Activity.Edge
    def __init__(self, edge: _Optional[_Union[Activity.Edge, str]] = ...) -> None: ...

class Interrupt(_message.Message):
    __slots__ = ("turn", "heard")
    TURN_FIELD_NUMBER: _ClassVar[int]
    HEARD_FIELD_NUMBER: _ClassVar[int]
    turn: int
    heard: _duration_pb2.Duration
    def __init__(self, turn: _Optional[int] = ..., heard: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ToolResult(_message.Message):
    __slots__ = ("call_id", "result", "error", "scheduling", "will_continue")
    class Scheduling(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SCHEDULING_UNSPECIFIED: _ClassVar[ToolResult.Scheduling]
        SCHEDULING_INTERRUPT: _ClassVar[ToolResult.Scheduling]
        SCHEDULING_WHEN_IDLE: _ClassVar[ToolResult.Scheduling]
        SCHEDULING_SILENT: _ClassVar[ToolResult.Scheduling]
    SCHEDULING_UNSPECIFIED: ToolResult.Scheduling
    SCHEDULING_INTERRUPT: ToolResult.Scheduling
    SCHEDULING_WHEN_IDLE: ToolResult.Scheduling
    SCHEDULING_SILENT: ToolResult.Scheduling
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    SCHEDULING_FIELD_NUMBER: _ClassVar[int]
    WILL_CONTINUE_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    result: _struct_pb2.Value
    error: str
    scheduling: ToolResult.Scheduling
    will_continue: bool
    def __init__(self, call_id: _Optional[str] = ..., result: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., error: _Optional[str] = ..., scheduling: _Optional[_Union[ToolResult.Scheduling, str]] = ..., will_continue: _Optional[bool] = ...) -> None: ...

class Note(_message.Message):
    __slots__ = ("text", "answer")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    text: str
    answer: bool
    def __init__(self, text: _Optional[str] = ..., answer: _Optional[bool] = ...) -> None: ...

class SessionUpdate(_message.Message):
    __slots__ = ("system_instruction", "tools", "barge_in", "delivery")
    SYSTEM_INSTRUCTION_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    BARGE_IN_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    system_instruction: str
    tools: _open_session_pb2.Tools
    barge_in: _open_session_pb2.BargeIn
    delivery: _open_session_pb2.Delivery
    def __init__(self, system_instruction: _Optional[str] = ..., tools: _Optional[_Union[_open_session_pb2.Tools, _Mapping]] = ..., barge_in: _Optional[_Union[_open_session_pb2.BargeIn, _Mapping]] = ..., delivery: _Optional[_Union[_open_session_pb2.Delivery, _Mapping]] = ...) -> None: ...

class Ack(_message.Message):
    __slots__ = ("seq", "heard")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    HEARD_FIELD_NUMBER: _ClassVar[int]
    seq: int
    heard: Heard
    def __init__(self, seq: _Optional[int] = ..., heard: _Optional[_Union[Heard, _Mapping]] = ...) -> None: ...

class Heard(_message.Message):
    __slots__ = ("turn", "duration")
    TURN_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    turn: int
    duration: _duration_pb2.Duration
    def __init__(self, turn: _Optional[int] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class CloseSession(_message.Message):
    __slots__ = ("finish_turn",)
    FINISH_TURN_FIELD_NUMBER: _ClassVar[int]
    finish_turn: bool
    def __init__(self, finish_turn: _Optional[bool] = ...) -> None: ...
