"""Dialogue files. A dialogue is a TOML file:

    pause = 0.2                       # seconds of silence between two sentences of the model

    [[utterances]]                    # once each, in order
    user = "What time is it?"
    model = "It is noon."
    delay = 0.5                       # seconds to the first output; else as the service is measured to take

    [[further]]                       # then these for ever; without any, the utterances begin anew
    user = "And now?"
    model = "Still noon."

    [[texts]]                         # the first whose words all occur in the text answers it
    words = ["time"]
    model = "It is noon."

    [[fallback]]                      # what any other text gets, in turn
    model = "I cannot tell."

An exchange can have more to it:

    call = { name = "get_time", args = { zone = "CET" } }   # or a list of them, called at once; each only if declared
    before = "Let me look."           # said before the call
    while = "One moment."             # said on after a call that does not block
    after = "It is {response}."       # said with the results, instead of `model`
    thought = "They want the time."   # what it thinks first, on models that think
    addressed = false                 # the user talked to somebody else: a proactive model says nothing
    waits = true                      # the user was not done: the model says that it waits for input
    reason = "RESPONSE_REJECTED"      # the turnCompleteReason
    code = "print(6 * 7)"             # run before the answer where code execution is on, and what it gave
    output = "42"
    queries = ["tide tables"]         # searched for where Google search is on, and what was found
    pages = { "Tides" = "https://tides.example" }
    urls = ["https://tides.example"]  # read where URL context is on

and in what the model says stand `{recall}` for what it remembers of what the user said before, and of which audio it
never got or got twice; `{told}` for what it said itself last; `{instruction}` for the system instruction it follows;
`{response}` for the results of its calls.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from segue.simulator.dialogue import Call, Dialogue, Line

_OPTIONS = frozenset(
    {"delay", "call", "before", "while", "after", "thought", "addressed", "waits", "reason"}
    | {"code", "output", "queries", "pages", "urls"}
)


class DialogueError(ValueError):
    """A dialogue cannot be used; the message names the place and what is wrong there."""


def default_dialogue() -> Dialogue:
    """Return the dialogue that comes with the simulator: a long story, an interruption, and small talk."""
    source = resources.files("segue.simulator") / "dialogues" / "default.toml"
    return parse_dialogue(source.read_text(encoding="utf-8"), "default.toml")


def load_dialogue(path: Path) -> Dialogue:
    """Read a dialogue file.

    Raises:
        DialogueError: it cannot be read or used.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DialogueError(f"{path}: cannot be read: {error}") from error
    return parse_dialogue(text, str(path))


def parse_dialogue(text: str, name: str) -> Dialogue:
    """Read a dialogue; `name` stands before every complaint.

    Raises:
        DialogueError: it is no TOML, or no dialogue.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DialogueError(f"{name}: not TOML: {error}") from error
    _check_keys(table, {"pause", "utterances", "further", "texts", "fallback"}, name)
    utterances = _lines(table, "utterances", {"user", "model"}, name)
    further = _lines(table, "further", {"user", "model"}, name)
    texts = _lines(table, "texts", {"words", "model"}, name)
    fallback = _lines(table, "fallback", {"model"}, name)
    pause = _seconds(table, "pause", name, 0.2)
    if not utterances or not fallback:
        raise DialogueError(f"{name}: needs at least one [[utterances]] and one [[fallback]]")
    return Dialogue(utterances, further, texts, fallback, pause)


def _lines(table: Mapping[str, Any], section: str, required: set[str], name: str) -> tuple[Line, ...]:
    entries = table.get(section, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise DialogueError(f"{name}: {section}: must be a list of tables, [[{section}]]")
    return tuple(_line(entry, required, f"{name}: {section} {number}") for number, entry in enumerate(entries, 1))


def _line(entry: Mapping[str, Any], required: set[str], place: str) -> Line:
    _check_keys(entry, required | _OPTIONS, place)
    if missing := sorted(required - entry.keys()):
        raise DialogueError(f"{place}: {missing[0]} is missing")
    words = entry.get("words", [])
    if not isinstance(words, list) or not all(isinstance(word, str) and re.fullmatch(r"\w+", word) for word in words):
        raise DialogueError(f"{place}: words must be a list of single words")
    return Line(
        model=_text(entry, "model", place),
        user=_text(entry, "user", place),
        delay=_seconds(entry, "delay", place, None),
        words=frozenset(word.lower() for word in words),
        calls=_calls(entry, place),
        before=_text(entry, "before", place),
        meanwhile=_text(entry, "while", place),
        after=_text(entry, "after", place),
        thought=_text(entry, "thought", place),
        addressed=_truth(entry, "addressed", place, True),
        waits=_truth(entry, "waits", place, False),
        reason=_text(entry, "reason", place),
        code=_text(entry, "code", place),
        output=_text(entry, "output", place),
        queries=_texts(entry, "queries", place),
        pages=_pages(entry, place),
        urls=_texts(entry, "urls", place),
    )


def _texts(entry: Mapping[str, Any], key: str, place: str) -> tuple[str, ...]:
    value = entry.get(key, [])
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise DialogueError(f"{place}: {key} must be a list of strings")
    return tuple(value)


def _pages(entry: Mapping[str, Any], place: str) -> tuple[tuple[str, str], ...]:
    value = entry.get("pages", {})
    if not isinstance(value, dict) or not all(isinstance(address, str) for address in value.values()):
        raise DialogueError(f"{place}: pages must be a table of titles and addresses")
    return tuple(value.items())


def _calls(entry: Mapping[str, Any], place: str) -> tuple[Call, ...]:
    value = entry.get("call", [])
    calls = []
    for call in value if isinstance(value, list) else [value]:
        if not isinstance(call, dict) or not isinstance(call.get("name"), str):
            raise DialogueError(f"{place}: call must be a table with a name, or a list of such tables")
        _check_keys(call, {"name", "args"}, f"{place}: call")
        args = call.get("args", {})
        if not isinstance(args, dict) or not _is_json(args):
            raise DialogueError(f"{place}: call: args must be a table of what JSON can hold")
        calls.append(Call(call["name"], args))
    return tuple(calls)


def _is_json(args: Mapping[str, Any]) -> bool:
    """Return whether a table has no dates and times, and no numbers but finite ones."""
    try:
        json.dumps(args, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _truth(entry: Mapping[str, Any], key: str, place: str, default: bool) -> bool:
    value = entry.get(key, default)
    if not isinstance(value, bool):
        raise DialogueError(f"{place}: {key} must be true or false")
    return value


def _check_keys(table: Mapping[str, Any], known: set[str], place: str) -> None:
    if unknown := sorted(table.keys() - known):
        raise DialogueError(f"{place}: {unknown[0]} is unknown; known are {', '.join(sorted(known))}")


def _text(entry: Mapping[str, Any], key: str, place: str) -> str:
    value = entry.get(key, "")
    if not isinstance(value, str):
        raise DialogueError(f"{place}: {key} must be a string")
    return " ".join(value.split())


def _seconds(table: Mapping[str, Any], key: str, place: str, default: float | None) -> Any:
    value = table.get(key, default)
    if value is not default and (isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 60):
        raise DialogueError(f"{place}: {key} must be a number of seconds from 0 to 60")
    return value
