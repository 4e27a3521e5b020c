"""Resumable: a client that comes back in time has its session again."""

import pytest

from segue.simulator.promises import Broke, resumable
from tests.simulator.promises.told import Told, conversation


def returning(**resumed: int | bool) -> Told:
    """Return a session whose client was away from 20 s to 22 s, and had been told that its input up to 40 was safe."""
    told = conversation().output(15.0, "input_ack", 0, input_seq=40)
    told.client(20.0, "stream_broke").client(22.0, "resume_sent", seq=9)
    return told.output(22.2, "resumed", 0, **resumed) if resumed else told


def test_a_client_that_has_its_session_again_keeps_the_promise() -> None:
    verdict = resumable(returning(last_input_seq=44, output_lost=False))
    assert (verdict.lacking, verdict.judged, verdict.cases) == ("", 1, 1)


def test_where_nobody_came_back_there_is_nothing_to_check() -> None:
    assert resumable(conversation()).lacking


def test_a_gateway_that_does_not_answer_breaks_it() -> None:
    with pytest.raises(Broke, match="did not answer"):
        resumable(returning())


def test_a_stream_that_breaks_again_need_not_bring_an_answer() -> None:
    told = returning().client(22.3, "stream_broke").client(24.0, "resume_sent", seq=9)
    verdict = resumable(told.output(24.2, "resumed", 0, last_input_seq=44, output_lost=False))
    assert (verdict.judged, verdict.cases) == (1, 2)


@pytest.mark.parametrize("reason", ["RESUME_REJECTED", "RESUME_UNKNOWN"])
def test_a_client_that_is_refused_breaks_it(reason: str) -> None:
    with pytest.raises(Broke, match="was refused: no"):
        resumable(returning().output(22.2, "closed", 0, reason=reason, message="no"))


def test_a_client_may_be_told_how_its_session_ended_meanwhile() -> None:
    resumable(returning().output(22.2, "closed", 0, reason="IDLE_TIMEOUT", message="nobody spoke"))


def test_a_gateway_that_forgot_what_it_called_safe_breaks_it() -> None:
    with pytest.raises(Broke, match="has input up to 39, and had acknowledged 40"):
        resumable(returning(last_input_seq=39, output_lost=False))
