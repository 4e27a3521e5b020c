"""Why a link could not be opened or was lost: from exceptions, close codes and reasons to what a session can act on.

The service says most in the reason of its close frame, and uses one code for many causes: 1007 for a bad key and for a
bad frame alike. So the text decides, then the code. The texts were collected from the service and from the issues of
googleapis/python-genai, googleapis/js-genai, livekit/agents and pipecat-ai/pipecat; a close frame cuts them at 123
bytes (RFC 6455, section 5.5), so they are told by how they begin.
"""

import re
import ssl

from google.auth.exceptions import GoogleAuthError, TransportError
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.frames import Close, CloseCode

from segue.backend.credentials import Credential
from segue.core.events import LinkLost, LossCause

_KEY = "Check {source}: the Live API does not accept it."
_WRONG_MODEL = "Check the model's name, and that this API, project and location have it."
_WRONG_OPTION = "Change what the session was opened with: the Live API would refuse it again."
_BUG = "This is a fault of Segue's: please report it."
_QUOTA = "Wait, or raise the quota of {source}."
_NEW_LINK = "A new connection may well work."
_AFRESH = "A new connection may work, without a handle and without what was sent last."
_LATER = "Try again later."

# In the order of the service's own terms; looked up by how a reason begins, whatever the case.
_REASONS = (
    ("api key not valid", LossCause.CREDENTIALS, _KEY),
    ("api key expired", LossCause.CREDENTIALS, _KEY),
    ("api key not found", LossCause.CREDENTIALS, _KEY),
    ("your api key was reported as leaked", LossCause.CREDENTIALS, _KEY),
    ("method doesn't allow unregistered callers", LossCause.CREDENTIALS, _KEY),
    ("request had invalid authentication credentials", LossCause.CREDENTIALS, _KEY),
    ("request is missing required authentication credential", LossCause.CREDENTIALS, _KEY),
    ("permission ", LossCause.CREDENTIALS, _KEY),
    ("the caller does not have permission", LossCause.CREDENTIALS, _KEY),
    ("models/", LossCause.MODEL, _WRONG_MODEL),
    ("publisher model", LossCause.MODEL, _WRONG_MODEL),
    # Not every service is known to take this message, and what it changes stands in the next setup.
    ('invalid json payload received. unknown name "contextupdate"', LossCause.UPDATE, _NEW_LINK),
    ("invalid json payload received", LossCause.REJECTED, _WRONG_OPTION),
    ("the requested combination of response modalities", LossCause.REJECTED, _WRONG_OPTION),
    ("unsupported language code", LossCause.REJECTED, _WRONG_OPTION),
    ("user location is not supported", LossCause.REJECTED, "The Live API does not serve this country."),
    ("explicit activity control is not supported", LossCause.INTERNAL, _BUG),
    ("invalid session handle", LossCause.HANDLE, "Go on without it."),
    ("bidigeneratecontent session not found", LossCause.HANDLE, "Go on without the handle."),
    ("requested entity was not found", LossCause.MODEL, _WRONG_MODEL),
    ("you exceeded your current quota", LossCause.QUOTA, _QUOTA),
    ("quota exceeded", LossCause.QUOTA, _QUOTA),
    ("resource has been exhausted", LossCause.QUOTA, _QUOTA),
    ("resource exhausted", LossCause.QUOTA, _QUOTA),
    ("resource_exhausted", LossCause.QUOTA, _QUOTA),
    ("the service is currently unavailable", LossCause.UNAVAILABLE, _LATER),
    ("the model is overloaded", LossCause.UNAVAILABLE, _LATER),
    ("connection aborted because the client failed to close", LossCause.TRANSIENT, _NEW_LINK),
    ("the operation was aborted", LossCause.TRANSIENT, _NEW_LINK),
    ("operation is not implemented", LossCause.TRANSIENT, _NEW_LINK),
    ("deadline expired", LossCause.TRANSIENT, _NEW_LINK),
    ("internal error", LossCause.TRANSIENT, _NEW_LINK),
    ("precondition check failed", LossCause.TRANSIENT, _NEW_LINK),
)
# What a reason means where a handle was used, which is looked up first.
_RESUMED_REASONS = (("requested entity was not found", LossCause.HANDLE, "Go on without the handle."),)
# What the SDK refuses before it connects (google/genai/_transformers.py, t_model).
_SDK_REFUSALS = (
    ("model is required", LossCause.MODEL, _WRONG_MODEL),
    ("invalid model parameter", LossCause.MODEL, _WRONG_MODEL),
)

_SECRETS = re.compile(
    r"""AIza[\w-]+ | AQ\.[\w-]+ | ya29\.[\w.-]+ | auth_tokens/[\w-]+"""
    r"""| (?<=key=)[^&\s"']+ | (?<=token=)[^&\s"']+ | (?<=bearer\s)\S+""",
    re.VERBOSE | re.IGNORECASE,
)


# What the service may ask for at most, in seconds.
_LONGEST_RETRY_DELAY = 600.0


