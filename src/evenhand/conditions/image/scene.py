"""The scene: what stands before the lens, haze, and a camera that is held askew."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from evenhand.conditions.condition import ConditionDefinition, Parameter
from evenhand.conditions.image.light import look_up
from evenhand.samples.image import Image, pillow
from evenhand.samples.srgb import bytes_of_linear, linear_of_bytes

#: Contrast that is still seen defines the visibility: ln(1 / 0.02).
_KOSCHMIEDER = math.log(50)


def _occlusion(image: Image, generator: np.random.Generator, values: Mapping[str, Any]) -> Image:
    pixels = image.pixels.copy()
    side = math.sqrt(values["share"])
    height, width = round(image.height * side), round(image.width * side)
    top = int(generator.integers(image.height - height + 1))
    left = int(generator.integers(image.width - width + 1))
    pixels[top : top + height, left : left + width] = round(values["grey"] * 255)
    return Image(pixels=pixels)


def _haze(image: Image, _: np.random.Generator, values: Mapping[str, Any]) -> Image:
    distances = np.linspace(values["far"], values["near"], image.height)
    through = np.exp(-_KOSCHMIEDER * distances / values["visibility"])[:, None]
    tables = bytes_of_linear(linear_of_bytes() * through + values["airlight"] * (1 - through))
    rows = [look_up(row, table) for row, table in zip(image.pixels, tables, strict=True)]
    return Image(pixels=np.stack(rows))


def _rotation(image: Image, _: np.random.Generator, values: Mapping[str, Any]) -> Image:
    pil = pillow()
    turned = pil.fromarray(image.pixels).rotate(values["angle"], resample=pil.Resampling.BILINEAR)
    return Image(pixels=np.array(turned))


SCENE = (
    ConditionDefinition(
        name="occlusion",
        kind="image",
        parameters=(
            Parameter(name="share", default=0.1, low=0, high=1, unit="of the area",
                      about="How much is hidden, to the nearest whole pixel of each side"),
            Parameter(name="grey", default=0.5, low=0, high=1,
                      about="Encoded brightness of what hides it: 0 black, 1 white"),
        ),
        apply=_occlusion,
        about="Something flat before the lens, of the picture's own shape, at a place drawn evenly",
        source="as Random Erasing (Zhong et al. 2020, doi:10.1609/aaai.v34i07.7000), of one size",
    ),
    ConditionDefinition(
        name="haze",
        kind="image",
        parameters=(
            Parameter(name="visibility", default=300, low=1, high=100_000, unit="m",
                      about="Distance at which 2 % of the contrast is left"),
            Parameter(name="far", default=100, low=0, high=100_000, unit="m",
                      about="Distance of what the top row shows"),
            Parameter(name="near", default=100, low=0, high=100_000, unit="m",
                      about="Distance of what the bottom row shows; rows between are between"),
            Parameter(name="airlight", default=0.8, low=0, high=1, unit="of white",
                      about="Linear light of the haze itself"),
        ),
        apply=_haze,
        about="Fog, smoke or dust between camera and scene",
        source="Koschmieder 1924: light · t + airlight · (1 - t), t = exp(-3.912 distance / visibility)",
    ),
    ConditionDefinition(
        name="rotation",
        kind="image",
        parameters=(
            Parameter(name="angle", default=10, low=-180, high=180, unit="degrees",
                      about="Counter-clockwise about the middle"),
        ),
        apply=_rotation,
        about="A camera or page held askew; corners that come into view are black",
        source="bilinear, at the size it had",
    ),
)  # fmt: skip
