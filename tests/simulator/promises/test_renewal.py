"""Seamless: renewals that cost nothing."""

import pytest

from segue.simulator.history import Value
from segue.simulator.promises import Broke, seamless
from tests.simulator.promises.told import Told, conversation


def renewed(told: Told | None = None, *, gap: float = 0.2, cut: bool = False) -> Told:
    """Return a session whose link was renewed at 20 s, with a setup of 0.2 s."""
    told = told or conversation()
    told.dialled(19.0, 2, "RENEWAL", resumes=True).service(19.5, 2, "connection_opened")
    told.gateway(19.5, "link_held", link=2).gateway(20.0, "link_hung_up", link=1)
    told.gateway(20.0, "link_set_up", link=2, resumes=True).gateway(20.2, "link_opened", link=2)
    return told.gateway(20.2, "renewed", trigger="AGE", gap=gap, resumed=True, cut=cut)


def test_a_renewal_that_nobody_notices_keeps_the_promise() -> None:
    told = renewed().asked(30.0, 100, 199).understood(30.8, 2, 1, 100, 199).answered(31.5, 2, 1, (51, 90), says=2)
    assert not seamless(told.ended(60.0)).lacking


def test_without_a_renewal_there_is_nothing_to_check() -> None:
    assert seamless(conversation().ended(60.0)).lacking == "no link was renewed"


def test_a_gap_longer_than_the_setup_breaks_it() -> None:
    with pytest.raises(Broke, match=r"left a gap of 0.300 s, with a setup of 0.200 s"):
        seamless(renewed(gap=0.3).ended(60.0))


def test_a_gap_is_excused_by_what_kept_another_link_from_being_held() -> None:
    told = conversation().dialled(18.0, 2, "RENEWAL", resumes=True).service(18.1, 2, "dial_obstructed", how="REFUSED")
    told.service(19.5, 3, "connection_opened").gateway(20.0, "link_hung_up", link=1)
    told.dialled(20.0, 3, "RECOVERY", resumes=True).gateway(20.5, "link_opened", link=3)
    seamless(told.gateway(20.5, "renewed", trigger="AGE", gap=0.5, resumed=True, cut=False).ended(60.0))


def test_a_gap_is_not_excused_by_trouble_that_is_over() -> None:
    told = conversation().service(18.0, 1, "fault_struck", fault="slow_setup")
    with pytest.raises(Broke, match="left a gap"):
        seamless(renewed(told, gap=0.3).ended(60.0))


def test_a_setup_takes_as_long_as_the_service_says() -> None:
    told = conversation().service(20.1, 2, "setup_received", resumed=True).service(20.15, 2, "setup_complete_sent")
    told.service(20.02, 1, "connection_closed", code=1000, reason="", closed_by="client", rule="")
    with pytest.raises(Broke, match=r"left a gap of 0.200 s, with a setup of 0.090 s"):
        seamless(renewed(told).ended(60.0))


def streamed(first_on_the_new_link: float, until: float = 20.0) -> Told:
    """Return a session whose microphone is open while its link is renewed; the old one gets audio until a time."""
    told = conversation()
    for tenth in range(180, 230):
        told.client(tenth / 10, "frame_sent")
    for tenth in range(180, round(until * 10)):
        told.service(tenth / 10 + 0.02, 1, "audio_received", bytes=3200)
    return renewed(told).service(first_on_the_new_link, 2, "audio_received", bytes=3200)


def test_audio_that_is_held_up_after_the_new_link_is_up_breaks_it() -> None:
    seamless(streamed(20.3).ended(60.0))
    with pytest.raises(Broke, match=r"held the user's audio up for 0.480 s, with a setup of 0.200 s"):
        seamless(streamed(20.6).ended(60.0))


def test_audio_that_is_held_up_by_the_network_is_not_the_renewals_doing() -> None:
    seamless(streamed(20.6).service(20.0, 2, "connection_broke", how="STALL_UP").ended(60.0))


def test_audio_that_is_held_back_while_a_call_is_under_way_is_not_the_renewals_doing() -> None:
    called = streamed(20.3, until=19.0).output(19.0, "tool_call", 2, call="1")
    seamless(called.ended(60.0))


@pytest.mark.parametrize("returned", [18.2, None])
def test_a_call_that_held_nothing_back_excuses_no_gap(returned: float | None) -> None:
    called = streamed(20.6).output(18.1, "tool_call", 2, call="1")
    if returned is not None:
        called.client(returned, "tool_result_sent", call="1")
    with pytest.raises(Broke, match="held the user's audio up"):
        seamless(called.ended(60.0))


