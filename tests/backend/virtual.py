"""An event loop whose time passes at once: whoever waits for nothing but a time is there."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time is 0 in the beginning."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_Hasty(self))

    def time(self) -> float:
        return self.now


class _Hasty(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everybody waits, and nobody for a time"
            self._loop.now += timeout
        return ready


def in_virtual_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an asynchronous test on such a loop."""

    @wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(test(*arguments, **named))

    return run
