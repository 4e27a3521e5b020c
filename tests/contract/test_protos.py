"""The contract's own rules: its style, and that no client of an earlier version breaks.

`segue-v1.binpb` holds the contract that was released last. It is renewed at a release, and only then, with
`buf build protos --as-file-descriptor-set --exclude-source-info -o tests/contract/segue-v1.binpb`.
"""

import subprocess
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

from tests.tools import ROOT, require

PROTOS = ROOT / "protos"
RELEASED = Path(__file__).parent / "segue-v1.binpb"


def buf(*arguments: str, folder: Path = PROTOS) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [require("buf"), *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def well(*arguments: str) -> None:
    finished = buf(*arguments)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")


def test_the_protos_keep_the_rules_of_style_and_every_element_has_its_comment() -> None:
    well("lint")


def test_the_protos_are_formatted() -> None:
    well("format", "--diff", "--exit-code")


def test_no_file_breaks_a_client_of_the_released_contract() -> None:
    well("breaking", "--against", str(RELEASED))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("uint32 channel = 1;", "uint64 channel = 1;"),
        ("uint64 seq = 2;", "uint64 number = 2;"),
        ("    CloseSession close = 14;\n", ""),
    ],
)
def test_a_break_would_be_found(tmp_path: Path, before: str, after: str) -> None:
    for path in (*PROTOS.glob("segue/**/*.proto"), PROTOS / "buf.yaml"):
        copy = tmp_path / path.relative_to(PROTOS)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text())
    changed = tmp_path / "segue" / "v1" / "client_event.proto"
    text = changed.read_text()
    assert before in text
    changed.write_text(text.replace(before, after))
    finished = buf("breaking", "--against", str(RELEASED), folder=tmp_path)
    assert finished.returncode == 100
    assert "client_event.proto" in finished.stdout


def test_the_released_contract_holds_the_service() -> None:
    files = descriptor_pb2.FileDescriptorSet.FromString(RELEASED.read_bytes())
    services = [f"{file.package}.{service.name}" for file in files.file for service in file.service]
    assert services == ["segue.v1.VoiceSessionService"]