def resuming(told: Told, *, note_slot: str = "CONTENT", compresses: bool = True) -> Told:
    """Add what shows whether a new link must resume, and how long the old one may last."""
    return told.gateway(0.0, "profile_chosen", age_deadline=60.0, note_slot=note_slot, compresses=compresses)


def afresh(told: Told, trigger: str = "AGE", **link: Value) -> Told:
    """Renew a link at 20 s by such a one that begins afresh."""
    told.dialled(19.0, 2, "RENEWAL").gateway(19.5, "link_held", link=2).gateway(20.0, "link_hung_up", link=1)
    told.gateway(20.0, "link_set_up", link=2, resumes=False).service(20.1, 2, "setup_received", resumed=False)
    told.gateway(20.2, "link_opened", link=2, **link)
    return told.gateway(20.2, "renewed", trigger=trigger, gap=0.2, resumed=False, cut=False)


def test_a_link_that_begins_afresh_though_there_is_a_handle_breaks_it() -> None:
    told = resuming(conversation()).gateway(8.0, "handle_received", link=1, usable=True)
    with pytest.raises(Broke, match=r"began afresh, though there was a handle from 8.000 s"):
        seamless(afresh(told).ended(60.0))


def test_a_link_may_begin_afresh_where_no_handle_came() -> None:
    seamless(afresh(resuming(conversation()).gateway(8.0, "handle_received", link=1, usable=False)).ended(60.0))


@pytest.mark.parametrize("credential", ["first", "second"])
def test_a_link_may_begin_afresh_with_another_credential(credential: str) -> None:
    told = resuming(conversation(credential="first")).gateway(8.0, "handle_received", link=1, usable=True)
    history = afresh(told, credential=credential).ended(60.0)
    if credential == "second":
        seamless(history)
    else:
        with pytest.raises(Broke, match="began afresh"):
            seamless(history)


def test_a_link_may_begin_afresh_where_its_context_is_full_and_nothing_lets_go_of_it() -> None:
    told = resuming(conversation(), compresses=False).gateway(8.0, "handle_received", link=1, usable=True)
    seamless(afresh(told, "CONTEXT").ended(60.0))


@pytest.mark.parametrize("note_slot", ["CONTENT", "NONE"])
def test_a_link_may_begin_afresh_where_a_handle_misses_what_cannot_be_told(note_slot: str) -> None:
    told = resuming(conversation(), note_slot=note_slot).gateway(8.0, "handle_received", link=1, usable=True)
    told.asked(12.0, 100, 199).understood(12.8, 1, 2, 100, 199).answered(13.5, 1, 2, (51, 60), says=2)
    if note_slot == "NONE":
        seamless(afresh(told).ended(60.0))
    else:
        with pytest.raises(Broke, match="began afresh"):
            seamless(afresh(told).ended(60.0))


@pytest.mark.parametrize("told", [True, False])
def test_a_handle_misses_what_the_client_knows_to_be_cut(told: bool) -> None:
    history = resuming(conversation(), note_slot="NONE").gateway(8.0, "handle_received", link=1, usable=True)
    history.asked(12.0, 100, 199).understood(12.8, 1, 2, 100, 199).service(13.5, 1, "audio_sent", turn=2, bytes=960)
    history.service(13.6, 1, "interrupted_sent", turn=2).service(13.6, 1, "turn_complete_sent", turn=2)
    if told:
        seamless(afresh(history.output(13.7, "interrupted", 2, cause="CAUSE_USER")).ended(60.0))
    else:
        with pytest.raises(Broke, match="began afresh"):
            seamless(afresh(history).ended(60.0))


@pytest.mark.parametrize(("generated_at", "reaches"), [(19.0, True), (19.0, False), (20.1, True)])
def test_a_handle_misses_a_turn_that_was_made_to_its_end_before_the_client_had_any_of_it(
    generated_at: float, reaches: bool
) -> None:
    told = resuming(conversation(), note_slot="NONE").gateway(8.0, "handle_received", link=1, usable=True)
    told.service(15.0, 1, "go_away_sent", time_left=10.0).asked(17.0, 100, 199).understood(17.8, 1, 2, 100, 199)
    told.service(18.0, 1, "speech_planned", first=51, last=90).service(18.0, 1, "audio_sent", turn=2, bytes=38400)
    if reaches:
        told.gateway(18.1, "speech_received", link=1, first=51, last=90)
    afresh(told.service(generated_at, 1, "generation_complete_sent", turn=2))
    if reaches:
        told.output(21.0, "audio", 2, bytes=38400, first=51, last=90)
    if reaches and generated_at < 20.0:
        seamless(told.ended(60.0))
    else:
        with pytest.raises(Broke, match="began afresh"):
            seamless(told.ended(60.0))


