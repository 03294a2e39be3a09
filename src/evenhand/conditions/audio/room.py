"""Reverberation: of a room described by its reverberation time, or of a measured one."""

from collections.abc import Mapping
from math import ceil, sqrt
from typing import Any

import numpy as np

from evenhand.conditions.audio.recordings import read_recording
from evenhand.conditions.audio.spectrum import convolve
from evenhand.conditions.condition import ConditionDefinition, Parameter, ParameterKind
from evenhand.errors import InputError
from evenhand.samples.waveform import Audio, Signal, to_ratio

_REACH = 1.2  # the tail ends 72 dB down, so that a fit to -35 dB sees no end


def reverberate(audio: Audio, generator: np.random.Generator, values: Mapping[str, Any]) -> Audio:
    """Speech in a room; the direct sound stays where and as loud as it was."""
    response = room_response(
        audio.rate, values["rt60"], ratio=values["ratio"], gap=values["gap"], generator=generator
    )
    return audio.with_signal(convolve(audio.signal, response))


def room_response(
    rate: int, rt60: float, *, ratio: float, gap: float, generator: np.random.Generator
) -> Signal:
    """Draw an impulse response: the direct sound, then Gaussian noise that decays exponentially.

    Parameters
    ----------
    rate : int
    rt60 : float
        Seconds in which the tail falls by 60 dB.
    ratio : float
        Energy of the direct sound over that of the tail, in dB; exact.
    gap : float
        Milliseconds from the direct sound to the tail.
    generator : numpy.random.Generator

    References
    ----------
    Polack (1988), the stochastic model of late reverberation; Schroeder (1965).
    """
    seconds = np.arange(max(2, ceil(_REACH * rt60 * rate))) / rate
    tail = generator.standard_normal(seconds.size) * 10.0 ** (-3.0 * seconds / rt60)
    tail *= sqrt(to_ratio(-ratio) / np.dot(tail, tail))
    return np.concatenate([[1.0], np.zeros(round(gap * rate / 1000.0)), tail])


def convolve_room(audio: Audio, _: np.random.Generator, values: Mapping[str, Any]) -> Audio:
    """Speech through a measured response, whose direct sound is set to time 0 and amplitude 1."""
    response = read_recording(values["file"], audio.rate)
    direct = int(np.argmax(np.abs(response)))
    if response[direct] == 0.0:
        raise InputError(f"{values['file']} is silent, so it is no impulse response.")
    return audio.with_signal(convolve(audio.signal, response[direct:] / response[direct]))


REVERBERATION = ConditionDefinition(
    name="reverberation",
    kind="audio",
    parameters=(
        Parameter(
            name="rt60",
            low=0.05,
            high=10,
            unit="s",
            about="reverberation time: how long until the sound has fallen by 60 dB",
            required=True,
        ),
        Parameter(
            name="ratio",
            default=0.0,
            low=-30,
            high=30,
            unit="dB",
            about="direct over reverberant energy; it falls with the distance to the microphone",
        ),
        Parameter(
            name="gap",
            default=2.0,
            low=0,
            high=100,
            unit="ms",
            about="from the direct sound to the first reflections",
        ),
    ),
    apply=reverberate,
    about="A room with diffuse, exponentially decaying reverberation, alike at all frequencies.",
    source="RT60: ISO 3382-1; model: Polack (1988); check: Schroeder (1965), doi:10.1121/1.1909343",
)
IMPULSE_RESPONSE = ConditionDefinition(
    name="impulse_response",
    kind="audio",
    parameters=(
        Parameter(
            name="file", about="measured impulse response", takes=ParameterKind.FILE, required=True
        ),
    ),
    apply=convolve_room,
    about="A measured room or device; what comes before its largest peak is cut off.",
    source="linear systems: the output is the convolution with the impulse response",
)
