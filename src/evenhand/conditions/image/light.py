"""Light, gamma and contrast: each byte has one image, so a table of 256 does all of it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from evenhand.conditions.condition import ConditionDefinition, Parameter
from evenhand.samples.image import Image
from evenhand.samples.srgb import LUMINANCE, Floats, Pixels, bytes_of_linear, linear_of_bytes


def look_up(pixels: Pixels, table: Pixels) -> Pixels:
    """Replace each byte by its entry of a table of 256.

    `bytes.translate` takes a tenth of the time of indexing an array by an array.
    """
    translated = np.ascontiguousarray(pixels).tobytes().translate(table.tobytes())
    return np.frombuffer(translated, np.uint8).reshape(pixels.shape).copy()


def to_bytes(encoded: Floats) -> Pixels:
    """Encoded values, 0 to 1, cut and rounded to bytes."""
    found: Pixels = np.rint(np.clip(encoded, 0, 1) * 255).astype(np.uint8)
    return found


def _light(image: Image, _: np.random.Generator, values: Mapping[str, Any]) -> Image:
    table = bytes_of_linear(linear_of_bytes() * 2.0 ** values["stops"])
    return Image(pixels=look_up(image.pixels, table))


def _gamma(image: Image, _: np.random.Generator, values: Mapping[str, Any]) -> Image:
    table = to_bytes((np.arange(256) / 255) ** values["exponent"])
    return Image(pixels=look_up(image.pixels, table))


def _contrast(image: Image, _: np.random.Generator, values: Mapping[str, Any]) -> Image:
    counts = [np.bincount(image.pixels[:, :, c].ravel(), minlength=256) for c in range(3)]
    grey = [count @ np.arange(256) / count.sum() / 255 for count in counts]
    middle = float(np.dot(LUMINANCE, grey))
    table = to_bytes(middle + (np.arange(256) / 255 - middle) * values["factor"])
    return Image(pixels=look_up(image.pixels, table))


LIGHT = (
    ConditionDefinition(
        name="light",
        kind="image",
        parameters=(
            Parameter(name="stops", default=-2, low=-8, high=4, unit="EV",
                      about="Change of exposure: -1 halves the light, +1 doubles it"),
        ),
        apply=_light,
        about="Less or more light on the scene, without a camera that makes up for it; "
        "what grows too bright is cut at white",
        source="2^stops times the linear light of sRGB (IEC 61966-2-1)",
    ),
    ConditionDefinition(
        name="gamma",
        kind="image",
        parameters=(
            Parameter(name="exponent", default=1.8, low=0.1, high=10,
                      about="Power of the encoded value: above 1 darkens the middle tones"),
        ),
        apply=_gamma,
        about="A screen or camera whose tone curve is not the one expected; black and white stay",
        source="Poynton, Digital Video and HD, 2012: encoded value, 0 to 1, raised to the exponent",
    ),
    ConditionDefinition(
        name="contrast",
        kind="image",
        parameters=(
            Parameter(name="factor", default=0.4, low=0, high=8,
                      about="Factor on each encoded value's distance from the mean luma"),
        ),
        apply=_contrast,
        about="Flatter or harsher tones about the picture's own mean",
        source="root-mean-square contrast times factor (Peli 1990, doi:10.1364/JOSAA.7.002032)",
    ),
)  # fmt: skip
