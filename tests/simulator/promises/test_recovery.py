"""Recovering: links that are replaced, and words that are answered, once."""

import pytest

from segue.simulator.faults import ALL_FAULTS
from segue.simulator.history import Value
from segue.simulator.promises import Broke, recovering
from segue.simulator.promises.spoken import ModelTurn
from segue.simulator.promises.troubles import FAULTS
from tests.simulator.promises.told import Told, conversation

NOTE = "[Note from the voice system, not said by the user. {} End of the note.]"
GO_ON = NOTE.format("You were cut off in the middle of your answer.")


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
    with pytest.raises(Broke, match=r"had no link from 20.000 s on for 65 s and did not close"):
        recovering(told)


def test_words_without_an_answer_break_it() -> None:
    told = conversation().asked(30.0, 100, 199).understood(30.8, 1, 2, 100, 199).ended(60.0)
    with pytest.raises(Broke, match=r"no answer to its words that ended at 30.000 s \(stamps 100-199\) until 42"):
        recovering(told)


@pytest.mark.parametrize(("taken_at", "lost"), [(48.0, False), (48.0, True), (33.0, False)])
def test_an_answer_to_a_note_is_heard_once_the_client_took_what_was_said_before(taken_at: float, lost: bool) -> None:
    told = conversation().asked(30.0, 100, 199).understood(30.8, 1, 2, 100, 199)
    told.answered(31.0, 1, 2, (51, 90), reaches=False).output(31.2, "audio", 2, bytes=28_800, first=51, last=80)
    if lost:
        told.lost(35.0, 1).dialled(35.1, 2, "RECOVERY").opened(35.6, 2)
    told.client(36.0, "text_written", text="Hello?", demanded=True)
    told.service(36.8, 1 + lost, "turn_begun", turn=3, stamps="", text="Hello?")
    told.answered(37.0, 1 + lost, 3, (91, 120), reaches=False)
    told.output(taken_at, "audio", 2, bytes=9600, first=81, last=90)
    told.output(50.0, "audio", 3, bytes=28_800, first=91, last=120).ended(60.0)
    if taken_at > 40.0:
        recovering(told)
    else:
        with pytest.raises(Broke, match=r"no answer to its words that ended at 36.000 s .* until 46.000"):
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


@pytest.mark.parametrize(
    ("kind", "fields", "wedged"),
    [
        ("waiting_for_input_sent", {"turn": 2}, False),
        ("fault_struck", {"fault": "response_rejected"}, False),
        ("fault_struck", {"fault": "slow_pongs"}, True),
    ],
)
def test_an_empty_turn_that_is_explained_is_none_of_those_that_show_a_wedge(
    kind: str, fields: dict[str, Value], wedged: bool
) -> None:
    told = conversation().asked(20.0, 100, 199).understood(20.8, 1, 2, 100, 199)
    told.service(20.9, 1, "turn_without_answer", turn=2).service(20.9, 1, kind, **fields)
    told.service(21.0, 1, "turn_complete_sent", turn=2)
    told.asked(40.0, 200, 299).understood(40.8, 1, 3, 200, 299).service(42.0, 1, "turn_complete_sent", turn=3)
    if wedged:
        with pytest.raises(Broke, match=r"no answer to its words that ended at 40.000 s"):
            recovering(told.ended(90.0))
    else:
        recovering(told.ended(90.0))


def test_trouble_puts_an_answer_off_and_not_for_ever() -> None:
    told = conversation().asked(30.0, 100, 199).service(31.0, 1, "fault_struck", fault="total_silence")
    with pytest.raises(Broke, match="no answer"):
        recovering(told.ended(90.0))
    late = conversation().asked(30.0, 100, 199).service(31.0, 1, "fault_struck", fault="total_silence")
    late.gateway(40.0, "wedged", sign="SILENCE").gateway(40.0, "link_hung_up", link=1)
    late.dialled(40.0, 2, "RECOVERY", resumes=True).opened(40.8, 2)
    late.understood(50.0, 2, 1, 100, 199).answered(51.0, 2, 1, (51, 90), says=2)
    recovering(late.ended(90.0))


def cut_for_nothing(*, continued: bool) -> Told:
    """Return a session in which an answer was cut before any of it reached the client, by a sound without words."""
    told = conversation().asked(30.0, 100, 199).understood(30.8, 1, 2, 100, 199)
    told.service(31.5, 1, "interrupted_sent", turn=2).service(31.5, 1, "turn_complete_sent", turn=2)
    return told.gateway(33.5, "false_interruption_seen", continued=continued)


def test_an_answer_that_was_cut_for_nothing_is_left_so_where_that_is_the_policy() -> None:
    recovering(cut_for_nothing(continued=False).ended(90.0))


@pytest.mark.parametrize(("sound_at", "left"), [(32.0, True), (30.5, False), (None, False)])
def test_an_answer_that_was_cut_for_nothing_may_be_so_before_the_service_says_it(
    sound_at: float | None, left: bool
) -> None:
    told = conversation().asked(30.0, 100, 199)
    if sound_at == 30.5:
        told.client(sound_at, "sound_made")
    told.understood(30.8, 1, 2, 100, 199)
    if sound_at == 32.0:
        told.client(sound_at, "sound_made")
    told.gateway(34.2, "false_interruption_seen", continued=False)
    told.service(41.0, 1, "interrupted_sent", turn=2).service(41.0, 1, "turn_complete_sent", turn=2)
    if left:
        recovering(told.ended(90.0))
    else:
        with pytest.raises(Broke, match="no answer"):
            recovering(told.ended(90.0))


