"""Audio conditions on one minute of 16 kHz speech: Evenhand beside audiomentations.

    python benchmarks/audio_conditions.py [SECONDS]      (default 60)

Prints how many seconds of audio one second of CPU time changes, the best of several runs, and the
bar that the Trials issue sets.  Everything a condition does is on the clock: measuring the active
speech level, drawing the noise, encoding and decoding.  The rival's transforms are those nearest in
meaning; they set levels against the whole clip's power, and none makes a gated tone.  Install it
into an environment of its own (pip install audiomentations evenhand[audio]); it is left out where it
is not installed.  Beside the codecs stands soundfile alone, which writes and reads a signal that has
the codec's rate already: no harness can be faster than that.
"""

import argparse
import importlib.util
import io
import time
from collections.abc import Callable

import numpy as np

RATE = 16_000
BARS = {
    "tone(frequency=1000, rate=16)": 2000,
    "tone(frequency=700, rate=10, harmonics=8)": None,
    "noise(snr=10)": 5000,
    "noise(snr=10, colour=pink)": None,
    "noise(snr=10, colour=speech)": None,
    "band": 5000,
    "microphone": None,
    "notch(frequency=1000)": None,
    "reverberation(rt60=0.6)": 800,
    "mu_law": None,
    "gsm": 500,
    "opus(bit_rate=16)": 35,
    "packet_loss(share=0.1, burst=2)": None,
    "clipping(share=0.1)": None,
    "speed(factor=1.1)": None,
    "tempo(factor=1.1)": None,
    "pitch(semitones=2)": None,
}
RIVALS = {
    "noise(snr=10)": ("AddGaussianSNR", {"min_snr_db": 10, "max_snr_db": 10}),
    "noise(snr=10, colour=pink)": (
        "AddColorNoise",
        {"min_snr_db": 10, "max_snr_db": 10, "min_f_decay": -3, "max_f_decay": -3},
    ),
    "band": (
        "BandPassFilter",
        {"min_center_freq": 1000, "max_center_freq": 1001, "min_rolloff": 12, "max_rolloff": 12},
    ),
    "clipping(share=0.1)": (
        "ClippingDistortion",
        {"min_percentile_threshold": 10, "max_percentile_threshold": 10},
    ),
    "tempo(factor=1.1)": ("TimeStretch", {"min_rate": 1.1, "max_rate": 1.1}),
    "pitch(semitones=2)": ("PitchShift", {"min_semitones": 2, "max_semitones": 2}),
}
CODECS = {
    "mu_law": (8_000, "WAV", "ULAW", None),
    "gsm": (8_000, "WAV", "GSM610", None),
    "opus(bit_rate=16)": (16_000, "OGG", "OPUS", 0.96),
}


def make_speech(seconds: float) -> np.ndarray:
    """Seeded stand-in for speech: noise with syllables and pauses."""
    rng = np.random.default_rng(7)
    size = round(seconds * RATE)
    syllables = np.repeat(rng.lognormal(-3, 1, size // 3200 + 1), 3200)[:size]
    return 0.3 * np.minimum(syllables, 1) * rng.standard_normal(size)


def times_real_time(run: Callable[[], object], seconds: float) -> float:
    run()  # imports and caches
    best = np.inf
    deadline = time.perf_counter() + 2.0
    for number in range(20):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
        if number >= 2 and time.perf_counter() > deadline:
            break
    return seconds / best


def rival(text: str, signal: np.ndarray) -> Callable[[], object] | None:
    if text in CODECS:
        return codec_alone(signal, *CODECS[text])
    if importlib.util.find_spec("audiomentations") is None or text not in RIVALS:
        return None
    import audiomentations

    name, options = RIVALS[text]
    transform = getattr(audiomentations, name)(p=1.0, **options)
    samples = signal.astype(np.float32)
    return lambda: transform(samples=samples, sample_rate=RATE)


def codec_alone(
    signal: np.ndarray, rate: int, major: str, subtype: str, level: float | None
) -> Callable[[], object]:
    import soundfile
    import soxr

    narrow = soxr.resample(signal, RATE, rate)

    def run() -> object:
        stream = io.BytesIO()
        options = {"format": major, "subtype": subtype, "compression_level": level}
        soundfile.write(stream, narrow, rate, **options)
        stream.seek(0)
        return soundfile.read(stream)

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seconds", nargs="?", type=float, default=60.0)
    seconds = parser.parse_args().seconds
    from evenhand.conditions import parse_condition
    from evenhand.samples import Audio

    signal = make_speech(seconds)
    audio = Audio(signal=signal, rate=RATE)
    print(f"{'condition':44}{'× real time':>12}{'bar':>8}{'rival':>10}{'ratio':>8}")
    for text, bar in BARS.items():
        condition = parse_condition(text)
        speed = times_real_time(lambda condition=condition: condition.apply(audio, 1), seconds)
        other = rival(text, signal)
        theirs = times_real_time(other, seconds) if other else None
        compared = f"{theirs:10,.0f}{speed / theirs:8.2f}" if theirs else f"{'–':>10}{'–':>8}"
        verdict = "" if bar is None else f"{bar:,}{' ok' if speed >= bar else ' MISSED'}"
        print(f"{text:44}{speed:12,.0f}{verdict:>12}{compared}", flush=True)


if __name__ == "__main__":
    main()
