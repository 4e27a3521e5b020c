"""The mutations: most leave JSON whole, none makes more than there is room for."""

import json

import pytest

from .mutation import mutated, words

FRAME = b'\x00{"realtimeInput": {"audio": {"data": "AAAA", "mimeType": "audio/pcm;rate=16000"}}}'
SCRIPT = b"\x04" + FRAME + b"\x00" + FRAME


def _same(content: bytes, max_size: int) -> bytes:
    return content


def _is_json(frame: bytes) -> bool:
    try:
        json.loads(frame[1:])
    except ValueError:
        return False
    return True


def test_most_mutations_leave_json() -> None:
    made = [mutated("reader", FRAME, 4096, seed, _same) for seed in range(200)]
    assert len(set(made)) > 100
    assert sum(map(_is_json, made)) > 180


@pytest.mark.parametrize("content", [b"", b"\x00", FRAME, SCRIPT, b"\x00" * 50])
@pytest.mark.parametrize("name", ["reader", "script"])
def test_no_mutation_is_too_long(name: str, content: bytes) -> None:
    for seed in range(100):
        assert len(mutated(name, content, 60, seed, _same)) <= 60


def test_words_are_those_of_the_schema() -> None:
    assert {"setup", "activity_handling", "NO_INTERRUPTION", "function_declarations"} <= words()
