"""Search for bytes that break the simulator: `python -m tests.fuzz reader build/fuzz/reader [libFuzzer's options]`.

Needs atheris (`pip install segue[fuzz]`). A new corpus begins with every frame that the SDKs were recorded to send and
with those that were kept of earlier runs. `python -m tests.fuzz reader NEW -set_cover_merge=1 OLD` makes a small one of
it, in an empty directory.
"""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .mutation import mutated, words

_HERE = Path(__file__).parent
_FRAMES = _HERE.parent / "frames"


def main(arguments: list[str]) -> None:
    """Run libFuzzer on a target until it is told to stop or finds something."""
    # Not a static import: a development tool that need not be installed, and is not typed.
    atheris: Any = importlib.import_module("atheris")
    name, folder, *options = arguments
    for module in [module for module in sys.modules if module.startswith("segue.simulator")]:
        # What the mutations have imported is to be instrumented, too.
        del sys.modules[module]
    with atheris.instrument_imports(include=["segue.simulator"]):
        targets = importlib.import_module("tests.fuzz.targets")
    corpus = Path(folder)
    if not corpus.exists():
        _begin(corpus, name)
    # To merge, libFuzzer starts itself again by its name, through a shell.
    itself = f"{sys.executable} -m tests.fuzz {name} {folder}"
    atheris.Setup(
        [itself, f"-dict={_dictionary(corpus)}", str(corpus), *options],
        targets.TARGETS[name],
        custom_mutator=lambda content, size, seed: mutated(name, content, size, seed, atheris.Mutate),
    )
    atheris.Fuzz()


def _begin(corpus: Path, name: str) -> None:
    corpus.mkdir(parents=True)
    for number, frame in enumerate(sorted(set(_recorded()))):
        # Flags of a binary frame on the Developer API; in a script, the frame has flags of its own.
        flags = b"\x00" if name == "reader" else bytes([number % 4 * 4]) + b"\x00"
        (corpus / f"recorded-{number}").write_bytes(flags + frame.encode())
    for kept in (_HERE / "corpus" / name).glob("*"):
        (corpus / kept.name).write_bytes(kept.read_bytes())


def _recorded() -> Iterator[str]:
    for path in _FRAMES.rglob("*.jsonl"):
        for line in path.read_text().splitlines():
            event = json.loads(line)
            if event["ev"] == "client_frame":
                yield event["raw"]


def _dictionary(corpus: Path) -> Path:
    """Write the names of all fields and values, which no mutation would guess, to a file beside the corpus."""
    path = corpus.with_suffix(".dict")
    path.write_text("".join(f'"\\"{word}\\""\n' for word in sorted(words())))
    return path


if __name__ == "__main__":
    main(sys.argv[1:])