def test_an_answer_that_was_cut_for_nothing_is_gone_on_with_where_that_is_the_policy() -> None:
    told = cut_for_nothing(continued=True).service(33.6, 1, "turn_begun", turn=3, stamps="", text=GO_ON)
    recovering(told.answered(34.0, 1, 3, (51, 90), says=2).ended(90.0))


@pytest.mark.parametrize("asked", [False, True])
def test_an_answer_that_was_cut_for_nothing_and_is_not_gone_on_with_breaks_it(asked: bool) -> None:
    told = cut_for_nothing(continued=True)
    if asked:
        told.service(33.6, 1, "turn_begun", turn=3, stamps="", text=GO_ON)
        told.answered(34.0, 1, 3, (51, 90), reaches=False)
    with pytest.raises(Broke, match="no answer"):
        recovering(told.ended(90.0))


def test_a_false_interruption_of_another_turn_excuses_no_silence() -> None:
    told = conversation().asked(30.0, 100, 199).gateway(31.0, "false_interruption_seen", continued=False)
    with pytest.raises(Broke, match="no answer"):
        recovering(told.understood(31.8, 1, 2, 100, 199).ended(90.0))


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
    note = NOTE.format('The user had said: "What time is it?".')
    told = recovered(7.0).service(9.0, 2, "turn_begun", turn=1, stamps="", text=note)
    recovering(told.answered(9.5, 2, 1, (51, 90), says=2).ended(60.0))


def test_an_answer_to_words_whose_first_answer_never_came_is_the_first() -> None:
    told = Told().client(0.0, "session_opened").dialled(0.0, 1).opened(0.5, 1).asked(5.0, 0, 99)
    told.understood(5.8, 1, 1, 0, 99).lost(6.0, 1).dialled(6.1, 2, "RECOVERY").opened(6.5, 2)
    told.understood(7.5, 2, 1, 0, 99).answered(8.0, 2, 1, (1, 50))
    recovering(told.ended(60.0))


def test_a_second_answer_right_after_the_first_was_lost_breaks_it() -> None:
    told = conversation().service(6.4, 1, "audio_sent", turn=1).lost(6.6, 1).dialled(6.6, 2, "RECOVERY").opened(6.7, 2)
    told.understood(6.9, 2, 1, 0, 99).answered(7.2, 2, 1, (51, 90), says=2)
    with pytest.raises(Broke, match=r"answered again by turn 1 of link 2, begun at 6.9"):
        recovering(told.ended(60.0))


@pytest.mark.parametrize(("reached", "says"), [("It is noon.", "It is noon."), ("", "It is one.")])
def test_a_written_answer_is_the_one_with_its_text(reached: str, says: str) -> None:
    told = conversation().asked(30.0, 100, 199).understood(30.8, 1, 2, 100, 199)
    told.service(31.0, 1, "text_sent", turn=2, text="It is noon.").service(31.2, 1, "turn_complete_sent", turn=2)
    told.output(31.5, "text", 2, text=says).ended(60.0)
    if reached:
        recovering(told)
    else:
        with pytest.raises(Broke, match=r"no answer to its words that ended at 30.000 s"):
            recovering(told)


@pytest.mark.parametrize("call", ["call-7", "call-8"])
def test_a_call_is_the_one_with_its_id(call: str) -> None:
    told = conversation().asked(30.0, 100, 199).understood(30.8, 1, 2, 100, 199)
    told.service(31.0, 1, "tool_call_sent", turn=2, ids="call-6,call-7").service(31.2, 1, "turn_complete_sent", turn=2)
    told.output(31.5, "tool_call", 2, name="get_weather", call=call).ended(60.0)
    if call == "call-7":
        recovering(told)
    else:
        with pytest.raises(Broke, match="no answer"):
            recovering(told)


def test_words_between_and_after_notes_are_the_users() -> None:
    note = NOTE.format('The user had said: "What time is it?".')
    asked = f"{note} This is message 1 [urgent]. {note}"
    assert ModelTurn(1, 1, 0.0, (), asked).asked == "This is message 1 [urgent]."
    assert not ModelTurn(1, 1, 0.0, (), asked).goes_on
    assert ModelTurn(1, 1, 0.0, (), f"{note} {note}").goes_on


def test_every_fault_is_known_to_delay_answers_or_not_to() -> None:
    assert set(FAULTS) == {fault.name for fault in ALL_FAULTS}


@pytest.mark.parametrize(("fault", "link"), [("unknown_field", 1), ("total_silence", 2)])
def test_a_fault_that_silences_nothing_or_another_link_is_no_excuse(fault: str, link: int) -> None:
    told = conversation().asked(30.0, 100, 199).service(29.0, link, "fault_struck", fault=fault)
    with pytest.raises(Broke, match=r"until 42.000 s"):
        recovering(told.understood(30.8, 1, 2, 100, 199).ended(44.0))
    alarmed = conversation().service(19.0, link, "fault_struck", fault=fault).gateway(20.0, "wedged", sign="SILENCE")
    with pytest.raises(Broke, match="took a healthy link for wedged"):
        recovering(alarmed.ended(60.0))


