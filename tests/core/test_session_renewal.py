"""Renewal: a link is replaced before the service ends it, by one that is held until then."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import Dial, HangUp, Purpose, Renewed, SetUp, Trigger
from segue.core.options import Compression
from segue.core.outputs import Usage
from tests.core.conversation import OPTIONS, Conversation
from tests.core.renewing import due

AGE_LIMIT, JITTER = 480.0, 60.0
# The session's own numbers are all one half here.
AGE = AGE_LIMIT - JITTER / 2


@pytest.mark.parametrize(("drawn", "age"), [(0.0, 480.0), (0.5, 450.0), (0.99, 420.6)])
def test_a_link_is_renewed_at_eight_minutes_less_the_sessions_own_jitter(drawn: float, age: float) -> None:
    call = Conversation.opened(draw=lambda: drawn)
    begin = call.now
    call.wait(age - 0.1)
    assert len(call.did(Dial)) == 1
    call.wait(0.2)
    dial = call.did(Dial)[-1]
    assert (dial.link, dial.purpose, dial.hold) == (2, Purpose.RENEWAL, True)
    assert call.when(Dial)[-1] - begin == pytest.approx(age)


def test_each_link_has_an_age_of_its_own() -> None:
    call = Conversation.opened(replace(OPTIONS, idle_timeout=3600.0))
    for link in (2, 3):
        call.wait(AGE + 0.1)
        assert call.next_link == link
        call.renew()
    assert [renewed.trigger for renewed in call.did(Renewed)] == [Trigger.AGE, Trigger.AGE]


def test_a_link_that_is_to_end_is_renewed_at_once() -> None:
    call = Conversation.opened()
    call.go_away(50.0)
    dial = call.did(Dial)[-1]
    assert (dial.link, dial.purpose, dial.hold) == (2, Purpose.RENEWAL, True)
    call.renew()
    assert call.link == 2
    assert [renewed.trigger for renewed in call.did(Renewed)] == [Trigger.GO_AWAY]


def test_a_second_go_away_changes_nothing() -> None:
    call = due()
    call.go_away(30.0)
    call.renew()
    call.wait(60.0)
    assert len(call.did(Dial)) == 2
    assert len(call.did(Renewed)) == 1


def test_a_link_whose_window_fills_up_and_lets_nothing_go_is_replaced_by_a_fresh_one() -> None:
    call = Conversation.opened(replace(OPTIONS, compression=None))
    call.exchange("How are you?", "Fine.")
    call.hand_over("h1")
    call.receive(ev.UsageReported(1, Usage(total_tokens=125_000)))
    call.receive(ev.UsageReported(1, Usage(total_tokens=126_000)))
    call.wait(0.1)
    call.renew()
    assert [renewed.trigger for renewed in call.did(Renewed)] == [Trigger.CONTEXT]
    assert call.setups[-1].setup.handle == ""
    assert "Fine." in call.setups[-1].setup.system_instruction


def test_a_link_that_was_replaced_because_of_its_window_is_not_resumed_later() -> None:
    call = Conversation.opened(replace(OPTIONS, compression=None, model="gemini-2.5-flash-native-audio"))
    call.exchange("How are you?", "Fine.")
    call.hand_over("h1")
    call.receive(ev.UsageReported(1, Usage(total_tokens=125_000)))
    call.wait(0.1)
    call.renew()
    call.lose_link()
    assert call.setups[-1].setup.handle == ""


def test_a_window_that_is_not_nearly_full_is_no_reason_to_renew() -> None:
    call = Conversation.opened(replace(OPTIONS, compression=None))
    call.receive(ev.UsageReported(1, Usage(total_tokens=100_000)))
    call.wait(10.0)
    assert len(call.did(Dial)) == 1


def test_a_window_that_lets_old_context_go_is_no_reason_to_renew() -> None:
    call = Conversation.opened(replace(OPTIONS, compression=Compression()))
    call.receive(ev.UsageReported(1, Usage(total_tokens=125_000)))
    call.wait(10.0)
    assert len(call.did(Dial)) == 1


def test_the_newest_handle_goes_into_the_setup() -> None:
    call = due()
    assert call.did(Dial)[-1].setup.handle == "h1"
    call.hand_over("h2")
    call.hold()
    call.wait(2.0)
    assert call.did(SetUp)[0].setup.handle == "h2"


def test_an_empty_handle_replaces_no_good_one() -> None:
    call = due()
    call.hand_over("")
    call.renew()
    assert call.setups[-1].setup.handle == "h1"


def test_a_setup_differs_from_the_first_in_its_handle_alone() -> None:
    call = due(replace(OPTIONS, system_instruction="Be brief.", voice="Kore"))
    call.renew()
    first, last = call.setups[0].setup, call.setups[-1].setup
    assert replace(last, handle="") == first


def test_a_connection_that_was_held_for_20_seconds_is_dialled_anew() -> None:
    call = due()
    call.write("And you?")
    call.hold()
    held = call.now
    call.answer(60.0, "Well, ")
    call.wait(19.9)
    assert call.did(HangUp) == []
    call.wait(0.2)
    assert call.did(HangUp) == [HangUp(2)]
    assert call.when(HangUp) == [pytest.approx(held + 20.0)]
    assert (call.next_link, call.did(Dial)[-1].hold) == (3, True)
    call.finish_generation()
    call.complete()
    call.hand_over("h2")
    call.renew()
    assert call.link == 3


def test_a_next_link_that_is_lost_is_dialled_anew_and_the_old_one_works_on() -> None:
    call = due()
    call.lose_link(ev.LossCause.UNAVAILABLE, link=2)
    call.exchange("What time is it?", "Noon.")
    assert call.assert_turn_ended(2).heard_text == "Noon."
    assert (call.next_link, call.did(Dial)[-1].purpose, call.did(Dial)[-1].hold) == (3, Purpose.RENEWAL, True)
    assert call.link == 1


def test_a_deadline_without_a_connection_dials_one() -> None:
    call = due()
    call.wait(49.9)
    assert call.link == 3
    dial = call.did(Dial)[-1]
    assert (dial.link, dial.purpose, dial.hold, dial.setup.handle) == (3, Purpose.RECOVERY, False, "h1")
    assert call.did(HangUp) == [HangUp(1), HangUp(2)]
    call.link_up()
    assert call.link == 3


def test_a_deadline_waits_for_a_connection_that_is_being_dialled() -> None:
    call = due()
    call.wait(46.0)
    assert call.did(HangUp) == []
    call.hold()
    call.wait(0.0)
    assert (call.did(HangUp), call.did(SetUp)[0].link) == ([HangUp(1)], 2)


def test_a_link_that_is_lost_while_the_next_one_is_held_is_recovered() -> None:
    call = due()
    call.hold()
    call.lose_link()
    call.wait(0.5)
    call.link_up()
    call.exchange("What time is it?", "Noon.")
    assert call.assert_turn_ended(2).heard_text == "Noon."


def test_a_renewal_that_fails_is_recovered() -> None:
    call = due()
    call.hold()
    call.wait(2.0)
    call.lose_link(link=2)
    call.wait(1.0)
    dial = call.did(Dial)[-1]
    assert (dial.link, dial.purpose) == (3, Purpose.RECOVERY)
    call.link_up()
    call.exchange("What time is it?", "Noon.")
    assert call.assert_turn_ended(2).heard_text == "Noon."


@pytest.mark.parametrize("time_left", [0.0, 1.0, 5.0])
def test_a_service_that_ends_each_link_as_soon_as_it_is_up_is_not_dialled_all_the_time(time_left: float) -> None:
    call = Conversation.opened()
    begin = call.now
    while call.now < begin + 60.0:
        link = call.link
        call.go_away(time_left)
        while call.link == link and call.now < begin + 60.0:
            call.wait(0.1)
            if call.next_link:
                call.hold()
        call.wait(0.1)
        if call.link != link:
            call.link_up()
    assert 5 <= len(call.did(Dial)) <= 8


def test_links_that_end_early_now_and_then_are_followed_at_once() -> None:
    call = Conversation.opened()
    for link in range(1, 6):
        call.wait(20.0 + 20.0 * (link % 2))
        call.go_away(10.0)
        assert call.next_link == link + 1
        call.renew()
