"""Links that are renewed, lost and wedged, as a client over real gRPC sees it: not at all, unless it asks."""

import asyncio
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from segue.core import events as ev
from segue.core.actions import Purpose
from segue.core.closings import FATAL
from segue.gateway import Gateway
from segue_client.segue.v1.client_event_pb2 import ClientEvent, UserText
from segue_client.segue.v1.error_pb2 import Error
from segue_client.segue.v1.open_session_pb2 import Delivery
from segue_client.segue.v1.server_event_pb2 import Interrupted, Notice, SessionClosed, TurnEnded
from tests.conversation import Conversation, conversing, kinds, numbers, opening, seconds
from tests.scripted_backend import ScriptedBackend, ScriptedLink
from tests.waiting import wait_until

MENDED = [
    ev.LossCause.UNAVAILABLE,
    ev.LossCause.TRANSIENT,
    ev.LossCause.HANDLE,
    ev.LossCause.INVALID,
    ev.LossCause.UPDATE,
    ev.LossCause.STALLED,
    ev.LossCause.INTERNAL,
]


def test_every_cause_that_a_new_link_mends_is_tested() -> None:
    # A used up quota comes back after a while only: tests of the core, whose time is virtual, wait for it.
    assert {*MENDED, ev.LossCause.QUOTA} == {*ev.LossCause} - FATAL


@pytest.fixture
def settings() -> dict[str, Any]:
    # A wedge is found out before a test's patience ends.
    return {"profiles": {"3.8-live": {"reply_timeout": 0.3}}}


async def link_after(backend: ScriptedBackend, count: int) -> ScriptedLink:
    """Return the link that is dialled after so many others."""
    await wait_until(lambda: len(backend.links) > count)
    return backend.links[count]


async def exchange(conversation: Conversation, link: ScriptedLink, words: str, answer: str) -> TurnEnded:
    """Say something, have it answered on this link, and return how the turn ended."""
    await conversation.say(ClientEvent(text=UserText(text=words)))
    await wait_until(lambda: words in link.sent)
    return await answered(conversation, link, answer)


async def answered(conversation: Conversation, link: ScriptedLink, answer: str) -> TurnEnded:
    link.speak(0.1, answer)
    link.complete()
    ended = (await conversation.hear("turn_ended")).turn_ended
    assert (ended.reason, ended.heard_text) == (TurnEnded.REASON_COMPLETED, answer)
    return ended


def notices(conversation: Conversation) -> list[str]:
    said = [event for event in conversation.heard if event.HasField("notice")]
    assert all(event.seq == event.turn == 0 and event.notice.message for event in said)
    return [Notice.Kind.Name(event.notice.kind).removeprefix("KIND_") for event in said]


def assert_unbroken(conversation: Conversation) -> None:
    """The client saw turns that were answered, with their numbers in order, and nothing else."""
    arms = {"opened", "audio", "transcript", "turn_ended", "notice"}
    assert set(kinds(conversation.heard)) <= arms
    said = numbers(conversation.heard)
    assert said == list(range(1, len(said) + 1))


@pytest.mark.parametrize("include_notices", [True, False], ids=["with notices", "without notices"])
@pytest.mark.parametrize("cause", MENDED, ids=lambda cause: cause.name)
async def test_a_link_that_is_lost_is_replaced_and_the_client_is_told_only_where_it_asked(
    gateway: Gateway, backend: ScriptedBackend, cause: ev.LossCause, include_notices: bool
) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=opening(include_notices=include_notices))
        first = backend.links[0]
        await exchange(conversation, first, "Hi", "Hello.")
        first.say(ev.HandleReceived(1, "h1"))
        await conversation.say(ClientEvent(text=UserText(text="How are you?")))
        await wait_until(lambda: len(first.sent) == 2)
        first.lose(cause)
        second = await link_after(backend, 1)
        # The instruction that the service remembers may be an old one.
        handle, outcome = ("", "fresh") if cause is ev.LossCause.UPDATE else ("h1", "resumed")
        assert (second.setup.handle, second.purpose, second.held) == (handle, Purpose.RECOVERY, False)
        # What was answered is remembered, what was not is said again.
        await wait_until(lambda: second.sent)
        assert second.sent == ["How are you?"]
        await answered(conversation, second, "Very well.")
        await exchange(conversation, second, "Fine", "Yes.")
    assert_unbroken(conversation)
    assert notices(conversation) == (["RECOVERED", "INPUT_REPLAYED"] if include_notices else [])
    took = [seconds(event.notice.took) for event in conversation.heard if event.HasField("notice")]
    assert all(0 <= seconds < 5 for seconds in took)
    recovered = {"cause": cause.name.lower(), "outcome": outcome}
    assert gateway.metrics.registry.get_sample_value("segue_recoveries_total", recovered) == 1.0