@pytest.mark.parametrize("kind", ["setup_refused", "tool_response_unexpected"])
def test_an_error_of_segues_own_is_no_excuse(kind: str) -> None:
    told = conversation().asked(30.0, 100, 199).service(31.0, 1, kind)
    with pytest.raises(Broke, match="no answer"):
        recovering(told.ended(44.0))


def test_a_link_that_nothing_keeps_from_opening_is_up_within_seconds() -> None:
    told = conversation().lost(20.0, 1).dialled(20.1, 2, "RECOVERY").opened(27.0, 2).ended(60.0)
    with pytest.raises(Broke, match="had no other within 5 s, with nothing in its way"):
        recovering(told)
    obstructed = conversation().lost(20.0, 1).dialled(20.1, 2, "RECOVERY").service(20.1, 2, "dial_obstructed", how="x")
    recovering(obstructed.dialled(26.0, 3, "RECOVERY").opened(27.0, 3).ended(60.0))


def test_a_session_that_dials_all_the_time_and_gets_no_link_must_close() -> None:
    told = conversation().lost(20.0, 1)
    for number in range(2, 15):
        told.dialled(20.0 + 6 * (number - 2), number, "RECOVERY").lost(25.0 + 6 * (number - 2), number, "UNAVAILABLE")
    with pytest.raises(Broke, match=r"had no link from 20.000 s on for 65 s and did not close"):
        recovering(told.ended(110.0))


def test_links_that_open_and_answer_nothing_are_not_dialled_for_ever() -> None:
    told = conversation()
    for number in range(1, 20):
        told.lost(20.0 + number, number).dialled(20.1 + number, number + 1, "RECOVERY").opened(
            20.8 + number, number + 1
        )
    with pytest.raises(Broke, match=r"dialled 13 times from 21.100 s to 33.100 s, and got 0 answers"):
        recovering(told.ended(60.0))


@pytest.mark.parametrize(
    ("cause", "reason", "kept"),
    [
        ("TRANSIENT", "BACKEND_LOST", False),
        ("UNAVAILABLE", "BACKEND_UNAVAILABLE", False),
        ("TRANSIENT", "BACKEND_CREDENTIALS", False),
        ("CREDENTIALS", "BACKEND_CREDENTIALS", True),
        ("QUOTA", "BACKEND_QUOTA", True),
    ],
)
def test_a_session_is_closed_for_a_loss_only_where_that_is_fatal(cause: str, reason: str, kept: bool) -> None:
    told = conversation().lost(20.0, 1, cause).gateway(20.0, "recovered", outcome="FAILED")
    told.output(20.1, "closed", 0, reason=reason)
    if kept:
        recovering(told)
    else:
        with pytest.raises(Broke, match=f"was closed at 20.100 s \\({reason}\\) without a cause"):
            recovering(told)


@pytest.mark.parametrize("wedges", [1, 2, 3])
def test_a_session_is_closed_for_wedges_when_there_were_three(wedges: int) -> None:
    told = conversation().asked(20.0, 100, 199).service(19.0, 1, "fault_struck", fault="wedge")
    for number in range(1, wedges + 1):
        told.service(27.0 + number, number, "fault_struck", fault="wedge").gateway(
            28.0 + number, "wedged", sign="SILENCE"
        )
        told.gateway(28.0 + number, "link_hung_up", link=number)
        told.dialled(28.0 + number, number + 1, "RECOVERY").opened(28.5 + number, number + 1)
    told.output(29.0 + wedges, "closed", 0, reason="BACKEND_WEDGED")
    if wedges == 3:
        recovering(told)
    else:
        with pytest.raises(Broke, match="without a cause"):
            recovering(told)


@pytest.mark.parametrize(("arrives", "network"), [(False, ""), (True, ""), (True, "STALL_UP"), (True, "STALL_DOWN")])
def test_an_answer_clears_a_service_of_wedges_only_where_it_came(arrives: bool, network: str) -> None:
    told = conversation().asked(20.0, 100, 199)
    for number in (1, 2, 3):
        told.service(21.0 + number, number, "fault_struck", fault="wedge")
        if number == 2:
            told.service(23.1, 2, "turn_begun", turn=1, stamps="100-199", text="")
            told.service(23.1, 2, "speech_planned", first=51, last=60).service(23.1, 2, "audio_sent", turn=1)
            if arrives:
                told.gateway(23.2, "speech_received", link=2, first=51, last=60)
            if network:
                # Its end may have come or not.
                told.service(23.2, 2, "connection_broke", how=network)
            told.service(23.3, 2, "turn_complete_sent", turn=1)
        told.gateway(22.0 + number, "wedged", sign="SILENCE").gateway(22.0 + number, "link_hung_up", link=number)
        told.dialled(22.0 + number, number + 1, "RECOVERY").opened(22.5 + number, number + 1)
    told.output(26.0, "closed", 0, reason="BACKEND_WEDGED")
    if arrives and network != "STALL_DOWN":
        with pytest.raises(Broke, match=r"\(BACKEND_WEDGED\) without a cause"):
            recovering(told)
    else:
        recovering(told)


