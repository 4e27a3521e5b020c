"""Interruptions that nobody asked for, and what comes with those that somebody did."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from segue.simulator.faults.fault import Fault, Lasts, interrupted, turn_complete
from segue.simulator.outgoing import Message, Planned
from segue.simulator.wire.messages import server_content, transcription


@dataclass
class PhantomAfterGeneration(Fault):
    """`interrupted`, `turnComplete` once all is generated and while it is played (langwatch/scenario#360, #907).

    Attributes:
        seconds: how long after `generationComplete`.
    """

    name = "phantom_after_generation"
    seconds: float = 0.05
    _over: bool = field(default=False, init=False)

    def change(self, message: Message, now: float) -> Iterator[Planned]:
        """Bring the end of the turn forward, once it is generated."""
        if not self._over:
            yield now, message
        if message.says("generationComplete"):
            self._over = True
            yield now + self.seconds, interrupted(message.turn)
            yield now + self.seconds, turn_complete(message.turn)


@dataclass
class PhantomAfterTurn(Fault):
    """`interrupted` right after `turnComplete`, when nothing is left to interrupt (livekit/agents realtime_api.py)."""

    name = "phantom_after_turn"

    def change(self, message: Message, now: float) -> Iterator[Planned]:
        """Add to the end of the turn."""
        yield now, message
        if message.says("turnComplete"):
            yield now, interrupted(message.turn)


@dataclass
class PhantomBeforeTurn(Fault):
    """`interrupted`, `turnComplete` with no generation, and then the turn (livekit/agents realtime_api.py)."""

    name = "phantom_before_turn"
    _begun: bool = field(default=False, init=False)

    def change(self, message: Message, now: float) -> Iterator[Planned]:
        """Put an empty turn before the turn."""
        if message.turn and not self._begun:
            self._begun = True
            yield now, interrupted(message.turn)
            yield now, turn_complete(message.turn)
        yield now, message


@dataclass
class PhantomByEcho(Fault):
    """The model takes its own voice on the line for the user's and stops in mid-sentence (cookbook#1197).

    Attributes:
        text: what it takes itself to have heard; empty for no transcript.
    """

    name = "phantom_by_echo"
    chunk = 3
    text: str = " uh"
    _over: bool = field(default=False, init=False)

    def change(self, message: Message, now: float) -> Iterator[Planned]:
        """End the turn here, whatever was still to come."""
        if not message.turn:
            yield now, message
        elif not self._over:
            self._over = True
            if self.text:
                heard = server_content({"inputTranscription": transcription(self.text)})
                yield now, Message(heard, "transcription_sent", {"speaker": "user", "text": self.text, "turn": 0})
            yield now, interrupted(message.turn)
            yield now, turn_complete(message.turn)


@dataclass
class PhantomAfterGreeting(Fault):
    """`interrupted` right after a turn, with no audio of the user's, then no audio to the end (python-genai#2333)."""

    name = "phantom_after_greeting"
    lasts = Lasts.CONNECTION
    _over: bool = field(default=False, init=False)

    def change(self, message: Message, now: float) -> Iterator[Planned]:
        """Let the first turn through, and of later ones their ends only."""
        if not (self._over and silenced(message)):
            yield now, message
        if message.says("turnComplete") and not self._over:
            self._over = True
            yield now, interrupted(message.turn)


@dataclass
class RepeatedInterrupted(Fault):
    """`interrupted` comes again and again for one interruption (pipecat#4131: over ten in a turn).

    Attributes:
        times: how often in all.
    """

    name = "repeated_interrupted"
    times: int = 10

    def change(self, message: Message, now: float) -> Iterable[Planned]:
        """Repeat `interrupted`."""
        return ((now, message) for _ in range(self.times if message.says("interrupted") else 1))


@dataclass
class LateChunks(Fault):
    """Audio of the interrupted turn still comes after `interrupted` (langwatch/scenario#760, a forum report on Vertex).

    Attributes:
        chunks: how many; each is the last one again.
    """

    name = "late_chunks"
    chunks: int = 2
    _last: Message | None = field(default=None, init=False)

    def change(self, message: Message, now: float) -> Iterator[Planned]:
        """Remember the audio, and send some after the interruption."""
        yield now, message
        if message.chunk:
            self._last = message
        if message.says("interrupted") and self._last:
            for _ in range(self.chunks):
                yield now, self._last


@dataclass
class AudioInInterrupted(Fault):
    """Audio in the very message that says `interrupted` (strands-agents/sdk-python#3725)."""

    name = "audio_in_interrupted"
    _last: Message | None = field(default=None, init=False)

    def change(self, message: Message, now: float) -> Iterator[Planned]:
        """Remember the audio, and put it into the interruption."""
        if message.chunk:
            self._last = message
        if self._last and message.says("interrupted"):
            yield now, _joined(self._last, message)
        else:
            yield now, message


def silenced(message: Message) -> bool:
    """Return whether a model that says nothing would not send this."""
    return any(message.says(name) for name in ("modelTurn", "outputTranscription", "generationComplete"))


def _joined(audio: Message, other: Message) -> Message:
    if not isinstance(audio.content, dict) or not isinstance(other.content, dict):
        return other
    content = {"modelTurn": audio.content["serverContent"]["modelTurn"]} | other.content["serverContent"]
    return replace(other, content=other.content | {"serverContent": content})
