"""What a session has to say and has not yet said, and the player that paces it.

Owns three rules: audio is released at most `lead` ahead of a virtual player, of a client that acknowledges no more than
fits into its window, and what is not yet released can still be thrown away.
"""

from collections import deque
from dataclasses import dataclass
from math import inf
from typing import TypeAlias

from segue.core.outputs import Audio, Interrupted, Output, Text, Transcript, TurnEnded
from segue.core.window import Window

Spoken: TypeAlias = Audio | Text | Transcript | Interrupted | TurnEnded

# A time that cannot be represented exactly must not make a frame wait for another tick.
_EPSILON = 1e-6


class Player:
    """The clock of a listener who plays what it is given at once, and stops when it has nothing left.

    It is paused while nobody listens.
    """

    def __init__(self) -> None:
        self._dry_at = -inf
        # What is left to play while it is paused, in seconds.
        self._left: float | None = None

    def give(self, seconds: float, now: float) -> None:
        """Add audio behind what is still playing."""
        self._dry_at = max(self._dry_at, now) + seconds

    def ahead(self, now: float) -> float:
        """Return how many seconds of what was given are not yet played."""
        return max(0.0, self._dry_at - now) if self._left is None else self._left

    @property
    def dry_at(self) -> float:
        """When everything given so far will have been played; -inf when nothing was ever given, inf while it waits."""
        return inf if self._left else self._dry_at

    def stop(self, now: float) -> None:
        """Forget what is not yet played: the listener was told to throw it away."""
        self._dry_at = min(self._dry_at, now)
        if self._left is not None:
            self._left = 0.0

    def pause(self, now: float) -> None:
        """Play nothing from here on."""
        self._left = self.ahead(now)

    def go_on(self, seconds: float, now: float) -> None:
        """Play on, what so many seconds are left of."""
        self._left = None
        self._dry_at = now + seconds if seconds > 0 else min(self._dry_at, now)


@dataclass(frozen=True, slots=True)
class _Playout:
    """Holds back what follows it until all audio before it has been played."""

    turn: int


