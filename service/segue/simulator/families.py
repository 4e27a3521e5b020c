"""What the model families do differently, as data.

The sources are the models' pages of ai.google.dev and docs.cloud.google.com (2026-09), as far as public reports do not
correct them; these are named beside what they say.
"""

import re
from dataclasses import dataclass
from enum import Enum

from segue.simulator.wire.schema import Flavour

_BOTH = frozenset(Flavour)
_DEVELOPER = frozenset({Flavour.DEVELOPER})
_VERTEX = frozenset({Flavour.VERTEX})
_BLOCKING, _NON_BLOCKING = "BLOCKING", "NON_BLOCKING"


class Thinking(Enum):
    """How a family's thinking is configured."""

    NONE = "none"
    BUDGET = "budget"
    LEVEL = "level"
    LEVEL_REQUIRED = "level required"


class Proactive(Enum):
    """Whether a family may stay silent where it is not addressed."""

    NEVER = "never"
    OPT_IN = "opt-in"
    ALWAYS = "always"


class ContentRule(Enum):
    """When a family takes `clientContent`."""

    ALWAYS = "always"
    BEFORE_FIRST_TURN = "before first turn"


@dataclass(frozen=True, slots=True)
class Family:
    """One family of models.

    Attributes:
        name: what to call it.
        pattern: the names of its models, without the path before them; a regular expression that matches all of one.
        modalities: what they can answer in.
        takes_language: a `languageCode` is accepted.
        sends_voice_activity: `voiceActivity` messages say where activities start and end.
        transcribes_text: realtime text is echoed as an input transcription, as if it had been spoken.
        bundles: a transcript travels in one message with its audio.
        flavours: which services have them.
        in_global: Vertex has them in the location `global`, too.
        thinking: how it is configured.
        thinking_levels: the levels they take.
        behaviors: how functions may be called; the first one is the default.
        holds_audio_in_calls: audio while a blocking call waits often closes the connection.
        calls_functions: functions are called at all.
        schedules: the `scheduling` of a function response counts.
        explains_calls: an `executableCode` part comes before each `toolCall`.
        runs_code: code execution is there; url_context likewise.
        content: when `clientContent` is taken.
        seed_ends_with_user: history that ends with a turn of the model's goes unheard.
        realtime_text: `realtimeInput.text` is supported.
        takes_media_chunks: the deprecated `mediaChunks` are taken.
        proactive: whether they may stay silent.
        affective: `enableAffectiveDialog` is taken.
        idle_by_turn_complete: `turnComplete` means idle, else `interactionStatus` says so.
        turn_coverage: the default.
        window: the context window in tokens.
        resumes: resumption updates are sent where asked for.
        speaks: they converse, instead of transcribing what they hear.
        translates: a `translationConfig` has effect.
    """

    name: str
    pattern: str
    modalities: frozenset[str] = frozenset({"AUDIO"})
    takes_language: bool = True
    sends_voice_activity: bool = False
    transcribes_text: bool = False
    bundles: bool = False
    flavours: frozenset[Flavour] = _BOTH
    in_global: bool = True
    thinking: Thinking = Thinking.NONE
    thinking_levels: frozenset[str] = frozenset()
    behaviors: tuple[str, ...] = (_BLOCKING,)
    holds_audio_in_calls: bool = False
    calls_functions: bool = True
    schedules: bool = False
    explains_calls: bool = False
    runs_code: bool = False
    content: ContentRule = ContentRule.ALWAYS
    seed_ends_with_user: bool = False
    realtime_text: bool = True
    takes_media_chunks: bool = True
    proactive: Proactive = Proactive.NEVER
    affective: bool = False
    idle_by_turn_complete: bool = True
    turn_coverage: str = "TURN_INCLUDES_ONLY_ACTIVITY"
    window: int = 128_000
    resumes: bool = True
    speaks: bool = True
    translates: bool = False


_ALL_VIDEO = "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO"
_LEVELS = frozenset({"LOW", "MEDIUM", "HIGH"})

