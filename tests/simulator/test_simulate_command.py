"""`segue simulate` as it is run: what its flags do, and that mistakes are one clear line."""

import asyncio
import json
import re
import signal
import socket
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from segue.cli import app
from segue.simulator.faults import ALL_FAULTS
from segue.simulator.switches import Switches
from tests.simulator.socket_client import HALF_CASCADE, PATH, order

# Long enough to come in chunks, whose sizes are drawn, whichever voice speaks.
DIALOGUE = '[[utterances]]\nuser = "Yes?"\nmodel = "Yes, all is well."\n[[fallback]]\nmodel = "Yes, all is well."\n'
VERTEX_PATH = "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"


@pytest.fixture(autouse=True)
def environment(plain_environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    return plain_environment


async def _start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "segue", "simulate", "--port", "0", *arguments, stdout=-1, stderr=-1
    )


@asynccontextmanager
async def _running(folder: Path, *arguments: str) -> AsyncIterator[list[str]]:
    """Run the command; yield the URLs that it prints, its own and that of its control endpoint if it has one."""
    dialogue = folder / "dialogue.toml"
    dialogue.write_text(DIALOGUE)
    simulator = await _start("--plain", "--dialogue", str(dialogue), *arguments)
    assert simulator.stdout
    try:
        async with asyncio.timeout(60):
            urls = []
            for _ in range(1 + ("--control" in arguments)):
                while not (found := re.search(r"http://\S+:\d+", (await simulator.stdout.readline()).decode())):
                    assert not simulator.stdout.at_eof()
                urls.append(found[0])
        yield urls
    finally:
        simulator.send_signal(signal.SIGINT)
        _, errors = await asyncio.wait_for(simulator.communicate(), 60)
    assert (simulator.returncode, errors) == (0, b"")


async def _converse(connection: ClientConnection, model: str = HALF_CASCADE) -> list[bytes]:
    """Set up, say something, and return every frame up to `turnComplete`."""
    await connection.send(json.dumps({"setup": {"model": model}}))
    return await _say_and_hear(connection)


async def _say_and_hear(connection: ClientConnection) -> list[bytes]:
    frames: list[bytes] = []
    await connection.send(json.dumps({"realtimeInput": {"text": "Are you there?"}}))
    async with asyncio.timeout(10):
        while not frames or b'"turnComplete"' not in frames[-1]:
            frame = await connection.recv()
            assert isinstance(frame, bytes)
            frames.append(frame)
    return frames


def _open(url: str, path: str = PATH) -> connect:
    return connect(url.replace("http", "ws", 1) + path, proxy=None, compression=None)


async def test_seed_repeats_a_conversation(tmp_path: Path) -> None:
    runs = []
    for _ in range(2):
        async with _running(tmp_path, "--seed", "7") as [url]:
            for _ in range(2):
                async with _open(url) as connection:
                    runs.append(await _converse(connection))
    assert runs[:2] == runs[2:]
    # Every connection has draws of its own.
    assert runs[0] != runs[1]


async def test_faults_of_a_file_strike(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text('[switches]\nquota_closes_with_1008 = true\n[[faults]]\nfault = "quota"\n')
    async with _running(tmp_path, "--faults", str(path)) as [url], _open(url) as connection:
        with pytest.raises(ConnectionClosed):
            await _converse(connection)
        assert connection.close_code == 1008
    async with (
        _running(tmp_path, "--faults", str(path), "--switch", "quota_closes_with_1008=false") as [url],
        _open(url) as connection,
    ):
        with pytest.raises(ConnectionClosed):
            await _converse(connection)
        assert connection.close_code == 1011


async def test_faults_strike_over_the_control_endpoint(tmp_path: Path) -> None:
    async with _running(tmp_path, "--control", "0") as [url, control]:
        async with _open(url) as connection:
            await _converse(connection)
            told = await asyncio.to_thread(_post, f"{control}/faults", {"fault": "close", "cause": "unavailable"})
            assert told == {"fault": "close", "connections": ["connection-1"]}
            await asyncio.wait_for(connection.wait_closed(), 10)
            assert (connection.close_code, connection.close_reason) == (1011, "The service is currently unavailable.")
        # The command has an event loop of its own, whose sockets are others.
        async with _open(url) as connection:
            await _converse(connection)
            await asyncio.to_thread(_post, f"{control}/faults", {"fault": "slow_pongs", "seconds": 0.2})
            assert await asyncio.wait_for(await connection.ping(), 10) > 0.19
            await asyncio.to_thread(_post, f"{control}/faults", {"fault": "stalled_reads", "seconds": 0.2})
            await _say_and_hear(connection)
            await asyncio.to_thread(_post, f"{control}/faults", {"fault": "tcp_reset"})
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(connection.recv(), 10)
            assert isinstance(closed.value.__cause__, ConnectionResetError)


def _post(url: str, body: object) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, json.dumps(body).encode()), timeout=10) as response:
        return json.load(response)


