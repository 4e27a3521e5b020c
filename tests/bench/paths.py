"""The paths that are compared, and the processes that serve them."""

import asyncio
import os
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from .grpc_session import GrpcDialer
from .machine import free_port
from .session import Dialer
from .websocket_session import WebSocketDialer

_ROOT = Path(__file__).parents[2]
_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 5.0
# Credentials and settings of whoever runs this have no business here.
_FOREIGN = ("GOOGLE_", "GEMINI_", "SEGUE_", "SSL_CERT_")

DIRECT = "direct"
BASELINE = "baseline"
GATEWAYS = (BASELINE, "relay", "segue_single", "baseline_sdk_defaults")


@dataclass(frozen=True)
class Cores:
    """Who runs where: what is measured has a core to itself."""

    gateway: set[int]
    generator: set[int]
    echo: set[int]

    @classmethod
    def share_out(cls) -> "Cores":
        """Of the cores that this process may use."""
        cores = sorted(os.sched_getaffinity(0))
        generator, gateway, *more = cores if len(cores) > 1 else cores * 2
        return cls({gateway}, {generator}, {more[0] if more else generator})


@dataclass(frozen=True)
class Running:
    """A path that can be dialled. `pid` is that of what serves it; a direct path is served by the echo server alone."""

    name: str
    pid: int | None
    dialer: Dialer


def segue_command(port: int, echo_port: int, ca_file: Path) -> tuple[list[str], dict[str, str]]:
    """How the gateway is started, and its settings."""
    argv = [sys.executable, "-m", "segue", "serve", "--port", str(port)]
    env = {
        "GEMINI_API_KEY": "unused",
        "GOOGLE_GEMINI_BASE_URL": f"https://127.0.0.1:{echo_port}",
        "SSL_CERT_FILE": str(ca_file),
        "SEGUE_METRICS_PORT": str(free_port()),
        # What is measured is where it gets slow, not where it says that it would.
        "SEGUE_MAX_LOOP_LAG": "10",
    }
    return argv, env


def _command(name: str, port: int, echo_port: int, ca_file: Path) -> tuple[list[str], dict[str, str]]:
    module = [sys.executable, "-m"]
    common = ["--port", str(port), "--ca-file", str(ca_file), "--backend"]
    if name == "relay":
        return [*module, "tests.bench.relay", *common, f"wss://127.0.0.1:{echo_port}"], {}
    if name == "segue_single":
        return segue_command(port, echo_port, ca_file)
    baseline = [*module, "tests.bench.baseline", *common, f"https://127.0.0.1:{echo_port}"]
    return (baseline if name == BASELINE else [*baseline, "--sdk-defaults"]), {}


def _spawn(argv: Sequence[str], env: Mapping[str, str], cores: set[int], log: Path) -> subprocess.Popen[bytes]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
    own_cores = os.sched_getaffinity(0)
    # A process keeps the cores of the one that starts it, with every thread that it will have.
    os.sched_setaffinity(0, cores)
    try:
        with log.open("wb") as output:
            return subprocess.Popen(
                argv,
                cwd=_ROOT,
                env={**inherited, **env, "NO_PROXY": "127.0.0.1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C goes to the harness, which ends its processes itself.
                start_new_session=True,
            )
    finally:
        os.sched_setaffinity(0, own_cores)


@asynccontextmanager
async def started(
    argv: Sequence[str], env: Mapping[str, str], port: int, cores: set[int], log: Path
) -> AsyncIterator[int]:
    """A process that accepts connections on a port; gives its id, and ends it at the end."""
    process = _spawn(argv, env, cores, log)
    try:
        await _accepts(process, port, log)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def _accepts(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return
    raise RuntimeError(f"{log.stem} does not accept connections. {log} ends with:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


@asynccontextmanager
async def echo_server(cores: Cores, frame_ms: int, logs: Path) -> AsyncIterator[tuple[int, int, Path]]:
    """The echo server: its process, its port and the file with its authority's certificate."""
    port, ca_file = free_port(), logs / "ca.pem"
    argv = [sys.executable, "-m", "tests.bench.echo", "--port", str(port), "--ca-file", str(ca_file)]
    argv += ["--frame-ms", str(frame_ms)]
    async with started(argv, {}, port, cores.echo, logs / "echo.log") as pid:
        yield pid, port, ca_file


def direct(echo_port: int, ca_file: Path, frame_ms: int) -> Running:
    """The path without a gateway: what is subtracted from the others' latency."""
    trust = ssl.create_default_context(cafile=str(ca_file))
    return Running(DIRECT, None, WebSocketDialer(echo_port, frame_ms, trust=trust))


@asynccontextmanager
async def gateway(
    name: str, echo_port: int, ca_file: Path, cores: Cores, frame_ms: int, logs: Path, *, paced: bool
) -> AsyncIterator[Running]:
    """A gateway in front of the echo server."""
    port = free_port()
    argv, env = _command(name, port, echo_port, ca_file)
    live_api = WebSocketDialer(port, frame_ms, trust=None)
    dialer: Dialer = live_api if name == "relay" else GrpcDialer(port, frame_ms, paced=paced)
    async with started(argv, env, port, cores.gateway, logs / f"{name}.log") as pid:
        yield Running(name, pid, dialer)
