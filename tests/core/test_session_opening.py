"""A session opens: one link is dialled, and input that comes early is kept."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import Dial, HangUp, Purpose, SendAudio, SendText
from segue.core.options import Modality, Options
from segue.core.outputs import CloseReason, InputAck, InputRejected, Next, Opened, Rejection
from segue.core.pacing import WAITING_TEXTS
from segue.core.profiles import TextSlot, profile_of
from segue.core.session import State
from segue.core.setups import setup_of
from tests.core.conversation import OPTIONS, VOICE, Conversation, voice


def test_opening_dials_one_link() -> None:
    call = Conversation()
    setup = setup_of(OPTIONS, profile_of(OPTIONS.model), "", "", transparent=False)
    assert call.open() == [Dial(1, setup, Purpose.OPEN)]
    assert call.session.state is State.OPENING


def test_opened_is_said_when_the_link_is_up() -> None:
    call = Conversation()
    call.open()
    assert call.outputs == []
    call.link_up()
    assert call.outputs == [Opened("call-1", "gemini-3.8-live")]
    call.assert_open()


def test_audio_and_text_before_the_link_is_up_are_kept_and_sent_in_order() -> None:
    call = Conversation()
    call.open()
    call.receive(ev.AudioReceived(0, voice(0.02), True))
    call.write("hello")
    call.receive(ev.AudioReceived(0, voice(0.04), True))
    assert call.given() == []
    call.link_up()
    call.wait(0.1)
    assert call.given() == [voice(0.02), "hello", voice(0.04)]


def test_audio_goes_out_with_its_sample_rate_and_text_in_the_slot_of_the_model() -> None:
    call = Conversation.opened(replace(OPTIONS, model="gemini-3.1-flash-live-preview"))
    call.receive(ev.AudioReceived(0, voice(0.02), False))
    call.write("hello")
    assert call.did(SendAudio) == [SendAudio(1, voice(0.02), 16_000)]
    assert call.did(SendText) == [SendText(1, "hello", TextSlot.REALTIME)]


def test_silence_is_not_fed_while_no_link_is_up_and_is_fed_in_real_time_afterwards() -> None:
    call = Conversation()
    call.open()
    call.say(0.2)
    call.wait(5.0)
    assert call.given() == []
    call.link_up()
    call.wait(30.0)
    assert call.given_seconds() == pytest.approx(0.2)
    sent = [(at, action.audio) for at, action in call.timeline if isinstance(action, SendAudio)]
    fed = [at for at, audio in sent if VOICE not in audio]
    # The detector's 0.8 s of silence and a second more.
    assert 1.7 <= len(fed) * 0.1 <= 1.9
    # In real time, but for the first piece, which is late.
    assert all(at - fed[0] >= 0.1 * (index - 1) - 1e-6 for index, at in enumerate(fed))


def test_the_newest_audio_is_rejected_when_30_seconds_wait_for_the_link() -> None:
    call = Conversation()
    call.open()
    for _ in range(30):
        call.receive(ev.AudioReceived(0, voice(1.0), False))
    assert call.got(InputRejected) == []
    call.receive(ev.AudioReceived(0, voice(1.0), False))
    [rejected] = call.got(InputRejected)
    assert rejected.reason is Rejection.INPUT_OVERFLOW


def test_the_newest_text_is_rejected_when_too_many_wait_for_the_link() -> None:
    call = Conversation()
    call.open()
    for number in range(WAITING_TEXTS):
        call.write(f"{number}")
    assert call.got(InputRejected) == []
    call.write("9")
    assert [rejected.reason for rejected in call.got(InputRejected)] == [Rejection.INPUT_OVERFLOW]
    call.link_up()
    call.wait(1.0)
    assert "\n".join(call.texts()) == "\n".join(f"{number}" for number in range(WAITING_TEXTS))


def test_a_refused_open_closes_without_a_dial() -> None:
    call = Conversation()
    call.receive(ev.OpenRefused(1, CloseReason.UNIMPLEMENTED, "not yet"))
    closed = call.assert_closed(CloseReason.UNIMPLEMENTED)
    assert (closed.message, closed.next, closed.totals) == ("not yet", Next.NONE, None)
    assert call.did(Dial) == []


def test_options_that_no_link_can_have_close_without_a_dial() -> None:
    call = Conversation(Options("gemini-3.8-live", modality=Modality.TEXT))
    call.open()
    closed = call.assert_closed(CloseReason.INVALID_OPEN)
    assert closed.totals is None
    assert call.did(Dial) == []


@pytest.mark.parametrize("event", [ev.OpenReceived(3, OPTIONS), ev.OpenRefused(3, CloseReason.INVALID_OPEN, "")])
def test_an_open_that_does_not_begin_the_numbers_is_a_gap(event: ev.Event) -> None:
    call = Conversation()
    call.receive(event)
    assert "input 3 came after input 0" in call.assert_closed(CloseReason.INPUT_GAP).message


@pytest.mark.parametrize("event", [ev.OpenReceived(2, OPTIONS), ev.OpenRefused(2, CloseReason.INVALID_OPEN, "")])
def test_a_second_open_is_rejected_and_changes_nothing(event: ev.Event) -> None:
    call = Conversation()
    call.open(seq=1)
    call.link_up()
    call.receive(event)
    [rejected] = call.got(InputRejected)
    assert (rejected.input_seq, rejected.reason) == (2, Rejection.ALREADY_OPEN)
    assert len(call.did(Dial)) == 1
    call.assert_open()


def test_an_open_that_comes_again_is_dropped_as_a_repeat() -> None:
    call = Conversation()
    call.open(seq=1)
    call.open(seq=1)
    call.receive(ev.OpenRefused(1, CloseReason.INVALID_OPEN, ""))
    assert call.got(InputRejected) == []


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (ev.LossCause.CREDENTIALS, CloseReason.BACKEND_CREDENTIALS),
        (ev.LossCause.MODEL, CloseReason.BACKEND_MODEL),
        (ev.LossCause.REJECTED, CloseReason.BACKEND_REJECTED),
        (ev.LossCause.QUOTA, CloseReason.BACKEND_QUOTA),
        (ev.LossCause.INTERNAL, CloseReason.INTERNAL),
    ],
)
def test_a_link_that_cannot_be_had_closes_the_session(cause: ev.LossCause, reason: CloseReason) -> None:
    call = Conversation()
    call.open()
    call.write("hello")
    call.lose_link(cause)
    closed = call.assert_closed(reason)
    assert closed.totals is not None
    # There is nothing left to hang up.
    assert call.did(HangUp) == []
    assert call.given() == []


def test_a_client_that_vanishes_while_the_link_opens_leaves_nothing() -> None:
    call = Conversation()
    call.open()
    call.receive(ev.StreamLost())
    assert call.did(HangUp) == [HangUp(1)]
    assert call.session.state is State.ENDED
    assert call.link_up() == []


def test_a_client_that_vanishes_before_it_opens_leaves_nothing() -> None:
    call = Conversation()
    call.receive(ev.StreamLost())
    assert call.did(HangUp) == []
    assert call.session.state is State.ENDED


def test_numbered_input_is_acknowledged_once_the_link_has_it() -> None:
    call = Conversation()
    call.open(seq=1)
    call.say(0.1, seq=2)
    call.wait(5.0)
    assert call.got(InputAck) == []
    call.link_up()
    call.wait(1.0)
    assert call.got(InputAck) == [InputAck(6)]


def test_acknowledgements_gather_for_a_second_at_most() -> None:
    call = Conversation()
    call.open(seq=1)
    call.link_up()
    call.say(3.0, voiced=False, seq=2)
    acks = [ack.input_seq for ack in call.got(InputAck)]
    assert len(acks) in (2, 3)
    assert acks == sorted(acks)


def test_numbered_input_that_comes_again_is_used_once_and_acknowledged_again() -> None:
    call = Conversation()
    call.open(seq=1)
    call.link_up()
    call.write("hello", seq=2)
    call.wait(2.0)
    for event in (
        ev.TextReceived(2, "hello"),
        ev.AudioReceived(2, voice(0.02), True),
        ev.InterruptReceived(2, 0, None),
        ev.ActivityReceived(2, True),
        ev.ToolResultReceived(2, "c1", "{}"),
        ev.InputRefused(2, Rejection.UNIMPLEMENTED, ""),
        ev.CloseReceived(2, False),
    ):
        call.receive(event)
    call.wait(1.0)
    assert call.given() == ["hello"]
    assert call.got(InputAck) == [InputAck(1), InputAck(2), InputAck(2)]
    call.assert_open()


def test_a_gap_in_the_numbers_closes_the_session() -> None:
    call = Conversation()
    call.open(seq=1)
    call.link_up()
    call.write("hello", seq=3)
    closed = call.assert_closed(CloseReason.INPUT_GAP)
    assert closed.next is Next.OPEN_AGAIN
    assert call.given() == []
    assert call.did(HangUp) == [HangUp(1)]


@pytest.mark.parametrize(
    ("event", "rejection"),
    [
        (ev.TextReceived(2, " "), Rejection.EMPTY),
        (ev.InputRefused(2, Rejection.UNKNOWN_INPUT, "what is that?"), Rejection.UNKNOWN_INPUT),
    ],
)
def test_input_that_cannot_be_used_is_rejected_and_the_session_goes_on(event: ev.Event, rejection: Rejection) -> None:
    call = Conversation()
    call.open(seq=1)
    call.link_up()
    call.receive(event)
    [rejected] = call.got(InputRejected)
    assert (rejected.input_seq, rejected.reason) == (2, rejection)
    assert rejected.message
    assert call.given() == []
    call.assert_open()


def test_an_activity_is_rejected_where_the_model_detects_speech() -> None:
    call = Conversation.opened()
    call.receive(ev.ActivityReceived(0, True))
    assert [rejected.reason for rejected in call.got(InputRejected)] == [Rejection.WRONG_MODE]
    call.assert_open()


def test_what_another_link_says_means_nothing() -> None:
    call = Conversation()
    call.open()
    assert call.receive(ev.LinkOpened(2)) == []
    assert call.receive(ev.LinkLost(2, ev.LossCause.TRANSIENT, "")) == []
    call.link_up()
    assert call.receive(ev.TurnCompleted(2, "")) == []
    call.assert_open()
