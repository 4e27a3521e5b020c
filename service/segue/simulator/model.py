"""The model's side of a conversation: it answers one prompt after the other, and stops when interrupted.

+------+  prompt   +------------+  last step: turnComplete   +------+
| idle | --------> | turn under | -------------------------> | idle |   a prompt that waits begins the next turn
+------+           | way        |                            +------+
                   +------------+
                        | interrupt
                        v
                   +-------------+  its only steps: interrupted, turnComplete
                   | interrupted | -----------------------------------------> idle
                   +-------------+
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from uuid import UUID

from segue.simulator import messages
from segue.simulator.dialogue import Cursor, Line
from segue.simulator.families import Family
from segue.simulator.messages import Usage
from segue.simulator.outgoing import Outgoing
from segue.simulator.reader import Setup
from segue.simulator.schema import Flavour
from segue.simulator.service import Saved, Service
from segue.simulator.speech import SAMPLE_BYTES, SAMPLE_RATE
from segue.simulator.turns import Kind, Sentence, Step, Turn, silent_steps, spoken_steps, written_steps

# By the published documentation of the Live API.
_AUDIO_TOKENS_PER_SECOND = 25
_CHARACTERS_PER_TOKEN = 4
# Vertex sends transcripts ahead of the audio (pipecat, gemini_live/llm.py).
_VERTEX_TRANSCRIPT_LEAD = 1.0


@dataclass(frozen=True, slots=True)
class _Prompt:
    """Something to answer, with the time before which no answer comes."""

    line: Line
    answer_at: float


class Model:
    """Collects what the model sends in the `Outgoing` it was given.

    Attributes:
        cursor: where the conversation is in the dialogue.
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
        self._service = service
        self._setup = setup
        self._family = family
        self._flavour = flavour
        self._rng = rng
        self._outgoing = outgoing
        self._prompts: deque[_Prompt] = deque()
        self._turn: Turn | None = None
        self._turns = 0
        self._context = Counter(saved.context)
        self.cursor = Cursor(service.dialogue, saved.place)

    def deadline(self) -> float:
        """Return when `step` has something to send; infinity for never."""
        return self._turn.steps[0].at if self._turn else float("inf")

    def read_text(self, text: str) -> None:
        """Take a text into the context."""
        self._context["TEXT"] += _text_tokens(len(text))

    def hear(self, seconds: float) -> None:
        """Take so much of the user's audio into the context."""
        self._context["AUDIO"] += _audio_tokens(seconds)

    def prompt(self, line: Line, now: float) -> float:
        """Have a line answered, after the turn under way; return the earliest time for it."""
        drawn = self._service.timing.first_audio.draw(self._rng)
        answer_at = now + (drawn if line.delay is None else line.delay)
        self._prompts.append(_Prompt(line, answer_at))
        self._begin_turn(now)
        return answer_at

    def interrupt(self, now: float) -> None:
        """Stop the turn under way, if any, also one that is only being played (langwatch/scenario issue 360)."""
        if self._turn:
            self._turn.interrupt(now + self._service.timing.interruption.draw(self._rng))

    def step(self, now: float) -> None:
        """Send what is next in the turn under way."""
        if self._turn is None:
            return
        turn, step = self._turn, self._turn.steps.popleft()
        match step.kind:
            case Kind.OUTPUT if step.audio:
                self._speak(turn, step, now)
            case Kind.OUTPUT:
                turn.sent_text += len(step.text)
                content = messages.model_turn([{"text": step.text}], self._flavour)
                self._send_content(now, "text_sent", content, turn=turn.number, bytes=len(step.text.encode()))
            case Kind.GENERATION_COMPLETE:
                self._send_content(now, "generation_complete_sent", {"generationComplete": True}, turn=turn.number)
            case Kind.INTERRUPTED:
                self._send_content(now, "interrupted_sent", {"interrupted": True}, turn=turn.number)
            case Kind.TURN_COMPLETE:
                self._end_turn(turn, now)

    def send_new_handle(self, now: float) -> None:
        """Send a handle that stands for the conversation as it is now."""
        handle = str(UUID(int=self._rng.getrandbits(128), version=4))
        self._service.saved[handle] = Saved(self.cursor.place, dict(self._context))
        self._send_handle(handle, now)

    def _begin_turn(self, now: float) -> None:
        """Begin the next turn, if none is under way and something waits for an answer."""
        if self._turn or not self._prompts:
            return
        prompt = self._prompts.popleft()
        self._turns += 1
        steps = self._plan(prompt.line, max(now, prompt.answer_at))
        self._turn = Turn(self._turns, steps, dict(self._context))
        if self._setup.resumption:
            self._send_handle("", now)

    def _plan(self, line: Line, first_at: float) -> deque[Step]:
        if not line.model:
            return silent_steps(first_at)
        if "TEXT" in self._setup.modalities:
            return written_steps(line.sentences, first_at, self._rng)
        lead = _VERTEX_TRANSCRIPT_LEAD if self._flavour is Flavour.VERTEX else 0.0
        sentences = [Sentence(text, self._service.voice.speak(text)) for text in line.sentences]
        return spoken_steps(sentences, self._service.dialogue.pause, first_at, lead, self._service.timing, self._rng)

    def _speak(self, turn: Turn, step: Step, now: float) -> None:
        turn.sent_audio += len(step.audio) / (SAMPLE_RATE * SAMPLE_BYTES)
        content = messages.model_turn([messages.audio_part(step.audio, SAMPLE_RATE)], self._flavour)
        if step.text and self._setup.output_transcription:
            transcript = {"outputTranscription": messages.transcription(step.text)}
            if self._family.bundles:
                content |= transcript
                self._outgoing.record(now, "transcription_sent", speaker="model", text=step.text, turn=turn.number)
            else:
                self._send_content(
                    now, "transcription_sent", transcript, speaker="model", text=step.text, turn=turn.number
                )
        self._send_content(now, "audio_sent", content, turn=turn.number, bytes=len(step.audio))

    def _end_turn(self, turn: Turn, now: float) -> None:
        # What an interrupted turn leaves in the context is what was sent of it.
        response = {"AUDIO": _audio_tokens(turn.sent_audio), "TEXT": _text_tokens(turn.sent_text)}
        usage = messages.usage_metadata(Usage(turn.context, response), self._flavour)
        ended = messages.server_content({"turnComplete": True}) | {"usageMetadata": usage}
        self._outgoing.send(now, ended, "turn_complete_sent", turn=turn.number)
        self._context.update(response)
        self._turn = None
        if self._setup.resumption:
            self.send_new_handle(now)
        self._begin_turn(now)

    def _send_content(self, now: float, kind: str, content: Mapping[str, object], **fields: str | int) -> None:
        self._outgoing.send(now, messages.server_content(content), kind, **fields)

    def _send_handle(self, handle: str, now: float) -> None:
        """Send a handle; an empty one says that a turn under way cannot be resumed."""
        update = messages.session_resumption_update(handle)
        self._outgoing.send(now, update, "session_resumption_update_sent", resumable=bool(handle))


def _audio_tokens(seconds: float) -> int:
    return round(seconds * _AUDIO_TOKENS_PER_SECOND)


def _text_tokens(characters: int) -> int:
    return -(-characters // _CHARACTERS_PER_TOKEN)
