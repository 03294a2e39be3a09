"""Sensor and file: noise, compression and resolution.

Noise is drawn by tables of quantiles: of 16 random bits one look-up makes a value, which is several
times as fast as drawing it and exact to 1/65,536 (1/4,096 for shot noise) in probability.
"""

import io
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evenhand.conditions.condition import ConditionDefinition, Parameter, ParameterKind
from evenhand.deferred import special
from evenhand.samples.image import Image, pillow
from evenhand.samples.srgb import Pixels, bytes_of_linear, linear_of_bytes

_SHOT_BITS = 12
#: Above so many photons a Poisson count is normal to within a grey level.
_MANY_PHOTONS = 200_000


def _random_16_bits(generator: np.random.Generator, size: int) -> NDArray[np.uint16]:
    return np.frombuffer(generator.bytes(2 * size), np.dtype("<u2"))


def _gaussian_noise(
    image: Image, generator: np.random.Generator, values: Mapping[str, Any]
) -> Image:
    draws = _random_16_bits(generator, image.pixels.size)
    noisy = _normal_levels(values["sigma"]).take(draws).reshape(image.pixels.shape)
    noisy += image.pixels
    np.clip(noisy, 0, 255, out=noisy)
    return Image(pixels=noisy.astype(np.uint8))


@lru_cache(maxsize=8)
def _normal_levels(sigma: float) -> NDArray[np.int16]:
    """Quantiles of the noise in grey levels, at the middle of 65,536 equal parts."""
    shares = (np.arange(65_536) + 0.5) / 65_536
    levels: NDArray[np.int16] = np.rint(255 * sigma * special.ndtri(shares)).astype(np.int16)
    return levels


def _shot_noise(image: Image, generator: np.random.Generator, values: Mapping[str, Any]) -> Image:
    draws = _random_16_bits(generator, image.pixels.size) >> (16 - _SHOT_BITS)
    places = image.pixels.astype(np.int64).ravel()
    places <<= _SHOT_BITS
    places |= draws
    table = _shot_levels(values["photons"])
    return Image(pixels=table.take(places).reshape(image.pixels.shape))


@lru_cache(maxsize=8)
def _shot_levels(photons: float) -> Pixels:
    """For each byte and each of 4,096 equal parts of probability, the byte that is counted."""
    shares = (np.arange(1 << _SHOT_BITS) + 0.5) / (1 << _SHOT_BITS)
    levels = np.empty((256, shares.size), np.uint8)
    for byte, light in enumerate(linear_of_bytes()):
        levels[byte] = bytes_of_linear(_poisson_quantiles(light * photons, shares) / photons)
    return levels.ravel()


def _poisson_quantiles(mean: float, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    if mean > _MANY_PHOTONS:
        normal: NDArray[np.float64] = np.rint(mean + np.sqrt(mean) * special.ndtri(shares))
        return normal
    reach = 6 * np.sqrt(mean) + 12
    counts = np.arange(max(0, int(mean - reach)), int(mean + reach) + 1)
    found: NDArray[np.float64] = counts[
        np.minimum(np.searchsorted(special.pdtr(counts, mean), shares), counts.size - 1)
    ].astype(np.float64)
    return found


def _jpeg(image: Image, _: np.random.Generator, values: Mapping[str, Any]) -> Image:
    target = io.BytesIO()
    picture = pillow().fromarray(image.pixels)
    picture.save(target, format="JPEG", quality=values["quality"])
    return Image(pixels=np.array(pillow().open(target)))


def _resolution(image: Image, _: np.random.Generator, values: Mapping[str, Any]) -> Image:
    pil = pillow()
    size = (image.width, image.height)
    small = tuple(max(1, round(side * values["factor"])) for side in size)
    picture = pil.fromarray(image.pixels).resize(small, pil.Resampling.BOX)
    return Image(pixels=np.array(picture.resize(size, pil.Resampling.BICUBIC)))


SENSOR = (
    ConditionDefinition(
        name="gaussian_noise",
        kind="image",
        parameters=(
            Parameter(name="sigma", default=0.08, low=0, high=1, unit="of full scale",
                      about="Standard deviation, alike at all brightnesses"),
        ),
        apply=_gaussian_noise,
        about="Noise of the read-out, drawn apart for each pixel and colour",
        source="normal, added to encoded values, rounded and cut to bytes",
    ),
    ConditionDefinition(
        name="shot_noise",
        kind="image",
        parameters=(
            Parameter(name="photons", default=100, low=1, high=1_000_000,
                      about="Photons that a white pixel counts in each colour; fewer are noisier"),
        ),
        apply=_shot_noise,
        about="Little light: photons come one by one, so the shadows are the noisiest",
        source="Poisson counts of the linear light of sRGB (Janesick 2007, doi:10.1117/3.725073)",
    ),
    ConditionDefinition(
        name="jpeg",
        kind="image",
        parameters=(
            Parameter(name="quality", default=15, low=1, high=95, takes=ParameterKind.WHOLE,
                      about="Quality of the quantisation tables; 95 is nearly without loss"),
        ),
        apply=_jpeg,
        about="Compression as messengers and slow networks have it, with colours at half resolution",
        source="ISO/IEC 10918-1 with libjpeg's scale of quality",
    ),
    ConditionDefinition(
        name="resolution",
        kind="image",
        parameters=(
            Parameter(name="factor", default=0.25, low=0.005, high=1,
                      about="Side of the smaller picture over the side of the picture"),
        ),
        apply=_resolution,
        about="A camera with fewer pixels, or a person farther away; scaled up to the size it had",
        source="mean over areas down, bicubic up",
    ),
)  # fmt: skip
