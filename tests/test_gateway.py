"""The gateway as a whole: it says when it serves, and stops without cutting off who speaks."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from segue.backend.credentials import NOBODY, Credential
from segue.backend.pool import Source
from segue.config import Settings
from segue.core.events import LossCause
from segue.edge.server import SERVICE, ListenError
from segue.gateway import Gateway
from segue.node.driver import Remains
from segue_client.segue.v1.client_event_pb2 import ClientEvent, UserText
from segue_client.segue.v1.error_pb2 import Error
from segue_client.segue.v1.server_event_pb2 import SessionClosed, TurnEnded
from tests.conversation import connected, conversing, opening
from tests.scripted_backend import ScriptedBackend
from tests.waiting import WAIT_LIMIT, wait_until

pytestmark = pytest.mark.usefixtures("no_task_left", "plain_environment")

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@asynccontextmanager
async def running(
    backend: ScriptedBackend, drain_timeout: float = 5.0, credential: Credential = NOBODY, **settings: Any
) -> AsyncIterator[Gateway]:
    """Yield a gateway which the test may stop itself."""
    settings = {"port": 0, "metrics_port": 0, "drain_timeout": drain_timeout} | settings
    gateway = Gateway(Settings(**settings), [Source(backend, credential)])
    await gateway.start()
    try:
        yield gateway
    finally:
        if not backend.closed:
            await gateway.stop()


async def health_of(channel: Any, service: str) -> object:
    request = health_pb2.HealthCheckRequest(service=service)
    return (await health_pb2_grpc.HealthStub(channel).Check(request, timeout=WAIT_LIMIT)).status


async def test_health_says_serving_until_the_stop_begins(backend: ScriptedBackend) -> None:
    async with running(backend) as gateway, connected(gateway.port) as channel, conversing(gateway.port) as speaking:
        assert [await health_of(channel, name) for name in ("", SERVICE)] == [SERVING, SERVING]
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE))
        assert (await watch.read()).status == SERVING
        await speaking.open()
        backend.links[0].speak(0.1, "One. ")
        await speaking.hear("audio")
        stopping = asyncio.create_task(gateway.stop())
        async with asyncio.timeout(WAIT_LIMIT):
            assert (await watch.read()).status == NOT_SERVING
        assert [await health_of(channel, name) for name in ("", SERVICE)] == [NOT_SERVING, NOT_SERVING]
        backend.links[0].complete()
        await speaking.hear("closed")
        watch.cancel()
        await stopping


async def test_a_health_check_of_an_unknown_service_is_not_found(gateway: Gateway) -> None:
    async with connected(gateway.port) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await health_of(channel, "segue.v1.Nothing")
        assert failed.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_stop_lets_the_running_turn_finish_and_refuses_new_streams(backend: ScriptedBackend) -> None:
    async with running(backend) as gateway, conversing(gateway.port) as speaking, conversing(gateway.port) as idle:
        await speaking.open()
        await idle.open()
        (link, _) = backend.links
        link.speak(0.1, "One. ")
        await speaking.hear("audio")
        stopping = asyncio.create_task(gateway.stop())
        closed = (await idle.hear("closed")).closed
        assert (closed.error.reason, closed.next) == (Error.REASON_SHUTTING_DOWN, SessionClosed.NEXT_OPEN_AGAIN)
        async with conversing(gateway.port) as late:
            await late.half_close()
            code, explained = await late.status()
            assert code is grpc.StatusCode.UNAVAILABLE
            assert (explained.reason, explained.domain) == ("SHUTTING_DOWN", "segue")
        link.speak(0.1, "Two.")
        link.complete()
        ended = (await speaking.hear("turn_ended")).turn_ended
        assert (ended.reason, ended.heard_text) == (TurnEnded.REASON_COMPLETED, "One. Two.")
        assert (await speaking.hear("closed")).closed.error.reason == Error.REASON_SHUTTING_DOWN
        await speaking.half_close()
        await idle.half_close()
        await stopping
        assert backend.closed


async def test_a_session_that_is_opened_during_a_stop_is_told_so(backend: ScriptedBackend) -> None:
    async with running(backend) as gateway, conversing(gateway.port) as speaking:
        await speaking.open()
        backend.links[0].speak(0.1)
        await speaking.hear("audio")
        stopping = asyncio.create_task(gateway.stop())
        await wait_until(lambda: gateway.registry.finishing)
        await speaking.say(ClientEvent(channel=1, open=opening()))
        closed = (await speaking.hear("closed", 1)).closed
        assert (closed.error.reason, closed.next) == (Error.REASON_SHUTTING_DOWN, SessionClosed.NEXT_OPEN_AGAIN)
        backend.links[0].complete()
        await speaking.hear("closed", 0)
        await speaking.half_close()
        await stopping


@pytest.mark.parametrize("by_signal", [True, False], ids=["by a second signal", "by the drain time-out"])
async def test_a_stop_cuts_off_what_does_not_end(backend: ScriptedBackend, by_signal: bool) -> None:
    async with (
        running(backend, drain_timeout=60.0 if by_signal else 0.05) as gateway,
        conversing(gateway.port) as endless,
    ):
        await endless.open()
        backend.links[0].speak(30.0)
        await endless.hear("audio")
        stopping = asyncio.create_task(gateway.stop())
        if by_signal:
            gateway.cut_off()
        async with asyncio.timeout(WAIT_LIMIT):
            await stopping
        assert backend.links[0].hung_up
        assert not len(gateway.registry)
        await endless.hear_out()
        code, explained = await endless.status()
        assert (code, explained.reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")


async def test_streams_that_clients_keep_open_end_with_the_stop_and_do_not_hold_it_up(
    backend: ScriptedBackend,
) -> None:
    async with (
        running(backend) as gateway,
        conversing(gateway.port) as lingering,
        conversing(gateway.port) as empty,
    ):
        await lingering.open()
        await empty.say(ClientEvent())
        await empty.hear("closed")
        async with asyncio.timeout(0.9):
            await gateway.stop()
        assert (await lingering.hear("closed")).closed.error.reason == Error.REASON_SHUTTING_DOWN
        for stream in (lingering, empty):
            await stream.hear_out()
            code, explained = await stream.status()
            assert (code, explained.reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")


async def test_a_client_that_reads_nothing_does_not_hold_up_the_stop(backend: ScriptedBackend) -> None:
    async with running(backend, drain_timeout=0.05) as gateway, conversing(gateway.port) as deaf:
        await deaf.open()
        # More than the flow control of gRPC lets go without a reader.
        for _ in range(170):
            backend.links[0].speak(1.0)
        await wait_until(lambda: gateway.metrics.audio_out._value.get() > 80)
        async with asyncio.timeout(WAIT_LIMIT):
            await gateway.stop()
        assert backend.links[0].hung_up


async def test_the_witness_is_told_that_nothing_remains_of_a_session(backend: ScriptedBackend) -> None:
    seen: dict[str, Remains] = {}
    gateway = Gateway(Settings(port=0, metrics_port=0), [Source(backend)], seen.__setitem__)
    await gateway.start()
    async with conversing(gateway.port) as conversation:
        opened = await conversation.open()
        await conversation.say(ClientEvent(text=UserText(text="Hi")))
        await conversation.half_close()
        await wait_until(lambda: backend.links[0].sent == ["Hi"])
        backend.links[0].speak(0.1)
        backend.links[0].complete()
        await conversation.hear_out()
    await gateway.stop()
    assert seen == {opened.opened.session_id: {"links": 0, "timers": 0}}


async def test_dials_are_limited_as_the_settings_say(backend: ScriptedBackend) -> None:
    async with (
        running(backend, drain_timeout=0, dial_rate=0.1, dial_burst=2) as gateway,
        conversing(gateway.port) as conversation,
    ):
        await conversation.say(*(ClientEvent(channel=channel, open=opening()) for channel in range(3)))
        await wait_until(lambda: len(gateway.registry) == 3)
        assert len(backend.links) == 2
    assert len(backend.links) == 2


async def test_a_service_that_does_not_answer_is_left_alone_and_shown(backend: ScriptedBackend) -> None:
    backend.opens = False
    credential = Credential("mine", "a test")
    async with (
        running(backend, drain_timeout=0, credential=credential) as gateway,
        conversing(gateway.port) as conversation,
    ):
        sample = gateway.metrics.registry.get_sample_value
        await conversation.say(*(ClientEvent(channel=channel, open=opening()) for channel in range(5)))
        await wait_until(lambda: len(backend.links) == 5)
        for link in backend.links[:5]:
            link.lose(LossCause.UNAVAILABLE, "Nobody is there.", retry_delay=60.0)
        assert sample("segue_breaker_open", {"credential": "mine", "family": "3.8-live"}) == 1.0
        dialled = len(backend.links)
        await conversation.say(ClientEvent(channel=5, open=opening()))
        await wait_until(lambda: sample("segue_sessions_opened_total") == 6.0)
        assert len(backend.links) == dialled


async def test_sessions_know_the_settings_and_what_the_credentials_service_can_do(backend: ScriptedBackend) -> None:
    profiles = {"mine": {"prefixes": ["gemini-mine"], "takes_language": False}}
    credential = Credential("default", "a test", vertex=True)
    async with (
        running(backend, credential=credential, profiles=profiles) as gateway,
        conversing(gateway.port) as conversation,
    ):
        await conversation.open(options=opening(model="gemini-mine-1", language="de-DE"))
        (link,) = backend.links
        assert (link.setup.language, link.setup.transparent) == ("", True)


async def test_connections_stand_ready_from_the_start_until_the_stop_begins(backend: ScriptedBackend) -> None:
    async with running(backend, prewarmed=2) as gateway, conversing(gateway.port) as speaking:
        sample = gateway.metrics.registry.get_sample_value
        await wait_until(lambda: sample("segue_links_prewarmed", {"credential": "none"}) == 2.0)
        assert all(link.held for link in backend.links)
        await speaking.open()
        used = backend.links[0]
        used.speak(0.1, "One. ")
        await speaking.hear("audio")
        stopping = asyncio.create_task(gateway.stop())
        await wait_until(lambda: all(link.hung_up for link in backend.links if link is not used))
        # Who is still there gets another link when his is lost, which was dialled for him alone.
        dialled = len(backend.links)
        used.lose(LossCause.TRANSIENT)
        await wait_until(lambda: len(backend.links) == dialled + 1)
        assert not backend.links[-1].held
        gateway.cut_off()
        await stopping


@pytest.mark.parametrize("taken", ["port", "metrics_port"])
async def test_an_address_that_is_taken_is_named_and_everything_is_let_go(
    backend: ScriptedBackend, taken: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = other.getsockname()[1]
        gateway = Gateway(Settings(**({"port": 0, "metrics_port": 0} | {taken: number})), [Source(backend)])
        with pytest.raises(ListenError, match=rf"127\.0\.0\.1:{number}: Address already in use; set another"):
            await gateway.start()
    assert capfd.readouterr().err == ""


async def test_the_same_port_can_be_taken_again_at_once(backend: ScriptedBackend) -> None:
    async with running(backend) as first:
        port, metrics_port = first.port, first.metrics_port
        async with conversing(port) as conversation:
            await conversation.open()
            await first.stop()
    gateway = Gateway(Settings(port=port, metrics_port=metrics_port), [Source(ScriptedBackend())])
    await gateway.start()
    assert (gateway.port, gateway.metrics_port) == (port, metrics_port)
    await gateway.stop()
