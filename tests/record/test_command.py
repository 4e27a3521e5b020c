"""`segue record` on the command line."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from segue.cli import app

PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
EVENTS = [
    {"ev": "recording", "version": 1, "flavour": "developer", "model": "m", "date": "2026-11-20"},
    {"ev": "handshake", "connection": 1, "at": 0, "path": PATH, "headers": [["x-goog-api-key", "key-1"]]},
    {"ev": "client_frame", "connection": 1, "at": 0.1, "opcode": "text", "json": {"setup": {"model": "unknown"}}},
    {"ev": "closed", "connection": 1, "at": 0.2, "by": "server", "code": 1008, "reason": "[bold] reason"},
]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "recording.jsonl"
    path.write_text("".join(f"{json.dumps(event)}\n" for event in EVENTS))
    return path


def segue(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "segue", "record", *map(str, arguments)]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"COLUMNS": "200", "NO_COLOR": "1"},
    )


def help_of(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["record", *arguments, "--help"], env={"COLUMNS": "120", "TERM": "dumb"})
    assert result.exit_code == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", result.output)


def test_help_says_how_to_use_it_and_what_is_recorded() -> None:
    assert "proxy" in help_of()
    assert "compare" in help_of()
    text = help_of("proxy")
    for said in ("SSL_CERT_FILE", "GOOGLE_GEMINI_BASE_URL", "NOT RECORDED", "--no-text", "--audio"):
        assert said in text


@pytest.mark.parametrize("command", ["proxy", "compare"])
def test_every_option_says_what_it_is(command: str) -> None:
    for line in help_of(command).splitlines():
        if re.match(r"^\W*--", line):
            assert len(line.strip("│ ").split()) > 3, line


def test_comparison_that_differs_is_a_table_and_exit_code_1(recording: Path) -> None:
    result = segue("compare", recording)
    assert result.returncode == 1
    assert re.search(r"close +│ differs", result.stdout)
    assert "[bold] reason" in result.stdout
    assert "1 of 2 structural points differ" in result.stdout


def test_comparison_is_json_if_asked_for(recording: Path) -> None:
    result = segue("compare", recording, "--json")
    assert result.returncode == 1
    shown = json.loads(result.stdout)
    assert [point["name"] for point in shown["points"] if point["verdict"] == "differs"] == ["close"]


def test_comparison_that_agrees_is_exit_code_0(recording: Path) -> None:
    close = {"by": "client", "code": 1000, "reason": ""}
    recording.write_text("".join(f"{json.dumps(event)}\n" for event in (*EVENTS[:2], EVENTS[3] | close)))
    assert segue("compare", recording).returncode == 0


def test_comparison_with_a_dialogue(recording: Path, tmp_path: Path) -> None:
    dialogue = tmp_path / "dialogue.toml"
    dialogue.write_text('[[utterances]]\nuser = "?"\nmodel = "!"\n[[fallback]]\nmodel = "!"\n')
    assert "structural" in segue("compare", recording, "--dialogue", dialogue).stdout
    dialogue.write_text("")
    assert segue("compare", recording, "--dialogue", dialogue).stderr.startswith("segue: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["compare", "none.jsonl"], "none.jsonl"),
        (["proxy", "--output", "/nowhere/at/all.jsonl"], "/nowhere/at/all.jsonl"),
        (["proxy", "--output", "new.jsonl", "--upstream", "here"], "upstream"),
        (["proxy", "--output", "new.jsonl", "--upstream-ca-file", "none.pem"], "none.pem"),
    ],
)
def test_fault_of_the_users_is_one_line(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = segue(*arguments)
    assert result.returncode == 1
    assert result.stderr.startswith("segue: ")
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_recording_is_not_overwritten(recording: Path) -> None:
    before = recording.read_text()
    result = segue("proxy", "--output", recording)
    assert result.returncode == 1
    assert "exists" in result.stderr
    assert recording.read_text() == before


def test_proxy_says_how_to_use_it_and_stops_at_ctrl_c(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    # A shell that runs the tests in the background has them and their children ignore Ctrl-C.
    program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); import segue.cli as c; c.main()"
    command = [sys.executable, "-c", program, "record", "proxy", "--output", str(tmp_path / "new.jsonl"), "--port", "0"]
    with subprocess.Popen([*command, "--ca-file", str(ca_file)], stdout=subprocess.PIPE, text=True) as proxy:
        assert proxy.stdout
        said = ""
        while "GOOGLE_GEMINI_BASE_URL" not in said:
            line = proxy.stdout.readline()
            assert line, said
            said += line
        proxy.send_signal(signal.SIGINT)
        assert proxy.wait(30) == 0
    assert f"SSL_CERT_FILE={ca_file}" in said
    assert "BEGIN CERTIFICATE" in ca_file.read_text()