@pytest.mark.parametrize("ends", [True, False])
def test_an_answer_that_only_an_empty_turn_before_it_ended_clears_a_service_of_no_wedge(ends: bool) -> None:
    told = conversation().asked(20.0, 100, 199)
    for number in (1, 2, 3):
        told.service(21.0 + number, number, "fault_struck", fault="generation_stops")
        if number == 2:
            told.service(23.0, 2, "turn_begun", turn=1, stamps="100-199", text="")
            told.service(23.1, 2, "interrupted_sent", turn=1).service(23.1, 2, "turn_complete_sent", turn=1)
            told.service(23.1, 2, "speech_planned", first=51, last=60).service(23.1, 2, "audio_sent", turn=1)
            told.gateway(23.2, "speech_received", link=2, first=51, last=60)
            if ends:
                told.service(23.3, 2, "turn_complete_sent", turn=1)
        told.gateway(22.0 + number, "wedged", sign="STOPPED").gateway(22.0 + number, "link_hung_up", link=number)
        told.dialled(22.0 + number, number + 1, "RECOVERY").opened(22.5 + number, number + 1)
    told.output(26.0, "closed", 0, reason="BACKEND_WEDGED")
    if ends:
        with pytest.raises(Broke, match=r"\(BACKEND_WEDGED\) without a cause"):
            recovering(told)
    else:
        recovering(told)


@pytest.mark.parametrize("begun", [True, False])
def test_a_link_that_did_not_notice_who_spoke_may_be_silent_until_they_know(begun: bool) -> None:
    # They speak for 18 s.
    told = conversation().asked(38.0, 100, 999).service(20.1 if begun else 19.0, 1, "activity_start_dropped")
    told.gateway(48.0, "wedged", sign="SILENCE").gateway(48.0, "link_hung_up", link=1)
    told.dialled(48.0, 2, "RECOVERY").opened(48.5, 2).client(49.0, "session_left")
    if begun:
        recovering(told)
    else:
        with pytest.raises(Broke, match="took a healthy link for wedged"):
            recovering(told)


@pytest.mark.parametrize("over", [True, False])
def test_a_link_is_deaf_to_an_activity_whose_start_it_did_not_notice_until_that_is_over(over: bool) -> None:
    told = conversation().service(10.0, 1, "activity_start_received").service(10.1, 1, "activity_start_dropped")
    if over:
        told.service(12.0, 1, "activity_end_received").service(26.0, 1, "activity_start_received")
    told.asked(30.0, 100, 199).service(30.1, 1, "activity_end_received")
    told.gateway(39.0, "wedged", sign="SILENCE").gateway(39.0, "link_hung_up", link=1)
    told.dialled(39.0, 2, "RECOVERY").opened(39.5, 2).client(40.0, "session_left")
    if over:
        with pytest.raises(Broke, match="took a healthy link for wedged"):
            recovering(told)
    else:
        recovering(told)


@pytest.mark.parametrize("demanded", [True, False])
def test_a_note_that_is_to_be_answered_waits_for_what_plays(demanded: bool) -> None:
    told = conversation().asked(10.0, 100, 199).understood(10.8, 1, 2, 100, 199)
    told.answered(11.5, 1, 2, (51, 90), reaches=False).output(40.0, "audio", 2, bytes=960, first=51, last=90)
    told.client(13.0, "text_written", text="Hello?", demanded=demanded)
    told.service(13.2, 1, "turn_begun", turn=3, stamps="", text="Hello?").answered(41.0, 1, 3, (91, 99), says=3)
    if demanded:
        recovering(told.ended(60.0))
    else:
        with pytest.raises(Broke, match=r'got no answer to its words that ended at 13.000 s \("Hello\?"\)'):
            recovering(told.ended(60.0))


@pytest.mark.parametrize(("begun_at", "demanded"), [(29.0, True), (29.0, False), (34.0, True)])
def test_a_note_that_is_to_be_answered_waits_for_what_plays_and_cannot_be_heard(
    begun_at: float, demanded: bool
) -> None:
    told = conversation().asked(20.0, 100, 199).understood(20.8, 1, 2, 100, 199)
    told.service(20.9, 1, "turn_without_answer", turn=2).service(22.0, 1, "turn_complete_sent", turn=2)
    if begun_at < 33.0:
        told.output(begun_at, "audio", 2, bytes=4800)
    told.client(33.0, "text_written", text="Hello?", demanded=demanded)
    told.service(33.2, 1, "turn_begun", turn=3, stamps="", text="Hello?").answered(34.0, 1, 3, (91, 99), reaches=False)
    told.output(max(begun_at, 34.0), "audio", 2, bytes=4800).output(45.0, "audio", 2, bytes=4800)
    told.output(46.0, "audio", 3, bytes=8640, first=91, last=99)
    if begun_at < 33.0 and demanded:
        recovering(told.ended(60.0))
    else:
        with pytest.raises(Broke, match=r'got no answer to its words that ended at 33.000 s \("Hello\?"\)'):
            recovering(told.ended(60.0))


