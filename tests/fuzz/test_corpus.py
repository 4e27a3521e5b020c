"""The bytes that a fuzzer found worth keeping, tried on every run, without the fuzzer."""

from pathlib import Path

import pytest

from .targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
KEPT = [(name, path) for name in TARGETS for path in sorted((CORPUS / name).iterdir())]


def test_the_corpus_is_there_and_small() -> None:
    assert {name for name, _ in KEPT} == TARGETS.keys()
    assert 100 < len(KEPT) < 300
    assert sum(path.stat().st_size for _, path in KEPT) < 300_000


@pytest.mark.parametrize(("name", "path"), KEPT, ids=[f"{name}-{path.name}" for name, path in KEPT])
def test_bytes_break_nothing(name: str, path: Path) -> None:
    TARGETS[name](path.read_bytes())
