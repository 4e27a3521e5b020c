"""`segue serve` as a process: which backend it takes, what it says, and how it stops."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from segue.backend.gemini import _CONNECTION
from segue.config import Settings, SettingsError
from segue.gateway import Gateway
from segue.serve import chosen_backend, credentials_of, serve
from segue_client.segue.v1.client_event_pb2 import ClientEvent, UserText
from segue_client.segue.v1.error_pb2 import Error
from tests.conversation import Conversation, conversing
from tests.waiting import WAIT_LIMIT, wait_until

# Starting Python and the simulator takes its time on a busy machine.
START_LIMIT = 30.0
SIMULATED = ("--backend", "simulator", "--port", "0", "--metrics-port", "0")


class Serving:
    """A running `segue serve`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.logged: list[dict[str, Any]] = []

    async def log_line(self, event: str) -> dict[str, Any]:
        """Wait until this event is logged."""
        assert self.process.stdout is not None
        async with asyncio.timeout(START_LIMIT):
            async for line in self.process.stdout:
                self.logged.append(json.loads(line))
                if self.logged[-1]["event"] == event:
                    return self.logged[-1]
        raise AssertionError(f"{event} was never logged: {self.logged}")

    async def ended(self) -> tuple[int, str]:
        """Wait for the end and return the exit code and standard error."""
        async with asyncio.timeout(START_LIMIT):
            output, errors = await self.process.communicate()
        self.logged += map(json.loads, output.splitlines())
        assert self.process.returncode is not None
        return self.process.returncode, errors.decode()


