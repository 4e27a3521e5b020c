"""The command line: every command explains itself, and faults of the user's are one line."""

import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from segue.cli import app
from segue.config import Settings

COMMANDS = {"serve", "check", "simulate", "talk", "demo", "world"}


@pytest.fixture(autouse=True)
def environment(plain_environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    return plain_environment


def help_of(*arguments: str) -> str:
    result = CliRunner().invoke(app, [*arguments, "--help"], env={"COLUMNS": "120", "TERM": "dumb"})
    assert result.exit_code == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", result.output)


def segue(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "segue", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_help_names_every_command() -> None:
    assert {command.name or command.callback.__name__ for command in app.registered_commands if command.callback} == (
        COMMANDS
    )
    text = help_of()
    for command in COMMANDS:
        assert re.search(rf"^\W*{command} ", text, re.MULTILINE), command


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_option_of_a_command_says_what_it_is(command: str) -> None:
    text = help_of(command)
    for line in text.splitlines():
        if re.match(r"^\W*--", line):
            assert len(line.strip("│ ").split()) > 3, line


@pytest.mark.parametrize("option", ["--port", "--metrics-port", "--host", "--metrics-host"])
def test_the_help_of_serve_names_the_defaults(option: str) -> None:
    default = Settings.model_fields[option.removeprefix("--").replace("-", "_")].default
    text = " ".join(help_of("serve").split())
    assert re.search(rf"{option} [^-]*Default: {re.escape(str(default))}\.", text)


def test_no_command_shows_the_help() -> None:
    result = CliRunner().invoke(app, [])
    assert "segue" in result.output.lower() or "Usage" in result.output
    assert "Traceback" not in result.output


def test_talk_with_nothing_to_say_is_one_clear_line() -> None:
    result = segue("talk")
    assert result.returncode == 1
    assert result.stderr.startswith("segue: ")
    assert "--text" in result.stderr
    assert "--wav" in result.stderr
    assert "Traceback" not in result.stderr


def test_talk_with_nobody_there_is_one_clear_line() -> None:
    result = segue("talk", "localhost:1", "--text", "Hi")
    assert result.returncode == 1
    assert result.stderr.startswith("segue: ")
    assert "Traceback" not in result.stderr


def test_simulate_with_a_dialogue_that_cannot_be_is_one_clear_line(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("dialogue") / "broken.toml"
    path.write_text("nothing = [")
    result = segue("simulate", "--dialogue", str(path))
    assert result.returncode == 1
    assert result.stderr.startswith("segue: ")
    assert "broken.toml" in result.stderr
    assert "Traceback" not in result.stderr


def test_check_ends_with_an_exit_code_that_a_script_can_use() -> None:
    assert segue("check", "--backend", "simulator", "--port", "0", "--metrics-port", "0").returncode == 0
    failed = segue("check", "--backend", "live", "--port", "0", "--metrics-port", "0")
    assert failed.returncode == 1
    assert "GEMINI_API_KEY" in failed.stdout
    assert failed.stderr == ""


def test_check_takes_the_flags_of_serve() -> None:
    allowed = segue("check", "--backend", "live", "--host", "0.0.0.0", "--plaintext", "--no-auth")
    assert "✓ listening: allowed" in allowed.stdout
