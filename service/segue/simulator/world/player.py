"""What a client plays of the model's answers, and what of them was heard."""

from segue.simulator.world.clock import Clock

_BYTES_PER_SECOND = 48_000


class Player:
    """Plays what it gets as soon as what came before is played.

    Attributes:
        turn: the turn whose audio came last; 0 before any.
        answers: how much of answers came; grows with every piece.
        plays_until: when all that came will have been played.
    """

    def __init__(self, clock: Clock) -> None:
        self.turn = 0
        self.answers = 0
        self._clock = clock
        self._turn_seconds = 0.0
        self.plays_until = 0.0
        self._open_turns: set[int] = set()

    def play(self, turn: int, audio: bytes) -> None:
        """Take audio of a turn."""
        if turn != self.turn:
            self.turn, self._turn_seconds = turn, 0.0
        self.read(turn)
        seconds = len(audio) / _BYTES_PER_SECOND
        self._turn_seconds += seconds
        self.plays_until = max(self.plays_until, self._clock.now) + seconds

    def read(self, turn: int) -> None:
        """Take a piece of a turn, which is not over with it."""
        self._open_turns.add(turn)
        self.answers += 1

    def end(self, turn: int) -> None:
        """Take the end of a turn."""
        self._open_turns.discard(turn)
        self.answers += 1

    def stop(self) -> None:
        """Throw away what was not played: it has never come."""
        self._turn_seconds = self.heard
        self.plays_until = self._clock.now

    def played(self, turn: int) -> float | None:
        """Return how much of a turn was played, in seconds; None where that was not looked at."""
        if turn == self.turn:
            return self.heard
        return 0.0 if turn > self.turn else None

    @property
    def heard(self) -> float:
        """How much of the turn was played, in seconds."""
        return max(0.0, self._turn_seconds - max(0.0, self.plays_until - self._clock.now))

    @property
    def playing(self) -> bool:
        """Something is being played."""
        return self.plays_until > self._clock.now

    @property
    def hears_more(self) -> bool:
        """Something is being played, or a turn is not over."""
        return self.playing or bool(self._open_turns)
