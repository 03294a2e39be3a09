"""The audit as one self-contained HTML file: forest plot, table, what is missing, how it was made."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from evenhand.audits import words
from evenhand.audits.result import Group, Result
from evenhand.errors import REASONS
from evenhand.pages.caveats import after_numbers, before_numbers, missing_sentences
from evenhand.results.estimate import Missing

if TYPE_CHECKING:
    import jinja2

#: Groups drawn and tabled of each partition; all are in JSON and CSV.
DRAWN = 40
TABLED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the forest plot; positions are percentages of its width."""

    group: Group
    point: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Forest plot of one partition."""

    by: tuple[str, ...]
    rows: tuple[Row, ...]
    tabled: tuple[Group, ...]
    total: int
    missing: Missing | None
    overall: float | None
    ticks: tuple[tuple[float, str], ...]


def render_html(audit: Result) -> str:
    """The report; every text from the data is escaped."""
    return _template().render(
        audit=audit,
        caveats=before_numbers(audit.notes),
        footnotes=[*words.limits(audit), *after_numbers(audit.notes)],
        plots=[_plot(audit, by) for by in dict.fromkeys(group.by for group in audit.groups)],
        missing=list(missing_sentences(audit.missing)),
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
    return environment.get_template("audit.html")


def _source(name: str) -> str:
    return (files("evenhand.audits") / "templates" / name).read_text(encoding="utf-8")


def _plot(audit: Result, by: tuple[str, ...]) -> Plot:
    groups = [group for group in audit.groups if group.by == by]
    drawn = groups[:DRAWN]
    start, stop, ticks = _axis(audit, drawn)

    def place(value: float | None) -> float | None:
        return (
            None
            if value is None
            else round(min(max((value - start) / (stop - start), 0.0), 1.0) * 100, 2)
        )

    rows = (
        Row(
            group=group,
            point=place(group.estimate.value),
            low=place(group.estimate.low),
            high=place(group.estimate.high),
        )
        for group in drawn
    )
    missing = (
        item for item in audit.missing if item.estimate is not None and (item.attribute,) == by
    )
    return Plot(
        by=by,
        rows=tuple(rows),
        tabled=tuple(groups[:TABLED]),
        total=len(groups),
        missing=next(missing, None),
        overall=place(audit.overall.value),
        ticks=tuple((place(tick) or 0.0, words.rate(tick)) for tick in ticks),
    )


def _axis(audit: Result, groups: list[Group]) -> tuple[float, float, list[float]]:
    """Start, end and ticks of the axis; bounds far beyond all values do not stretch it."""
    values = [v for g in groups if (v := g.estimate.value) is not None]
    values += [audit.overall.value] if audit.overall.value is not None else []
    if not values:
        return 0.0, 1.0, []
    bounds = [b for g in groups for b in (g.estimate.low, g.estimate.high) if b is not None]
    reach = max(values) - min(values) or abs(values[0]) or 1.0
    low = max(min([*bounds, *values]), min(values) - reach)
    high = min(max([*bounds, *values]), max(values) + reach)
    step = _step((high - low) or 1.0)
    first = int(low // step)
    # To ten digits of the step: values may be of any size.
    ticks = [float(f"{index * step:.10g}") for index in range(first, int(high // step) + 2)]
    if ticks[0] == ticks[-1]:
        return values[0] - abs(values[0]), values[0] + abs(values[0]), [values[0]]
    return ticks[0], ticks[-1], ticks


def _step(span: float) -> float:
    """Round step that gives about four ticks."""
    rough = span / 4
    power = 10.0 ** _floor_log10(rough)
    return next(mark * power for mark in (1, 2, 2.5, 5, 10) if mark * power >= rough * 0.999)


def _floor_log10(value: float) -> int:
    return int(f"{value:e}".split("e")[1])