async def test_a_link_that_is_lost_when_all_of_a_turn_was_made_costs_the_turn_nothing(
    gateway: Gateway, backend: ScriptedBackend
) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=opening(delivery=Delivery(lead=Duration(nanos=100_000_000))))
        first = backend.links[0]
        first.speak(0.6, "Two thirds of a second.")
        first.say(ev.GenerationCompleted(1))
        await conversation.hear("audio")
        first.lose(ev.LossCause.TRANSIENT)
        second = await link_after(backend, 1)
        ended = (await conversation.hear("turn_ended")).turn_ended
        assert (ended.reason, ended.unheard_text) == (TurnEnded.REASON_COMPLETED, "")
        assert seconds(ended.audio_duration) == pytest.approx(0.6)
        await exchange(conversation, second, "Hi", "Hello.")
        assert_unbroken(conversation)
        assert second.sent == ["Hi"] or "Two thirds of a second." in str(second.sent)


async def test_a_turn_that_broke_off_is_gone_on_with_in_another_one(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=opening(include_notices=True))
        first = backend.links[0]
        await conversation.say(ClientEvent(text=UserText(text="Tell me of the keeper.")))
        await wait_until(lambda: first.sent)
        first.speak(0.5, "There was a keeper. ")
        first.speak(0.5, "She had a")
        await conversation.hear("audio")
        first.lose(ev.LossCause.TRANSIENT)
        second = await link_after(backend, 1)
        await wait_until(lambda: second.sent)
        (request,) = second.sent
        # The words were answered: the model is not asked them again, but to go on.
        assert isinstance(request, str)
        assert request != "Tell me of the keeper."
        assert "Tell me of the keeper." in request
        assert "There was a keeper." in request
        second.speak(0.1, "She had a lamp.")
        second.complete()
        cut = await conversation.hear("interrupted")
        assert (cut.turn, cut.interrupted.cause) == (1, Interrupted.CAUSE_RECOVERY)
        broken, whole = [(await conversation.hear("turn_ended")).turn_ended for _ in range(2)]
        assert broken.reason == TurnEnded.REASON_INTERRUPTED
        assert broken.heard_text.startswith("There was a keeper.")
        assert (whole.reason, whole.heard_text) == (TurnEnded.REASON_COMPLETED, "She had a lamp.")
        assert conversation.heard[-1].turn == 2
        assert notices(conversation) == ["RECOVERED"]


async def test_a_link_that_is_to_end_is_renewed_at_a_quiet_moment(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=opening(include_notices=True))
        first = backend.links[0]
        await exchange(conversation, first, "Hi", "Hello.")
        first.say(ev.GoingAway(1, 60.0))
        second = await link_after(backend, 1)
        assert second.held
        # Dialled ahead, it is set up with the handle that came last.
        first.say(ev.HandleReceived(1, "h1"))
        notice = (await conversation.hear("notice")).notice
        assert notice.kind == Notice.KIND_RENEWED
        assert first.hung_up
        assert (second.setup.handle, second.purpose) == ("h1", Purpose.RENEWAL)
        await exchange(conversation, second, "And now?", "The same.")
        assert_unbroken(conversation)
        assert notices(conversation) == ["RENEWED"]
        renewed = {"trigger": "go_away", "outcome": "resumed"}
        assert gateway.metrics.registry.get_sample_value("segue_renewals_total", renewed) == 1.0


async def test_words_that_a_wedged_link_leaves_unanswered_are_said_to_another_one(
    gateway: Gateway, backend: ScriptedBackend
) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=opening(include_notices=True))
        await conversation.say(ClientEvent(text=UserText(text="Hi")))
        second = await link_after(backend, 1)
        assert backend.links[0].sent == ["Hi"]
        assert backend.links[0].hung_up
        await wait_until(lambda: second.sent)
        assert second.sent == ["Hi"]
        await answered(conversation, second, "Hello.")
        assert_unbroken(conversation)
        assert notices(conversation) == ["WEDGED", "RECOVERED", "INPUT_REPLAYED"]
        assert gateway.metrics.registry.get_sample_value("segue_wedges_total", {"sign": "silence"}) == 1.0


async def test_words_that_no_link_answers_close_the_session(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open()
        await conversation.say(ClientEvent(text=UserText(text="Hi")))
        closed = (await conversation.hear("closed")).closed
        assert (closed.error.reason, closed.next) == (Error.REASON_BACKEND_WEDGED, SessionClosed.NEXT_OPEN_AGAIN)
        assert seconds(closed.error.retry_delay) > 0
        assert [link.sent for link in backend.links] == [["Hi"]] * 3
        assert set(kinds(conversation.heard)) == {"opened", "closed"}
        await conversation.open(1)


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (ev.LossCause.UNAVAILABLE, Error.REASON_BACKEND_UNAVAILABLE),
        (ev.LossCause.TRANSIENT, Error.REASON_BACKEND_LOST),
    ],
)
async def test_a_first_link_that_cannot_be_had_is_tried_again_three_times(
    gateway: Gateway, backend: ScriptedBackend, cause: ev.LossCause, reason: "Error.Reason"
) -> None:
    backend.opens = False
    async with conversing(gateway.port) as conversation:
        await conversation.say(ClientEvent(open=opening()))
        for tried in range(4):
            link = await link_after(backend, tried)
            assert link.purpose is Purpose.OPEN
            link.lose(cause, f"loss {tried}")
        closed = (await conversation.hear("closed")).closed
        assert (closed.error.reason, closed.next) == (reason, SessionClosed.NEXT_OPEN_AGAIN)
        assert closed.error.message == "loss 3"
        assert seconds(closed.error.retry_delay) == 1.0
        assert kinds(conversation.heard) == ["closed"]
        assert len(backend.links) == 4
        backend.opens = True
        await conversation.open(1)


