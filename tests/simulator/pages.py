"""Writes what the simulator's pages say of its code: `python -m tests.simulator.pages`.

The tables of the README between their marks, and the whole of CONFORMANCE.md.
"""

import json
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from segue.cli import app
from segue.simulator.faults import ALL_FAULTS
from segue.simulator.faults.closing import CLOSES
from segue.simulator.faults.fault import Lasts, Occasion
from segue.simulator.faults.plan import describe, fault_settings
from segue.simulator.rules.rule_table import TABLE
from segue.simulator.rules.rulebook import Severity
from segue.simulator.switches import Switches

ROOT = Path(__file__).parents[2]
README = ROOT / "service" / "segue" / "simulator" / "README.md"
CONFORMANCE = README.with_name("CONFORMANCE.md")
FACTS = Path(__file__).with_name("conformance.toml")

_OCCASIONS = {
    Occasion.CONNECTION: "the connection",
    Occasion.TURN: "each turn",
    Occasion.CLIENT_MESSAGE: "a client message",
}
_LASTS = {Lasts.MOMENT: "once", Lasts.TURN: "its turn", Lasts.CONNECTION: "to the end"}


def options() -> str:
    """The options of `segue simulate`."""
    command: Any = typer.main.get_command(app)
    parameters = [each for each in command.commands["simulate"].params if each.name != "help"]
    return _table(("option", "default", ""), ((_code(*each.opts), _default(each), each.help) for each in parameters))


def faults() -> str:
    """Every fault, when it strikes unless told otherwise, and its settings."""
    rows = []
    for kind in ALL_FAULTS:
        settings = (f"`{name} = {json.dumps(default)}`" for name, default in fault_settings(kind).items())
        rows.append(
            (_code(kind.name), describe(kind), _OCCASIONS[kind.occasion], _LASTS[kind.lasts], ", ".join(settings))
        )
    return _table(("fault", "what happens", "strikes at", "lasts", "settings"), rows)


def closes() -> str:
    """The closes that the fault `close` can imitate."""
    rows = ((_code(name), str(close.code), close.cut_reason) for name, close in CLOSES.items())
    return _table(("cause", "code", "reason"), rows)


def switches() -> str:
    """Every disputed behaviour."""
    rows = ((_code(name), f"`{_shown(default)}`", what, source) for name, default, what, source in Switches.describe())
    return _table(("switch", "default", "what it decides", "who says what"), rows)


def rules() -> str:
    """Every rule that the simulator closes at."""
    rows = (
        (_code(rule.name), str(rule.code), rule.catches, "`--strict`" if rule.severity is Severity.SILENT else "always")
        for rule in TABLE.values()
    )
    return _table(("rule", "code", "what breaks it", "closes"), rows)


TABLES: Sequence[Callable[[], str]] = (options, faults, closes, switches, rules)


def readme() -> str:
    """Return the README with its tables as the code has them now."""
    text = README.read_text(encoding="utf-8")
    for table in TABLES:
        begin, end = f"<!-- {table.__name__} -->\n", f"<!-- end of {table.__name__} -->"
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"the README has no place for the table of {table.__name__}")
        text = f"{before}{begin}\n{table()}\n{end}{after}"
    return text


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known of the Live API, and the tests that show it."""

    id: str
    text: str
    tests: tuple[str, ...]


def facts() -> list[tuple[str, list[Fact]]]:
    """Return the facts by the title of their section."""
    sections = tomllib.loads(FACTS.read_text(encoding="utf-8"))["sections"]
    return [
        (section["title"], [Fact(fact["id"], fact["text"], tuple(fact["tests"])) for fact in section["facts"]])
        for section in sections
    ]


def conformance() -> str:
    """Return the page of facts and tests."""
    parts = [
        "# What the simulator shows of the Live API, and which test shows it",
        "Written by `python -m tests.simulator.pages` from `tests/simulator/conformance.toml`; change that. Paths are "
        "those of this repository.",
    ]
    for title, known in facts():
        parts.append(f"## {title}")
        rows = ((fact.id, fact.text, "<br>".join(map(_code, fact.tests))) for fact in known)
        parts.append(_table(("", "fact", "shown by"), rows).rstrip())
    return "\n\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _code(*words: str) -> str:
    return " ".join(f"`{word}`" for word in words)


def _default(option: Any) -> str:
    return "" if option.default in (None, "") or option.is_flag else _code(_shown(option.default))


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    README.write_text(readme(), encoding="utf-8")
    CONFORMANCE.write_text(conformance(), encoding="utf-8")
