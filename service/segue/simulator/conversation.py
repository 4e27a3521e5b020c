"""The user's side of a conversation: activities, texts and content, and what of it the model is to answer.

An activity opens with detected speech, or with the client's signal where automatic detection is off, and ends by
silence or by signal. Its end is a prompt; so is text outside of one, and content whose turn is complete.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random

from segue.simulator import messages, rules
from segue.simulator.dialogue import NOTHING_HEARD, Line
from segue.simulator.families import Family
from segue.simulator.messages import ServerMessage
from segue.simulator.model import Model
from segue.simulator.outgoing import Outgoing
from segue.simulator.reader import Blob, ClientContent, RealtimeInput, Setup
from segue.simulator.rules import Violation
from segue.simulator.schema import Flavour
from segue.simulator.service import Saved, Service
from segue.simulator.vad import SpeechDetector, SpeechEnded, SpeechStarted

_DEFAULT_RATE = 16000
# Less speech than this in a signalled activity is taken for none.
_WORD_SECONDS = 0.1


@dataclass(slots=True)
class _Activity:
    """A stretch of user input; where it began in the audio, in seconds, and how much was voiced before."""

    began_at: float
    voiced_before: float
    texts: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, order=True)
class _Later:
    """A message that waits for its time, beside the turn."""

    at: float
    order: int
    message: ServerMessage = field(compare=False)
    kind: str = field(compare=False)
    fields: dict[str, str | int] = field(compare=False)


class Conversation:
    """Turn taking on one connection, once it is set up.

    Attributes:
        model: who answers.
    """

    def __init__(
        self,
        service: Service,
        setup: Setup,
        family: Family,
        flavour: Flavour,
        rng: Random,
        outgoing: Outgoing,
        saved: Saved,
    ) -> None:
        self._timing = service.timing
        self._setup = setup
        self._family = family
        self._rng = rng
        self._outgoing = outgoing
        # The defaults differ: high on the Developer API, low on Vertex (google-genai types.py).
        self._detector = SpeechDetector(setup.detection, "LOW" if flavour is Flavour.VERTEX else "HIGH")
        self._activity: _Activity | None = None
        # Content that was appended and not answered yet.
        self._open_content: list[str] = []
        self._seeding = setup.initial_history
        self._later: list[_Later] = []
        self._orders = count()
        self.model = Model(service, setup, family, flavour, rng, outgoing, saved)

    def deadline(self) -> float:
        """Return when `advance` has something to do; infinity for never."""
        return min(self._later[0].at if self._later else float("inf"), self.model.deadline())

    def advance(self, now: float) -> None:
        """Send what is due, in the order of its times."""
        while (due_at := self.deadline()) <= now:
            if self._later and self._later[0].at == due_at:
                later = heapq.heappop(self._later)
                self._outgoing.send(now, later.message, later.kind, **later.fields)
            else:
                self.model.step(now)

    def realtime_input(self, message: RealtimeInput, now: float) -> Violation | None:
        """Take what the user says, shows or types as it happens; return the rule it breaks, if any."""
        signalled = self._setup.detection.disabled
        if (message.activity_start or message.activity_end) and not signalled:
            return rules.EXPLICIT_ACTIVITY
        # A start inside an activity is ignored (measured 2026-09-10).
        if message.activity_start and not self._activity:
            self._start_activity(self._detector.offset, now)
        if message.audio is not None:
            self._hear(message.audio, now)
        if message.text:
            self._read_text(message.text, now)
        if message.audio_stream_end and not signalled:
            self._notice(self._detector.end(), now)
        if message.activity_end and self._activity:
            return self._end_signalled_activity(self._activity, now)
        return None

    def client_content(self, message: ClientContent, now: float) -> Violation | None:
        """Append turns to the conversation, and answer them where asked to; return the rule broken, if any."""
        if message.turn_complete and not message.turns and not self._open_content and not self._seeding:
            return rules.BARE_TURN_COMPLETE
        for turn in message.turns:
            self.model.read_text(turn.text)
        if self._seeding:
            self._seeding = not message.turn_complete
            return None
        # Whatever the activity handling, content interrupts (generative_service.proto).
        self.model.interrupt(now)
        self._open_content += [turn.text for turn in message.turns]
        if message.turn_complete:
            self._prompt(self.model.cursor.written(self._open_content[-1]), now)
        return None

    def _hear(self, audio: Blob, now: float) -> None:
        # Audio in another format than PCM is not understood, and nobody is told.
        if audio.mime_type.startswith("audio/pcm"):
            found = self._detector.hear(audio.content, _rate(audio.mime_type))
            if not self._setup.detection.disabled:
                self._notice(found, now)

    def _notice(self, found: Iterable[SpeechStarted | SpeechEnded], now: float) -> None:
        for event in found:
            if isinstance(event, SpeechStarted):
                self._start_activity(event.offset, now)
            elif self._activity:
                self._end_activity(self._activity, self.model.cursor.spoken(), event.offset, now)

    def _read_text(self, text: str, now: float) -> None:
        self.model.read_text(text)
        if self._family.transcribes_text and self._setup.input_transcription:
            self._transcribe(text, now)
        if self._activity:
            self._activity.texts.append(text)
        elif self._setup.detection.disabled:
            # Only signals count as activity then (generative_service.proto): the text waits for one.
            self._open_content.append(text)
        else:
            if self._setup.interruptible:
                self.model.interrupt(now)
            self._prompt(self.model.cursor.written(text), now)

    def _start_activity(self, offset: float, now: float) -> None:
        self._activity = _Activity(offset, self._detector.voiced)
        self._tell_activity("ACTIVITY_START", offset, now)
        if self._setup.interruptible:
            self.model.interrupt(now)

    def _end_signalled_activity(self, activity: _Activity, now: float) -> Violation | None:
        texts = activity.texts or self._open_content
        if self._detector.voiced - activity.voiced_before >= _WORD_SECONDS:
            line = self.model.cursor.spoken()
        elif texts:
            line = self.model.cursor.written(texts[-1])
        elif self._detector.offset > activity.began_at:
            line = NOTHING_HEARD
        else:
            # The turn is closed before the connection is (measured 2026-09-10).
            ended = messages.server_content({"turnComplete": True}) | {"usageMetadata": {}}
            self._outgoing.send(now, ended, "turn_complete_sent", turn=0)
            return rules.EMPTY_ACTIVITY
        self._end_activity(activity, line, self._detector.offset, now)
        return None

    def _end_activity(self, activity: _Activity, line: Line, offset: float, now: float) -> None:
        self._activity = None
        self._tell_activity("ACTIVITY_END", offset, now)
        self.model.hear(offset - activity.began_at)
        answer_at = self._prompt(line, now)
        if line.user and self._setup.input_transcription:
            last_at = min(now + self._timing.input_transcription.draw(self._rng), answer_at)
            phrases = list(self._phrases(line.user))
            for number, phrase in enumerate(phrases, 1):
                self._transcribe(phrase, now + (last_at - now) * number / len(phrases))

    def _phrases(self, text: str) -> Iterator[str]:
        """Cut a transcript into deltas of two to four words, each with its leading space."""
        words = text.split()
        while words:
            length = self._rng.randint(2, 4)
            phrase, words = words[:length], words[length:]
            yield f" {' '.join(phrase)}"

    def _prompt(self, line: Line, now: float) -> float:
        self._open_content.clear()
        return self.model.prompt(line, now)

    def _transcribe(self, text: str, at: float) -> None:
        message = messages.server_content({"inputTranscription": messages.transcription(text)})
        self._send_later(at, message, "transcription_sent", speaker="user", text=text, turn=0)

    def _tell_activity(self, kind: str, offset: float, now: float) -> None:
        if self._family.sends_voice_activity:
            # What is detected is told at once, a signal is echoed.
            echo = self._timing.activity_echo.draw(self._rng) if self._setup.detection.disabled else 0.0
            self._send_later(now + echo, messages.voice_activity(kind, offset), "voice_activity_sent", type=kind)

    def _send_later(self, at: float, message: ServerMessage, kind: str, **fields: str | int) -> None:
        heapq.heappush(self._later, _Later(at, next(self._orders), message, kind, fields))


def _rate(mime_type: str) -> int:
    """Return the sample rate that `audio/pcm;rate=16000` declares; 16 kHz where it declares none that makes sense."""
    parameter = mime_type.replace(" ", "").partition("rate=")[2]
    rate = int(parameter) if parameter.isascii() and parameter.isdigit() and len(parameter) <= 6 else _DEFAULT_RATE
    return rate if 8000 <= rate <= 96000 else _DEFAULT_RATE
