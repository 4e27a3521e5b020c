"""The backend that dials when a gate lets it."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest

from segue.backend.dialling import Dialler
from segue.backend.link import Link
from segue.core import events as ev
from segue.core.actions import Purpose, Setup
from segue.core.events import LossCause
from segue.core.options import Modality, Scheduling, ServerDetection, Update
from segue.core.profiles import PROFILES, NoteSlot, Profile, TextSlot
from tests.scripted_backend import Activity, Image, Note, ScriptedBackend, ToolResult
from tests.waiting import wait_until

SETUP = Setup("gemini-3.8-live", "", "", "", Modality.AUDIO, ServerDetection(), None)


class Caller:
    """Whoever dials through a dialler, and what it is told."""

    def __init__(
        self,
        *,
        opens: bool = False,
        rate: float = 1_000.0,
        burst: int = 100,
        profiles: tuple[Profile, ...] = PROFILES,
    ) -> None:
        self.backend = ScriptedBackend(opens=opens)
        self.breaker: list[tuple[str, bool]] = []
        self.available: list[bool] = []
        self.ready = 0
        self.dialler = Dialler(
            self.backend,
            profiles,
            rate=rate,
            burst=burst,
            watcher=self,
        )
        self.heard: list[ev.LinkEvent] = []
        self._numbers: Iterator[int] = count(1)

    def breaker_changed(self, family: str, is_open: bool) -> None:
        self.breaker.append((family, is_open))

    def availability_changed(self, available: bool) -> None:
        self.available.append(available)

    def reserve_changed(self, ready: int) -> None:
        self.ready = ready

    def dial(self, *, purpose: Purpose = Purpose.OPEN, hold: bool = False) -> Link:
        return self.dialler.dial(next(self._numbers), SETUP, self.heard.append, purpose=purpose, hold=hold)

    def open_breaker(self) -> None:
        for _ in range(5):
            self.dial()
            self.backend.links[-1].lose(LossCause.UNAVAILABLE, "Nobody is there.")
        self.heard.clear()


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one dial try as soon as the breaker has opened."""
    monkeypatch.setattr("segue.backend.breaker.FIRST_PAUSE", 0.0)


