"""The README beside the simulator: it is as the code is, and what it says to do works."""

import asyncio
import os
import re
import sys
from pathlib import Path
from urllib.request import urlopen

from websockets.asyncio.client import connect

from segue.simulator.control import Control
from segue.simulator.dialogue_file import parse_dialogue
from segue.simulator.server import Simulator
from segue.simulator.settings import load_settings
from segue.simulator.speech import SpeechLikeVoice
from tests.simulator.pages import README, readme

PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=k"

PATIENCE = 60.0


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_its_tables_are_those_of_the_code() -> None:
    assert README.read_text(encoding="utf-8") == readme(), "write it anew: python -m tests.simulator.pages"


def test_its_files_are_understood(tmp_path: Path) -> None:
    dialogue, settings = _blocks("toml")
    assert parse_dialogue(dialogue, "README").spoken(0).model == "It is noon."
    (tmp_path / "faults.toml").write_text(settings)
    understood = load_settings(tmp_path / "faults.toml")
    assert [plan.kind.name for plan in understood.faults] == ["late_chunks", "close", "wedge"]
    assert understood.switches.resume_while_open


async def test_its_requests_are_understood() -> None:
    requests = re.findall(r"^curl (?:-d '(.*)' )?http://127\.0\.0\.1:8766(/\w+)$", README.read_text(), re.MULTILINE)
    assert len(requests) == 4
    async with Simulator(plain=True, voice=SpeechLikeVoice()) as simulator, Control(simulator) as control:
        url = simulator.url.replace("http", "ws") + PATH
        async with connect(url, proxy=None, compression=None) as connection:
            for body, path in requests:
                status, answer = await asyncio.to_thread(_ask, control.url + path, body)
                assert (status, "error" in answer) == (200, False), answer
            await asyncio.wait_for(connection.wait_closed(), PATIENCE)
            assert (connection.close_code, connection.close_reason) == (1011, "Internal error encountered.")


def _ask(url: str, body: str) -> tuple[int, str]:
    with urlopen(url, body.encode() or None, timeout=PATIENCE) as response:
        return response.status, response.read().decode()


async def test_its_script_works(tmp_path: Path) -> None:
    start, _ = _blocks("sh")
    [script] = _blocks("python")
    command, exports = start.splitlines()
    arguments = command.removeprefix("segue ").removesuffix(" &").split()
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "segue", *arguments, "--port", "0", cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert server.stdout
        line = await asyncio.wait_for(server.stdout.readline(), PATIENCE)
        port = re.search(rb"https://127\.0\.0\.1:(\d+)", line)
        assert port, line
        # As it stands there, but on a port that is free.
        environment = dict(pair.split("=", 1) for pair in exports.replace("8765", port[1].decode()).split()[1:])
        program = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", script),
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1", **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await asyncio.wait_for(program.communicate(), PATIENCE)
        assert program.returncode == 0, errors.decode()
        words, audio = output.decode().splitlines()
        assert words.startswith("Here is a short one.")
        assert re.fullmatch(r"\d+\.\d seconds of audio", audio)
        assert float(audio.split()[0]) > 3
    finally:
        server.terminate()
        await server.wait()
