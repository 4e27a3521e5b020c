"""How often a session tries: a service that breaks every link in the middle of its answer is not tried for ever."""

import pytest

from segue.core.actions import Dial, Outcome, PhantomSeen, Recovered, Sign, Wedged
from segue.core.outputs import Closed, CloseReason, Next
from segue.core.session import State
from tests.core.conversation import CHUNK, Conversation

STORY = "Tell me a story."


def asked() -> Conversation:
    """Return a conversation whose user has just asked for something."""
    call = Conversation.opened()
    call.exchange("How are you?", "Fine.")
    call.write(STORY)
    return call


def break_off(call: Conversation, seconds: float) -> None:
    """Let the model say something that takes so long, and the link break while it does."""
    call.answer(seconds, "Once upon a time. ")
    call.wait(min(seconds, 0.1))
    call.lose_link()


def next_link_up(call: Conversation) -> None:
    """Wait until the next link is dialled, if one is, and have it be up."""
    while not call.link and call.session.state in (State.OPEN, State.FINISHING):
        call.wait(0.1)
    if call.link:
        call.wait(0.1)
        call.link_up()


# A service that breaks every link.


@pytest.mark.parametrize("finishing", [False, True])
@pytest.mark.parametrize("chunks", [1, 2, 3])
def test_a_service_that_breaks_each_link_in_its_answer_is_given_up(chunks: int, finishing: bool) -> None:
    call = asked()
    begin = call.now
    if finishing:
        call.end_input()
    while not call.got(Closed) and call.now < begin + 300.0:
        break_off(call, chunks * CHUNK)
        next_link_up(call)
    closed = call.assert_closed(CloseReason.BACKEND_LOST)
    assert closed.next is Next.OPEN_AGAIN
    assert call.did(Recovered)[-1].outcome is Outcome.FAILED
    assert len(call.did(Dial)) <= 12
    assert call.now - begin <= 90.0


def test_links_that_begin_to_answer_and_stop_are_wedged_in_a_row() -> None:
    call = asked()
    while len(call.did(Wedged)) < 5 and not call.got(Closed):
        call.answer(0.5, "Once upon a time. ")
        wedged = len(call.did(Wedged))
        while len(call.did(Wedged)) == wedged:
            call.wait(1.0)
        next_link_up(call)
    assert [wedged.sign for wedged in call.did(Wedged)] == [Sign.STOPPED] * 3
    call.assert_closed(CloseReason.BACKEND_WEDGED)


def test_a_session_that_waits_for_a_dial_of_which_nothing_is_heard_ends() -> None:
    call = asked()
    call.lose_link()
    assert call.link == 2
    begin = call.now
    call.wait(59.9)
    call.assert_open()
    call.wait()
    call.assert_closed(CloseReason.BACKEND_UNAVAILABLE)
    assert call.now - begin <= 61.0


# What gives tries back.


def lose_links(call: Conversation, times: int) -> None:
    """Lose one link after the other, of which nothing has come."""
    for _ in range(times):
        call.lose_link()
        next_link_up(call)


@pytest.mark.parametrize("how", ["completed", "generated", "cut"])
def test_an_answer_to_new_words_that_came_to_its_end_gives_a_try_back(how: str) -> None:
    call = asked()
    for _ in range(30):
        call.answer(0.5, "Once upon a time.")
        match how:
            case "completed":
                call.complete()
            case "generated":
                call.finish_generation()
            case "cut":
                call.say(0.5)
                call.interrupted()
                call.complete()
        lose_links(call, 1)
        call.write(STORY)
    call.assert_open()


def test_what_goes_on_with_an_answer_and_comes_to_its_end_gives_a_try_back() -> None:
    call = asked()
    for _ in range(30):
        break_off(call, 0.5)
        next_link_up(call)
        call.answer(0.5, "There was a king.")
        call.finish_generation()
        call.complete()
        call.wait(1.0)
        call.write(STORY)
    call.assert_open()


def test_the_same_words_give_a_try_back_once() -> None:
    call = asked()
    while not call.got(Closed) and len(call.did(Dial)) < 50:
        # The model goes on talking by itself whenever it gets a link.
        call.answer(0.5, "By the way.")
        call.finish_generation()
        call.complete()
        call.wait(0.5)
        lose_links(call, 1)
    call.assert_closed(CloseReason.BACKEND_LOST)
    assert len(call.did(Dial)) <= 13


# How often one turn is gone on with.


def test_a_turn_that_always_breaks_off_is_gone_on_with_16_times() -> None:
    call = asked()
    for _ in range(20):
        call.answer(36.0, "Once upon a time. ")
        call.wait(35.0)
        call.lose_link()
        next_link_up(call)
    assert len(call.texts()) - 1 == 16
    call.assert_open()
    # New words are answered, and gone on with, as if nothing had been.
    call.write(STORY)
    break_off(call, 0.5)
    next_link_up(call)
    assert "Once upon a time." in call.texts(call.link)[-1]


def test_a_turn_that_nobody_interrupts_again_and_again_is_gone_on_with_16_times() -> None:
    call = asked()
    call.wait(1.0)
    for _ in range(20):
        call.answer(3.0, "Once upon a time. ")
        call.interrupted(by_sound=False)
        call.complete()
        call.wait(4.0)
    assert len(call.did(PhantomSeen)) == 20
    assert len(call.texts()) - 1 == 16
    call.assert_open()