@pytest.mark.usefixtures("no_task_left")
class TestDialler:
    async def test_a_link_is_as_good_as_the_backends_own(self) -> None:
        caller = Caller()
        link = caller.dial(purpose=Purpose.RENEWAL, hold=True)
        (behind,) = caller.backend.links
        assert (link.number, behind.number, behind.purpose, behind.held) == (1, 1, Purpose.RENEWAL, True)
        behind.hold()
        link.set_up(replace(SETUP, handle="h"))
        assert behind.setup.handle == "h"
        behind.open()
        link.send_audio(b"\x00\x01", 16_000)
        link.send_text("Hi", TextSlot.CONTENT)
        link.send_note("Note", NoteSlot.SYSTEM)
        link.send_image(b"png", "image/png")
        link.send_update("Be brief.", (), ("googleSearch",))
        link.send_activity(True)
        link.send_tool_result("1", "f", "{}", Scheduling.SILENT, True)
        assert behind.sent == [
            b"\x00\x01",
            "Hi",
            Note("Note", NoteSlot.SYSTEM),
            Image(b"png", "image/png"),
            Update("Be brief.", (), ("googleSearch",)),
            Activity(True),
            ToolResult("1", "f", "{}", Scheduling.SILENT, True),
        ]
        behind.speak(0.1)
        assert [type(event) for event in caller.heard] == [ev.LinkHeld, ev.LinkOpened, ev.ModelAudio]
        link.hang_up()
        assert behind.hung_up
        await link.wait_closed()

    async def test_a_dial_that_waits_is_dialled_when_its_time_comes(self) -> None:
        caller = Caller(opens=True, rate=100, burst=1)
        loop = asyncio.get_running_loop()
        started = loop.time()
        for _ in range(3):
            caller.dial()
        await wait_until(lambda: len(caller.heard) == 3)
        assert loop.time() - started >= 0.0199
        assert caller.heard == [ev.LinkOpened(1), ev.LinkOpened(2), ev.LinkOpened(3)]

    async def test_a_dial_that_waits_drops_what_it_is_given_and_can_be_hung_up(self, no_pause: None) -> None:
        caller = Caller()
        caller.open_breaker()
        caller.dial()
        waiting, last = caller.dial(), caller.dial()
        for link in (waiting, last):
            link.send_audio(b"\x00\x01", 16_000)
            link.send_text("Hi", TextSlot.CONTENT)
            link.send_note("Note", NoteSlot.SYSTEM)
            link.send_image(b"png", "image/png")
            link.send_update("Be brief.", None, None)
            link.send_activity(True)
            link.send_tool_result("1", "f", "{}", None, False)
        waiting.hang_up()
        await waiting.wait_closed()
        assert len(caller.backend.links) == 6
        caller.backend.links[5].open()
        assert [behind.number for behind in caller.backend.links[6:]] == [last.number]
        assert caller.backend.links[6].sent == []

    async def test_a_held_dial_that_is_set_up_while_it_waits_needs_no_holding(self, no_pause: None) -> None:
        caller = Caller()
        caller.open_breaker()
        caller.dial()
        link = caller.dial(hold=True)
        link.set_up(replace(SETUP, handle="h"))
        caller.backend.links[5].open()
        behind = caller.backend.links[6]
        assert (behind.number, behind.held, behind.setup.handle) == (link.number, False, "h")

    async def test_a_refusal_comes_after_the_dial_and_says_why(self) -> None:
        caller = Caller()
        caller.open_breaker()
        assert caller.breaker == [("3.8-live", True)]
        link = caller.dial()
        assert caller.heard == []
        await wait_until(lambda: caller.heard)
        (lost,) = caller.heard
        assert isinstance(lost, ev.LinkLost)
        assert (lost.link, lost.cause, lost.code) == (link.number, LossCause.UNAVAILABLE, 0)
        assert lost.message.endswith("Nobody is there.")
        assert lost.retry_delay is not None
        assert 0 < lost.retry_delay <= 1.0
        assert len(caller.backend.links) == 5
        link.hang_up()
        await link.wait_closed()

    async def test_who_hangs_up_is_told_of_no_refusal(self) -> None:
        caller = Caller()
        caller.open_breaker()
        caller.dial().hang_up()
        caller.dial()
        await wait_until(lambda: caller.heard)
        assert [event.link for event in caller.heard] == [7]

    async def test_the_breaker_closes_when_the_one_that_tries_is_opened(self, no_pause: None) -> None:
        caller = Caller()
        caller.open_breaker()
        probe, other = caller.dial(), caller.dial()
        assert len(caller.backend.links) == 6
        probe.hang_up()
        assert [behind.number for behind in caller.backend.links[5:]] == [probe.number, other.number]
        assert caller.breaker == [("3.8-live", True)]
        caller.backend.links[-1].open()
        assert caller.breaker == [("3.8-live", True), ("3.8-live", False)]
        assert caller.heard == [ev.LinkOpened(other.number)]

    async def test_a_held_link_that_cannot_be_set_up_is_a_dial_that_failed(self) -> None:
        caller = Caller()
        for _ in range(5):
            link = caller.dial(purpose=Purpose.RENEWAL, hold=True)
            caller.backend.links[-1].hold()
            link.set_up(SETUP)
            caller.backend.links[-1].lose(LossCause.UNAVAILABLE)
        assert caller.breaker == [("3.8-live", True)]

    async def test_a_family_is_named_as_the_settings_name_it(self) -> None:
        caller = Caller(profiles=(Profile("mine", ("gemini-3.8",)), Profile("newest", ())))
        caller.open_breaker()
        assert caller.breaker == [("mine", True)]

    async def test_links_that_were_up_are_no_business_of_the_breaker(self) -> None:
        caller = Caller()
        links = [caller.dial() for _ in range(10)]
        for behind in caller.backend.links:
            behind.open()
        for behind in caller.backend.links:
            behind.lose(LossCause.UNAVAILABLE)
        assert caller.breaker == []
        assert len(caller.heard) == 2 * len(links)

    async def test_closing_forgets_what_waits_and_closes_the_backend(self) -> None:
        caller = Caller(rate=1, burst=1)
        caller.dial()
        caller.dial()
        assert caller.dialler._timer is not None
        await caller.dialler.close()
        assert caller.backend.closed
        assert caller.dialler._timer is None
        assert len(caller.backend.links) == 1
        assert caller.heard == []
