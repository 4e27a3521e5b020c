"""gRPC statuses with a reason that a program can read."""

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

DOMAIN = "segue"


class RefusedError(Exception):
    """A call that may not be: the status that it gets, and why.

    Attributes:
        code: the gRPC status.
        reason: an Error.Reason's name without its prefix.
        retry_delay: after how many seconds it makes sense again; None where that does not depend on time.
    """

    def __init__(self, code: grpc.StatusCode, reason: str, message: str, retry_delay: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.retry_delay = retry_delay


def status_of(code: grpc.StatusCode, reason: str, message: str, retry_delay: float | None = None) -> grpc.Status:
    """Return a status with a google.rpc.ErrorInfo, and with a RetryInfo where it makes sense to try again.

    Args:
        reason: an Error.Reason's name without its prefix.
        retry_delay: in seconds.
    """
    number, _name = code.value
    status = status_pb2.Status(code=number, message=message)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN))
    if retry_delay is not None:
        delay = Duration()
        delay.FromMilliseconds(round(retry_delay * 1000))
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    return rpc_status.to_status(status)
