"""Every metric, by its name, moves when what it counts happens."""

import asyncio

import pytest
from google.protobuf.duration_pb2 import Duration
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from segue.core import events as ev
from segue.core.outputs import Usage
from segue.gateway import Gateway
from segue_client.segue.v1.client_event_pb2 import ClientEvent, Interrupt, UserText
from tests.conversation import conversing, opening
from tests.scripted_backend import ScriptedBackend
from tests.waiting import wait_until

# The names that dashboards and alerts know, with their labels.
METRICS = {
    "segue_streams_active": (),
    "segue_sessions_active": (),
    "segue_sessions_opened": (),
    "segue_sessions_closed": ("reason",),
    "segue_links_active": (),
    "segue_link_dials": ("outcome",),
    "segue_link_setup_seconds": (),
    "segue_turns": ("family", "outcome"),
    "segue_turn_seconds": (),
    "segue_first_audio_seconds": ("family",),
    "segue_interruptions": ("cause",),
    "segue_interruption_heard_ratio": (),
    "segue_audio_seconds": ("direction",),
    "segue_audio_dropped_seconds": ("reason",),
    "segue_rejections": ("reason",),
    "segue_tokens": ("kind", "modality"),
    "segue_event_loop_lag_seconds": (),
}


def families(gateway: Gateway) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(gateway.exposition().decode())}


async def converse(gateway: Gateway, backend: ScriptedBackend) -> None:
    """Hold a conversation in which everything happens that is counted."""
    sample = gateway.metrics.registry.get_sample_value
    async with conversing(gateway.port) as conversation:
        # A model's name is a client's string, and must name no label.
        await conversation.open(options=opening(model="gemini-9-secret"))
        (link,) = backend.links
        assert sample("segue_streams_active") == sample("segue_sessions_active") == sample("segue_links_active") == 1.0
        await conversation.say(ClientEvent(audio=b"\x01\x00" * 8_000), ClientEvent(audio=b"\x01"))
        await conversation.hear("input_rejected")
        # Half a second of speech, so that the end of the user's words is known.
        await conversation.say(ClientEvent(audio=b"\x00\x10\x00\xf0" * 4_000))
        await wait_until(lambda: len(link.sent) == 2)
        link.say(ev.UserTranscribed(1, "Hello?"))
        link.speak(0.5, "Hello.")
        tokens = Usage(10, 20, 30, 0, {"AUDIO": 7, "TEXT": 3}, {"AUDIO": 19, "HOLOGRAM": 1})
        link.say(ev.UsageReported(1, tokens))
        link.complete()
        await conversation.hear("turn_ended")
        await conversation.say(ClientEvent(text=UserText(text="Hi")))
        await wait_until(lambda: "Hi" in link.sent)
        link.speak(2.0, "A long story.")
        await conversation.hear("audio")
        await conversation.say(ClientEvent(interrupt=Interrupt(heard=Duration(nanos=500_000_000))))
        await conversation.hear("interrupted")
        link.speak(0.5)
        await conversation.hear("turn_ended")
        await conversation.half_close()
        await conversation.hear_out()
    await wait_until(lambda: (sample("segue_event_loop_lag_seconds_count") or 0) > 0)


async def test_every_metric_moves_and_there_are_no_others(gateway: Gateway, backend: ScriptedBackend) -> None:
    await converse(gateway, backend)
    exposed = families(gateway)
    assert exposed.keys() == METRICS.keys()
    for name, labels in METRICS.items():
        samples = exposed[name].samples
        seen = {label for sample in samples for label in sample.labels if label != "le"}
        assert seen == set(labels), name
        if not name.endswith("_active"):
            assert any(sample.value > 0 for sample in samples), name
        assert exposed[name].documentation.endswith("."), name


async def test_what_is_counted_is_what_happened(gateway: Gateway, backend: ScriptedBackend) -> None:
    await converse(gateway, backend)

    def value(name: str, **labels: str) -> float | None:
        return gateway.metrics.registry.get_sample_value(f"segue_{name}", labels)

    assert value("sessions_opened_total") == 1.0
    assert value("sessions_closed_total", reason="completed") == 1.0
    assert value("link_dials_total", outcome="opened") == 1.0
    assert value("turns_total", family="3.8-live", outcome="completed") == 1.0
    assert value("turns_total", family="3.8-live", outcome="interrupted") == 1.0
    assert value("interruptions_total", cause="client") == 1.0
    assert value("interruption_heard_ratio_sum") == pytest.approx(0.25)
    assert value("audio_seconds_total", direction="out") == pytest.approx(2.5)
    assert value("audio_dropped_seconds_total", reason="interrupted") == pytest.approx(0.5)
    assert value("turn_seconds_sum") == pytest.approx(2.5)
    assert value("first_audio_seconds_count", family="3.8-live") == 2.0
    assert value("rejections_total", reason="odd_bytes") == 1.0
    assert value("tokens_total", kind="input", modality="audio") == 7.0
    assert value("tokens_total", kind="output", modality="other") == 1.0
    # One second of the client's, and the silence that is fed while it pauses.
    heard = value("audio_seconds_total", direction="in")
    assert heard is not None
    assert heard >= 1.0
    text = gateway.exposition().decode()
    assert "secret" not in text
    assert "session=" not in text


async def test_an_event_loop_that_is_held_up_shows(gateway: Gateway) -> None:
    def value(name: str, **labels: str) -> float:
        return gateway.metrics.registry.get_sample_value(f"segue_event_loop_lag_seconds_{name}", labels) or 0.0

    await wait_until(lambda: value("count") >= 1)
    blocked = asyncio.get_running_loop().time() + 0.7
    while asyncio.get_running_loop().time() < blocked:
        pass
    await wait_until(lambda: value("count") >= 2)
    assert value("sum") > 0.15
