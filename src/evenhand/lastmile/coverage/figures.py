"""The page of coverage: a heat map of what there is, and a table of what is missing."""

from collections.abc import Sequence

from evenhand.lastmile.coverage import words
from evenhand.lastmile.coverage.result import Coverage, CoveredCell
from evenhand.lastmile.coverage.tables import cells_table
from evenhand.pages import numbers
from evenhand.pages.caveats import before_numbers
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.heat import TINT, Heat, HeatCell
from evenhand.pages.nouns import unit_noun
from evenhand.pages.page import render_page
from evenhand.pages.picture import Figure, draw_picture

#: Rows and columns of the heat map, and lines of the table; all are in JSON.
DOWN, ACROSS, TABLED = 60, 24, 300


def render_html(found: Coverage, *, edition: Edition = PLAIN) -> str:
    """The report; every text from the data is escaped."""
    heat = _heat(found, edition)
    return render_page(
        "evenhand.lastmile.coverage:coverage.html",
        found=found,
        edition=edition,
        metric_name=edition.column(found.metric.name) if found.metric else "",
        answers=list(words.answers(found, edition)),
        caveats=before_numbers(found.notes),
        heat=heat,
        hidden=len(found.cells) - sum(bool(c.text) for _, row in heat.rows for c in row),
        noun=unit_noun(found.unit) if found.unit else "rows",
        table=cells_table(found, found.cells[:TABLED], edition),
        notes=list(words.notes(found)),
    )


def draw_figure(found: Coverage, edition: Edition = PLAIN) -> str:
    """The heat map as an SVG."""
    first, *_ = words.answers(found, edition)
    noun = unit_noun(found.unit) if found.unit else "rows"
    notes = (
        edition.note,
        f"Natural {noun} of each cell; the stronger the tint the more is missing.",
        edition.made(found.source.name),
    )
    drawn = Figure(heading=edition.crossed(found.settings.by), drawn=_heat(found, edition))
    return draw_picture(edition.title or first, [drawn], notes)


def _heat(found: Coverage, edition: Edition) -> Heat:
    """The last attribute across, the crossing of the others down."""
    *down, across = found.settings.by
    columns = _ordered(found, (across,))[:ACROSS]
    rows = _ordered(found, down)[:DOWN] if down else [()]
    placed = {(_key(cell, down), _key(cell, (across,))): cell for cell in found.cells}
    return Heat(
        label=f"Coverage by {edition.crossed(found.settings.by)}",
        corner=edition.crossed(down) if down else "",
        columns=tuple(_name(found, key, (across,), edition) for key in columns),
        rows=tuple(
            (
                _name(found, row, down, edition) if down else "all",
                tuple(_square(placed.get((row, column))) for column in columns),
            )
            for row in rows
        ),
    )


def _key(cell: CoveredCell, names: Sequence[str]) -> tuple[object, ...]:
    return tuple((type(cell.group[name]).__name__, cell.group[name]) for name in names)


def _ordered(found: Coverage, names: Sequence[str]) -> list[tuple[object, ...]]:
    """Levels in the order of their attribute, not of what is missing: numbers by size, bins from below."""
    keys = dict.fromkeys(_key(cell, names) for cell in found.cells)
    edges = found.settings.bins
    return sorted(
        keys,
        key=lambda key: [_place(pair, name, edges) for pair, name in zip(key, names, strict=True)],
    )


def _place(pair: object, name: str, bins: dict[str, tuple[float, ...]]) -> tuple[bool, float, str]:
    assert isinstance(pair, tuple)
    value = pair[1]
    if name in bins:
        text = str(value)
        first = text.removeprefix("under ").split(" ")[0]
        low = -float("inf") if text.startswith("under ") or text == "all values" else float(first)
        return False, low, text
    number = isinstance(value, int | float)
    return not number, float(value) if number else 0.0, str(value)


def _name(found: Coverage, key: tuple[object, ...], names: Sequence[str], edition: Edition) -> str:
    cell = next(one for one in found.cells if _key(one, names) == key)
    return " · ".join(words.level(name, cell.group[name], edition) for name in names)


def _square(cell: CoveredCell | None) -> HeatCell:
    """How many units a cell has; the tint says how much of what is wanted is missing."""
    if cell is None:
        return HeatCell(text="", share=0.0, note="in neither")
    lack = 0.0
    if cell.state != "covered":
        lack = 1.0 if not cell.wanted else (cell.missing or 0) / cell.wanted
    # Of cells without a natural row the state is told, not a 0 that may be passed over.
    told_units = f"{words.mark(cell)} {cell.units:,}"
    text = told_units if cell.state in ("covered", "thin") else words.state(cell)
    told = [numbers.share(cell.share)] if cell.share is not None else []
    if cell.synthetic_rows:
        told.append(f"{cell.synthetic_units:,} synthetic")
    return HeatCell(
        text=text,
        share=round(TINT * max(lack, 0.0), 3),
        kind="harm" if cell.state != "covered" else "",
        note=" · ".join(told),
    )
