"""While the model waits for a result: what it must not be told meanwhile is held back, and not lost."""

from dataclasses import replace

import pytest

from segue.core.actions import Dial, SendActivity, SendAudio, SendToolResult
from segue.core.options import Mode
from segue.core.outputs import Audio, TurnEnded
from tests.core.calling import BLOCKING, GATED, WEATHER, acquainted, asked
from tests.core.conversation import OTHER_VOICE, VOICE, Conversation, voice


def test_audio_is_held_back_while_a_call_is_under_way_where_it_would_close_the_link() -> None:
    call = asked(GATED)
    call.say(1.0, sample=OTHER_VOICE)
    assert call.given_seconds(sample=OTHER_VOICE) == 0.0
    call.respond("c1")
    call.wait(3.0)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(1.0)
    first = next(index for index, action in enumerate(call.actions) if isinstance(action, SendToolResult))
    late = [action.audio for action in call.actions[first:] if isinstance(action, SendAudio)]
    assert b"".join(late).count(OTHER_VOICE) == 16_000


def test_silence_is_neither_fed_nor_kept_meanwhile() -> None:
    call = asked(GATED)
    call.say(2.0, voiced=False)
    before = len(call.did(SendAudio))
    call.wait(3.0)
    assert len(call.did(SendAudio)) == before


def test_the_gate_of_a_call_lifts_when_the_call_is_taken_back() -> None:
    call = asked(GATED)
    call.say(0.6, sample=OTHER_VOICE)
    call.cancel_calls("c1")
    call.say(0.6, sample=OTHER_VOICE)
    call.wait(3.0)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(1.2)


def test_an_interrupt_throws_away_nothing_that_a_call_holds_back() -> None:
    call = asked(GATED)
    call.say(0.6, sample=OTHER_VOICE)
    call.wait(1.0)
    call.interrupt()
    call.cancel_calls("c1")
    call.wait(3.0)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)


def test_the_gate_stays_until_the_last_of_parallel_results() -> None:
    call = asked(GATED)
    call.call("c2", "book")
    call.respond("c1")
    call.say(0.6, sample=OTHER_VOICE)
    assert call.given_seconds(sample=OTHER_VOICE) == 0.0
    call.respond("c2")
    call.wait(3.0)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)


def test_activities_that_a_call_holds_back_keep_their_edges() -> None:
    call = Conversation.opened(replace(GATED, mode=Mode.MANUAL))
    call.write("What is the weather in Bonn?")
    call.call("c1")
    for sample in (VOICE, OTHER_VOICE):
        call.press()
        call.say(0.6, sample=sample)
        call.release()
    call.respond("c1", WEATHER)
    call.wait(3.0)
    edges = [action.started for action in call.did(SendActivity)]
    assert edges == [True, False, True, False]
    assert call.given_seconds() == pytest.approx(0.6)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)


def test_a_call_that_does_not_block_holds_nothing_back() -> None:
    call = acquainted(GATED)
    call.write("Remind me.")
    call.call("c1", "remind")
    call.say(0.6, sample=OTHER_VOICE)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)


@pytest.mark.parametrize("names", [("book", "remind"), ("remind", "book")])
def test_the_gate_stays_for_what_was_called_beside_a_function_that_blocks(names: tuple[str, str]) -> None:
    call = acquainted(GATED)
    call.write("Book a table and remind me.")
    for name in names:
        call.call(name, name)
    call.respond("book")
    call.say(0.6, sample=OTHER_VOICE)
    # The model waits for both, so that nothing is owed either.
    call.wait(20.0)
    assert call.given_seconds(sample=OTHER_VOICE) == 0.0
    assert len(call.did(Dial)) == 1
    call.respond("remind")
    call.wait(3.0)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)


def test_a_turn_that_ends_shows_that_the_model_does_not_wait_for_what_does_not_block() -> None:
    call = acquainted(GATED)
    call.write("Book a table and remind me.")
    call.call("c1", "book")
    call.call("c2", "remind")
    call.respond("c1")
    call.say(0.6, sample=OTHER_VOICE)
    call.answer(1.0, "It is booked.")
    assert call.given_seconds(sample=OTHER_VOICE) == 0.0
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)


def test_audio_goes_on_while_a_call_is_under_way_where_the_model_takes_it() -> None:
    call = asked(BLOCKING)
    call.say(0.6, sample=OTHER_VOICE)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)


def test_voice_during_a_gated_call_is_kept_for_10_seconds_at_least() -> None:
    call = asked(GATED)
    call.say(9.0, sample=OTHER_VOICE)
    call.respond("c1")
    call.wait(6.0)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(9.0)
    assert call.given_seconds(sample=VOICE) == pytest.approx(0.6)
    assert [audio for audio in call.got(Audio) if audio.turn == 2] == []
    assert call.got(TurnEnded)[-1].turn == 1
    assert voice(0.02, OTHER_VOICE) in call.given_audio()
