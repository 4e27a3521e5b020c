"""Tools that a test needs and a machine may lack."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parent.parent


def require(tool: str) -> str:
    """Return the path of a program on the PATH or in node_modules/.bin; see `lack` for when there is none."""
    search = os.pathsep.join((os.environ.get("PATH", os.defpath), str(ROOT / "node_modules" / ".bin")))
    return shutil.which(tool, path=search) or lack(f"{tool} is not installed")


def lack(reason: str) -> NoReturn:
    """Skip the running test with a reason, or fail it where SEGUE_REQUIRE_TOOLS is 1, as in CI."""
    if os.environ.get("SEGUE_REQUIRE_TOOLS") == "1":
        pytest.fail(f"SEGUE_REQUIRE_TOOLS is set, and {reason}")
    pytest.skip(reason)
