"""The table of what is known of the Live API: whole, its tests there, and its page as it is."""

import subprocess
import sys

import pytest

from tests.simulator.pages import CONFORMANCE, ROOT, Fact, conformance, facts

SECTIONS = facts()
KNOWN = [fact for _, section in SECTIONS for fact in section]
# By section, as many as the notes on the Live API have: §0, §4.1, §6 with 6.1 to 6.6, §8.1.
SIZES = [20, 19, 5 + 6, 21]


@pytest.fixture(scope="module")
def collected() -> set[str]:
    """The node ids of all tests in the files that the table names; those of cases also without their case."""
    files = sorted({test.partition("::")[0] for fact in KNOWN for test in fact.tests})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *(f"tests/{file}" for file in files)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
    nodes = {line.removeprefix("tests/") for line in run.stdout.splitlines() if "::" in line}
    return nodes | {node.partition("[")[0] for node in nodes}


def test_no_fact_is_missing() -> None:
    assert [len(section) for _, section in SECTIONS] == SIZES
    assert [fact.id for fact in SECTIONS[0][1]] == [str(number) for number in range(1, 21)]
    assert len({fact.id for fact in KNOWN}) == len(KNOWN)


@pytest.mark.parametrize("fact", KNOWN, ids=[fact.id for fact in KNOWN])
def test_a_fact_has_tests_that_show_it(fact: Fact, collected: set[str]) -> None:
    assert fact.tests, "nothing shows it"
    assert set(fact.tests) <= collected


def test_the_page_is_as_the_table_is() -> None:
    assert CONFORMANCE.read_text(encoding="utf-8") == conformance(), "write it anew: python -m tests.simulator.pages"
