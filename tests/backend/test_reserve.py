"""How many connections stand ready."""

from math import inf

from segue.backend.reserve import Reserve


class Ready:
    """A reserve at 1000 s whose dials are up at once, unless they are to wait; connections are numbered."""

    def __init__(self, size: int) -> None:
        self.reserve: Reserve[int] = Reserve(size)
        self.now = 1_000.0
        self.dialled = 0

    def dial(self) -> list[int]:
        """Dial what it lacks."""
        numbers = []
        for _ in range(self.reserve.lacks(self.now)):
            self.dialled += 1
            self.reserve.expect(self.dialled)
            numbers.append(self.dialled)
        return numbers

    def fill(self) -> None:
        for number in self.dial():
            self.reserve.stand(number, self.now)

    def lose_all(self) -> float:
        """Have what is dialled come to nothing; return how long none is dialled then."""
        for number in self.dial():
            self.reserve.lose(number, self.now)
        at = self.reserve.deadline(self.now)
        assert self.reserve.lacks(at - 0.001) == 0
        pause, self.now = at - self.now, at
        return pause


def test_so_many_stand_ready_and_what_is_taken_is_replaced() -> None:
    ready = Ready(3)
    assert ready.dial() == [1, 2, 3]
    assert ready.dial() == []
    for number in (2, 1, 3):
        ready.reserve.stand(number, ready.now)
    assert (ready.reserve.ready, ready.reserve.take(), ready.reserve.ready) == (3, 2, 2)
    assert ready.dial() == [4]


def test_none_stands_ready_where_none_is_wanted() -> None:
    ready = Ready(0)
    assert (ready.dial(), ready.reserve.ready, ready.reserve.deadline(ready.now)) == ([], 0, inf)


def test_each_is_replaced_before_it_is_20_s_old_and_until_then_there_is_no_gap() -> None:
    ready = Ready(2)
    ready.fill()
    began, oldest = ready.now, [1, 2]
    while ready.now < began + 300.0:
        ready.now = ready.reserve.deadline(ready.now)
        assert ready.reserve.weed(ready.now) == []
        assert ready.reserve.ready == 2
        new = ready.dial()
        assert len(new) == 2
        for number in new:
            ready.reserve.stand(number, ready.now + 0.2)
        assert ready.reserve.weed(ready.now + 0.2) == oldest
        oldest = new
    assert ready.dialled <= 2 * (300 / 18 + 2)


def test_one_that_is_too_old_goes_though_nothing_takes_its_place() -> None:
    ready = Ready(2)
    ready.fill()
    ready.now += 18.0
    assert ready.dial() == [3, 4]
    assert ready.reserve.deadline(ready.now) == 1_020.0
    ready.now = 1_020.0
    assert ready.reserve.weed(ready.now) == [1, 2]
    assert ready.reserve.ready == 0
    assert ready.dial() == []


def test_after_a_failure_none_is_dialled_for_longer_and_longer() -> None:
    ready = Ready(4)
    assert [ready.lose_all() for _ in range(8)] == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    ready.fill()
    ready.reserve.take()
    assert ready.lose_all() == 1.0


def test_connections_that_the_service_ends_soon_are_failures_and_those_that_last_are_not() -> None:
    ready = Ready(1)
    pauses = []
    for _ in range(3):
        ready.fill()
        ready.now += 1.0
        ready.reserve.lose(ready.dialled, ready.now)
        pauses.append(ready.reserve.deadline(ready.now) - ready.now)
        ready.now += pauses[-1]
    assert pauses == [1.0, 2.0, 4.0]
    ready.fill()
    ready.now += 20.0
    assert len(ready.reserve.weed(ready.now)) == 1
    assert ready.lose_all() == 1.0


def test_what_may_have_broken_with_another_is_replaced() -> None:
    ready = Ready(2)
    ready.fill()
    assert ready.reserve.clear() == [1, 2]
    assert ready.dial() == [3, 4]


def test_in_the_end_all_go() -> None:
    ready = Ready(2)
    ready.fill()
    ready.reserve.take()
    assert ready.dial() == [3]
    assert sorted(ready.reserve.close()) == [2, 3]
    assert (ready.dial(), ready.reserve.ready, ready.reserve.deadline(ready.now)) == ([], 0, inf)
