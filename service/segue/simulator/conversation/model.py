"""The model's side of a conversation: it answers one prompt after the other, and stops when interrupted.

+------+  prompt   +------------+  last step: turnComplete   +------+
| idle | --------> | turn under | -------------------------> | idle |   a prompt that waits begins the next turn
+------+           | way        | <-----------+              +------+
                   +------------+             | toolResponse
                     |        |             +---------+
                     |        +-----------> | waiting |   a blocking call was made
                     | interrupt            +---------+
                     v                        | interrupt
                   +-------------+ <----------+
                   | interrupted |   its only steps: interrupted, its calls cancelled, turnComplete
                   +-------------+
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from uuid import UUID

from segue.simulator.conversation.composer import Composer, grounding, recollection
from segue.simulator.conversation.context import Entry, Limits, audio_tokens, compressing, text_tokens
from segue.simulator.conversation.sessions import Memory, Resumed
from segue.simulator.conversation.stamps import Account
from segue.simulator.conversation.tools import Answered, Calls, Functions, in_code
from segue.simulator.conversation.turns import Kind, Step, Turn
from segue.simulator.dialogue import Cursor, Line
from segue.simulator.families import Family
from segue.simulator.outgoing import Outgoing
from segue.simulator.rules import endings
from segue.simulator.service import Service
from segue.simulator.speech import SAMPLE_BYTES, SAMPLE_RATE
from segue.simulator.wire import messages
from segue.simulator.wire.messages import FunctionCall, Usage
from segue.simulator.wire.reader import FunctionResponse, Setup
from segue.simulator.wire.schema import Flavour

# What a client gets of an answer.
_ANSWERS = frozenset({Kind.OUTPUT, Kind.TOOL_CALL})


@dataclass(frozen=True, slots=True)
class Prompt:
    """Something to answer.

    Attributes:
        asked: what the user said, as the context has it; None where a function's results are the reason.
        answer_at: the time before which no answer comes.
        results: what the functions that the line calls gave back, in words.
        with_history: the answer knows of the seeded history.
        heard: the stamps of what the user said.
        read: what the user wrote while saying it.
    """

    line: Line
    answer_at: float
    asked: Entry | None = None
    results: str = ""
    with_history: bool = True
    heard: str = ""
    read: str = ""


class Model:
    """Collects what the model sends in the `Outgoing` it was given.

    Attributes:
        cursor: where the conversation is in the dialogue.
        context: what the model has in mind.
        calls: function calls that wait for their responses.
        functions: what may be called.
        account: which of the user's stamped audio it got.
        settled: the account, and the index of the last client message, that a handle sent now would stand for.
    """

    def __init__(
        self,
        service: Service,
        setup: Setup,
        family: Family,
        flavour: Flavour,
        rng: Random,
        outgoing: Outgoing,
        resumed: Resumed,
    ) -> None:
        self._service = service
        self._setup = setup
        self._family = family
        self._flavour = flavour
        self._rng = rng
        self._outgoing = outgoing
        self._session = resumed.session
        self._poisoned = resumed.poisoned
        self._composer = Composer(service, setup, family, flavour, rng)
        self._limits = _limits(setup, family)
        self._prompts: deque[Prompt] = deque()
        self._turn: Turn | None = None
        self._turns = 0
        self.cursor = Cursor(service.dialogue, resumed.memory.place)
        self.context = resumed.memory.context
        self.account = resumed.memory.account
        self.settled: tuple[Account, int | None] = (self.account, 0 if service.switches.setup_has_index else None)
        self.calls = Calls(resumed.memory.calls)
        self.functions = Functions(setup.tools, family)
        # 3.8 takes what comes first for the response that it misses, and says nothing (pydantic-ai, google.py).
        self._misses_response = bool(resumed.memory.calls) and family.name.startswith("3.8")

    def deadline(self) -> float:
        """Return when `step` has something to send; infinity for never."""
        return self._turn.steps[0].at if self._turn and self._turn.steps else float("inf")

    @property
    def waiting(self) -> bool:
        """Whether a call keeps the model from doing anything until it has its response."""
        return self._turn is not None and self.calls.blocking

    @property
    def has_spoken(self) -> bool:
        """Whether the session has had a turn of the model, on this connection or on one before."""
        return bool(self._turns) or any(entry.speaker == "model" and not entry.seeded for entry in self.context.entries)

    def prompt(
        self, line: Line, asked: Entry, now: float, *, with_history: bool = True, heard: str = "", read: str = ""
    ) -> float:
        """Have a line answered, after the turn under way; return the earliest time for it."""
        answer_at = self._composer.answer_at(line, now)
        if self._misses_response or self._poisoned:
            self._misses_response = False
            self._outgoing.record(now, "prompt_swallowed")
        elif self._family.speaks:
            self._prompts.append(Prompt(line, answer_at, asked, with_history=with_history, heard=heard, read=read))
            self._begin_turn(now)
        return answer_at

    def respond(self, response: FunctionResponse, now: float) -> None:
        """Take the result of a call."""
        answered = self.calls.answer(response, by_name=self._flavour is Flavour.VERTEX)
        if answered is None:
            self._outgoing.record(now, "tool_response_unexpected", id=response.id)
            return
        self._misses_response = False
        self.context.add(Entry("tool", answered.words, {"TEXT": text_tokens(answered.words)}))
        if answered.complete and self._poisoned:
            self._outgoing.record(now, "prompt_swallowed")
        elif answered.complete:
            self._follow_up(answered, now)

    def interrupt(self, now: float) -> None:
        """Stop the turn under way, if any, also one that is only being played (langwatch/scenario issue 360)."""
        if self._turn and not self._turn.interrupted:
            at_once = self._ends_turn_by_interrupted
            kinds = [Kind.INTERRUPTED] if at_once else [Kind.INTERRUPTED, Kind.TURN_COMPLETE]
            if self.calls.of(self._turn.group):
                first = at_once or self._service.switches.cancellation_first
                kinds.insert(0 if first else 1, Kind.TOOL_CALL_CANCELLATION)
            self._turn.interrupt(now + self._service.timing.interruption.draw(self._rng), kinds)

    def step(self, now: float) -> None:
        """Send what is next in the turn under way."""
        if self._turn is None:
            return
        turn, step = self._turn, self._turn.steps.popleft()
        match step.kind:
            case Kind.THOUGHT:
                self._think(turn, step, now)
            case Kind.CODE:
                self._run(turn, now)
            case Kind.GROUNDING:
                self._send_content(now, "grounding_sent", grounding(turn.line, self._setup), turn=turn.number)
            case Kind.OUTPUT if step.audio:
                self._speak(turn, step, now)
            case Kind.OUTPUT:
                turn.sent_text += step.text
                content = messages.model_turn([messages.text_part(step.text)], self._flavour)
                self._send_content(now, "text_sent", content, turn=turn.number, text=step.text)
            case Kind.TOOL_CALL:
                self._call(turn, now)
            case Kind.WAITING_FOR_INPUT:
                self._send_content(now, "waiting_for_input_sent", messages.waiting_for_input(), turn=turn.number)
            case Kind.GENERATION_COMPLETE:
                self._send_content(now, "generation_complete_sent", {"generationComplete": True}, turn=turn.number)
            case Kind.INTERRUPTED:
                self._cut(turn, now)
            case Kind.TOOL_CALL_CANCELLATION:
                self._cancel(turn, now)
            case Kind.TURN_COMPLETE:
                self._end_turn(turn, now, {})

    def send_new_handle(self, now: float) -> None:
        """Send a handle that stands for the conversation as it is now."""
        handle = str(UUID(int=self._rng.getrandbits(128), version=4))
        account, consumed = self.settled
        memory = Memory(self.cursor.place, self.context.copy(), account, dict(self.calls.pending))
        self._service.sessions.save(self._session, handle, memory)
        poisoned = self._service.switches.poisoned_handles
        if poisoned and self._rng.random() < poisoned:
            self._service.sessions.poison(handle)
            self._outgoing.record(now, "handle_poisoned")
        self._send_update(handle, consumed, now)

    def _send_update(self, handle: str, consumed: int | None, now: float) -> None:
        """Send a handle; an empty one says that a turn under way cannot be resumed."""
        message = messages.session_resumption_update(handle, consumed if self._setup.transparent else None)
        self._outgoing.send(now, message, "session_resumption_update_sent", resumable=bool(handle))

    def _follow_up(self, answered: Answered, now: float) -> None:
        """Speak of the results of a line's calls, at the time that the client wants."""
        line = answered.call.line
        answer_at = self._composer.answer_at(line, now)
        if answered.call.blocking and self._turn and self._turn.group == answered.call.group:
            if not self._turn.interrupted:
                self._composer.results(self._turn, self._words(None, answered.words), answer_at)
            return
        scheduling = answered.scheduling if self._family.schedules else "WHEN_IDLE"
        if scheduling == "SILENT":
            self._offer_handle(now)
            return
        if scheduling == "INTERRUPT":
            self.interrupt(now)
        self._prompts.append(Prompt(line, answer_at, results=answered.words))
        self._begin_turn(now)

    def _begin_turn(self, now: float) -> None:
        """Begin the next turn, if none is under way and something waits for an answer."""
        if self._turn or not self._prompts:
            return
        prompt = self._prompts.popleft()
        if saved := self.context.compress(self._limits):
            self._outgoing.record(now, "context_compressed", saved=saved, left=self.context.total)
        if self.context.total > self._limits.window:
            self._outgoing.close(now, endings.CONTEXT_EXHAUSTED)
            return
        self._turns += 1
        turn = self._turn = Turn(self._turns, prompt.line, self.context.tokens)
        at = max(now, prompt.answer_at)
        asked = prompt.asked
        typed = asked.text if asked and "AUDIO" not in asked.tokens else ""
        self._outgoing.record(now, "turn_begun", turn=turn.number, stamps=prompt.heard, text=prompt.read or typed)
        if asked:
            self._composer.answer(turn, self.functions, self._words(prompt, ""), at)
        else:
            self._composer.results(turn, self._words(prompt, prompt.results), at)
        if not (turn.calls or any(step.kind in _ANSWERS for step in turn.steps)):
            self._outgoing.record(now, "turn_without_answer", turn=turn.number)
        self._withhold_handle(now)

    def _words(self, prompt: Prompt | None, results: str) -> Mapping[str, str]:
        """Return what stands for the placeholders of a line."""
        asked, with_history = (prompt.asked, prompt.with_history) if prompt else (None, True)
        said = self.context.recall(asked, seeded=with_history)
        return {
            "recall": recollection(said, self.account),
            "told": self.context.told(),
            "instruction": self.context.instruction,
            "response": results,
        }

    def _think(self, turn: Turn, step: Step, now: float) -> None:
        turn.thoughts += text_tokens(step.text)
        if self._setup.thinking and self._setup.thinking.include_thoughts:
            content = messages.model_turn([messages.thought_part(step.text)], self._flavour)
            self._send_content(now, "thought_sent", content, turn=turn.number)

    def _run(self, turn: Turn, now: float) -> None:
        for part in (messages.code_part(turn.line.code), messages.code_result_part(turn.line.output)):
            self._send_content(now, "code_sent", messages.model_turn([part], self._flavour), turn=turn.number)

    def _speak(self, turn: Turn, step: Step, now: float) -> None:
        vertex = self._flavour is Flavour.VERTEX
        if vertex and self._setup.output_transcription and not turn.sent_audio:
            opening = messages.opening_transcription()
            self._send_content(now, "transcription_sent", opening, speaker="model", text="", turn=turn.number)
        turn.sent_audio += len(step.audio) / (SAMPLE_RATE * SAMPLE_BYTES)
        turn.sent_text += step.text
        content = messages.model_turn([messages.audio_part(step.audio, SAMPLE_RATE)], self._flavour)
        if step.text and self._setup.output_transcription:
            finished = vertex and not any(later.text for later in turn.steps)
            transcript = {"outputTranscription": messages.transcription(step.text, finished=finished)}
            fields: dict[str, str | int] = {"speaker": "model", "text": step.text, "turn": turn.number}
            if self._family.bundles:
                content |= transcript
                self._outgoing.record(now, "transcription_sent", **fields)
            else:
                self._send_content(now, "transcription_sent", transcript, **fields)
        self._send_content(now, "audio_sent", content, turn=turn.number, bytes=len(step.audio))

    def _call(self, turn: Turn, now: float) -> None:
        """Call the turn's functions."""
        calls, turn.calls = turn.calls, ()
        if self._family.explains_calls and self._flavour is Flavour.DEVELOPER:
            part = messages.code_part("\n".join(map(in_code, calls)))
            self._send_content(now, "code_sent", messages.model_turn([part], self._flavour), turn=turn.number)
        ids = [messages.call_id(self._flavour, self._rng) for _ in calls]
        turn.group = self.calls.begin(calls, ids, turn.line, blocking=turn.blocks)
        named = ["" for _ in ids] if self._nameless else ids
        message = messages.tool_call(
            FunctionCall(call_id, call.name, call.args) for call, call_id in zip(calls, named, strict=True)
        )
        names = ",".join(call.name for call in calls)
        self._outgoing.send(now, message, "tool_call_sent", turn=turn.number, ids=",".join(named), names=names)

    def _cancel(self, turn: Turn, now: float) -> None:
        """Cancel the turn's calls, unless they were answered in the last moment."""
        if ids := self.calls.cancel(turn.group):
            message = messages.tool_call_cancellation(() if self._nameless else ids)
            self._outgoing.send(now, message, "tool_call_cancellation_sent", turn=turn.number, calls=len(ids))

    def _cut(self, turn: Turn, now: float) -> None:
        """Say that the turn was interrupted, and that it is over where one message says both."""
        if self._ends_turn_by_interrupted:
            self._outgoing.record(now, "interrupted_sent", turn=turn.number)
            self._end_turn(turn, now, {"interrupted": True})
        else:
            self._send_content(now, "interrupted_sent", {"interrupted": True}, turn=turn.number)

    def _end_turn(self, turn: Turn, now: float, content: Mapping[str, object]) -> None:
        # What an interrupted turn leaves in the context is what was sent of it.
        written = "TEXT" in self._setup.modalities
        response = {"AUDIO": audio_tokens(turn.sent_audio), "TEXT": text_tokens(turn.sent_text) if written else 0}
        self.context.add(Entry("model", turn.sent_text, response))
        content = {**content, **messages.turn_complete("" if turn.interrupted else turn.line.reason)}
        calls_now = bool(turn.calls) and not turn.interrupted
        if not self._family.idle_by_turn_complete:
            busy = calls_now or self._prompts or self.calls.pending
            content |= messages.interaction_status("IN_PROGRESS" if busy else "IDLE")
        usage = messages.usage_metadata(Usage(turn.context, response, turn.thoughts), self._flavour)
        ended = messages.server_content(content) | {"usageMetadata": usage}
        self._outgoing.send(now, ended, "turn_complete_sent", turn=turn.number)
        if calls_now:
            self._call(turn, now)
        self._turn = None
        self._offer_handle(now)
        self._begin_turn(now)

    def _offer_handle(self, now: float) -> None:
        """Send a handle, unless something is under way that could not be resumed."""
        if self._sends_handles and not (self._turn or (self.calls.pending and not self._resumable_mid_turn)):
            self.send_new_handle(now)

    def _withhold_handle(self, now: float) -> None:
        """Say that what is under way cannot be resumed; where it can be, send a handle instead."""
        if self._sends_handles and self._resumable_mid_turn:
            self.send_new_handle(now)
        elif self._sends_handles:
            self._send_update("", None, now)

    @property
    def _ends_turn_by_interrupted(self) -> bool:
        return self._service.switches.interrupted_ends_turn and self._family.name.startswith("3.")

    @property
    def _nameless(self) -> bool:
        older = self._flavour is Flavour.VERTEX and not self._family.name.startswith("3.")
        return older and self._service.switches.calls_without_ids

    @property
    def _sends_handles(self) -> bool:
        return self._setup.resumption and self._family.resumes

    @property
    def _resumable_mid_turn(self) -> bool:
        return self._service.switches.handles_mid_turn and self._family.name.startswith("3.8")

    def _send_content(self, now: float, kind: str, content: Mapping[str, object], **fields: str | int) -> None:
        self._outgoing.send(now, messages.server_content(content), kind, **fields)


def _limits(setup: Setup, family: Family) -> Limits:
    compression = setup.compression
    if compression is None:
        return Limits(family.window)
    return compressing(family.window, compression.trigger_tokens, compression.target_tokens)
