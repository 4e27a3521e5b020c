"""Client, gateway, google-genai and simulator with several keys and connections that stand ready, over real sockets."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import Any

import pytest

from segue.backend.credentials import Credential, Share
from segue.backend.gemini import GeminiBackend
from segue.backend.pool import Source
from segue.config import Settings
from segue.gateway import Gateway
from segue.simulator.dialogue_file import parse_dialogue
from segue.simulator.faults.closing import CloseConnection
from segue.simulator.faults.plan import FaultPlan
from segue.simulator.history import History
from segue.simulator.server import Simulator
from segue.simulator.speech import SpeechLikeVoice
from segue.simulator.timing import Span
from segue_client.segue.v1.client_event_pb2 import ClientEvent
from segue_client.segue.v1.error_pb2 import Error
from segue_client.segue.v1.server_event_pb2 import Notice
from tests.conversation import conversing, opening
from tests.test_end_to_end import DIALOGUE, QUICK, ask
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("no_task_left", "plain_environment")


@dataclass
class Service:
    """A gateway with several keys, and the simulator behind it; `keys` are those that it accepts."""

    gateway: Gateway
    simulator: Simulator
    history: History
    keys: set[str]

    def value(self, name: str, **labels: str) -> float | None:
        return self.gateway.metrics.registry.get_sample_value(f"segue_{name}", labels)

    def is_ready(self, connections: int) -> bool:
        """Return whether so many connections of each key stand ready."""
        return all((self.value("links_prewarmed", credential=name) or 0) >= connections for name in "ab")

    def recorded(self, kind: str) -> list[dict[str, Any]]:
        return [record.fields for record in self.history.of("simulator", kind)]

    def close_all(self, cause: str) -> None:
        """Have the service close every connection."""
        self.simulator.inject(FaultPlan(CloseConnection, settings={"cause": cause}))


@asynccontextmanager
async def serving(latency: float = 0.0, **settings: Any) -> AsyncIterator[Service]:
    """Run a gateway with the keys a and b; a comes first."""
    history, keys = History(), {"key-a", "key-b"}
    async with Simulator(
        dialogue=parse_dialogue(DIALOGUE, "test"),
        voice=SpeechLikeVoice(),
        timing=replace(QUICK, upgrade=Span(latency, latency)),
        valid_credential=keys.__contains__,
        history=history,
        strict=True,
    ) as simulator:
        context = simulator.client_ssl_context()
        credentials = [
            Credential(name, f"credential {name}", api_key=f"key-{name}", base_url=simulator.url, share=Share(weight))
            for name, weight in (("a", 2), ("b", 1))
        ]
        sources = [Source(GeminiBackend(each, ssl_context=context), each) for each in credentials]
        settings = {"port": 0, "metrics_port": 0, "drain_timeout": 0} | settings
        gateway = Gateway(Settings(**settings), sources)
        await gateway.start()
        try:
            yield Service(gateway, simulator, history, keys)
        finally:
            await wait_until(lambda: not len(gateway.registry))
            await gateway.stop()
            await wait_until(lambda: not simulator.links)


def quota_runs_out(service: Service) -> None:
    service.close_all("quota")


def key_is_withdrawn(service: Service) -> None:
    service.keys.remove("key-a")
    service.close_all("internal_encountered")


@pytest.mark.parametrize(("trouble", "cause"), [(quota_runs_out, "quota"), (key_is_withdrawn, "transient")])
async def test_a_session_goes_on_with_another_key_and_remembers(trouble: Callable[[Service], None], cause: str) -> None:
    async with serving() as service, conversing(service.gateway.port) as conversation:
        await conversation.open(options=opening(include_notices=True))
        assert (await ask(conversation, "Blue.")).heard_text == "Yes."
        # The handle follows the turn.
        await wait_until(
            lambda: any(update["resumable"] for update in service.recorded("session_resumption_update_sent"))
        )
        trouble(service)
        notice = (await conversation.hear("notice")).notice
        assert notice.kind == Notice.KIND_RECOVERED
        assert service.value("recoveries_total", cause=cause, outcome="fresh") == 1.0
        assert service.value("credential_available", credential="a") == 0.0
        assert service.value("credential_available", credential="b") == 1.0
        assert (await ask(conversation, "Red.")).heard_text == "Yes."
        # No handle crossed over: the service would have closed with "session not found".
        rules = {close["rule"] for close in service.recorded("connection_closed") if close["rule"]}
        assert rules <= {"api_key_invalid"}
        assert not service.recorded("setup_received")[-1]["resumed"]
        # Who comes now goes to the other one at once.
        dialled = len(service.recorded("connection_opened"))
        await conversation.say(ClientEvent(channel=1, open=opening()))
        await conversation.hear("opened", 1)
        assert len(service.recorded("connection_opened")) == dialled + 1


async def test_where_no_key_is_accepted_the_session_is_closed_as_with_one() -> None:
    async with serving() as service, conversing(service.gateway.port) as conversation:
        service.keys.clear()
        await conversation.say(ClientEvent(open=opening()))
        closed = (await conversation.hear("closed")).closed
        assert closed.error.reason == Error.REASON_BACKEND_CREDENTIALS
        assert "key-" not in closed.error.message
        # Each was tried.
        assert len(service.recorded("connection_opened")) == 2


async def test_a_session_is_opened_over_a_connection_that_stood_ready() -> None:
    async with serving(prewarmed=2) as service, conversing(service.gateway.port) as conversation:
        await wait_until(partial(service.is_ready, 2))
        before = {name for name, link in service.simulator.links.items() if not link.script.model}
        await conversation.open(options=opening(model="gemini-2.5-flash-native-audio-preview-12-2025"))
        assert (await ask(conversation, "Blue.")).heard_text == "Yes."
        (used,) = [name for name, link in service.simulator.links.items() if link.script.model]
        assert used in before
        await wait_until(partial(service.is_ready, 2))
        # A link that is lost is replaced by one of them, too.
        before = set(service.simulator.links) - {used}
        service.simulator.inject(FaultPlan(CloseConnection, settings={"cause": "internal_encountered"}), used)
        await wait_until(lambda: used not in service.simulator.links)
        await wait_until(lambda: any(link.script.model for link in service.simulator.links.values()))
        (used,) = [name for name, link in service.simulator.links.items() if link.script.model]
        assert used in before
        await wait_until(partial(service.is_ready, 2))
    # Those that nobody used were closed as connections are.
    assert {close["code"] for close in service.recorded("connection_closed")} == {1000, 1011}


async def test_what_it_saves_to_have_connections_ready(
    record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    latency, took = 0.3, {}
    loop = asyncio.get_running_loop()
    for size in (0, 4):
        async with serving(latency, prewarmed=size) as service, conversing(service.gateway.port) as conversation:
            times = []
            for channel in range(4):
                await wait_until(partial(service.is_ready, size))
                began = loop.time()
                await conversation.say(ClientEvent(channel=channel, open=opening()))
                await conversation.hear("opened", channel)
                times.append(loop.time() - began)
            took[size] = median(times)
    record_property("opening_seconds_cold", round(took[0], 4))
    record_property("opening_seconds_ready", round(took[4], 4))
    with capsys.disabled():
        sys.stdout.write(f"\nopened after {took[0]:.3f} s, with connections ready after {took[4]:.3f} s\n")
    assert took[4] < took[0] - latency / 2
