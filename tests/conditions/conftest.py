"""A stand-in for speech: syllables of a buzzing voice with pauses, seeded."""

import numpy as np
import pytest

from evenhand.samples import Audio


def make_voice(seconds=8.0, rate=16_000, seed=1, pitch=120.0):
    rng = np.random.default_rng(seed)
    size = round(seconds * rate)
    time = np.arange(size) / rate
    signal = np.zeros(size)
    for harmonic in range(1, int(0.45 * rate / pitch)):
        strength = 1 / (1 + (harmonic * pitch / 600) ** 2)
        signal += strength * np.sin(2 * np.pi * (harmonic * pitch * time + rng.random()))
    envelope = np.zeros(size)
    at = 0.2
    while at < seconds - 0.4:
        length = rng.uniform(0.12, 0.3)
        inside = (time >= at) & (time < at + length)
        envelope[inside] = np.sin(np.pi * (time[inside] - at) / length) * rng.uniform(0.5, 1)
        at += length + (rng.uniform(0.3, 0.6) if rng.random() < 0.3 else rng.uniform(0.02, 0.08))
    signal *= envelope
    floor = 1e-4 * rng.standard_normal(size)  # digital silence is no recording
    return Audio(signal=0.3 * signal / np.abs(signal).max() + floor, rate=rate)


@pytest.fixture(scope="session")
def voice():
    return make_voice()
