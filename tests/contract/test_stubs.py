"""The committed stubs are those of the committed protos."""

import subprocess
import sys
from pathlib import Path

from tests.tools import ROOT

COMMITTED = ROOT / "clients" / "python" / "segue_client" / "segue"


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.py*") if path.suffix != ".pyc"}


def test_the_stubs_are_what_the_protos_generate(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, str(ROOT / "protos" / "generate.py"), str(tmp_path)],
        check=True,
        timeout=60,
        capture_output=True,
    )
    generated, committed = contents(tmp_path), contents(COMMITTED)
    assert generated.keys() == committed.keys()
    differing = [name for name, text in generated.items() if committed[name] != text]
    assert not differing, "run `make protos`"
