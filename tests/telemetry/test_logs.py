"""Logs that machines and people can read."""

import json
from collections.abc import Iterator

import pytest
import structlog

from segue.telemetry import logs


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_json_is_one_object_a_line_with_the_time_in_utc(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    structlog.get_logger("x").info("serving", port=50051)
    structlog.get_logger("x").warning("link_lost", message="two\nlines")
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["event"], first["level"], first["port"]) == ("serving", "info", 50051)
    assert first["timestamp"].endswith("Z")
    assert second["message"] == "two\nlines"


def test_a_traceback_is_part_of_its_object(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    try:
        raise ValueError("odd")
    except ValueError:
        structlog.get_logger("x").exception("failed")
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["exception"][0]["exc_type"] == "ValueError"


def test_what_is_less_than_the_level_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("warning", "json")
    structlog.get_logger("x").info("serving")
    assert capsys.readouterr().out == ""


def test_what_is_no_terminal_gets_json(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "auto")
    structlog.get_logger("x").info("serving")
    assert json.loads(capsys.readouterr().out)["event"] == "serving"


def test_the_console_form_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("debug", "console")
    structlog.get_logger("x").debug("serving", port=50051)
    assert "serving" in capsys.readouterr().out
