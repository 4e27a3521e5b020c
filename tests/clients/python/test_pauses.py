"""How long a client waits between attempts."""

from segue_client.pauses import Pauses


def taken(pauses: Pauses, times: int) -> list[float]:
    """Return the pauses between attempts that fail at once, from the time 0 on."""
    now, pauses_taken = 0.0, []
    for _ in range(times):
        pauses_taken.append(pauses.next(now))
        now += pauses_taken[-1]
    return pauses_taken


def test_pauses_double_up_to_five_seconds_and_are_cut_by_chance() -> None:
    bounds = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0)
    pauses = taken(Pauses(), len(bounds))
    assert all(bound / 2 <= pause <= bound for bound, pause in zip(bounds, pauses, strict=True))
    assert pauses != taken(Pauses(), len(bounds))


def test_what_lasted_begins_anew() -> None:
    pauses = Pauses()
    now = sum(taken(pauses, 5))
    assert pauses.next(now + 4.9) > 1.0
    assert pauses.next(now + 4.9 + 10.1) <= 0.1


def test_the_first_attempt_may_be_at_once() -> None:
    first, second, third = taken(Pauses(first_at_once=True), 3)
    assert first == 0.0
    assert 0.05 <= second <= 0.1 <= third
