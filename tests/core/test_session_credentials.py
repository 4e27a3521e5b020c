"""Several credentials: a session stays with its own, and leaves it without its handles where another is of more use."""

from dataclasses import replace

import pytest

from segue.core.actions import Dial, Outcome, Recovered
from segue.core.events import LossCause
from segue.core.outputs import Closed, CloseReason
from tests.core.conversation import OPTIONS, POLICY, Conversation


def acquainted() -> Conversation:
    """Return a conversation on credential "a" in which one question was answered, and the handle came."""
    call = Conversation(replace(OPTIONS, system_instruction="Be brief."), policy=replace(POLICY, renewal_jitter=0.0))
    call.open()
    call.link_up(credential="a")
    call.exchange("How are you?", "Fine.")
    call.hand_over("h1")
    return call


def test_a_new_session_takes_any_and_stays_with_it() -> None:
    call = acquainted()
    assert call.did(Dial)[0].credential == ""
    call.lose_link()
    dial = call.did(Dial)[-1]
    assert (dial.credential, dial.setup.handle) == ("a", "h1")
    call.link_up(credential="a")
    call.go_away(50.0)
    dial = call.did(Dial)[-1]
    assert (dial.credential, dial.setup.handle, dial.hold) == ("a", "h1", True)


def test_it_stays_though_it_has_no_handle() -> None:
    call = Conversation.opened()
    call.lose_link()
    call.link_up(credential="a")
    call.lose_link()
    call.wait(1.0)
    assert (call.did(Dial)[-1].link, call.did(Dial)[-1].credential) == (3, "a")


@pytest.mark.parametrize("cause", [LossCause.QUOTA, LossCause.CREDENTIALS])
def test_it_goes_elsewhere_at_once_and_afresh_with_what_was_said(cause: LossCause) -> None:
    call = acquainted()
    call.lose_link(cause, retry_delay=30.0, elsewhere=True)
    dial = call.did(Dial)[-1]
    assert (dial.link, dial.credential, dial.setup.handle) == (2, "", "")
    assert "Fine." in dial.setup.system_instruction
    call.link_up(credential="b")
    assert call.notes() == []
    assert [(done.cause, done.outcome) for done in call.did(Recovered)] == [(cause, Outcome.FRESH)]
    call.hand_over("h2")
    call.lose_link()
    call.wait(1.0)
    assert (call.did(Dial)[-1].credential, call.did(Dial)[-1].setup.handle) == ("b", "h2")


def test_words_without_an_answer_go_with_it() -> None:
    call = acquainted()
    call.write("What time is it?")
    call.lose_link(LossCause.QUOTA, elsewhere=True)
    call.link_up(credential="b")
    assert call.texts(2) == ["What time is it?"]


@pytest.mark.parametrize("cause", [LossCause.QUOTA, LossCause.CREDENTIALS])
def test_a_session_that_was_never_up_goes_elsewhere_too(cause: LossCause) -> None:
    call = Conversation()
    call.open()
    call.lose_link(cause, elsewhere=True)
    assert [dial.link for dial in call.did(Dial)] == [1, 2]
    call.lose_link(cause)
    closed = call.got(Closed)[-1]
    assert closed.reason in (CloseReason.BACKEND_QUOTA, CloseReason.BACKEND_CREDENTIALS)


def test_going_from_one_to_the_next_is_paced_and_comes_to_an_end() -> None:
    call = acquainted()
    began = call.now
    for link in range(1, 40):
        if call.got(Closed):
            break
        call.lose_link(LossCause.QUOTA, link=link, elsewhere=True)
        call.wait(8.0)
    assert call.got(Closed)[-1].reason is CloseReason.BACKEND_QUOTA
    assert len(call.did(Dial)) <= 12
    assert call.now - began > 10.0


def test_a_link_that_is_held_with_another_begins_afresh() -> None:
    call = acquainted()
    call.go_away(50.0)
    call.hold("b")
    # The old one still gives handles, which are good with its credential only.
    call.hand_over("h2")
    call.wait(1.5)
    setup = call.setups[-1].setup
    assert setup.handle == ""
    assert "Fine." in setup.system_instruction
    call.link_up(credential="b")
    assert call.notes() == []
    call.lose_link()
    assert (call.did(Dial)[-1].credential, call.did(Dial)[-1].setup.handle) == ("b", "")


def test_a_link_that_is_held_with_its_own_goes_on_by_the_newest_handle() -> None:
    call = acquainted()
    call.go_away(50.0)
    call.hold("a")
    call.hand_over("h2")
    call.wait(1.5)
    assert call.setups[-1].setup.handle == "h2"


def test_where_the_next_link_is_lost_elsewhere_the_present_one_goes_on() -> None:
    call = acquainted()
    call.go_away(50.0)
    call.lose_link(LossCause.CREDENTIALS, link=2, elsewhere=True)
    assert call.session.link == 1
    call.wait(3.0)
    assert (call.next_link, call.did(Dial)[-1].credential) == (3, "a")
