"""Effects as one self-contained HTML file: heat map, forest, dose and response, how it was made."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from evenhand.differential import words
from evenhand.differential.curves import Panel, draw_curves
from evenhand.differential.result import Effect, GroupEffect, Overall, Pair, Result
from evenhand.differential.terminal import rank
from evenhand.errors import REASONS
from evenhand.pages.axis import Axis, axis_of, known
from evenhand.pages.caveats import before_numbers

if TYPE_CHECKING:
    import jinja2

#: Lines drawn, lines of a table, pairs, and columns of a heat map; all are in JSON.
DRAWN, TABLED, PAIRED, COLUMNS = 40, 300, 100, 60
#: Strongest tint of a cell: text on it stays readable in light and dark.
TINT = 0.55


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell of the heat map; `tint` is between 0 and `TINT`."""

    one: GroupEffect | Overall
    text: str
    tint: float
    harm: bool
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """Costs of conditions (rows) to everybody and to groups (columns)."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the forest; positions are percentages of its width."""

    one: GroupEffect
    point: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Everything about one partition."""

    by: tuple[str, ...]
    heat: Heat
    rows: tuple[Row, ...]
    zero: float | None
    ticks: tuple[tuple[float, str], ...]
    tabled: tuple[GroupEffect, ...]
    total: int
    pairs: tuple[Pair, ...]
    labels: dict[str, str]
    panels: tuple[Panel, ...]


def render_html(found: Result) -> str:
    """The report; every text from the data is escaped."""
    return _template().render(
        found=found,
        caveats=before_numbers(found.notes),
        pictures=[_picture(found, by) for by in found.by],
        plain={(g.by, g.predicate): g.estimate for g in found.groups if g.cost is None},
        words=words,
        reasons=REASONS,
    )


@cache
def _template() -> "jinja2.Template":
    import jinja2  # noqa: PLC0415 - only reports need it, and it is slow to load

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("effects.html")


def _source(name: str) -> str:
    return (files("evenhand.differential") / "templates" / name).read_text(encoding="utf-8")


def _picture(found: Result, by: tuple[str, ...]) -> Picture:
    own = sorted(
        (one for one in found.groups if one.by == by and one.differential is not None), key=rank
    )
    drawn = own[:DRAWN]
    axis = _axis_of([one.differential for one in drawn])
    in_points = found.metric.in_points
    ticks = ((axis.place(t) or 0.0, words.points(t, in_points=in_points)) for t in axis.ticks)
    return Picture(
        by=by,
        heat=_heat(found, by),
        rows=tuple(_row(one, axis) for one in drawn),
        zero=axis.place(0.0),
        ticks=tuple(ticks),
        tabled=tuple(own[:TABLED]),
        total=len(own),
        pairs=tuple(pair for pair in found.pairs if pair.by == by)[:PAIRED],
        labels=words.labels(found, by),
        panels=draw_curves(found, by),
    )


def _axis_of(effects: Sequence[Effect | None]) -> Axis:
    bounds = [bound for one in effects if one is not None for bound in (one.low, one.high)]
    values = [one.value for one in effects if one is not None]
    return axis_of([0.0, *known(values)], known(bounds))


def _row(one: GroupEffect, axis: Axis) -> Row:
    differential = one.differential
    assert differential is not None
    return Row(
        one=one,
        point=axis.place(differential.value),
        low=axis.place(differential.low),
        high=axis.place(differential.high),
    )


def _heat(found: Result, by: tuple[str, ...]) -> Heat:
    labels = words.labels(found, by)
    shown = list(labels)[:COLUMNS]
    groups = {(g.condition, g.predicate): g for g in found.groups if g.by == by}
    largest = max(
        (abs(g.cost.value) for g in groups.values() if g.cost and g.cost.value is not None),
        default=0.0,
    )
    rows = []
    for everybody in found.overall[1:]:
        own: list[GroupEffect] = [groups[everybody.condition, predicate] for predicate in shown]
        cells = [_cell(everybody, largest, found), *(_cell(one, largest, found) for one in own)]
        rows.append((everybody.condition, tuple(cells)))
    return Heat(
        columns=("everybody", *(labels[predicate] for predicate in shown)),
        rows=tuple(rows),
        left_out=len(labels) - len(shown),
    )


def _cell(one: GroupEffect | Overall, largest: float, found: Result) -> Cell:
    value = one.cost.value if one.cost is not None else None
    share = min(abs(value) / largest, 1.0) if value is not None and largest > 0 else 0.0
    return Cell(
        one=one,
        text=words.effect(one.cost, found),
        tint=round(share * TINT, 3),
        harm=value is not None and value > 0,
        more=isinstance(one, GroupEffect) and one.verdict == "costs more",
    )