class Outbox:
    """Two queues: urgent outputs, which never wait, and the model's speech with all that must stay in order with it.

    Args:
        bytes_per_second: of the audio that is put in.
        frame_bytes: the size of one audio output; only the last of a turn may be shorter.
        lead: how far ahead of the player audio is released, in seconds; inf releases it at once.
    """

    def __init__(self, bytes_per_second: int, frame_bytes: int, lead: float) -> None:
        self._bytes_per_second = bytes_per_second
        self._frame_bytes = frame_bytes
        self.pace(lead)
        self._urgent: deque[Output] = deque()
        self._spoken: deque[Spoken | _Playout] = deque()
        # What is shorter than a frame, of the turn that speech was last put for.
        self._rest = b""
        self._rest_turn = 0
        self._held_bytes = 0
        # The turn whose audio the player plays or has played last.
        self._played_turn = 0
        self.player = Player()
        self.window = Window()

    @property
    def held(self) -> float:
        """Seconds of audio that wait for their release."""
        return self._held_bytes / self._bytes_per_second

    @property
    def held_bytes(self) -> int:
        """The size of the audio that waits for its release."""
        return self._held_bytes

    @property
    def empty(self) -> bool:
        return not self._urgent and not self._spoken

    def pace(self, lead: float) -> None:
        """Release audio so far ahead of the player from here on, in seconds; inf releases it at once."""
        self._lead = lead
        # Where there is room for several frames they leave together: one timer and one stream message for all of them.
        self._burst = 0.0 if lead == inf else lead / 8

    def put_urgent(self, output: Output) -> None:
        """Queue an output that overtakes the model's speech."""
        self._urgent.append(output)

    def put_spoken(self, output: Text | Transcript) -> None:
        """Queue an output behind the audio that was put before it."""
        self._spoken.append(output)

    def put_audio(self, turn: int, audio: bytes) -> None:
        """Queue speech of any length; it leaves in frames. The turn before must have been ended with `put_end`."""
        frame_bytes = self._frame_bytes
        self._held_bytes += len(audio)
        if not self._rest and len(audio) == frame_bytes:
            self._spoken.append(Audio(turn, audio))
            return
        if self._rest:
            audio = self._rest + audio
        whole = len(audio) - len(audio) % frame_bytes
        for start in range(0, whole, frame_bytes):
            self._spoken.append(Audio(turn, audio[start : start + frame_bytes]))
        self._rest, self._rest_turn = audio[whole:], turn

    def put_last_frame(self, turn: int) -> None:
        """Let the turn's last frame go although it is short. An odd byte is half a sample, and is dropped."""
        whole = len(self._rest) - len(self._rest) % 2
        self._held_bytes -= len(self._rest) - whole
        if whole:
            self._spoken.append(Audio(turn, self._rest[:whole]))
        self._rest = b""

    def put_end(self, ended: TurnEnded) -> None:
        """Queue the end of a turn, to be said when all its audio has been played."""
        self.put_last_frame(ended.turn)
        self._spoken.append(_Playout(ended.turn))
        self._spoken.append(ended)

    def put_break(self, interrupted: Interrupted, ended: TurnEnded) -> None:
        """Queue the end of a turn that broke off, to be said when what there is of it has been played."""
        self._spoken.append(_Playout(ended.turn))
        self._spoken.append(interrupted)
        self._spoken.append(ended)

    def shorten(self, turn: int, seconds: float) -> float:
        """Keep so much of the turn's unreleased audio and the words that go with it; throw the rest away.

        Returns:
            The seconds of audio thrown away.
        """
        held = self._held_bytes
        room = round(seconds * self._bytes_per_second / 2) * 2
        kept: deque[Spoken | _Playout] = deque()
        for spoken in self._spoken:
            if spoken.turn == turn and isinstance(spoken, Audio):
                if room > 0:
                    kept.append(Audio(turn, spoken.audio[:room]))
                self._held_bytes -= max(0, len(spoken.audio) - max(0, room))
                room -= len(spoken.audio)
            elif spoken.turn != turn or room >= 0:
                kept.append(spoken)
        self._spoken = kept
        return (held - self._held_bytes) / self._bytes_per_second

    def discard(self, turn: int, now: float) -> float:
        """Throw away all of the turn that is not yet released, its end included.

        Returns:
            The seconds of audio thrown away.
        """
        held = self._held_bytes
        kept = [spoken for spoken in self._spoken if spoken.turn != turn]
        if self._rest_turn == turn:
            self._rest = b""
        self._spoken = deque(kept)
        self._held_bytes = len(self._rest) + sum(len(spoken.audio) for spoken in kept if isinstance(spoken, Audio))
        # A turn that waits is cut without a sound: the one before it plays on.
        if self._played_turn == turn:
            self.player.stop(now)
        return (held - self._held_bytes) / self._bytes_per_second

    def ready_at(self) -> float:
        """Return when something can be taken: -inf for at once, inf for not before something is put."""
        if self._urgent:
            return -inf
        if not self._spoken:
            return inf
        head = self._spoken[0]
        if isinstance(head, _Playout):
            return self.player.dry_at
        if isinstance(head, Audio):
            # What does not fit waits for the client's next acknowledgement.
            fits = len(head.audio) <= self.window.room
            return self._release_at(max(self._seconds(head), self._burst)) if fits else inf
        return -inf

    def take(self, now: float, max_events: int, max_bytes: int) -> list[Output]:
        """Remove and return what may leave now, at most so many events and audio bytes."""
        taken: list[Output] = []
        while self._urgent and len(taken) < max_events:
            taken.append(self._urgent.popleft())
        if self._urgent or self.ready_at() > now + _EPSILON:
            return taken
        room = min(max_bytes, self.window.room)
        while self._spoken and len(taken) < max_events:
            head = self._spoken[0]
            if isinstance(head, _Playout):
                if self.player.dry_at > now + _EPSILON:
                    break
                self._spoken.popleft()
                continue
            if isinstance(head, Audio):
                room -= len(head.audio)
                if room < 0 or self._release_at(self._seconds(head)) > now + _EPSILON:
                    break
                self._held_bytes -= len(head.audio)
                self._played_turn = head.turn
                self.player.give(self._seconds(head), now)
            self._spoken.popleft()
            taken.append(head)
        return taken

    def _seconds(self, frame: Audio) -> float:
        return len(frame.audio) / self._bytes_per_second

    def _release_at(self, seconds: float) -> float:
        # So much audio fits into the lead then; what is longer than the lead goes when the player runs dry.
        return self.player.dry_at - max(0.0, self._lead - seconds)
