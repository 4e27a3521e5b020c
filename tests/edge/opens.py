"""Shorthand for what a session is opened with."""

from typing import Any

from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct

from segue_client.segue.v1 import open_session_pb2 as pb

LINEAR16 = pb.AudioFormat.ENCODING_LINEAR16
MULAW, ALAW = pb.AudioFormat.ENCODING_MULAW, pb.AudioFormat.ENCODING_ALAW
DETECTION, BARGE_IN, RESUME = pb.TurnDetection, pb.BargeIn, pb.ResumeContext
USER, MODEL = pb.HistoryTurn.ROLE_USER, pb.HistoryTurn.ROLE_MODEL


def extra(fields: dict[str, Any]) -> pb.OpenSession:
    """Return an open with extra fields of the Live API's setup."""
    return pb.OpenSession(backend_options=ParseDict(fields, Struct()))
