"""What a ward adds to speech: the room's hum, a steady or gated tone, and the notch against it.

Samples are floats in [-1, 1] at 16 kHz; power is their mean square; levels are in decibels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

Samples = NDArray[np.float64]

SAMPLE_RATE_HZ = 16_000
SPEECH_LEVEL_DB = -26.0  # active speech re full scale, as test material of ITU-T P.56 has it
MARGIN_S = 0.3  # room before and after the speech, so that no voice starts on the first sample
FRAME_S = 0.02
RAMP_S = 0.002  # a hard gate would click, and a click is not at the tone's frequency


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A circumstance an utterance is recognised in; ``None`` means that there is no such thing.

    Parameters
    ----------
    name : str
    tone_hz : float, optional
        Frequency of the tone.
    gate_hz : float, optional
        How often a second the tone is switched on; ``None`` leaves it on.
    snr_db : float, optional
        Active speech over the tone while the tone is on.
    notch_hz : float, optional
        Centre of a notch filter in front of the recogniser.
    """

    name: str
    tone_hz: float | None = None
    gate_hz: float | None = None
    snr_db: float | None = None
    notch_hz: float | None = None


def power(samples: Samples) -> float:
    """Average the squares of the samples."""
    return float(np.mean(np.square(samples)))


def active_power(samples: Samples, *, below_loudest_db: float = 30.0) -> float:
    """Measure the power of speech while somebody speaks.

    The mean over 20 ms frames no more than 30 dB below the loudest, so that the silence an engine
    puts around its sentences does not count. A simple stand-in for ITU-T P.56.

    Parameters
    ----------
    samples : array of shape (n,), n >= 320
    below_loudest_db : float
        Quieter frames than this are pauses.
    """
    frame = round(FRAME_S * SAMPLE_RATE_HZ)
    frames = samples[: samples.size // frame * frame].reshape(-1, frame)
    powers = np.mean(np.square(frames), axis=1)
    return float(np.mean(powers[powers >= powers.max() * decibels_to_ratio(-below_loudest_db)]))


def decibels_to_ratio(level_db: float) -> float:
    """Turn a level into a ratio of powers: 10 dB into 10.0."""
    return float(10.0 ** (level_db / 10.0))


def levelled(speech: Samples) -> Samples:
    """Bring speech to -26 dB re full scale while active, and add 0.3 s of silence at both ends."""
    gain = np.sqrt(decibels_to_ratio(SPEECH_LEVEL_DB) / active_power(speech))
    return np.pad(speech * gain, round(MARGIN_S * SAMPLE_RATE_HZ))


def room_noise(size: int, noise_power: float, generator: np.random.Generator) -> Samples:
    """Draw pink noise from 50 Hz up: as much power in each octave, as ventilation has it.

    Parameters
    ----------
    size : int
        Samples wanted.
    noise_power : float
        Mean square of the result, met exactly.
    generator : numpy.random.Generator
    """
    spectrum = np.fft.rfft(generator.standard_normal(size))
    frequencies_hz = np.fft.rfftfreq(size, 1.0 / SAMPLE_RATE_HZ)
    spectrum[frequencies_hz < 50.0] = 0.0
    shaped = np.fft.irfft(spectrum / np.sqrt(np.maximum(frequencies_hz, 50.0)), size)
    return np.asarray(shaped * np.sqrt(noise_power / power(shaped)))


def tone(size: int, frequency_hz: float, tone_power: float, *, phase: float = 0.0) -> Samples:
    """Make a sine of the given frequency and power; `phase` in cycles, [0, 1)."""
    seconds = np.arange(size) / SAMPLE_RATE_HZ
    cycles = frequency_hz * seconds + phase
    return np.asarray(np.sqrt(2.0 * tone_power) * np.sin(2.0 * np.pi * cycles))


def gate(size: int, rate_hz: float, *, duty: float = 0.5, phase: float = 0.0) -> Samples:
    """Make an envelope in [0, 1] that opens and closes `rate_hz` times a second.

    Parameters
    ----------
    size : int
        Samples wanted.
    rate_hz : float
        Openings per second.
    duty : float
        Share of the time with the envelope above one half.
    phase : float
        Where in its cycle the gate starts, [0, 1); at 0 it is closed.
    """
    seconds = np.arange(size) / SAMPLE_RATE_HZ
    cycle = (seconds * rate_hz + phase) % 1.0
    from_middle_s = np.abs(cycle - 0.5) / rate_hz
    opening = np.clip(0.5 + (duty / (2.0 * rate_hz) - from_middle_s) / RAMP_S, 0.0, 1.0)
    return np.asarray(np.square(np.sin(0.5 * np.pi * opening)))


def notch(samples: Samples, centre_hz: float, *, half_width_hz: float = 200.0) -> Samples:
    """Remove the band around `centre_hz`: a causal Butterworth band-stop of order 2.

    A single pair of zeros would leave the sidebands that a gate gives its tone, and their ticking
    is recognised as words in the pauses; this band has a flat bottom.

    Parameters
    ----------
    samples : array of shape (n,)
    centre_hz, half_width_hz : float
        3 dB are lost at ``centre_hz - half_width_hz`` and ``centre_hz + half_width_hz``.
    """
    band_hz = [centre_hz - half_width_hz, centre_hz + half_width_hz]
    sections = signal.butter(2, band_hz, "bandstop", fs=SAMPLE_RATE_HZ, output="sos")
    return np.asarray(signal.sosfilt(sections, samples), dtype=np.float64)


def alarm(
    size: int, condition: Condition, speech_power: float, *, tone_phase: float, gate_phase: float
) -> Samples:
    """Make the tone of a condition, its level set against the speech; silence if there is none."""
    if condition.tone_hz is None or condition.snr_db is None:
        return np.zeros(size)
    tone_power = speech_power / decibels_to_ratio(condition.snr_db)
    sound = tone(size, condition.tone_hz, tone_power, phase=tone_phase)
    if condition.gate_hz is None:
        return sound
    return sound * gate(size, condition.gate_hz, phase=gate_phase)


def heard(
    speech: Samples, condition: Condition, *, floor_snr_db: float, generator: np.random.Generator
) -> Samples:
    """Mix what the recogniser hears of an utterance under a condition.

    The room's noise and the phases are drawn alike whatever the condition, so two conditions given
    equal generators differ in the tone and the notch and in nothing else.

    Parameters
    ----------
    speech : array of shape (n,)
        At -26 dB, see `levelled`.
    condition : Condition
    floor_snr_db : float
        Active speech over the room's noise.
    generator : numpy.random.Generator
    """
    speech_power = decibels_to_ratio(SPEECH_LEVEL_DB)
    floor_power = speech_power / decibels_to_ratio(floor_snr_db)
    tone_phase, gate_phase = generator.random(2)
    sound = (
        speech
        + room_noise(speech.size, floor_power, generator)
        + alarm(speech.size, condition, speech_power, tone_phase=tone_phase, gate_phase=gate_phase)
    )
    return sound if condition.notch_hz is None else notch(sound, condition.notch_hz)
