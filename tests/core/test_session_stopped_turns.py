"""Wedges, sign (c): a turn that neither goes on nor ends."""

from dataclasses import replace

import pytest

from segue.core.actions import Sign, Wedged
from segue.core.options import FunctionDeclaration
from segue.core.outputs import CutCause, EndReason, TurnEnded
from tests.core.conversation import acquainted
from tests.core.wedging import NATIVE, THINKING, signs, wedged_after


def test_a_turn_that_neither_goes_on_nor_ends_is_a_wedge() -> None:
    call = acquainted()
    call.answer(2.0, "It is. And then ")
    # Counted from when all that there is was played.
    assert wedged_after(call) == pytest.approx(2.0 + 8.0, abs=0.1)
    assert signs(call)[0] is Sign.STOPPED


def test_a_turn_that_stopped_ends_and_is_gone_on_with() -> None:
    call = acquainted()
    call.answer(2.0, "It is so. ")
    call.answer(1.0, "And then ")
    call.wait(12.0)
    call.link_up()
    [request] = call.texts(2)
    assert "And then" in request
    call.answer(1.0, "it ends.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.assert_turn_ended(2).reason is EndReason.INTERRUPTED
    assert call.assert_turn_ended(3).heard_text == "it ends."


def test_a_turn_that_was_generated_and_never_ends_is_taken_to_have_ended() -> None:
    call = acquainted()
    call.answer(2.0, "It is noon.")
    call.finish_generation()
    begin = call.now
    call.wait(30.0)
    assert call.assert_turn_ended(2).reason is EndReason.COMPLETED
    [at] = [at for at, send in call.sent if isinstance(send.output, TurnEnded) and send.output.turn == 2]
    assert at - begin == pytest.approx(2.0 + 8.0, abs=0.1)
    # Nothing was lost by it.
    assert call.did(Wedged) == []
    call.exchange("Thanks.", "You are welcome.")
    assert call.assert_turn_ended(3).heard_text == "You are welcome."


def test_a_turn_that_pauses_and_goes_on_is_none() -> None:
    call = acquainted()
    for _ in range(4):
        call.answer(1.0, "And then. ")
        call.wait(7.0)
    call.complete()
    call.wait(5.0)
    assert call.did(Wedged) == []
    assert call.heard(2) == pytest.approx(4.0)


def test_a_turn_of_a_model_that_says_that_it_works_may_pause() -> None:
    call = acquainted(THINKING)
    call.answer(1.0, "Let me see. ")
    call.work(idle=False)
    assert wedged_after(call, 25.0) is None
    call.answer(1.0, "Here it is.")
    call.work(idle=True)
    call.finish_generation()
    call.complete()
    call.wait(5.0)
    assert call.did(Wedged) == []


def test_a_model_that_says_for_ever_that_it_works_is_given_up() -> None:
    call = acquainted(THINKING)
    call.answer(1.0, "Let me see. ")
    call.work(idle=False)
    assert wedged_after(call, 120.0) is not None


def test_a_turn_that_was_generated_while_the_model_works_ends_in_the_end() -> None:
    call = acquainted(THINKING)
    call.answer(1.0, "Let me see. ")
    call.work(idle=False)
    call.finish_generation()
    call.wait(60.0)
    assert call.assert_turn_ended(2).heard_text == "Let me see. "
    assert call.did(Wedged) == []
    call.exchange("Well?", "Here it is.")
    assert call.assert_turn_ended(3).heard_text == "Here it is."


def test_a_turn_whose_end_was_put_off_for_ever_has_ended() -> None:
    call = acquainted(THINKING)
    call.write("Book a table.")
    call.work(idle=False)
    call.answer(0.5, "It is done. ")
    call.complete()
    # The model never says that it is idle again.
    call.wait(29.0)
    assert [ended.turn for ended in call.got(TurnEnded)] == [1]
    call.wait(2.0)
    assert call.assert_turn_ended(2).reason is EndReason.COMPLETED
    call.wait(60.0)
    assert call.did(Wedged) == []


def test_an_end_that_one_link_put_off_is_none_on_the_next() -> None:
    call = acquainted(THINKING)
    call.write("Book a table.")
    call.answer(1.0, "Let me see. ")
    call.work(idle=False)
    call.complete()
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.answer(1.0, "It is ")
    call.work(idle=True)
    call.answer(1.0, "done.")
    call.wait(4.0)
    assert [ended.turn for ended in call.got(TurnEnded)] == [1, 2]
    call.complete()
    call.wait(1.0)
    assert call.assert_turn_ended(3).heard_text == "It is done."


def test_a_turn_that_was_taken_to_have_ended_does_not_end_again() -> None:
    call = acquainted(THINKING)
    call.answer(1.0, "Let me see. ")
    call.work(idle=False)
    call.finish_generation()
    call.complete()
    call.wait(60.0)
    call.assert_turn_ended(2)
    call.answer(1.0, "Here ")
    call.work(idle=True)
    call.answer(1.0, "it is.")
    call.wait(3.0)
    assert [ended.turn for ended in call.got(TurnEnded)] == [1, 2]
    call.complete()
    call.wait(1.0)
    assert call.assert_turn_ended(3).heard_text == "Here it is."


def test_an_end_of_a_turn_is_none_while_the_model_says_that_it_works() -> None:
    call = acquainted(THINKING)
    call.write("Book a table.")
    call.answer(1.0, "Let me see. ")
    call.work(idle=False)
    call.complete()
    call.wait(3.0)
    assert [ended.turn for ended in call.got(TurnEnded)] == [1]
    call.answer(1.0, "Done.")
    call.complete()
    call.work(idle=True)
    call.wait(3.0)
    assert call.assert_turn_ended(2).heard_text == "Let me see. Done."


def test_the_end_of_what_was_interrupted_is_one_though_the_model_says_that_it_works() -> None:
    call = acquainted(THINKING)
    call.write("Tell me a story.")
    call.wait(1.0)
    call.answer(0.25, "Once ")
    call.wait(1.0)
    call.interrupted(by_sound=False)
    call.work(idle=False)
    call.complete()
    # Something new is said, so that somebody did interrupt.
    call.wait(1.0)
    call.answer(1.0, "Noon.")
    call.work(idle=True)
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.assert_interrupted(2).cause is CutCause.USER
    assert call.assert_turn_ended(3).heard_text == "Noon."


def test_words_over_an_answer_that_never_ends_are_owed_one_once_it_has_been_played() -> None:
    call = acquainted()
    call.write("Tell me a story.")
    call.answer(9.0, "Once upon a time.")
    call.finish_generation()
    call.wait(4.0)
    # The link is dead: neither does this interrupt the turn, nor is there an end of it.
    call.write("What time is it?")
    # 5 s until all is played, and 8 more.
    assert wedged_after(call) == pytest.approx(5.0 + 8.0, abs=0.1)


def test_a_turn_that_was_generated_and_goes_on_with_a_result_may_stop_like_any_other() -> None:
    call = acquainted(replace(NATIVE, functions=(FunctionDeclaration("weather", blocking=True),)))
    call.write("What is the weather in Bonn?")
    call.answer(0.5, "Let me look.")
    call.call("c1")
    call.finish_generation()
    call.wait(1.0)
    call.respond("c1", '{"degrees": 7}')
    call.wait(0.5)
    call.answer(0.5, "It is")
    assert wedged_after(call) == pytest.approx(0.5 + 8.0, abs=0.1)
    assert signs(call) == [Sign.STOPPED]


@pytest.mark.parametrize("generated", [False, True])
def test_a_turn_whose_end_was_put_off_and_that_goes_on_may_stop_like_any_other(generated: bool) -> None:
    call = acquainted(THINKING)
    call.write("Book a table.")
    call.work(idle=False)
    call.answer(1.0, "Let me see. ")
    if generated:
        call.finish_generation()
    call.complete()
    call.wait(2.0)
    call.answer(1.0, "It is")
    assert wedged_after(call) is not None
    assert signs(call) == [Sign.STOPPED]
    assert call.assert_turn_ended(2).reason is EndReason.INTERRUPTED


def test_a_turn_whose_end_was_put_off_and_that_goes_on_with_a_result_may_stop_like_any_other() -> None:
    call = acquainted(replace(THINKING, functions=(FunctionDeclaration("weather"),)))
    call.write("What is the weather in Bonn?")
    call.work(idle=False)
    call.answer(0.5, "Let me look.")
    call.finish_generation()
    call.complete()
    call.call("c1")
    call.wait(1.0)
    call.respond("c1", '{"degrees": 7}')
    call.wait(0.5)
    call.answer(0.5, "It is")
    assert wedged_after(call) is not None
    assert signs(call) == [Sign.STOPPED]


@pytest.mark.parametrize("calls", [False, True])
def test_a_turn_after_one_that_was_interrupted_before_its_first_word_may_stop_like_any_other(calls: bool) -> None:
    call = acquainted(replace(THINKING, functions=(FunctionDeclaration("weather"),)))
    call.write("What is the time?")
    call.wait(0.2)
    call.write("What is the weather in Bonn?")
    call.wait(0.1)
    call.interrupted(by_sound=False)
    call.work(idle=False)
    call.complete()
    call.wait(0.5)
    if calls:
        call.call("c1")
    call.answer(0.5, "It is")
    assert wedged_after(call) is not None
    assert signs(call) == [Sign.STOPPED]


def test_a_turn_after_one_that_ended_without_a_word_may_stop_like_any_other() -> None:
    call = acquainted(THINKING)
    call.write("What is the time?")
    call.wait(1.0)
    call.work(idle=False)
    call.complete()
    call.wait(0.5)
    call.answer(0.5, "It is")
    assert wedged_after(call) is not None
    assert signs(call) == [Sign.STOPPED]
