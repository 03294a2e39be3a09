"""Figures as files of their own: SVG for print and slides, and PNG where a renderer is installed."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from evenhand.errors import InputError
from evenhand.pages.forest import Forest, ForestRow
from evenhand.pages.page import render_page

#: What makes a PNG of an SVG: an extra.
_RENDERER = "resvg_py"
#: Width of a figure; where its rows begin and end between names and numbers.
WIDTH, LEFT, RIGHT, MARGIN = 960, 270, 660, 24
#: Height of a line of text, and of what stands around the lines of a row.
LINE, AROUND = 18, 14
#: Letters that fit beside each other in the widest face: of names, of headings and of what stands below.
NAME, HEADING, NOTE = 26, 68, 105


@dataclass(frozen=True, slots=True, kw_only=True)
class Plots:
    """A forest plot under its heading."""

    heading: str
    forest: Forest


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnRow:
    """A row with the lines of its name, from `y` on; `middle` is where its interval is drawn."""

    row: ForestRow
    lines: tuple[str, ...]
    small: tuple[str, ...]
    y: float
    middle: float
    bottom: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnPanel:
    """A panel with its rows, from `top` to `bottom`."""

    heading: tuple[str, ...]
    forest: Forest
    rows: tuple[DrawnRow, ...]
    y: float
    top: float
    bottom: float


def draw_picture(title: str, panels: Sequence[Plots], notes: Sequence[str]) -> str:
    """An SVG of forest plots one below the other, on white; every text from the data is escaped."""
    titles = textwrap.wrap(title, HEADING)
    y = MARGIN + len(titles) * 1.5 * LINE + AROUND
    drawn = []
    for panel in panels:
        drawn.append(_panel(panel, y))
        y = drawn[-1].bottom + 3 * LINE
    below = [line for note in notes for line in textwrap.wrap(note, NOTE)]
    return render_page(
        "evenhand.pages:forest.svg",
        titles=titles,
        panels=drawn,
        notes=below,
        start=y,
        width=WIDTH,
        height=y + len(below) * LINE + MARGIN,
        left=LEFT,
        across=RIGHT - LEFT,
        margin=MARGIN,
        line=LINE,
    )


def to_png(svg: str, *, zoom: float = 2.0) -> bytes:
    """The picture as PNG, with so many dots for each of its pixels.

    Raises
    ------
    InputError
        Where the renderer is not installed.
    """
    check_png()
    return bytes(import_module(_RENDERER).svg_to_bytes(svg_string=svg, zoom=zoom))


def check_png() -> None:
    """Refuse a PNG where its renderer is not installed."""
    if find_spec(_RENDERER) is None:
        raise InputError(
            "A PNG needs one more package.  Run: pip install 'evenhand[png]', or write a .svg"
        )


def _panel(panel: Plots, y: float) -> DrawnPanel:
    heading = tuple(textwrap.wrap(panel.heading, HEADING + 10))
    top = at = y + len(heading) * 1.2 * LINE
    rows = []
    for row in panel.forest.rows:
        rows.append(_row(row, at))
        at = rows[-1].bottom
    return DrawnPanel(
        heading=heading, forest=panel.forest, rows=tuple(rows), y=y, top=top, bottom=at
    )


def _row(row: ForestRow, y: float) -> DrawnRow:
    lines = tuple(textwrap.wrap(row.name, NAME)) or ("",)
    small = tuple(textwrap.wrap(row.note, NAME + 4))
    height = max(len(lines) + len(small), 2) * LINE + AROUND
    return DrawnRow(
        row=row, lines=lines, small=small, y=y, middle=y + height / 2, bottom=y + height
    )
