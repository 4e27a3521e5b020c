"""The metrics, by the names that dashboards and alerts know.

Labels are bounded: `family` is a profile's name, never a client's string, and no session is ever named.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from segue.core.actions import (
    Drop,
    FalseInterruptionSeen,
    ImageDropped,
    InputLost,
    InputReplayed,
    Observation,
    OddTurn,
    Outcome,
    PhantomSeen,
    Recovered,
    Renewed,
    ResumeNoted,
    Wedged,
)
from segue.core.outputs import (
    CutCause,
    InputRejected,
    Interrupted,
    Output,
    TurnEnded,
)

_LATENCY_BUCKETS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0)
_STOP_BUCKETS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0)
_RTT_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_TURN_BUCKETS = (0.5, 1, 2, 5, 10, 20, 40, 80, 160)
_LAG_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0)
_MODALITIES = {"TEXT", "AUDIO", "IMAGE", "VIDEO"}
_RATIO_BUCKETS = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
_GAP_BUCKETS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0)
# A session gives up after a minute.
_RECOVERY_BUCKETS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0)
_TOOL_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
# RFC 6455, section 7.4.1, and the IANA registry of WebSocket close codes.
_CLOSE_CODES = {*range(1000, 1004), *range(1005, 1016)}


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
        self.link_rtt = Histogram(
            "segue_link_rtt_seconds",
            "The round-trip time of a link's pings, of which there is one every 30 s.",
            buckets=_RTT_BUCKETS,
            registry=reg,
        )
        self.link_closed = Counter(
            "segue_link_closed_total",
            "Links that were lost, by the code of the WebSocket's close: 1006 for a connection that broke, none where "
            "none stood.",
            ["code"],
            registry=reg,
        )
        self.renewals = Counter(
            "segue_renewals_total",
            "Links that were replaced as planned: resumed by a handle, fresh without one, or cut where a turn lost its "
            "rest by it.",
            ["trigger", "outcome"],
            registry=reg,
        )
        self.renewal_gap = Histogram(
            "segue_renewal_gap_seconds",
            "How long a renewed session had no link.",
            buckets=_GAP_BUCKETS,
            registry=reg,
        )
        self.recoveries = Counter(
            "segue_recoveries_total",
            "Links that were lost or wedged, by what for, and by how they were replaced.",
            ["cause", "outcome"],
            registry=reg,
        )
        self.recovery_seconds = Histogram(
            "segue_recovery_seconds",
            "From the loss of a link, or the verdict that it is wedged, to the one that replaced it.",
            buckets=_RECOVERY_BUCKETS,
            registry=reg,
        )
        self.wedges = Counter(
            "segue_wedges_total", "Links found wedged, by what they were recognised by.", ["sign"], registry=reg
        )
        self.replayed = Counter(
            "segue_input_replayed_seconds_total", "User audio given to the model again, on a new link.", registry=reg
        )
        self.breaker_open = Gauge(
            "segue_breaker_open",
            "1 while links to a family of models are not dialled, because dials failed or there was no quota.",
            ["credential", "family"],
            registry=reg,
        )
        self.credential_available = Gauge(
            "segue_credential_available",
            "1 while new sessions are opened with a credential; 0 from when it was refused or had no quota, until a "
            "new session is opened with it.",
            ["credential"],
            registry=reg,
        )
        self.links_prewarmed = Gauge(
            "segue_links_prewarmed",
            "Connections that stand ready for the next session or the next lost link.",
            ["credential"],
            registry=reg,
        )
        self.tool_calls = Counter(
            "segue_tool_calls_total",
            "Functions the model asked for: answered, cancelled by the model, timed_out, or "
            "unanswered at the session's end.",
            ["outcome"],
            registry=reg,
        )
        self.tool_call_seconds = Histogram(
            "segue_tool_call_seconds",
            "From a call, as it is sent to the client, to its last result.",
            buckets=_TOOL_BUCKETS,
            registry=reg,
        )
        self.turns = Counter(
            "segue_turns_total",
            "Turns that ended, by how. Beside them, of the backend's turns that had nothing to hear: empty, where the "
            "user's words were to be answered; rejected, where the service rejected the reply; faint, where the audio "
            "was too quiet.",
            ["family", "outcome"],
            registry=reg,
        )
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
            "segue_interruptions_total",
            "Turns that were cut, by cause. Beside them: phantom_ignored, the backend's interruptions that nobody made "
            "and that cut nothing; false, those of the cause user that had no words to them.",
            ["cause"],
            registry=reg,
        )
        self.resume_notes = Counter(
            "segue_resume_notes_total",
            "Interruptions of which the model was to be told what was heard: told, or late where it spoke before that.",
            ["outcome"],
            registry=reg,
        )
        self.interruption_stop = Histogram(
            "segue_interruption_stop_seconds",
            "From the first sign that somebody interrupts a turn to the last of its audio that was sent.",
            buckets=_STOP_BUCKETS,
            registry=reg,
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
        self.images_dropped = Counter(
            "segue_images_dropped_total",
            "Images that the model was never shown, because a newer one came first.",
            registry=reg,
        )
        self.reattaches = Counter(
            "segue_reattaches_total",
            "Clients that came back to their sessions, or tried to, by outcome.",
            ["outcome"],
            registry=reg,
        )
        self.inputs_lost = Counter(
            "segue_inputs_lost_total", "Numbered inputs that clients that came back no longer had.", registry=reg
        )
        self.rejections = Counter(
            "segue_rejections_total",
            "Inputs, sessions and calls that were refused, by reason.",
            ["reason"],
            registry=reg,
        )
        self.tokens = Counter("segue_tokens_total", "Tokens that were billed.", ["kind", "modality"], registry=reg)
        self.loop_lag = Histogram(
            "segue_event_loop_lag_seconds",
            "How late the event loop runs what is due.",
            buckets=_LAG_BUCKETS,
            registry=reg,
        )

    def note(self, observation: Observation, family: str) -> None:
        """Count what a session with a model of this family did behind the scenes."""
        match observation:
            case Drop():
                self.audio_dropped.labels(observation.reason).inc(observation.seconds)
            case ImageDropped():
                self.images_dropped.inc()
            case Renewed():
                outcome = "cut" if observation.cut else "resumed" if observation.resumed else "fresh"
                self.renewals.labels(observation.trigger.name.lower(), outcome).inc()
                self.renewal_gap.observe(observation.gap)
            case Recovered():
                self.recoveries.labels(observation.cause.name.lower(), observation.outcome.name.lower()).inc()
                if observation.outcome is not Outcome.FAILED:
                    self.recovery_seconds.observe(observation.seconds)
            case Wedged():
                self.wedges.labels(observation.sign.name.lower()).inc()
            case OddTurn():
                self.turns.labels(family, observation.kind.name.lower()).inc()
            case PhantomSeen():
                # One that cut a turn is counted as what the client is told.
                if not observation.cut:
                    self.interruptions.labels("phantom_ignored").inc()
            case FalseInterruptionSeen():
                self.interruptions.labels("false").inc()
            case ResumeNoted():
                self.resume_notes.labels(observation.outcome.name.lower()).inc()
            case InputReplayed():
                self.replayed.inc(observation.seconds)
            case InputLost():
                self.inputs_lost.inc(observation.inputs)

    def observe_loss(self, code: int) -> None:
        """Count a link that was lost, by the code of its close; 0 for a connection that never stood."""
        self.link_closed.labels(str(code) if code in _CLOSE_CODES else "other" if code else "none").inc()

    def of_credential(self, name: str) -> "CredentialMetrics":
        """Return what shows how a credential fares."""
        return CredentialMetrics(self, name)

    def observe_tool_call(self, outcome: str, seconds: float | None = None) -> None:
        """Count a call of a function of the client's; `seconds` is what its answer took."""
        self.tool_calls.labels(outcome).inc()
        if seconds is not None:
            self.tool_call_seconds.observe(seconds)

    def observe(self, output: Output, family: str) -> None:
        """Count what a client of a session with a model of this family is told. Audio is counted by its seconds."""
        match output:
            case TurnEnded():
                self._observe_turn(output, family)
            case Interrupted() if output.cause is not CutCause.NONE:
                self.interruptions.labels(output.cause.name.lower()).inc()
                if output.stop_latency is not None:
                    self.interruption_stop.observe(output.stop_latency)
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


class CredentialMetrics:
    """What shows how one credential fares; the credential is good until it proves otherwise."""

    def __init__(self, metrics: Metrics, name: str) -> None:
        self._name = name
        self._breaker_open = metrics.breaker_open
        self._available = metrics.credential_available.labels(name)
        self._ready = metrics.links_prewarmed.labels(name)
        self._available.set(1)

    def breaker_changed(self, family: str, is_open: bool) -> None:
        """Show whether links to models of a family are held off."""
        self._breaker_open.labels(self._name, family).set(is_open)

    def availability_changed(self, available: bool) -> None:
        """Show whether new sessions are opened with the credential."""
        self._available.set(available)

    def reserve_changed(self, ready: int) -> None:
        """Show how many connections stand ready."""
        self._ready.set(ready)
