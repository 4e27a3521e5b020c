"""What can go wrong, as exceptions. All of them are `SegueError`."""


class SegueError(Exception):
    """A session or its connection failed."""


class SessionError(SegueError):
    """The gateway closed the session for another reason than that it was asked to.

    Attributes:
        reason: why, as `Error.Reason` in the contract names it: "IDLE_TIMEOUT", "BACKEND_CREDENTIALS".
        message: what was wrong and what to do, in words for a developer.
        retry_delay: seconds after which trying again makes sense; None when it does not depend on time.
        next: "OPEN_AGAIN" when a new session may well succeed, "RESUME" when the session lives on (with another client,
            that took it over), else "NONE".
    """

    def __init__(self, reason: str, message: str, retry_delay: float | None = None, next: str = "NONE") -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
        self.retry_delay = retry_delay
        self.next = next


class StreamError(SegueError):
    """The connection failed, or the gateway refused the whole stream; no fault of one session.

    Attributes:
        code: the gRPC status by its name: "INVALID_ARGUMENT".
        message: the status's own words.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class UnavailableError(StreamError):
    """Nobody answers at the address, or the connection broke and the session was not resumed. Trying again may help."""


class AccessDeniedError(StreamError):
    """The gateway wants credentials (UNAUTHENTICATED), or these do not allow it (PERMISSION_DENIED)."""


class InputClosedError(SegueError):
    """The session takes no more input: it was finished or closed, or it is over. Iterating tells how it ended."""


_BY_CODE: dict[str, type[StreamError]] = {
    "UNAVAILABLE": UnavailableError,
    "UNAUTHENTICATED": AccessDeniedError,
    "PERMISSION_DENIED": AccessDeniedError,
}


def stream_error(code: str, message: str) -> StreamError:
    """Return the exception for a gRPC status."""
    return _BY_CODE.get(code, StreamError)(code, message)
