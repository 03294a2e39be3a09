"""An image as red, green and blue bytes, and how it is read and written."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from evenhand.deferred import numpy as np
from evenhand.errors import InputError
from evenhand.samples.sample import SampleError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Pixels: TypeAlias = "NDArray[np.uint8]"

#: 8 bits of each of three colours of so many pixels are 200 MB.
MAX_PIXELS: Final = 67_108_864
#: No picture of that many pixels has a larger file.
MAX_BYTES: Final = 8 * MAX_PIXELS
#: Files of these formats are opened; the others of Pillow start programs or are rarely tested.
FORMATS: Final = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
#: What Pillow raises on damaged files; it warns of some, and warnings may be errors.
_BROKEN: Final = (OSError, ValueError, SyntaxError, TypeError, IndexError, EOFError, Warning)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Image:
    """Pixels as a service sees them.

    Parameters
    ----------
    pixels : array of uint8, shape (height, width, 3)
        Red, green and blue, encoded as sRGB.
    """

    pixels: Pixels

    def __post_init__(self) -> None:
        shape = self.pixels.shape
        if self.pixels.dtype != np.uint8 or len(shape) != 3 or shape[2] != 3 or 0 in shape:
            raise InputError(
                f"An image is bytes of shape (height, width, 3), not {self.pixels.dtype} of {shape}."
            )

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns of pixels."""
        return int(self.pixels.shape[1])


def pillow() -> Any:
    """Pillow's `Image` module, or an error that says what to install."""
    try:
        import PIL.Image  # noqa: PLC0415 - heavy extra
    except ImportError:
        raise InputError(
            "Images need one more package.  Run: pip install 'evenhand[image]'"
        ) from None
    return PIL.Image


def read_image(source: Path | bytes) -> Image:
    """Read a picture as a person would see it, in 8-bit red, green and blue.

    It is turned as its EXIF orientation says; what is transparent stands before white; grey, palette
    and CMYK become RGB (CMYK by Pillow's plain formula, not by a printer's profile); 16-bit grey
    keeps its upper 8 bits. An embedded colour profile is not applied, as most services apply none.

    Parameters
    ----------
    source : Path or bytes
        File of one of `FORMATS`, or its content.

    Raises
    ------
    SampleError
        With reason ``missing_media``, ``empty_media``, ``too_large_media``, or ``unreadable_media``:
        no image, broken off, damaged, several frames, or numbers of which no white is known
        (floats and 32-bit integers).
    """
    pil = pillow()
    content, name = _content(source)
    try:
        picture = pil.open(io.BytesIO(content), formats=FORMATS)
    except (pil.DecompressionBombError, pil.DecompressionBombWarning):
        raise _too_large(name, "more pixels than Pillow opens") from None
    except _BROKEN as error:
        raise SampleError(
            f"{name} is no image that can be read ({', '.join(FORMATS)}): {error}"[:300],
            reason="unreadable_media",
        ) from None
    try:
        with picture:
            _refuse(picture, name)
            return Image(pixels=_rgb(picture))
    except _BROKEN as error:
        raise SampleError(
            f"{name} breaks off or is damaged: {error}"[:300], reason="unreadable_media"
        ) from None


def _content(source: Path | bytes) -> tuple[bytes, str]:
    if isinstance(source, bytes):
        content, name = source, "The image"
    else:
        name = str(source)
        try:
            size = Path(source).stat().st_size
            if size > MAX_BYTES:
                raise _too_large(name, f"{size:,} bytes")
            content = Path(source).read_bytes()
        except OSError as error:
            raise SampleError(
                f"{name}: {error.strerror or error}", reason="missing_media"
            ) from None
    if not content:
        raise SampleError(f"{name} is empty (0 bytes).", reason="empty_media")
    return content, name


def _refuse(picture: Any, name: str) -> None:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise _too_large(name, f"{width:,} × {height:,} pixels")
    frames = getattr(picture, "n_frames", 1)
    if frames > 1 and picture.format != "MPO":  # a phone's MPO holds one photo and its by-products
        raise SampleError(
            f"{name} has {frames} frames; a sample is one picture.  Save the frame that you mean.",
            reason="unreadable_media",
        )
    if picture.mode in {"I", "F"}:
        raise SampleError(
            f"{name} holds 32-bit numbers, of which no white is known.  Save it with 8 or 16 bits.",
            reason="unreadable_media",
        )


def _too_large(name: str, size: str) -> SampleError:
    return SampleError(
        f"{name} has {size}; at most {MAX_PIXELS:,} pixels ({MAX_BYTES:,} bytes) are read.  Make it smaller.",
        reason="too_large_media",
    )


def _rgb(picture: Any) -> Pixels:
    from PIL import ImageOps  # noqa: PLC0415 - heavy extra

    picture.load()
    upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I;16"):
        grey = (np.asarray(upright).astype(np.uint16) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
        white = pillow().new("RGBA", upright.size, "white")
        upright = pillow().alpha_composite(white, upright)
    return np.array(upright.convert("RGB"))


def write_image(
    image: Image,
    format: Literal["png", "jpeg", "webp"] = "png",  # noqa: A002 - the word of every image library
    *,
    quality: int = 95,
) -> bytes:
    """Write an image; only ``png`` gives the same pixels back.

    Parameters
    ----------
    image : Image
    format : str
    quality : int
        1 to 95, where the format has one.
    """
    target = io.BytesIO()
    options = {} if format == "png" else {"quality": quality}
    pillow().fromarray(image.pixels).save(target, format=format.upper(), **options)
    return target.getvalue()
