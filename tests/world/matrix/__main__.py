"""Writes tests/world/MATRIX.md, and says which cells are not as the design wants them."""

import sys

from tests.world.matrix.cells import CELLS, outcome
from tests.world.matrix.table import PATH, cell_text, render


def main() -> int:
    PATH.write_text(render(cell_text), encoding="utf-8")
    wrong = [(cell, outcome(cell).wrong) for cell in CELLS if not cell.impossible and outcome(cell).wrong]
    for cell, sentences in wrong:
        sys.stdout.write(f"{cell}: {' '.join(sentences)}\n")
    sys.stdout.write(f"{PATH}: {len(CELLS)} cells, {len(wrong)} of them wrong.\n")
    return len(wrong)


if __name__ == "__main__":
    sys.exit(min(main(), 1))