@pytest.mark.parametrize(
    ("model", "kept"), [("gemini-3.1-flash-live-preview", True), ("gemini-2.0-flash-live-001", False)]
)
def test_what_is_written_while_the_user_speaks_may_be_heard_with_that(model: str, kept: bool) -> None:
    told = Told().client(0.0, "session_opened", model=model).dialled(0.0, 1).opened(0.5, 1)
    told.client(1.0, "utterance_begun", first=0, signalled=False).client(2.0, "text_written", text="Look.")
    told.client(21.0, "utterance_ended", first=0, last=999).service(22.0, 1, "activity_ended", stamps="0-999", text="")
    told.service(22.0, 1, "turn_begun", turn=1, stamps="0-999", text="Look.").answered(23.0, 1, 1, (1, 50))
    if kept:
        recovering(told.ended(60.0))
    else:
        with pytest.raises(Broke, match=r'got no answer to its words that ended at 2.000 s \("Look."\) until 12'):
            recovering(told.ended(60.0))


@pytest.mark.parametrize("ended", [True, False])
def test_what_was_written_while_the_user_spoke_is_owed_an_answer_after_that(ended: bool) -> None:
    told = Told().client(0.0, "session_opened", model="gemini-3.1-flash-live-preview").dialled(0.0, 1).opened(0.5, 1)
    told.client(1.0, "utterance_begun", first=0, signalled=False).client(2.0, "text_written", text="Look.")
    if not ended:
        recovering(told.ended(60.0))
        return
    told.client(3.0, "utterance_ended", first=0, last=99).understood(3.8, 1, 1, 0, 99).answered(4.5, 1, 1, (1, 50))
    with pytest.raises(Broke, match=r'got no answer to its words that ended at 2.000 s \("Look."\) until 15'):
        recovering(told.ended(60.0))


@pytest.mark.parametrize(
    ("written_at", "said_at", "link", "excused"),
    [(32.0, 33.5, 1, True), (32.0, 33.5, 2, False), (32.0, 32.9, 1, False), (33.3, 33.5, 1, False)],
)
def test_an_answer_that_a_text_comes_before_the_first_word_of_may_be_to_both(
    written_at: float, said_at: float, link: int, excused: bool
) -> None:
    told = conversation().asked(30.0, 100, 199).understood(31.0, 1, 2, 100, 199)
    told.client(written_at, "text_written", text="Hello?")
    struck_at = max(written_at, 33.0)
    if struck_at <= said_at:
        told.service(struck_at, link, "fault_struck", fault="text_ignored")
    told.answered(said_at, 1, 2, (51, 90), says=2)
    if struck_at > said_at:
        told.service(struck_at, link, "fault_struck", fault="text_ignored")
    if excused:
        recovering(told.ended(90.0))
    else:
        with pytest.raises(Broke, match=r'no answer to its words .* \("Hello\?"\)'):
            recovering(told.ended(90.0))


def test_what_is_written_while_the_user_speaks_rests_once_they_say_something_else() -> None:
    told = conversation().client(10.0, "utterance_begun", first=100).client(11.0, "text_written", text="Hello?")
    told.client(12.0, "utterance_ended", first=100, last=199).client(13.0, "utterance_begun", first=200)
    recovering(told.client(59.0, "utterance_ended", first=200, last=2499).ended(60.0))


def phantom_before(turn_says: bool) -> Told:
    """Return a session in which an empty turn is interrupted before the one that answers, which may be empty too."""
    told = conversation().asked(30.0, 100, 199).understood(30.8, 1, 2, 100, 199)
    told.service(31.0, 1, "interrupted_sent", turn=2).service(31.0, 1, "turn_complete_sent", turn=2)
    if turn_says:
        told.service(31.1, 1, "audio_sent", turn=2, bytes=960)
    return told.service(31.5, 1, "turn_complete_sent", turn=2)


def test_a_turn_that_is_empty_like_the_one_before_it_may_be_left_so() -> None:
    recovering(phantom_before(turn_says=False).ended(60.0))


def test_a_turn_that_is_not_may_not() -> None:
    with pytest.raises(Broke, match=r"no answer to its words that ended at 30.000 s"):
        recovering(phantom_before(turn_says=True).ended(60.0))


@pytest.mark.parametrize("text", ["Is it late?", "What time is it?"])
def test_an_answer_that_is_empty_at_once_may_be_left_so_and_no_other_turn_is_one(text: str) -> None:
    told = conversation().client(30.0, "text_written", text="Is it late?")
    told.service(30.1, 1, "turn_begun", turn=2, stamps="", text=text).service(30.1, 1, "turn_complete_sent", turn=2)
    if text == "Is it late?":
        recovering(told.ended(60.0))
    else:
        with pytest.raises(Broke, match=r"no answer to its words that ended at 30.000 s \(\"Is it late"):
            recovering(told.ended(60.0))


