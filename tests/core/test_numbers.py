"""The numbers of input and output."""

from math import inf

from segue.core.numbers import Numbers, Verdict
from segue.core.outputs import InputAck, InputRejected, Opened, Output, Rejection, UserActivity


def test_input_counts_from_one() -> None:
    numbers = Numbers()
    assert [numbers.judge(seq) for seq in (1, 2, 3)] == [Verdict.NEXT] * 3
    assert numbers.last_input == 3


def test_unnumbered_input_is_always_next() -> None:
    numbers = Numbers()
    assert [numbers.judge(seq) for seq in (0, 1, 0, 2, 0)] == [Verdict.NEXT] * 5


def test_a_number_that_was_used_is_a_repeat() -> None:
    numbers = Numbers()
    numbers.judge(1)
    numbers.judge(2)
    assert numbers.judge(2) is Verdict.REPEAT
    assert numbers.judge(1) is Verdict.REPEAT


def test_a_number_that_is_too_high_is_a_gap_and_changes_nothing() -> None:
    numbers = Numbers()
    assert numbers.judge(2) is Verdict.GAP
    assert numbers.judge(1) is Verdict.NEXT


def test_input_that_was_passed_on_is_acknowledged_within_a_second() -> None:
    numbers = Numbers()
    numbers.judge(1)
    assert numbers.ack_at == inf
    numbers.pass_on(10.0)
    numbers.judge(2)
    numbers.pass_on(10.5)
    assert numbers.ack_at == 11.0
    assert numbers.acknowledge(inf, 11.0) == 1
    assert numbers.ack_at == 12.0
    assert numbers.acknowledge(inf, 12.0) == 2
    assert numbers.ack_at == inf


def test_input_that_may_be_needed_again_is_acknowledged_once_it_is_not() -> None:
    numbers = Numbers()
    for seq in range(1, 6):
        numbers.judge(seq)
    numbers.need(3, serial=7)
    numbers.need(4, serial=9)
    numbers.pass_on(10.0)
    assert numbers.acknowledge(0, 11.0) == 2
    assert numbers.acknowledge(6, 12.0) == 0
    assert numbers.acknowledge(7, 13.0) == 3
    assert numbers.ack_at == 14.0
    assert numbers.acknowledge(9, 14.0) == 5
    assert numbers.ack_at == inf


def test_at_the_end_all_input_is_acknowledged() -> None:
    numbers = Numbers()
    assert numbers.settle() == 0
    numbers.judge(1)
    numbers.need(1, serial=7)
    assert numbers.settle() == 1
    assert numbers.settle() == 0


def test_after_a_resume_the_next_number_may_be_higher_once() -> None:
    numbers = Numbers()
    numbers.judge(1)
    assert numbers.resume() == 1
    assert numbers.judge(0) is Verdict.NEXT
    assert numbers.judge(1) is Verdict.REPEAT
    assert numbers.judge(5) is Verdict.AHEAD
    assert numbers.judge(6) is Verdict.NEXT
    assert numbers.judge(8) is Verdict.GAP
    numbers.resume()
    assert numbers.judge(7) is Verdict.NEXT
    assert numbers.judge(9) is Verdict.GAP


def test_unnumbered_input_is_not_acknowledged() -> None:
    numbers = Numbers()
    numbers.judge(0)
    numbers.pass_on(10.0)
    assert numbers.ack_at == inf


def test_output_counts_from_one_and_what_is_not_replayed_has_no_number() -> None:
    numbers = Numbers()
    outputs: list[Output] = [
        Opened("call-1", "model"),
        UserActivity(True),
        InputAck(1),
        InputRejected(1, Rejection.EMPTY, ""),
        UserActivity(False),
    ]
    assert [numbers.number(output) for output in outputs] == [0, 1, 0, 0, 2]
