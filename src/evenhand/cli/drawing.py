"""Figures as files: SVG, or PNG where its renderer is installed; what cannot be drawn is refused before the work."""

from pathlib import Path

from evenhand.deferred import Deferred
from evenhand.errors import InputError
from evenhand.records.output import write_bytes, write_text

#: Draws, which most runs do without.
_PICTURE = Deferred("evenhand.pages.picture")


def check_figure(path: Path | None) -> None:
    """Refuse a figure of another kind, or a PNG that nothing here can make."""
    if path is None:
        return
    kind = path.suffix.lower()
    if kind not in (".svg", ".png"):
        raise InputError(f"--figure {path} must end in .svg or .png.")
    if kind == ".png":
        _PICTURE.check_png()


def write_figure(path: Path, drawn: str) -> None:
    """Write an SVG, as PNG where the file's name asks for it."""
    if path.suffix.lower() == ".png":
        write_bytes(path, _PICTURE.to_png(drawn))
    else:
        write_text(path, drawn)
