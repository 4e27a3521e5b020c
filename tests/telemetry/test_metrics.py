"""Every metric, by its name, moves when what it counts happens."""

import asyncio

import pytest
from google.protobuf.duration_pb2 import Duration
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from segue.core import actions as act
from segue.core import events as ev
from segue.core.outputs import CutCause, EndReason, Interrupted, Usage
from segue.gateway import Gateway
from segue.telemetry.metrics import Metrics
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
    "segue_link_rtt_seconds": (),
    "segue_link_closed": ("code",),
    "segue_renewals": ("trigger", "outcome"),
    "segue_renewal_gap_seconds": (),
    "segue_recoveries": ("cause", "outcome"),
    "segue_recovery_seconds": (),
    "segue_wedges": ("sign",),
    "segue_input_replayed_seconds": (),
    "segue_breaker_open": ("credential", "family"),
    "segue_credential_available": ("credential",),
    "segue_links_prewarmed": ("credential",),
    "segue_tool_calls": ("outcome",),
    "segue_tool_call_seconds": (),
    "segue_turns": ("family", "outcome"),
    "segue_turn_seconds": (),
    "segue_first_audio_seconds": ("family",),
    "segue_interruptions": ("cause",),
    "segue_interruption_stop_seconds": (),
    "segue_interruption_heard_ratio": (),
    "segue_resume_notes": ("outcome",),
    "segue_images_dropped": (),
    "segue_audio_seconds": ("direction",),
    "segue_audio_dropped_seconds": ("reason",),
    "segue_rejections": ("reason",),
    "segue_reattaches": ("outcome",),
    "segue_inputs_lost": (),
    "segue_tokens": ("kind", "modality"),
    "segue_event_loop_lag_seconds": (),
}


def families(gateway: Gateway) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(gateway.exposition().decode())}


def observe(metrics: Metrics) -> None:
    """Let happen what takes a backend that fails."""
    for observation in (
        act.Renewed(act.Trigger.AGE, 0.2, resumed=True, cut=False),
        act.Recovered(ev.LossCause.TRANSIENT, 1.0, act.Outcome.RESUMED),
        act.Wedged(act.Sign.SILENCE),
        act.InputReplayed(1.5),
        act.ImageDropped(),
        act.InputLost(3),
    ):
        metrics.note(observation, "3.8-live")
    metrics.link_rtt.observe(0.03)
    metrics.observe_loss(1011)
    metrics.reattaches.labels("resumed").inc()
    credential = metrics.of_credential("default")
    credential.breaker_changed("3.8-live", is_open=True)
    credential.availability_changed(False)
    credential.reserve_changed(4)
    metrics.observe_tool_call("answered", 0.1)


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
        await conversation.say(ClientEvent(text=UserText(text="Hi")))
        await wait_until(lambda: "Hi" in link.sent)
        link.speak(2.0, "A long story.")
        await conversation.hear("audio")
        await conversation.say(ClientEvent(interrupt=Interrupt(heard=Duration(nanos=500_000_000))))
        await conversation.hear("interrupted")
        link.speak(0.5)
        await conversation.hear("turn_ended")
        link.complete()
        # Half a second of speech, so that the end of the user's words is known.
        await conversation.say(ClientEvent(audio=b"\x00\x10\x00\xf0" * 4_000))
        await wait_until(lambda: any(isinstance(sent, bytes) and b"\xf0" in sent for sent in link.sent))
        link.say(ev.UserTranscribed(1, "Hello?"))
        link.speak(0.5, "Hello.")
        tokens = Usage(10, 20, 30, 0, {"AUDIO": 7, "TEXT": 3}, {"AUDIO": 19, "HOLOGRAM": 1})
        link.say(ev.UsageReported(1, tokens))
        link.complete()
        await conversation.hear("turn_ended")
        await conversation.half_close()
        await conversation.hear_out()
    await wait_until(lambda: (sample("segue_event_loop_lag_seconds_count") or 0) > 0)


async def test_every_metric_moves_and_there_are_no_others(gateway: Gateway, backend: ScriptedBackend) -> None:
    await converse(gateway, backend)
    observe(gateway.metrics)
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


