"""Server frames that are not as they should be: what can be wrong with one, and what can be read of it all the same."""

from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec

from segue.backend.schema import ServerMessage


class Oddity(StrEnum):
    """What can be wrong with a server frame. None of it ends a link."""

    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    # A known field holds what it cannot hold.
    WRONG_TYPE = "wrong_type"
    # Audio that is not base64.
    BAD_AUDIO = "bad_audio"
    # Nothing in the message is known, or an enum's value is not.
    UNKNOWN = "unknown"
    # It came before the setup was accepted.
    EARLY = "early"


object_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_field_decoders = {
    field.encode_name: (field.name, msgspec.json.Decoder(field.type, strict=False))
    for field in msgspec.structs.fields(ServerMessage)
}
# No known field is deeper in a message.
_DEPTH = 8
_SNAKE_NAMES = {field.name for field in msgspec.structs.fields(ServerMessage)}


def salvage(frame: bytes | str, odd: Callable[[Oddity], None]) -> ServerMessage | None:
    """Read what can be read of a frame that is not as it should be, or whose base64 is not the standard one."""
    try:
        message = object_decoder.decode(frame)
    except msgspec.ValidationError:
        odd(Oddity.NOT_AN_OBJECT)
        return None
    except (ValueError, RecursionError):
        odd(Oddity.NOT_JSON)
        return None
    fields: dict[str, Any] = {}
    for encode_name, (name, decoder) in _field_decoders.items():
        if encode_name in message:
            try:
                fields[name] = decoder.decode(_with_audio(message[encode_name], odd))
            except (ValueError, RecursionError):
                odd(Oddity.WRONG_TYPE)
    return ServerMessage(**fields) if fields else None


def in_camel_case(frame: bytes | str) -> bytes | None:
    """Return an object whose fields are in snake case with those of camel case; None for another."""
    try:
        message = object_decoder.decode(frame)
        if _SNAKE_NAMES.isdisjoint(message):
            return None
        return msgspec.json.encode({_camel(name): _respell(value, _DEPTH) for name, value in message.items()})
    except (ValueError, RecursionError):
        return None


def _respell(value: msgspec.Raw, depth: int) -> Any:
    text = bytes(value)
    if depth and text.startswith(b"{"):
        fields = object_decoder.decode(text)
        # What a function takes is named by the client.
        return {_camel(name): item if name == "args" else _respell(item, depth - 1) for name, item in fields.items()}
    if depth and text.startswith(b"["):
        return [_respell(item, depth - 1) for item in _array_decoder.decode(text)]
    return value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _with_audio(field: msgspec.Raw, odd: Callable[[Oddity], None]) -> bytes:
    """Return a field of a message with standard base64 in place of another."""
    content = msgspec.json.decode(field)
    match content:
        case {"modelTurn": {"parts": [*parts]}}:
            for part in parts:
                match part:
                    case {"inlineData": {"data": str(data)} as blob}:
                        blob["data"] = _from_base64(data, odd)
            return msgspec.json.encode(content)
    return bytes(field)


def _from_base64(text: str, odd: Callable[[Oddity], None]) -> bytes | None:
    """Decode either alphabet of RFC 4648, with or without padding."""
    standard = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return a2b_base64(standard + "=" * (-len(standard) % 4), strict_mode=True)
    except (Base64Error, ValueError):
        odd(Oddity.BAD_AUDIO)
        return None
