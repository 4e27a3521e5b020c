import socket
import ssl

import google.auth.exceptions
import pytest
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidMessage, InvalidStatus, InvalidURI
from websockets.frames import Close
from websockets.http11 import Response

from segue.backend.credentials import Credential
from segue.backend.losses import masked, to_loss
from segue.core.events import LinkLost, LossCause

SECRET = "AIzaSyA-made-up_key_0123456789"
CREDENTIAL = Credential("default", "GEMINI_API_KEY", api_key=SECRET, base_url="https://live.example")


def loss_of(error: BaseException, *, opened: bool = True, resumed: bool = False) -> LinkLost:
    loss = to_loss(error, 3, CREDENTIAL, opened=opened, resumed=resumed)
    assert loss.link == 3
    assert SECRET not in loss.message
    assert "{" not in loss.message
    return loss


def closed_by_service(code: int, reason: str = "") -> ConnectionClosedError:
    close = Close(code, reason)
    return ConnectionClosedError(close, close, rcvd_then_sent=True)


@pytest.mark.parametrize("opened", [False, True])
@pytest.mark.parametrize("resumed", [False, True])
@pytest.mark.parametrize(
    ("code", "reason", "cause"),
    [
        (1007, "API key not valid. Please pass a valid API key.", LossCause.CREDENTIALS),
        (
            1008,
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or "
            "other form of API c",
            LossCause.CREDENTIALS,
        ),
        (
            1008,
            "models/X is not found for API version v1beta, or is not supported for bidiGenerateContent. Call "
            "ModelService.ListMode",
            LossCause.MODEL,
        ),
        (1008, "Publisher model `projects/p/locations/l/publishers/google/models/X` was not found", LossCause.MODEL),
        (1008, "Publisher Model `projects/p/locations/l/publishers/google/models/X` was not found", LossCause.MODEL),
        (
            1007,
            "Invalid JSON payload received. Unknown name \"bogusField\" at 'setup': Cannot find field.",
            LossCause.REJECTED,
        ),
        (
            1007,
            'Invalid JSON payload received. Unknown name "contextUpdate": Cannot find field.',
            LossCause.UPDATE,
        ),
        (
            1007,
            "Explicit activity control is not supported when automatic activity detection is enabled.",
            LossCause.INTERNAL,
        ),
        (1007, "Precondition check failed.", LossCause.TRANSIENT),
        (
            1007,
            "The requested combination of response modalities (TEXT) is not supported by the model",
            LossCause.REJECTED,
        ),
        (1007, "Unsupported language code 'es'", LossCause.REJECTED),
        (1007, "Invalid session handle", LossCause.HANDLE),
        (1008, "BidiGenerateContent session not found", LossCause.HANDLE),
        (
            1008,
            "Connection aborted because the client failed to close the connection after receiving a GoAway signal "
            "once the session durat",
            LossCause.TRANSIENT,
        ),
        (1008, "The operation was aborted.", LossCause.TRANSIENT),
        (1008, "Operation is not implemented, or supported, or enabled.", LossCause.TRANSIENT),
        (1011, "Deadline expired before operation could complete.", LossCause.TRANSIENT),
        (1011, "Internal error encountered.", LossCause.TRANSIENT),
        (1011, "Internal error occurred.", LossCause.TRANSIENT),
        (1011, "The service is currently unavailable.", LossCause.UNAVAILABLE),
        (1011, "You exceeded your current quota, please check your plan and billing details.", LossCause.QUOTA),
        (1011, "Resource has been exhausted (e.g. check quota).", LossCause.QUOTA),
        (1011, "RESOURCE_EXHAUSTED", LossCause.QUOTA),
        (1000, "", LossCause.TRANSIENT),
        (1001, "", LossCause.TRANSIENT),
        (1011, "", LossCause.TRANSIENT),
        (1012, "service restart", LossCause.TRANSIENT),
        (1013, "try again later", LossCause.UNAVAILABLE),
        (1014, "bad gateway", LossCause.TRANSIENT),
        (4000, "app", LossCause.TRANSIENT),
    ],
)
def test_a_close_is_told_by_its_reason_then_its_code(
    code: int, reason: str, cause: LossCause, opened: bool, resumed: bool
) -> None:
    loss = loss_of(closed_by_service(code, reason), opened=opened, resumed=resumed)
    assert loss.cause is cause
    assert loss.code == code
    assert str(code) in loss.message
    assert reason.rstrip(".") in loss.message
    assert loss.retry_delay is None


