"""Where the parts of a figure stand in a file of its own, which has a fixed width."""

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from evenhand.pages import curves as line_charts
from evenhand.pages.curves import Panel
from evenhand.pages.forest import Forest, ForestRow
from evenhand.pages.heat import Heat, HeatCell
from evenhand.pages.scatter import Scatter

#: Width of a figure; where its rows begin and end between names and numbers.
WIDTH, LEFT, RIGHT, MARGIN = 960, 270, 660, 24
#: Height of a line of text, and of what stands around the lines of a row.
LINE, AROUND = 18, 14
#: Letters that fit beside each other in the widest face: of names, and of heads in a heat map.
NAME, HEAD = 26, 9
#: Line charts beside each other, and the room between them; columns of a heat map beside each other.
BESIDE, GAP, COLUMNS = 3, 24, 10
#: Height of a cell of a heat map.
CELL = 38


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPlace:
    """A row of a forest with the lines of its name, from `y` on; its interval is drawn at `middle`."""

    row: ForestRow
    lines: tuple[str, ...]
    small: tuple[str, ...]
    y: float
    middle: float
    bottom: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartPlace:
    """A line chart with the lines of its name, and its left upper corner below them."""

    panel: Panel
    lines: tuple[str, ...]
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CellPlace:
    """A cell of a heat map in the middle of its rectangle."""

    cell: HeatCell
    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPlace:
    """A line of text; `middle` where it stands around its place, not right of it."""

    text: str
    x: float
    y: float
    middle: bool = False


def place_rows(forest: Forest) -> tuple[tuple[RowPlace, ...], float]:
    """Rows of a forest below each other, and their height."""
    places: list[RowPlace] = []
    y = 0.0
    for row in forest.rows:
        lines = wrapped(row.name, NAME)
        small = wrapped(row.note, NAME + 4)
        height = max(len(lines) + len(small), 2) * LINE + AROUND
        places.append(
            RowPlace(
                row=row, lines=lines, small=small, y=y, middle=y + height / 2, bottom=y + height
            )
        )
        y += height
    return tuple(places), y


def place_charts(panels: Sequence[Panel]) -> tuple[tuple[ChartPlace, ...], float]:
    """Line charts beside and below each other, and their height."""
    width = chart_width()
    height = width * line_charts.HEIGHT / line_charts.WIDTH
    places: list[ChartPlace] = []
    y = 0.0
    for start in range(0, len(panels), BESIDE):
        few = panels[start : start + BESIDE]
        names = [wrapped(panel.label, NAME) for panel in few]
        below = max(map(len, names)) * LINE + 4
        for place, (panel, lines) in enumerate(zip(few, names, strict=True)):
            x = MARGIN + place * (width + GAP)
            places.append(ChartPlace(panel=panel, lines=lines, x=x, y=y + below))
        y += below + height + GAP
    return tuple(places), y


def chart_width() -> float:
    """Width of a line chart."""
    return (WIDTH - 2 * MARGIN - (BESIDE - 1) * GAP) / BESIDE


def columns_beside(heat: Heat) -> int:
    """Columns of a heat map beside each other: as many in each of its bands."""
    bands = math.ceil(len(heat.columns) / COLUMNS)
    return math.ceil(len(heat.columns) / bands)


def cell_width(heat: Heat) -> float:
    """Width of a cell of a heat map."""
    return min((WIDTH - LEFT + 60 - MARGIN) / columns_beside(heat), 110)


def place_cells(heat: Heat) -> tuple[tuple[CellPlace, ...], tuple[TextPlace, ...], float]:
    """Cells of a heat map, its heads and names, and its height; columns without room go further down."""
    cells: list[CellPlace] = []
    texts: list[TextPlace] = []
    wide, left, y = cell_width(heat), LEFT - 60.0, 0.0
    beside = columns_beside(heat)
    for start in range(0, len(heat.columns), beside):
        heads = [wrapped(name, HEAD) for name in heat.columns[start : start + beside]]
        y += max(map(len, heads)) * LINE + 4
        for place, lines in enumerate(heads):
            x = left + (place + 0.5) * wide
            texts += [
                TextPlace(text=line, x=x, y=y - 6 - (len(lines) - 1 - up) * LINE, middle=True)
                for up, line in enumerate(lines)
            ]
        for name, row in heat.rows:
            lines = wrapped(name, NAME - 6)
            high = max(CELL, len(lines) * LINE + 8)
            texts += [
                TextPlace(
                    text=line, x=MARGIN, y=y + high / 2 + 5 + (down - (len(lines) - 1) / 2) * LINE
                )
                for down, line in enumerate(lines)
            ]
            cells += [
                CellPlace(cell=cell, x=left + (place + 0.5) * wide, y=y + high / 2, height=high)
                for place, cell in enumerate(row[start : start + beside])
            ]
            y += high
        y += GAP
    return tuple(cells), tuple(texts), y


def scatter_height(scatter: Scatter) -> float:
    """Height of a scatter plot with its axis."""
    return scatter.height + 24.0 + 2 * LINE


def wrapped(text: str, letters: int) -> tuple[str, ...]:
    r"""A text in lines of so many letters of usual width at most; only words that are longer are broken.

    Examples
    --------
    >>> wrapped("who pays for it", 9), wrapped("WWWWWW", 6), wrapped("", 9)
    (('who pays', 'for it'), ('WWWW', 'WW'), ())
    >>> wrapped("worse by 64.2\N{NO-BREAK SPACE}%", 14)
    ('worse by', '64.2\xa0%')
    """
    lines = [""]
    room = float(letters)
    for word in re.findall(r"[^ \t\n\r]+", text):
        wide = sum(map(_breadth, word))
        if lines[-1] and wide + 1 > room:
            lines.append("")
            room = letters
        elif lines[-1]:
            lines[-1] += " "
            room -= 1
        for letter in word:
            if (own := _breadth(letter)) > room:
                lines.append("")
                room = letters
            lines[-1] += letter
            room -= own
    return tuple(filter(None, lines))


def _breadth(letter: str) -> float:
    """Width of a letter beside the usual one: of capitals more, of ideographs and the like most."""
    if letter in "MWmw@%…—" or unicodedata.east_asian_width(letter) in "WF":
        return 1.5
    return 1.15 if letter.isupper() else 1.0
