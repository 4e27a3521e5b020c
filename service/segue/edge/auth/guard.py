"""Stands before every call of every service: lets in who may call, as long as there is room."""

import asyncio
import inspect
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc
import grpc.aio
import structlog

from segue.bucket import Bucket
from segue.edge.auth.authenticator import Authenticator
from segue.edge.auth.caller import ANYONE, CALLER, Caller
from segue.edge.status import RefusedError, status_of
from segue.telemetry.metrics import Metrics

_log = structlog.get_logger(__name__)

# Whoever keeps a service running must know how it is, and has no credentials.
_OPEN_TO_ALL = "/grpc.health.v1.Health/"
# So many calls that last may be made of that at once. Each takes memory.
_MAX_OPEN_TO_ALL = 256
# A client whose call found no room tries again after so many seconds.
_RETRY_DELAY = 5.0
# A flood of refusals is told in so many lines a second, and at once.
_LOG_RATE, _LOG_BURST = 1.0, 20

# Only the stubs of gRPC are generic.
_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
if TYPE_CHECKING:
    _Interceptor = grpc.aio.ServerInterceptor[Any, Any]
else:
    _Interceptor = grpc.aio.ServerInterceptor


class Guard(_Interceptor):
    """An interceptor.

    Args:
        authenticator: None where nobody has to say who they are.
        max_streams: how many calls there may be at once, beside those that are open to all.
    """

    def __init__(self, authenticator: Authenticator | None, metrics: Metrics, *, max_streams: int) -> None:
        self._authenticator = authenticator
        self._metrics = metrics
        self._max_streams = max_streams
        self._calls: Counter[str] = Counter()
        self._open_to_all = 0
        self._log_lines = Bucket(_LOG_RATE, _LOG_BURST)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Put the guard before what serves a call."""
        served = await continuation(handler_call_details)
        if served is None:
            return None
        method = handler_call_details.method
        admitted: Callable[[_Context], AbstractAsyncContextManager[None]] = self._admitted
        if method.startswith(_OPEN_TO_ALL):
            if not served.response_streaming:
                return served
            admitted = self._count_open
        if not served.response_streaming:
            answer_once = served.stream_unary if served.request_streaming else served.unary_unary

            async def guarded(request: Any, context: _Context) -> Any:
                async with self._refusing(method, context), admitted(context):
                    return await answer_once(request, context)

        else:
            answer = served.stream_stream if served.request_streaming else served.unary_stream

            async def guarded(request: Any, context: _Context) -> Any:
                async with self._refusing(method, context), admitted(context):
                    answers = answer(request, context)
                    if not inspect.isasyncgen(answers):
                        return await answers
                    async for message in answers:
                        await context.write(message)
                    return None

        make = _MAKERS[served.request_streaming, served.response_streaming]
        return make(guarded, served.request_deserializer, served.response_serializer)

    @asynccontextmanager
    async def _refusing(self, method: str, context: _Context) -> AsyncIterator[None]:
        try:
            yield
        except RefusedError as refused:
            reason = refused.reason.lower()
            self._metrics.rejections.labels(reason).inc()
            now = asyncio.get_running_loop().time()
            if self._log_lines.has(now):
                self._log_lines.take(now)
                _log.warning("call_refused", method=method, reason=reason, message=str(refused), peer=context.peer())
            status = status_of(refused.code, refused.reason, str(refused), refused.retry_delay)
            await context.abort(refused.code, str(refused), status.trailing_metadata)

    @asynccontextmanager
    async def _admitted(self, context: _Context) -> AsyncIterator[None]:
        """Let a call run that is made by somebody who may, and for which there is room.

        Raises:
            RefusedError: it must not.
        """
        caller = await self._identify(context)
        self._look_for_room(caller)
        self._calls[caller.name] += 1
        # The call has a task, and with it a context, of its own.
        CALLER.set(caller)
        try:
            yield
        finally:
            self._calls -= Counter((caller.name,))

    async def _identify(self, context: _Context) -> Caller:
        if self._authenticator is None:
            return ANYONE
        metadata: Any = context.invocation_metadata() or ()
        return await self._authenticator.identify(metadata, context.auth_context())

    def _look_for_room(self, caller: Caller) -> None:
        exhausted = grpc.StatusCode.RESOURCE_EXHAUSTED
        if self._calls.total() >= self._max_streams:
            raise RefusedError(exhausted, "OVERLOADED", "no room for more calls: try another server", _RETRY_DELAY)
        most = caller.tenant.streams if caller.tenant is not None else None
        if most is not None and self._calls[caller.name] >= most:
            message = f"the tenant may have {most} calls at once: end one first"
            raise RefusedError(exhausted, "QUOTA", message, _RETRY_DELAY)

    @asynccontextmanager
    async def _count_open(self, _context: _Context) -> AsyncIterator[None]:
        if self._open_to_all >= _MAX_OPEN_TO_ALL:
            message = "too many calls of the health service at once"
            raise RefusedError(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", message, _RETRY_DELAY)
        self._open_to_all += 1
        try:
            yield
        finally:
            self._open_to_all -= 1


_MAKERS: dict[tuple[bool, bool], Callable[..., Any]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