def masked(text: str, credential: Credential) -> str:
    """Return the text without the credential's secret and without what looks like one."""
    if credential.api_key:
        text = text.replace(credential.api_key, "***")
    return _SECRETS.sub("***", text)


def to_loss(
    error: BaseException, link: int, credential: Credential, *, opened: bool, resumed: bool = False
) -> LinkLost:
    """Return what an exception of the SDK or of its WebSocket means.

    The message says what happened and what a developer can do about it, and holds no secret. `opened` tells whether
    the setup had been accepted: what is refused before would be refused again. `resumed` tells whether the setup had a
    handle, which may be what is wrong with it.
    """
    url = credential.base_url or "Google's endpoint"
    retry_delay = None
    code = 0
    match error:
        case ConnectionClosed(rcvd=Close() as close):
            code = close.code
            what, cause, advice = _of_close(code, close.reason, opened, resumed)
        # Without the service's close frame, our own tells of a time-out or of a message that was too large.
        case ConnectionClosed(sent=Close() as close):
            code = CloseCode.ABNORMAL_CLOSURE
            what, cause, advice = f"The connection was given up: {close.reason}", LossCause.TRANSIENT, _NEW_LINK
        # The kernel waited in vain for an acknowledgement (TCP_USER_TIMEOUT).
        case ConnectionClosed(__cause__=TimeoutError()):
            code = CloseCode.ABNORMAL_CLOSURE
            what = f"The connection to the Live API is dead: {error.__cause__}"
            cause, advice = LossCause.STALLED, _NEW_LINK
        case ConnectionClosed():
            code = CloseCode.ABNORMAL_CLOSURE
            what = f"The connection to the Live API broke: {error.__cause__ or 'it ended without a word'}"
            cause, advice = LossCause.TRANSIENT, _NEW_LINK
        case InvalidStatus():
            what, cause, advice = _of_status(error.response.status_code, url)
            retry_delay = _seconds(error.response.headers.get("Retry-After", ""))
        case TransportError():
            what, cause, advice = f"Google's sign-in cannot be reached: {error}", LossCause.UNAVAILABLE, _LATER
        case GoogleAuthError():
            what, cause, advice = f"Google's sign-in failed: {error}", LossCause.CREDENTIALS, "Check {source}."
        case ssl.SSLCertVerificationError():
            what = f"The certificate of {url} is not trusted: {error}"
            cause, advice = LossCause.UNAVAILABLE, "Set SSL_CERT_FILE to the certificates to trust."
        # A time-out is an OSError.
        case OSError() | WebSocketException():
            what = f"The Live API cannot be reached: {error}"
            cause, advice = LossCause.UNAVAILABLE, "Check the network and {url}."
        case _:
            what = f"{type(error).__name__}: {error}"
            cause, advice = _look_up(str(error), _SDK_REFUSALS) or (LossCause.INTERNAL, _BUG)
    advice = advice.format(source=credential.source, url=url)
    return LinkLost(link, cause, f"{masked(what, credential).rstrip('.')}. {advice}", retry_delay, int(code))


def _of_close(code: int, reason: str, opened: bool, resumed: bool) -> tuple[str, LossCause, str]:
    quoted = f' "{reason}"' if reason else ""
    reasons = (*_RESUMED_REASONS, *_REASONS) if resumed else _REASONS
    cause, advice = _look_up(reason, reasons) or _of_code(code, opened, resumed)
    return f"The Live API closed the connection with {code}{quoted}", cause, advice


def _of_code(code: int, opened: bool, resumed: bool) -> tuple[LossCause, str]:
    # "Request contains an invalid argument." is one of these: of a fresh setup it is final, while of a later frame or
    # of a resumed conversation it does not say what to leave out.
    if code in (CloseCode.INVALID_DATA, CloseCode.POLICY_VIOLATION):
        return (LossCause.INVALID, _AFRESH) if opened or resumed else (LossCause.REJECTED, _WRONG_OPTION)
    if code == CloseCode.TRY_AGAIN_LATER:
        return LossCause.UNAVAILABLE, _LATER
    return LossCause.TRANSIENT, _NEW_LINK


def _of_status(status: int, url: str) -> tuple[str, LossCause, str]:
    what = f"{url} answered with HTTP {status} instead of a WebSocket"
    if status in (401, 403):
        return what, LossCause.CREDENTIALS, _KEY
    if status == 429:
        return what, LossCause.QUOTA, _QUOTA
    if status == 408 or status >= 500:
        return what, LossCause.UNAVAILABLE, _LATER
    return what, LossCause.REJECTED, "Check that a Live API is at this address."


def _look_up(text: str, table: tuple[tuple[str, LossCause, str], ...]) -> tuple[LossCause, str] | None:
    text = text.casefold()
    return next(((cause, advice) for start, cause, advice in table if text.startswith(start)), None)


def _seconds(retry_after: str) -> float | None:
    seconds = float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None
    return None if seconds is None else min(seconds, _LONGEST_RETRY_DELAY)
