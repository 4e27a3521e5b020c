"""The numbers of a session's input and output: from 1, without gaps, each used once."""

from enum import Enum, auto
from math import inf

from segue.core.outputs import UNNUMBERED, Output

# Numbered input is acknowledged at most this much later, in seconds; a client keeps up to 30 s of it.
ACK_DELAY = 1.0


class Verdict(Enum):
    NEXT = auto()
    REPEAT = auto()
    GAP = auto()


class Numbers:
    """Counts both directions. An acknowledgement is due once input went where a crash of this pod cannot matter."""

    def __init__(self) -> None:
        self.last_input = 0
        self._last_output = 0
        self._ack_at = inf

    def judge(self, seq: int) -> Verdict:
        """Take the number of an input: 0 is always next, a lower one than expected is a repeat."""
        if seq == 0:
            return Verdict.NEXT
        if seq <= self.last_input:
            return Verdict.REPEAT
        if seq > self.last_input + 1:
            return Verdict.GAP
        self.last_input = seq
        return Verdict.NEXT

    def pass_on(self, now: float) -> None:
        """Note that the input so far was passed on or needs not be."""
        if self.last_input:
            self._ack_at = min(self._ack_at, now + ACK_DELAY)

    @property
    def ack_at(self) -> float:
        """When an acknowledgement is due; inf when there is nothing to acknowledge."""
        return self._ack_at

    def acknowledge(self) -> int:
        """Return the number to acknowledge; nothing is due any more."""
        self._ack_at = inf
        return self.last_input

    def number(self, output: Output) -> int:
        """Return the number with which this output leaves; 0 for what carries none."""
        if isinstance(output, UNNUMBERED):
            return 0
        self._last_output += 1
        return self._last_output
