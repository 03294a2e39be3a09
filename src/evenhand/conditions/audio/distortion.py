"""Too loud, too quiet, cut off at the top."""

from collections.abc import Mapping
from math import sqrt
from typing import Any

import numpy as np

from evenhand.conditions.condition import ConditionDefinition, Parameter
from evenhand.samples.waveform import Audio, to_ratio


def clip(audio: Audio, _: np.random.Generator, values: Mapping[str, Any]) -> Audio:
    """Speech whose loudest frames are cut to one magnitude."""
    clipped = int(values["share"] * audio.signal.size)
    if not clipped:
        return audio
    magnitudes = np.abs(audio.signal)
    place = audio.signal.size - clipped
    magnitudes.partition(place)
    limit = magnitudes[place]
    return audio.with_signal(np.clip(audio.signal, -limit, limit))


def amplify(audio: Audio, _: np.random.Generator, values: Mapping[str, Any]) -> Audio:
    """Speech at another level; a converter has nothing above full scale."""
    factor = sqrt(to_ratio(values["level"]))
    return audio.with_signal(np.clip(audio.signal * factor, -1.0, 1.0))


CLIPPING = ConditionDefinition(
    name="clipping",
    kind="audio",
    parameters=(
        Parameter(
            name="share",
            low=0,
            high=0.9,
            about="share of the frames that reach the limit, the loudest ones",
            required=True,
        ),
    ),
    apply=clip,
    about="An overdriven input: the peaks are cut off.",
    source="hard clipping; the limit is a quantile of the sample's own magnitudes",
)
GAIN = ConditionDefinition(
    name="gain",
    kind="audio",
    parameters=(
        Parameter(
            name="level", low=-80, high=60, unit="dB", about="change of the level", required=True
        ),
    ),
    apply=amplify,
    about="A microphone too close or too far; what exceeds full scale is cut off.",
    source="decibel: 20 log10 of the ratio of amplitudes",
)
