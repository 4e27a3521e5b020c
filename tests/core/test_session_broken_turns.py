"""Turns that broke off with their link: they play to a whole sentence, and go on in a new turn."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.options import Modality, Options
from segue.core.outputs import CutCause, EndReason, Interrupted, TurnEnded
from tests.core.conversation import OPTIONS, OTHER_VOICE, Conversation, acquainted, recover


def story(options: Options = OPTIONS) -> Conversation:
    """Return a conversation in which the model is 1 s into three sentences of 2 s; the third is not all."""
    call = acquainted(options)
    call.write("Tell me a story.")
    for words in ("There was a king. ", "He was old. ", "He had "):
        call.answer(2.0, words)
    call.wait(1.0)
    return call


def test_a_turn_that_broke_off_plays_to_its_last_whole_sentence() -> None:
    call = story()
    recover(call)
    call.wait(10.0)
    cut = call.assert_interrupted(2)
    assert cut.cause is CutCause.RECOVERY
    assert (cut.heard_text, cut.unheard_text) == ("There was a king. He was old. ", "He had ")
    assert cut.heard == pytest.approx(4.0)
    ended = call.assert_turn_ended(2)
    assert ended.reason is EndReason.INTERRUPTED
    assert ended.heard == pytest.approx(4.0)
    assert call.heard(2) == pytest.approx(4.0)
    assert call.dropped("recovery") == pytest.approx(2.0)


def test_the_interruption_by_a_recovery_is_said_when_the_sentence_has_been_played() -> None:
    call = story()
    begin = call.now - 1.0
    recover(call)
    call.wait(10.0)
    [at] = [at for at, send in call.sent if isinstance(send.output, Interrupted)]
    assert at - begin == pytest.approx(4.0)


def test_a_turn_that_broke_off_goes_on_in_a_new_turn() -> None:
    call = story()
    recover(call)
    [request] = call.texts(2)
    assert request != "Tell me a story."
    for words in ("Tell me a story.", "There was a king. He was old.", "He had"):
        assert words in request
    call.answer(2.0, "He had three sons.")
    call.finish_generation()
    call.complete()
    call.wait(10.0)
    assert call.assert_turn_ended(3).heard_text == "He had three sons."
    assert call.heard(2) == pytest.approx(4.0)
    assert call.heard(3) == pytest.approx(2.0)


def test_a_turn_that_broke_off_goes_on_after_a_second_loss_as_well() -> None:
    call = story()
    recover(call)
    recover(call, after=2.0)
    [request] = call.texts(3)
    assert "He was old." in request


def test_what_was_gone_on_with_is_not_asked_for_again() -> None:
    call = story()
    recover(call)
    call.answer(2.0, "He had three sons.")
    call.finish_generation()
    call.complete()
    call.wait(10.0)
    recover(call)
    assert call.texts(3) == []


def test_a_turn_without_a_whole_sentence_plays_to_its_end() -> None:
    call = acquainted()
    call.answer(3.0, "Once upon a")
    call.wait(1.0)
    recover(call)
    call.wait(5.0)
    cut = call.assert_interrupted(2)
    assert cut.heard_text == "Once upon a"
    assert cut.heard == pytest.approx(3.0)


def test_a_sentence_that_is_being_heard_plays_to_the_end_of_what_there_is() -> None:
    call = acquainted()
    call.answer(2.0, "There was a king. ")
    call.answer(4.0, "He had ")
    call.wait(3.0)
    recover(call)
    call.wait(5.0)
    assert call.assert_interrupted(2).heard == pytest.approx(6.0)


def test_a_written_answer_that_broke_off_was_read_as_far_as_it_came() -> None:
    call = acquainted(replace(OPTIONS, model="gemini-2.0-flash-live-001", modality=Modality.TEXT))
    call.write("Tell me a story.")
    call.receive(ev.ModelText(1, "There was a king. He had "))
    recover(call)
    call.wait(1.0)
    cut = call.assert_interrupted(2)
    assert (cut.cause, cut.heard_text, cut.unheard_text) == (CutCause.RECOVERY, "There was a king. He had ", "")
    assert call.assert_turn_ended(2).reason is EndReason.INTERRUPTED
    [request] = call.texts(2)
    assert "He had" in request


def test_a_turn_that_the_client_got_ahead_of_time_breaks_off_when_it_was_played() -> None:
    call = acquainted(replace(OPTIONS, unpaced=True))
    for words in ("There was a king. ", "He was old. ", "He had "):
        call.answer(2.0, words)
    call.wait(1.0)
    recover(call)
    call.wait(4.0)
    assert call.got(Interrupted) == []
    call.wait(2.0)
    assert call.assert_interrupted(2).heard == pytest.approx(6.0)


def test_who_speaks_after_a_turn_broke_off_gets_an_answer_and_not_its_rest() -> None:
    call = story()
    call.lose_link()
    call.wait(0.2)
    call.say(0.6, sample=OTHER_VOICE)
    call.link_up()
    call.wait(3.0)
    assert call.texts(2) == []
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(0.6)


def test_who_stops_a_turn_that_broke_off_does_not_get_its_rest() -> None:
    call = story()
    call.lose_link()
    call.interrupt()
    call.link_up()
    call.wait(5.0)
    assert call.texts(2) == []
    assert call.assert_interrupted(2).cause is CutCause.CLIENT


def test_a_turn_that_broke_off_and_is_stopped_while_it_ends_is_interrupted_once() -> None:
    call = story()
    call.reading = False
    recover(call)
    call.wait(10.0)
    while not call.got(Interrupted):
        call.read(max_events=1)
        call.wait(1.0)
    assert [ended.turn for ended in call.got(TurnEnded)] == [1]
    call.interrupt()
    call.reading = True
    call.read()
    call.wait(1.0)
    assert call.got(Interrupted)[0].cause is CutCause.RECOVERY
    assert [cut.turn for cut in call.got(Interrupted) if cut.cause is not CutCause.NONE] == [2]
    call.assert_turn_ended(2)
