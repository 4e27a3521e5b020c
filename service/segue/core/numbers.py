"""The numbers of a session's input and output: from 1, without gaps, each used once."""

from collections import deque
from enum import Enum, auto
from math import inf

from segue.core.outputs import UNNUMBERED, Output

# Numbered input is acknowledged at most this much later, in seconds; a client keeps up to 30 s of it.
ACK_DELAY = 1.0


class Verdict(Enum):
    NEXT = auto()
    # It comes later than the next one, as it may after a resume.
    AHEAD = auto()
    REPEAT = auto()
    GAP = auto()


class Numbers:
    """Counts both directions, and says up to where the client need not keep its input any more."""

    def __init__(self) -> None:
        self.last_input = 0
        self._may_skip = False
        self._last_output = 0
        self._acknowledged = 0
        # The last input that had come when the acknowledgement became due, which may have been silence before a word.
        self._passed_on = 0
        self._ack_at = inf
        # Input that may have to be given to the model again, with the serial of the journal after it.
        self._needed: deque[tuple[int, int]] = deque()

    def judge(self, seq: int) -> Verdict:
        """Take the number of an input: 0 is always next, a lower one than expected is a repeat."""
        if seq == 0:
            return Verdict.NEXT
        if seq <= self.last_input:
            # Its client may not have had the acknowledgement.
            self._acknowledged = min(self._acknowledged, seq - 1)
            return Verdict.REPEAT
        ahead = seq > self.last_input + 1
        if ahead and not self._may_skip:
            return Verdict.GAP
        self._may_skip = False
        self.last_input = seq
        return Verdict.AHEAD if ahead else Verdict.NEXT

    def resume(self) -> int:
        """Let the next numbered input skip forward, since its client may not keep all; return the last that came."""
        self._may_skip = True
        return self.last_input

    def need(self, seq: int, serial: int) -> None:
        """Note that an input is needed until everything before this serial of the journal is answered or covered."""
        self._needed.append((seq, serial))

    def pass_on(self, now: float) -> None:
        """Note that the input so far was passed on or needs not be."""
        if self.last_input > self._acknowledged and self._ack_at == inf:
            self._ack_at, self._passed_on = now + ACK_DELAY, self.last_input

    @property
    def ack_at(self) -> float:
        """When an acknowledgement is due; inf when there is nothing to acknowledge."""
        return self._ack_at

    def acknowledge(self, covered: float, now: float) -> int:
        """Return the number to acknowledge, 0 where that is no news; `covered` is a serial of the journal."""
        while self._needed and self._needed[0][1] <= covered:
            self._needed.popleft()
        safe = min(self._passed_on, self._needed[0][0] - 1 if self._needed else inf)
        news = safe > self._acknowledged
        if news:
            self._acknowledged = int(safe)
        self._ack_at = inf
        self.pass_on(now)
        return self._acknowledged if news else 0

    def settle(self) -> int:
        """Return the number to acknowledge, 0 for none, now that nothing of the input is needed any more."""
        self._ack_at = inf
        self._needed.clear()
        news, self._acknowledged = self.last_input > self._acknowledged, self.last_input
        return self.last_input if news else 0

    def number(self, output: Output) -> int:
        """Return the number with which this output leaves; 0 for what carries none."""
        if isinstance(output, UNNUMBERED):
            return 0
        self._last_output += 1
        return self._last_output
