"""The harness itself: that its figures are there and that its own HTTP/2, WebSocket and echo code are right."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_client.segue.v1 import client_event_pb2, server_event_pb2, voice_session_service_pb2

from .chunk import Stamp, input_bytes, output_bytes, quiet_noise, read_stamp_base64, read_stamps, stamp, stamp_base64
from .echo import EchoFrames
from .frames import Frame, FrameReader, Opcode, frame_head
from .grpc_session import FrameType, GrpcSession, Http2Connection, grpc_message, http2_frame, open_request
from .load import Window
from .measures import GATEWAY, carried, next_step
from .session import Meter

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "paths",
    [["baseline", "relay"], ["segue_single"]],
)
def test_a_short_run_has_every_figure(tmp_path: Path, paths: list[str]) -> None:
    output = tmp_path / "bench.json"
    arguments = ["--quick", "--most-sessions", "4", "--output", str(output), "--paths", *paths]
    run = subprocess.run([sys.executable, "-m", "tests.bench", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    report = json.loads(output.read_text())
    for path in paths:
        assert report["sessions_per_core"][path] > 0, run.stdout
        assert report["cpu_us_per_chunk"][path] > 0
        assert report["kib_per_session"][path] > 0
        assert report["added_latency_ms"]["p50"][path] > 0
        # The difference of two small extremes: on a busy machine it can have either sign.
        assert isinstance(report["added_latency_ms"]["p99"][path], float)
        assert report["latency_ms"]["p99"][path] > 0
        assert report["equal_load"]["chunks_sent"][path] > 0
        assert report["equal_load"]["chunks_echoed"][path] == report["equal_load"]["chunks_sent"][path]
    assert not [reason for reason in report["invalid_because"] if "came back" in reason]
    assert report["machine"]["cores"] >= 1


@given(session=st.integers(0, 65535), seq=st.integers(0, 2**32 - 1), sent_ns=st.integers(0, 2**64 - 1))
def test_a_stamp_survives_both_ways_of_carrying_it(session: int, seq: int, sent_ns: int) -> None:
    expected = Stamp(session, seq, sent_ns)
    pcm = stamp(session, seq, sent_ns) + quiet_noise(400)
    assert read_stamps(pcm) == [expected]
    assert read_stamps(b"head" + pcm + b"between" + pcm) == [expected, expected]
    assert b64encode(pcm).startswith(stamp_base64(session, seq, sent_ns))
    assert read_stamp_base64(b'{"data": "' + b64encode(pcm)) == expected


def test_noise_holds_no_stamp() -> None:
    assert read_stamps(quiet_noise(100_000)) == []
    assert read_stamp_base64(b64encode(quiet_noise(100_000))) is None


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("sizes", "cut"), [((0, 1, 125, 126, 300), 1), ((65_535, 65_536, 2), 1000), ((20, 300), 1000)])
def test_websocket_frames_are_read_wherever_they_are_cut(sizes: tuple[int, ...], cut: int, masked: bool) -> None:
    payloads = [quiet_noise(70_000)[:size] for size in sizes]
    stream = b"".join(frame_head(Opcode.BINARY, len(each), masked=masked) + each for each in payloads)
    reader = FrameReader()
    read = [frame for at in range(0, len(stream), cut) for frame in reader.feed(stream[at : at + cut])]
    assert read == [Frame(Opcode.BINARY, each) for each in payloads]


def test_a_mask_is_taken_off() -> None:
    # The example of RFC 6455, section 5.7.
    assert FrameReader().feed(bytes.fromhex("818537fa213d7f9f4d5158")) == [Frame(Opcode.TEXT, b"Hello")]


@pytest.mark.parametrize("frame_ms", [20, 100])
@pytest.mark.parametrize("chunks", [1, 3])
@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
def test_the_echo_has_the_duration_of_what_it_answers(
    frame_ms: int, chunks: int, encode: Callable[[bytes], bytes]
) -> None:
    size = input_bytes(frame_ms)
    pcm = b"".join((stamp(7, seq, 1000) + b"\xfb\xef\xff" * size)[:size] for seq in range(chunks))
    request = {"realtime_input": {"audio": {"data": encode(pcm).decode(), "mime_type": "audio/pcm;rate=16000"}}}
    answers = EchoFrames(frame_ms).answer(json.dumps(request).encode())
    assert len(answers) == chunks
    for seq, answer in enumerate(answers):
        [frame] = FrameReader().feed(answer)
        assert frame.opcode == Opcode.BINARY
        [part] = json.loads(frame.payload)["serverContent"]["modelTurn"]["parts"]
        audio = b64decode(part["inlineData"]["data"], validate=True)
        assert len(audio) == output_bytes(frame_ms)
        kept = size // 3 * 3
        assert audio[:kept] == pcm[seq * size :][:kept]


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def frames(self) -> list[tuple[int, int, int, bytes]]:
        """Kind, flags, stream and payload of what was written since the last look."""
        frames, rest = [], self.written.removeprefix(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        while rest:
            size = 9 + int.from_bytes(rest[:3], "big")
            frames.append((rest[3], rest[4], int.from_bytes(rest[5:9], "big"), rest[9:size]))
            rest = rest[size:]
        self.written = b""
        return frames

    def messages(self) -> list[voice_session_service_pb2.ConverseRequest]:
        """The gRPC messages that were written since the last look."""
        payloads = [payload for kind, flags, _, payload in self.frames() if kind == FrameType.DATA and not flags]
        for payload in payloads:
            assert payload[:5] == b"\0" + (len(payload) - 5).to_bytes(4, "big")
        return [voice_session_service_pb2.ConverseRequest.FromString(payload[5:]) for payload in payloads]


def _connected() -> tuple[Http2Connection, Wire, Meter, GrpcSession]:
    connection, wire, meter = Http2Connection("127.0.0.1:1", "/path"), Wire(), Meter()
    connection.connection_made(wire)
    session = connection.open(5, meter, open_request(20, paced=False), 20)
    return connection, wire, meter, session


async def test_chunks_are_messages_of_the_contract() -> None:
    _, wire, _, session = _connected()
    [opening] = wire.messages()
    assert opening.events[0].open.delivery.unpaced
    assert opening.events[0].open.output_frame_duration.ToMilliseconds() == 20
    before = time.monotonic_ns()
    session.send()
    [request] = wire.messages()
    [event] = request.events
    assert len(event.audio) == input_bytes(20)
    [sent] = read_stamps(event.audio)
    assert (sent.session, sent.seq) == (5, 1)
    assert before <= sent.sent_ns <= time.monotonic_ns()
    session.close()
    [request] = wire.messages()
    assert request.events == [client_event_pb2.ClientEvent(close=client_event_pb2.CloseSession())]


async def test_responses_are_read_wherever_they_are_cut() -> None:
    connection, _, meter, session = _connected()
    meter.open_window(60)
    session.send()
    session.send()
    now_ns = time.monotonic_ns()
    opened = server_event_pb2.ServerEvent(opened=server_event_pb2.SessionOpened(session_id="a"))
    chunks = [server_event_pb2.ServerEvent(audio=stamp(5, seq, now_ns) + quiet_noise(900)) for seq in (1, 2)]
    stream = b"".join(
        http2_frame(FrameType.DATA, 0, 1, grpc_message(response.SerializeToString()))
        for response in (
            voice_session_service_pb2.ConverseResponse(events=[opened]),
            voice_session_service_pb2.ConverseResponse(events=chunks),
        )
    )
    for at in range(0, len(stream), 7):
        connection.data_received(stream[at : at + 7])
    assert session.opened.done()
    assert session.echoed == 2
    assert len(meter.latencies_ns()) == meter.sent_in_window == 2
    assert meter.failures == []


async def test_a_chunk_out_of_order_or_of_another_session_is_a_failure() -> None:
    _, _, meter, session = _connected()
    for number, seq in ((5, 2), (6, 3)):
        event = server_event_pb2.ServerEvent(audio=stamp(number, seq, 0))
        response = voice_session_service_pb2.ConverseResponse(events=[event])
        session.receive(grpc_message(response.SerializeToString()), 0)
    assert len(meter.failures) == 2


async def test_a_session_that_the_server_closes_is_a_failure() -> None:
    connection, _, meter, session = _connected()
    event = server_event_pb2.ServerEvent(closed=server_event_pb2.SessionClosed())
    response = voice_session_service_pb2.ConverseResponse(events=[event])
    session.receive(grpc_message(response.SerializeToString()), 0)
    connection.data_received(http2_frame(FrameType.HEADERS, 0x5, 1, b""))
    assert session.ended.done()
    assert len(meter.failures) == 2


async def test_nothing_is_sent_beyond_the_servers_windows() -> None:
    connection, wire, _, session = _connected()
    for _ in range(200):
        session.send()
    sent = wire.messages()
    assert len(sent) < 110
    connection.data_received(http2_frame(FrameType.WINDOW_UPDATE, 0, 0, (1 << 20).to_bytes(4, "big")))
    assert wire.messages() == []
    settings = (4).to_bytes(2, "big") + (1 << 20).to_bytes(4, "big")
    connection.data_received(http2_frame(FrameType.SETTINGS, 0, 0, settings))
    assert len(sent) + len(wire.messages()) == 201
    connection.data_received(http2_frame(FrameType.PING, 0, 0, b"12345678"))
    assert wire.frames() == [(FrameType.PING, 0x1, 0, b"12345678")]


def _window(latencies_ms: list[float], sent: int, cpu: float) -> Window:
    latencies = (np.array(latencies_ms) * 1e6).astype(np.uint64)
    return Window(1.0, sent, latencies, {GATEWAY: cpu}, 0.0, ())


def test_what_does_not_come_back_is_infinitely_late() -> None:
    window = _window([float(ms) for ms in range(1, 91)], 100, 0.5)
    assert window.latency_ms(50) == 50
    assert window.latency_ms(90) == 90
    assert window.latency_ms(99) == float("inf")
    assert not carried(window)


def test_a_gateway_without_cpu_time_to_spare_does_not_keep_up() -> None:
    assert carried(_window([1.0] * 100, 100, 0.9))
    assert not carried(_window([1.0] * 100, 100, 0.98))
    assert not carried(_window([201.0] * 100, 100, 0.5))


def test_steps_shrink_as_the_core_fills() -> None:
    assert next_step(10, 0.1) == 20
    assert next_step(100, 0.485) == 170
    assert next_step(100, 0.96) == 104
    assert next_step(3, 0.96) == 4


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_whoever_stops_it_stops_its_processes(tmp_path: Path, stop: signal.Signals) -> None:
    arguments = ["--quick", "--output", str(tmp_path / "bench.json"), "--paths", "relay"]
    with subprocess.Popen([sys.executable, "-m", "tests.bench", *arguments], cwd=ROOT, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        # It speaks when its processes have been started.
        assert run.stdout.readline()
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        run.send_signal(stop)
        assert run.wait() == 130
    assert len(children) == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)
