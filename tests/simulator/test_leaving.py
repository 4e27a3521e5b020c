"""A session is free for the next connection as soon as its client leaves, whenever the old socket is closed."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from segue.simulator.dialogue_file import parse_dialogue
from segue.simulator.server import Simulator
from segue.simulator.timing import Span
from tests.simulator.socket_client import HALF_CASCADE, PATH, TIMING, VOICE, Client, Watched

DIALOGUE = parse_dialogue(
    f"""
    [[utterances]]
    user = "Yes?"
    model = "Yes."
    [[texts]]
    words = ["story"]
    model = "{"Once upon a time. " * 250}"
    [[fallback]]
    model = "Yes."
    """,
    "test",
)
FLOOD = replace(TIMING, generation_speed=Span(1e6, 1e6))


class Lingering:
    """A client that reads only when it is told to, and never closes its socket."""

    def __init__(self, url: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._protocol = ClientProtocol(parse_uri(url), max_size=None)
        self._protocol.send_request(self._protocol.connect())
        self._flush()

    async def until(self, key: str) -> dict[str, Any]:
        """Return the next message of this kind."""
        while True:
            for event in await self._events():
                if isinstance(event, Frame) and event.opcode is Opcode.BINARY:
                    message: dict[str, Any] = json.loads(bytes(event.data))
                    if key in message | message.get("serverContent", {}):
                        return message

    async def upgraded(self) -> None:
        await self._events()

    def send(self, message: object) -> None:
        self._protocol.send_text(json.dumps(message).encode())
        self._flush()

    async def say_goodbye(self) -> None:
        """Send a close frame, and wait for the server's."""
        self._protocol.send_close(1000)
        self._flush()
        while self._protocol.close_rcvd is None:
            await self._events()

    def end(self) -> None:
        """Send the end of the connection without a word."""
        self._writer.write_eof()

    async def _events(self) -> list[Any]:
        while not (events := self._protocol.events_received()):
            self._protocol.receive_data(await asyncio.wait_for(self._reader.read(2**16), 10))
        return events

    def _flush(self) -> None:
        self._writer.write(b"".join(self._protocol.data_to_send()))


@asynccontextmanager
async def lingering(simulator: Simulator) -> AsyncIterator[Lingering]:
    sock = socket.socket()
    # So that a long answer does not fit.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", simulator.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=1024)
    client = Lingering(url_of(simulator), reader, writer)
    await client.upgraded()
    try:
        yield client
    finally:
        writer.transport.abort()


def url_of(simulator: Simulator) -> str:
    return simulator.url.replace("http", "ws", 1) + PATH


@pytest.mark.parametrize("said", [True, False])
async def test_what_a_client_leaves_can_be_resumed_before_its_socket_is_closed(said: bool) -> None:
    history = Watched()
    async with (
        Simulator(plain=True, dialogue=DIALOGUE, voice=VOICE, timing=FLOOD, history=history) as simulator,
        lingering(simulator) as old,
        connect(url_of(simulator), proxy=None, compression=None) as connection,
    ):
        old.send({"setup": {"model": HALF_CASCADE, "sessionResumption": {}}})
        old.send({"realtimeInput": {"text": "Hello?"}})
        update: dict[str, Any] = {}
        while not update.get("newHandle"):
            update = (await old.until("sessionResumptionUpdate"))["sessionResumptionUpdate"]
        if said:
            await old.say_goodbye()
        else:
            # What waits to be written keeps the server's socket open after the end of what it reads.
            old.send({"realtimeInput": {"text": "A story!"}})
            await history.until("generation_complete_sent", 2)
            old.end()
            await asyncio.wait_for(await connection.ping(), 10)
        await Client(connection, simulator).set_up(sessionResumption={"handle": update["newHandle"]})
        assert not history.of("simulator", "connection_closed")
