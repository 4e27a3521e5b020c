"""When a pod takes no more sessions."""

from segue.core.outputs import CloseReason, Next
from segue.node.load import Load


def test_a_pod_takes_as_many_sessions_as_it_may() -> None:
    load = Load(max_sessions=2, draw=lambda low, high: (low + high) / 2)
    assert load.refusal(1) is None
    closed = load.refusal(2)
    assert closed is not None
    assert (closed.reason, closed.next, closed.retry_delay) == (CloseReason.OVERLOADED, Next.OPEN_AGAIN, 4.0)
    assert "2 sessions" in closed.message


def test_who_is_refused_does_not_come_back_with_all_the_others() -> None:
    load = Load(max_sessions=0)
    delays = {closed.retry_delay for _ in range(20) if (closed := load.refusal(0))}
    assert len(delays) > 10
    assert all(delay and 2 <= delay <= 6 for delay in delays)


def test_one_pause_refuses_nobody_and_a_loop_that_stays_late_does_soon() -> None:
    load = Load(max_lag=0.25)
    load.observe_lag(30.0)
    assert load.refusal(0) is None
    load = Load(max_lag=0.25)
    measured = 0
    while load.refusal(0) is None:
        load.observe_lag(0.5)
        measured += 1
    # There is one measurement in half a second and the lag itself.
    assert measured <= 4
    closed = load.refusal(0)
    assert closed is not None
    assert closed.reason is CloseReason.OVERLOADED
    measured = 0
    while load.refusal(0) is not None:
        load.observe_lag(0.001)
        measured += 1
    assert measured <= 4


def test_a_loop_that_is_a_little_late_is_no_reason() -> None:
    load = Load(max_lag=0.25)
    for _ in range(1000):
        load.observe_lag(0.2)
    assert load.refusal(0) is None
