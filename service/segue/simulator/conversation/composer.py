"""What the model does with a line of the dialogue: it thinks, speaks, calls functions, waits, or stays silent."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from segue.simulator.conversation.stamps import Account
from segue.simulator.conversation.tools import Functions
from segue.simulator.conversation.turns import Kind, Plan, Turn
from segue.simulator.dialogue import Line, fill
from segue.simulator.families import Family, Proactive, Thinking
from segue.simulator.service import Service
from segue.simulator.wire import messages
from segue.simulator.wire.reader import Setup
from segue.simulator.wire.schema import Flavour

# Vertex sends transcripts ahead of the audio (pipecat, gemini_live/llm.py).
_VERTEX_TRANSCRIPT_LEAD = 1.0
# A recollection quotes the user's latest lines, and not all of a long one: nobody listens for longer.
_QUOTED_LINES = 20
_QUOTED_CHARACTERS = 200


class Composer:
    """Plans the model's turns on one connection."""

    def __init__(self, service: Service, setup: Setup, family: Family, flavour: Flavour, rng: Random) -> None:
        self._service = service
        self._setup = setup
        self._family = family
        self._flavour = flavour
        self._rng = rng
        self._thinks = _thinks(setup, family)
        always, asked = family.proactive is Proactive.ALWAYS, bool(setup.proactive_audio)
        self._proactive = always or (family.proactive is Proactive.OPT_IN and asked)

    def answer_at(self, line: Line, now: float) -> float:
        """Return when the first output of an answer comes."""
        delay = self._service.timing.first_audio.draw(self._rng)
        if line.thought and self._thinks:
            delay += self._service.timing.thinking.draw(self._rng)
        return now + (delay if line.delay is None else line.delay)

    def answer(self, turn: Turn, functions: Functions, words: Mapping[str, str], at: float) -> None:
        """Plan the answer to a prompt. `words` are what placeholders stand for."""
        line, plan = turn.line, self._plan(turn, at)
        calls = functions.declared(line.calls)
        if line.thought and self._thinks:
            plan.add(Kind.THOUGHT, text=line.thought)
        if line.waits:
            plan.add(Kind.WAITING_FOR_INPUT)
            plan.complete(generated=False)
        elif not line.model or (self._proactive and not line.addressed):
            plan.complete(generated=False)
        elif not calls:
            if line.code and "code_execution" in self._setup.built_in_tools:
                plan.add(Kind.CODE)
            plan.say(fill(line.model, words))
            if grounding(line, self._setup):
                plan.add(Kind.GROUNDING)
            plan.complete()
        else:
            # What is withdrawn before it is called is called all the same.
            turn.calls, turn.blocks = calls, functions.block(calls)
            plan.say(fill(line.before, words))
            self._plan_calls(plan, blocks=turn.blocks, meanwhile=fill(line.meanwhile, words))
        turn.add(plan)

    def results(self, turn: Turn, words: Mapping[str, str], at: float) -> None:
        """Plan what is said when the functions have given their results."""
        plan = self._plan(turn, at)
        text = fill(turn.line.after or turn.line.model, words)
        plan.say(text)
        plan.complete(generated=bool(text))
        turn.add(plan)

    def _plan_calls(self, plan: Plan, *, blocks: bool, meanwhile: str) -> None:
        if not self._family.idle_by_turn_complete:
            # The call comes after the turn, whose interactionStatus says that more is to come (live-api/thinking).
            plan.complete()
            return
        plan.call(trailing=not self._family.explains_calls)
        if not blocks:
            plan.say(meanwhile)
            plan.complete()
        elif self._family.explains_calls and self._flavour is Flavour.VERTEX:
            # Half-cascade models on Vertex take the call for the end of a generation (js-genai recordings).
            plan.add(Kind.GENERATION_COMPLETE)

    def _plan(self, turn: Turn, first_at: float) -> Plan:
        return Plan(
            first_at,
            turn,
            voice=None if "TEXT" in self._setup.modalities else self._service.voice,
            pause=self._service.dialogue.pause,
            transcript_lead=_VERTEX_TRANSCRIPT_LEAD if self._flavour is Flavour.VERTEX else 0.0,
            timing=self._service.timing,
            rng=self._rng,
        )


def grounding(line: Line, setup: Setup) -> dict[str, Any]:
    """Return where the words of a line come from, as far as the session has the tools for it; empty for nowhere."""
    content: dict[str, Any] = {}
    if line.queries and "google_search" in setup.built_in_tools:
        content |= messages.grounding_metadata(line.queries, line.pages)
    if line.urls and "url_context" in setup.built_in_tools:
        content |= messages.url_context_metadata(line.urls)
    return content


def recollection(lines: Sequence[str], account: Account) -> str:
    """Say what the user said before, the latest of it, and which of the user's audio never came or came twice."""
    quoted = [line if len(line) <= _QUOTED_CHARACTERS else f"{line[:_QUOTED_CHARACTERS]}..." for line in lines]
    said = f"You said: {', then: '.join(quoted[-_QUOTED_LINES:])}" if lines else "You said nothing."
    parts = [said if said.endswith((".", "!", "?")) else f"{said}."]
    if lost := account.lost_seconds:
        parts.append(f"Of your audio I never got {lost:g} seconds.")
    if repeated := account.repeated_seconds:
        parts.append(f"Of your audio I got {repeated:g} seconds twice.")
    return " ".join(parts)


def _thinks(setup: Setup, family: Family) -> bool:
    thinking = setup.thinking
    if family.thinking is Thinking.NONE:
        return False
    # What is not said leaves it to the model, which thinks; 3.1 thinks least by default.
    if thinking is None:
        return family.thinking is not Thinking.LEVEL
    return thinking.budget != 0 and thinking.level != "MINIMAL"