@pytest.mark.parametrize("handle_at", [13.0, 15.0])
def test_a_handle_misses_a_turn_that_began_with_the_end_of_another_one(handle_at: float) -> None:
    told = resuming(conversation(), note_slot="NONE").asked(12.0, 100, 199).understood(12.8, 1, 2, 100, 199)
    told.service(12.8, 1, "interrupted_sent", turn=2).service(12.8, 1, "turn_complete_sent", turn=2)
    told.gateway(13.0, "handle_received", link=1, usable=True).answered(13.5, 1, 2, (51, 90), says=2)
    told.gateway(handle_at, "handle_received", link=1, usable=True)
    if handle_at < 14.5:
        seamless(afresh(told).ended(60.0))
    else:
        with pytest.raises(Broke, match=r"began afresh, though there was a handle from 15.000 s"):
            seamless(afresh(told).ended(60.0))


@pytest.mark.parametrize("faint", [False, True])
def test_what_cannot_be_heard_may_be_what_a_handle_misses(faint: bool) -> None:
    told = resuming(conversation(), note_slot="NONE").gateway(8.0, "handle_received", link=1, usable=True)
    told.asked(12.0, 100, 199).understood(12.8, 1, 2, 100, 199)
    if faint:
        told.service(13.0, 1, "fault_struck", fault="near_silent_audio")
    told.service(13.5, 1, "audio_sent", turn=2, bytes=960).service(14.5, 1, "turn_complete_sent", turn=2)
    if faint:
        seamless(afresh(told).ended(60.0))
    else:
        with pytest.raises(Broke, match="began afresh"):
            seamless(afresh(told).ended(60.0))


def being_answered(told: Told) -> Told:
    """Have the client hear the beginning of an answer that is still being made."""
    told.asked(15.0, 100, 199).understood(15.8, 1, 2, 100, 199).service(16.0, 1, "audio_sent", turn=2, bytes=9600)
    told.service(16.0, 1, "speech_planned", first=51, last=90)
    told.gateway(16.0, "speech_received", link=1, first=51, last=60)
    return told.output(16.0, "audio", 2, bytes=9600, first=51, last=60)


def test_a_cut_that_is_not_said_breaks_it() -> None:
    with pytest.raises(Broke, match="cut turn 2 of link 1 and did not say so"):
        seamless(renewed(being_answered(conversation())).ended(60.0))


def test_a_turn_that_the_user_cut_is_none_that_a_renewal_cut() -> None:
    seamless(renewed(being_answered(conversation()).output(18.0, "interrupted", 2, cause="USER")).ended(60.0))


def test_a_turn_that_was_made_to_its_end_is_not_cut() -> None:
    told = being_answered(conversation()).gateway(16.5, "speech_received", link=1, first=61, last=90)
    told.service(17.0, 1, "generation_complete_sent", turn=2).output(18.0, "audio", 2, first=61, last=90)
    seamless(renewed(told).output(22.0, "turn_ended", 2, reason="COMPLETED").ended(60.0))


def test_the_rest_of_a_turn_that_was_made_to_its_end_must_not_be_missing() -> None:
    told = being_answered(conversation()).gateway(16.5, "speech_received", link=1, first=61, last=90)
    told.service(17.0, 1, "generation_complete_sent", turn=2)
    with pytest.raises(Broke, match="never got 30 of 40 blocks of turn 2 of link 1"):
        seamless(renewed(told).output(22.0, "turn_ended", 2, reason="COMPLETED").ended(60.0))


@pytest.mark.parametrize("broke", [True, False])
def test_the_rest_of_a_turn_may_be_missing_whose_end_was_sent_into_a_connection_that_broke(broke: bool) -> None:
    told = being_answered(conversation()).gateway(16.5, "speech_received", link=1, first=61, last=80)
    if broke:
        told.service(17.0, 1, "connection_broke", how="CUT")
    told.service(18.0, 1, "generation_complete_sent", turn=2).service(18.0, 1, "turn_complete_sent", turn=2)
    told.lost(22.0, 1, "STALLED").dialled(22.1, 2, "RECOVERY").opened(22.8, 2)
    if broke:
        seamless(told.ended(60.0))
    else:
        with pytest.raises(Broke, match="never got 20 of 30 blocks of turn 2 of link 1"):
            seamless(told.ended(60.0))


