"""Wedges, sign (a): words that nothing comes of within the allowance of their link."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import Sign, Wedged
from segue.core.options import FunctionDeclaration, ServerDetection
from tests.core.conversation import OPTIONS, OTHER_VOICE, Conversation, acquainted, speech
from tests.core.wedging import NATIVE, THINKING, signs, wedged_after

SILENCE = 0.8


def test_a_text_without_an_answer_for_8_seconds_is_a_wedge() -> None:
    call = acquainted()
    call.write("What time is it?")
    assert wedged_after(call) == pytest.approx(8.0)
    assert signs(call)[0] is Sign.SILENCE


def test_words_without_an_answer_are_a_wedge_8_seconds_after_the_detector_hears_their_end() -> None:
    call = acquainted()
    call.say(1.0)
    assert wedged_after(call) == pytest.approx(SILENCE + 8.0, abs=0.03)


def test_the_detectors_silence_is_that_of_the_session() -> None:
    call = acquainted(replace(OPTIONS, detection=ServerDetection(silence_ms=2000)))
    call.say(1.0)
    assert wedged_after(call) == pytest.approx(2.0 + 8.0, abs=0.03)


def test_words_that_were_only_understood_count_as_well() -> None:
    call = acquainted()
    call.say(0.1)
    call.wait(0.2)
    call.understand("Yes.")
    assert wedged_after(call) == pytest.approx(SILENCE + 8.0, abs=1.0)


def test_a_sound_without_words_is_owed_no_answer() -> None:
    call = acquainted()
    call.say(0.2)
    assert wedged_after(call) is None


def test_silence_is_owed_no_answer() -> None:
    call = acquainted()
    call.say(5.0, voiced=False)
    assert wedged_after(call) is None


def test_who_speaks_again_starts_the_allowance_anew() -> None:
    call = acquainted()
    call.say(1.0)
    call.wait(6.0)
    call.say(1.0)
    assert wedged_after(call) == pytest.approx(SILENCE + 8.0, abs=0.03)


def test_a_model_that_thinks_may_take_longer() -> None:
    call = acquainted(THINKING)
    call.write("What is the meaning of life?")
    after = wedged_after(call)
    assert after is not None
    assert after > 8.0


@pytest.mark.parametrize(
    "sign",
    [
        ev.ModelAudio(1, speech(0.04)),
        ev.ModelTranscribed(1, "Well"),
        ev.ToolCalled(1, "c1", "weather", "{}"),
        ev.InputAwaited(1),
        ev.TurnCompleted(1, ""),
        ev.TurnCompleted(1, "NO_SPEECH"),
    ],
)
def test_whatever_shows_that_the_model_has_the_words_settles_it(sign: ev.Event) -> None:
    call = acquainted()
    call.write("What time is it?")
    call.wait(7.0)
    call.receive(sign)
    call.wait(4.0)
    assert call.did(Wedged) == []


@pytest.mark.parametrize(
    "event",
    [
        ev.UserTranscribed(1, "What time is it?"),
        ev.HandleReceived(1, "h2"),
        ev.UserActivityDetected(1, False),
    ],
)
def test_what_says_nothing_of_an_answer_settles_nothing(event: ev.Event) -> None:
    call = acquainted()
    call.say(1.0)
    call.wait(2.0)
    call.receive(event)
    after = wedged_after(call)
    assert after is not None
    assert after <= 8.0


def test_work_that_is_said_to_go_on_is_waited_for_30_seconds_at_most() -> None:
    call = acquainted(THINKING)
    call.write("Book a table.")
    call.work(idle=False)
    assert wedged_after(call, 120.0) == pytest.approx(30.0)


def test_work_that_is_said_to_be_over_gets_the_allowance_again() -> None:
    call = acquainted(THINKING)
    call.write("Book a table.")
    call.work(idle=False)
    call.wait(20.0)
    call.work(idle=True)
    assert wedged_after(call) is not None


def test_nothing_is_owed_while_a_call_that_the_model_waits_for_is_under_way() -> None:
    call = acquainted(replace(NATIVE, functions=(FunctionDeclaration("weather", timeout=600.0),)))
    call.write("What is the weather?")
    call.call("c1")
    assert wedged_after(call) is None
    call.respond("c1")
    assert wedged_after(call) == pytest.approx(8.0)


def test_an_answer_that_the_client_stopped_is_not_owed() -> None:
    call = acquainted()
    call.write("What time is it?")
    call.interrupt()
    assert wedged_after(call) is None


def test_words_that_interrupt_are_owed_an_answer() -> None:
    call = acquainted()
    call.answer(10.0, "Once upon a time.")
    call.wait(1.0)
    call.say(1.2)
    call.receive(ev.ModelInterrupted(1))
    call.complete()
    assert wedged_after(call) == pytest.approx(SILENCE + 8.0, abs=0.03)


def test_an_answer_that_was_stopped_by_a_sound_alone_is_not_owed() -> None:
    call = acquainted()
    call.write("Tell me a story.")
    call.answer(10.0, "Once upon a time.")
    call.wait(1.0)
    call.say(0.1)
    call.receive(ev.ModelInterrupted(1))
    call.complete()
    assert wedged_after(call) is None


def test_a_link_that_was_recovered_has_3_seconds() -> None:
    call = acquainted()
    call.lose_link()
    call.link_up()
    call.write("What time is it?")
    assert wedged_after(call) == pytest.approx(3.0)


def test_a_link_that_was_recovered_and_answered_has_8_seconds() -> None:
    call = acquainted()
    call.lose_link()
    call.link_up()
    call.exchange("And you?", "Me too.")
    call.write("What time is it?")
    assert wedged_after(call) == pytest.approx(8.0)


def test_a_link_that_was_renewed_is_not_suspect() -> None:
    call = acquainted()
    call.go_away(50.0)
    call.renew()
    call.write("What time is it?")
    assert wedged_after(call) == pytest.approx(8.0)


def test_a_link_with_a_phantom_interruption_has_3_seconds() -> None:
    call = acquainted()
    call.answer(1.0, "By the way.")
    call.finish_generation()
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(3.0)
    call.write("What time is it?")
    assert wedged_after(call) == pytest.approx(3.0)


def test_a_replay_has_its_allowance_from_its_end_on() -> None:
    call = acquainted()
    call.say(6.0, sample=OTHER_VOICE)
    call.wait(0.5)
    call.lose_link()
    call.link_up()
    # 6 s of speech and what ends them, at three times their pace, and 3 s for the answer.
    after = wedged_after(call)
    assert after is not None
    assert 2.0 + 3.0 <= after <= 2.0 + 1.0 + 3.0


def test_a_sound_that_may_be_no_words_is_given_to_another_link_once_and_then_let_be() -> None:
    call = acquainted()
    call.say(0.6, sample=OTHER_VOICE)
    call.wait(9.0)
    assert signs(call) == [Sign.SILENCE]
    call.link_up()
    call.wait(60.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(0.6)
    assert signs(call) == [Sign.SILENCE]
    call.assert_open()
    # It is over: the next answer is to the next words.
    call.lose_link()
    call.wait(2.0)
    call.link_up()
    assert call.link == 3
    call.wait(3.0)
    assert call.given_seconds(3, OTHER_VOICE) == 0.0


def test_a_sound_that_may_be_no_words_costs_no_link_that_is_dear() -> None:
    call = acquainted()
    for _ in range(6):
        call.lose_link()
        call.wait(5.0)
        call.link_up()
    call.say(0.6)
    assert wedged_after(call) is None
    call.say(1.2)
    assert wedged_after(call) is not None


def test_an_answer_that_stops_before_anybody_has_heard_of_it_is_owed_still() -> None:
    call = Conversation.opened(replace(OPTIONS, output_frame_duration=0.2))
    call.exchange("How are you?", "Fine.")
    call.hand_over("h1")
    call.say(1.2, sample=OTHER_VOICE)
    call.understand("What time is it?")
    call.wait(1.0)
    call.answer(0.1)
    # This handle knows the question.
    call.hand_over("h2")
    call.wait(9.0)
    assert call.setups[-1].setup.handle
    call.link_up()
    call.wait(2.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(1.2, abs=0.05)
    assert call.assert_turn_ended(1).heard_text == "Fine."


def test_words_that_interrupt_a_model_that_works_are_owed_an_answer() -> None:
    call = acquainted(THINKING)
    call.hand_over("h1")
    call.write("Book a table.")
    call.answer(0.8, "Let me see. ")
    call.work(idle=False)
    call.finish_generation()
    call.complete()
    call.wait(2.0)
    call.say(1.2, sample=OTHER_VOICE)
    # The service reads it late.
    call.wait(2.0)
    call.receive(ev.UserActivityDetected(call.link, True))
    call.receive(ev.ModelInterrupted(call.link))
    call.work(idle=True)
    call.complete()
    call.hand_over("h2")
    call.go_away(0.5)
    call.wait(1.0)
    call.link_up()
    call.wait(2.0)
    assert call.given_seconds(call.link, OTHER_VOICE) == pytest.approx(1.2, abs=0.05)
