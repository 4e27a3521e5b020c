"""The backend over several credentials: who gets which, and what happens when one is of no use."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from segue.backend.credentials import Share
from segue.core import events as ev
from segue.core.actions import Purpose
from segue.core.events import LossCause
from tests.backend.live_server import SETUP
from tests.backend.pooled import Call, Pooled
from tests.backend.virtual import in_virtual_time

ANY = Share()


async def told(*calls: Call) -> None:
    """Let those be told that are not dialled."""
    await asyncio.sleep(0)
    assert all(call.heard for call in calls)


@in_virtual_time
async def test_new_sessions_are_spread_by_weight_and_told_who_they_are() -> None:
    pooled = Pooled(a=Share(weight=3), b=ANY)
    calls = [pooled.opened() for _ in range(8)]
    assert "".join(call.credential for call in calls) == "aabaaaba"
    for call in calls:
        assert call.heard == [ev.LinkOpened(call.number, call.credential)]
    held = pooled.call(Purpose.RENEWAL, "b", hold=True)
    held.behind.hold()
    assert held.heard == [ev.LinkHeld(held.number, "b")]


@in_virtual_time
async def test_who_has_its_sessions_gets_no_more_until_one_ends() -> None:
    pooled = Pooled(a=Share(weight=9, max_sessions=2), b=Share(max_sessions=1))
    first, link = pooled.dial()
    others = [pooled.opened() for _ in range(2)]
    assert Counter(call.credential for call in (first, *others)) == {"a": 2, "b": 1}
    refused = pooled.call()
    await told(refused)
    assert (refused.credential, refused.lost.cause, refused.lost.elsewhere) == ("", LossCause.QUOTA, False)
    # One that is held is no session yet, and who has a handle may go on.
    held, held_link = pooled.dial(Purpose.RENEWAL, first.credential, hold=True)
    held.behind.hold()
    link.hang_up()
    held_link.set_up(SETUP)
    assert pooled.call().credential == ""
    held.behind.open()
    held.behind.lose(LossCause.TRANSIENT)
    assert pooled.call().credential == first.credential


@in_virtual_time
async def test_a_credential_that_is_refused_is_left_for_another() -> None:
    pooled = Pooled(a=ANY, b=ANY)
    call = pooled.call()
    call.behind.lose(LossCause.CREDENTIALS)
    assert (call.lost.elsewhere, pooled.watched["a"].available) == (True, [False])
    assert {pooled.opened().credential for _ in range(5)} == {"b"}


@in_virtual_time
async def test_one_dial_finds_out_whether_it_is_accepted_again() -> None:
    pooled = Pooled(a=ANY, b=ANY)
    pooled.call().behind.lose(LossCause.CREDENTIALS)
    for pause in (60.0, 120.0, 240.0):
        await asyncio.sleep(pause - 1.0)
        assert {pooled.opened().credential for _ in range(5)} == {"b"}
        await asyncio.sleep(1.0)
        calls = [pooled.call() for _ in range(5)]
        (probe,) = [call for call in calls if call.credential == "a"]
        probe.behind.lose(LossCause.CREDENTIALS)
        assert probe.lost.elsewhere
    await asyncio.sleep(480.0)
    while (probe := pooled.call()).credential == "b":
        pass
    probe.behind.open()
    assert pooled.watched["a"].available == [False, True]
    assert {pooled.opened().credential for _ in range(2)} == {"a", "b"}


@in_virtual_time
async def test_where_no_other_is_well_it_is_as_with_one() -> None:
    pooled = Pooled(a=ANY, b=ANY)
    calls = [pooled.call(), pooled.call()]
    for call in calls:
        call.behind.lose(LossCause.CREDENTIALS)
    assert [call.lost.elsewhere for call in calls] == [True, False]
    third = pooled.call()
    third.behind.lose(LossCause.CREDENTIALS)
    assert not third.lost.elsewhere


@in_virtual_time
async def test_a_link_that_was_up_and_has_no_quota_any_more_goes_elsewhere() -> None:
    pooled = Pooled(a=ANY, b=ANY)
    call = pooled.opened()
    call.behind.lose(LossCause.QUOTA)
    assert call.lost.elsewhere
    assert {pooled.opened().credential for _ in range(4)} == {"b"}
    # Those that it has stay: each finds out for itself.
    assert pooled.call(Purpose.RECOVERY, "a", handle="h").credential == "a"
    await asyncio.sleep(60.0)
    assert {pooled.call().credential for _ in range(2)} == {"a", "b"}


@in_virtual_time
async def test_a_link_that_was_up_and_has_nowhere_to_go_keeps_no_new_session_away() -> None:
    pooled = Pooled(a=ANY)
    call = pooled.opened()
    call.behind.lose(LossCause.QUOTA)
    assert not call.lost.elsewhere
    assert pooled.call().credential == "a"
    assert pooled.watched["a"].available == []


@pytest.mark.parametrize(("cause", "elsewhere"), [(LossCause.QUOTA, True), (LossCause.CREDENTIALS, False)])
@in_virtual_time
async def test_who_loses_its_own_goes_where_there_may_be_quota_again_but_finds_out_about_no_key(
    cause: LossCause, elsewhere: bool
) -> None:
    pooled = Pooled(a=ANY, b=ANY)
    call, other = pooled.opened(), pooled.call()
    other.behind.lose(cause)
    await asyncio.sleep(60.0)
    call.behind.lose(LossCause.QUOTA)
    assert call.lost.elsewhere is elsewhere
    moved = {pooled.call(Purpose.RECOVERY, "").credential for _ in range(3)}
    assert moved == {"b" if elsewhere else "a"}


@in_virtual_time
async def test_the_service_says_for_how_long_there_is_no_quota() -> None:
    pooled = Pooled(a=ANY, b=ANY)
    pooled.call().behind.lose(LossCause.QUOTA, retry_delay=5.0)
    assert {pooled.opened().credential for _ in range(3)} == {"b"}
    await asyncio.sleep(5.0)
    assert {pooled.opened().credential for _ in range(2)} == {"a", "b"}


@in_virtual_time
async def test_what_is_lost_to_anything_else_is_no_reason_to_leave() -> None:
    pooled = Pooled(a=ANY, b=ANY)
    for cause in set(LossCause) - {LossCause.QUOTA, LossCause.CREDENTIALS}:
        call = pooled.opened("a")
        call.behind.lose(cause)
        assert not call.lost.elsewhere
    assert pooled.watched["a"].available == []


@in_virtual_time
async def test_no_handle_goes_out_with_another_credential() -> None:
    pooled = Pooled(a=ANY, b=ANY)
    pooled.call().behind.lose(LossCause.CREDENTIALS)
    resuming = pooled.call(Purpose.RECOVERY, "a", handle="h")
    await told(resuming)
    assert (resuming.credential, resuming.lost.elsewhere) == ("", True)
    fresh = pooled.call(Purpose.RECOVERY, "")
    assert fresh.credential == "b"
    # A link that is held is set up when it is known whose it is.
    held = pooled.call(Purpose.RENEWAL, "a", handle="h", hold=True)
    held.behind.hold()
    assert held.heard == [ev.LinkHeld(held.number, "b")]


@in_virtual_time
async def test_a_session_has_a_part_of_the_credentials_only() -> None:
    pooled = Pooled(a=ANY, b=ANY, c=ANY)
    assert {pooled.call(allowed=("b", "c")).credential for _ in range(6)} == {"b", "c"}
    call = pooled.call(allowed=("b",))
    call.behind.lose(LossCause.CREDENTIALS)
    assert not call.lost.elsewhere
    nobodys = pooled.call(allowed=("d",))
    await told(nobodys)
    assert nobodys.lost.cause is LossCause.CREDENTIALS


@in_virtual_time
async def test_who_hangs_up_is_told_of_no_refusal() -> None:
    pooled = Pooled(a=Share(max_sessions=1))
    pooled.opened()
    call, link = pooled.dial()
    link.hang_up()
    await asyncio.sleep(1.0)
    await link.wait_closed()
    assert call.heard == []


@in_virtual_time
async def test_each_credential_has_a_budget_of_its_own() -> None:
    pooled = Pooled(rate=0.1, burst=2, a=ANY, b=Share(dial_rate=10.0, dial_burst=1))
    calls = [pooled.call() for _ in range(8)]
    assert Counter(call.credential for call in calls) == {"a": 2, "b": 1, "": 5}
    await asyncio.sleep(0.35)
    assert Counter(call.credential for call in calls) == {"a": 2, "b": 4, "": 2}


@in_virtual_time
async def test_closing_closes_all() -> None:
    pooled = Pooled(a=ANY, b=ANY)
    pooled.opened()
    await pooled.pool.close()
    assert all(account.closed for account in pooled.accounts.values())


@in_virtual_time
async def test_a_model_of_another_family_is_not_held_off_for_want_of_quota() -> None:
    pooled = Pooled(a=ANY, b=ANY)
    pooled.opened("a").behind.lose(LossCause.QUOTA)
    setup = replace(SETUP, model="gemini-2.5-flash-native-audio-preview-12-2025")
    assert {pooled.call(model=setup.model).credential for _ in range(2)} == {"a", "b"}
