"""Where the sources on the Live API disagree or nobody measured: every such behaviour as a switch with both settings.

The defaults are what was measured or what most reports say. Tests of clients should run under both settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from segue.simulator.values import checked, known


def _switch(default: Any, what: str, source: str) -> Any:
    return field(default=default, metadata={"what": what, "source": source})


@dataclass(frozen=True, slots=True)
class Switches:
    """One setting for each disputed behaviour. Durations are in seconds, sizes in bytes.

    `describe` tells what each one decides and who says what.
    """

    long_connections: bool = _switch(
        False,
        "connections live 58 minutes and end in 1011 without goAway, instead of goAway at 540 s and 1008 at 590 s",
        "discuss.ai.google.dev 186392 (3.8) against measurements of 2026-09-10",
    )
    cap_closes_with_1011: bool = _switch(
        False,
        'the connection cap closes with 1011 "Deadline expired", instead of 1008',
        "sokuji#179, adk-python#4140 (2.5) against measurements of 2026-09-10 (3.x)",
    )
    resume_while_open: bool = _switch(
        False,
        "a handle can be used while the connection that got it is still open, instead of 1011",
        "make-before-break in a public client against sip-to-ai#14",
    )
    handle_lifetime: float = _switch(
        7200.0,
        "how long a handle is good after its session ended",
        "2 h: ai.google.dev; 24 h and about 10 min: the Vertex documentation, on one page",
    )
    handle_works_twice: bool = _switch(
        True, "the same handle can be used again", "public clients do; not documented on the Developer API"
    )
    setup_has_index: bool = _switch(
        True, "the setup counts as client message 0 of lastConsumedClientMessageIndex", "not documented"
    )
    handles_unasked: bool = _switch(
        False, "a handle comes although sessionResumption was not in the setup", "one report with ephemeral tokens"
    )
    empty_resumption_refused: bool = _switch(
        False, "an empty sessionResumption closes with 1008", "livekit/agents#7254 against everybody else"
    )
    resumed_instruction_wins: bool = _switch(
        True,
        "a resumed session keeps the system instruction that it began with, whatever the new setup says",
        "one project's measurement",
    )
    content_after_model_turn: bool = _switch(
        False,
        "3.1 takes clientContent all session long, instead of 1007 after its first turn",
        "google-genai's own tests against livekit/agents#5251 and the documentation",
    )
    open_content_waits: bool = _switch(
        False,
        "on 3.8, clientContent without turnComplete waits until the model has spoken, instead of interrupting it",
        "the model's page against generative_service.proto",
    )
    context_update_on_developer: bool = _switch(
        True, "contextUpdate is understood on the Developer API, instead of 1007", "documented for Vertex only"
    )
    cancellation_first: bool = _switch(
        False, "toolCallCancellation comes before interrupted, instead of after it", "not measured"
    )
    interrupted_ends_turn: bool = _switch(False, "interrupted and turnComplete share a message on 3.x", "not measured")
    idle_timeout: float = _switch(
        float("inf"),
        "how long a connection without audio lives",
        "about 180 s in one report; none within 60 s as measured on 2026-09-10",
    )
    compression: bool = _switch(False, "permessage-deflate is negotiated", "not known of Google's servers")
    max_frame_bytes: int = _switch(0, "the largest client frame, 0 for any", "not documented")
    stream_end_ends_speech: bool = _switch(
        True, "audioStreamEnd ends the user's speech", "generative_service.proto against python-genai#1328"
    )
    wordless_speech: float = _switch(
        0.0,
        "speech shorter than this has no words: it interrupts, and is neither transcribed nor answered",
        "not measured: false interruptions as livekit/agents reports them (agent_false_interruption)",
    )
    no_interruption_respected: bool = _switch(
        True, "NO_INTERRUPTION is respected", "the documentation against cookbook#796 (old 2.5 native)"
    )
    long_silence_respected: bool = _switch(
        True,
        "a silenceDurationMs over 2 s is respected, instead of cut to 2 s",
        "the documentation against gemini-live-api-examples#50",
    )
    initial_history_refused: bool = _switch(
        False,
        "3.1 closes with 1007 at the initial history in clientContent",
        "two projects against the SDK's documentation",
    )
    seeded_history_skipped: bool = _switch(
        True, "on 2.5, the first spoken turn after seeded history is answered without it", "pipecat#4355"
    )
    handles_mid_turn: bool = _switch(
        False,
        "handles come while the model generates, too (3.8), instead of an empty update (2.5)",
        "pydantic-ai, realtime/google.py",
    )
    token_needs_v1alpha: bool = _switch(
        False, "ephemeral tokens are good on v1alpha only", "google-genai's warning against the documentation"
    )
    zeros_are_silence: bool = _switch(
        True,
        "on 3.8, runs of exact zeros count as silence, instead of for nothing: then speech before them never ends",
        "the documentation against openclaw#152830",
    )
    early_audio_closes: bool = _switch(
        False,
        "with signalled activities, audio before the first one closes with 1007, instead of being ignored",
        "BasedHardware/omi#7611 against measurements of 2026-09-10",
    )
    text_activity_closes: bool = _switch(
        False,
        "an activity with text and no speech closes with 1007 at its end, instead of being answered, on models that "
        "take `clientContent` at any time",
        "python-genai#1720 (Vertex, 2.5) against a forum thread",
    )
    audio_in_calls_refused: bool = _switch(
        False,
        "audio that is sent while a blocking call waits closes the connection, on models that were seen to do so",
        "js-genai#1236, livekit/agents#4545 (2.5): often, not always",
    )
    poisoned_handles: float = _switch(
        0.0,
        "the share of handles, from 0 to 1, with which a session hears and transcribes and never answers",
        "python-genai#2290; how often is not known",
    )
    calls_without_ids: bool = _switch(
        False,
        "on Vertex, calls of 2.x models come without ids and so does what takes them back; an answer is for the oldest "
        "call of its function",
        "older models, pipecat",
    )
    quota_closes_with_1008: bool = _switch(
        False, "an exhausted quota closes with 1008, instead of 1011", "not verified; clients report 1011"
    )

    def with_values(self, values: Mapping[str, object]) -> "Switches":
        """Return these switches with some set otherwise.

        Raises:
            SettingError: there is no such switch, or its value is of another type.
        """
        types = {switch.name: type(switch.default) for switch in fields(self)}
        return replace(
            self,
            **{
                name: checked(name, value, types[known(name, list(types), "the switches")])
                for name, value in values.items()
            },
        )

    @classmethod
    def describe(cls) -> list[tuple[str, object, str, str]]:
        """Return name, default, what it decides and who says what, for every switch."""
        return [
            (switch.name, switch.default, switch.metadata["what"], switch.metadata["source"]) for switch in fields(cls)
        ]
