"""A backend in memory: it notes what the gateway asks of it, and says what the test tells it to say."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from segue.core import events as ev
from segue.core.actions import Purpose, Setup
from segue.core.options import FunctionDeclaration, Scheduling, Update
from segue.core.profiles import NoteSlot, TextSlot

# 16-bit mono at 24000 Hz.
BYTES_PER_SECOND = 48_000


def speech(seconds: float) -> bytes:
    """Return audio of the model of this length."""
    return b"\x10\x20" * round(seconds * BYTES_PER_SECOND / 2)


@dataclass(frozen=True, slots=True)
class Note:
    text: str
    slot: NoteSlot


@dataclass(frozen=True, slots=True)
class Image:
    content: bytes
    mime_type: str


@dataclass(frozen=True, slots=True)
class Activity:
    started: bool


@dataclass(frozen=True, slots=True)
class ToolResult:
    call_id: str
    name: str
    response: str
    scheduling: Scheduling | None
    will_continue: bool


class ScriptedLink:
    """One link. `sent` holds what it was given for the model, in order; `say` and its shortcuts are what that says.

    `setup` is the newest it was given: by the dial, or by `set_up` for a link that was held.
    """

    def __init__(
        self,
        number: int,
        setup: Setup,
        report: Callable[[ev.LinkEvent], None],
        *,
        purpose: Purpose = Purpose.OPEN,
        held: bool = False,
        opens: bool = False,
        credential: str = "",
        allowed: tuple[str, ...] = (),
    ) -> None:
        self._number = number
        self.setup = setup
        self._report = report
        self.purpose = purpose
        self.held = held
        self.credential = credential
        self.allowed = allowed
        self._opens = opens
        self.sent: list[bytes | str | Note | Image | Update | Activity | ToolResult] = []
        self.hung_up = False
        self.lost = False

    @property
    def number(self) -> int:
        return self._number

    def set_up(self, setup: Setup) -> None:
        assert self.held
        self.held = False
        self.setup = setup
        if self._opens:
            asyncio.get_running_loop().call_soon(self.open)

    def send_audio(self, audio: bytes, sample_rate: int) -> None:
        assert sample_rate == 16_000
        self.sent.append(audio)

    def send_text(self, text: str, slot: TextSlot) -> None:
        self.sent.append(text)

    def send_note(self, text: str, slot: NoteSlot) -> None:
        self.sent.append(Note(text, slot))

    def send_image(self, content: bytes, mime_type: str) -> None:
        self.sent.append(Image(content, mime_type))

    def send_update(
        self,
        system_instruction: str | None,
        functions: tuple[FunctionDeclaration, ...] | None,
        built_in_tools: tuple[str, ...] | None,
    ) -> None:
        self.sent.append(Update(system_instruction, functions, built_in_tools))

    def send_activity(self, started: bool) -> None:
        self.sent.append(Activity(started))

    def send_tool_result(
        self, call_id: str, name: str, response: str, scheduling: Scheduling | None, will_continue: bool
    ) -> None:
        self.sent.append(ToolResult(call_id, name, response, scheduling, will_continue))

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

    def hold(self) -> None:
        """Say that the connection stands."""
        self.say(ev.LinkHeld(self._number))

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
    """Holds and opens every link at once, unless `opens` is False: then the test holds, opens or loses each."""

    def __init__(self, *, opens: bool = True) -> None:
        self.opens = opens
        self.links: list[ScriptedLink] = []
        self.closed = False

    def dial(
        self,
        number: int,
        setup: Setup,
        report: Callable[[ev.LinkEvent], None],
        *,
        purpose: Purpose = Purpose.OPEN,
        hold: bool = False,
        credential: str = "",
        allowed: tuple[str, ...] = (),
    ) -> ScriptedLink:
        link = ScriptedLink(
            number,
            setup,
            report,
            purpose=purpose,
            held=hold,
            opens=self.opens,
            credential=credential,
            allowed=allowed,
        )
        self.links.append(link)
        if self.opens:
            asyncio.get_running_loop().call_soon(link.hold if hold else link.open)
        return link

    async def close(self) -> None:
        self.closed = True
