"""What the gateway needs of a model's service: links that are dialled, talked to and hung up."""

from collections.abc import Callable
from typing import Protocol

from segue.core.actions import Purpose, Setup
from segue.core.events import LinkEvent
from segue.core.options import FunctionDeclaration, Scheduling
from segue.core.profiles import NoteSlot, TextSlot


class Link(Protocol):
    """One conversation with the model's service, over one connection.

    Nothing here blocks or raises. What is sent before LinkOpened, after LinkLost or after `hang_up` is dropped. All of
    it belongs to the event loop in which the link was dialled.
    """

    @property
    def number(self) -> int:
        """The number it was dialled with, which all its events carry."""

    def set_up(self, setup: Setup) -> None:
        """Set up a link that was dialled with `hold`, with this in place of what it was dialled with.

        The model may be another one than that of the dial, if neither is named with its path. May come before LinkHeld,
        which then is not reported; a second one is dropped.
        """

    def send_audio(self, audio: bytes, sample_rate: int) -> None:
        """Give user audio to the model: 16-bit little-endian mono of `sample_rate` Hz."""

    def send_text(self, text: str, slot: TextSlot) -> None:
        """Give the user's words to the model, which is to answer them."""

    def send_note(self, text: str, slot: NoteSlot) -> None:
        """Give context to the model, which is not to answer it; NoteSlot.NONE sends nothing."""

    def send_image(self, content: bytes, mime_type: str) -> None:
        """Show the model a picture; `mime_type` is "image/jpeg" or "image/png"."""

    def send_update(
        self,
        system_instruction: str | None,
        functions: tuple[FunctionDeclaration, ...] | None,
        built_in_tools: tuple[str, ...] | None,
    ) -> None:
        """Give the model another system instruction, other tools, or both; what is None stays as it is."""

    def send_activity(self, started: bool) -> None:
        """Tell the model that the user begins to speak, or has finished; only where the mode signals that."""

    def send_tool_result(
        self, call_id: str, name: str, response: str, scheduling: Scheduling | None, will_continue: bool
    ) -> None:
        """Give the result of a call to the model: `response` is a JSON object, as text."""

    def hang_up(self) -> None:
        """Begin to close the connection. Nothing is reported from here on; may be called from within a report."""

    async def wait_closed(self) -> None:
        """Wait until the connection and everything else of the link is gone, after LinkLost or `hang_up`."""


class Account(Protocol):
    """A model's service, reached with one credential."""

    def dial(
        self,
        number: int,
        setup: Setup,
        report: Callable[[LinkEvent], None],
        *,
        purpose: Purpose = Purpose.OPEN,
        hold: bool = False,
    ) -> Link:
        """Start to open a link and return at once.

        With `hold` only the connection is opened, and the setup waits for `Link.set_up`. `purpose` tells how urgent it
        is, to whoever limits dials.

        `report` is called from the event loop, never from within a method of the link: first with LinkOpened or
        LinkLost (before them with LinkHeld, if it is held), then with what the model says, and nothing follows
        LinkLost. It must not raise.
        """

    async def close(self) -> None:
        """Hang up all links, wait until they are gone, and release the rest."""


class Backend(Protocol):
    """A model's service, reached with one of several credentials."""

    def dial(
        self,
        number: int,
        setup: Setup,
        report: Callable[[LinkEvent], None],
        *,
        purpose: Purpose = Purpose.OPEN,
        hold: bool = False,
        credential: str = "",
        allowed: tuple[str, ...] = (),
    ) -> Link:
        """Start to open a link and return at once; see `Account.dial`.

        `credential` is the one to stay with, `allowed` are those to choose from; empty for any. LinkHeld and LinkOpened
        tell with which it was dialled, and LinkLost whether another one is of more use. A setup with a handle goes out
        with `credential` only.
        """

    async def close(self) -> None:
        """Hang up all links, wait until they are gone, and release the rest."""
