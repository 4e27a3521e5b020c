"""When a session is over: once all was said that it began to say, or once one of its limits is reached."""

from math import inf

from segue.core.line import Line
from segue.core.options import Options
from segue.core.outputs import Closed, CloseReason, Next, Totals

# How long a finishing session waits for the model once nothing comes and nothing plays any more, in seconds.
REPLY_TIMEOUT = 12.0


class Ending:
    """One session's. Times are in seconds.

    Attributes:
        closing: how the session ends, once all was said; None while it is not finishing.
    """

    def __init__(self, options: Options, line: Line, now: float) -> None:
        self._max_duration = options.max_duration
        self._idle_timeout = options.idle_timeout
        self._line = line
        self._playback = line.playback
        self._opened_at = now
        self._finishing_at = inf
        self.closing: Closed | None = None

    def finish(self, closing: Closed, now: float) -> None:
        """Let the session end as soon as all was said. It ends of what first made it end."""
        if self.closing is None:
            self.closing, self._finishing_at = closing, now

    def said(self, now: float) -> Closed | None:
        """Return how a session ends that is finishing, if all was said; None otherwise."""
        line = self._line
        lost, owed = line.succession.closing is not None, line.succession.owed
        answering = not lost and (owed or line.downlink.awaits_reply or not line.links.opened)
        said = self._playback.idle and not answering
        return self.closing if said or now >= self._patience() else None

    def limit(self, now: float) -> Closed | None:
        """Return how the session ends, if it lasts for too long or nobody says anything; None otherwise."""
        if now >= self._opened_at + self._max_duration:
            message = f"max_duration of {self._max_duration:g} s is over"
            return Closed(CloseReason.MAX_DURATION, message, Next.OPEN_AGAIN)
        if now >= self._idle_deadline():
            message = f"nobody said anything for {self._idle_timeout:g} s"
            return Closed(CloseReason.IDLE_TIMEOUT, message, Next.OPEN_AGAIN)
        return None

    def deadline(self) -> float:
        """Return when the session is over if nothing happens."""
        at = self._opened_at + self._max_duration
        return min(at, self._idle_deadline() if self.closing is None else self._patience())

    def totals(self, now: float) -> Totals:
        """Return what the session amounts to that ends now."""
        totals = self._playback.totals
        totals.duration = now - self._opened_at
        totals.input_audio = self._line.uplink.audio_seconds
        return totals

    def _idle_deadline(self) -> float:
        busy = self.closing is not None or not self._playback.idle
        return inf if busy else self._quiet_since() + self._idle_timeout

    def _quiet_since(self) -> float:
        # The client still plays what it was given ahead of time.
        return max(self._playback.active_at, self._playback.outbox.player.dry_at)

    def _patience(self) -> float:
        # Links that open and answers that are owed have time-outs of their own; whatever plays is waited for.
        succession = self._line.succession
        if succession.closing is None and (succession.owed or not self._line.links.opened):
            return inf
        return max(self._finishing_at, self._quiet_since()) + REPLY_TIMEOUT
