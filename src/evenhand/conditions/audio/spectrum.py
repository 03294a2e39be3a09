"""Filtering by a response, and lengths at which transforms are fast."""

from collections.abc import Iterator

import numpy as np

from evenhand.samples.waveform import Signal

_BATCH = 8


def good_length(size: int) -> int:
    """Smallest length of at least `size` whose only factors are 2, 3 and 5.

    Examples
    --------
    >>> good_length(997)
    1000
    """
    return min(_candidates(size))


def _candidates(size: int) -> Iterator[int]:
    """For each product of threes and fives, the smallest doubling that is long enough."""
    five = 1
    while five < 5 * size:
        odd = five
        while odd < 3 * size:
            yield odd << max(0, (-(-size // odd) - 1).bit_length())
            odd *= 3
        five *= 5


def convolve(signal: Signal, response: Signal) -> Signal:
    """Signal through a response, cut to the signal's length.

    Parameters
    ----------
    signal : array of shape (frames,)
    response : array of shape (taps,), taps >= 1

    Notes
    -----
    Overlap-save: blocks of at least four times the response stay in the processor's cache, and an
    hour needs no transform of its own length.
    """
    if not signal.size:
        return signal
    overlap = response.size - 1
    length = good_length(min(max(2**14, 4 * response.size), signal.size + overlap))
    step = length - overlap
    count = -(-signal.size // step)
    padded = np.zeros(overlap + count * step)
    padded[overlap : overlap + signal.size] = signal
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[::step]
    spectrum = np.fft.rfft(response, length)
    result = np.empty((count, step))
    for start in range(0, count, _BATCH):
        batch = np.fft.rfft(frames[start : start + _BATCH])
        batch *= spectrum
        result[start : start + _BATCH] = np.fft.irfft(batch, length)[:, overlap:]
    return result.reshape(-1)[: signal.size]
