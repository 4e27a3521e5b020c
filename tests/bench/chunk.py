"""The audio that the load is made of: chunks of PCM, each with a stamp that comes back with the echo.

The stamp is the first 24 bytes of a chunk: a mark, the session's number, the chunk's number in its session from 1, and
the instant it was sent. Its length is a multiple of three and the mark's too, so both are whole in base64, and a chunk
is found in a protobuf message or a JSON frame without parsing either.
"""

import random
import struct
from binascii import a2b_base64, b2a_base64
from typing import NamedTuple

MARK_BASE64 = b"SegueLag"
MARK = a2b_base64(MARK_BASE64)
_NUMBERS = struct.Struct(">HIQ4x")
STAMP_BYTES = len(MARK) + _NUMBERS.size
STAMP_BASE64 = STAMP_BYTES // 3 * 4

INPUT_RATE_HZ = 16_000
OUTPUT_RATE_HZ = 24_000
_BYTES_PER_SAMPLE = 2


class Stamp(NamedTuple):
    """Which chunk it is, and when it left, in nanoseconds of the monotonic clock."""

    session: int
    seq: int
    sent_ns: int


def input_bytes(frame_ms: int) -> int:
    """The size of a chunk on its way up."""
    return INPUT_RATE_HZ * _BYTES_PER_SAMPLE * frame_ms // 1000


def output_bytes(frame_ms: int) -> int:
    """The size of a chunk of the same duration on its way down."""
    return OUTPUT_RATE_HZ * _BYTES_PER_SAMPLE * frame_ms // 1000


def quiet_noise(size: int) -> bytes:
    """Faint noise, the same every time, that cannot hold the mark."""
    source = random.Random(0)
    samples = size // _BYTES_PER_SAMPLE
    return struct.pack(f"<{samples}h", *(source.randint(-60, 60) for _ in range(samples)))


def stamp(session: int, seq: int, sent_ns: int) -> bytes:
    """The first bytes of a chunk."""
    return MARK + _NUMBERS.pack(session, seq, sent_ns)


def stamp_base64(session: int, seq: int, sent_ns: int) -> bytes:
    """The same in base64."""
    return MARK_BASE64 + b2a_base64(_NUMBERS.pack(session, seq, sent_ns), newline=False)


def read_stamps(message: bytes) -> list[Stamp]:
    """The stamps of all chunks in a message that carries them as bytes."""
    stamps = []
    at = message.find(MARK)
    while at >= 0:
        stamps.append(Stamp._make(_NUMBERS.unpack_from(message, at + len(MARK))))
        at = message.find(MARK, at + STAMP_BYTES)
    return stamps


def read_stamp_base64(frame: bytes) -> Stamp | None:
    """The stamp of the chunk in a frame that carries it in base64, if it carries one."""
    at = frame.find(MARK_BASE64)
    if at < 0:
        return None
    return Stamp._make(_NUMBERS.unpack(a2b_base64(frame[at + len(MARK_BASE64) : at + STAMP_BASE64])))