@pytest.mark.parametrize(
    ("observation", "name", "labels", "value"),
    [
        (act.Drop("interrupted", 2.0), "audio_dropped_seconds_total", {"reason": "interrupted"}, 2.0),
        (
            act.Renewed(act.Trigger.AGE, 0.2, resumed=True, cut=False),
            "renewals_total",
            {"trigger": "age", "outcome": "resumed"},
            1.0,
        ),
        (
            act.Renewed(act.Trigger.CONTEXT, 0.2, resumed=False, cut=False),
            "renewals_total",
            {"trigger": "context", "outcome": "fresh"},
            1.0,
        ),
        (
            act.Renewed(act.Trigger.GO_AWAY, 0.2, resumed=True, cut=True),
            "renewals_total",
            {"trigger": "go_away", "outcome": "cut"},
            1.0,
        ),
        (act.Renewed(act.Trigger.AGE, 0.2, resumed=True, cut=False), "renewal_gap_seconds_sum", {}, 0.2),
        (
            act.Recovered(ev.LossCause.STALLED, 1.5, act.Outcome.RESUMED),
            "recoveries_total",
            {"cause": "stalled", "outcome": "resumed"},
            1.0,
        ),
        (
            act.Recovered(act.Sign.DEAD_SOCKET, 1.5, act.Outcome.FAILED),
            "recoveries_total",
            {"cause": "dead_socket", "outcome": "failed"},
            1.0,
        ),
        (act.Recovered(act.Sign.SILENCE, 1.5, act.Outcome.FRESH), "recovery_seconds_sum", {}, 1.5),
        (act.Recovered(act.Sign.SILENCE, 60.0, act.Outcome.FAILED), "recovery_seconds_count", {}, 0.0),
        (act.Wedged(act.Sign.EMPTY_TURNS), "wedges_total", {"sign": "empty_turns"}, 1.0),
        (act.OddTurn(act.OddKind.EMPTY), "turns_total", {"family": "3.8-live", "outcome": "empty"}, 1.0),
        (act.OddTurn(act.OddKind.REJECTED), "turns_total", {"family": "3.8-live", "outcome": "rejected"}, 1.0),
        (act.OddTurn(act.OddKind.FAINT), "turns_total", {"family": "3.8-live", "outcome": "faint"}, 1.0),
        (act.PhantomSeen(cut=False), "interruptions_total", {"cause": "phantom_ignored"}, 1.0),
        (act.PhantomSeen(cut=True), "interruptions_total", {"cause": "phantom_ignored"}, None),
        (act.FalseInterruptionSeen(continued=True), "interruptions_total", {"cause": "false"}, 1.0),
        (act.ResumeNoted(act.NoteOutcome.TOLD), "resume_notes_total", {"outcome": "told"}, 1.0),
        (act.ResumeNoted(act.NoteOutcome.LATE), "resume_notes_total", {"outcome": "late"}, 1.0),
        (act.InputReplayed(2.5), "input_replayed_seconds_total", {}, 2.5),
    ],
)
def test_what_a_session_does_behind_the_scenes_is_counted(
    observation: act.Observation, name: str, labels: dict[str, str], value: float | None
) -> None:
    metrics = Metrics()
    metrics.note(observation, "3.8-live")
    assert metrics.registry.get_sample_value(f"segue_{name}", labels) == value


def test_no_recovery_is_known_under_two_names() -> None:
    assert not {cause.name for cause in ev.LossCause} & {sign.name for sign in act.Sign}


def test_no_turn_is_counted_twice_under_one_name() -> None:
    assert not {reason.name for reason in EndReason} & {kind.name for kind in act.OddKind}


def test_a_phantom_that_cut_a_turn_is_counted_once() -> None:
    metrics = Metrics()
    metrics.note(act.PhantomSeen(cut=True), "3.8-live")
    metrics.observe(Interrupted(1, CutCause.PHANTOM), "3.8-live")
    (family,) = (family for family in metrics.registry.collect() if family.name == "segue_interruptions")
    assert [(sample.labels, sample.value) for sample in family.samples] == [({"cause": "phantom"}, 1.0)]


def test_how_fast_interruptions_stop_is_measured_where_there_was_something_to_stop() -> None:
    metrics = Metrics()
    metrics.observe(Interrupted(1, CutCause.USER, stop_latency=0.25), "3.8-live")
    metrics.observe(Interrupted(2, CutCause.CLIENT), "3.8-live")
    metrics.observe(Interrupted(0, CutCause.NONE), "3.8-live")
    values = (metrics.registry.get_sample_value(f"segue_interruption_stop_seconds_{of}") for of in ("count", "sum"))
    assert [*values] == [1.0, 0.25]


def test_a_breaker_is_shown_while_it_is_open() -> None:
    metrics = Metrics()
    labels = {"credential": "default", "family": "3.8-live"}
    for is_open in (True, False):
        metrics.of_credential("default").breaker_changed("3.8-live", is_open)
        assert metrics.registry.get_sample_value("segue_breaker_open", labels) == float(is_open)


async def test_an_event_loop_that_is_held_up_shows(gateway: Gateway) -> None:
    def value(name: str, **labels: str) -> float:
        return gateway.metrics.registry.get_sample_value(f"segue_event_loop_lag_seconds_{name}", labels) or 0.0

    await wait_until(lambda: value("count") >= 1)
    blocked = asyncio.get_running_loop().time() + 0.7
    while asyncio.get_running_loop().time() < blocked:
        pass
    await wait_until(lambda: value("count") >= 2)
    assert value("sum") > 0.15
