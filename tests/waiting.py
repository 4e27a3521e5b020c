"""Waiting for what other tasks bring about."""

import asyncio
from collections.abc import Callable

WAIT_LIMIT = 5.0
_STEP = 0.002


async def wait_until(condition: Callable[[], object]) -> None:
    """Let other tasks run until the condition holds.

    Raises:
        TimeoutError: it does not hold within WAIT_LIMIT seconds.
    """
    for _ in range(round(WAIT_LIMIT / _STEP)):
        if condition():
            return
        await asyncio.sleep(_STEP)
    raise TimeoutError("the condition that is waited for never held")