@pytest.mark.parametrize("slow", [True, False])
def test_an_answer_comes_after_what_a_slow_stream_still_has_of_another(slow: bool) -> None:
    told = conversation().asked(30.0, 100, 199).understood(30.8, 1, 2, 100, 199)
    told.asked(33.0, 200, 249).answered(34.0, 1, 2, (51, 90), says=2).understood(36.0, 1, 3, 200, 249)
    told.service(34.0, 1, "speech_planned", first=91, last=91)
    told.output(44.0 if slow else 34.5, "audio", 2, bytes=960, first=91, last=91)
    told.answered(48.0, 1, 3, (92, 99), says=3)
    if slow:
        recovering(told.ended(60.0))
    else:
        with pytest.raises(Broke, match=r"no answer to its words that ended at 33.000 s"):
            recovering(told.ended(60.0))


def test_a_turn_that_ended_empty_was_not_interrupted_later() -> None:
    first, last = "turn_complete_sent", "interrupted_sent"
    told = conversation().asked(30.0, 100, 199).understood(30.8, 1, 2, 100, 199)
    recovering(told.service(31.5, 1, first, turn=2).service(31.5, 1, last, turn=2).ended(60.0))
    told = conversation().asked(30.0, 100, 199).understood(30.8, 1, 2, 100, 199)
    told.service(31.5, 1, last, turn=2).service(31.5, 1, first, turn=2)
    with pytest.raises(Broke, match="no answer"):
        recovering(told.ended(60.0))


def test_a_turn_that_cannot_be_heard_is_the_one_under_way_when_the_one_before_ends_late() -> None:
    told = conversation().asked(30.0, 100, 199).understood(30.8, 1, 2, 100, 199).answered(31.0, 1, 2, (51, 60), says=2)
    told.asked(31.8, 200, 209).understood(32.0, 1, 3, 200, 209).service(32.2, 1, "turn_complete_sent", turn=2)
    with pytest.raises(Broke, match=r"no answer to its words that ended at 31.800 s"):
        recovering(Told(told).ended(60.0))
    recovering(told.service(32.3, 1, "fault_struck", fault="near_silent_audio").ended(60.0))


def test_words_that_could_have_been_missed_are_counted() -> None:
    verdict = recovering(recovered().asked(30.0, 100, 199).client(31.0, "text_written", text="No.").ended(32.0))
    assert (verdict.judged, verdict.cases) == (1, 3)
    assert str(verdict) == "checked, 1 of 3 cases judged"


def test_a_link_that_is_taken_for_wedged_though_nothing_went_wrong_breaks_it() -> None:
    told = conversation().gateway(20.0, "wedged", sign="SILENCE")
    with pytest.raises(Broke, match=r"took a healthy link for wedged at 20.000 s \(SILENCE\)"):
        recovering(told.ended(60.0))


@pytest.mark.parametrize(
    ("fault", "struck_at", "in_it"),
    [
        ("generation_stops", 10.0, True),
        ("empty_turn", 10.0, True),
        # In the turn before.
        ("generation_stops", 6.0, False),
        # Of a moment, which is over.
        ("text_ignored", 10.0, False),
    ],
)
def test_what_strikes_between_turns_is_in_the_next_one_however_late(fault: str, struck_at: float, in_it: bool) -> None:
    told = conversation().service(struck_at, 1, "fault_struck", fault=fault)
    told.asked(60.0, 100, 199).understood(60.8, 1, 2, 100, 199).gateway(68.8, "wedged", sign="SILENCE")
    told.gateway(68.8, "link_hung_up", link=1).dialled(68.8, 2, "RECOVERY").opened(69.0, 2).client(69.5, "session_left")
    if in_it:
        recovering(told)
    else:
        with pytest.raises(Broke, match="took a healthy link for wedged"):
            recovering(told)


@pytest.mark.parametrize(
    ("blocks", "next_at", "busy"),
    [
        # The answer to something else takes half a minute.
        (1500, 0.0, True),
        # It is short, or it was interrupted, since another turn has begun.
        (100, 0.0, False),
        (1500, 12.0, False),
    ],
)
def test_a_link_says_nothing_while_the_rest_of_a_turn_that_never_comes_is_said(
    blocks: int, next_at: float, busy: bool
) -> None:
    told = conversation().client(9.5, "text_written", text="Tell me a story.")
    told.service(9.6, 1, "turn_begun", turn=2, stamps="", text="Tell me a story.")
    told.service(9.6, 1, "speech_planned", first=51, last=50 + blocks).service(10.0, 1, "audio_sent", turn=2)
    told.output(10.0, "audio", 2, bytes=960, first=51, last=51)
    told.service(10.1, 1, "fault_struck", fault="early_turn_complete").service(10.1, 1, "turn_complete_sent", turn=2)
    if next_at:
        told.service(next_at, 1, "turn_begun", turn=3, stamps="", text="Go on.")
    told.asked(15.0, 100, 199).service(15.8, 1, "activity_ended", stamps="100-199", text="What time is it?")
    told.gateway(26.0, "wedged", sign="SILENCE").gateway(26.0, "link_hung_up", link=1)
    told.dialled(26.0, 2, "RECOVERY").opened(26.5, 2).client(27.0, "session_left")
    if busy:
        recovering(told)
    else:
        with pytest.raises(Broke, match="took a healthy link for wedged"):
            recovering(told)


