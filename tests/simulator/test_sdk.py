"""The newest google-genai, unmodified, talks to the simulator over TLS."""

import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from segue.simulator.history import History


@pytest.mark.parametrize(("service", "medium"), [("developer", "text"), ("developer", "audio"), ("vertex", "text")])
async def test_newest_sdk_holds_a_conversation(
    service: str,
    medium: str,
    converse: Callable[[str, str, str], Awaitable[dict[str, Any]]],
    check: dict[str, Callable[[dict[str, Any]], None]],
    history: History,
) -> None:
    outcome = await converse(sys.executable, service, medium)
    assert outcome["version"].startswith("3.")
    check[medium](outcome)
    [closed] = history.of("simulator", "connection_closed")
    assert (closed.fields["closed_by"], closed.fields["code"]) == ("client", 1000)
