"""A transparent WebSocket relay: frames go to the Live API and back unchanged. The floor that a gateway is held to.

`python -m tests.bench.relay --port N --backend wss://127.0.0.1:M --ca-file FILE`.
"""

import argparse
import asyncio
import ssl
from contextlib import suppress

import uvloop
from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websocket
from websockets.exceptions import ConnectionClosed


async def _forward(source: Connection, sink: Connection, *, text: bool) -> None:
    with suppress(ConnectionClosed):
        while True:
            await sink.send(await source.recv(decode=False), text=text)


async def serve(port: int, backend: str, ca_file: str) -> None:
    """Serves until it is cancelled."""
    trust = ssl.create_default_context(cafile=ca_file)

    async def relay(client: ServerConnection) -> None:
        assert client.request is not None
        async with connect(
            backend + client.request.path, ssl=trust, compression=None, proxy=None, max_size=None, ping_interval=None
        ) as live:
            # A Live API client writes text frames, the server binary ones.
            up = asyncio.create_task(_forward(client, live, text=True))
            down = asyncio.create_task(_forward(live, client, text=False))
            await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
            up.cancel()
            down.cancel()

    async with serve_websocket(relay, "127.0.0.1", port, compression=None, max_size=None, ping_interval=None) as server:
        await server.serve_forever()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--backend", required=True)
    parser.add_argument("--ca-file", required=True)
    args = parser.parse_args()
    uvloop.run(serve(args.port, args.backend, args.ca_file))


if __name__ == "__main__":
    main()
