"""What the service tells of the user's input: where activities start and end, and what was said in them.

These messages go beside the model's turns, in no order that a client could rely on (generative_service.proto).
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random

from segue.simulator.families import Family
from segue.simulator.outgoing import Outgoing
from segue.simulator.timing import Timing
from segue.simulator.wire import messages
from segue.simulator.wire.messages import ServerMessage
from segue.simulator.wire.reader import Setup
from segue.simulator.wire.schema import Flavour

# How fast an utterance is taken to be spoken while its end is not known.
_WORDS_PER_SECOND = 2.5


@dataclass(frozen=True, slots=True, order=True)
class _Later:
    """A message that waits for its time."""

    at: float
    order: int
    message: ServerMessage = field(compare=False)
    kind: str = field(compare=False)
    fields: dict[str, str | int] = field(compare=False)


class Echo:
    """Collects these messages in the `Outgoing` it was given, each at its time."""

    def __init__(
        self, timing: Timing, setup: Setup, family: Family, flavour: Flavour, rng: Random, outgoing: Outgoing
    ) -> None:
        self._timing = timing
        self._setup = setup
        self._family = family
        self._flavour = flavour
        self._rng = rng
        self._outgoing = outgoing
        self._interim_at = float("-inf")
        self._later: list[_Later] = []
        self._orders = count()

    def deadline(self) -> float:
        """Return when `step` has something to send; infinity for never."""
        return self._later[0].at if self._later else float("inf")

    def step(self, now: float) -> None:
        """Send what is next."""
        later = heapq.heappop(self._later)
        self._outgoing.send(now, later.message, later.kind, **later.fields)

    def activity(self, offset: float, now: float, *, starts: bool) -> None:
        """Tell that an activity starts or ends at this second of the audio."""
        # What is detected is told at once, a signal is echoed.
        at = now + (self._timing.activity_echo.draw(self._rng) if self._setup.detection.disabled else 0.0)
        if self._family.sends_voice_activity:
            kind = "ACTIVITY_START" if starts else "ACTIVITY_END"
            self._send_later(at, messages.voice_activity(kind, offset), "voice_activity_sent", type=kind)
        if self._setup.explicit_vad_signal:
            kind = "VAD_SIGNAL_TYPE_SOS" if starts else "VAD_SIGNAL_TYPE_EOS"
            self._send_later(at, messages.vad_signal(kind), "vad_signal_sent", type=kind)

    def typed(self, text: str, now: float) -> None:
        """Transcribe a text, where the family takes it for speech."""
        if self._setup.input_transcription and self._family.transcribes_text:
            self._transcribe(text, now)

    def spoken(self, text: str, now: float, answer_at: float) -> None:
        """Transcribe an utterance that ended now, in deltas that come before the answer does."""
        if not text or not self._setup.input_transcription:
            return
        last_at = min(now + self._timing.input_transcription.draw(self._rng), answer_at)
        phrases = list(self._phrases(text))
        for number, phrase in enumerate(phrases, 1):
            # The Developer API never says that a transcript is finished (js-genai issue 1429).
            finished = self._flavour is Flavour.VERTEX and number == len(phrases)
            self._transcribe(phrase, now + (last_at - now) * number / len(phrases), finished=finished)

    def hearing(self, text: str, heard: float, now: float) -> None:
        """Transcribe an utterance so far, of which so many seconds were heard, on models that only transcribe."""
        if self._family.speaks or not self._setup.input_transcription or now < self._interim_at:
            return
        self._interim_at = now + self._timing.interim_transcription
        words = " ".join(text.split()[: round(heard * _WORDS_PER_SECOND)])
        if words:
            content = {"interimInputTranscription": messages.transcription(words)}
            self._send_later(now, messages.server_content(content), "interim_transcription_sent", text=words)

    def _phrases(self, text: str) -> Iterator[str]:
        """Cut a transcript into deltas of two to four words, each with its leading space."""
        words = text.split()
        while words:
            length = self._rng.randint(2, 4)
            phrase, words = words[:length], words[length:]
            yield f" {' '.join(phrase)}"

    def _transcribe(self, text: str, at: float, *, finished: bool = False) -> None:
        content = {"inputTranscription": messages.transcription(text, finished=finished)}
        self._send_later(at, messages.server_content(content), "transcription_sent", speaker="user", text=text, turn=0)

    def _send_later(self, at: float, message: ServerMessage, kind: str, **fields: str | int) -> None:
        heapq.heappush(self._later, _Later(at, next(self._orders), message, kind, fields))
