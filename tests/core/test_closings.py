"""Closings: what it means for a session that it gets no other link."""

import pytest

from segue.core.closings import FATAL, closing_of, context_full, wedged
from segue.core.events import LinkLost, LossCause
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
        (LossCause.INVALID, CloseReason.BACKEND_LOST, Next.OPEN_AGAIN, 1.0),
        (LossCause.UPDATE, CloseReason.BACKEND_LOST, Next.OPEN_AGAIN, 1.0),
        (LossCause.STALLED, CloseReason.BACKEND_LOST, Next.OPEN_AGAIN, 1.0),
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


def test_what_another_link_would_not_change_is_nothing_to_try_again() -> None:
    assert {closing_of(LinkLost(1, cause, "")).next for cause in FATAL} == {Next.NONE}


def test_a_full_context_can_be_opened_again() -> None:
    closing = context_full("invalid argument")
    assert (closing.reason, closing.message, closing.next) == (
        CloseReason.CONTEXT_FULL,
        "invalid argument",
        Next.OPEN_AGAIN,
    )


def test_a_wedge_says_how_often_it_was_tried() -> None:
    closing = wedged(3)
    assert (closing.reason, closing.next) == (CloseReason.BACKEND_WEDGED, Next.OPEN_AGAIN)
    assert "3 links" in closing.message
