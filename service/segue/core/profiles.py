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


@dataclass(frozen=True, slots=True)
class Profile:
    """One family of models.

    Attributes:
        family: its name, in metrics and logs.
        prefixes: what its models' names start with, without a path.
        modalities: what it can answer with.
        text_slot: where text goes.
        takes_language: whether speechConfig.languageCode is accepted; a refusal closes the link.
    """

    family: str
    prefixes: tuple[str, ...]
    modalities: frozenset[Modality]
    text_slot: TextSlot
    takes_language: bool


_SPEECH = frozenset({Modality.AUDIO})

# Sources: the Live API's model pages and the reports of its users; the newest family is the last.
PROFILES = (
    Profile(
        "half-cascade",
        ("gemini-2.0-flash-live", "gemini-live-2.5-flash-preview"),
        frozenset({Modality.AUDIO, Modality.TEXT}),
        TextSlot.CONTENT,
        takes_language=True,
    ),
    # Native audio closes the link with 1007 "Unsupported language code".
    Profile(
        "2.5-native-audio",
        ("gemini-2.5-flash-native-audio", "gemini-live-2.5-flash"),
        _SPEECH,
        TextSlot.CONTENT,
        takes_language=False,
    ),
    # Takes clientContent only for the initial history: later it closes the link with 1007.
    Profile("3.1-flash-live", ("gemini-3.1-flash-live",), _SPEECH, TextSlot.REALTIME, takes_language=True),
    Profile("3.8-live", ("gemini-3.8-live",), _SPEECH, TextSlot.CONTENT, takes_language=True),
)


def profile_of(model: str) -> Profile:
    """Return the profile of a model, named with or without a path; the newest family's where it is unknown."""
    name = model.rpartition("/")[2]
    # The longest prefix wins: "gemini-live-2.5-flash-preview" is no "gemini-live-2.5-flash".
    matches = [(len(prefix), profile) for profile in PROFILES for prefix in profile.prefixes if name.startswith(prefix)]
    return max(matches, key=lambda match: match[0])[1] if matches else PROFILES[-1]
