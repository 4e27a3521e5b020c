"""Changing the sample rate of a stream by a polyphase filter, 1 to 4 ms late.

Not by libsoxr, which filters block by block: 8 kHz speech comes out of it up to 115 ms late where the telephone's band
is kept, and 60 ms where it is not.
"""

from functools import lru_cache
from math import ceil, gcd

import numpy as np
from numpy.typing import NDArray

from segue.audio.g711 import Samples

Floats = NDArray[np.float64]

# The filter spans 28 samples of the lower rate on either side: 0.5 dB down at 88 % of the band, 65 dB where it ends.
_REACH = 28
_CUTOFF = 0.925
_KAISER_BETA = 6.5
# An output sample falls on one of so many places between two input samples; the usual rates have fewer.
_PLACES = 1024
# Blocks of about so many output samples are one matrix product, as long as the matrix stays small.
_BLOCK = 16
_LARGEST_MATRIX = 1 << 17


class _Filter:
    """The weights of input samples in output samples. `up` output samples last as long as `down` input samples."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        common = gcd(from_rate, to_rate)
        self.up, self.down = to_rate // common, from_rate // common
        self.reach = ceil(_REACH * max(1.0, from_rate / to_rate))
        self.taps = 2 * self.reach
        self._weights = _weights(min(self.up, _PLACES), self.reach, min(1.0, to_rate / from_rate))
        repeats = max(1, _BLOCK // self.up)
        self._block = repeats * self.up
        # Input samples by which the filter moves on at a time.
        self.stride = repeats * self.down
        self._matrix: Floats | None = None
        if self._block * (self.stride + self.taps) <= _LARGEST_MATRIX:
            self._matrix = self._of_a_block()
        else:
            self.stride = 1

    def _of_a_block(self) -> Floats:
        """Return the weight of every input sample of a block, by row, in every output sample of it."""
        matrix = np.zeros((self.stride + self.taps, self._block))
        for column in range(self._block):
            first, place = divmod(column * self.down, self.up)
            matrix[first : first + self.taps, column] = self._weights[place]
        return matrix

    def apply(self, samples: Floats, position: int, count: int) -> Floats:
        """Return `count` output samples from a position on, which is in input samples times `up`.

        `samples` holds `stride` more than the last of them needs.
        """
        if self._matrix is not None:
            first = position // self.down
            blocks = ceil((first + count) / self._block)
            windows = _windows(samples, blocks, len(self._matrix), self.stride)
            return (windows @ self._matrix).ravel()[first : first + count]
        start, place = np.divmod(position + self.down * np.arange(count), self.up)
        windows = _windows(samples, max(0, len(samples) - self.taps + 1), self.taps, 1).take(start, axis=0)
        weights = self._weights.take(place * len(self._weights) // self.up, axis=0)
        return np.asarray(np.einsum("ij,ij->i", windows, weights))


def _weights(places: int, reach: int, band: float) -> Floats:
    """Return a Kaiser-windowed sinc for every place between two input samples. Each has a sum of 1, which keeps DC."""
    distance = np.arange(1 - reach, reach + 1) - np.arange(places)[:, None] / places
    window = np.i0(_KAISER_BETA * np.sqrt(np.maximum(1.0 - (distance / reach) ** 2, 0.0)))
    weights = np.sinc(_CUTOFF * band * distance) * window
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _windows(samples: Floats, rows: int, width: int, stride: int) -> Floats:
    """Return overlapping rows of the samples, at a tenth of the cost of `sliding_window_view`."""
    size = samples.itemsize
    return np.ndarray((rows, width), np.float64, samples, strides=(stride * size, size))


_filter = lru_cache(maxsize=16)(_Filter)


class Resampler:
    """One stream, with silence before its first sample and after its last one. Rates are in Hz."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        self._filter = _filter(from_rate, to_rate)
        self._padding = np.zeros(self._filter.stride)
        self._begin()

    def _begin(self) -> None:
        self._recent: Floats = np.zeros(self._filter.reach - 1)
        # Of the next output sample, from the start of `_recent`, in input samples times `up`.
        self._position = 0

    def take(self, samples: Samples) -> Samples:
        """Return the output that these samples complete, which does not depend on how the input was cut into chunks."""
        up, down, stride = self._filter.up, self._filter.down, self._filter.stride
        known = len(self._recent) + len(samples)
        complete = (known - self._filter.taps + 1) * up
        count = max(0, -((self._position - complete) // down))
        padded = np.concatenate((self._recent, samples, self._padding), dtype=np.float64)
        output = self._filter.apply(padded, self._position, count)
        self._position += count * down
        passed = self._position // (up * stride) * stride
        self._position -= passed * up
        # A copy, so that a long chunk is not kept for the sake of its end.
        self._recent = padded[passed:known].copy()
        return np.rint(output).clip(-32_768, 32_767).astype(np.int16)

    def finish(self) -> Samples:
        """Return the rest, so that the output lasts as long as the input, up to one sample; then begin anew."""
        rest = self.take(np.zeros(self._filter.reach, np.int16))
        self._begin()
        return rest