@pytest.mark.parametrize(
    ("code", "reason"),
    [(1007, "Request contains an invalid argument."), (1007, "what was never seen"), (1008, "what was never seen")],
)
def test_a_refusal_of_a_fresh_setup_is_final_and_one_of_a_frame_or_a_resumption_is_not(code: int, reason: str) -> None:
    error = closed_by_service(code, reason)
    assert loss_of(error, opened=False).cause is LossCause.REJECTED
    assert loss_of(error, opened=False, resumed=True).cause is LossCause.INVALID
    assert loss_of(error, opened=True).cause is LossCause.INVALID
    assert loss_of(error, opened=True, resumed=True).cause is LossCause.INVALID


def test_what_is_not_found_is_the_handle_only_where_there_was_one() -> None:
    error = closed_by_service(1008, "Requested entity was not found.")
    assert loss_of(error, opened=False).cause is LossCause.MODEL
    assert loss_of(error, opened=False, resumed=True).cause is LossCause.HANDLE
    assert loss_of(error, opened=True, resumed=True).cause is LossCause.HANDLE


def test_a_bad_key_names_the_setting_to_look_at() -> None:
    assert (
        "GEMINI_API_KEY" in loss_of(closed_by_service(1007, "API key not valid. Please pass a valid API key.")).message
    )


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (Close(1011, "keepalive ping timeout"), "keepalive ping timeout"),
        (Close(1009, "frame exceeds limit of 1048576 bytes"), "frame exceeds limit"),
        (None, "broke"),
    ],
)
def test_the_local_causes_that_1006_hides_are_told(sent: Close | None, words: str) -> None:
    loss = loss_of(ConnectionClosedError(None, sent))
    assert loss.cause is LossCause.TRANSIENT
    assert loss.code == 1006
    assert words in loss.message


def test_a_connection_that_nobody_acknowledges_is_stalled() -> None:
    error = ConnectionClosedError(None, None)
    error.__cause__ = TimeoutError(110, "Connection timed out")
    loss = loss_of(error)
    assert (loss.cause, loss.code) == (LossCause.STALLED, 1006)
    assert "Connection timed out" in loss.message


def test_a_broken_connection_tells_the_error_of_the_socket() -> None:
    error = ConnectionClosedError(None, None)
    error.__cause__ = ConnectionResetError(104, "Connection reset by peer")
    assert "Connection reset by peer" in loss_of(error).message


def test_a_normal_close_is_a_loss_too() -> None:
    close = Close(1000, "")
    assert loss_of(ConnectionClosedOK(close, close, rcvd_then_sent=True)).cause is LossCause.TRANSIENT


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (400, LossCause.REJECTED),
        (401, LossCause.CREDENTIALS),
        (403, LossCause.CREDENTIALS),
        (404, LossCause.REJECTED),
        (408, LossCause.UNAVAILABLE),
        (429, LossCause.QUOTA),
        (500, LossCause.UNAVAILABLE),
        (503, LossCause.UNAVAILABLE),
    ],
)
def test_a_rejected_upgrade_is_told_by_its_status(status: int, cause: LossCause) -> None:
    loss = loss_of(InvalidStatus(Response(status, "", Headers())), opened=False)
    assert loss.cause is cause
    assert loss.code == 0
    assert str(status) in loss.message
    assert "https://live.example" in loss.message


