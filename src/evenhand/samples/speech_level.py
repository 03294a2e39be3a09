"""The level of speech while somebody speaks."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

from evenhand.deferred import numpy as np
from evenhand.samples.waveform import Audio, Signal, mean_power, to_decibels, to_ratio

_BLOCK_S = 0.005
_TIME_CONSTANT_S = 0.03
_HANGOVER_S = 0.2
_MARGIN_DB = 15.9
_DEPTH_DB = 100.0
_STEP_DB = 1.0
_PIECE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechLevel:
    """How loud speech is while it is there, and how much of the time it is.

    Attributes
    ----------
    power : float
        Mean square over the active time; full scale is 1.
    active_share : float
        Active time over all time, in [0, 1].
    active : array of shape (blocks,), bool
        Which blocks of 5 ms are active.
    """

    power: float
    active_share: float
    active: np.ndarray


def speech_level(audio: Audio) -> SpeechLevel | None:
    """Measure the active speech level, method B of ITU-T P.56.

    The rectified signal is smoothed twice (30 ms), a threshold with 0.2 s of hangover tells activity,
    and the threshold is right where it lies 15.9 dB below the level of what is active.  The smoothed
    envelope is taken every 5 ms and not at every frame, and the mean is removed first; against
    the standard's own recursion this moves the level by less than 0.1 dB.

    Parameters
    ----------
    audio : Audio

    Returns
    -------
    SpeechLevel or None
        `None` for silence, where no level exists.

    References
    ----------
    ITU-T Recommendation P.56 (12/2011), Objective measurement of active speech level.
    """
    signal = audio.signal
    offset = float(signal.mean()) if signal.size else 0.0
    power = mean_power(signal) - offset**2
    if power <= 1e-20:  # 16 bit end at 1e-10: this is rounding, not sound
        return None
    held = _held_envelope(signal, offset, audio.rate)
    total = power * held.size
    thresholds_db = to_decibels(power) + np.arange(20.0, -_DEPTH_DB, -_STEP_DB)
    ordered = np.sort(held)
    counts = held.size - np.searchsorted(ordered, np.sqrt(to_ratio_array(thresholds_db)))
    seen = counts > 0
    levels_db = 10.0 * np.log10(total / counts[seen])
    margins_db = levels_db - thresholds_db[seen]
    place = int(np.argmax(margins_db >= _MARGIN_DB))
    if margins_db[place] < _MARGIN_DB:
        level_db, threshold_db = to_decibels(power), -np.inf
    else:
        level_db, threshold_db = _crossing(margins_db, levels_db, thresholds_db[seen], place)
    active = held >= np.sqrt(to_ratio(threshold_db))
    share = min(1.0, power / to_ratio(level_db))
    return SpeechLevel(power=power / share, active_share=share, active=active)


def to_ratio_array(levels_db: Signal) -> Signal:
    """Ratios of powers of levels."""
    return np.asarray(10.0 ** (levels_db / 10.0))


def _crossing(
    margins_db: Signal, levels_db: Signal, thresholds_db: Signal, place: int
) -> tuple[float, float]:
    """Level and threshold where the margin is 15.9 dB, between two thresholds."""
    if place == 0:
        return float(levels_db[0]), float(thresholds_db[0])
    before, after = margins_db[place - 1], margins_db[place]
    weight = (_MARGIN_DB - before) / (after - before)
    level_db = levels_db[place - 1] + weight * (levels_db[place] - levels_db[place - 1])
    return float(level_db), float(level_db) - _MARGIN_DB


def _held_envelope(signal: Signal, offset: float, rate: int) -> Signal:
    """Largest smoothed magnitude of the last 0.2 s, every 5 ms.

    A block is active at a threshold if and only if this reaches it, which is P.56's hangover for
    all thresholds at once.
    """
    size = max(1, round(_BLOCK_S * rate))
    pieces = []
    for start in range(0, signal.size, _PIECE * size):  # a piece at a time stays in the cache
        piece = signal[start : start + _PIECE * size] - offset
        pieces.append(block_means(np.abs(piece, out=piece), size))
    blocks = np.concatenate(pieces)
    decay = exp(-_BLOCK_S / _TIME_CONSTANT_S)
    taps = np.arange(round(20 * _TIME_CONSTANT_S / _BLOCK_S))
    response = (1.0 - decay) ** 2 * (taps + 1) * decay**taps  # two equal poles in a row
    held = np.convolve(blocks, response)[: blocks.size]
    span, reach = 1, round(_HANGOVER_S / _BLOCK_S) + 1
    while span < reach:
        step = min(span, reach - span)
        held = np.maximum(held, np.concatenate([np.zeros(min(step, held.size)), held])[: held.size])
        span += step
    return held


def block_means(values: Signal, size: int) -> Signal:
    """Means of successive blocks; the last one may be shorter."""
    whole = values.size // size * size
    means = values[:whole].reshape(-1, size) @ np.full(size, 1.0 / size)
    return np.append(means, values[whole:].mean()) if whole < values.size else means
