"""A backend in memory: it notes what the gateway asks of it, and says what the test tells it to say."""

import asyncio
from collections.abc import Callable

from segue.core import events as ev
from segue.core.actions import Setup
from segue.core.profiles import TextSlot

# 16-bit mono at 24000 Hz.
BYTES_PER_SECOND = 48_000


def speech(seconds: float) -> bytes:
    """Return audio of the model of this length."""
    return b"\x10\x20" * round(seconds * BYTES_PER_SECOND / 2)


class ScriptedLink:
    """One link. `sent` holds what the user said, in order; `say` and its shortcuts are what the model says."""

    def __init__(self, number: int, setup: Setup, report: Callable[[ev.LinkEvent], None]) -> None:
        self._number = number
        self.setup = setup
        self._report = report
        self.sent: list[bytes | str] = []
        self.hung_up = False
        self.lost = False

    @property
    def number(self) -> int:
        return self._number

    def send_audio(self, audio: bytes, sample_rate: int) -> None:
        assert sample_rate == 16_000
        self.sent.append(audio)

    def send_text(self, text: str, slot: TextSlot) -> None:
        self.sent.append(text)

    def hang_up(self) -> None:
        self.hung_up = True

    async def wait_closed(self) -> None:
        """It is gone at once."""

    def say(self, event: ev.LinkEvent) -> None:
        """Report an event, as a link does that was not hung up and is not lost."""
        if self.hung_up or self.lost:
            return
        self.lost = isinstance(event, ev.LinkLost)
        self._report(event)

    def open(self) -> None:
        self.say(ev.LinkOpened(self._number))

    def lose(self, cause: ev.LossCause, message: str = "gone", retry_delay: float | None = None) -> None:
        self.say(ev.LinkLost(self._number, cause, message, retry_delay))

    def speak(self, seconds: float, words: str = "") -> None:
        """Say so many seconds of audio, and its words."""
        self.say(ev.ModelAudio(self._number, speech(seconds)))
        if words:
            self.say(ev.ModelTranscribed(self._number, words))

    def complete(self) -> None:
        """End the turn."""
        self.say(ev.GenerationCompleted(self._number))
        self.say(ev.TurnCompleted(self._number, ""))


class ScriptedBackend:
    """Opens every link at once, unless `opens` is False: then the test opens or loses each."""

    def __init__(self, *, opens: bool = True) -> None:
        self.opens = opens
        self.links: list[ScriptedLink] = []
        self.closed = False

    def dial(self, number: int, setup: Setup, report: Callable[[ev.LinkEvent], None]) -> ScriptedLink:
        link = ScriptedLink(number, setup, report)
        self.links.append(link)
        if self.opens:
            asyncio.get_running_loop().call_soon(link.open)
        return link

    async def close(self) -> None:
        self.closed = True
