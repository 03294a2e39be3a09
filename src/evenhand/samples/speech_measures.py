"""What a recording of speech is like: level, noise, bandwidth, clipping, echo, pace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evenhand.deferred import numpy as np
from evenhand.errors import InputError
from evenhand.samples.measure import SampleMeasure
from evenhand.samples.reverberation import reverberation_seconds
from evenhand.samples.speech_level import SpeechLevel, block_means, speech_level
from evenhand.samples.waveform import Audio, Signal, to_decibels

if TYPE_CHECKING:
    from numpy.typing import NDArray

MEASURES = (
    SampleMeasure(
        name="duration_s",
        unit="s",
        about="Duration.",
        undefined="never",
        source="frames over sampling rate",
    ),
    SampleMeasure(
        name="sampling_rate_hz",
        unit="Hz",
        about="Frames per second of the file.",
        undefined="never",
        source="the file's header",
    ),
    SampleMeasure(
        name="speech_level_db",
        unit="dB re full scale",
        about="Active speech level: mean square while somebody speaks.",
        undefined="silence",
        source="ITU-T P.56 (12/2011), method B",
    ),
    SampleMeasure(
        name="speech_share",
        unit="",
        about="Activity factor: share of the time with speech.",
        undefined="silence",
        source="ITU-T P.56 (12/2011), method B",
    ),
    SampleMeasure(
        name="snr_db",
        unit="dB",
        about="Signal-to-noise ratio: power of the frames above the noise over the power in pauses. "
        "An estimate; it assumes steady noise and pauses of at least a tenth of the time.",
        undefined="silence, no pause, or pauses of digital silence",
        source="after the NIST Speech Quality Assurance package's stnr: low percentile of 20 ms frames",
    ),
    SampleMeasure(
        name="bandwidth_hz",
        unit="Hz",
        about="Highest frequency whose power density is within 60 dB of the strongest; a sharp edge is "
        "found about 80 Hz too high.",
        undefined="silence, or less than 64 ms",
        source="long-term spectrum, Welch (1967), doi:10.1109/TAU.1967.1161901",
    ),
    SampleMeasure(
        name="clipping_share",
        unit="",
        about="Share of frames in runs of three or more that stay at the largest magnitude.",
        undefined="silence",
        source="our own definition: flat tops of the wave form",
    ),
    SampleMeasure(
        name="reverberation_s",
        unit="s",
        about="Reverberation time RT60 of the room, from the steepest falls of the level.  A blind estimate, "
        "good for ordering rooms: dry voices give about 0.3 s, long times come out short, and steady noise "
        "makes it too long.",
        undefined="less than 1 s, or nothing dies away",
        source="RT60: ISO 3382-2; distribution of decay rates: Wen, Habets & Naylor (2008), "
        "doi:10.1109/ICASSP.2008.4517613",
    ),
    SampleMeasure(
        name="words_per_second",
        unit="1/s",
        about="Words over the time from the first to the last speech.",
        undefined="no number of words given, or silence",
        source="speaking rate, pauses within speech included",
    ),
)

_FRAME_S = 0.02
_HANGOVER_S = 0.2
_NOISE_QUANTILE = 0.1
_BAND_FRAME_S = 0.064
_BAND_DEPTH_DB = 60.0
_BLOCK_S = 0.005


def measure_audio(audio: Audio, words: int | None = None) -> dict[str, float | None]:
    """Measure a recording of speech.

    Nothing about the person is inferred: no gender, age, accent or origin.

    Parameters
    ----------
    audio : Audio
    words : int, optional
        How many words are spoken, from the reference.

    Returns
    -------
    dict
        One value per `MEASURES`, `None` where it is undefined.
    """
    if words is not None and (isinstance(words, bool) or words < 0 or words != int(words)):
        raise InputError(f"words is {words!r}.  Allowed: whole numbers from 0")
    level = speech_level(audio)
    values: dict[str, float | None] = dict.fromkeys(measure.name for measure in MEASURES)
    values["duration_s"] = audio.seconds
    values["sampling_rate_hz"] = float(audio.rate)
    if level is None:
        return values
    signal = audio.signal - audio.signal.mean()
    values["speech_level_db"] = to_decibels(level.power)
    values["speech_share"] = level.active_share
    values["snr_db"] = signal_to_noise_db(signal, audio.rate)
    values["bandwidth_hz"] = bandwidth_hz(signal, audio.rate)
    values["clipping_share"] = clipping_share(audio.signal)
    values["reverberation_s"] = reverberation_seconds(audio)
    values["words_per_second"] = None if words is None else _pace(words, level, audio)
    return values


def signal_to_noise_db(signal: Signal, rate: int) -> float | None:
    """Estimate the signal-to-noise ratio; `None` where there is no pause to hear the noise in.

    Parameters
    ----------
    signal : array of shape (frames,)
        Without its mean.
    rate : int

    Notes
    -----
    Noise is the tenth percentile of the power of 20 ms frames, digital silence left out; speech is the
    mean of the frames 3 dB above it and of the 0.2 s after each, less the noise.  Four voices with
    white noise at 0, 5, 10 and 20 dB were measured within 1, 0.5, 0.5 and 2 dB; above, the recording's
    own pauses set the limit, at 23 to 40 dB.
    """
    size = max(1, round(_FRAME_S * rate))
    powers = block_means(np.square(signal), size)
    silent = powers <= 1e-12
    if silent.mean() > _NOISE_QUANTILE or powers.size < 10:
        return None
    noise = float(np.quantile(powers[~silent], _NOISE_QUANTILE))
    loud = powers > 2.0 * noise
    held = np.convolve(loud, np.ones(round(_HANGOVER_S / _FRAME_S) + 1))[: loud.size] > 0.5
    ratio = float(powers[held].mean()) / noise - 1.0 if held.any() else 0.0
    return to_decibels(ratio) if ratio > 0.0 else None


def bandwidth_hz(signal: Signal, rate: int) -> float | None:
    """Highest frequency of the long-term spectrum within 60 dB of its peak."""
    size = round(_BAND_FRAME_S * rate)
    if signal.size < size:
        return None
    density = long_term_spectrum(signal, size)
    strong = np.flatnonzero(density >= density.max() * 10 ** (-_BAND_DEPTH_DB / 10))
    return float(strong[-1] * rate / size)


def long_term_spectrum(signal: Signal, size: int) -> NDArray[np.float64]:
    """Mean power spectrum over Hann windows of `size` frames that overlap by half.

    Parameters
    ----------
    signal : array of shape (frames,), frames >= size
    size : int

    Returns
    -------
    array of shape (size // 2 + 1,)
    """
    window = np.hanning(size + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(signal, size)[:: max(1, size // 2)]
    total = np.zeros(size // 2 + 1)
    for start in range(0, len(frames), 1024):  # long recordings would not fit in one piece
        spectra = np.fft.rfft(frames[start : start + 1024] * window)
        total += np.square(np.abs(spectra)).sum(axis=0)
    return np.asarray(total / len(frames))


def clipping_share(signal: Signal) -> float | None:
    """Share of frames in runs of at least three at the largest magnitude, either sign."""
    peak = float(np.abs(signal).max(initial=0.0))
    if peak <= 0.0:
        return None
    clipped = 0
    for side in (signal, -signal):
        top = side.max()
        if top >= 0.5 * peak:
            clipped += _in_runs(side >= top * (1.0 - 1e-6), 3)
    return clipped / signal.size


def _in_runs(flags: NDArray[np.bool_], shortest: int) -> int:
    """How many flags are set in runs of at least `shortest`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    lengths = edges[1::2] - edges[::2]
    return int(lengths[lengths >= shortest].sum())


def _pace(words: int, level: SpeechLevel, audio: Audio) -> float | None:
    """Words per second between the first and the last active block."""
    active = np.flatnonzero(level.active)
    if not active.size:
        return None
    span = min((active[-1] - active[0] + 1) * _BLOCK_S, audio.seconds)
    return words / float(span)
