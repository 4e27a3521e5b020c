"""What the model families do differently, as far as the simulator shows it."""

import re
from dataclasses import dataclass


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
    """

    name: str
    pattern: str
    modalities: frozenset[str] = frozenset({"AUDIO"})
    takes_language: bool = True
    sends_voice_activity: bool = False
    transcribes_text: bool = False
    bundles: bool = False


# Native audio stands before half-cascade, whose pattern its names would match too.
FAMILIES = (
    Family(
        "2.5-native-audio",
        r"gemini-2\.5-flash(-preview)?-native-audio.*|gemini-live-2\.5-flash(-preview)?-native-audio.*",
        takes_language=False,
    ),
    Family(
        "half-cascade",
        r"gemini-2\.0-flash-live.*|gemini-2\.0-flash-exp|gemini-live-2\.5-flash.*|gemini-2\.5-flash-live.*",
        modalities=frozenset({"AUDIO", "TEXT"}),
    ),
    Family("3.1", r"gemini-3\.1-flash-live.*", sends_voice_activity=True, transcribes_text=True, bundles=True),
    Family("3.8", r"gemini-3\.8-live.*", sends_voice_activity=True, bundles=True),
)


def family_of(model: str) -> Family | None:
    """Return the family of a model, named with or without its path; None where the service has no such model."""
    name = model.rpartition("/")[2]
    return next((family for family in FAMILIES if re.fullmatch(family.pattern, name)), None)
