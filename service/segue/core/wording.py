"""What Segue itself says to the model: each text fenced, so that nothing in it is taken for the user's words."""

import json
from collections.abc import Iterable

from segue.core.recall import Exchange, quoted, told

_OPENING = "[Note from the voice system, not said by the user."
_FENCE = _OPENING + " {} End of the note.]"
_STILL_WORKING = (
    "The function is still working, and its result will be given to you later. Tell the user in a few words that you "
    "are on it. Do not call it again, and do not guess the result."
)


def fenced(note: str) -> str:
    """Return a note as what it is: said by the system."""
    return _FENCE.format(note)


def holds_note(text: str) -> bool:
    """Return whether any of this text is fenced."""
    return _OPENING in text


def with_history(instruction: str, exchanges: Iterable[Exchange]) -> str:
    """Return a system instruction for a model that is to go on with a conversation that it never heard."""
    script = told(exchanges)
    if not script:
        return instruction
    history = f"The conversation so far, as the user heard it. Do not greet again; go on from here.\n{script}"
    return f"{instruction}\n\n{_FENCE.format(history)}".lstrip()


def what_was_missed(exchanges: Iterable[Exchange]) -> str:
    """Return a note on what was said and is not in the model's memory; empty where nothing was."""
    script = told(exchanges)
    return _FENCE.format(f"This was said meanwhile. It needs no answer.\n{script}") if script else ""


def begin(prompt: str) -> str:
    """Return the request to speak first."""
    return fenced(f"The conversation begins, and you speak first. {prompt or 'Greet the user in a few words.'}")


def go_on(question: str, heard: str, rest: str) -> str:
    """Return the request to go on with a turn that broke off; what is not known is empty."""
    parts = ["You were cut off in the middle of your answer."]
    if question:
        parts.append(f"The user had said: {quoted(question)}.")
    parts.append(f"The user heard of it: {quoted(heard)}." if heard else "The user heard none of its words.")
    if rest:
        parts.append(f"You were about to say: {quoted(rest)}.")
    parts.append("Go on from there now, as if nothing had happened: repeat nothing and do not mention this note.")
    return _FENCE.format(" ".join(parts))


def returned(question: str, name: str, arguments: str, response: str) -> str:
    """Return the result of a call that the model may not remember, and that it is not to speak of; not fenced."""
    asked = f"The user had said: {quoted(question)}. " if question else ""
    return f"{asked}You had called the function {name} with {arguments}, and it returned {response}."


def result_of(question: str, name: str, arguments: str, response: str) -> str:
    """Return the result of a call that the model may not remember, with the request to answer."""
    return _FENCE.format(f"{returned(question, name, arguments, response)} Answer the user now.")


def interim(words: str) -> str:
    """Return, as a JSON object, what a model gets in place of a result that takes long; no words for Segue's own."""
    return json.dumps({"status": words or _STILL_WORKING}, ensure_ascii=False)


def timed_out(timeout: float) -> str:
    """Return, as a JSON object, what a model gets in place of a result that did not come in `timeout` seconds."""
    return json.dumps({"error": f"the function did not answer within {timeout:g} s"})
