"""A tone: equipment that hums or beeps at one frequency and rhythm."""

from collections.abc import Mapping
from math import ceil, sqrt
from typing import Any

import numpy as np

from evenhand.conditions.audio.mixing import check_frequency, speech_power
from evenhand.conditions.condition import ConditionDefinition, Parameter, ParameterKind
from evenhand.samples.waveform import Audio, Signal, to_ratio

_RAMP_S = 0.002  # a hard gate would click, and a click is not at the tone's frequency
_BLOCK = 1024
_PIECE = 2**14


def add_tone(audio: Audio, generator: np.random.Generator, values: Mapping[str, Any]) -> Audio:
    """Speech with a tone; phases of tone and gate are drawn."""
    frequency = values["frequency"]
    check_frequency(frequency, audio, "A tone")
    power = speech_power(audio) * to_ratio(values["level"])
    tone_phase, gate_phase = generator.random(2)
    sound = tone(
        audio.signal.size, frequency / audio.rate, harmonics=values["harmonics"], phase=tone_phase
    )
    sound *= sqrt(power)
    if values["rate"] is not None:
        sound *= gate(
            audio.signal.size, audio.rate, values["rate"], duty=values["duty"], phase=gate_phase
        )
    sound += audio.signal
    return audio.with_signal(sound)


def tone(size: int, cycles: float, *, harmonics: int = 1, phase: float = 0.0) -> Signal:
    """Make a tone of mean power 1.

    The k-th harmonic has 1/k of the fundamental's amplitude; those above half the sampling rate are
    left out.

    Parameters
    ----------
    size : int
        Frames.
    cycles : float
        Frequency in cycles per frame, below 0.5.
    harmonics : int
        How many, the fundamental included.
    phase : float
        Of the fundamental, in cycles.

    Notes
    -----
    The frame number is block · 1024 + rest, and sin(a + b) = sin a cos b + cos a sin b, so that the
    whole tone is one product of two thin matrices.
    """
    order = np.arange(1, harmonics + 1)
    order = order[order * cycles < 0.5]
    amplitudes = 1.0 / order
    amplitudes *= sqrt(2.0 / np.square(amplitudes).sum())
    blocks = np.outer(np.arange(ceil(size / _BLOCK)) * _BLOCK * cycles + phase, order)
    rest = np.outer(order * cycles, np.arange(_BLOCK))
    left = 2.0 * np.pi * (blocks % 1.0)
    right = 2.0 * np.pi * rest
    parts = np.hstack([amplitudes * np.sin(left), amplitudes * np.cos(left)])
    product = parts @ np.vstack([np.cos(right), np.sin(right)])
    return np.asarray(product.reshape(-1)[:size])


def gate(size: int, rate: int, repetition: float, *, duty: float, phase: float = 0.0) -> Signal:
    """Make an envelope that opens and closes `repetition` times a second, with 2 ms flanks.

    Parameters
    ----------
    size : int
        Frames.
    rate : int
        Frames per second.
    repetition : float
        Openings per second.
    duty : float
        Share of the time above one half.
    phase : float
        Where in its cycle the gate starts, [0, 1); at 0 it is closed.
    """
    if duty >= 1.0:
        return np.ones(size)
    ramp = min(_RAMP_S * repetition, duty, 1.0 - duty)  # in cycles
    envelope = np.empty(size)
    frames = np.arange(_PIECE, dtype=np.float64)
    frames *= repetition / rate
    for start in range(0, size, _PIECE):  # a piece at a time stays in the cache
        piece = envelope[start : start + _PIECE]
        np.add(frames[: piece.size], (start * repetition / rate + phase) % 1.0, out=piece)
        piece -= np.floor(piece)
        piece -= 0.5
        np.abs(piece, out=piece)
        piece *= -1.0 / ramp
        piece += 0.5 + 0.5 * duty / ramp
        np.clip(piece, 0.0, 1.0, out=piece)
        piece *= piece * (3.0 - 2.0 * piece)  # smooth flanks
    return envelope


TONE = ConditionDefinition(
    name="tone",
    kind="audio",
    parameters=(
        Parameter(name="frequency", low=20, high=20_000, unit="Hz", about="pitch", required=True),
        Parameter(
            name="rate",
            low=0.1,
            high=100,
            unit="Hz",
            about="how often a second it is switched on; steady where it is not given",
        ),
        Parameter(name="duty", default=0.5, low=0.05, high=1, about="share of each cycle it is on"),
        Parameter(
            name="harmonics",
            default=1,
            low=1,
            high=32,
            about="sines at whole multiples, the k-th at 1/k of the amplitude",
            takes=ParameterKind.WHOLE,
        ),
        Parameter(
            name="level",
            default=0.0,
            low=-60,
            high=40,
            unit="dB",
            about="level while it is on, over the active speech level",
        ),
    ),
    apply=add_tone,
    about="A tone at one frequency, steady or in a rhythm, as machines, alarms and scanners make it.",
    source="sine by definition; level against ITU-T P.56; the hospital floor of the article",
)
