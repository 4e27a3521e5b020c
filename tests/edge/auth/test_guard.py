"""What stands before every call, of every kind."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from segue.edge.auth.authenticator import Authenticator
from segue.edge.auth.caller import CALLER
from segue.edge.auth.guard import Guard
from segue.edge.status import RefusedError
from segue.telemetry.metrics import Metrics
from segue.tenants import Tenant, Tenants
from tests.conversation import bearer, connected
from tests.edge.house import digest
from tests.waiting import WAIT_LIMIT, wait_until

pytestmark = pytest.mark.usefixtures("no_task_left")


async def answer_once(request: bytes, _context: Any) -> bytes:
    return request + CALLER.get().name.encode()


async def answer_all(requests: AsyncIterator[bytes], _context: Any) -> bytes:
    return b"".join([request async for request in requests]) + CALLER.get().name.encode()


async def yield_answers(request: bytes, _context: Any) -> AsyncIterator[bytes]:
    for _ in range(2):
        yield request + CALLER.get().name.encode()


async def write_answers(requests: AsyncIterator[bytes], context: Any) -> None:
    async for request in requests:
        await context.write(request + CALLER.get().name.encode())


async def refuse(_request: bytes, _context: Any) -> bytes:
    raise RefusedError(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN", "not now", retry_delay=1.5)


HANDLERS = {
    "Once": grpc.unary_unary_rpc_method_handler(answer_once),
    "All": grpc.stream_unary_rpc_method_handler(answer_all),
    "Yield": grpc.unary_stream_rpc_method_handler(yield_answers),
    "Write": grpc.stream_stream_rpc_method_handler(write_answers),
    "Refuse": grpc.unary_unary_rpc_method_handler(refuse),
}


async def messages(*contents: bytes) -> AsyncIterator[bytes]:
    for content in contents:
        yield content


CALLS: dict[str, Callable[[Any, Any], Awaitable[Any]]] = {
    "Once": lambda channel, metadata: channel.unary_unary("/s/Once")(b"x", metadata=metadata, timeout=WAIT_LIMIT),
    "All": lambda channel, metadata: channel.stream_unary("/s/All")(
        messages(b"x"), metadata=metadata, timeout=WAIT_LIMIT
    ),
    "Yield": lambda channel, metadata: collected(
        channel.unary_stream("/s/Yield")(b"x", metadata=metadata, timeout=WAIT_LIMIT)
    ),
    "Write": lambda channel, metadata: collected(
        channel.stream_stream("/s/Write")(messages(b"x", b"x"), metadata=metadata, timeout=WAIT_LIMIT)
    ),
}


async def collected(answers: AsyncIterator[bytes]) -> list[bytes]:
    return [answer async for answer in answers]


@asynccontextmanager
async def guarded(guard: Guard) -> AsyncIterator[Any]:
    server = grpc.aio.server(interceptors=(guard,))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("s", HANDLERS),))
    port = server.add_insecure_port("localhost:0")
    await server.start()
    async with connected(port) as channel:
        yield channel
    await server.stop(0)


# Nothing is written on streams: where one ends meanwhile, grpc.aio puts INTERNAL in place of its status (grpc#36066).
REFUSED: dict[str, Callable[[Any], Any]] = {
    "Once": lambda channel: channel.unary_unary("/s/Once")(b"x", timeout=WAIT_LIMIT),
    "All": lambda channel: channel.stream_unary("/s/All")(timeout=WAIT_LIMIT),
    "Yield": lambda channel: channel.unary_stream("/s/Yield")(b"x", timeout=WAIT_LIMIT),
    "Write": lambda channel: channel.stream_stream("/s/Write")(timeout=WAIT_LIMIT),
}


@pytest.fixture
def guard() -> Guard:
    tenants = Tenants([Tenant(name="acme", tokens=(digest("acme's"),), streams=1)])
    return Guard(Authenticator(tenants), Metrics(), max_streams=10)


@pytest.mark.parametrize("kind", CALLS)
async def test_calls_of_every_kind_are_refused_and_served(guard: Guard, kind: str) -> None:
    async with guarded(guard) as channel:
        assert await REFUSED[kind](channel).code() is grpc.StatusCode.UNAUTHENTICATED
        # One after the other, as many as there are.
        for _ in range(3):
            answer = await CALLS[kind](channel, bearer("acme's"))
            assert answer == ([b"xacme"] * 2 if kind in ("Yield", "Write") else b"xacme")
            await wait_until(lambda: not guard._calls)


async def test_where_nobody_has_to_say_who_they_are_everybody_is_served() -> None:
    async with guarded(Guard(None, Metrics(), max_streams=10)) as channel:
        assert await CALLS["Once"](channel, ()) == b"x"
        assert await CALLS["Once"](channel, bearer("anything")) == b"x"


async def test_what_a_service_refuses_itself_has_its_status_too(guard: Guard) -> None:
    async with guarded(guard) as channel:
        call = channel.unary_unary("/s/Refuse")(b"x", metadata=bearer("acme's"), timeout=WAIT_LIMIT)
        assert await call.code() is grpc.StatusCode.UNAVAILABLE
        status = await rpc_status.aio.from_call(call)  # type: ignore[attr-defined]
        explained, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        assert status.details[0].Unpack(explained)
        assert status.details[1].Unpack(retry)
        assert (explained.reason, status.message) == ("SHUTTING_DOWN", "not now")
        assert retry.retry_delay.ToMilliseconds() == 1500


async def test_a_call_that_is_cancelled_makes_room(guard: Guard) -> None:
    async with guarded(guard) as channel:
        call = channel.stream_stream("/s/Write")(metadata=bearer("acme's"))
        await call.write(b"x")
        assert await call.read() == b"xacme"
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await CALLS["Once"](channel, bearer("acme's"))
        assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        call.cancel()
        await wait_until(lambda: not guard._calls)
        async with asyncio.timeout(WAIT_LIMIT):
            assert await CALLS["Once"](channel, bearer("acme's")) == b"xacme"
