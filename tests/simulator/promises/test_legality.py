"""Legal: links that the service closes because they were not closed in time, or for what met something else."""

import pytest

from segue.simulator.promises import Broke, legal
from tests.simulator.promises.told import Told, conversation


def told_to_go(told: Told | None = None, time_left: float = 10.0, arrives_at: float = 20.0) -> Told:
    """Return a session whose link is told at 20 s to go away."""
    told = (told or conversation()).service(20.0, 1, "go_away_sent", time_left=time_left)
    return told.gateway(arrives_at, "going_away_received", link=1, time_left=time_left)


def closed(told: Told, at: float = 30.0) -> Told:
    """Have the service close the link."""
    return told.service(at, 1, "connection_closed", code=1008, reason="", closed_by="server", rule="go_away_ignored")


# A word that is late leaves time enough; so does a short one.
@pytest.mark.parametrize(
    ("time_left", "arrives_at", "closed_at"), [(10.0, 20.0, 30.0), (10.0, 22.4, 30.0), (3.0, 20.7, 23.0)]
)
def test_a_link_that_stays_after_it_was_told_to_go_breaks_it(
    time_left: float, arrives_at: float, closed_at: float
) -> None:
    with pytest.raises(Broke, match='connection call-1/1 violated "go_away_ignored"'):
        legal(closed(told_to_go(None, time_left, arrives_at), closed_at))


def test_a_link_may_stay_that_was_not_told() -> None:
    legal(closed(conversation()))


def test_a_link_may_stay_until_the_end_that_it_was_told() -> None:
    legal(closed(told_to_go(time_left=50.0)))


def test_the_first_end_that_a_link_is_told_counts() -> None:
    with pytest.raises(Broke, match="go_away_ignored"):
        legal(closed(told_to_go().gateway(21.0, "going_away_received", link=1, time_left=50.0)))


# What is told to another link is nothing to this one.
@pytest.mark.parametrize(
    ("time_left", "arrives_at", "closed_at"),
    [(10.0, 22.6, 30.0), (10.0, 30.1, 30.0), (3.0, 20.8, 23.0), (0.4, 20.0, 20.4)],
)
def test_a_link_may_stay_whom_the_word_does_not_reach_in_time(
    time_left: float, arrives_at: float, closed_at: float
) -> None:
    told = told_to_go(None, time_left, arrives_at).gateway(20.0, "going_away_received", link=2, time_left=time_left)
    legal(closed(told, closed_at))


def test_a_stall_that_the_word_did_not_meet_excuses_nothing() -> None:
    with pytest.raises(Broke, match="go_away_ignored"):
        legal(closed(told_to_go(conversation().service(19.0, 1, "connection_broke", how="STALL_DOWN"))))


def test_a_link_may_stay_that_was_hung_up() -> None:
    legal(closed(told_to_go().gateway(25.0, "link_hung_up", link=1)))


def refused(told: Told, at: float, rule: str = "audio_during_call") -> Told:
    """Have the service close the link for what met something, as audio may meet a call."""
    return told.service(at, 1, "connection_closed", code=1008, reason="", closed_by="server", rule=rule)


def called() -> Told:
    """Return a session whose model calls a function at 20 s, the network being slow."""
    return conversation().service(20.0, 1, "tool_call_sent", turn=2, ids="c2")


# The second is what strict services call it.
@pytest.mark.parametrize("rule", ["audio_during_call", "input_during_call"])
def test_audio_may_meet_a_call_that_is_under_way(rule: str) -> None:
    legal(refused(called(), 22.0, rule))


def test_audio_that_was_sent_before_the_call_arrived_may_meet_it() -> None:
    # What another call got in its time is nothing to this one, nor what another link sends.
    told = conversation().service(10.0, 1, "tool_call_sent", turn=1, ids="c1")
    told.gateway(10.1, "tool_call_received", link=1).gateway(11.0, "audio_sent_during_call", link=1)
    told.service(20.0, 1, "tool_call_sent", turn=2, ids="c2")
    told.gateway(22.9, "audio_sent_during_call", link=1).gateway(23.0, "tool_call_received", link=1)
    legal(refused(told.gateway(23.2, "audio_sent_during_call", link=2), 24.0))


@pytest.mark.parametrize("sent_at", [20.1, 20.15])
def test_audio_that_was_sent_once_the_call_had_arrived_breaks_it(sent_at: float) -> None:
    told = called().gateway(20.1, "tool_call_received", link=1).gateway(sent_at, "audio_sent_during_call", link=1)
    # No fault, and no haste, excuses that.
    told.service(20.12, 1, "fault_struck", fault="null_value")
    with pytest.raises(Broke, match='connection call-1/1 violated "audio_during_call"'):
        legal(refused(told, 20.2))


