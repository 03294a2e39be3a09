"""Recordings that conditions read: noises, voices, rooms."""

from functools import lru_cache
from pathlib import Path

import numpy as np

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
    try:
        found = Path(path).stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path} cannot be read: {reason}.") from error
    return _read(path, rate, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=16)
def _read(path: str, rate: int, _changed: int, _size: int) -> Signal:
    try:
        signal = read_audio(Path(path), rate=rate).signal
    except SampleError as error:
        raise InputError(str(error)) from error
    signal = np.array(signal)
    signal.setflags(write=False)
    return signal
