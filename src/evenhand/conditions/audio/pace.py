"""Faster, slower, higher, lower."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from evenhand.conditions.audio.codec import fitted
from evenhand.conditions.condition import ConditionDefinition, Parameter
from evenhand.samples.audio import import_extra
from evenhand.samples.waveform import Audio, Signal

_WINDOW_S = 0.030
_SEARCH_S = 0.010


def change_speed(audio: Audio, _: np.random.Generator, values: Mapping[str, Any]) -> Audio:
    """Speech played faster: shorter and higher by the same factor."""
    return audio.with_signal(_resampled(audio.signal, values["factor"]))


def change_tempo(audio: Audio, _: np.random.Generator, values: Mapping[str, Any]) -> Audio:
    """Speech spoken faster: shorter, at the same pitch."""
    return audio.with_signal(stretch(audio.signal, audio.rate, 1.0 / values["factor"]))


def shift_pitch(audio: Audio, _: np.random.Generator, values: Mapping[str, Any]) -> Audio:
    """Speech of the same duration, its whole spectrum shifted."""
    ratio = 2.0 ** (values["semitones"] / 12.0)
    longer = stretch(audio.signal, audio.rate, ratio)
    return audio.with_signal(fitted(_resampled(longer, ratio), audio.signal.size))


def _resampled(signal: Signal, factor: float) -> Signal:
    """Signal with 1 / factor of its frames."""
    if factor == 1.0 or not signal.size:
        return signal
    soxr = import_extra("soxr")
    return np.asarray(soxr.resample(signal, factor, 1.0), dtype=np.float64)


def stretch(signal: Signal, rate: int, factor: float) -> Signal:
    """Make sound longer by a factor without changing its pitch.

    Overlapping windows of 30 ms are laid out at a new pace; each is taken within 10 ms of its place,
    where it continues the one before it best.

    References
    ----------
    Verhelst & Roelands (1993), WSOLA, doi:10.1109/ICASSP.1993.319366.
    """
    hop, search = max(1, round(_WINDOW_S * rate / 2)), max(1, round(_SEARCH_S * rate / 2))
    size = round(signal.size * factor)
    if factor == 1.0 or signal.size < 4 * (hop + search):
        return _resampled(signal, 1.0 / factor)  # too short for a window: nobody hears the pitch
    window = np.hanning(2 * hop + 1)[:-1]
    padded = np.pad(signal, (hop + search, 3 * hop + 2 * search))
    result = np.zeros(size + 3 * hop)
    place, last = search, padded.size - 3 * hop - 2 * search
    for start in range(0, size + hop, hop):
        result[start : start + 2 * hop] += padded[place : place + 2 * hop] * window
        expected = padded[place + hop : place + 3 * hop]
        goal = min(search + round((start + hop) / factor), last)
        region = padded[goal - search : goal + search + 2 * hop]
        place = goal - search + int(np.argmax(np.correlate(region, expected, mode="valid")))
        place = min(place, last)
    return result[hop : hop + size]


def _factor(about: str) -> Parameter:
    return Parameter(name="factor", low=0.25, high=4, about=about, required=True)


SPEED = ConditionDefinition(
    name="speed",
    kind="audio",
    parameters=(_factor("2 is twice as fast and an octave higher"),),
    apply=change_speed,
    about="Played faster or slower; pitch and duration change together.",
    source="resampling by soxr",
)
TEMPO = ConditionDefinition(
    name="tempo",
    kind="audio",
    parameters=(_factor("2 is twice as fast"),),
    apply=change_tempo,
    about="Spoken faster or slower at the same pitch.",
    source="WSOLA: Verhelst & Roelands (1993), doi:10.1109/ICASSP.1993.319366",
)
PITCH = ConditionDefinition(
    name="pitch",
    kind="audio",
    parameters=(
        Parameter(
            name="semitones",
            low=-24,
            high=24,
            unit="semitones",
            about="12 are an octave; formants move too",
            required=True,
        ),
    ),
    apply=shift_pitch,
    about="Higher or lower at the same duration.",
    source="WSOLA, then resampling by soxr; a semitone is a ratio of 2^(1/12)",
)
