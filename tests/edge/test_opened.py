"""Which channels were ever opened."""

from segue.edge.opened import OpenedChannels


def test_it_knows_what_was_opened() -> None:
    opened = OpenedChannels()
    assert opened.highest == -1
    for number in (0, 1, 2, 5, 6, 9):
        opened.add(number)
    assert [number for number in range(12) if number in opened] == [0, 1, 2, 5, 6, 9]
    assert opened.highest == 9


def test_a_client_that_skips_every_other_channel_takes_no_memory_for_long() -> None:
    opened = OpenedChannels()
    for number in range(0, 200_000, 2):
        opened.add(number)
    assert len(opened._ranges) == 1024
    # All that was opened is known, and of what was skipped the newest.
    assert all(number in opened for number in range(0, 200_000, 2))
    assert 199_997 not in opened
    assert 200_001 not in opened
