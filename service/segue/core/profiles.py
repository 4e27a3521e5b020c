"""What the families of Live models can do and how they want to be spoken to, as data."""

from dataclasses import dataclass
from enum import Enum, auto

from segue.core.options import Modality


class TextSlot(Enum):
    """Where the user's words as text go in the Live protocol."""

    # clientContent with turnComplete: interrupts what is said and is answered.
    CONTENT = auto()
    # realtimeInput.text: counts as user activity.
    REALTIME = auto()


class NoteSlot(Enum):
    """Where context goes that the model is not to answer."""

    # clientContent without turnComplete.
    CONTENT = auto()
    # The same with the role `system`, which Vertex AI takes for new instructions.
    SYSTEM = auto()
    # realtimeInput.text while the user speaks: counts as a part of that.
    REALTIME = auto()
    # contextUpdate, which replaces the system instruction.
    UPDATE = auto()
    # Nowhere: it waits for the user's next text.
    NONE = auto()


@dataclass(frozen=True, slots=True)
class Profile:
    """One family of models. Times are in seconds.

    Attributes:
        family: its name, in metrics and logs.
        prefixes: what its models' names start with, without a path.
        modalities: what it can answer with.
        text_slot: where text goes.
        realtime_text: in an activity it can go in realtimeInput.text; else it is content that the end has answered.
        note_slot: where context goes in a session whose speech the Live API detects.
        takes_language: whether speechConfig.languageCode is accepted; a refusal closes the link.
        window: the context window in tokens.
        age_limit: the age at which a link is renewed at the next quiet moment.
        age_deadline: the age at which it is renewed whatever goes on.
        reply_timeout: how long it may take from the end of the user's words to the first sign of an answer.
        thinking: how much longer it may take where the model thinks first.
        thinking_level: the thinkingLevel to ask for, where the model demands one; empty leaves it to the model.
        sees_always: it sees images that come while nobody speaks.
        takes_updates: its system instruction and tools can be changed while a session runs.
        idle_by_turn_complete: the end of a turn means that the model is idle; else interactionStatus says so.
        proactive: it may stay silent where it is not addressed.
        calls_wait: it waits for the result of a call unless the function's declaration says otherwise.
        calls_choose: that declaration may say otherwise, and a result that it does not wait for when it speaks of it.
        gates_calls: audio that comes while it waits for a call's result may close the link.
        replay_speed: how many times faster than real time it takes audio.
        faint_audio_limit: so many seconds in a row that nobody could hear are a wedge; 0 for never.
        rejections_limit: so many turns in a row that end in RESPONSE_REJECTED are a wedge; 0 for never.
    """

    family: str
    prefixes: tuple[str, ...]
    modalities: frozenset[Modality] = frozenset({Modality.AUDIO})
    text_slot: TextSlot = TextSlot.CONTENT
    realtime_text: bool = True
    note_slot: NoteSlot = NoteSlot.CONTENT
    takes_language: bool = True
    window: int = 131_072
    age_limit: float = 480.0
    age_deadline: float = 570.0
    reply_timeout: float = 8.0
    thinking: float = 0.0
    thinking_level: str = ""
    sees_always: bool = False
    takes_updates: bool = False
    idle_by_turn_complete: bool = True
    proactive: bool = False
    calls_wait: bool = True
    calls_choose: bool = True
    gates_calls: bool = False
    replay_speed: float = 3.0
    faint_audio_limit: float = 0.0
    rejections_limit: int = 0


_BOTH = frozenset({Modality.AUDIO, Modality.TEXT})

# Sources: the Live API's model pages and the reports of its users; the newest family is the last.
PROFILES = (
    Profile(
        "2.0-flash-live",
        ("gemini-2.0-flash-live", "gemini-2.0-flash-exp"),
        _BOTH,
        window=32_000,
        calls_choose=False,
    ),
    Profile("half-cascade", ("gemini-live-2.5-flash", "gemini-2.5-flash-live"), _BOTH, window=32_000),
    # Native audio closes the link with 1007 "Unsupported language code", and with 1008 for audio during a call.
    Profile(
        "2.5-native-audio",
        ("gemini-2.5-flash-native-audio", "gemini-2.5-flash-preview-native-audio"),
        takes_language=False,
        window=128_000,
        gates_calls=True,
    ),
    # Takes no realtimeInput.text, of which nobody would be told, and includes all input in its turns
    # (docs.cloud.google.com, native audio).
    Profile(
        "2.5-native-audio-vertex",
        ("gemini-live-2.5-flash-native-audio", "gemini-live-2.5-flash-preview-native-audio"),
        realtime_text=False,
        note_slot=NoteSlot.SYSTEM,
        takes_language=False,
        window=128_000,
        sees_always=True,
        calls_choose=False,
        gates_calls=True,
    ),
    # Takes clientContent only for the initial history: later it closes the link with 1007.
    Profile(
        "3.1-flash-live",
        ("gemini-3.1-flash-live",),
        text_slot=TextSlot.REALTIME,
        note_slot=NoteSlot.REALTIME,
        sees_always=True,
        calls_choose=False,
    ),
    # Content that completes no turn leaves it open for up to 25 s; contextUpdate is not known to work everywhere.
    Profile(
        "3.8-extended-thinking",
        ("gemini-3.8-live-extended-thinking",),
        note_slot=NoteSlot.NONE,
        thinking=12.0,
        thinking_level="LOW",
        sees_always=True,
        takes_updates=True,
        idle_by_turn_complete=False,
        proactive=True,
        calls_wait=False,
        calls_choose=False,
    ),
    Profile(
        "3.8-live",
        ("gemini-3.8-live",),
        note_slot=NoteSlot.NONE,
        sees_always=True,
        takes_updates=True,
        proactive=True,
        calls_wait=False,
    ),
)


def profile_of(model: str, profiles: tuple[Profile, ...] = PROFILES) -> Profile:
    """Return the profile of a model, named with or without a path; the last one, the newest, where it is unknown."""
    name = model.rpartition("/")[2]
    # The longest prefix wins: "gemini-live-2.5-flash-native-audio" is no "gemini-live-2.5-flash".
    matches = [(len(prefix), profile) for profile in profiles for prefix in profile.prefixes if name.startswith(prefix)]
    return max(matches, key=lambda match: match[0])[1] if matches else profiles[-1]
