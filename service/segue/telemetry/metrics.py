"""The metrics, by the names that dashboards and alerts know.

Labels are bounded: `family` is a profile's name, never a client's string, and no session is ever named.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from segue.core.actions import Drop
from segue.core.outputs import (
    CutCause,
    InputRejected,
    Interrupted,
    Output,
    TurnEnded,
)

_LATENCY_BUCKETS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0)
_TURN_BUCKETS = (0.5, 1, 2, 5, 10, 20, 40, 80, 160)
_LAG_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0)
_MODALITIES = {"TEXT", "AUDIO", "IMAGE", "VIDEO"}
_RATIO_BUCKETS = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0)


class Metrics:
    """All metrics of one gateway, in a registry of its own."""

    def __init__(self) -> None:
        # When a counter was made says nothing that a restart's own time does not.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        reg = self.registry
        self.streams_active = Gauge("segue_streams_active", "Client streams that are open.", registry=reg)
        self.sessions_active = Gauge("segue_sessions_active", "Sessions that have not ended.", registry=reg)
        self.sessions_opened = Counter("segue_sessions_opened_total", "Sessions that were asked for.", registry=reg)
        self.sessions_closed = Counter(
            "segue_sessions_closed_total", "Sessions that ended, by reason.", ["reason"], registry=reg
        )
        self.links_active = Gauge("segue_links_active", "Links to the backend that are dialled or up.", registry=reg)
        self.link_dials = Counter(
            "segue_link_dials_total", "Links that were dialled, by outcome.", ["outcome"], registry=reg
        )
        self.link_setup = Histogram(
            "segue_link_setup_seconds",
            "From the dial of a link to its accepted setup.",
            buckets=_LATENCY_BUCKETS,
            registry=reg,
        )
        self.turns = Counter("segue_turns_total", "Turns that ended.", ["family", "outcome"], registry=reg)
        self.turn_seconds = Histogram(
            "segue_turn_seconds", "Audio that the model made in a turn.", buckets=_TURN_BUCKETS, registry=reg
        )
        self.first_audio = Histogram(
            "segue_first_audio_seconds",
            "From the end of the user's words to the first audio of the answer.",
            ["family"],
            buckets=_LATENCY_BUCKETS,
            registry=reg,
        )
        self.interruptions = Counter(
            "segue_interruptions_total", "Turns that were cut, by cause.", ["cause"], registry=reg
        )
        self.heard_ratio = Histogram(
            "segue_interruption_heard_ratio",
            "The part of an interrupted turn's audio that was heard.",
            buckets=_RATIO_BUCKETS,
            registry=reg,
        )
        self.audio = Counter("segue_audio_seconds_total", "Audio passed on.", ["direction"], registry=reg)
        self.audio_in = self.audio.labels("in")
        self.audio_out = self.audio.labels("out")
        self.audio_dropped = Counter(
            "segue_audio_dropped_seconds_total", "Audio thrown away, by reason.", ["reason"], registry=reg
        )
        self.rejections = Counter(
            "segue_rejections_total", "Inputs that were not used, by reason.", ["reason"], registry=reg
        )
        self.tokens = Counter("segue_tokens_total", "Tokens that were billed.", ["kind", "modality"], registry=reg)
        self.loop_lag = Histogram(
            "segue_event_loop_lag_seconds",
            "How late the event loop runs what is due.",
            buckets=_LAG_BUCKETS,
            registry=reg,
        )

    def observe_drop(self, drop: Drop) -> None:
        """Count audio that was thrown away."""
        self.audio_dropped.labels(drop.reason).inc(drop.seconds)

    def observe(self, output: Output, family: str) -> None:
        """Count what a client of a session with a model of this family is told. Audio is counted by its seconds."""
        match output:
            case TurnEnded():
                self._observe_turn(output, family)
            case Interrupted() if output.cause is not CutCause.NONE:
                self.interruptions.labels(output.cause.name.lower()).inc()
            case InputRejected():
                self.rejections.labels(output.reason.name.lower()).inc()

    def _observe_turn(self, ended: TurnEnded, family: str) -> None:
        self.turns.labels(family, ended.reason.name.lower()).inc()
        self.turn_seconds.observe(ended.audio)
        if ended.first_audio_latency is not None:
            self.first_audio.labels(family).observe(ended.first_audio_latency)
        if ended.heard < ended.audio:
            self.heard_ratio.observe(ended.heard / ended.audio)
        if ended.usage is not None:
            for kind, by_modality, total in (
                ("input", ended.usage.input_by_modality, ended.usage.input_tokens),
                ("output", ended.usage.output_by_modality, ended.usage.output_tokens),
            ):
                for modality, tokens in (by_modality or {"": total}).items():
                    label = modality.lower() if modality in _MODALITIES else "other"
                    self.tokens.labels(kind, label).inc(tokens)