def test_a_turn_that_is_cut_before_the_deadline_breaks_it() -> None:
    told = renewed(being_answered(resuming(conversation())), cut=True).output(20.0, "interrupted", 2, cause="RECOVERY")
    with pytest.raises(Broke, match=r"did not wait for its deadline at 60.500 s to cut a turn"):
        seamless(told.ended(60.0))


def test_a_turn_may_be_cut_when_the_service_is_about_to_end_the_link() -> None:
    told = being_answered(resuming(conversation()).service(15.0, 1, "go_away_sent", time_left=10.0))
    seamless(renewed(told, cut=True).output(20.0, "interrupted", 2, cause="RECOVERY").ended(60.0))


def test_a_renewal_while_the_user_speaks_breaks_it() -> None:
    told = renewed(resuming(conversation())).asked(22.0, 100, 349)
    with pytest.raises(Broke, match="nor until the user had finished speaking"):
        seamless(told.ended(60.0))


def test_a_renewal_before_the_answer_breaks_it() -> None:
    told = resuming(conversation()).asked(18.0, 100, 199)
    told = renewed(told).understood(21.0, 2, 1, 100, 199).answered(22.0, 2, 1, (51, 60), says=2)
    with pytest.raises(Broke, match=r"nor for the answer to the words that ended at 18.000 s"):
        seamless(told.ended(60.0))


def passed_over(told: Told, *, speaks: bool = False, empty_at: float = 13.0, link: int = 1) -> Told:
    """Have words get a turn without a word, while another one is made for them, of which nothing comes but its end."""
    told.asked(12.0, 100, 199).client(12.0, "text_written", text="Hello?")
    told.service(12.1, link, "turn_begun", turn=2, stamps="", text="Hello?")
    told.service(12.1, link, "turn_without_answer", turn=2)
    told.service(empty_at, link, "turn_complete_sent", turn=2).understood(13.0, 1, 3, 100, 199)
    if speaks:
        told.service(14.0, 1, "transcription_sent", speaker="model", text="It is", turn=3)
    told = renewed(told)
    return told.service(20.3, 1, "turn_complete_sent", turn=3).ended(60.0)


def test_a_turn_whose_words_seem_to_have_been_left_unanswered_is_not_awaited_before_it_speaks() -> None:
    seamless(passed_over(resuming(conversation())))


def test_a_turn_that_speaks_is_awaited_whatever_was_taken_for_it() -> None:
    with pytest.raises(Broke, match=r"nor for the end of turn 3 of link 1"):
        seamless(passed_over(resuming(conversation()), speaks=True))


def test_what_ends_as_soon_as_words_are_said_is_not_taken_for_their_answer() -> None:
    with pytest.raises(Broke, match=r"nor for the end of turn 3 of link 1"):
        seamless(passed_over(resuming(conversation()), empty_at=12.2))


def test_what_another_link_left_unanswered_is_awaited_on_this_one() -> None:
    with pytest.raises(Broke, match=r"nor for the end of turn 3 of link 1"):
        seamless(passed_over(resuming(conversation()), link=3))


def test_a_model_that_thinks_says_that_it_goes_on_behind_a_turn_without_a_word() -> None:
    told = Told().client(0.0, "session_opened", model="gemini-3.8-live-extended-thinking").dialled(0.0, 1)
    told.opened(0.5, 1).asked(5.0, 0, 99).understood(5.8, 1, 1, 0, 99).answered(6.5, 1, 1, (1, 50))
    with pytest.raises(Broke, match=r"nor for the end of turn 3 of link 1"):
        seamless(passed_over(resuming(told)))


def test_a_renewal_that_lets_a_quiet_moment_pass_breaks_it() -> None:
    told = resuming(conversation()).service(15.0, 1, "go_away_sent", time_left=10.0)
    told.dialled(15.1, 2, "RENEWAL", resumes=True).gateway(15.2, "link_held", link=2)
    with pytest.raises(Broke, match=r"waited for its deadline, though nobody said anything from 15.000 s to 20.000 s"):
        seamless(renewed(told).ended(60.0))


