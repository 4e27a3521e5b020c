"""Which channels of a stream were ever opened, in little memory."""

from bisect import bisect_right

# So many ranges are told apart. Older channels between two of them that were skipped then count as opened.
_MAX_RANGES = 1024


class OpenedChannels:
    """The channels that were ever opened, in increasing order: as ranges, since most clients count by one."""

    def __init__(self) -> None:
        self._ranges: list[range] = []

    @property
    def highest(self) -> int:
        """The last of them; -1 for none."""
        return self._ranges[-1][-1] if self._ranges else -1

    def add(self, number: int) -> None:
        """Add a channel that is higher than all before."""
        if self._ranges and self._ranges[-1].stop == number:
            number_range = range(self._ranges.pop().start, number + 1)
        else:
            number_range = range(number, number + 1)
        self._ranges.append(number_range)
        if len(self._ranges) > _MAX_RANGES:
            oldest, next_oldest = self._ranges[:2]
            self._ranges[:2] = [range(oldest.start, next_oldest.stop)]

    def __contains__(self, number: int) -> bool:
        index = bisect_right(self._ranges, number, key=lambda numbers: numbers.start)
        return index > 0 and number in self._ranges[index - 1]
