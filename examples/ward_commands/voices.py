"""Synthetic voices: flite and espeak-ng, asked through their command lines."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np
import soundfile  # type: ignore[import-untyped]
from scipy import signal
from tones import SAMPLE_RATE_HZ, Samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A voice of a speech synthesiser.

    Parameters
    ----------
    name : str
        As its engine knows it, such as ``slt`` or ``en-029+f2``.
    engine : str
        ``flite`` or ``espeak-ng``, which is also the name of its program.
    accent, gender : str
        As the voice's makers label it.
    """

    name: str
    engine: str
    accent: str
    gender: str

    def command(self, text: str, wav: Path) -> list[str]:
        """Write the command line that speaks `text` into the file `wav`."""
        match self.engine:
            case "flite":
                return ["flite", "-voice", self.name, "-t", text, "-o", str(wav)]
            case "espeak-ng":
                return ["espeak-ng", "-v", self.name, "-w", str(wav), text]
        raise ValueError(f"Unknown engine {self.engine!r}. Engines: flite, espeak-ng.")


def missing_engines(voices: list[Voice]) -> list[str]:
    """Name the engines of these voices that are not installed, sorted."""
    return sorted({voice.engine for voice in voices if shutil.which(voice.engine) is None})


def speak(voice: Voice, text: str) -> Samples:
    """Speak `text` in this voice: floats in [-1, 1] at 16 kHz.

    Every call starts a fresh process, because espeak-ng's breath noise makes a sentence depend on
    the sentences that the same process spoke before.

    Raises
    ------
    subprocess.CalledProcessError
        When the engine fails; its words are in ``stderr``.
    """
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "speech.wav"
        subprocess.run(voice.command(text, wav), check=True, capture_output=True)
        samples, rate_hz = soundfile.read(wav, dtype="float64")
    return resampled(samples, rate_hz)


def resampled(samples: Samples, rate_hz: int) -> Samples:
    """Bring samples to 16 kHz."""
    divisor = gcd(rate_hz, SAMPLE_RATE_HZ)
    return np.asarray(
        signal.resample_poly(samples, SAMPLE_RATE_HZ // divisor, rate_hz // divisor),
        dtype=np.float64,
    )
