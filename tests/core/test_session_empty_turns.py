"""Wedges, sign (b): turns that end without output."""

import pytest

from segue.core import events as ev
from segue.core.actions import OddKind, OddTurn, Sign, Wedged
from tests.core.conversation import OTHER_VOICE, Conversation, acquainted
from tests.core.wedging import NATIVE, THINKING, empty_turn, signs


def test_two_empty_turns_in_a_row_are_a_wedge() -> None:
    call = acquainted(NATIVE)
    empty_turn(call)
    call.wait(3.0)
    assert call.did(Wedged) == []
    empty_turn(call)
    assert signs(call) == [Sign.EMPTY_TURNS]


def test_an_empty_turn_is_counted() -> None:
    call = acquainted(NATIVE)
    empty_turn(call)
    assert call.did(OddTurn) == [OddTurn(OddKind.EMPTY)]


@pytest.mark.parametrize(("later", "counts"), [(0.2, False), (0.3, True)])
def test_what_ends_right_after_the_words_answers_something_before_them(later: float, counts: bool) -> None:
    call = acquainted(NATIVE)
    call.write("What time is it?")
    call.wait(later)
    call.complete()
    assert (call.did(OddTurn) != []) is counts


@pytest.mark.parametrize("written", [True, False])
def test_an_answer_to_what_was_said_before_there_was_a_link_comes_while_the_silence_behind_it_is_on_its_way(
    written: bool,
) -> None:
    call = Conversation(NATIVE)
    call.open()
    if written:
        call.write("What time is it?")
    else:
        call.say(1.2)
    call.say(15.0, voiced=False)
    call.link_up()
    call.wait(1.2)
    call.complete()
    assert call.did(OddTurn) == [OddTurn(OddKind.EMPTY)]
    call.wait(30.0)
    assert call.did(Wedged) == []


def test_a_proactive_model_may_be_silent_twice() -> None:
    call = acquainted()
    empty_turn(call)
    empty_turn(call)
    assert call.did(Wedged) == []
    empty_turn(call)
    assert signs(call) == [Sign.EMPTY_TURNS]


def test_a_wedge_of_one_link_is_none_of_the_next() -> None:
    call = acquainted(NATIVE)
    empty_turn(call)
    empty_turn(call)
    call.link_up()
    call.hand_over("h2")
    call.exchange("Hello?", "Hello.")
    assert signs(call) == [Sign.EMPTY_TURNS]


def test_what_one_link_waited_for_excuses_no_empty_turn_on_the_next() -> None:
    call = acquainted(NATIVE)
    call.say(1.2)
    call.understand("I would like a pizza.")
    call.wait(2.0)
    call.await_input()
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.wait(2.0)
    assert call.given_seconds(2) == pytest.approx(1.2)
    call.complete()
    assert signs(call) == [Sign.EMPTY_TURNS]


def test_one_empty_turn_on_a_suspect_link_is_a_wedge() -> None:
    call = acquainted(NATIVE)
    call.lose_link()
    call.link_up()
    empty_turn(call)
    assert signs(call) == [Sign.EMPTY_TURNS]


def test_empty_turns_with_an_answer_between_them_are_not_in_a_row() -> None:
    call = acquainted(NATIVE)
    for _ in range(3):
        empty_turn(call)
        call.exchange("Hello?", "Hello.")
    assert call.did(Wedged) == []


@pytest.mark.parametrize("reason", ["NO_SPEECH", "PROHIBITED_CONTENT"])
def test_an_empty_turn_with_a_reason_is_no_sign(reason: str) -> None:
    call = acquainted(NATIVE)
    for _ in range(3):
        call.say(0.6)
        call.understand("What time is it?")
        call.wait(2.0)
        call.complete(reason)
    assert call.did(Wedged) == []


def test_an_empty_turn_of_a_model_that_waits_for_more_words_is_no_sign() -> None:
    call = acquainted(NATIVE)
    for _ in range(3):
        call.say(0.6)
        call.understand("I would like")
        call.wait(2.0)
        call.await_input()
        call.complete()
    assert call.did(Wedged) == []