@pytest.mark.parametrize(("made_at", "lost_at", "excuses"), [(5.0, 0.0, True), (28.0, 20.0, True), (19.0, 20.0, False)])
def test_a_sound_that_was_made_while_there_was_no_link_is_heard_by_the_next_one(
    made_at: float, lost_at: float, excuses: bool
) -> None:
    up_at, wedged_at = lost_at + 20.0, lost_at + 34.0
    told = Told().client(0.0, "session_opened").dialled(0.0, 1)
    if lost_at:
        told.opened(0.5, 1)
    if made_at < lost_at:
        told.client(made_at, "sound_made")
    if lost_at:
        told.lost(lost_at, 1).dialled(lost_at, 2, "RECOVERY").service(lost_at, 2, "dial_obstructed", how="OVERLOADED")
    if made_at >= lost_at:
        told.client(made_at, "sound_made")
    told.opened(up_at, 2).gateway(wedged_at, "wedged", sign="SILENCE").gateway(wedged_at, "link_hung_up", link=2)
    told.dialled(wedged_at, 3, "RECOVERY").opened(wedged_at + 0.5, 3).client(wedged_at + 1.0, "session_left")
    if excuses:
        recovering(told)
    else:
        with pytest.raises(Broke, match="took a healthy link for wedged"):
            recovering(told)


def test_a_first_turn_that_never_comes_breaks_it() -> None:
    told = Told().client(0.0, "session_opened", speaks_first=True).dialled(0.0, 1).opened(0.5, 1)
    with pytest.raises(Broke, match=r"no answer to its words .*\(\"The conversation begins"):
        recovering(told.ended(60.0))


@pytest.mark.parametrize("text", ["The conversation begins, and you speak first. Greet.", "Somebody is at the door."])
def test_a_note_that_asks_for_an_answer_is_answered_by_the_turn_that_reads_it(text: str) -> None:
    told = Told().client(0.0, "session_opened", speaks_first=text.startswith("The")).dialled(0.0, 1).opened(0.5, 1)
    if not text.startswith("The"):
        told.client(1.0, "text_written", text=text)
    told.service(2.0, 1, "turn_begun", turn=1, stamps="", text=NOTE.format(text)).answered(3.0, 1, 1, (1, 50))
    verdict = recovering(told.ended(60.0))
    assert (verdict.judged, verdict.cases) == (1, 1)


def written_beside(read: str) -> Told:
    """Return a session whose user writes while speaking, and what the service reads of that."""
    told = conversation().client(28.0, "utterance_begun", first=100, signalled=True)
    told.client(28.5, "text_written", text="Look.").client(30.0, "utterance_ended", first=100, last=199)
    return told.service(30.8, 1, "turn_begun", turn=2, stamps="100-199", text=read)


def test_what_is_written_while_the_user_speaks_is_answered_with_that() -> None:
    verdict = recovering(written_beside("Look.").answered(41.9, 1, 2, (51, 90), says=2).ended(60.0))
    assert (verdict.judged, verdict.cases) == (3, 3)


def test_what_is_written_while_the_user_speaks_and_not_answered_with_that_breaks_it() -> None:
    told = written_beside("").answered(31.5, 1, 2, (51, 90), says=2)
    with pytest.raises(Broke, match=r"no answer to its words that ended at 30.000 s \(\"Look.\"\) until 42"):
        recovering(told.ended(60.0))


@pytest.mark.parametrize(
    ("ignored_at", "link", "answered", "more"),
    [(28.6, 1, True, ""), (27.0, 1, True, ""), (28.6, 2, True, ""), (28.6, 1, False, ""), (28.6, 1, True, "And this.")],
)
def test_a_text_of_which_the_model_takes_no_notice_goes_with_what_it_was_written_beside(
    ignored_at: float, link: int, answered: bool, more: str
) -> None:
    told = conversation().client(28.0, "utterance_begun", first=100, signalled=True)
    told.client(28.5, "text_written", text="Look.")
    if more:
        told.client(28.7, "text_written", text=more)
    told.service(ignored_at, link, "fault_struck", fault="text_ignored")
    told.client(30.0, "utterance_ended", first=100, last=199)
    told.service(30.8, 1, "turn_begun", turn=2, stamps="100-199", text="")
    told.answered(31.5, 1, 2, (51, 90), reaches=answered, says=2).ended(60.0)
    if (ignored_at, link, answered, more) == (28.6, 1, True, ""):
        recovering(told)
    else:
        with pytest.raises(Broke, match=r"no answer to its words that ended at 30.000 s"):
            recovering(told)


def test_who_goes_on_lets_rest_what_was_said_and_what_was_written_beside_it() -> None:
    recovering(written_beside("Look.").client(33.0, "utterance_begun", first=200).ended(60.0))


@pytest.mark.parametrize(("after", "due"), [(float("inf"), "60"), (20.0, "34")])
def test_words_that_may_not_interrupt_wait_until_they_may(after: float, due: str) -> None:
    told = Told().client(0.0, "session_opened", barge_in_after=after).dialled(0.0, 1).opened(0.5, 1)
    told.output(2.0, "audio", 1, bytes=960, first=1, last=1).asked(12.0, 0, 99)
    told.output(48.0, "turn_ended", 1, reason="COMPLETED")
    with pytest.raises(Broke, match=rf"no answer to its words .* until {due}\.000 s"):
        recovering(told.ended(90.0))