async def test_flavour_and_model_are_the_only_ones(tmp_path: Path) -> None:
    async with _running(tmp_path, "--flavour", "vertex", "--model", "gemini-3.8-live") as [url]:
        with pytest.raises(InvalidStatus, match="404"):
            await _open(url)
        async with _open(url, f"{VERTEX_PATH}?key=k") as connection:
            frames = await _converse(connection, "publishers/google/models/gemini-3.8-live")
            assert order([json.loads(frame) for frame in frames])[-1] == "turnComplete"
        async with _open(url, f"{VERTEX_PATH}?key=k") as connection:
            with pytest.raises(ConnectionClosed, match="was not found"):
                await _converse(connection, "publishers/google/models/gemini-2.0-flash-live-001")


async def test_record_is_appended_as_it_happens(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    path.write_text('{"kind": "earlier"}\n')
    target = PATH.replace("=k", "=a-secret")
    async with _running(tmp_path, "--record", str(path)) as [url], _open(url, target) as connection:
        frames = await _converse(connection)
        # All that was sent is written before it is received.
        records = [json.loads(line) for line in path.read_text().splitlines()]
    kinds = [record["kind"] for record in records]
    assert kinds[:4] == ["earlier", "connection_opened", "setup_received", "text_received"]
    assert kinds[-1] == "turn_complete_sent"
    assert kinds.count("audio_sent") == sum(b'"modelTurn"' in frame for frame in frames)
    written = path.read_text()
    assert "a-secret" not in written
    assert max(map(len, written.splitlines())) < 300


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--switch", "warp=true"], "warp is unknown: the switches are long_connections"),
        (["--switch", "resume_while_open=1"], "resume_while_open must be true or false, not 1"),
        (["--faults", "nowhere.toml"], "nowhere.toml: cannot be read"),
        (["--model", "llama"], "llama is of no known family of Live models"),
        (["--ca-file", "/nowhere/ca.pem"], "/nowhere/ca.pem: cannot be written: No such file"),
        (["--record", "/nowhere/record.jsonl"], "/nowhere/record.jsonl: cannot be written: No such file"),
    ],
)
async def test_mistake_is_one_clear_line(arguments: list[str], complaint: str) -> None:
    simulator = await _start(*arguments)
    _, errors = await asyncio.wait_for(simulator.communicate(), 60)
    assert simulator.returncode == 1
    assert errors.decode().startswith(f"segue: {complaint}")
    assert errors.count(b"\n") == 1


@pytest.mark.parametrize("option", ["--port", "--control"])
async def test_port_in_use_is_one_clear_line(option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        simulator = await _start(option, str(port))
        _, errors = await asyncio.wait_for(simulator.communicate(), 60)
    assert simulator.returncode == 1
    assert errors.decode().startswith(f"segue: cannot listen on 127.0.0.1:{port}: ")
    assert errors.count(b"\n") == 1


def test_list_tells_every_fault_and_switch() -> None:
    result = CliRunner().invoke(app, ["simulate", "--list"], env={"COLUMNS": "160", "TERM": "dumb"})
    assert result.exit_code == 0
    cells = {line.split("│")[1].strip() for line in result.output.splitlines() if line.count("│") > 2}
    assert {kind.name for kind in ALL_FAULTS} | {name for name, *_ in Switches.describe()} <= cells


def test_help_points_to_the_list() -> None:
    result = CliRunner().invoke(app, ["simulate", "--help"], env={"COLUMNS": "120", "TERM": "dumb"})
    assert result.exit_code == 0
    assert "segue simulate --list" in result.output
