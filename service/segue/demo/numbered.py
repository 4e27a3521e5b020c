"""Numbers in the model's speech, so that it shows where each 20 ms of it went. They are far too faint to be heard."""

import time

from segue.simulator.conversation.stamps import STAMP_SECONDS, StampReader, ranges, stamp
from segue.simulator.history import History
from segue.simulator.speech import SAMPLE_BYTES, SAMPLE_RATE, Voice

_BLOCK_BYTES = round(SAMPLE_RATE * STAMP_SECONDS) * SAMPLE_BYTES


class NumberedVoice:
    """A simulated model's voice that numbers whatever it says, and records which turn has which numbers."""

    def __init__(self, voice: Voice, history: History) -> None:
        """Speak as `voice` does; the simulator records its turns in `history`, one conversation at a time."""
        self._voice = voice
        self._history = history
        self._numbers = 0

    def speak(self, sentence: str) -> bytes:
        """Return the sentence as 24 kHz 16-bit little-endian mono PCM."""
        pcm = self._voice.speak(sentence)
        first = self._numbers
        self._numbers += len(pcm) // _BLOCK_BYTES
        connection = self._history.of("simulator", "turn_begun")[-1].session
        last = self._numbers - 1
        self._history.add(time.monotonic(), "simulator", connection, "speech_planned", first=first, last=last)
        return stamp(pcm, first, SAMPLE_RATE)


def numbers_in(reader: StampReader, pcm: bytes) -> dict[str, str]:
    """Return what a history says of the next piece of speech: the numbers in it, as ranges; nothing for none."""
    numbers = reader.read(pcm)
    return {"blocks": ranges(numbers)} if numbers else {}
