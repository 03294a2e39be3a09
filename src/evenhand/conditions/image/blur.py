"""Blur: out of focus, in motion, or by a Gaussian; the point spread is in pixels.

All work on encoded values, as camera pipelines and rivals do: blurring linear light would double the
time and make bright points bloom more. Edges are continued outwards.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evenhand.conditions.condition import ConditionDefinition, Parameter
from evenhand.samples.image import Image, pillow
from evenhand.samples.srgb import Pixels

Sums = NDArray[np.uint16 | np.uint32]


def _gaussian(image: Image, _: np.random.Generator, values: Mapping[str, Any]) -> Image:
    from PIL import ImageFilter  # noqa: PLC0415 - heavy extra

    blur = ImageFilter.GaussianBlur(values["sigma"])
    return Image(pixels=np.array(pillow().fromarray(image.pixels).filter(blur)))


def _motion(image: Image, _: np.random.Generator, values: Mapping[str, Any]) -> Image:
    line = line_of(values["length"], values["angle"])
    return Image(pixels=_mean_of_shifts(image.pixels, line))


def line_of(length: int, angle: float) -> list[tuple[int, int]]:
    """Pixels, as (down, right) of the middle, of a line; one for each step along its longer side."""
    across, up = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    stretch = 1 / max(abs(across), abs(up))
    steps = max(1, round(length / stretch))
    places = (np.arange(steps) - (steps - 1) / 2) * stretch
    down = np.floor(-up * places + 0.5).astype(int).tolist()
    right = np.floor(across * places + 0.5).astype(int).tolist()
    return list(zip(down, right, strict=True))


def _mean_of_shifts(pixels: Pixels, shifts: list[tuple[int, int]]) -> Pixels:
    height, width, _ = pixels.shape
    edge = max(max(abs(down), abs(right)) for down, right in shifts)
    # 255 · 255 fits 16 bits, and no line has more than 255 pixels.
    padded = np.pad(pixels, ((edge, edge), (edge, edge), (0, 0)), mode="edge").astype(np.uint16)
    total = np.zeros(pixels.shape, np.uint16)
    for down, right in shifts:
        top, left = edge + down, edge + right
        total += padded[top : top + height, left : left + width]
    return _divided(total, len(shifts))


def _defocus(image: Image, _: np.random.Generator, values: Mapping[str, Any]) -> Image:
    rows = disc_of(values["radius"])
    height, width, _channels = image.pixels.shape
    area = 2 * sum(2 * half + 1 for half in rows) - (2 * rows[0] + 1)
    # Sums of a row may wrap around, their differences do not; the total must fit.
    kind = np.uint16 if 255 * area < 65_536 else np.uint32
    edge = len(rows) - 1
    padded = np.pad(image.pixels, ((edge, edge), (edge + 1, edge), (0, 0)), mode="edge")
    sums = np.cumsum(padded, axis=1, dtype=kind)
    total = np.zeros(image.pixels.shape, kind)
    for down, half in enumerate(rows):
        right, left = edge + 1 + half, edge - half
        for top in {edge - down, edge + down}:
            band = sums[top : top + height]
            total += band[:, right : right + width]
            total -= band[:, left : left + width]
    return Image(pixels=_divided(total, area))


def disc_of(radius: float) -> list[int]:
    """Half widths of a disc's rows, from its middle down: pixels whose centre lies in it."""
    return [math.isqrt(int(radius**2 - down**2)) for down in range(int(radius) + 1)]


def _divided(total: Sums, count: int) -> Pixels:
    """Mean of each pixel, rounded; a factor takes a third of the time of a whole division."""
    mean = total.astype(np.float32)
    mean *= np.float32(1 / count)
    mean += np.float32(0.5)
    found: Pixels = mean.astype(np.uint8)
    return found


BLUR = (
    ConditionDefinition(
        name="gaussian_blur",
        kind="image",
        parameters=(
            Parameter(name="sigma", default=2, low=0, high=50, unit="px",
                      about="Standard deviation of the point spread"),
        ),
        apply=_gaussian,
        about="A soft lens or a smear on it",
        source="three extended box filters of the same total variance (Gwosdek et al. 2011, "
        "doi:10.1007/978-3-642-24785-9_38), as Pillow does it",
    ),
    ConditionDefinition(
        name="motion_blur",
        kind="image",
        parameters=(
            Parameter(name="length", default=9, low=1, high=255, unit="px",
                      about="Way of the camera during the exposure"),
            Parameter(name="angle", default=0, low=-180, high=180, unit="degrees",
                      about="Its direction, from the right counter-clockwise"),
        ),
        apply=_motion,
        about="A camera or person that moves steadily while the shutter is open",
        source="mean over the pixels of a straight line",
    ),
    ConditionDefinition(
        name="defocus_blur",
        kind="image",
        parameters=(
            Parameter(name="radius", default=4, low=0, high=50, unit="px",
                      about="Radius of the circle of confusion"),
        ),
        apply=_defocus,
        about="A lens that is out of focus: each point becomes an even disc",
        source="mean over the pixels whose centre lies within the radius (circle of confusion)",
    ),
)  # fmt: skip
