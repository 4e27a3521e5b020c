"""google-genai 1.24, the version of most public reports, talks to the simulator from an environment of its own."""

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

VERSION = "1.24.0"
ENVIRONMENT = Path(__file__).parents[2] / "build" / "sdk-1.24"
PYTHON = ENVIRONMENT / "bin" / "python"


@pytest.fixture
def old_python() -> str:
    """An interpreter with the old SDK, installed once and kept between runs."""
    installed = ENVIRONMENT / f"installed-{VERSION}"
    if not installed.exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True, capture_output=True)
            install = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--timeout", "10"]
            subprocess.run(
                [*install, f"google-genai=={VERSION}"], check=True, capture_output=True, text=True, timeout=100
            )
        except (subprocess.SubprocessError, OSError) as error:
            reason = f"google-genai {VERSION} cannot be installed: {error} {getattr(error, 'stderr', '')}"
            if os.environ.get("SEGUE_REQUIRE_TOOLS") == "1":
                pytest.fail(reason)
            pytest.skip(reason)
        installed.touch()
    return str(PYTHON)


async def test_old_sdk_holds_conversations(
    old_python: str,
    converse: Callable[[str, str, str], Awaitable[dict[str, Any]]],
    check: dict[str, Callable[[dict[str, Any]], None]],
) -> None:
    # One test for both, so that parallel runs never install twice.
    for medium in ("text", "audio"):
        outcome = await converse(old_python, "developer", medium)
        assert outcome["version"] == VERSION
        check[medium](outcome)