async def test_a_first_link_that_can_be_had_at_the_second_try_opens_the_session(
    gateway: Gateway, backend: ScriptedBackend
) -> None:
    backend.opens = False
    async with conversing(gateway.port) as conversation:
        await conversation.say(ClientEvent(open=opening(include_notices=True)), ClientEvent(text=UserText(text="Hi")))
        (await link_after(backend, 0)).lose(ev.LossCause.TRANSIENT)
        second = await link_after(backend, 1)
        second.open()
        await conversation.hear("opened")
        await wait_until(lambda: second.sent == ["Hi"])
        await answered(conversation, second, "Hello.")
        # Nothing was replaced that the client had ever had.
        assert_unbroken(conversation)
        assert notices(conversation) == []


async def test_a_new_link_that_is_refused_for_good_closes_the_session_with_its_cause(
    gateway: Gateway, backend: ScriptedBackend
) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open()
        await exchange(conversation, backend.links[0], "Hi", "Hello.")
        backend.opens = False
        backend.links[0].lose(ev.LossCause.TRANSIENT)
        (await link_after(backend, 1)).lose(ev.LossCause.MODEL, "no such model any more")
        closed = (await conversation.hear("closed")).closed
        assert (closed.error.reason, closed.next) == (Error.REASON_BACKEND_MODEL, SessionClosed.NEXT_NONE)
        assert closed.error.message == "no such model any more"
        assert (closed.totals.turns, len(backend.links)) == (1, 2)
        failed = {"cause": "model", "outcome": "failed"}
        assert gateway.metrics.registry.get_sample_value("segue_recoveries_total", failed) == 1.0


async def test_a_session_that_gets_no_link_any_more_closes_after_some_tries(
    gateway: Gateway, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segue.core.recovery._TIMEOUT", 1.0)
    async with conversing(gateway.port) as conversation:
        await conversation.open()
        backend.opens = False
        backend.links[0].lose(ev.LossCause.TRANSIENT)
        closing = asyncio.create_task(conversation.hear("closed"))
        while not closing.done():
            await wait_until(lambda: closing.done() or not backend.links[-1].lost)
            backend.links[-1].lose(ev.LossCause.UNAVAILABLE, "nobody is there")
        closed = (await closing).closed
        # The time may be over while a dial is under way, or before the next one.
        assert closed.error.message in ("nobody is there", "No link could be had within 1 s. Open a session again.")
        assert (closed.error.reason, closed.next) == (Error.REASON_BACKEND_UNAVAILABLE, SessionClosed.NEXT_OPEN_AGAIN)
        assert 2 <= len(backend.links[1:]) <= 4
        assert all(link.purpose is Purpose.RECOVERY for link in backend.links[1:])
        failed = {"cause": "unavailable", "outcome": "failed"}
        assert gateway.metrics.registry.get_sample_value("segue_recoveries_total", failed) == 1.0


async def test_a_session_does_not_wait_for_longer_than_a_recovery_may_take(
    gateway: Gateway, backend: ScriptedBackend
) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open()
        backend.links[0].lose(ev.LossCause.UNAVAILABLE, "come back later", retry_delay=90.0)
        closed = (await conversation.hear("closed")).closed
        assert (closed.error.reason, closed.next) == (Error.REASON_BACKEND_UNAVAILABLE, SessionClosed.NEXT_OPEN_AGAIN)
        assert seconds(closed.error.retry_delay) == 90.0
        assert len(backend.links) == 1


async def test_sessions_on_one_stream_lose_their_links_apart(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        for channel in range(3):
            await conversation.open(channel, opening(include_notices=True))
        lost, *others = backend.links
        lost.lose(ev.LossCause.TRANSIENT)
        notice = await conversation.hear("notice", 0)
        assert notice.notice.kind == Notice.KIND_RECOVERED
        for channel, link in enumerate([backend.links[3], *others]):
            await conversation.say(ClientEvent(channel=channel, text=UserText(text="Hi")))
            await wait_until(lambda link=link: link.sent)  # type: ignore[misc]
            link.speak(0.1, "Hello.")
            link.complete()
            assert (await conversation.hear("turn_ended", channel)).turn == 1
        assert {event.channel for event in conversation.heard if event.HasField("notice")} == {0}


async def test_a_client_that_vanishes_during_a_recovery_leaves_nothing_behind(
    gateway: Gateway, backend: ScriptedBackend
) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open()
        backend.opens = False
        backend.links[0].lose(ev.LossCause.TRANSIENT)
        second = await link_after(backend, 1)
    await wait_until(lambda: second.hung_up and not len(gateway.registry))
    await asyncio.sleep(0)
    assert len(backend.links) == 2
