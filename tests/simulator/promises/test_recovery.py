"""Recovering: links that are replaced, and words that are answered, once."""

import pytest

from segue.simulator.history import Value
from segue.simulator.promises import Broke, recovering
from tests.simulator.promises.told import Told, conversation


def recovered(at: float = 20.0) -> Told:
    """Return a session whose link was lost while nobody spoke, and replaced."""
    return conversation().lost(at, 1).dialled(at + 0.1, 2, "RECOVERY", resumes=True).opened(at + 0.8, 2)


def test_a_link_that_is_replaced_and_words_that_are_answered_keep_the_promise() -> None:
    told = recovered().asked(30.0, 100, 199).understood(30.8, 2, 1, 100, 199).answered(31.5, 2, 1, (51, 90), says=2)
    assert not recovering(told.ended(60.0)).lacking


def test_without_a_loss_there_is_nothing_to_check() -> None:
    assert recovering(conversation().ended(60.0)).lacking == "no link was lost or wedged"


def test_a_link_that_nobody_dials_again_at_once_breaks_it() -> None:
    told = conversation().lost(20.0, 1).dialled(24.0, 2, "RECOVERY").opened(24.5, 2).ended(60.0)
    with pytest.raises(Broke, match=r"lost link 1 at 20.000 s \(TRANSIENT\) and dialled no other within 1 s"):
        recovering(told)


def test_a_quota_is_given_time() -> None:
    recovering(conversation().lost(20.0, 1, "QUOTA").dialled(60.0, 2, "RECOVERY").opened(60.5, 2).ended(90.0))


def test_a_session_without_a_link_that_does_not_close_breaks_it() -> None:
    told = conversation().lost(20.0, 1, "QUOTA").client(300.0, "session_left")
    with pytest.raises(Broke, match="had no other within 90 s and did not close"):
        recovering(told)


def test_words_without_an_answer_break_it() -> None:
    told = conversation().asked(30.0, 100, 199).understood(30.8, 1, 2, 100, 199).ended(60.0)
    with pytest.raises(Broke, match=r"no answer to its words that ended at 30.000 s \(stamps 100-199\) until 42"):
        recovering(told)


def test_an_answer_that_does_not_reach_the_client_is_none() -> None:
    told = conversation().asked(30.0, 100, 199).understood(30.8, 1, 2, 100, 199)
    told.answered(31.0, 1, 2, (51, 90), reaches=False)
    with pytest.raises(Broke, match="no answer"):
        recovering(told.ended(60.0))


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("utterance_begun", {"first": 200}),
        ("text_written", {"text": "Never mind."}),
        ("interrupt_sent", {"turn": 0}),
        ("session_left", {"how": "half-close"}),
    ],
)
def test_who_goes_on_to_something_else_is_owed_nothing(kind: str, fields: dict[str, Value]) -> None:
    told = conversation().asked(30.0, 100, 199).client(33.0, kind, **fields).ended(34.0)
    recovering(told)


def test_a_model_that_has_nothing_to_say_owes_nothing() -> None:
    told = conversation().asked(30.0, 100, 199).understood(30.8, 1, 2, 100, 199)
    recovering(told.service(30.8, 1, "turn_without_answer", turn=2).ended(90.0))


def test_trouble_puts_an_answer_off_and_not_for_ever() -> None:
    told = conversation().asked(30.0, 100, 199).service(31.0, 1, "fault_struck", fault="total_silence")
    with pytest.raises(Broke, match="no answer"):
        recovering(told.ended(90.0))
    late = conversation().asked(30.0, 100, 199).service(31.0, 1, "fault_struck", fault="total_silence")
    late.understood(50.0, 2, 1, 100, 199).answered(51.0, 2, 1, (51, 90), says=2)
    recovering(late.ended(90.0))


def test_words_that_are_answered_twice_break_it() -> None:
    told = recovered(7.0).understood(9.0, 2, 1, 0, 99).answered(9.5, 2, 1, (51, 90), says=2)
    with pytest.raises(Broke, match="answered again by turn 1 of link 2"):
        recovering(told.ended(60.0))


def test_words_that_are_asked_again_as_text_and_answered_twice_break_it() -> None:
    told = recovered(7.0).service(9.0, 2, "turn_begun", turn=1, stamps="", text="What time is it?")
    told.answered(9.5, 2, 1, (51, 90), says=2)
    with pytest.raises(Broke, match="answered again by turn 1 of link 2"):
        recovering(told.ended(60.0))


def test_going_on_by_a_note_is_no_second_answer() -> None:
    note = '[Note from the voice system, not said by the user. The user had said: "What time is it?".]'
    told = recovered(7.0).service(9.0, 2, "turn_begun", turn=1, stamps="", text=note)
    recovering(told.answered(9.5, 2, 1, (51, 90), says=2).ended(60.0))


def test_an_answer_to_words_whose_first_answer_never_came_is_the_first() -> None:
    told = Told().client(0.0, "session_opened").dialled(0.0, 1).opened(0.5, 1).asked(5.0, 0, 99)
    told.understood(5.8, 1, 1, 0, 99).lost(6.0, 1).dialled(6.1, 2, "RECOVERY").opened(6.5, 2)
    told.understood(7.5, 2, 1, 0, 99).answered(8.0, 2, 1, (1, 50))
    recovering(told.ended(60.0))


def test_a_link_that_is_taken_for_wedged_though_nothing_went_wrong_breaks_it() -> None:
    told = conversation().gateway(20.0, "wedged", sign="SILENCE")
    with pytest.raises(Broke, match=r"took a healthy link for wedged at 20.000 s \(SILENCE\)"):
        recovering(told.ended(60.0))
