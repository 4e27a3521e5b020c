from segue_client.segue.v1 import client_event_pb2 as _client_event_pb2
from segue_client.segue.v1 import server_event_pb2 as _server_event_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ConverseRequest(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_client_event_pb2.ClientEvent]
    def __init__(self, events: _Optional[_Iterable[_Union[_client_event_pb2.ClientEvent, _Mapping]]] = ...) -> None: ...

class ConverseResponse(_message.Message):
    __slots__ = ("events", "go_away")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    GO_AWAY_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_server_event_pb2.ServerEvent]
    go_away: _server_event_pb2.GoAway
    def __init__(self, events: _Optional[_Iterable[_Union[_server_event_pb2.ServerEvent, _Mapping]]] = ..., go_away: _Optional[_Union[_server_event_pb2.GoAway, _Mapping]] = ...) -> None: ...
