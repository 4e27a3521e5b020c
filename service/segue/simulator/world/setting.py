"""What a seed makes of one session: its model, service and network, what goes wrong, and who the client is."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import inf
from random import Random

from segue.core.options import (
    AudioFormat,
    Compression,
    Encoding,
    FunctionDeclaration,
    Modality,
    Mode,
    Options,
    ServerDetection,
)
from segue.core.policy import FalseInterruption, Policy
from segue.core.profiles import Profile
from segue.simulator.families import family_of
from segue.simulator.faults import ALL_FAULTS
from segue.simulator.faults.closing import CLOSES
from segue.simulator.faults.fault import Fault, Occasion, When
from segue.simulator.faults.plan import FaultPlan
from segue.simulator.switches import Switches
from segue.simulator.timing import Timing
from segue.simulator.wire.schema import Flavour
from segue.simulator.world.acknowledging import NOW_AND_THEN, Acknowledging
from segue.simulator.world.dialogues import FUNCTIONS
from segue.simulator.world.network import Network
from segue.simulator.world.stream import UNBROKEN, Breaking

_MODELS = {
    Flavour.DEVELOPER: (
        "gemini-2.0-flash-live-001",
        "gemini-live-2.5-flash-preview",
        "gemini-2.5-flash-native-audio-preview-12-2025",
        "gemini-3.1-flash-live-preview",
        "gemini-3.8-live",
        "gemini-3.8-live-extended-thinking",
    ),
    Flavour.VERTEX: (
        "gemini-live-2.5-flash",
        "gemini-live-2.5-flash-native-audio",
        "gemini-3.8-live",
        "gemini-3.8-live-extended-thinking",
    ),
}
_INPUT = AudioFormat(Encoding.LINEAR16, 16_000)
# Whoever asks for handles, and Segue always does, is refused by the first; the next two are not for a script, and the
# last one is drawn apart.
_NEVER_SET = frozenset({"empty_resumption_refused", "compression", "token_needs_v1alpha", "calls_without_ids"})
# A switch that is a number is drawn from these.
_NUMBERS: dict[str, tuple[object, ...]] = {
    "handle_lifetime": (7200.0, 7200.0, 600.0),
    "idle_timeout": (float("inf"), float("inf"), 60.0),
    "max_frame_bytes": (0,),
    "poisoned_handles": (0.0, 0.0, 0.0, 0.2),
    "wordless_speech": (0.0, 0.3, 0.3),
}
# These say that whoever is at the service's end has no business there: nothing survives them, and nothing needs to.
_FATAL = frozenset({"api_key_invalid", "api_key_missing", "model_unknown", "field_unknown", "modality", "language"})


@dataclass(frozen=True, slots=True)
class Habits:
    """How a client behaves. Times are in seconds.

    Attributes:
        latency: to the gateway, one way.
        write_delay: the most that the stream takes until it can take another message.
        numbered: inputs are numbered.
        streams: the microphone is never closed; else nothing is sent while nobody speaks.
        acknowledges: output is acknowledged, and what was heard is told.
        acknowledging: when.
        reports_cuts: what was heard of a turn that was cut is told as the last word on it.
        barges_in: how often the user speaks over the model, from 0 to 1.
        coughs: how often there is a sound without words.
        cough_seconds: how long one lasts.
        writes: how often the user writes instead of speaking.
        adds: how often the user writes something while speaking, from 0 to 1.
        interrupts: how often the client interrupts.
        idles: how often nobody says anything for long.
        rambles: how often the user speaks for very long.
        tool_delay: the most that a function takes.
        schedules: results say when the model is to speak of them, and may come in parts.
        greeted: the user waits for a model that is to speak first.
        notes: how often the client gives the model a note, in a minute.
        demands: how often it gives one that is to be answered.
        presses: it does so even while the user speaks.
        images: how often it shows an image.
        updates: how often it changes the session.
        breaking: how its streams break.
        ending: how the session ends: "half-close", "finish", "close" or "vanish".
    """

    latency: float = 0.02
    write_delay: float = 0.0
    numbered: bool = True
    streams: bool = False
    acknowledges: bool = True
    acknowledging: Acknowledging = NOW_AND_THEN
    reports_cuts: bool = False
    barges_in: float = 0.2
    coughs: float = 0.0
    cough_seconds: float = 0.2
    writes: float = 0.15
    adds: float = 0.0
    interrupts: float = 0.05
    idles: float = 0.15
    rambles: float = 0.03
    tool_delay: float = 3.0
    schedules: bool = False
    greeted: bool = True
    notes: float = 0.0
    demands: float = 0.0
    presses: bool = False
    images: float = 0.0
    updates: float = 0.0
    breaking: Breaking = UNBROKEN
    ending: str = "half-close"


@dataclass(frozen=True, slots=True)
class Setting:
    """All of that."""

    flavour: Flavour
    options: Options
    policy: Policy
    timing: Timing
    switches: Switches
    faults: tuple[FaultPlan, ...]
    network: Network
    habits: Habits
    calls: bool
    silences: bool


def draw_setting(rng: Random, *, minutes: float, troubled: bool | None = None) -> Setting:
    """Draw a session of so many minutes.

    Args:
        troubled: whether anything goes wrong with the service and the network; None leaves it to chance.
    """
    trouble = rng.random() < 0.75 if troubled is None else troubled
    flavour = rng.choice([Flavour.DEVELOPER, Flavour.DEVELOPER, Flavour.VERTEX])
    calls, silences = rng.random() < 0.4, rng.random() < 0.3
    options = _options(rng, rng.choice(_MODELS[flavour]), calls)
    timing, policy = _times(rng, minutes, flavour)
    switches = _switches(rng)
    setting = Setting(
        flavour=flavour,
        options=options,
        policy=policy,
        timing=timing,
        switches=switches,
        faults=_faults(rng) if trouble else (),
        network=_network(rng) if trouble else Network(latency=rng.uniform(0.002, 0.08)),
        habits=_habits(rng),
        calls=calls,
        silences=silences,
    )
    return replace(setting, options=_with_patience(rng, options)) if calls else setting


def with_nameless_calls(setting: Setting, rng: Random) -> Setting:
    """Draw whether the service gives calls no ids, beside the rest, which stays as it is without."""
    if rng.random() >= 0.3:
        return setting
    return replace(setting, switches=replace(setting.switches, calls_without_ids=True))


def _options(rng: Random, model: str, calls: bool) -> Options:
    family = family_of(model)
    assert family is not None, model
    behaviours = [None, *(name == "BLOCKING" for name in family.behaviors)]
    functions = tuple(FunctionDeclaration(name, blocking=rng.choice(behaviours)) for name in FUNCTIONS if calls)
    mode = rng.choice([Mode.SERVER, Mode.SERVER, Mode.SERVER, Mode.MANUAL])
    silence_ms = rng.choice([None, None, None, 500, 1200]) if mode is Mode.SERVER else None
    text = "TEXT" in family.modalities and rng.random() < 0.3
    return Options(
        model=model,
        voice="Puck" if not text and rng.random() < 0.2 else "",
        language="en-US" if rng.random() < 0.2 else "",
        system_instruction=rng.choice(["", "You are a keeper of a lighthouse."]),
        modality=Modality.TEXT if text else Modality.AUDIO,
        mode=mode,
        detection=ServerDetection(silence_ms=silence_ms),
        functions=functions,
        input_format=_INPUT,
        output_frame_duration=rng.choice([0.04, 0.1, 0.1, 0.2]),
        user_transcripts=rng.random() < 0.8,
        model_transcripts=rng.random() < 0.8,
        lead=rng.choice([0.2, 1.0, 1.0, 5.0]),
        unpaced=rng.random() < 0.1,
        compression=rng.choice([Compression(), Compression(), Compression(8_000, 4_000), None]),
        idle_timeout=rng.choice([600.0, 600.0, 25.0]),
        notices=rng.random() < 0.5,
    )


def _with_patience(rng: Random, options: Options) -> Options:
    """Draw how long calls may take, and when a model that waits for one is told that it goes on."""
    timeout, interim_after = rng.choice([2.0, 30.0, 30.0]), rng.choice([inf, inf, 0.3, 1.5])
    functions = tuple(replace(function, timeout=timeout) for function in options.functions)
    return replace(options, functions=functions, interim_after=interim_after)


def _times(rng: Random, minutes: float, flavour: Flavour) -> tuple[Timing, Policy]:
    """Draw how long connections live, and what the gateway makes of it."""
    if minutes > 20 and rng.random() < 0.5:
        timing = Timing()
    else:
        age = rng.uniform(30.0, 120.0)
        left = rng.choice([10.0, 30.0, 50.0])
        timing = Timing(go_away_after=age, close_after=age + left, long_close_after=rng.uniform(60.0, 300.0))
    policy = Policy(
        transparent=flavour is Flavour.VERTEX and rng.random() < 0.6,
        transcripts_run_ahead=flavour is Flavour.VERTEX,
        overlap=rng.random() < 0.15,
        renewal_jitter=rng.choice([0.0, 5.0, 60.0]),
        false_interruption=rng.choice(list(FalseInterruption)),
    )
    limit = rng.choice([None, None, rng.uniform(20.0, 90.0)])
    if limit is not None:
        deadline = limit + rng.uniform(5.0, 60.0)
        policy = replace(policy, renewal_jitter=rng.choice([0.0, 5.0]))
        policy = replace(policy, profiles=tuple(_aged(profile, limit, deadline) for profile in policy.profiles))
    return timing, policy


def _aged(profile: Profile, limit: float, deadline: float) -> Profile:
    return replace(profile, age_limit=limit, age_deadline=deadline)


def _switches(rng: Random) -> Switches:
    values: dict[str, object] = {}
    for switch in fields(Switches):
        if switch.name in _NUMBERS:
            values[switch.name] = rng.choice(_NUMBERS[switch.name])
        elif switch.name not in _NEVER_SET and rng.random() < 0.2:
            values[switch.name] = not switch.default
    return Switches().with_values(values)


def _faults(rng: Random) -> tuple[FaultPlan, ...]:
    kinds = rng.sample(ALL_FAULTS, rng.choice([0, 1, 1, 2, 3, 5]))
    return tuple(draw_fault(kind, rng) for kind in kinds)


def draw_fault(kind: type[Fault], rng: Random) -> FaultPlan:
    """Draw when a fault strikes, and how."""
    settings: dict[str, object] = {}
    if kind.name == "close":
        settings["cause"] = rng.choice(sorted(CLOSES.keys() - _FATAL))
    if kind.occasion is Occasion.CLIENT_MESSAGE:
        return FaultPlan(kind, When(probability=rng.choice([0.05, 0.3])))
    if kind.occasion is Occasion.CONNECTION:
        return FaultPlan(kind, When(probability=rng.choice([0.1, 0.3, 0.5])), settings)
    chances: Sequence[When] = (
        When(probability=rng.choice([0.05, 0.2])),
        When(probability=0.3, turn=rng.randint(1, 4)),
        When(probability=0.3, second=rng.uniform(1.0, 60.0)),
        When(probability=0.2, turns=rng.randint(2, 4)),
    )
    return FaultPlan(kind, rng.choice(chances), settings)


def _network(rng: Random) -> Network:
    return Network(
        latency=rng.uniform(0.002, 0.15),
        obstacle_share=rng.choice([0.0, 0.0, 0.1, 0.5]),
        break_every=rng.choice([float("inf"), float("inf"), 120.0, 40.0]),
        stall=rng.uniform(0.5, 12.0),
        forget_after=rng.choice([1.0, 15.0, 40.0]),
    )


def _habits(rng: Random) -> Habits:
    return Habits(
        latency=rng.uniform(0.0, 0.1),
        write_delay=rng.choice([0.0, 0.0, 0.01, 0.5]),
        numbered=rng.random() < 0.7,
        streams=rng.random() < 0.3,
        acknowledges=rng.random() < 0.6,
        barges_in=rng.choice([0.0, 0.2, 0.5]),
        coughs=rng.choice([0.0, 0.0, 0.1]),
        writes=rng.choice([0.0, 0.15, 0.5]),
        interrupts=rng.choice([0.0, 0.1]),
        idles=rng.choice([0.05, 0.2]),
        rambles=rng.choice([0.0, 0.05]),
        tool_delay=rng.choice([0.2, 3.0, 8.0]),
        ending=rng.choice(["half-close", "half-close", "finish", "close", "vanish"]),
    )
