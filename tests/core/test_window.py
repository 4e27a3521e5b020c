"""The window: what is on its way is counted to the byte, in little memory."""

from random import Random

import pytest

from segue.core.window import Window
from segue.simulator.world.sizes import held_bytes

# Half a MiB of audio in frames of 10 ms.
_FRAMES, _FRAME_BYTES = 1092, 480


@pytest.mark.parametrize("seed", range(20))
def test_what_is_on_its_way_is_counted_to_the_byte(seed: int) -> None:
    chance, window, limit = Random(seed), Window(5000), 5000
    window.acknowledge(0)
    unacked: dict[int, int] = {}
    seq = 0
    for _ in range(500):
        # Words have numbers, too.
        seq += chance.choice([1, 1, 1, 2])
        size = chance.choice([480, 480, 480, 100])
        if size <= window.room:
            unacked[seq] = size
            window.release(seq, size)
        if chance.random() < 0.2:
            acked = seq - chance.randrange(10)
            window.acknowledge(acked)
            unacked = {number: size for number, size in unacked.items() if number > acked}
        assert window.room == limit - sum(unacked.values())


def test_of_what_was_released_before_the_first_acknowledgement_no_more_counts_than_fills_the_window() -> None:
    window = Window(5 * 480 - 1)
    for seq in range(1, 21):
        window.release(seq, 480)
    window.acknowledge(15)
    assert window.room == -1
    window.acknowledge(17)
    assert window.room == 2 * 480 - 1


def test_small_frames_in_a_row_take_hardly_more_memory_than_one() -> None:
    window = Window(_FRAMES * _FRAME_BYTES)
    window.release(1, _FRAME_BYTES)
    one = held_bytes(window)
    for seq in range(2, _FRAMES + 1):
        window.release(seq, _FRAME_BYTES)
    window.acknowledge(0)
    assert window.room == 0
    assert held_bytes(window) <= one + 100