def plain_environ() -> dict[str, str]:
    """Return the environment without what the settings and the credentials are read from."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("SEGUE_", "GEMINI_", "GOOGLE_"))}


@asynccontextmanager
async def serving(*arguments: str, **environment: str) -> AsyncIterator[Serving]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "segue", "serve", *arguments),
        env=plain_environ() | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Serving(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def begin_answer(conversation: Conversation) -> None:
    """Let the simulator begin an answer."""
    await conversation.open()
    await conversation.say(ClientEvent(text=UserText(text="Tell me a story.")))
    await conversation.hear("audio")


async def test_a_signal_lets_the_running_turn_finish_and_ends_it_with_exit_code_0() -> None:
    async with serving(*SIMULATED) as server:
        started = await server.log_line("serving")
        assert "SIMULATED answers" in server.logged[0]["message"]
        async with conversing(started["port"]) as conversation:
            await begin_answer(conversation)
            server.process.send_signal(signal.SIGTERM)
            await server.log_line("stopping")
            await conversation.say(ClientEvent(channel=1, text=UserText(text="Still there?")))
            assert (await conversation.hear("closed", 1)).closed.error.reason == Error.REASON_NOT_OPEN
            server.process.send_signal(signal.SIGTERM)
            await conversation.hear_out()
        code, errors = await server.ended()
        assert (code, errors) == (0, "")
        assert server.logged[-1]["event"] == "stopped"
        assert server.logged[-1]["cut_off"] == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_gateway_stops_at_once(number: signal.Signals) -> None:
    async with serving(*SIMULATED) as server:
        started = await server.log_line("serving")
        async with conversing(started["port"]) as conversation:
            await conversation.open()
            server.process.send_signal(number)
            assert (await conversation.hear("closed")).closed.error.reason == Error.REASON_SHUTTING_DOWN
            await conversation.half_close()
        code, errors = await server.ended()
        assert (code, errors) == (0, "")
        assert server.logged[-1]["cut_off"] == 0


async def fails_with(arguments: Iterable[str], *parts: str, **environment: str) -> None:
    async with serving(*arguments, **environment) as server:
        code, errors = await server.ended()
    assert code == 1
    assert errors.startswith("segue: ")
    assert errors.count("\n") == 1
    for part in parts:
        assert part in errors


@pytest.mark.parametrize("name", ["--port", "--metrics-port"])
async def test_a_port_that_is_taken_is_one_line_and_exit_code_1(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = str(other.getsockname()[1])
        await fails_with((*SIMULATED, name, number), number, "Address already in use", "set another SEGUE_")


async def test_settings_that_cannot_be_are_one_line_and_exit_code_1(tmp_path: Path) -> None:
    await fails_with(("--host", "0.0.0.0", *SIMULATED), "0.0.0.0 is not loopback", "--plaintext", "--no-auth")
    await fails_with((), "setup_timeout", SEGUE_SETUP_TIMEOUT="soon")
    # What looks like markup to the console is printed as it is.
    await fails_with(("--config", "[/x]"), "[/x] is no file")


async def test_another_address_serves_where_it_is_allowed_explicitly() -> None:
    async with serving("--host", "0.0.0.0", "--plaintext", "--no-auth", *SIMULATED) as server:
        started = await server.log_line("serving")
        async with conversing(started["port"]) as conversation:
            await conversation.open()
        server.process.send_signal(signal.SIGTERM)
        assert await server.ended() == (0, "")


async def test_a_live_backend_without_credentials_is_one_line_and_exit_code_1() -> None:
    await fails_with(("--backend", "live", "--port", "0", "--metrics-port", "0"), "GEMINI_API_KEY")


async def test_settings_with_a_fault_never_serve() -> None:
    with pytest.raises(SettingsError, match="not loopback"):
        await serve(Settings(host="0.0.0.0"))


async def test_the_round_trip_times_of_links_are_measured(plain_environment: pytest.MonkeyPatch) -> None:
    started: asyncio.Future[Gateway] = asyncio.get_running_loop().create_future()
    start = Gateway.start

    async def tell_of_start(gateway: Gateway) -> None:
        await start(gateway)
        started.set_result(gateway)

    plain_environment.setattr(Gateway, "start", tell_of_start)
    plain_environment.setitem(_CONNECTION, "ping_interval", 0.01)
    serving = asyncio.create_task(serve(Settings(backend="simulator", port=0, metrics_port=0)))
    gateway = await asyncio.wait_for(started, START_LIMIT)
    async with conversing(gateway.port) as conversation:
        await conversation.open()
        await wait_until(lambda: gateway.metrics.registry.get_sample_value("segue_link_rtt_seconds_count"))
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(serving, START_LIMIT)


class TestChoice:
    @pytest.fixture(autouse=True)
    def environment(self, plain_environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
        return plain_environment

    async def test_a_key_means_the_live_api(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("GEMINI_API_KEY", "secret-key")
        async with chosen_backend(Settings()) as choice:
            await choice.close()
            assert choice.live
            [credential] = choice.credentials
            assert (credential.source, credential.vertex) == ("GEMINI_API_KEY", False)
            assert "real answers of the Gemini Developer API" in choice.why
            assert "GEMINI_API_KEY" in choice.why
            assert "secret-key" not in choice.why

    async def test_a_file_goes_before_the_environment(self, environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
        environment.setenv("GEMINI_API_KEY", "secret-key")
        environment.setenv("SECOND", "other-secret")
        path = tmp_path / "credentials.toml"
        path.write_text('[one]\napi_key = "first-secret"\nbase_url = "https://eu"\n[two]\napi_key_env = "SECOND"')
        async with chosen_backend(Settings(credentials_file=path)) as choice:
            await choice.close()
        assert [source.credential.name for source in choice.sources] == ["one", "two"]
        assert choice.why == (
            "real answers of the Gemini Developer API at https://eu, with credential one, credential two"
        )
        assert credentials_of(Settings(credentials_file=path, backend="simulator")) == ()

    def test_a_file_with_a_fault_is_a_fault(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match=r"none\.toml cannot be read: No such file"):
            credentials_of(Settings(credentials_file=tmp_path / "none.toml"))

    def test_a_key_is_no_reason_where_the_simulator_is_asked_for(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("GEMINI_API_KEY", "secret-key")
        assert credentials_of(Settings(backend="simulator")) == ()

    def test_half_a_credential_is_a_fault(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
        environment.setenv("GOOGLE_CLOUD_PROJECT", "p")
        with pytest.raises(SettingsError, match="GOOGLE_CLOUD_LOCATION"):
            credentials_of(Settings())

    async def test_without_credentials_a_simulator_is_used_and_said_so(self) -> None:
        async with asyncio.timeout(WAIT_LIMIT * 6), chosen_backend(Settings()) as choice:
            await choice.close()
            assert not choice.live
            [credential] = choice.credentials
            assert (credential.name, credential.vertex) == ("simulator", False)
            assert "SIMULATED answers" in choice.why
            assert "set GEMINI_API_KEY" in choice.why