def test_a_model_that_waits_for_more_words_may_understand_the_first_ones_late() -> None:
    call = acquainted(NATIVE)
    for _ in range(3):
        call.say(0.6)
        call.wait(2.0)
        call.await_input()
        call.understand("I would like")
        call.wait(0.5)
        call.complete()
    assert call.did(Wedged) == []


def test_more_words_end_the_wait_for_more_words() -> None:
    call = acquainted(NATIVE)
    for _ in range(2):
        call.say(0.6)
        call.understand("I would like")
        call.wait(2.0)
        call.await_input()
        call.say(0.6)
        call.understand("a pizza.")
        call.wait(2.0)
        # An end without an answer, though nothing is waited for.
        call.complete()
    assert signs(call) == [Sign.EMPTY_TURNS]


def test_an_empty_turn_without_words_is_no_sign() -> None:
    call = acquainted(NATIVE)
    for _ in range(3):
        call.say(0.2)
        call.wait(2.0)
        call.complete()
    assert call.did(Wedged) == []


def test_an_empty_turn_that_was_interrupted_is_no_sign() -> None:
    call = acquainted(NATIVE)
    for _ in range(3):
        call.say(0.6)
        call.understand("What time")
        call.wait(0.3)
        call.say(0.3)
        call.receive(ev.ModelInterrupted(call.link))
        call.complete()
        call.exchange("is it?", "Noon.")
    assert call.did(Wedged) == []


def test_the_words_before_an_empty_turn_are_given_again() -> None:
    call = acquainted(NATIVE)
    empty_turn(call)
    call.say(0.6, sample=OTHER_VOICE)
    call.understand("Hello?")
    call.wait(2.0)
    call.complete()
    call.link_up()
    call.wait(3.0)
    assert call.given_seconds(call.link, OTHER_VOICE) == pytest.approx(0.6)


def test_a_model_that_refuses_does_not_go_on_though_it_said_that_it_would() -> None:
    call = acquainted(THINKING)
    call.say(1.0)
    call.wait(2.0)
    call.work(idle=False)
    call.complete()
    call.complete("RESPONSE_REJECTED")
    call.wait(120.0)
    assert not call.did(Wedged)


def test_two_links_must_have_heard_the_same_for_the_silence_of_the_second_to_be_meant() -> None:
    call = acquainted()
    for _ in range(3):
        empty_turn(call)
    call.link_up()
    # The user goes on to something else before that link has answered.
    call.interrupted()
    call.complete()
    empty_turn(call)
    assert signs(call) == [Sign.EMPTY_TURNS] * 2


def test_what_two_links_heard_and_had_nothing_to_say_to_asks_for_no_answer() -> None:
    call = acquainted()
    for _ in range(3):
        empty_turn(call)
    call.link_up()
    call.wait(2.0)
    call.complete()
    call.wait(60.0)
    assert len(call.did(Wedged)) == 1


def test_words_that_were_said_long_ago_have_an_empty_turn_though_a_stall_held_back_all_that_came_of_them() -> None:
    call = acquainted(NATIVE)
    call.write("Tell me a story.")
    call.wait(3.0)
    call.write("What time is it?")
    call.wait(7.0)
    # All of this comes at once.
    call.understand("What time is it?")
    call.interrupted(by_sound=False)
    call.complete()
    call.complete()
    assert call.did(OddTurn) == [OddTurn(OddKind.EMPTY)]


def test_a_model_that_waits_for_more_words_owes_an_answer_to_those_that_just_came() -> None:
    call = acquainted(NATIVE)
    call.write("I would like")
    call.wait(2.0)
    call.write("a pizza.")
    # The network is slower than the user.
    call.wait(0.1)
    call.await_input()
    call.complete()
    call.hand_over("h2")
    call.go_away(50.0)
    call.hold()
    call.wait(2.0)
    assert call.link == 1
    call.lose_link()
    call.link_up()
    call.wait(1.0)
    assert call.setups[-1].setup.handle == "h2"
    assert "a pizza." in "".join(call.texts(call.link))


def test_words_that_were_understood_just_now_may_be_what_a_model_waits_for_more_of() -> None:
    call = acquainted(NATIVE)
    call.say(0.6)
    call.wait(1.5)
    call.understand("I would like")
    call.wait(0.1)
    call.await_input()
    call.complete()
    call.wait(60.0)
    assert call.did(Wedged) == []
