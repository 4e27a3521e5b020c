"""Seamless: renewals that cost nothing."""

import pytest

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


def test_a_gap_is_excused_by_what_the_service_did() -> None:
    seamless(renewed(conversation().service(18.0, 1, "fault_struck", fault="slow_setup"), gap=0.3).ended(60.0))


@pytest.mark.parametrize(("kind", "what"), [("audio_lost", "lost"), ("audio_repeated", "was given twice")])
def test_user_audio_that_is_lost_or_given_twice_breaks_it(kind: str, what: str) -> None:
    told = renewed().service(30.0, 2, kind, first=100, last=109, seconds=0.2)
    with pytest.raises(Broke, match=f"0.2 s of the user's audio from stamp 100 {what}"):
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


def test_output_that_comes_twice_breaks_it() -> None:
    told = renewed().output(25.0, "audio", 1, bytes=960, first=50, last=50)
    with pytest.raises(Broke, match="got block 50 of the model's speech 2 times"):
        seamless(told.ended(60.0))


def test_output_that_was_cut_may_be_missing() -> None:
    told = renewed().asked(30.0, 100, 199).understood(30.8, 2, 1, 100, 199)
    told.answered(31.5, 2, 1, (51, 90), reaches=False).output(31.8, "interrupted", 2, cause="USER")
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
