"""What it means for a session that it has no link and gets no other."""

from segue.core.events import LinkLost, LossCause
from segue.core.outputs import Closed, CloseReason, Next

# When it makes sense to try again where the service named no time, in seconds.
_SOON = 1.0
_QUOTA = 60.0

_CLOSINGS = {
    LossCause.UNAVAILABLE: (CloseReason.BACKEND_UNAVAILABLE, Next.OPEN_AGAIN, _SOON),
    LossCause.CREDENTIALS: (CloseReason.BACKEND_CREDENTIALS, Next.NONE, None),
    LossCause.MODEL: (CloseReason.BACKEND_MODEL, Next.NONE, None),
    LossCause.REJECTED: (CloseReason.BACKEND_REJECTED, Next.NONE, None),
    LossCause.QUOTA: (CloseReason.BACKEND_QUOTA, Next.OPEN_AGAIN, _QUOTA),
    LossCause.TRANSIENT: (CloseReason.BACKEND_LOST, Next.OPEN_AGAIN, _SOON),
    LossCause.HANDLE: (CloseReason.BACKEND_LOST, Next.OPEN_AGAIN, _SOON),
    LossCause.INVALID: (CloseReason.BACKEND_LOST, Next.OPEN_AGAIN, _SOON),
    LossCause.UPDATE: (CloseReason.BACKEND_LOST, Next.OPEN_AGAIN, _SOON),
    LossCause.STALLED: (CloseReason.BACKEND_LOST, Next.OPEN_AGAIN, _SOON),
    LossCause.INTERNAL: (CloseReason.INTERNAL, Next.OPEN_AGAIN, _SOON),
}
# Another link would fare no better.
FATAL = frozenset({LossCause.CREDENTIALS, LossCause.MODEL, LossCause.REJECTED})


def closing_of(lost: LinkLost) -> Closed:
    """Return how a session ends that has no other link."""
    reason, after, retry_delay = _CLOSINGS[lost.cause]
    return Closed(reason, lost.message, after, retry_delay if lost.retry_delay is None else lost.retry_delay)


def context_full(message: str) -> Closed:
    """Return how a session ends whose context no new link could take."""
    return Closed(CloseReason.CONTEXT_FULL, message, Next.OPEN_AGAIN, _SOON)


def wedged(attempts: int) -> Closed:
    """Return how a session ends that no link has answered."""
    message = f"The model fell silent on {attempts} links since it last answered. Open a session again."
    return Closed(CloseReason.BACKEND_WEDGED, message, Next.OPEN_AGAIN, _SOON)
