"""Links: what one is set up with, and what its loss means for the session."""

from segue.core.actions import Setup
from segue.core.events import LinkLost, LossCause
from segue.core.options import Options
from segue.core.outputs import Closed, CloseReason, Next
from segue.core.profiles import profile_of

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
    LossCause.INTERNAL: (CloseReason.INTERNAL, Next.OPEN_AGAIN, _SOON),
}


def closing_of(lost: LinkLost) -> Closed:
    """Return how a session ends that has no other link."""
    reason, after, retry_delay = _CLOSINGS[lost.cause]
    return Closed(reason, lost.message, after, retry_delay if lost.retry_delay is None else lost.retry_delay)


def fault_of(options: Options) -> str | None:
    """Return why no link can be had for these options, and what to do; None when one can."""
    if options.modality in profile_of(options.model).modalities:
        return None
    return (
        f"{options.model} does not answer in {options.modality.name}: "
        "leave response_modality out, or choose another model"
    )


def setup_of(options: Options) -> Setup:
    """Return what a link for these options is set up with, less what the model would close it for."""
    return Setup(
        model=options.model,
        voice=options.voice,
        language=options.language if profile_of(options.model).takes_language else "",
        system_instruction=options.system_instruction,
        modality=options.modality,
        detection=options.detection,
        compression=options.compression,
    )