@pytest.mark.parametrize("heard", [False, True])
def test_a_renewal_waits_for_the_answer_to_words_that_was_interrupted_before_its_first_word(heard: bool) -> None:
    told = resuming(conversation()).service(10.0, 1, "go_away_sent", time_left=15.0)
    told.dialled(10.1, 2, "RENEWAL", resumes=True).gateway(10.2, "link_held", link=2)
    told.asked(13.0, 100, 199).understood(13.8, 1, 2, 100, 199).service(14.0, 1, "speech_planned", first=51, last=90)
    told.service(14.1, 1, "audio_sent", turn=2, bytes=960)
    if heard:
        told.gateway(14.1, "speech_received", link=1, first=51, last=51)
        told.output(14.1, "audio", 2, bytes=960, first=51, last=51)
    told.client(14.2, "sound_made").service(14.5, 1, "interrupted_sent", turn=2)
    told = renewed(told.service(14.5, 1, "turn_complete_sent", turn=2))
    if heard:
        with pytest.raises(Broke, match=r"nobody said anything from 14.500 s to 20.000 s"):
            seamless(told.ended(60.0))
    else:
        seamless(told.ended(60.0))


def test_what_could_have_been_found_is_counted() -> None:
    told = resuming(conversation()).gateway(8.0, "handle_received", link=1, usable=True)
    told = renewed(told).service(20.1, 2, "setup_received", resumed=True)
    told.asked(30.0, 100, 199).understood(30.8, 2, 1, 100, 199).answered(31.5, 2, 1, (51, 90), says=2)
    # The last words could have been lost and nobody would know.
    verdict = seamless(told.ended(60.0))
    assert (verdict.judged, verdict.cases) == (1 + 1 + 2, 1 + 2 + 2)


@pytest.mark.parametrize(("kind", "what"), [("audio_lost", "lost"), ("audio_repeated", "was given twice")])
def test_user_audio_that_is_lost_or_given_twice_breaks_it(kind: str, what: str) -> None:
    told = renewed().service(30.0, 2, kind, first=100, last=109, seconds=0.2)
    with pytest.raises(Broke, match=f"0.2 s of the user's audio from stamp 100 {what}"):
        seamless(told.ended(60.0))


@pytest.mark.parametrize(("given_up_at", "breaks"), [(29.0, False), (25.0, True), (31.0, True)])
def test_what_a_client_gives_up_while_it_is_said_may_be_lost(given_up_at: float, breaks: bool) -> None:
    # It is said from 28 s to 30 s.
    told = renewed().asked(30.0, 100, 199).client(given_up_at, "input_given_up")
    told.service(30.5, 2, "audio_lost", first=100, last=149, seconds=1.0)
    if breaks:
        with pytest.raises(Broke, match="1 s of the user's audio from stamp 100 lost"):
            seamless(told.ended(60.0))
    else:
        seamless(told.ended(60.0))


@pytest.mark.parametrize(("stamps", "away", "breaks"), [(15, True, False), (16, True, True), (15, False, True)])
def test_the_rest_of_what_a_broken_stream_cut_in_two_may_be_a_mere_sound(stamps: int, away: bool, breaks: bool) -> None:
    told = renewed().asked(30.0, 100, 199)
    if away:
        told.client(29.0, "stream_broke").output(31.0, "resumed", 0, last_input_seq=9)
    told.service(31.5, 2, "audio_lost", first=100, last=99 + stamps, seconds=stamps * 0.02)
    if breaks:
        with pytest.raises(Broke, match="of the user's audio from stamp 100 lost"):
            seamless(told.ended(60.0))
    else:
        seamless(told.ended(60.0))


@pytest.mark.parametrize("over", [True, False])
def test_an_activity_whose_start_the_service_did_not_notice_is_not_listened_to_until_it_is_over(over: bool) -> None:
    # It is left open while nobody speaks.
    told = renewed().service(24.0, 2, "activity_start_received").service(24.1, 2, "activity_start_dropped")
    if over:
        told.service(26.0, 2, "activity_end_received").service(27.0, 2, "activity_start_received")
    told.asked(30.0, 100, 199).service(30.1, 2, "activity_end_received").service(32.0, 2, "activity_start_received")
    told.service(32.0, 2, "audio_lost", first=100, last=199, seconds=2.0)
    if over:
        with pytest.raises(Broke, match="2 s of the user's audio from stamp 100 lost"):
            seamless(told.ended(60.0))
    else:
        seamless(told.ended(60.0))


