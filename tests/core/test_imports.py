"""The core is sans-IO: beside itself it imports only what computes."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import segue.core

# What of the standard library would bring a clock, chance, a loop or the outside world with it.
IMPURE = frozenset({"asyncio", "datetime", "io", "logging", "os", "random", "secrets", "selectors", "signal", "socket"})
IMPURE |= {"pathlib", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid"}
MODULES = sorted(Path(segue.core.__path__[0]).glob("**/*.py"))


def imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports in the core are absolute"
            yield node.module or ""


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_a_module_of_the_core_imports_the_core_and_the_pure_part_of_the_standard_library(module: Path) -> None:
    for name in imported(module.read_text()):
        top = name.partition(".")[0]
        pure = top in sys.stdlib_module_names and top not in IMPURE
        assert pure or name.startswith("segue.core"), f"{module.name} imports {name}"
