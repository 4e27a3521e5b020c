"""What a tenant may have, and what the gateway may carry: refused with a reason and a time, and nothing else harmed."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct
from grpc_health.v1 import health_pb2, health_pb2_grpc

from segue.gateway import Gateway
from segue_client.segue.v1.client_event_pb2 import ClientEvent, CloseSession, UserText
from segue_client.segue.v1.error_pb2 import Error
from segue_client.segue.v1.open_session_pb2 import OpenSession
from segue_client.segue.v1.server_event_pb2 import ServerEvent, SessionClosed
from tests.conversation import Conversation, connected, conversing, opening, seconds
from tests.edge.house import count, digest, running
from tests.scripted_backend import ScriptedBackend
from tests.waiting import WAIT_LIMIT, wait_until

pytestmark = pytest.mark.usefixtures("no_task_left", "plain_environment")

SECOND = bytes(32_000)
Serve: TypeAlias = Callable[..., AbstractAsyncContextManager[Gateway]]


@pytest.fixture
def serve(tmp_path: Path, backend: ScriptedBackend) -> Serve:
    """Serve a tenant with these limits, known by its name; with more settings, if any."""

    def serving(limits: str = "", **settings: Any) -> AbstractAsyncContextManager[Gateway]:
        path = tmp_path / "tenants.toml"
        tables = [
            f'[{name}]\ntokens = ["{digest(name)}"]\n{lines}\n' for name, lines in (("acme", limits), ("other", ""))
        ]
        path.write_text("".join(tables))
        return running(backend, tenants_file=path, **settings)

    return serving


async def not_opened(conversation: Conversation, channel: int, **fields: Any) -> SessionClosed:
    """Ask for a session, and return why there is none."""
    await conversation.say(ClientEvent(channel=channel, open=opening(**fields)))
    event = await conversation.hear("closed", channel)
    assert event.seq == 1
    return event.closed


def over_quota(closed: SessionClosed) -> float:
    """Return when there is more of what a tenant has used up, in seconds."""
    assert closed.error.reason == Error.REASON_QUOTA
    assert closed.next == SessionClosed.NEXT_OPEN_AGAIN
    assert not closed.HasField("totals")
    assert closed.error.HasField("retry_delay")
    return seconds(closed.error.retry_delay)


async def next_closing(conversation: Conversation) -> ServerEvent:
    """Return how the next session ends, on whatever channel."""
    while (event := await conversation.next()) is not None:
        if event.WhichOneof("output") == "closed":
            return event
    raise AssertionError("the stream ended before a session did")


async def test_sessions_at_once_are_those_of_all_streams_of_the_tenant(serve: Serve, backend: ScriptedBackend) -> None:
    async with serve("sessions = 2") as gateway:
        async with conversing(gateway.port, token="acme") as one, conversing(gateway.port, token="acme") as two:
            await one.open()
            await two.open()
            closed = await not_opened(one, 1)
            assert over_quota(closed) == 5.0
            assert "2 sessions at once" in closed.error.message
            # The other sessions, and other tenants, are none the worse for it.
            async with conversing(gateway.port, token="other") as other:
                for channel in range(3):
                    await other.open(channel)
            backend.links[0].speak(0.1, "Hello.")
            backend.links[0].complete()
            assert (await one.hear("turn_ended")).turn_ended.heard_text == "Hello."
            await two.say(ClientEvent(close=CloseSession()))
            await two.hear("closed")
            await one.open(2)
            assert count(gateway, "quota") == 1.0
        # Nothing was dialled for those that were refused.
        assert len(backend.links) == 6


async def test_opens_beyond_the_rate_are_refused(serve: Serve) -> None:
    async with serve("opens_per_second = 0.5") as gateway, conversing(gateway.port, token="acme") as conversation:
        await conversation.open()
        closed = await not_opened(conversation, 1)
        assert 1.0 < over_quota(closed) <= 2.0


async def test_audio_of_the_day_is_that_of_users_and_of_the_model(serve: Serve, backend: ScriptedBackend) -> None:
    async with (
        serve("audio_seconds_per_day = 5") as gateway,
        conversing(gateway.port, token="acme") as one,
        conversing(gateway.port, token="acme") as two,
    ):
        await one.open()
        await two.open()
        await one.say(ClientEvent(audio=SECOND), ClientEvent(audio=SECOND))
        backend.links[1].speak(2.0, "Two seconds.")
        backend.links[1].complete()
        await two.hear("turn_ended")
        await one.open(1)
        # The last second: what runs may finish its turn, and then ends.
        backend.links[1].speak(0.5, "More.")
        await two.hear("audio")
        await one.say(ClientEvent(audio=SECOND))
        ended = [await next_closing(one) for _ in range(2)]
        assert {event.channel for event in ended} == {0, 1}
        for event in ended:
            closed = event.closed
            assert closed.error.reason == Error.REASON_QUOTA
            assert closed.next == SessionClosed.NEXT_OPEN_AGAIN
            assert 0 < seconds(closed.error.retry_delay) <= 86_400
            assert closed.HasField("totals")
        backend.links[1].complete()
        assert (await two.hear("turn_ended")).turn_ended.heard_text == "More."
        assert (await two.hear("closed")).closed.error.reason == Error.REASON_QUOTA
        assert "5 s of audio a day" in (await not_opened(one, 2)).error.message
        async with conversing(gateway.port, token="other") as other:
            await other.open()
            await other.say(*(ClientEvent(audio=SECOND) for _ in range(10)))
            await other.say(ClientEvent(close=CloseSession()))
            assert (await other.hear("closed")).closed.error.reason == Error.REASON_COMPLETED


async def test_durations_are_the_shorter_of_what_is_asked_for_and_what_may_be(serve: Serve) -> None:
    async with (
        serve("max_duration = 1\nidle_timeout = 100") as gateway,
        conversing(gateway.port, token="acme") as conversation,
    ):
        await conversation.open(options=opening(max_duration=Duration(seconds=3600)))
        closed = (await conversation.hear("closed")).closed
        assert closed.error.reason == Error.REASON_MAX_DURATION
        assert closed.error.message == "max_duration of 1 s is over"
    async with serve("idle_timeout = 1") as gateway, conversing(gateway.port, token="acme") as conversation:
        await conversation.open()
        closed = (await conversation.hear("closed")).closed
        assert closed.error.reason == Error.REASON_IDLE_TIMEOUT


async def test_models_that_a_tenant_may_not_use_are_refused(serve: Serve) -> None:
    async with serve('models = ["gemini-2.5-*"]') as gateway, conversing(gateway.port, token="acme") as conversation:
        # The server's own default, too.
        for channel, fields in enumerate(({}, {"model": "gemini-3.8-live"})):
            closed = await not_opened(conversation, channel, **fields)
            assert (closed.error.reason, closed.next) == (Error.REASON_PERMISSION_DENIED, SessionClosed.NEXT_NONE)
            assert "such as gemini-2.5-*" in closed.error.message
            assert not closed.error.HasField("retry_delay")
        await conversation.open(2, opening(model="gemini-2.5-flash-native-audio"))


@pytest.mark.parametrize("may", [False, True])
async def test_backend_options_need_permission(serve: Serve, may: bool) -> None:
    options = Struct()
    options.update({"generationConfig": {"temperature": 0.5}})
    async with (
        serve(f"backend_options = {str(may).lower()}") as gateway,
        conversing(gateway.port, token="acme") as conversation,
    ):
        if may:
            await conversation.open(options=opening(backend_options=options))
        else:
            closed = await not_opened(conversation, 0, backend_options=options)
            assert (closed.error.reason, closed.next) == (Error.REASON_PERMISSION_DENIED, SessionClosed.NEXT_NONE)
            assert "backend_options" in closed.error.message


async def test_defaults_are_for_what_is_not_said(serve: Serve, backend: ScriptedBackend) -> None:
    defaults = """
        [acme.defaults]
        model = "gemini-live-2.5-flash"
        voice = "Kore"
        language = "de-DE"
        system_instruction = "You are brief."
    """
    async with serve(defaults) as gateway, conversing(gateway.port, token="acme") as conversation:
        assert (await conversation.open()).opened.model == "gemini-live-2.5-flash"
        model = "gemini-live-2.5-flash-preview"
        said = OpenSession(model=model, voice="Puck", language="en-US", system_instruction="Be long.")
        assert (await conversation.open(1, said)).opened.model == model
        first, second = (link.setup for link in backend.links)
        assert (first.voice, first.language) == ("Kore", "de-DE")
        assert "You are brief." in first.system_instruction
        assert (second.voice, second.language) == ("Puck", "en-US")
        assert "Be long." in second.system_instruction


async def test_streams_of_a_tenant_are_limited(serve: Serve) -> None:
    async with serve("streams = 2") as gateway, AsyncExitStack() as stack:
        for _ in range(2):
            await (await stack.enter_async_context(conversing(gateway.port, token="acme"))).open()
        async with conversing(gateway.port, token="acme") as conversation:
            await conversation.hear_out()
            code, explained = await conversation.status()
            assert (code, explained.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA")
            assert seconds(conversation.retry.retry_delay) == 5.0
        async with conversing(gateway.port, token="other") as conversation:
            await conversation.open()
        await stack.aclose()
        await wait_until(lambda: not gateway.metrics.registry.get_sample_value("segue_streams_active"))
        async with conversing(gateway.port, token="acme") as conversation:
            await conversation.open()


async def test_a_full_server_refuses_sessions_and_says_when_to_come_back(
    serve: Serve, backend: ScriptedBackend
) -> None:
    async with (
        serve(max_sessions=2) as gateway,
        conversing(gateway.port, token="acme") as one,
        conversing(gateway.port, token="other") as two,
    ):
        await one.open()
        await two.open()
        closed = await not_opened(two, 1)
        assert (closed.error.reason, closed.next) == (Error.REASON_OVERLOADED, SessionClosed.NEXT_OPEN_AGAIN)
        assert 2.0 <= seconds(closed.error.retry_delay) <= 6.0
        assert count(gateway, "overloaded") == 1.0
        # What runs goes on.
        await one.say(ClientEvent(text=UserText(text="Hi")))
        await wait_until(lambda: backend.links[0].sent == ["Hi"])
        await one.say(ClientEvent(close=CloseSession()))
        await one.hear("closed")
        await two.open(2)


async def test_a_server_with_too_many_calls_refuses_them_but_tells_how_it_is(serve: Serve) -> None:
    async with serve(max_streams=1) as gateway, conversing(gateway.port, token="acme") as one:
        await one.open()
        async with conversing(gateway.port, token="other") as two:
            await two.hear_out()
            code, explained = await two.status()
            assert (code, explained.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
            assert seconds(two.retry.retry_delay) > 0
        async with connected(gateway.port) as channel:
            answer = await health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=WAIT_LIMIT
            )
            assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_a_server_that_is_late_refuses_new_sessions_and_no_others(serve: Serve, backend: ScriptedBackend) -> None:
    async with serve() as gateway, conversing(gateway.port, token="acme") as conversation:
        await conversation.open()
        for _ in range(10):
            gateway._load.observe_lag(0.5)
        closed = await not_opened(conversation, 1)
        assert (closed.error.reason, closed.next) == (Error.REASON_OVERLOADED, SessionClosed.NEXT_OPEN_AGAIN)
        assert "too busy" in closed.error.message
        await conversation.say(ClientEvent(text=UserText(text="Hi")))
        await wait_until(lambda: backend.links[0].sent == ["Hi"])
        for _ in range(50):
            gateway._load.observe_lag(0.0)
        await conversation.open(2)


async def test_without_tenants_the_server_has_limits_all_the_same(backend: ScriptedBackend) -> None:
    async with running(backend, max_sessions=1) as gateway, conversing(gateway.port) as conversation:
        await conversation.open()
        assert (await not_opened(conversation, 1)).error.reason == Error.REASON_OVERLOADED
