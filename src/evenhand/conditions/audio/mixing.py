"""Sound added to speech at a level that is set against the speech."""

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evenhand.conditions.condition import Parameter
from evenhand.errors import InputError
from evenhand.samples.sample import SampleError
from evenhand.samples.speech_level import speech_level
from evenhand.samples.waveform import Audio, Signal, mean_power, to_ratio

_PIECE = 2**14
SNR = Parameter(
    name="snr",
    low=-30,
    high=80,
    unit="dB",
    about="active speech level (ITU-T P.56) over the level of the noise",
    required=True,
)


def speech_power(audio: Audio) -> float:
    """Mean square of the speech while it is there.

    Raises
    ------
    SampleError
        For silence: nothing can be set against its level.
    """
    level = speech_level(audio)
    if level is None:
        raise SampleError(
            "The sample is silent, so no level can be set against its speech.  "
            "Leave it out, or mend the recording.",
            reason="no_speech",
        )
    return level.power


def add_noise(audio: Audio, noise: NDArray[Any], snr: float, *, name: str = "The noise") -> Audio:
    """Speech with noise, scaled so that its mean power meets the ratio exactly.

    Parameters
    ----------
    audio : Audio
    noise : array of shape (frames,)
    snr : float
        dB.
    name : str
        Who is at fault when the noise is silent.
    """
    wanted = speech_power(audio) / to_ratio(snr)
    power = mean_power(noise)
    if power <= 0.0:
        raise InputError(f"{name} is silent, so it has no level.  Choose another recording.")
    factor = sqrt(wanted / power)
    mixture = np.empty(audio.signal.size)
    for start in range(0, mixture.size, _PIECE):  # a piece at a time stays in the cache
        piece = mixture[start : start + _PIECE]
        np.multiply(noise[start : start + _PIECE], factor, out=piece)
        piece += audio.signal[start : start + _PIECE]
    return audio.with_signal(mixture)


def loop(recording: Signal, size: int, rate: int, generator: np.random.Generator) -> Signal:
    """Cut `size` frames out of a recording from a random place on; it repeats if it is shorter.

    Where it repeats, the end fades into the beginning within 20 ms, since a click would be a sound of
    its own.
    """
    if recording.size > size:
        start = int(generator.integers(recording.size - size + 1))
        return recording[start : start + size].copy()
    fade = min(round(0.02 * rate), recording.size // 2)
    if fade:
        rise = np.sqrt((np.arange(fade) + 0.5) / fade)  # equal power: the two ends are unrelated
        seam = recording[:fade] * rise + recording[-fade:] * rise[::-1]
        recording = np.concatenate([seam, recording[fade:-fade]])
    return np.resize(np.roll(recording, int(generator.integers(recording.size))), size)


def check_frequency(frequency: float, audio: Audio, what: str) -> None:
    """Refuse a frequency that the sample cannot hold."""
    if frequency >= audio.rate / 2:
        raise SampleError(
            f"{what} at {frequency:g} Hz does not fit a sample of {audio.rate} Hz, "
            f"which ends at {audio.rate / 2:g} Hz.",
            reason="unfit_media",
        )
