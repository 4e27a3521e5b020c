"""Links: what one is set up with, and what its loss means."""

from dataclasses import replace

import pytest

from segue.core.events import LinkLost, LossCause
from segue.core.links import closing_of, fault_of, setup_of
from segue.core.options import Compression, Modality, Options, Sensitivity, ServerDetection
from segue.core.outputs import CloseReason, Next


@pytest.mark.parametrize(
    ("cause", "reason", "after", "retry_delay"),
    [
        (LossCause.UNAVAILABLE, CloseReason.BACKEND_UNAVAILABLE, Next.OPEN_AGAIN, 1.0),
        (LossCause.CREDENTIALS, CloseReason.BACKEND_CREDENTIALS, Next.NONE, None),
        (LossCause.MODEL, CloseReason.BACKEND_MODEL, Next.NONE, None),
        (LossCause.REJECTED, CloseReason.BACKEND_REJECTED, Next.NONE, None),
        (LossCause.QUOTA, CloseReason.BACKEND_QUOTA, Next.OPEN_AGAIN, 60.0),
        (LossCause.TRANSIENT, CloseReason.BACKEND_LOST, Next.OPEN_AGAIN, 1.0),
        (LossCause.HANDLE, CloseReason.BACKEND_LOST, Next.OPEN_AGAIN, 1.0),
        (LossCause.INTERNAL, CloseReason.INTERNAL, Next.OPEN_AGAIN, 1.0),
    ],
)
def test_every_loss_says_why_and_what_to_do(
    cause: LossCause, reason: CloseReason, after: Next, retry_delay: float | None
) -> None:
    closing = closing_of(LinkLost(1, cause, "what the service said"))
    assert (closing.reason, closing.next, closing.retry_delay) == (reason, after, retry_delay)
    assert closing.message == "what the service said"


def test_every_cause_of_a_loss_is_known() -> None:
    for cause in LossCause:
        closing_of(LinkLost(1, cause, ""))


def test_the_time_that_the_service_names_wins() -> None:
    assert closing_of(LinkLost(1, LossCause.QUOTA, "", retry_delay=7.0)).retry_delay == 7.0


def test_a_modality_that_the_model_lacks_is_a_fault_with_advice() -> None:
    fault = fault_of(Options("gemini-3.8-live", modality=Modality.TEXT))
    assert fault is not None
    assert "gemini-3.8-live" in fault
    assert "choose another model" in fault
    assert fault_of(Options("gemini-2.0-flash-live-001", modality=Modality.TEXT)) is None


def test_a_setup_holds_what_the_client_asked_for() -> None:
    options = Options(
        "gemini-3.8-live",
        voice="Kore",
        language="de-DE",
        system_instruction="Be brief.",
        detection=ServerDetection(start_sensitivity=Sensitivity.HIGH, silence_ms=500),
        compression=Compression(trigger_tokens=20_000),
    )
    setup = setup_of(options)
    for name in ("model", "voice", "language", "system_instruction", "modality", "detection", "compression"):
        assert getattr(setup, name) == getattr(options, name)


def test_a_language_that_would_close_the_link_is_left_out() -> None:
    options = Options("gemini-2.5-flash-native-audio-preview", language="de-DE")
    assert setup_of(options).language == ""
    assert setup_of(replace(options, model="gemini-3.8-live")).language == "de-DE"
