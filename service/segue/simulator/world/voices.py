"""What is said in a world: loud enough for every detector, and numbered, so that what is lost or doubled shows.

The model's speech is numbered in blocks of 20 ms, the user's by the stamps of `conversation.stamps`.
"""

from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from random import Random

import numpy as np

from segue.simulator.conversation.stamps import STAMP_SECONDS, ranges, stamp
from segue.simulator.speech import SAMPLE_BYTES, SAMPLE_RATE

# A client's audio comes in frames of this length, in seconds.
FRAME = 0.1
STAMPS_PER_FRAME = round(FRAME / STAMP_SECONDS)
_CHARACTERS_PER_SECOND = 15
_BLOCK_SECONDS = 0.02
_BLOCK_BYTES = round(SAMPLE_RATE * _BLOCK_SECONDS) * SAMPLE_BYTES
_MARK = b"\x5a\x01\xa5\x02"
_NUMBER_BYTES = 4
# Noise at about -12 dB of full scale is speech to a detector of energy, a hundredth of that is a quiet line.
_LOUD, _QUIET = 8000.0, 8.0


class NumberedVoice:
    """The voice of the model on one connection: every 20 ms that it ever says has a number of its own.

    Args:
        planned: told the first and the last number of each sentence, and the sentence.
    """

    def __init__(self, numbers: Iterator[int], planned: Callable[[int, int, str], None]) -> None:
        self._numbers = numbers
        self._planned = planned

    def speak(self, sentence: str) -> bytes:
        """Return as much speech as the sentence takes, 24 kHz 16-bit little-endian mono."""
        blocks = [next(self._numbers) for _ in range(max(1, round(len(sentence) / _CHARACTERS_PER_SECOND / 0.02)))]
        self._planned(blocks[0], blocks[-1], sentence)
        return b"".join(_MARK + number.to_bytes(_NUMBER_BYTES, "little") + _body() for number in blocks)


def numbers_of(pcm: bytes) -> list[int]:
    """Return the numbers of the blocks that begin in this piece of the model's speech; none where it was changed."""
    numbers = []
    at = pcm.find(_MARK)
    while at >= 0:
        begin = at + len(_MARK)
        numbers.append(int.from_bytes(pcm[begin : begin + _NUMBER_BYTES], "little"))
        at += _BLOCK_BYTES
        if not pcm.startswith(_MARK, at):
            at = pcm.find(_MARK, at)
    return numbers


def span_of(pcm: bytes) -> dict[str, int | str]:
    """Return what a history says of a piece of the model's speech: the numbers of its blocks; nothing for none."""
    numbers = numbers_of(pcm)
    if not numbers:
        return {}
    first, last = numbers[0], numbers[-1]
    if last - first + 1 == len(numbers):
        return {"first": first, "last": last}
    return {"blocks": ranges(numbers)}


@cache
def _body() -> bytes:
    noise = _noise("model", SAMPLE_RATE, _LOUD, _BLOCK_SECONDS)
    return noise[len(_MARK) + _NUMBER_BYTES :]


@lru_cache(maxsize=4096)
def speech(first: int, rate: int) -> bytes:
    """Return a frame of the user's speech that carries the stamps from `first` on."""
    return stamp(_noise("user", rate, _LOUD, FRAME), first, rate)


@cache
def sound(rate: int) -> bytes:
    """Return a frame of the user's that is as loud and says nothing."""
    return _noise("cough", rate, _LOUD, FRAME)


@cache
def silence(rate: int) -> bytes:
    """Return a frame of the user's in which nobody speaks."""
    return _noise("silence", rate, _QUIET, FRAME)


def _noise(name: str, rate: int, level: float, seconds: float) -> bytes:
    rng = np.random.default_rng(Random(name).getrandbits(32))
    samples = rng.normal(0.0, level, round(rate * seconds))
    # The stamps' mark must not stand in what is not stamped.
    return (np.clip(np.rint(samples), -32000, 32000).astype("<i2") & ~1).tobytes()