@pytest.mark.parametrize("fault", ["total_silence", "wedge", "go_away_then_silence"])
def test_audio_may_meet_a_call_that_a_silent_service_never_sent(fault: str) -> None:
    legal(refused(conversation().service(20.0, 1, "fault_struck", fault=fault), 22.0))


def test_a_fault_that_keeps_nothing_back_or_another_links_excuses_no_audio() -> None:
    told = conversation().service(20.0, 1, "fault_struck", fault="late_chunks").dialled(20.0, 2, "RENEWAL")
    with pytest.raises(Broke, match="audio_during_call"):
        legal(refused(told.service(20.0, 2, "fault_struck", fault="total_silence"), 22.0))


def test_audio_that_meets_a_call_of_a_link_before_breaks_it() -> None:
    with pytest.raises(Broke, match="audio_during_call"):
        legal(refused(conversation(), 20.2))


@pytest.mark.parametrize("ids", ["c1", "c1,c2"])
def test_a_call_that_was_answered_excuses_nothing_and_one_that_is_kept_back_after_it_does(ids: str) -> None:
    told = conversation().service(10.0, 1, "tool_call_sent", turn=1, ids="c1")
    told.gateway(10.1, "tool_call_received", link=1).service(11.0, 1, "tool_response_received", responses=1)
    told.gateway(12.0, "audio_sent_during_call", link=1)
    told.service(20.0, 1, "fault_struck", fault="early_turn_complete")
    if ids == "c1":
        legal(refused(told, 22.0))
        return
    told.service(20.5, 1, "tool_call_sent", turn=2, ids=ids).gateway(20.6, "tool_call_received", link=1)
    told.service(20.8, 1, "tool_response_received", responses=1).gateway(21.0, "audio_sent_during_call", link=1)
    with pytest.raises(Broke, match="audio_during_call"):
        legal(refused(told, 22.0))


def test_a_result_may_meet_the_cancellation_of_its_call() -> None:
    legal(refused(called().service(20.9, 1, "tool_call_cancellation_sent", turn=2, calls=1), 21.0, "response_unasked"))


def test_a_result_that_nobody_asked_for_breaks_it() -> None:
    with pytest.raises(Broke, match='connection call-1/1 violated "response_unasked"'):
        legal(refused(called(), 21.0, "response_unasked"))


def test_a_result_that_the_gateway_knew_to_be_unasked_breaks_it() -> None:
    told = called().service(20.5, 1, "tool_call_cancellation_sent", turn=2, calls=1)
    with pytest.raises(Broke, match="response_unasked"):
        legal(refused(told.gateway(20.9, "unasked_result_sent", link=1), 21.0, "response_unasked"))


@pytest.mark.parametrize(
    ("kind", "how"), [("fault_struck", {"fault": "stalled_reads"}), ("connection_broke", {"how": "STALL_UP"})]
)
def test_activities_may_arrive_together_after_a_stall(kind: str, how: dict[str, str]) -> None:
    told = conversation().service(20.0, 1, kind, **how)
    legal(refused(told, 30.0, "activity_too_soon"))
    with pytest.raises(Broke, match='connection call-1/1 violated "activity_too_soon"'):
        legal(refused(told.gateway(29.9, "activity_begun_too_soon", link=1), 30.0, "activity_too_soon"))


# The second stall was over long before.
@pytest.mark.parametrize("stalls", [(), (10.0,)])
def test_activities_that_arrive_together_without_a_stall_break_it(stalls: tuple[float, ...]) -> None:
    told = conversation()
    for at in stalls:
        told.service(at, 1, "fault_struck", fault="stalled_reads")
    with pytest.raises(Broke, match="activity_too_soon"):
        legal(refused(told, 30.0, "activity_too_soon"))


def without_updates(told: Told, at: float, link: int) -> Told:
    """Have the service close a link for the update that it was sent."""
    reason = 'Invalid JSON payload received. Unknown name "contextUpdate": Cannot find field.'
    return told.service(
        at, link, "connection_closed", code=1007, reason=reason, closed_by="server", rule="field_unknown"
    )


def test_whether_updates_are_taken_may_be_found_out_once() -> None:
    told = without_updates(conversation(), 20.0, 1)
    legal(told)
    with pytest.raises(Broke, match='connection call-1/2 violated "field_unknown"'):
        legal(without_updates(told, 40.0, 2))


def test_another_field_that_is_unknown_breaks_it() -> None:
    reason = "Invalid JSON payload received. Unknown name \"transparent\" at 'setup': Cannot find field."
    told = conversation().service(
        20.0, 1, "connection_closed", code=1007, reason=reason, closed_by="server", rule="field_unknown"
    )
    with pytest.raises(Broke, match="field_unknown"):
        legal(told)