# A name belongs to the first family whose pattern it matches: the special ones stand before the general ones.
FAMILIES = (
    Family(
        "2.5-native-audio",
        r"gemini-2\.5-flash(-preview)?-native-audio.*",
        takes_language=False,
        flavours=_DEVELOPER,
        thinking=Thinking.BUDGET,
        # A level is taken, too (hermes-agent pull request 114116).
        thinking_levels=_LEVELS | {"MINIMAL"},
        behaviors=(_BLOCKING, _NON_BLOCKING),
        schedules=True,
        holds_audio_in_calls=True,
        seed_ends_with_user=True,
        proactive=Proactive.OPT_IN,
        affective=True,
    ),
    Family(
        "2.5-native-audio-vertex",
        r"gemini-live-2\.5-flash(-preview)?-native-audio.*",
        takes_language=False,
        flavours=_VERTEX,
        # Offered in regions only (google-genai's tests, live_api/conftest.py).
        in_global=False,
        thinking=Thinking.BUDGET,
        holds_audio_in_calls=True,
        seed_ends_with_user=True,
        realtime_text=False,
        proactive=Proactive.OPT_IN,
        affective=True,
        turn_coverage="TURN_INCLUDES_ALL_INPUT",
    ),
    Family(
        "half-cascade",
        r"gemini-live-2\.5-flash.*|gemini-2\.5-flash-live.*",
        modalities=frozenset({"AUDIO", "TEXT"}),
        behaviors=(_BLOCKING, _NON_BLOCKING),
        schedules=True,
        explains_calls=True,
        runs_code=True,
        # A thinkingConfig was recorded from clients of these models and never reported to be refused.
        thinking=Thinking.BUDGET,
        thinking_levels=_LEVELS | {"MINIMAL"},
        window=32_000,
    ),
    Family(
        "2.0-flash-live",
        r"gemini-2\.0-flash-live.*|gemini-2\.0-flash-exp",
        modalities=frozenset({"AUDIO", "TEXT"}),
        explains_calls=True,
        runs_code=True,
        window=32_000,
    ),
    Family(
        "3.1",
        r"gemini-3\.1-flash-live.*",
        sends_voice_activity=True,
        transcribes_text=True,
        bundles=True,
        flavours=_DEVELOPER,
        thinking=Thinking.LEVEL,
        thinking_levels=_LEVELS | {"MINIMAL"},
        content=ContentRule.BEFORE_FIRST_TURN,
        takes_media_chunks=False,
        turn_coverage=_ALL_VIDEO,
        window=131_072,
    ),
    Family(
        "3.8-extended-thinking",
        r"gemini-3\.8-live-extended-thinking.*",
        sends_voice_activity=True,
        bundles=True,
        thinking=Thinking.LEVEL_REQUIRED,
        thinking_levels=_LEVELS,
        behaviors=(_NON_BLOCKING,),
        takes_media_chunks=False,
        proactive=Proactive.ALWAYS,
        idle_by_turn_complete=False,
        turn_coverage=_ALL_VIDEO,
        window=131_072,
    ),
    Family(
        "3.8",
        r"gemini-3\.8-live.*",
        sends_voice_activity=True,
        bundles=True,
        behaviors=(_NON_BLOCKING, _BLOCKING),
        schedules=True,
        takes_media_chunks=False,
        proactive=Proactive.ALWAYS,
        turn_coverage=_ALL_VIDEO,
        window=131_072,
    ),
    Family(
        "transcribe-live",
        r"gemini-3\.5-transcribe-live.*",
        modalities=frozenset({"TEXT"}),
        sends_voice_activity=True,
        flavours=_DEVELOPER,
        calls_functions=False,
        takes_media_chunks=False,
        resumes=False,
        speaks=False,
    ),
    Family(
        "live-translate",
        r"gemini-3\.5-live-translate.*",
        sends_voice_activity=True,
        flavours=_DEVELOPER,
        calls_functions=False,
        takes_media_chunks=False,
        translates=True,
    ),
)


def family_of(model: str) -> Family | None:
    """Return the family of a model, named with or without its path; None where neither service has such a model."""
    name = model.rpartition("/")[2]
    return next((family for family in FAMILIES if re.fullmatch(family.pattern, name)), None)
