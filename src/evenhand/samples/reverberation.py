"""Reverberation time: exactly from an impulse response, by estimate from speech."""

import numpy as np

from evenhand.samples.speech_level import block_means
from evenhand.samples.waveform import Audio, Signal

_HOP_S = 0.01
_SHORTEST_DECAY_S = 0.12
_SMALLEST_FALL_DB = 12.0
_SLOPE_QUANTILE = 0.5


def schroeder_seconds(response: Signal, rate: int, *, depth_db: float = 30.0) -> float | None:
    """RT60 of an impulse response by backward integration.

    A line is fitted to the decay from -5 dB to ``-5 - depth_db``; its slope gives the time for 60 dB.

    Parameters
    ----------
    response : array of shape (frames,)
    rate : int
    depth_db : float
        20 for T20, 30 for T30.

    Returns
    -------
    float or None
        Seconds; `None` where the response does not fall that far.

    References
    ----------
    Schroeder (1965), doi:10.1121/1.1909343; ISO 3382-1.
    """
    energy = np.cumsum(np.square(response[::-1]))[::-1]
    if not energy.size or energy[0] <= 0.0:
        return None
    levels_db = 10.0 * np.log10(np.maximum(energy / energy[0], 1e-30))
    used = np.flatnonzero((levels_db <= -5.0) & (levels_db >= -5.0 - depth_db))
    if used.size < 3 or levels_db[-1] > -5.0 - depth_db:
        return None
    slope = np.polyfit(used / rate, levels_db[used], 1)[0]
    return float(-60.0 / slope)


def reverberation_seconds(audio: Audio) -> float | None:
    """Estimate RT60 from speech: the median rate at which sound dies away.

    Stretches of at least 0.12 s in which the smoothed level falls all the time, by 12 dB or more, are
    free decays; a line through each gives its RT60.

    Returns
    -------
    float or None
        Seconds; `None` with fewer than three decays.
    """
    powers = block_means(np.square(audio.signal), max(1, round(_HOP_S * audio.rate)))
    if powers.size < 10:
        return None
    smooth = np.convolve(powers, np.full(3, 1 / 3), mode="same")
    levels_db = 10.0 * np.log10(np.maximum(smooth, 1e-12))
    falling = np.diff(levels_db) < 0.0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], falling, [False]])))
    times = []
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        length = (stop - start) * _HOP_S
        fall = levels_db[start] - levels_db[stop]
        if length >= _SHORTEST_DECAY_S and fall >= _SMALLEST_FALL_DB:
            line = np.polyfit(np.arange(start, stop + 1) * _HOP_S, levels_db[start : stop + 1], 1)
            times.append(-60.0 / line[0])
    return float(np.quantile(times, _SLOPE_QUANTILE)) if len(times) >= 3 else None
