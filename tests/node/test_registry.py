"""What a registry makes its sessions of."""

from collections.abc import Callable
from random import Random

import pytest

from segue.core.events import OpenReceived, StreamLost
from segue.core.options import Options
from segue.core.policy import Policy
from segue.core.session import Session
from segue.node.registry import Registry
from segue.telemetry.metrics import Metrics
from segue.tenants import Tenant
from tests.node.ear import Ear
from tests.scripted_backend import ScriptedBackend


async def test_each_session_has_the_policy_and_numbers_of_its_own_seed(
    backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[str, Policy, Callable[[], float]]] = []

    def make(session_id: str, policy: Policy, draw: Callable[[], float], resume_token: str) -> Session:
        made.append((session_id, policy, draw))
        return Session(session_id, policy, draw, resume_token)

    monkeypatch.setattr("segue.node.registry.Session", make)
    policy = Policy(overlap=True)
    registry = Registry(backend, Metrics(), policy)
    for _ in range(2):
        registry.open(Ear())
    (first, policy_of_first, draw), (second, _, draw_of_second) = made
    assert policy_of_first is policy
    assert first != second
    drawn = [draw() for _ in range(3)]
    again = Random(first)
    assert drawn == [again.random() for _ in range(3)]
    assert drawn != [draw_of_second() for _ in range(3)]


@pytest.mark.parametrize("allowed", [(), ("eu", "us")])
async def test_a_session_may_use_the_credentials_that_it_is_allowed(
    backend: ScriptedBackend, allowed: tuple[str, ...]
) -> None:
    tenant = Tenant(name="acme", credentials=allowed)
    driver = Registry(backend, Metrics(), Policy()).open(Ear(), tenant)
    driver.feed(OpenReceived(0, Options("gemini-3.8-live")))
    assert [link.allowed for link in backend.links] == [allowed]
    driver.feed(StreamLost())
