"""What the user would have noticed, measured on what the client received."""

import re
from collections import defaultdict
from collections.abc import Collection

from segue.simulator.history import History, Record
from segue.talk.wav import OUTPUT_SAMPLE_RATE_HERTZ, SAMPLE_BYTES

# Shorter sentences are said again by anybody: "Of course."
_WORDS = 4


def silence_within(history: History, turns: Collection[int]) -> float:
    """Return how long a player that plays audio as it comes had nothing to play in the middle of these turns, in s."""
    silence = 0.0
    dry_at: dict[object, float] = {}
    for record in _outputs(history, "audio", turns):
        turn = record.fields["turn"]
        silence += max(0.0, record.at - dry_at.get(turn, record.at))
        seconds = int(record.fields["bytes"] or 0) / SAMPLE_BYTES / OUTPUT_SAMPLE_RATE_HERTZ
        dry_at[turn] = max(dry_at.get(turn, record.at), record.at) + seconds
    return silence


def said_twice(history: History, turns: Collection[int]) -> list[str]:
    """Return the sentences of four words and more that the model said more than once in these turns."""
    words: dict[object, str] = defaultdict(str)
    for record in _outputs(history, "transcript", turns):
        if record.fields["speaker"] == "MODEL":
            words[record.fields["turn"]] += str(record.fields["text"])
    sentences = [sentence for text in words.values() for sentence in re.split(r"(?<=[.!?])\s+", text.strip())]
    said = [sentence.casefold() for sentence in sentences if len(sentence.split()) >= _WORDS]
    return sorted({sentence for sentence in said if said.count(sentence) > 1})


def told_at(history: History, notice: str) -> float | None:
    """Return when the gateway first told of something that it did behind the scenes; None where it never did."""
    return next((record.at for record in _outputs(history, "notice") if record.fields["notice"] == notice), None)


def audio_after_interrupted(history: History, turn: int) -> bool:
    """Return whether audio of a turn came after the client was told that it is cut."""
    arms = [record.fields["arm"] for record in history.of("client", "output_received") if record.fields["turn"] == turn]
    return "audio" in arms[arms.index("interrupted") :]


def _outputs(history: History, arm: str, turns: Collection[int] | None = None) -> list[Record]:
    outputs = [record for record in history.of("client", "output_received") if record.fields["arm"] == arm]
    return [record for record in outputs if turns is None or record.fields["turn"] in turns]
