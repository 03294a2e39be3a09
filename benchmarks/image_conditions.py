"""Conditions of images at 512 × 512: Evenhand beside imagecorruptions, on one core.

    python benchmarks/image_conditions.py [--rival PYTHON]

imagecorruptions needs OpenCV, scikit-image and numba, so it lives in an environment of its own:
`python -m venv v && v/bin/pip install imagecorruptions "numpy<2" "scikit-image<0.21"
"opencv-python-headless<4.11"` (newer ones break more of it), then `--rival v/bin/python`. Each side runs
in a process of its own that is pinned to one core, on the same seeded picture, at doses that blur,
darken and disturb alike (its severity 3). The clock is CPU time of the process, best of three rounds,
tables of quantiles built beforehand as in a sweep. The target is 50 images/s.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

ROUNDS, IMAGES, SIDE = 3, 12, 512
#: Ours, and the corruption of the same kind at severity 3, by the constants in its source.
PAIRS = {
    "light(stops=-2)": None,
    "gamma(exponent=1.8)": None,
    "contrast(factor=0.2)": "contrast",
    "gaussian_blur(sigma=3)": "gaussian_blur",
    "motion_blur(length=15, angle=30)": "motion_blur",
    "defocus_blur(radius=6)": "defocus_blur",
    "gaussian_noise(sigma=0.18)": "gaussian_noise",
    "shot_noise(photons=12)": "shot_noise",
    "jpeg(quality=15)": "jpeg_compression",
    "resolution(factor=0.4)": "pixelate",
    "occlusion(share=0.1)": None,
    "haze(visibility=300)": "fog",
    "rotation(angle=10)": None,
}


def picture() -> np.ndarray:
    """Smooth patches with grain: neither flat nor all noise."""
    rng = np.random.default_rng(7)
    coarse = np.kron(rng.random((16, 16, 3)), np.ones((SIDE // 16, SIDE // 16, 1)))
    grain = rng.normal(0, 0.03, (SIDE, SIDE, 3))
    return np.rint(255 * np.clip(coarse + grain, 0, 1)).astype(np.uint8)


def ours() -> dict[str, Callable[[int], object]]:
    from evenhand.conditions.expression import read_condition
    from evenhand.conditions.image import IMAGE
    from evenhand.samples.image import Image

    image, known = Image(pixels=picture()), {definition.name: definition for definition in IMAGE}
    conditions = {text: read_condition(text, known) for text in PAIRS}
    return {text: lambda seed, c=c: c.apply(image, seed) for text, c in conditions.items()}


def rival() -> dict[str, Callable[[int], object]]:
    from imagecorruptions import corrupt

    pixels = picture()
    return {
        text: lambda _, name=name: corrupt(pixels, corruption_name=name, severity=3)
        for text, name in PAIRS.items()
        if name
    }


def rates(methods: dict[str, Callable[[int], object]]) -> dict[str, float | str]:
    """Images a CPU second, or the error where a method fails."""
    found: dict[str, float | str] = {}
    for name, method in methods.items():
        try:
            method(0)
            found[name] = max(rate(method) for _ in range(ROUNDS))
        except Exception as error:  # noqa: BLE001 - a rival's failure is a result
            found[name] = f"{type(error).__name__}: {error}"[:60]
    return found


def rate(method: Callable[[int], object]) -> float:
    start = time.process_time()
    for seed in range(IMAGES):
        method(seed)
    return IMAGES / (time.process_time() - start)


def measure(python: str, side: str) -> dict[str, float | str]:
    one_thread = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    command = [python, __file__, "--measure", side]
    out = subprocess.run(
        command, env=os.environ | one_thread, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    return json.loads(out.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rival", metavar="PYTHON", help="interpreter that has imagecorruptions")
    parser.add_argument("--measure", choices=("ours", "rival"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        print(json.dumps(rates({"ours": ours, "rival": rival}[options.measure]())))
        return
    found = measure(sys.executable, "ours")
    other = measure(options.rival, "rival") if options.rival else {}
    print(
        f"{'images/s, 512 × 512, one core':36}{'evenhand':>10}{'imagecorruptions':>20}{'ratio':>8}"
    )
    for name, speed in found.items():
        theirs = other.get(name)
        told = f"{theirs:.1f}" if isinstance(theirs, float) else theirs or "–"
        ratio = f"{speed / theirs:.1f}x" if isinstance(theirs, float) else ""
        print(f"{name:36}{speed:10.0f}{told:>20}{ratio:>8}")


if __name__ == "__main__":
    main()
