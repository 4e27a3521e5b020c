"""Connections that stand ready before anybody needs them."""

import asyncio
from dataclasses import replace

import pytest

from segue.backend.credentials import Share
from segue.core import events as ev
from segue.core.actions import Purpose
from segue.core.events import LossCause
from tests.backend.live_server import SETUP
from tests.backend.pooled import Pooled
from tests.backend.virtual import in_virtual_time
from tests.scripted_backend import ScriptedLink

MODEL = "gemini-3.8-live"


class Warm(Pooled):
    """A pool of one credential with so many connections ready."""

    def __init__(self, size: int, *, rate: float = 1000.0, burst: int = 100) -> None:
        super().__init__(rate=rate, burst=burst, a=Share())
        self._standing: set[ScriptedLink] = set()
        self.pool.prewarm(size, f"models/{MODEL}")
        self.hold_all()

    @property
    def links(self) -> list[ScriptedLink]:
        return self.accounts["a"].links

    @property
    def ready(self) -> int:
        return self.watched["a"].ready

    @property
    def unused(self) -> list[ScriptedLink]:
        """Those that stand or are dialled, and that nobody uses."""
        return [link for link in self.links if link.held and not (link.hung_up or link.lost)]

    def hold_all(self) -> None:
        """Have stand what is being dialled."""
        for link in self.unused:
            if link.number == 0 and link not in self._standing:
                self._standing.add(link)
                link.hold()


@in_virtual_time
async def test_so_many_stand_ready_and_are_dialled_for_nobody() -> None:
    warm = Warm(3)
    assert [(link.number, link.purpose, link.held) for link in warm.links] == [(0, Purpose.PREWARMING, True)] * 3
    assert warm.ready == 3
    await warm.pool.close()


@pytest.mark.parametrize("purpose", [Purpose.OPEN, Purpose.RECOVERY])
@in_virtual_time
async def test_who_needs_a_link_gets_one_at_once_and_it_is_replaced(purpose: Purpose) -> None:
    warm = Warm(2)
    call, link = warm.dial(purpose, handle="h", model="gemini-2.5-flash-native-audio-preview-12-2025")
    first = warm.links[0]
    # Set up with what the session wants, not with what it was dialled with.
    assert first.setup == replace(SETUP, handle="h", model="gemini-2.5-flash-native-audio-preview-12-2025")
    assert len(warm.links) == 3
    first.open()
    first.speak(0.1)
    assert call.heard[0] == ev.LinkOpened(call.number, "a")
    assert [event.link for event in call.heard] == [call.number] * 2
    link.send_audio(b"\x00\x01", 16_000)
    assert first.sent == [b"\x00\x01"]
    link.hang_up()
    assert first.hung_up
    await warm.pool.close()


@in_virtual_time
async def test_it_takes_no_part_of_the_budget() -> None:
    warm = Warm(1, rate=0.1, burst=2)
    warm.call()
    warm.call()
    assert [link.purpose for link in warm.links] == [Purpose.PREWARMING, Purpose.OPEN]
    await warm.pool.close()


@in_virtual_time
async def test_what_is_dialled_ahead_leaves_half_of_a_burst_to_the_others() -> None:
    warm = Warm(10, rate=0.1, burst=10)
    assert len(warm.links) == 5
    for _ in range(8):
        warm.call(Purpose.RECOVERY)
    used = [link for link in warm.links if not link.held]
    assert len(used) == 8
    await warm.pool.close()


@in_virtual_time
async def test_a_renewal_and_a_model_that_is_named_with_a_path_use_none() -> None:
    warm = Warm(1)
    warm.call(Purpose.RENEWAL, hold=True)
    warm.call(model="tunedModels/mine")
    warm.call(model="")
    assert [link.purpose for link in warm.links[1:]] == [Purpose.RENEWAL, Purpose.OPEN, Purpose.OPEN]
    assert warm.ready == 1
    await warm.pool.close()


@in_virtual_time
async def test_none_gets_20_s_old_and_there_is_always_one() -> None:
    warm = Warm(2)
    loop = asyncio.get_running_loop()
    since: dict[ScriptedLink, float] = {}
    while loop.time() < 200.0:
        for link in warm.unused:
            since.setdefault(link, loop.time())
            assert loop.time() - since[link] <= 20.1
        await asyncio.sleep(0.1)
        warm.hold_all()
        assert warm.ready >= 2
    assert len(warm.links) <= 2 * (200 / 18 + 1)
    await warm.pool.close()


@in_virtual_time
async def test_one_that_is_lost_unused_is_dialled_anew_after_a_pause() -> None:
    warm = Warm(1)
    for pause in (1.0, 2.0, 4.0):
        warm.links[-1].lose(LossCause.TRANSIENT)
        dialled = len(warm.links)
        assert warm.ready == 0
        await asyncio.sleep(pause - 0.1)
        assert len(warm.links) == dialled
        await asyncio.sleep(0.2)
        assert len(warm.links) == dialled + 1
    await warm.pool.close()


@pytest.mark.parametrize("cause", [LossCause.CREDENTIALS, LossCause.QUOTA])
@in_virtual_time
async def test_none_is_wasted_on_a_credential_that_fails(cause: LossCause) -> None:
    warm = Warm(2)
    # The service tells only at the setup.
    warm.call()
    warm.links[0].lose(cause)
    dialled = len(warm.links)
    await asyncio.sleep(100.0)
    assert warm.ready == 0
    assert len(warm.links) == dialled
    warm.call().behind.open()
    assert len(warm.unused) == 2
    await warm.pool.close()


@in_virtual_time
async def test_none_is_used_that_may_have_broken_with_another() -> None:
    warm = Warm(2)
    call = warm.call()
    warm.links[0].open()
    warm.hold_all()
    standing = warm.unused
    warm.links[0].lose(LossCause.STALLED)
    assert isinstance(call.heard[-1], ev.LinkLost)
    assert all(link.hung_up for link in standing)
    assert len(warm.unused) == 2
    assert not set(warm.unused) & set(standing)
    await warm.pool.close()


@in_virtual_time
async def test_while_the_service_is_out_nobody_is_given_one() -> None:
    warm = Warm(1)
    for _ in range(5):
        warm.call()
        warm.links[-1 if warm.links[-1].number else -2].lose(LossCause.UNAVAILABLE)
    warm.hold_all()
    refused = warm.call()
    await asyncio.sleep(0)
    assert (refused.credential, refused.lost.cause) == ("", LossCause.UNAVAILABLE)
    await warm.pool.close()


@in_virtual_time
async def test_in_the_end_all_are_hung_up_and_none_is_dialled() -> None:
    warm = Warm(3, rate=0.1, burst=4)
    used = warm.call()
    warm.links[0].open()
    warm.pool.stop_prewarming()
    assert warm.unused == []
    assert warm.ready == 0
    await asyncio.sleep(100.0)
    assert warm.unused == []
    assert not warm.links[0].hung_up
    # Whoever loses his link still gets another.
    warm.links[0].lose(LossCause.TRANSIENT)
    again = warm.call(Purpose.RECOVERY)
    assert again.behind.purpose is Purpose.RECOVERY
    assert used.lost
    await warm.pool.close()
