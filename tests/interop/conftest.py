"""The JavaScript SDK, installed once for each lock file, and programs that run in node."""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.tools import ROOT, lack, require

SOURCES = Path(__file__).parent / "js"
PATIENCE = 60.0

# Runs a program of js/ with arguments, and perhaps with a CA to trust; returns the lines of JSON that it printed.
Run: TypeAlias = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest.fixture(scope="session")
def installed() -> Path:
    """A directory that holds the programs and the packages of the lock file."""
    npm = require("npm")
    lock = (SOURCES / "package-lock.json").read_bytes()
    folder = ROOT / "build" / "interop" / hashlib.sha256(lock).hexdigest()[:16]
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=folder.parent))
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SOURCES / name, fresh)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        try:
            subprocess.run(command, cwd=fresh, check=True, capture_output=True, text=True, timeout=100)
        except (subprocess.SubprocessError, OSError) as error:
            shutil.rmtree(fresh)
            lack(f"the JavaScript SDK cannot be installed: {error} {getattr(error, 'stderr', '')}")
        try:
            # Whole or not at all, since parallel runs may install at the same time.
            fresh.rename(folder)
        except OSError:
            shutil.rmtree(fresh)
    return folder


@pytest.fixture
def run(installed: Path) -> Run:
    """Run programs in node, in a process that is gone at the end of the test."""
    node = require("node")

    async def run(name: str, *arguments: str, ca_file: Path | None = None) -> list[dict[str, Any]]:
        # Modules are looked for where a program lies.
        program = shutil.copy(SOURCES / name, installed)
        process = await asyncio.create_subprocess_exec(
            *(node, program, *arguments),
            env=os.environ | ({"NODE_EXTRA_CA_CERTS": str(ca_file)} if ca_file else {}),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            output, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0, errors.decode()
        return [json.loads(line) for line in output.decode().splitlines()]

    return run