def held_back(stamps: str) -> Told:
    """Return a session in which two utterances wait for the end of a turn, and what the next one answers of them."""
    told = Told().client(0.0, "session_opened", barge_in_after=float("inf")).dialled(0.0, 1).opened(0.5, 1)
    told.output(2.0, "audio", 1, bytes=960, first=1, last=1).asked(5.0, 0, 99).asked(21.0, 100, 199)
    told.output(20.0, "turn_ended", 1, reason="COMPLETED")
    return told.service(22.0, 1, "turn_begun", turn=2, stamps=stamps, text="")


def test_what_had_to_wait_together_is_answered_together() -> None:
    verdict = recovering(held_back("0-199").answered(32.5, 1, 2, (51, 90), says=2).ended(60.0))
    assert (verdict.judged, verdict.cases) == (2, 2)


def test_what_was_said_later_and_had_to_wait_as_well_is_no_reason_to_leave_words_without_an_answer() -> None:
    told = held_back("100-199").answered(22.5, 1, 2, (51, 90), says=2)
    with pytest.raises(Broke, match=r"no answer to its words that ended at 5.000 s \(stamps 0-99\) until 33"):
        recovering(told.ended(60.0))


def test_who_goes_on_once_that_may_be_answered_lets_all_of_it_rest() -> None:
    recovering(held_back("100-199").client(24.0, "utterance_begun", first=200).ended(60.0))


@pytest.mark.parametrize("fault", ["late_chunks", "slow_pongs"])
def test_a_late_chunk_of_a_turn_that_was_cut_may_pass_for_the_answer(fault: str) -> None:
    told = conversation().service(10.0, 1, "fault_struck", fault=fault)
    told.client(11.0, "text_written", text="And now?")
    told.service(11.1, 1, "turn_begun", turn=2, stamps="", text="And now?")
    told.service(11.2, 1, "speech_planned", first=51, last=52).service(11.2, 1, "audio_sent", turn=2, bytes=1920)
    told.service(11.3, 1, "interrupted_sent", turn=2).service(11.3, 1, "turn_complete_sent", turn=2)
    told.client(11.4, "text_written", text="And then?").output(11.6, "audio", 2, bytes=1920, first=51, last=52)
    told.gateway(12.0, "link_hung_up", link=1)
    told.dialled(12.0, 2, "RENEWAL").opened(12.5, 2).ended(60.0)
    if fault == "late_chunks":
        recovering(told)
        return
    with pytest.raises(Broke, match="And then"):
        recovering(told)


@pytest.mark.parametrize("says", [True, False])
def test_who_was_not_noticed_knows_it_once_the_answer_to_something_else_is_over(says: bool) -> None:
    told = conversation().asked(30.0, 100, 199).understood(30.8, 1, 2, 100, 199)
    told.service(31.0, 1, "activity_start_dropped").asked(32.0, 200, 259)
    if says:
        told.answered(40.0, 1, 2, (51, 90), says=2)
    told.gateway(49.0, "wedged", sign="SILENCE").gateway(49.0, "link_hung_up", link=1)
    told.dialled(49.0, 2, "RECOVERY").opened(49.5, 2).client(50.0, "session_left")
    if says:
        recovering(told)
    else:
        with pytest.raises(Broke, match="took a healthy link for wedged"):
            recovering(told)


@pytest.mark.parametrize(("plays", "interrupts"), [(True, False), (False, False), (True, True)])
def test_an_answer_comes_after_what_still_plays_unless_it_was_to_cut_that(plays: bool, interrupts: bool) -> None:
    door = "Say that somebody is at the door."
    told = conversation().asked(30.0, 100, 199).understood(30.8, 1, 2, 100, 199).answered(31.0, 1, 2, (51, 90), says=2)
    told.client(33.0, "text_written", text=door, demanded=not interrupts)
    told.service(34.0, 1, "turn_begun", turn=3, stamps="", text=NOTE.format(door))
    if plays:
        told.service(30.9, 1, "speech_planned", turn=2, first=91, last=91)
        told.output(44.0, "audio", 2, bytes=960, first=91, last=91)
    told.answered(46.0, 1, 3, (92, 99), says=3)
    if plays and not interrupts:
        recovering(told.ended(60.0))
    else:
        with pytest.raises(Broke, match=r"no answer to its words that ended at 33.000 s"):
            recovering(told.ended(60.0))


@pytest.mark.parametrize("after", [1.0, 3.0])
def test_an_empty_turn_that_seems_to_end_an_interruption_is_none_of_those_that_show_a_wedge(after: float) -> None:
    told = conversation().service(8.0, 1, "interrupted_sent", turn=1).client(8.0, "text_written", text="Hello?")
    told.service(8.1, 1, "turn_begun", turn=2, stamps="", text="Hello?")
    told.service(8.0 + after, 1, "turn_complete_sent", turn=2)
    told.asked(15.0, 100, 199).understood(15.8, 1, 3, 100, 199).service(16.5, 1, "turn_complete_sent", turn=3)
    if after < 2.0:
        recovering(told.ended(60.0))
    else:
        with pytest.raises(Broke, match=r"no answer to its words that ended at 15.000 s"):
            recovering(told.ended(60.0))
