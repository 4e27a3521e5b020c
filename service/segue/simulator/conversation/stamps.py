"""Which of the user's audio arrived: numbers that a test client hides in its samples, and an account of them.

Audio that carries no stamps is not accounted for. A stamp is a mark and a number in the lowest bits of the first
samples of every 20 ms, some 90 dB below full scale: no voice detector minds it, and it survives being cut into other
frames, though not being resampled. A client that stamps only what matters, its utterances, learns which parts of them
the model never got and which it got twice, across every connection of a session.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

STAMP_SECONDS = 0.02

_NUMBER_BITS = 32
# Any 32 bits do; these are no pattern that silence or a tone has.
_MARK = np.array([int(bit) for bit in f"{0xB5C1E62D:032b}"], dtype=np.uint8)
_MARK_BYTES = _MARK.tobytes()
_STAMP_SAMPLES = len(_MARK) + _NUMBER_BITS


def stamp(pcm: bytes, first: int = 0, rate: int = 16000) -> bytes:
    """Number every whole 20 ms of 16-bit mono PCM, from `first` on."""
    samples = np.frombuffer(pcm, dtype="<i2").copy()
    length = round(rate * STAMP_SECONDS)
    for number, at in enumerate(range(0, len(samples) - length + 1, length), first):
        bits = np.concatenate([_MARK, _bits(number)]).astype("<i2")
        samples[at : at + _STAMP_SAMPLES] = samples[at : at + _STAMP_SAMPLES] & ~1 | bits
    return samples.tobytes()


class StampReader:
    """Finds the stamps in a stream of audio, however it is cut."""

    def __init__(self) -> None:
        self._odd_byte = b""
        self._bits = b""

    def read(self, pcm: bytes) -> list[int]:
        """Return the numbers of the stamps that end in this piece."""
        pcm = self._odd_byte + pcm
        whole = len(pcm) - len(pcm) % 2
        self._odd_byte = pcm[whole:]
        # The lowest bit of a sample is that of its first byte.
        bits = self._bits + (np.frombuffer(pcm, np.uint8, whole)[::2] & 1).tobytes()
        numbers = []
        at = bits.find(_MARK_BYTES)
        while 0 <= at <= len(bits) - _STAMP_SAMPLES:
            number = np.frombuffer(bits, np.uint8, _NUMBER_BITS, at + len(_MARK))
            numbers.append(int.from_bytes(np.packbits(number).tobytes(), "big"))
            bits = bits[at + _STAMP_SAMPLES :]
            at = bits.find(_MARK_BYTES)
        self._bits = bits[-(_STAMP_SAMPLES - 1) :]
        return numbers


def rate_of(pcm: bytes) -> int | None:
    """Return the rate at which the stamps are 20 ms apart; None where there are too few to tell, or pauses between."""
    bits = (np.frombuffer(pcm, np.uint8, len(pcm) - len(pcm) % 2)[::2] & 1).tobytes()
    marks = [found.start() for found in re.finditer(re.escape(_MARK_BYTES), bits)]
    distances = {after - before for before, after in pairwise(marks)}
    return round(distances.pop() / STAMP_SECONDS) if len(marks) > 2 and len(distances) == 1 else None


@dataclass(frozen=True, slots=True)
class Account:
    """Which stamps arrived. The first of a session is 0.

    Attributes:
        got: ranges of numbers, first and last, in order and apart from each other.
        repeated: how many arrived although they had before.
    """

    got: tuple[tuple[int, int], ...] = ()
    repeated: int = 0

    def add(self, numbers: Iterable[int]) -> "Account":
        """Return the account with these numbers in it."""
        got, repeated = list(self.got), self.repeated
        for number in numbers:
            if got and number == got[-1][1] + 1:
                got[-1] = (got[-1][0], number)
            elif any(first <= number <= last for first, last in got):
                repeated += 1
            else:
                got = list(_merged(sorted([*got, (number, number)])))
        return Account(tuple(got), repeated)

    @property
    def newest(self) -> int:
        """The highest number so far; -1 for none."""
        return self.got[-1][1] if self.got else -1

    @property
    def lost(self) -> tuple[tuple[int, int], ...]:
        """Ranges of numbers that never came although later ones did."""
        ends = [-1, *(last for _, last in self.got)]
        return tuple((end + 1, first - 1) for end, (first, _) in zip(ends, self.got, strict=False) if first > end + 1)

    @property
    def lost_seconds(self) -> float:
        """How much audio that is."""
        return seconds(sum(last - first + 1 for first, last in self.lost))

    @property
    def repeated_seconds(self) -> float:
        """How much audio came twice."""
        return seconds(self.repeated)


def seconds(stamps: int) -> float:
    """Return how much audio so many stamps cover."""
    return round(stamps * STAMP_SECONDS, 3)


def ranges(numbers: Iterable[int]) -> str:
    """Return numbers as a person writes them: "0-49,60-75"."""
    merged = _merged((number, number) for number in sorted(set(numbers)))
    return ",".join(f"{first}-{last}" for first, last in merged if first >= 0)


def _merged(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Join ranges that touch."""
    first, last = -1, -2
    for begin, end in ranges:
        if begin == last + 1:
            last = end
            continue
        if last >= first:
            yield first, last
        first, last = begin, end
    yield first, last


def _bits(number: int) -> NDArray[np.uint8]:
    return np.unpackbits(np.frombuffer(number.to_bytes(_NUMBER_BITS // 8, "big"), dtype=np.uint8))
