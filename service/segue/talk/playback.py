"""What the user hears when the answer is played as it arrives, without playing it."""

from dataclasses import dataclass, field

from segue.talk.wav import OUTPUT_SAMPLE_RATE_HERTZ, SAMPLE_BYTES


@dataclass(slots=True)
class _Stretch:
    """Audio of one turn that plays without a gap; `start` counts samples from the beginning of the playback."""

    turn: int
    start: int
    pcm: bytearray = field(default_factory=bytearray)

    @property
    def end(self) -> int:
        return self.start + len(self.pcm) // SAMPLE_BYTES


class Playback:
    """A player on a clock: audio plays at once or after what is still playing, and a turn can be cut where it is.

    Times are seconds of the conversation's clock; audio is 16-bit mono at 24000 Hz.
    """

    def __init__(self, began_at: float) -> None:
        """Begin with silence."""
        self._began_at = began_at
        self._stretches: list[_Stretch] = []

    def play(self, turn: int, pcm: bytes, now: float) -> None:
        """Queue audio of a turn."""
        start = max(self._end, self._position(now))
        if not self._stretches or self._stretches[-1].turn != turn or self._stretches[-1].end != start:
            self._stretches.append(_Stretch(turn, start))
        self._stretches[-1].pcm += pcm

    def stop(self, turn: int, now: float) -> None:
        """Throw away what of the turn was not played yet."""
        position = self._position(now)
        for stretch in self._stretches:
            if stretch.turn == turn:
                del stretch.pcm[max(0, position - stretch.start) * SAMPLE_BYTES :]
        self._stretches = [stretch for stretch in self._stretches if stretch.pcm]

    def heard(self, turn: int, now: float) -> float:
        """Return how much of the turn was played, in seconds."""
        position = self._position(now)
        played = sum(max(0, min(s.end, position) - s.start) for s in self._stretches if s.turn == turn)
        return played / OUTPUT_SAMPLE_RATE_HERTZ

    def quiet(self, now: float) -> bool:
        """Whether all that arrived was played."""
        return self._position(now) >= self._end

    def recording(self) -> bytes:
        """Return what was played, from the beginning to the last sound, with silence where nothing played."""
        recording = bytearray()
        for stretch in self._stretches:
            recording += bytes(stretch.start * SAMPLE_BYTES - len(recording))
            recording += stretch.pcm
        return bytes(recording)

    @property
    def _end(self) -> int:
        return self._stretches[-1].end if self._stretches else 0

    def _position(self, now: float) -> int:
        return round((now - self._began_at) * OUTPUT_SAMPLE_RATE_HERTZ)
