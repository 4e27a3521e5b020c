"""Whoever has a session on a stream, and notes what its driver tells."""

from segue.core.outputs import Closed


class Ear:
    def __init__(self) -> None:
        self.wakes = 0
        self.ends = 0
        self.parted: list[Closed] = []

    def wake(self) -> None:
        self.wakes += 1

    def part(self, closed: Closed) -> None:
        self.parted.append(closed)

    def ended(self) -> None:
        self.ends += 1
