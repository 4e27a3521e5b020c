"""As much of WebSocket framing (RFC 6455) as the echo server and the load need: whole frames, no extensions."""

from base64 import b64encode
from enum import IntEnum
from hashlib import sha1
from typing import NamedTuple

from websockets.speedups import apply_mask

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_FINAL = 0x80
_MASKED = 0x80
# XOR with zero leaves a payload as it is: a legal mask that costs the sender nothing and the receiver as much as any.
_ZERO_MASK = bytes(4)


class Opcode(IntEnum):
    """What a frame is."""

    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


class Frame(NamedTuple):
    """A frame, unmasked."""

    opcode: int
    payload: bytes


def frame_head(opcode: Opcode, size: int, *, masked: bool = False) -> bytes:
    """What goes before a payload of so many bytes."""
    mask_bit, mask = (_MASKED, _ZERO_MASK) if masked else (0, b"")
    if size < 126:
        return bytes((_FINAL | opcode, mask_bit | size)) + mask
    if size < 1 << 16:
        return bytes((_FINAL | opcode, mask_bit | 126)) + size.to_bytes(2, "big") + mask
    return bytes((_FINAL | opcode, mask_bit | 127)) + size.to_bytes(8, "big") + mask


def accept_token(key: bytes) -> bytes:
    """The Sec-WebSocket-Accept for a Sec-WebSocket-Key."""
    return b64encode(sha1(key + _GUID).digest())


class FrameReader:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, received: bytes) -> list[Frame]:
        """The frames that are whole with these bytes. Raises ValueError for a fragment, which nobody here sends."""
        stream = self._rest + received if self._rest else received
        frames = []
        at, end = 0, len(stream)
        while end - at >= 2:
            first, second = stream[at], stream[at + 1]
            if not first & _FINAL:
                raise ValueError("fragmented WebSocket frames are not supported")
            size, body = second & 0x7F, at + 2
            if size >= 126:
                body += 2 if size == 126 else 8
                size = int.from_bytes(stream[at + 2 : body], "big")
            mask = b""
            if second & _MASKED:
                mask = stream[body : body + 4]
                body += 4
            # A header that is cut short makes `body` lie beyond the end as well.
            if body + size > end:
                break
            payload = stream[body : body + size]
            frames.append(Frame(first & 0x0F, apply_mask(payload, mask) if mask else payload))
            at = body + size
        self._rest = stream[at:] if at else stream
        return frames