def interrupted(told: Told) -> Told:
    """Have the service hear stamps 100 to 199, and be interrupted before it answers them."""
    told.asked(12.0, 100, 199).understood(12.8, 1, 2, 100, 199)
    return told.service(13.2, 1, "interrupted_sent", turn=2).service(13.2, 1, "turn_complete_sent", turn=2)


def test_words_may_be_given_twice_whose_answer_was_interrupted_before_its_first_word() -> None:
    told = renewed(interrupted(conversation()))
    seamless(told.service(20.5, 2, "audio_repeated", first=100, last=109, seconds=0.2).ended(60.0))


def test_words_must_not_be_given_twice_whose_answer_was_interrupted_later() -> None:
    told = conversation().asked(12.0, 100, 199).understood(12.8, 1, 2, 100, 199)
    told.service(13.0, 1, "audio_sent", turn=2, bytes=960)
    told.service(13.2, 1, "interrupted_sent", turn=2).service(13.2, 1, "turn_complete_sent", turn=2)
    renewed(told).service(20.5, 2, "audio_repeated", first=100, last=109, seconds=0.2)
    with pytest.raises(Broke, match="from stamp 100 was given twice"):
        seamless(told.ended(60.0))


def test_words_must_not_be_given_twice_once_what_followed_was_answered() -> None:
    told = interrupted(conversation()).asked(15.0, 200, 249).understood(15.8, 1, 3, 200, 249)
    renewed(told.answered(16.5, 1, 3, (51, 60), says=2))
    told.service(20.5, 2, "audio_repeated", first=100, last=109, seconds=0.2)
    with pytest.raises(Broke, match="from stamp 100 was given twice"):
        seamless(told.ended(60.0))


def test_words_that_the_model_had_taken_in_may_be_missing_from_what_is_resumed() -> None:
    seamless(renewed().service(30.0, 2, "audio_lost", first=0, last=99, seconds=2.0).ended(60.0))


def test_what_a_recovery_costs_is_not_held_against_renewals() -> None:
    told = conversation().lost(10.0, 1).dialled(10.0, 3, "RECOVERY").opened(10.5, 3)
    seamless(renewed(told).service(30.0, 3, "audio_lost", first=100, last=109, seconds=0.2).ended(60.0))


def test_output_that_is_missing_breaks_it() -> None:
    told = renewed().asked(30.0, 100, 199).understood(30.8, 2, 1, 100, 199)
    told.answered(31.5, 2, 1, (51, 90), reaches=False).output(31.5, "audio", 2, bytes=960, first=51, last=80)
    with pytest.raises(Broke, match="never got 10 of 40 blocks of turn 1 of link 2"):
        seamless(told.ended(200.0))


def slowly(came: tuple[int, ...], *, over_at: float = 40.0) -> Told:
    """Have a client get little at a time of three turns, of which so many blocks came, the last of them at 39 s."""
    told = renewed(Told().client(0.0, "session_opened", acknowledges_within=3.0).dialled(0.0, 1).opened(0.5, 1))
    for turn, (asked, first) in enumerate([(100, 1), (200, 101), (300, 201)], start=1):
        begun_at = 21.0 + turn
        told.asked(begun_at, asked, asked + 49).understood(begun_at + 0.1, 2, turn, asked, asked + 49)
        told.answered(begun_at + 0.2, 2, turn, (first, first + 99), reaches=False)
    for turn, blocks in enumerate(came, start=1):
        first = 100 * turn - 99
        told.output(35.0 + turn * 4 / len(came), "audio", turn, bytes=960, first=first, last=first + blocks - 1)
    return told.ended(over_at)


def test_what_waits_behind_what_comes_slowly_may_be_missing() -> None:
    seamless(slowly((50,)))
    seamless(slowly((100, 50)))
    with pytest.raises(Broke, match="never got 50 of 100 blocks of turn 1 of link 2"):
        seamless(slowly((50,), over_at=60.0))


def test_what_is_missing_before_what_came_was_not_waiting() -> None:
    with pytest.raises(Broke, match="never got 100 of 100 blocks of turn 2 of link 2"):
        seamless(slowly((100, 0, 50)))
    with pytest.raises(Broke, match="never got 50 of 100 blocks of turn 2 of link 2"):
        seamless(slowly((100, 50, 50)))


def test_output_that_comes_twice_breaks_it() -> None:
    told = renewed().output(25.0, "audio", 1, bytes=960, first=50, last=50)
    with pytest.raises(Broke, match="got block 50 of the model's speech 2 times"):
        seamless(told.ended(60.0))


