"""How long the Live API takes, as measured: the simulator's defaults, and its settings."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Span:
    """A range of seconds (or of factors) that the service was seen to vary in."""

    low: float
    high: float

    def draw(self, rng: Random) -> float:
        """Return a value in the range."""
        return rng.uniform(self.low, self.high)


@dataclass(frozen=True, slots=True)
class Timing:
    """Delays in seconds.

    Attributes:
        upgrade: from the request for a WebSocket to its answer; here nothing, where 0.11 to 0.16 were measured
            (2026-09-10) with the network's part in them. Over sockets only.
        setup: from the setup to `setupComplete`; p50 0.13, p95 0.17 (measured 2026-09-10, 58 connections).
        first_audio: from the end of the user's turn to the first output (user reports, 0.3 to 1.2).
        thinking: what a thought adds to it; nobody measured it.
        generation_speed: audio generated in a second, in seconds (python-genai and txtCaster reports, 3 to 4).
        first_chunk: the length of a turn's first audio chunk (livekit/agents issue 5742: they begin small).
        chunk: the length of the others (js-genai recordings, 200 to 320 ms).
        interruption: from detected speech to `interrupted` (pipecat issue 3429: tens of milliseconds).
        activity_echo: from an activity signal to its `voiceActivity` (measured 2026-09-10).
        activity_gap: from an `activityEnd` to the earliest `activityStart` that counts (measured 2026-09-10).
        input_transcription: from the end of an activity to its last transcript (measured 2026-09-10: 0.26, p95 0.42).
        interim_transcription: between two interim transcripts (measured 2026-09-10, gemini-3.5-transcribe-live).
        go_away_after: from the start of a connection to `goAway` (measured 2026-09-10).
        close_after: from the start of a connection to its end (measured 2026-09-10).
        long_close_after: the same where connections live long (discuss.ai.google.dev 186392: 58 minutes).
    """

    upgrade: Span = Span(0.0, 0.0)
    setup: Span = Span(0.13, 0.17)
    first_audio: Span = Span(0.3, 1.2)
    thinking: Span = Span(0.5, 1.5)
    generation_speed: Span = Span(3.0, 4.0)
    first_chunk: float = 0.1
    chunk: Span = Span(0.2, 0.32)
    interruption: Span = Span(0.02, 0.06)
    activity_echo: Span = Span(0.035, 0.045)
    activity_gap: float = 0.5
    input_transcription: Span = Span(0.26, 0.42)
    interim_transcription: float = 0.49
    go_away_after: float = 540.0
    close_after: float = 590.0
    long_close_after: float = 3480.0
