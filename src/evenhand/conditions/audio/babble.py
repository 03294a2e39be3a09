"""Babble: several other people who talk."""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

import numpy as np

from evenhand.conditions.audio.mixing import SNR, add_noise, loop
from evenhand.conditions.audio.recordings import read_recording
from evenhand.conditions.condition import ConditionDefinition, Parameter, ParameterKind
from evenhand.errors import InputError
from evenhand.samples.speech_level import speech_level
from evenhand.samples.waveform import Audio, Signal


def add_babble(audio: Audio, generator: np.random.Generator, values: Mapping[str, Any]) -> Audio:
    """Speech with talkers drawn from the files."""
    files: Sequence[str] = values["files"]
    talkers = values["talkers"]
    chosen = generator.permutation(np.resize(np.arange(len(files)), max(talkers, len(files))))
    voices = [read_recording(files[place], audio.rate) for place in chosen[:talkers]]
    babble = make_babble(voices, audio.signal.size, audio.rate, generator)
    return add_noise(audio, babble, values["snr"], name="The babble")


def make_babble(
    voices: Sequence[Signal], size: int, rate: int, generator: np.random.Generator
) -> Signal:
    """Sum voices of equal active level, each from a random place on.

    Parameters
    ----------
    voices : sequence of arrays
        One per talker, all at `rate`; a voice may occur more than once, since it is shifted.
    size : int
        Frames.
    rate : int
    generator : numpy.random.Generator

    Raises
    ------
    InputError
        When a voice is silent.
    """
    total = np.zeros(size)
    for number, voice in enumerate(voices, start=1):
        level = speech_level(Audio(signal=voice, rate=rate))
        if level is None:
            raise InputError(f"Voice {number} of the babble is silent.  Choose another recording.")
        total += loop(voice, size, rate, generator) / sqrt(level.power)
    return total


BABBLE = ConditionDefinition(
    name="babble",
    kind="audio",
    parameters=(
        Parameter(
            name="files",
            about="recordings of other people; for example other samples of the trial",
            takes=ParameterKind.FILES,
            required=True,
        ),
        SNR,
        Parameter(
            name="talkers",
            default=6,
            low=1,
            high=64,
            about="voices at once; from about six on no words can be told apart",
            takes=ParameterKind.WHOLE,
        ),
    ),
    apply=add_babble,
    about="Voices of other people at equal levels, each from a random place on.",
    source="N-talker babble: Simpson & Cooke (2005), doi:10.1121/1.2062650; level against ITU-T P.56",
)
