"""How often and how fast links are dialled while none can be had, and when that ends the session."""

from itertools import pairwise

import pytest

from segue.core import events as ev
from segue.core.actions import Dial, Outcome, Purpose, Recovered
from segue.core.outputs import CloseReason, Next, TurnEnded
from segue.core.session import State
from tests.core.conversation import Conversation, acquainted, recover


def dials_while_nothing_works(call: Conversation, cause: ev.LossCause, count: int) -> list[float]:
    """Return the pauses between dials while each is lost at once."""
    for _ in range(count):
        call.lose_link(cause)
        dials = len(call.did(Dial))
        while len(call.did(Dial)) == dials and not call.session.link and call.session.deadline() < call.now + 60.0:
            call.wait(max(0.0, call.session.deadline() - call.now))
    times = call.when(Dial)
    return [later - earlier for earlier, later in pairwise(times)]


def test_the_pauses_between_tries_grow_and_have_an_end() -> None:
    call = acquainted()
    pauses = dials_while_nothing_works(call, ev.LossCause.UNAVAILABLE, 7)[1:]
    assert pauses == sorted(pauses)
    assert all(later >= 1.9 * earlier for earlier, later in pairwise(pauses[:4]))
    assert 0.0 < pauses[0] <= 1.0


def test_the_jitter_of_a_pause_is_the_sessions_own() -> None:
    pauses = []
    for drawn in (0.0, 0.99):
        call = Conversation.opened(draw=lambda drawn=drawn: drawn)  # type: ignore[misc]
        pauses.append(dials_while_nothing_works(call, ev.LossCause.UNAVAILABLE, 3)[-1])
    assert pauses[0] < pauses[1]


def test_the_delay_that_the_service_names_is_kept() -> None:
    call = acquainted()
    call.lose_link(ev.LossCause.UNAVAILABLE, retry_delay=7.0)
    call.wait(6.9)
    assert len(call.did(Dial)) == 1
    call.wait(0.2)
    assert len(call.did(Dial)) == 2


def test_a_quota_is_waited_for_longer() -> None:
    call = acquainted()
    call.lose_link(ev.LossCause.QUOTA)
    call.wait(4.9)
    assert len(call.did(Dial)) == 1
    call.wait(20.0)
    assert len(call.did(Dial)) == 2
    call.link_up()
    call.assert_open()


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (ev.LossCause.CREDENTIALS, CloseReason.BACKEND_CREDENTIALS),
        (ev.LossCause.MODEL, CloseReason.BACKEND_MODEL),
        (ev.LossCause.REJECTED, CloseReason.BACKEND_REJECTED),
    ],
)
def test_what_no_other_link_would_change_is_told(cause: ev.LossCause, reason: CloseReason) -> None:
    call = acquainted()
    call.lose_link(cause)
    assert call.assert_closed(reason).next is Next.NONE
    assert [recovered.outcome for recovered in call.did(Recovered)] == [Outcome.FAILED]
    assert len(call.did(Dial)) == 1


def test_links_that_are_lost_for_ever_end_the_session_with_a_reason() -> None:
    call = acquainted()
    begin = call.now
    while call.session.state is State.OPEN and call.now < begin + 200.0:
        call.lose_link(ev.LossCause.UNAVAILABLE)
        call.wait(1.0)
    closed = call.assert_closed(CloseReason.BACKEND_UNAVAILABLE)
    assert closed.next is Next.OPEN_AGAIN
    assert len(call.did(Dial)) <= 12
    assert call.now - begin <= 90.0


def test_links_that_come_up_and_are_lost_unanswered_do_not_go_on_for_ever() -> None:
    call = acquainted()
    call.write("What time is it?")
    for _ in range(50):
        call.lose_link()
        call.wait(2.0)
        if call.link:
            call.link_up()
            # The first message of a link is no sign that it works.
            call.receive(ev.HandleReceived(call.link, "h9"))
    call.wait(60.0)
    call.assert_closed(CloseReason.BACKEND_LOST)
    assert len(call.did(Dial)) <= 12


def test_answered_turns_and_time_give_a_session_new_tries() -> None:
    call = acquainted()
    for number in range(30):
        recover(call)
        call.exchange(f"Question {number}?", "Yes.")
        call.wait(5.0)
    call.assert_open()
    assert len(call.got(TurnEnded)) == 31


def test_a_session_whose_first_link_is_not_to_be_had_tries_a_little_and_says_why() -> None:
    call = Conversation()
    call.open()
    for _ in range(10):
        call.lose_link(ev.LossCause.UNAVAILABLE)
        call.wait(5.0)
    call.assert_closed(CloseReason.BACKEND_UNAVAILABLE)
    assert 2 <= len(call.did(Dial)) <= 5
    assert {dial.purpose for dial in call.did(Dial)} == {Purpose.OPEN}


def test_a_recovery_that_cannot_end_in_time_ends_the_session() -> None:
    call = acquainted()
    call.lose_link(ev.LossCause.UNAVAILABLE, retry_delay=100.0)
    call.assert_closed(CloseReason.BACKEND_UNAVAILABLE)
