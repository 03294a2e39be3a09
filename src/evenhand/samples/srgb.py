"""Bytes of sRGB, and the linear light that they stand for."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

from evenhand.deferred import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Pixels: TypeAlias = "NDArray[np.uint8]"
Floats: TypeAlias = "NDArray[np.float64]"

#: Relative luminance of linear sRGB (IEC 61966-2-1, ITU-R BT.709).
LUMINANCE: Final = (0.2126, 0.7152, 0.0722)


@cache
def linear_of_bytes() -> Floats:
    """Linear light, 0 to 1, of each sRGB byte (IEC 61966-2-1); shape (256,)."""
    encoded = np.arange(256) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    linear.setflags(write=False)
    return linear


def bytes_of_linear(linear: Floats) -> Pixels:
    """Bytes in sRGB of linear light, cut to 0 to 1 and rounded; the inverse of `linear_of_bytes`."""
    light = np.clip(linear, 0, 1)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    rounded: Pixels = np.rint(encoded * 255).astype(np.uint8)
    return rounded
