"""Wedges: a link that looks alive and gives no answer is replaced, and the user need not repeat anything."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import Dial, OddKind, OddTurn, Outcome, Recovered, Sign, Wedged
from segue.core.outputs import CloseReason, Next, Notice, NoticeKind, TurnEnded
from segue.core.policy import Policy
from segue.core.profiles import PROFILES
from segue.core.session import State
from tests.core.conversation import OPTIONS, OTHER_VOICE, POLICY, Conversation, acquainted, speech
from tests.core.wedging import NATIVE, empty_turn, signs


def strict(**limits: float) -> Policy:
    """Return a policy under which a sign that is only counted usually makes a wedge."""
    return replace(POLICY, profiles=tuple(replace(profile, **limits) for profile in PROFILES))  # type: ignore[arg-type]


def faint(call: Conversation, seconds: float) -> None:
    for _ in range(round(seconds / 0.25)):
        call.receive(ev.ModelAudio(call.link, speech(0.25), faint=True))


def reject(call: Conversation, count: int) -> None:
    for _ in range(count):
        call.write("Tell me a joke.")
        call.wait(0.5)
        call.complete("RESPONSE_REJECTED")


def test_a_connection_that_takes_no_more_is_a_wedge() -> None:
    call = acquainted()
    call.say(1.0, sample=OTHER_VOICE)
    call.lose_link(ev.LossCause.STALLED)
    assert signs(call) == [Sign.DEAD_SOCKET]
    assert call.link == 2
    call.link_up()
    call.wait(3.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(1.0)


# Signs that are counted, and can be made to count.


def test_faint_audio_is_counted_and_no_wedge_by_itself() -> None:
    call = acquainted()
    faint(call, 20.0)
    call.complete()
    assert OddTurn(OddKind.FAINT) in call.did(OddTurn)
    call.wait(25.0)
    assert call.did(Wedged) == []


def test_faint_audio_in_a_row_can_be_made_a_wedge() -> None:
    call = acquainted(policy=strict(faint_audio_limit=5.0))
    faint(call, 4.75)
    call.receive(ev.ModelAudio(1, speech(0.25)))
    faint(call, 4.75)
    assert call.did(Wedged) == []
    faint(call, 0.25)
    assert signs(call) == [Sign.FAINT_AUDIO]


def test_rejected_replies_are_counted_and_no_wedge_by_themselves() -> None:
    call = acquainted()
    reject(call, 10)
    assert call.did(OddTurn) == [OddTurn(OddKind.REJECTED)] * 10
    assert call.did(Wedged) == []


def test_rejected_replies_in_a_row_can_be_made_a_wedge() -> None:
    call = acquainted(policy=strict(rejections_limit=3))
    reject(call, 2)
    call.exchange("How are you?", "Fine.")
    reject(call, 2)
    assert call.did(Wedged) == []
    reject(call, 1)
    assert signs(call) == [Sign.REJECTIONS]


# What is done about it.


def test_a_wedged_link_is_replaced_by_one_with_a_handle_from_before_the_trouble() -> None:
    call = acquainted()
    call.write("What time is it?")
    call.wait(1.0)
    # What the service hands out while it does not answer may hold the trouble.
    call.hand_over("h2")
    call.wait(8.0)
    dial = call.did(Dial)[-1]
    assert (dial.link, dial.setup.handle) == (2, "h1")
    call.link_up()
    assert call.texts(2) == ["What time is it?"]


def test_empty_turns_are_trouble_from_the_first_one_on() -> None:
    call = acquainted(NATIVE)
    empty_turn(call)
    call.hand_over("h2")
    call.wait(1.0)
    empty_turn(call)
    assert call.did(Dial)[-1].setup.handle == "h1"


def test_the_ladder_resumes_then_begins_afresh_then_closes_with_a_reason() -> None:
    call = acquainted()
    call.say(1.0, sample=OTHER_VOICE)
    call.understand("What time is it?")
    begin = call.now
    call.wait(9.0)
    assert call.did(Dial)[-1].setup.handle == "h1"
    call.link_up()
    call.wait(2.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(1.0)
    call.wait(3.0)
    dial = call.did(Dial)[-1]
    assert (dial.link, dial.setup.handle) == (3, "")
    assert "Fine." in dial.setup.system_instruction
    call.link_up()
    call.wait(1.0)
    # The same words.
    call.wait(1.0)
    assert call.given_seconds(3, OTHER_VOICE) == pytest.approx(1.0)
    # A service that is only slow has as long on the last link as on the first.
    call.wait(4.0)
    call.assert_open()
    call.wait(5.0)
    closed = call.assert_closed(CloseReason.BACKEND_WEDGED)
    assert closed.next is Next.OPEN_AGAIN
    assert closed.message
    assert [recovered.outcome for recovered in call.did(Recovered)] == [Outcome.RESUMED, Outcome.FRESH, Outcome.FAILED]
    assert call.when(Wedged)[-1] - begin <= 0.8 + 8.0 + 1.0 + 3.0 + 2.0 + 8.0


def test_an_empty_turn_on_the_last_link_closes_the_session_and_leaves_no_words_unanswered() -> None:
    call = acquainted(NATIVE)
    call.say(1.0, sample=OTHER_VOICE)
    call.understand("What time is it?")
    call.wait(9.0)
    call.link_up()
    call.wait(5.0)
    call.link_up()
    call.wait(2.0)
    assert call.given_seconds(3, OTHER_VOICE) == pytest.approx(1.0)
    call.complete()
    call.assert_closed(CloseReason.BACKEND_WEDGED)
    assert [wedged.sign for wedged in call.did(Wedged)] == [Sign.SILENCE, Sign.SILENCE, Sign.EMPTY_TURNS]


def test_a_wedge_that_an_answer_follows_is_forgotten() -> None:
    call = acquainted()
    for number in range(4):
        call.write(f"Question {number}?")
        call.wait(8.5)
        call.link_up()
        assert call.texts(call.link)[-1] == f"Question {number}?"
        call.answer(1.0, f"Answer {number}.")
        call.finish_generation()
        call.complete()
        call.hand_over(f"h{number + 2}")
        call.wait(3.0)
    call.assert_open()
    assert [recovered.outcome for recovered in call.did(Recovered)] == [Outcome.RESUMED] * 4
    assert [ended.heard_text for ended in call.got(TurnEnded)][1:] == [f"Answer {number}." for number in range(4)]


def test_an_answer_that_comes_after_the_link_was_given_up_means_nothing() -> None:
    call = acquainted()
    call.write("What time is it?")
    call.wait(8.5)
    assert call.receive(ev.ModelAudio(1, speech(1.0))) == []
    call.link_up()
    call.answer(1.0, "Noon.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert [ended.heard_text for ended in call.got(TurnEnded)] == ["Fine.", "Noon."]


def test_who_asks_for_it_is_told_of_a_wedge() -> None:
    call = acquainted(replace(OPTIONS, notices=True))
    call.write("What time is it?")
    call.wait(8.5)
    assert [notice.kind for notice in call.got(Notice)] == [NoticeKind.WEDGED]
    call.link_up()
    kinds = [notice.kind for notice in call.got(Notice)]
    assert kinds == [NoticeKind.WEDGED, NoticeKind.RECOVERED, NoticeKind.INPUT_REPLAYED]


def test_a_session_that_finishes_notices_a_wedge_as_well() -> None:
    call = acquainted()
    call.write("What time is it?")
    call.end_input()
    assert call.session.state is State.FINISHING
    call.wait(8.5)
    call.link_up()
    assert call.texts(2) == ["What time is it?"]
    call.answer(1.0, "Noon.")
    call.finish_generation()
    call.complete()
    call.wait()
    call.assert_turn_ended(2)
    call.assert_closed(CloseReason.COMPLETED)
