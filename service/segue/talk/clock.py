"""Real time, in a form that tests can replace."""

import asyncio
import time


class Clock:
    """The clock of a conversation, in seconds of `time.monotonic`."""

    def now(self) -> float:
        """Return the time in seconds."""
        return time.monotonic()

    async def sleep_until(self, at: float) -> None:
        """Wait for a moment; where it is past, let other tasks run and return."""
        await asyncio.sleep(max(0.0, at - self.now()))


class Pace:
    """Equal steps on absolute deadlines: a step that comes late does not delay the ones after it."""

    def __init__(self, clock: Clock, interval: float) -> None:
        """Begin now; `interval` is in seconds."""
        self._clock = clock
        self._interval = interval
        self._began_at = clock.now()
        self._steps = 0

    async def step(self) -> None:
        """Wait until the next step is due. The first is due at once."""
        await self._clock.sleep_until(self._began_at + self._steps * self._interval)
        self._steps += 1
