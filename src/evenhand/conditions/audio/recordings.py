"""Recordings that conditions read: noises, voices, rooms."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from evenhand.conditions.files import version_of
from evenhand.errors import InputError
from evenhand.samples.audio import read_audio
from evenhand.samples.sample import SampleError
from evenhand.samples.waveform import Signal


def read_recording(path: str, rate: int) -> Signal:
    """Signal of a file at a rate; recent files stay in memory as long as they do not change.

    Raises
    ------
    InputError
        When it cannot be read: the condition is wrong then, not the sample.
    """
    return _read(path, rate, *version_of(path))


@lru_cache(maxsize=16)
def _read(path: str, rate: int, _changed: int, _size: int) -> Signal:
    try:
        signal = read_audio(Path(path), rate=rate).signal
    except SampleError as error:
        raise InputError(str(error)) from error
    signal = np.array(signal)
    signal.setflags(write=False)
    return signal
