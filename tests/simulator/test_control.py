"""The control endpoint: what it tells, what it makes strike, and what it refuses."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.client import connect

from segue.simulator.control import Control
from segue.simulator.faults import ALL_FAULTS
from segue.simulator.server import Simulator, SimulatorError
from segue.simulator.switches import Switches
from segue.simulator.timing import Span
from tests.simulator.socket_client import DIALOGUE, HALF_CASCADE, PATH, TIMING, VOICE, Client, keys, order

VERTEX_PATH = "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(plain=True, dialogue=DIALOGUE, voice=VOICE, timing=TIMING) as simulator:
        yield simulator


@pytest.fixture
async def control(simulator: Simulator) -> AsyncIterator[Control]:
    async with Control(simulator) as control:
        yield control


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[Client]:
    async with _connect(simulator) as connection:
        client = Client(connection, simulator)
        await client.set_up()
        yield client


def _connect(simulator: Simulator, path: str = PATH) -> connect:
    return connect(simulator.url.replace("http", "ws", 1) + path, proxy=None, ping_interval=None)


async def _exchange(control: Control, request: bytes) -> tuple[int, Any]:
    """Send a request; return the status and what the JSON of the answer says."""
    host, port = control.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    head, _, body = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    assert f"Content-Length: {len(body)}".encode() in head
    return int(head.split()[1]), json.loads(body)


async def _get(control: Control, path: str) -> Any:
    status, content = await _exchange(control, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert status == 200
    return content


async def _post(control: Control, path: str, body: object) -> tuple[int, Any]:
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(content)}\r\n\r\n"
    return await _exchange(control, head.encode() + content)


async def test_connections_are_listed(control: Control, client: Client) -> None:
    async with _connect(client.simulator, VERTEX_PATH):
        await client.turn()
        first, second = await _get(control, "/connections")
    assert first.pop("age") > first.pop("silent_for") >= 0
    assert first == {
        "connection": "connection-1",
        "flavour": "developer",
        "model": HALF_CASCADE,
        "family": "half-cascade",
        "turn": 2,
    }
    assert (second["connection"], second["flavour"], second["model"]) == ("connection-2", "vertex", "")


async def test_connection_that_is_closed_is_not_listed(control: Control, client: Client) -> None:
    async with _connect(client.simulator):
        assert len(await _get(control, "/connections")) == 2
        await _post(control, "/close", {"connection": "connection-2"})
    await client.turn()
    assert [each["connection"] for each in await _get(control, "/connections")] == ["connection-1"]


async def test_faults_and_switches_are_listed(control: Control) -> None:
    faults = {entry["fault"]: entry for entry in await _get(control, "/faults?all")}
    assert list(faults) == [kind.name for kind in ALL_FAULTS]
    assert faults["late_chunks"]["settings"] == {"chunks": 2}
    assert all(entry["imitates"] for entry in faults.values())
    switches = await _get(control, "/switches")
    assert [entry["switch"] for entry in switches] == [name for name, *_ in Switches.describe()]
    assert {"switch", "setting", "what", "source"} == switches[0].keys()


async def test_fault_strikes_at_once_and_once(control: Control, client: Client) -> None:
    fault = {"fault": "empty_message", "connection": "connection-1"}
    assert await _post(control, "/faults", fault) == (
        200,
        {"fault": "empty_message", "connections": ["connection-1"]},
    )
    assert await client.receive() == {}
    assert order(await client.until_idle()) == []
    assert await client.turn() == ["modelTurn", "generationComplete", "turnComplete"]


async def test_fault_strikes_in_the_turn_under_way() -> None:
    # Slow enough that there is time for a request while the model speaks.
    timing = replace(TIMING, generation_speed=Span(0.5, 0.5))
    async with (
        Simulator(plain=True, dialogue=DIALOGUE, voice=VOICE, timing=timing) as simulator,
        Control(simulator) as control,
        _connect(simulator) as connection,
    ):
        client = Client(connection, simulator)
        await client.set_up()
        await client.say("A story!")
        await client.until("modelTurn")
        await _post(control, "/faults", {"fault": "generation_stops"})
        assert set(order(await client.until_idle())) <= {"modelTurn"}
        await client.say("Stop.")
        assert order(await client.until("turnComplete")) == ["interrupted", "turnComplete"]
        assert order(await client.until("modelTurn")) == ["modelTurn"]


async def test_fault_waits_for_its_turn(control: Control, client: Client) -> None:
    await _post(control, "/faults", {"fault": "empty_turn", "turn": 2})
    assert "modelTurn" in await client.turn()
    assert await client.turn() == ["turnComplete"]
    assert "modelTurn" in await client.turn()


async def test_second_counts_from_the_request(control: Control, client: Client) -> None:
    await _post(control, "/close", {"second": 0.05, "code": 1013, "reason": "later"})
    assert await client.is_closed() == (1013, "later")


async def test_next_text_is_ignored_and_no_other(control: Control, client: Client) -> None:
    await _post(control, "/faults", {"fault": "text_ignored"})
    await client.say()
    await client.is_left_alone()
    assert "modelTurn" in await client.turn()


async def test_go_away_now(control: Control, client: Client) -> None:
    assert (await _post(control, "/go_away", {"time_left": 7.5}))[0] == 200
    assert await client.receive() == {"goAway": {"timeLeft": "7.500s"}}


async def test_fault_strikes_on_one_connection_or_on_all(control: Control, client: Client) -> None:
    async with _connect(client.simulator) as connection:
        other = Client(connection, client.simulator)
        await other.set_up()
        await _post(control, "/faults", {"fault": "null_value", "connection": "connection-2"})
        _, told = await _post(control, "/faults", {"fault": "empty_message"})
        assert told["connections"] == ["connection-1", "connection-2"]
        assert await other.receive() == {"serverContent": None}
        assert await other.receive() == {}
        assert await client.receive() == {}


async def test_stalled_script_is_woken(control: Control, client: Client) -> None:
    """A connection on which nothing is due for minutes takes a fault at once."""
    await _post(control, "/faults", {"fault": "stalled_reads", "seconds": 0.3})
    stalled_at = client.simulator.clock()
    await client.say()
    await _post(control, "/faults", {"fault": "usage_only"})
    assert "usageMetadata" in keys(await client.receive())
    await client.until("turnComplete")
    assert client.simulator.links["connection-1"].heard_at - stalled_at > 0.2


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({}, "fault is missing"),
        ({"fault": "gremlin"}, "gremlin is unknown: faults are"),
        ({"fault": "wedge", "connection": "connection-9"}, "connection-9 is not open"),
        ({"fault": "wedge", "connection": 9}, "connection must be a text, not 9"),
        ({"fault": "close", "code": 5}, "5 is no close code"),
        ([], "the body is no JSON object"),
    ],
)
async def test_bad_request_is_told_what_is_wrong(control: Control, body: object, complaint: str) -> None:
    status, content = await _post(control, "/faults", body)
    assert status == 400
    assert content["error"].startswith(complaint)


@pytest.mark.parametrize(
    ("request_", "status", "complaint"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 404, "GET / is unknown"),
        (b"DELETE /faults HTTP/1.1\r\n\r\n", 404, "DELETE /faults is unknown"),
        (b"POST /faults HTTP/1.1\r\nContent-Length: 3\r\n\r\n{x}", 400, "the body is no JSON"),
        (b"POST /faults HTTP/1.1\r\nContent-Length: 2\r\n\r\n\xff\xfe", 400, "the body is no JSON"),
        (b"POST /faults HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, "not HTTP/1.1"),
        (b"POST /faults HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 400, "the body is over 65536 bytes"),
        (b"\x16\x03\x01\r\n\r\n", 400, "not HTTP/1.1"),
        (b"GET /connections HTTP/1.1\r\nOrigin: https://example.com\r\n\r\n", 403, "not for web pages"),
        (b"GET /connections HTTP/1.1\r\nX: " + b"x" * 70000, 400, "the headers are too long"),
    ],
)
async def test_what_is_no_request_is_refused(control: Control, request_: bytes, status: int, complaint: str) -> None:
    told, content = await _exchange(control, request_)
    assert told == status
    assert content["error"].startswith(complaint)


async def test_it_listens_on_loopback_only(control: Control) -> None:
    assert control.url.startswith("http://127.0.0.1:")


async def test_port_in_use_is_told(simulator: Simulator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SimulatorError, match=rf"cannot listen on 127\.0\.0\.1:{port}: .*in use"):
            await Control(simulator, port).__aenter__()
