"""Virtual time."""

from segue.simulator.world.clock import Clock


def test_what_is_due_is_done_in_the_order_of_its_times_and_of_its_asking() -> None:
    clock, done = Clock(), list[tuple[str, float]]()
    clock.at(2.0, lambda: done.append(("late", clock.now)))
    clock.at(1.0, lambda: done.append(("early", clock.now)))
    clock.at(2.0, lambda: done.append(("later", clock.now)))
    clock.run(3.0)
    assert done == [("early", 1.0), ("late", 2.0), ("later", 2.0)]
    assert clock.now == 3.0


def test_what_follows_from_what_is_done_is_done_too_up_to_the_end() -> None:
    clock, ticks = Clock(), list[float]()

    def tick() -> None:
        ticks.append(clock.now)
        clock.after(1.0, tick)

    tick()
    clock.run(2.5)
    assert ticks == [0.0, 1.0, 2.0]


def test_what_is_past_is_done_next() -> None:
    clock, done = Clock(5.0), list[float]()
    clock.at(1.0, lambda: done.append(clock.now))
    clock.run(5.0)
    assert done == [5.0]


def test_what_is_cancelled_is_not_done() -> None:
    clock, done = Clock(), list[float]()
    alarm = clock.at(1.0, lambda: done.append(clock.now))
    alarm.cancel()
    clock.run(2.0)
    assert not done
