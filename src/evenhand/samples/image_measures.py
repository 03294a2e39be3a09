"""What a picture is like: light, contrast, sharpness, colour; never who is in it."""

from __future__ import annotations

from typing import Final

from evenhand.deferred import numpy as np
from evenhand.samples.image import Image
from evenhand.samples.measure import SampleMeasure
from evenhand.samples.srgb import LUMINANCE, Floats, Pixels, linear_of_bytes

_TO_XYZ: Final = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
_LIGHTNESS = "CIE 15, L* of illuminant D65"
MEASURES = (
    SampleMeasure(
        name="width_px", unit="px", about="Columns of pixels.", undefined="never", source="the file"
    ),
    SampleMeasure(
        name="height_px", unit="px", about="Rows of pixels.", undefined="never", source="the file"
    ),
    SampleMeasure(
        name="brightness",
        unit="L*",
        about="Mean lightness, 0 black to 100 white.",
        undefined="never",
        source=_LIGHTNESS,
    ),
    SampleMeasure(
        name="contrast",
        unit="L*",
        about="Root-mean-square contrast: standard deviation of lightness.",
        undefined="never",
        source=_LIGHTNESS + "; Peli (1990), doi:10.1364/JOSAA.7.002032",
    ),
    SampleMeasure(
        name="sharpness",
        unit="L*²",
        about="Variance of the four-neighbour Laplacian of lightness.  It falls with blur, rises with noise "
        "and depends on the size: compare pictures of one size.",
        undefined="less than 3 × 3 pixels",
        source="Pech-Pacheco et al. (2000), doi:10.1109/ICPR.2000.903548, on lightness",
    ),
    SampleMeasure(
        name="colour_cast",
        unit="CIELAB",
        about="Distance of the mean colour from grey; a red wall has one as red light does.",
        undefined="never",
        source="CIE 15, a* and b* of the mean linear light",
    ),
    SampleMeasure(
        name="black_share",
        unit="",
        about="Share of pixels without any light.",
        undefined="never",
        source="bytes at 0",
    ),
    SampleMeasure(
        name="white_share",
        unit="",
        about="Share of pixels that are full in each colour.",
        undefined="never",
        source="bytes at 255",
    ),
)


def measure_image(image: Image) -> dict[str, float | None]:
    """Measure what a picture is like, as `MEASURES` says.

    Skin tone is read from annotation (`evenhand.samples.annotations`), never from pixels: light,
    camera and make-up change pixels as much as skin does.

    Examples
    --------
    >>> grey = Image(pixels=np.full((8, 8, 3), 119, np.uint8))
    >>> found = measure_image(grey)
    >>> round(found["brightness"]), found["contrast"], round(found["colour_cast"], 3)
    (50, 0.0, 0.0)
    """
    lightness, a, b = _lab(image.pixels)
    return {
        "width_px": float(image.width),
        "height_px": float(image.height),
        "brightness": float(lightness.mean()),
        "contrast": _spread(lightness),
        "sharpness": _sharpness(lightness),
        "colour_cast": float(np.hypot(a, b)),
        "black_share": float((image.pixels.max(axis=2) == 0).mean()),
        "white_share": float((image.pixels.min(axis=2) == 255).mean()),
    }


def _spread(lightness: Floats) -> float:
    # A flat picture gives exactly 0; its mean in floating point need not equal its value.
    return 0.0 if np.ptp(lightness) == 0 else float(lightness.std())


def _sharpness(lightness: Floats) -> float | None:
    if min(lightness.shape) < 3:
        return None
    centre = lightness[1:-1, 1:-1]
    around = lightness[:-2, 1:-1] + lightness[2:, 1:-1] + lightness[1:-1, :-2] + lightness[1:-1, 2:]
    return _spread(around - 4 * centre) ** 2


def _lab(pixels: Pixels) -> tuple[Floats, float, float]:
    """Lightness of each pixel, and a* and b* of the mean linear colour."""
    linear = linear_of_bytes()
    colours = [linear.take(pixels[:, :, channel]) for channel in range(3)]
    luminance = sum(weight * colour for weight, colour in zip(LUMINANCE, colours, strict=True))
    mean = (
        np.array(_TO_XYZ)
        @ np.array([colour.mean() for colour in colours])
        / np.sum(_TO_XYZ, axis=1)
    )
    x, y, z = _cube_root(mean)
    lightness = 116 * _cube_root(np.asarray(luminance)) - 16
    return np.clip(lightness, 0, 100), float(500 * (x - y)), float(200 * (y - z))


def _cube_root(share: Floats) -> Floats:
    low = 216 / 24389  # CIE 15: below, the curve is a line
    return np.where(share > low, np.cbrt(share), (24389 / 27 * share + 16) / 116)
