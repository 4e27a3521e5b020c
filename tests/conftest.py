"""What the tests of the gateway run on."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from segue.backend.pool import Source
from segue.config import Settings
from segue.gateway import Gateway
from tests.edge.house import House
from tests.scripted_backend import ScriptedBackend
from tests.waiting import wait_until


@pytest.fixture
async def no_task_left() -> AsyncIterator[None]:
    """Fail the test when a task that it started outlives it."""
    before = asyncio.all_tasks()
    yield
    await wait_until(lambda: not (asyncio.all_tasks() - before - {asyncio.current_task()}))


@pytest.fixture
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Take everything out of the environment that the settings and the credentials are read from."""
    for name in os.environ:
        if name.startswith(("SEGUE_", "GEMINI_", "GOOGLE_")):
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture
def backend() -> ScriptedBackend:
    return ScriptedBackend()


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture
def settings() -> dict[str, Any]:
    """What the gateway is set to beside its ports; tests may say otherwise."""
    return {}


@pytest.fixture
async def gateway(
    no_task_left: None, plain_environment: pytest.MonkeyPatch, backend: ScriptedBackend, settings: dict[str, Any]
) -> AsyncIterator[Gateway]:
    """A gateway on the scripted backend. In the end everything must have been let go of."""
    gateway = Gateway(Settings(port=0, metrics_port=0, drain_timeout=0, **settings), [Source(backend)])
    await gateway.start()
    yield gateway
    await wait_until(lambda: not len(gateway.registry))
    await gateway.stop()
    assert backend.closed
    for name in ("streams", "sessions", "links"):
        assert gateway.metrics.registry.get_sample_value(f"segue_{name}_active") == 0.0
    assert all(link.hung_up or link.lost for link in backend.links)