@pytest.mark.parametrize(
    ("value", "delay"),
    [
        ("30", 30.0),
        ("Fri, 20 Nov 2026 13:50:34 GMT", None),
        ("²", None),
        # More than a client could be told.
        ("999999999999", 600.0),
        ("9" * 400, 600.0),
    ],
)
def test_a_rejected_upgrade_may_say_when_to_try_again(value: str, delay: float | None) -> None:
    assert loss_of(InvalidStatus(Response(429, "", Headers({"Retry-After": value})))).retry_delay == delay


@pytest.mark.parametrize(
    ("error", "cause", "words"),
    [
        (ConnectionRefusedError(111, "Connect call failed"), LossCause.UNAVAILABLE, "https://live.example"),
        (socket.gaierror(-2, "Name or service not known"), LossCause.UNAVAILABLE, "Name or service not known"),
        (TimeoutError("timed out during opening handshake"), LossCause.UNAVAILABLE, "opening handshake"),
        (ssl.SSLCertVerificationError(1, "self-signed"), LossCause.UNAVAILABLE, "SSL_CERT_FILE"),
        (ssl.SSLError(1, "wrong version number"), LossCause.UNAVAILABLE, "wrong version number"),
        (InvalidMessage("did not receive a valid HTTP response"), LossCause.UNAVAILABLE, "HTTP response"),
        (InvalidURI("wss://", "no host"), LossCause.UNAVAILABLE, "no host"),
        (google.auth.exceptions.TransportError("offline"), LossCause.UNAVAILABLE, "offline"),  # type: ignore[no-untyped-call]
        (google.auth.exceptions.RefreshError("revoked"), LossCause.CREDENTIALS, "GEMINI_API_KEY"),  # type: ignore[no-untyped-call]
        (google.auth.exceptions.DefaultCredentialsError("none found"), LossCause.CREDENTIALS, "none found"),  # type: ignore[no-untyped-call]
        (ValueError("invalid model parameter."), LossCause.MODEL, "invalid model parameter"),
        (ValueError("model is required."), LossCause.MODEL, "model"),
        (KeyError("setup"), LossCause.INTERNAL, "KeyError"),
        (TypeError("'<=' not supported"), LossCause.INTERNAL, "TypeError"),
    ],
)
def test_every_other_failure_has_a_cause(error: Exception, cause: LossCause, words: str) -> None:
    loss = loss_of(error, opened=False)
    assert loss.cause is cause
    assert loss.code == 0
    assert words in loss.message


@pytest.mark.parametrize(
    "text",
    [
        f"bad key {SECRET}",
        "wss://host/ws?key=s3cret&alt=json",
        "wss://host/ws?access_token=auth_tokens/s3cret",
        "Authorization: Bearer s3cret.s3cret",
        "ya29.s3cret-s3cret",
        "Token auth_tokens/s3cret",
        "AQ.s3cret",
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    shown = masked(text, CREDENTIAL)
    assert "***" in shown
    assert "s3cret" not in shown
    assert SECRET not in shown
    assert SECRET not in loss_of(closed_by_service(1011, text)).message


def test_a_key_that_looks_like_nothing_is_masked() -> None:
    assert masked("the key is hunter2", Credential("default", "GEMINI_API_KEY", api_key="hunter2")) == "the key is ***"


def test_what_the_service_says_is_told_as_it_is() -> None:
    loss = to_loss(closed_by_service(1011, "API key not valid {source} {url} {"), 3, CREDENTIAL, opened=True)
    assert '1011 "API key not valid {source} {url} {"' in loss.message
    assert loss.message.endswith("Check GEMINI_API_KEY: the Live API does not accept it.")


def test_a_setting_that_looks_like_a_secret_is_named() -> None:
    credential = Credential("default", "key=GEMINI_API_KEY", api_key=SECRET)
    loss = to_loss(closed_by_service(1011, "API key not valid"), 3, credential, opened=True)
    assert loss.message.endswith("Check key=GEMINI_API_KEY: the Live API does not accept it.")
