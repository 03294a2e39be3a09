"""Figures as files of their own: SVG for print and slides, and PNG where a renderer is installed."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from evenhand.errors import InputError
from evenhand.pages import layout
from evenhand.pages.curves import Panel
from evenhand.pages.forest import Forest
from evenhand.pages.heat import Heat
from evenhand.pages.layout import LEFT, LINE, MARGIN, RIGHT, WIDTH, wrapped
from evenhand.pages.page import render_page
from evenhand.pages.scatter import Scatter

#: What makes a PNG of an SVG: an extra.
_RENDERER = "resvg_py"
#: Letters of a title, of a heading and of what stands below that fit beside each other in the widest face.
TITLE, HEADING, NOTE = 68, 78, 105


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure under its heading; `across` says what its horizontal axis is."""

    heading: str
    drawn: Forest | Scatter | Heat | tuple[Panel, ...]
    across: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A figure laid out from `y` on, by a macro of the template with what it takes."""

    heading: tuple[str, ...]
    y: float
    top: float
    form: str
    drawn: Any
    places: dict[str, Any]


def draw_picture(title: str, figures: Sequence[Figure], notes: Sequence[str]) -> str:
    """An SVG of figures one below the other, on white; every text from the data is escaped."""
    titles = wrapped(title, TITLE)
    y = MARGIN + len(titles) * 1.5 * LINE + 14
    parts = []
    for figure in figures:
        part, y = _part(figure, y)
        parts.append(part)
    below = [line for note in notes for line in wrapped(note, NOTE)]
    return render_page(
        "evenhand.pages:picture.svg",
        titles=titles,
        parts=parts,
        notes=below,
        start=y,
        width=WIDTH,
        height=y + len(below) * LINE + MARGIN,
        left=LEFT,
        reach=RIGHT - LEFT,
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


def _part(figure: Figure, y: float) -> tuple[Part, float]:
    """A figure laid out, and where the next one begins."""
    heading = wrapped(figure.heading, HEADING)
    drawn = figure.drawn
    places: dict[str, Any] = {"across": figure.across}
    if isinstance(drawn, Forest):
        form = "forest"
        rows, height = layout.place_rows(drawn)
        places |= {"rows": rows, "height": height}
        height += LINE
    elif isinstance(drawn, Scatter):
        form, height = "scatter", layout.scatter_height(drawn)
    elif isinstance(drawn, Heat):
        form = "heat"
        cells, texts, height = layout.place_cells(drawn)
        places |= {"cells": cells, "texts": texts, "wide": layout.cell_width(drawn)}
    else:
        form = "curves"
        charts, height = layout.place_charts(drawn)
        places |= {"charts": charts, "wide": layout.chart_width()}
    top = y + len(heading) * 1.2 * LINE
    part = Part(heading=heading, y=y, top=top, form=form, drawn=drawn, places=places)
    return part, top + height + 2 * LINE
