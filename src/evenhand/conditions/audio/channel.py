"""Filters: the band of a handset, a microphone's response, and the notch that repairs."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from evenhand.conditions.audio.mixing import check_frequency
from evenhand.conditions.condition import ConditionDefinition, Parameter, ParameterKind
from evenhand.deferred import signal
from evenhand.samples.waveform import Audio, Signal

_TOP = 0.49  # an edge closer to half the sampling rate is none


def pass_band(audio: Audio, _: np.random.Generator, values: Mapping[str, Any]) -> Audio:
    """Speech within a band."""
    low, high, order = values["low"], values["high"], values["order"]
    check_frequency(low, audio, "A band that begins")
    if high >= _TOP * audio.rate:
        return _filtered(audio, _butterworth(order, low, "highpass", audio.rate))
    return _filtered(audio, _butterworth(order, [low, high], "bandpass", audio.rate))


def colour_microphone(audio: Audio, _: np.random.Generator, values: Mapping[str, Any]) -> Audio:
    """Speech through a microphone with soft ends and a presence peak."""
    check_frequency(values["low"], audio, "A microphone that begins")
    sections = [_butterworth(2, values["low"], "highpass", audio.rate)]
    if values["high"] < _TOP * audio.rate:
        sections.append(_butterworth(2, values["high"], "lowpass", audio.rate))
    if values["presence"] < _TOP * audio.rate:
        sections.append(_peak(values["presence"] / audio.rate, values["boost"]))
    return _filtered(audio, np.vstack(sections))


def notch(audio: Audio, _: np.random.Generator, values: Mapping[str, Any]) -> Audio:
    """Speech without a band.

    A pair of zeros would leave the sidebands that a rhythm gives its tone; a Butterworth band-stop of
    order 2 has a flat bottom.
    """
    frequency = values["frequency"]
    half = frequency / (2.0 * values["quality"])
    # the edges lie at equal ratios from the middle, and the quality is middle over width
    middle = float(np.hypot(half, frequency))
    edges = [middle - half, middle + half]
    check_frequency(edges[1], audio, "A notch that ends")
    return _filtered(audio, _butterworth(2, edges, "bandstop", audio.rate))


def _butterworth(order: int, edges: float | list[float], kind: str, rate: int) -> Signal:
    return np.asarray(signal.butter(order, edges, kind, fs=rate, output="sos"))


def _peak(cycles: float, boost: float) -> Signal:
    """Second-order peak of quality 1.

    References
    ----------
    Bristow-Johnson, Cookbook formulae for audio equalizer biquad filter coefficients.
    """
    amplitude = 10.0 ** (boost / 40.0)
    angle = 2.0 * np.pi * cycles
    alpha = np.sin(angle) / 2.0
    above = [1.0 + alpha * amplitude, -2.0 * np.cos(angle), 1.0 - alpha * amplitude]
    below = [1.0 + alpha / amplitude, -2.0 * np.cos(angle), 1.0 - alpha / amplitude]
    return np.asarray(np.array([*above, *below]) / below[0])


def _filtered(audio: Audio, sections: Signal) -> Audio:
    if not audio.signal.size:
        return audio
    return audio.with_signal(signal.sosfilt(sections, audio.signal))


def _ordered(values: Mapping[str, Any]) -> str | None:
    if values["low"] >= values["high"]:
        return (
            f"low is {values['low']:g} Hz and high is {values['high']:g} Hz.  low must be smaller"
        )
    return None


BAND = ConditionDefinition(
    name="band",
    kind="audio",
    parameters=(
        Parameter(
            name="low", default=300.0, low=10, high=20_000, unit="Hz", about="lower edge, at -3 dB"
        ),
        Parameter(
            name="high",
            default=3400.0,
            low=50,
            high=24_000,
            unit="Hz",
            about="upper edge, at -3 dB; none where the sample ends below",
        ),
        Parameter(
            name="order",
            default=2,
            low=1,
            high=8,
            about="steepness: 6 dB per octave and order, at either side",
            takes=ParameterKind.WHOLE,
        ),
    ),
    apply=pass_band,
    about="A band-pass; by default that of a telephone handset, 300 to 3400 Hz.",
    source="Butterworth filter; telephone band: ITU-T G.712",
    check=_ordered,
)
MICROPHONE = ConditionDefinition(
    name="microphone",
    kind="audio",
    parameters=(
        Parameter(name="low", default=120.0, low=10, high=2000, unit="Hz", about="-3 dB below"),
        Parameter(
            name="high", default=7000.0, low=1000, high=24_000, unit="Hz", about="-3 dB above"
        ),
        Parameter(
            name="presence",
            default=3000.0,
            low=100,
            high=20_000,
            unit="Hz",
            about="middle of the peak that small capsules and their housing have",
        ),
        Parameter(
            name="boost", default=6.0, low=-24, high=24, unit="dB", about="height of that peak"
        ),
    ),
    apply=colour_microphone,
    about="A microphone's response: 12 dB per octave at both ends and a presence peak.",
    source="Butterworth ends; peak: Bristow-Johnson's equalizer cookbook; a model, no certain device",
    check=_ordered,
)
NOTCH = ConditionDefinition(
    name="notch",
    kind="audio",
    parameters=(
        Parameter(name="frequency", low=20, high=20_000, unit="Hz", about="middle", required=True),
        Parameter(
            name="quality",
            default=2.5,
            low=0.5,
            high=100,
            about="middle over the width at -3 dB",
        ),
    ),
    apply=notch,
    about="A repair: removes the band around one frequency.",
    source="Butterworth band-stop of order 2",
)
