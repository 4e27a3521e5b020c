"""How long old audio still goes to the client after the first sign that somebody interrupts."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.options import FunctionDeclaration, Mode, Scheduling
from segue.core.outputs import CutCause, Interrupted
from tests.core.conversation import OPTIONS, Conversation, telling, told

# Audio leaves frame by frame: 40 ms each.
EVEN = replace(OPTIONS, lead=0.1)
FRAME = 0.04


def test_from_the_users_first_sound_to_the_word_of_the_backend() -> None:
    call = telling(EVEN)
    call.say(0.2)
    call.wait(0.2)
    call.interrupted(by_sound=False)
    assert call.assert_interrupted(1).stop_latency == pytest.approx(0.4, abs=FRAME)


def test_from_the_users_first_sound_to_the_moment_when_it_is_speech() -> None:
    call = told(EVEN)
    call.say(0.3)
    assert call.assert_interrupted(1).stop_latency == pytest.approx(0.14, abs=FRAME)


def test_from_the_users_first_sound_to_the_onset_that_segue_hears() -> None:
    call = telling(replace(EVEN, mode=Mode.GATEWAY))
    call.say(0.3)
    assert call.assert_interrupted(1).stop_latency == pytest.approx(0.08, abs=FRAME)


def test_a_sound_that_is_long_over_is_none_that_interrupts() -> None:
    call = telling(EVEN)
    call.say(0.2)
    call.wait(2.0)
    call.interrupted(by_sound=False)
    assert call.assert_interrupted(1).stop_latency == 0.0


def test_a_sound_before_another_one_is_not_a_part_of_it() -> None:
    call = telling(EVEN)
    call.say(0.1)
    call.wait(0.6)
    call.say(0.2)
    call.interrupted(by_sound=False)
    assert call.assert_interrupted(1).stop_latency == pytest.approx(0.2, abs=FRAME)


def test_from_the_word_of_the_backend_to_the_evidence_for_it() -> None:
    call = telling(EVEN)
    call.interrupted(by_sound=False)
    call.wait(0.5)
    call.say(0.02)
    assert call.assert_interrupted(1).stop_latency == pytest.approx(0.5, abs=FRAME)


def test_who_speaks_while_the_turn_begins_interrupts_it_from_its_first_sample_on() -> None:
    call = Conversation.opened(EVEN)
    call.say(1.0)
    call.answer(3.0, "What a day!")
    call.say(0.4)
    call.interrupted(by_sound=False)
    assert call.assert_interrupted(1).stop_latency == pytest.approx(0.4, abs=FRAME)


def test_the_client_is_obeyed_at_once() -> None:
    call = telling(EVEN)
    call.interrupt()
    assert call.assert_interrupted(1).stop_latency == 0.0


def test_from_the_result_of_a_call_that_interrupts() -> None:
    call = Conversation.opened(replace(EVEN, functions=(FunctionDeclaration("weather"),)))
    call.say(0.6)
    call.understand("What is the weather?")
    call.wait(1.0)
    call.call("c1")
    call.answer(5.0, "Let me tell you a story meanwhile.")
    call.wait(1.0)
    call.respond("c1", scheduling=Scheduling.INTERRUPT)
    call.wait(0.3)
    call.interrupted(by_sound=False)
    cut = call.assert_interrupted(1)
    assert cut.cause is CutCause.TOOL
    assert cut.stop_latency == pytest.approx(0.3, abs=FRAME)


def test_a_note_that_is_to_be_answered_interrupts_as_well() -> None:
    call = telling(EVEN)
    call.receive(ev.NoteReceived(0, "The user nodded.", True))
    call.wait(0.3)
    call.interrupted(by_sound=False)
    assert call.assert_interrupted(1).stop_latency == pytest.approx(0.3, abs=FRAME)


def test_where_nothing_had_been_sent_there_is_nothing_to_stop() -> None:
    call = Conversation.opened(EVEN)
    call.write("Hello!")
    call.interrupt()
    call.interrupt()
    assert [(cut.cause, cut.stop_latency) for cut in call.got(Interrupted)] == [
        (CutCause.CLIENT, None),
        (CutCause.NONE, None),
    ]


def test_nobody_interrupts_by_a_phantom() -> None:
    call = telling(EVEN)
    call.interrupted(by_sound=False)
    call.wait(20.0)
    cut = call.assert_interrupted(1)
    assert (cut.cause, cut.stop_latency) == (CutCause.PHANTOM, None)
