import socket
import ssl
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from segue.backend.backlog import Backlog
from segue.core.events import LinkLost, LinkOpened, LossCause
from tests.backend.live_server import Serving, accept, dialled, say, stay
from tests.waiting import wait_until

FRAME = 900


class Line:
    """A transport over a real socket, whose peer reads when it is told to; its own buffer is what a test says."""

    def __init__(self) -> None:
        # Unlike a socket pair's, the buffers of these are seen by SIOCOUTQ.
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            self.socket = socket.create_connection(listener.getsockname())
            self.peer, _ = listener.accept()
        self.socket.setblocking(False)
        self.buffered = 0
        self._unread = 0

    def get_extra_info(self, name: str) -> Any:
        assert name == "socket"
        return self.socket

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def write(self, size: int) -> None:
        self.socket.sendall(bytes(size))
        self._unread += size

    def read(self) -> None:
        """Let the peer read all there is."""
        while self._unread:
            self._unread -= len(self.peer.recv(65_536))

    def close(self) -> None:
        self.socket.close()
        self.peer.close()


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.close()


def first_stall(backlog: Backlog, line: Line, start: float, seconds: float, *, peer_reads: bool) -> float | None:
    """Send 50 frames a second, and return when that was found to stall."""
    for number in range(round(seconds * 50)):
        now = start + number * 0.02
        line.write(FRAME)
        if peer_reads:
            line.read()
        if backlog.add(FRAME, now):
            return now
    return None


linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what the kernel holds")


@linux
def test_a_peer_that_acknowledges_is_no_stall(line: Line) -> None:
    assert first_stall(Backlog(line), line, 0.0, 10.0, peer_reads=True) is None  # type: ignore[arg-type]


@linux
def test_a_peer_that_stops_is_found_in_two_seconds_and_a_look(line: Line) -> None:
    backlog = Backlog(line)  # type: ignore[arg-type]
    assert first_stall(backlog, line, 0.0, 5.0, peer_reads=True) is None
    stalled_at = first_stall(backlog, line, 5.0, 10.0, peer_reads=False)
    assert stalled_at is not None
    # What the peer's kernel takes without its reading comes on top.
    assert 7.0 <= stalled_at <= 8.0


@linux
def test_a_new_connection_gets_two_seconds_too(line: Line) -> None:
    stalled_at = first_stall(Backlog(line), line, 0.0, 10.0, peer_reads=False)  # type: ignore[arg-type]
    assert stalled_at is not None
    assert 2.0 <= stalled_at <= 3.0


@linux
def test_words_now_and_then_are_no_stall(line: Line) -> None:
    backlog = Backlog(line)  # type: ignore[arg-type]
    for minute in range(10):
        # The newest cannot be acknowledged yet, however large it is.
        line.read()
        line.buffered = 100_000
        assert not backlog.add(100_000, minute * 60.0)
        line.buffered = 0


def test_the_transports_own_buffer_counts(line: Line) -> None:
    backlog = Backlog(line)  # type: ignore[arg-type]
    assert not backlog.add(FRAME, 0.0)
    line.buffered = 3 * FRAME
    assert not backlog.add(FRAME, 1.0)
    assert backlog.add(FRAME, 2.5)


@linux
def test_a_socket_that_is_gone_holds_nothing(line: Line) -> None:
    backlog = Backlog(line)  # type: ignore[arg-type]
    line.close()
    assert not backlog.add(FRAME, 0.0)
    assert not backlog.add(FRAME, 5.0)


@linux
async def test_a_link_whose_peer_stops_is_lost(
    serving: Serving, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Backlog, "limit", 0.2)

    async def script(ws: ServerConnection) -> None:
        await accept(ws)
        for _ in range(3):
            await ws.recv()
            await say(ws, {"serverContent": {}})
        ws.transport.pause_reading()
        await stay(ws)

    async with serving(script) as live, dialled(live.key, trusting) as (_, link, reports):
        await reports.until(LinkOpened)

        def lost() -> bool:
            link.send_audio(bytes(1_600), 16_000)
            return any(isinstance(event, LinkLost) for event in reports.events)

        await wait_until(lost)
        loss = reports.events[-1]
        assert isinstance(loss, LinkLost)
        assert (loss.cause, loss.code) == (LossCause.STALLED, 1006)
        assert "0.2 s" in loss.message
