"""Turns that end too early, too late or never, and audio that is not as it should be."""

import base64
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from segue.simulator.faults.fault import Fault, Lasts, Occasion, turn_complete
from segue.simulator.outgoing import Message, Planned
from segue.simulator.speech import SAMPLE_BYTES, SAMPLE_RATE
from segue.simulator.values import SettingError


@dataclass
class GenerationStops(Fault):
    """The answer breaks off: no more audio, no `generationComplete`, no `turnComplete` (examples#54)."""

    name = "generation_stops"
    chunk = 2
    _interrupted: bool = field(default=False, init=False)

    def change(self, message: Message, now: float) -> Iterable[Planned]:
        """Drop the rest of the turn, unless the user interrupts it."""
        self._interrupted |= message.says("interrupted")
        return () if message.turn and not self._interrupted else ((now, message),)


@dataclass
class MissingTurnComplete(Fault):
    """All of the answer comes, but never its `turnComplete` (cookbook#1346: none for 50 s)."""

    name = "missing_turn_complete"

    def change(self, message: Message, now: float) -> Iterable[Planned]:
        """Drop the end of the turn."""
        return () if message.says("turnComplete") else ((now, message),)


@dataclass
class EarlyTurnComplete(Fault):
    """`turnComplete` in the middle of an answer (python-genai#2117, cookbook#1227).

    Attributes:
        truncates: the rest of the answer never comes; else it follows, as if it belonged to no turn.
    """

    name = "early_turn_complete"
    chunk = 2
    truncates: bool = True
    _over: bool = field(default=False, init=False)

    def change(self, message: Message, now: float) -> Iterator[Planned]:
        """Send the end of the turn now, and not again."""
        if not self._over:
            self._over = True
            yield now, turn_complete(message.turn)
        if not message.turn or not (self.truncates or message.says("turnComplete")):
            yield now, message


@dataclass
class NearSilentAudio(Fault):
    """An answer whose audio nobody can hear: amplitudes near zero (examples#40: 5.9 % of calls)."""

    name = "near_silent_audio"

    def change(self, message: Message, now: float) -> Iterable[Planned]:
        """Leave the four highest bits of each sample, as its lowest."""
        return ((now, _with_audio(message, lambda pcm: (np.frombuffer(pcm, "<i2") >> 12).tobytes())),)


@dataclass
class SlowAudio(Fault):
    """Audio comes slower than it is played (livekit/livekit#3604, gemini-live-api-examples#57).

    Attributes:
        speed: seconds of audio in a second.
    """

    name = "slow_audio"
    occasion = Occasion.CONNECTION
    lasts = Lasts.CONNECTION
    speed: float = 0.8
    _free_at: float = field(default=0.0, init=False)

    def change(self, message: Message, now: float) -> Iterator[Planned]:
        """Send what is of a turn in its order, none of it before the audio ahead of it is through."""
        at = max(now, self._free_at) if message.turn else now
        if message.chunk:
            self._free_at = at + _seconds(message) / self.speed
        yield at, message

    def __post_init__(self) -> None:
        if not self.speed:
            raise SettingError("speed must be over 0")


def _seconds(message: Message) -> float:
    return sum(len(pcm) for pcm in _audio(message)) / (SAMPLE_RATE * SAMPLE_BYTES)


def _audio(message: Message) -> Iterator[bytes]:
    for part in _parts(message):
        if "inlineData" in part:
            yield base64.b64decode(part["inlineData"]["data"])


def _parts(message: Message) -> list[dict[str, Any]]:
    content = message.content if isinstance(message.content, dict) else {}
    parts: list[dict[str, Any]] = content.get("serverContent", {}).get("modelTurn", {}).get("parts", [])
    return parts


def _with_audio(message: Message, change: Callable[[bytes], bytes]) -> Message:
    """Return the message with its audio changed."""
    if not message.chunk or not isinstance(message.content, dict):
        return message
    body = message.content["serverContent"]
    parts = [
        part | {"inlineData": part["inlineData"] | {"data": _encoded(change, part["inlineData"]["data"])}}
        if "inlineData" in part
        else part
        for part in body["modelTurn"]["parts"]
    ]
    content = message.content | {"serverContent": body | {"modelTurn": body["modelTurn"] | {"parts": parts}}}
    return replace(message, content=content)


def _encoded(change: Callable[[bytes], bytes], audio: str) -> str:
    return base64.b64encode(change(base64.b64decode(audio))).decode("ascii")
