"""Behind a noise gate: what it holds back counts as a pause in the client's audio."""

import pytest

from segue.core import events as ev
from segue.core.feed import comfort_noise
from segue.core.outputs import CloseReason
from tests.core.conversation import HUSH, Conversation


def hum(call: Conversation, seconds: float) -> None:
    """Let the gate hold back so much noise, in frames of 20 ms."""
    for _ in range(round(seconds / 0.02)):
        call.receive(ev.AudioReceived(0, b"", voiced=False, noise=0.02))
        call.wait(0.02)


def test_the_model_gets_comfort_noise_in_place_of_what_is_held_back() -> None:
    call = Conversation.opened()
    call.say(0.6)
    call.say(0.6, voiced=False)
    hum(call, 4.0)
    given = call.given_audio()
    fed = len(given) / 32_000 - 1.2
    # The silence of the Live API's detector and a second more.
    assert fed == pytest.approx(1.8, abs=0.11)
    assert given.endswith(comfort_noise(16_000))
    assert given.count(HUSH) == 0.6 * 16_000


def test_what_is_held_back_was_taken_from_the_client_and_is_counted_as_dropped() -> None:
    call = Conversation.opened()
    call.say(0.6)
    hum(call, 2.0)
    assert call.dropped("noise") == pytest.approx(2.0)
    call.receive(ev.CloseReceived(0, finish_turn=False))
    totals = call.assert_closed(CloseReason.COMPLETED).totals
    assert totals is not None
    assert totals.input_audio == pytest.approx(2.6)