def test_output_is_not_excused_by_an_interruption_of_another_turn() -> None:
    told = renewed().asked(30.0, 100, 199).understood(30.8, 2, 1, 100, 199)
    told.answered(31.5, 2, 1, (51, 90), reaches=False).output(31.5, "audio", 2, bytes=960, first=51, last=80)
    with pytest.raises(Broke, match="never got 10 of 40 blocks"):
        seamless(told.output(31.8, "interrupted", 1, cause="USER").ended(200.0))


def test_user_audio_is_not_excused_by_trouble_before_it_was_said() -> None:
    told = conversation().lost(10.0, 1).dialled(10.0, 2, "RECOVERY").opened(10.5, 2).asked(20.0, 100, 199)
    told.gateway(25.0, "link_hung_up", link=2).gateway(25.2, "link_opened", link=3)
    told.gateway(25.2, "renewed", trigger="AGE", gap=0.2, resumed=True, cut=False)
    told.service(30.0, 3, "audio_lost", first=100, last=109, seconds=0.2)
    with pytest.raises(Broke, match="from stamp 100 lost"):
        seamless(told.ended(60.0))


def test_output_that_was_cut_may_be_missing() -> None:
    told = renewed().asked(30.0, 100, 199).understood(30.8, 2, 1, 100, 199)
    told.answered(31.5, 2, 1, (51, 90), reaches=False).output(31.8, "interrupted", 2, cause="USER")
    seamless(told.ended(200.0))


def told_results() -> Told:
    """Have the model call a function, say more of its turn, and tell the result in another, of which nothing is got."""
    told = conversation().asked(15.0, 100, 199).understood(15.8, 1, 2, 100, 199)
    told.service(16.0, 1, "tool_call_sent", turn=2, ids="1").output(16.0, "tool_call", 2, call="1")
    told.answered(16.5, 1, 2, (51, 90), says=2).client(16.6, "tool_result_sent", call="1")
    told.service(17.6, 1, "turn_begun", turn=3, stamps="", text="")
    return renewed(told.answered(17.7, 1, 3, (91, 99), reaches=False))


def test_a_turn_that_tells_results_may_be_cut_under_a_number_of_its_own() -> None:
    seamless(told_results().output(30.0, "interrupted", 3, cause="USER").ended(200.0))


@pytest.mark.parametrize("cut", [2, 3])
def test_a_turn_may_be_cut_that_goes_on_under_a_number_of_its_own(cut: int) -> None:
    told = told_results().output(17.8, "interrupted", cut, cause="USER")
    seamless(told.output(18.0, "audio", 4, bytes=4800, first=95, last=99).ended(200.0))


@pytest.mark.parametrize("cut", [2, 3])
def test_a_turn_that_tells_what_the_model_got_in_place_of_a_result_may_be_cut_with_the_one_that_called(
    cut: int,
) -> None:
    # The client answers a call of the turn before, and is late with the next one.
    told = conversation().output(7.0, "tool_call", 1, call="1").client(7.2, "tool_result_sent", call="1")
    told.service(7.3, 1, "tool_response_received", responses=1, ids="1")
    told.asked(15.0, 100, 199).understood(15.8, 1, 2, 100, 199)
    told.service(16.0, 1, "tool_call_sent", turn=2, ids="2").output(16.0, "tool_call", 3, call="2")
    told.answered(16.5, 1, 2, (51, 90), says=3).output(17.2, "interrupted", cut, cause="USER")
    told.service(17.4, 1, "tool_response_received", responses=1, ids="2")
    told.service(17.6, 1, "turn_begun", turn=3, stamps="", text="").answered(17.7, 1, 3, (91, 99), reaches=False)
    if cut == 3:
        seamless(renewed(told).ended(200.0))
        return
    with pytest.raises(Broke, match="never got 9 of 9 blocks of turn 3 of link 1"):
        seamless(renewed(told).ended(200.0))


@pytest.mark.parametrize("cut", [2, 3])
def test_what_is_missing_at_the_end_of_a_turn_was_not_cut_before_it(cut: int) -> None:
    told = told_results().output(17.8, "interrupted", cut, cause="USER")
    with pytest.raises(Broke, match="never got 5 of 9 blocks of turn 3 of link 1"):
        seamless(told.output(18.0, "audio", 4, bytes=3840, first=91, last=94).ended(200.0))


