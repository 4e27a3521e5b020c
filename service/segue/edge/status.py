"""gRPC statuses with a reason that a program can read."""

import grpc
from google.protobuf.any_pb2 import Any
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

DOMAIN = "segue"


def status_of(code: grpc.StatusCode, reason: str, message: str) -> grpc.Status:
    """Return a status with a google.rpc.ErrorInfo; `reason` is an Error.Reason's name without its prefix."""
    detail = Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN))
    number, _name = code.value
    return rpc_status.to_status(status_pb2.Status(code=number, message=message, details=[detail]))
