"""Mutations that leave JSON whole: of bytes changed at random hardly any would get past the parser."""

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, TypeAlias

from segue.simulator.wire.schema import ARMS, Choice, Keyed, Only, Repeated

# libFuzzer's own: content and the largest size.
Mutate: TypeAlias = Callable[[bytes, int], bytes]

_BETWEEN_FRAMES = b"\x00"


def words() -> set[str]:
    """Return the names of all fields and values of the client's messages."""
    found: set[str] = set()
    seen: set[int] = set()
    fields: list[object] = [ARMS]
    while fields:
        field = fields.pop()
        # A schema holds schemas, in circles.
        if id(field) in seen:
            continue
        seen.add(id(field))
        match field:
            case Mapping():
                found |= set(field)
                fields += field.values()
            case Choice():
                found |= set(field.names)
            case Repeated() | Keyed():
                fields.append(field.of)
            case Only():
                fields.append(field.field)
    return found


_WORDS = sorted(words())
_STRINGS = ("", "x" * 100, "é\ud800", "AAAA", "-_8=", "audio/pcm;rate=16000", "audio/pcm;rate=8000", "image/jpeg", "12")
_NUMBERS = (0, 1, -1, 2, 2**31, 2**63, 10**400, 0.5, 1e308, float("inf"), float("nan"))


def mutated(name: str, content: bytes, max_size: int, seed: int, mutate: Mutate) -> bytes:
    """Change the input of a target: a value in a frame, more often than any bytes of it."""
    rng = Random(seed)
    frames = content[1:].split(_BETWEEN_FRAMES) if name == "script" else [content]
    at = rng.randrange(len(frames))
    match rng.randrange(8):
        case 0 | 1:
            frames[at] = mutate(frames[at], max(max_size // len(frames), 1))
        case 2 if name == "script":
            frames.insert(at, rng.choice(frames))
        case 3 if name == "script" and len(frames) > 1:
            del frames[at]
        case _:
            frames[at] = frames[at][:1] + _other_json(frames[at][1:], rng)
    head = content[:1] if rng.randrange(16) else rng.randbytes(1)
    return ((head if name == "script" else b"") + _BETWEEN_FRAMES.join(frames))[:max_size]


def _other_json(frame: bytes, rng: Random) -> bytes:
    try:
        value = json.loads(frame)
    except (ValueError, RecursionError):
        value = {rng.choice(tuple(ARMS)): {}}
    return json.dumps(_other(value, ARMS, rng)).encode()


def _other(value: Any, field: object, rng: Random) -> Any:
    """Change one thing in a value, at any depth; what its field may hold is the likeliest thing to become of it."""
    field = field.field if isinstance(field, Only) else field
    if isinstance(value, dict) and value and rng.randrange(4):
        name = rng.choice(list(value))
        inner = field.get(_snake_case(name)) if isinstance(field, Mapping) else None
        return {**value, name: _other(value[name], inner, rng)}
    if isinstance(value, list) and value and rng.randrange(4):
        at = rng.randrange(len(value))
        inner = field.of if isinstance(field, Repeated) else None
        return [*value[:at], _other(value[at], inner, rng), *value[at + rng.randrange(2) :]]
    if isinstance(value, dict) and isinstance(field, Mapping) and field and rng.randrange(8):
        name = rng.choice(list(field))
        return {**value, name: _any(field[name], rng)}
    return _any(field if rng.randrange(4) else None, rng)


def _any(field: object, rng: Random) -> Any:
    match field:
        case Mapping() if rng.randrange(8):
            return {name: _any(field[name], rng) for name in field if not rng.randrange(len(field))}
        case Repeated() if rng.randrange(8):
            return [_any(field.of, rng) for _ in range(rng.randrange(3))]
        case Keyed() if rng.randrange(8):
            return {rng.choice(_STRINGS): _any(field.of, rng)}
        case Choice() if rng.randrange(8):
            return rng.choice(field.names)
        case Only():
            return _any(field.field, rng)
    return rng.choice((None, True, False, [], {}, *_NUMBERS, *_STRINGS, rng.choice(_WORDS)))


def _snake_case(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