def test_what_is_missing_at_the_beginning_was_not_cut_after_it() -> None:
    told = told_results().output(18.0, "audio", 4, bytes=4800, first=95, last=99)
    with pytest.raises(Broke, match="never got 4 of 9 blocks of turn 3 of link 1"):
        seamless(told.output(18.2, "interrupted", 3, cause="USER").ended(200.0))


def test_a_turn_that_tells_results_must_not_be_missing_for_another_that_was_cut() -> None:
    told = told_results().output(17.0, "interrupted", 3, cause="USER")
    with pytest.raises(Broke, match="never got 9 of 9 blocks of turn 3 of link 1"):
        seamless(told.ended(200.0))


def test_a_turn_that_a_renewal_cut_and_called_complete_breaks_it() -> None:
    told = conversation().asked(15.0, 100, 199).understood(15.8, 1, 2, 100, 199)
    told.service(16.0, 1, "speech_planned", first=51, last=90).gateway(
        16.0, "speech_received", link=1, first=51, last=60
    )
    told.output(16.0, "audio", 2, bytes=9600, first=51, last=60)
    renewed(told, cut=True).output(21.0, "turn_ended", 2, reason="COMPLETED")
    with pytest.raises(Broke, match="cut turn 2, which was said to be complete"):
        seamless(told.ended(60.0))


def test_a_turn_that_a_renewal_cut_and_called_interrupted_keeps_it() -> None:
    told = conversation().asked(15.0, 100, 199).understood(15.8, 1, 2, 100, 199)
    told.service(16.0, 1, "speech_planned", first=51, last=90).gateway(
        16.0, "speech_received", link=1, first=51, last=60
    )
    told.output(16.0, "audio", 2, bytes=9600, first=51, last=60)
    renewed(told, cut=True).output(21.0, "interrupted", 2, cause="RECOVERY")
    seamless(told.output(21.0, "turn_ended", 2, reason="INTERRUPTED").ended(60.0))


def test_a_turn_of_a_later_link_is_not_what_a_renewal_cut() -> None:
    told = renewed(cut=True).asked(25.0, 100, 199).understood(25.8, 2, 1, 100, 199)
    told.service(26.0, 2, "speech_planned", first=51, last=90)
    told.gateway(26.0, "speech_received", link=2, first=51, last=90).output(26.0, "audio", 2, first=51, last=90)
    # All of it was made before the link was lost.
    seamless(told.lost(28.0, 2).output(29.0, "turn_ended", 2, reason="COMPLETED").ended(60.0))


def goes_on(model: str) -> Told:
    """Have the model go on behind the end of a turn, of which nothing is got; the turn before it is cut meanwhile."""
    told = Told().client(0.0, "session_opened", model=model).dialled(0.0, 1).opened(0.5, 1)
    told.asked(5.0, 0, 99).understood(5.8, 1, 1, 0, 99).answered(6.5, 1, 1, (1, 50))
    told.service(7.5, 1, "turn_begun", turn=2, stamps="100-199", text="").answered(7.6, 1, 2, (51, 90), reaches=False)
    return renewed(told).output(8.0, "interrupted", 1, cause="USER").ended(200.0)


def test_what_a_model_that_thinks_for_longer_goes_on_with_may_be_cut_under_the_number_before() -> None:
    seamless(goes_on("gemini-3.8-live-extended-thinking"))
    with pytest.raises(Broke, match="never got 40 of 40 blocks of turn 2 of link 1"):
        seamless(goes_on("gemini-3.8-live"))


def follows_a_cut(came_at: float) -> Told:
    """Have a turn, of which nothing is got, come after one that was cut and that the service did not end."""
    told = conversation().asked(9.0, 100, 199).understood(9.8, 1, 2, 100, 199)
    told.service(10.0, 1, "fault_struck", fault="missing_turn_complete")
    told.service(10.0, 1, "speech_planned", first=51, last=60)
    told.gateway(10.0, "speech_received", link=1, first=51, last=60).output(10.0, "audio", 2, first=51, last=60)
    told.output(10.5, "interrupted", 2, cause="CLIENT").asked(12.0, 200, 249).understood(12.8, 1, 3, 200, 249)
    return renewed(told.answered(came_at, 1, 3, (61, 90), reaches=False)).ended(200.0)


def test_what_comes_soon_after_a_cut_that_nobody_ended_may_be_taken_for_the_rest_of_it() -> None:
    seamless(follows_a_cut(14.0))
    with pytest.raises(Broke, match="never got 30 of 30 blocks of turn 3 of link 1"):
        seamless(follows_a_cut(18.0))
