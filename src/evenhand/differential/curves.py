"""Dose-response curves: one small panel a group, in the units of an SVG view box."""

from collections.abc import Sequence
from dataclasses import dataclass

from evenhand.differential import words
from evenhand.differential.result import Dose, Result
from evenhand.pages.axis import Axis, axis_of, known

#: Panels drawn of each partition; all doses are in the table and in JSON.
PANELS = 40
#: Size of a panel, and its margins: left, top, right, bottom.
WIDTH, HEIGHT = 320, 200
LEFT, TOP, RIGHT, BOTTOM = 46, 12, 12, 34


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A dose in a panel; `low` and `high` are the ends of its interval."""

    x: float
    y: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The curve of one group, with that of everybody and the reference behind it.

    `told` is what the picture says, for those who cannot see it.
    """

    label: str
    points: tuple[Point, ...]
    line: str
    band: str
    everybody: str
    plain: float | None
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    told: str
    doses: tuple[Dose, ...]


def draw_curves(found: Result, by: tuple[str, ...]) -> tuple[Panel, ...]:
    """A panel for each group of a partition; empty where no dose was asked for."""
    everybody = [dose for dose in found.doses if dose.predicate is None]
    labels = list(words.labels(found, by))[:PANELS]
    series = [[d for d in found.doses if d.by == by and d.predicate == name] for name in labels]
    drawn = [dose for one in [everybody, *series] for dose in one]
    if not everybody:
        return ()
    across = axis_of(known(dose.dose for dose in drawn))
    bounds = [bound for dose in drawn for bound in (dose.estimate.low, dose.estimate.high)]
    up = axis_of(known(dose.estimate.value for dose in drawn), known(bounds))
    behind = _points(everybody, across, up)
    return tuple(_panel(one, behind, across, up, found) for one in series if one)


def _panel(
    doses: Sequence[Dose], behind: Sequence[Point], across: Axis, up: Axis, found: Result
) -> Panel:
    points = _points(doses, across, up)
    plain = next((d.estimate.value for d in doses if d.dose is None), None)
    banded = [(p.x, p.low, p.high) for p in points if p.low is not None and p.high is not None]
    band = [*((x, low) for x, low, _ in banded), *((x, high) for x, _, high in reversed(banded))]
    ends = [d for d in doses if d.dose is not None and d.estimate.value is not None]
    first, last = (ends[0], ends[-1]) if ends else (None, None)
    told = f"{doses[0].label}: {found.metric.name} against {found.settings.dose}"
    if first is not None and last is not None:
        told += (
            f", {words.rate(first.estimate.value)} at {first.dose:g} and "
            f"{words.rate(last.estimate.value)} at {last.dose:g}"
        )
    return Panel(
        label=doses[0].label,
        points=points,
        line=_path([(p.x, p.y) for p in points]),
        band=_path(band),
        everybody=_path([(p.x, p.y) for p in behind]),
        plain=None if plain is None else _y(plain, up),
        across=tuple((_x(tick, across), f"{tick:g}") for tick in across.ticks),
        up=tuple((_y(tick, up), words.rate(tick)) for tick in up.ticks),
        told=told,
        doses=tuple(doses),
    )


def _points(doses: Sequence[Dose], across: Axis, up: Axis) -> tuple[Point, ...]:
    return tuple(
        Point(
            x=_x(dose.dose, across),
            y=_y(dose.estimate.value, up),
            low=None if dose.estimate.low is None else _y(dose.estimate.low, up),
            high=None if dose.estimate.high is None else _y(dose.estimate.high, up),
        )
        for dose in doses
        if dose.dose is not None and dose.estimate.value is not None
    )


def _x(value: float, axis: Axis) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * (axis.place(value) or 0.0) / 100, 1)


def _y(value: float, axis: Axis) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (axis.place(value) or 0.0) / 100, 1)


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Points of a polyline or polygon."""
    return " ".join(f"{x:g},{y:g}" for x, y in points)
