"""Virtual time: what is due next happens now, however long that would have taken."""

import heapq
from collections.abc import Callable
from itertools import count


class Alarm:
    """Something that will be done at a time, unless it is cancelled."""

    __slots__ = ("at", "do")

    def __init__(self, at: float, do: Callable[[], None]) -> None:
        self.at = at
        self.do: Callable[[], None] | None = do

    def cancel(self) -> None:
        """Let it not be done."""
        self.do = None


class Clock:
    """The time of a world, in seconds. What is due at the same time is done in the order in which it was asked for.

    Attributes:
        now: the time.
    """

    def __init__(self, now: float = 0.0) -> None:
        self.now = now
        self._alarms: list[tuple[float, int, Alarm]] = []
        self._orders = count()

    def at(self, when: float, do: Callable[[], None]) -> Alarm:
        """Have something done at a time; what is past is done next."""
        alarm = Alarm(max(when, self.now), do)
        heapq.heappush(self._alarms, (alarm.at, next(self._orders), alarm))
        return alarm

    def after(self, seconds: float, do: Callable[[], None]) -> Alarm:
        """Have something done so many seconds from now."""
        return self.at(self.now + seconds, do)

    def run(self, until: float) -> None:
        """Do all that is due up to a time, which it is afterwards."""
        alarms = self._alarms
        while alarms and alarms[0][0] <= until:
            when, _, alarm = heapq.heappop(alarms)
            if alarm.do is not None:
                self.now = when
                alarm.do()
        self.now = until
