"""Line charts: one small panel a curve, in the units of an SVG view box."""

from collections.abc import Sequence
from dataclasses import dataclass

from evenhand.pages.axis import Axis, axis_of, known
from evenhand.pages.numbers import rate

#: Size of a panel, and its margins: left, top, right, bottom.
WIDTH, HEIGHT = 320, 214
LEFT, TOP, RIGHT, BOTTOM = 46, 12, 12, 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A value with its interval; `at` is `None` for what the curve is compared with."""

    at: float | None
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Readings under one name; `told` is what the picture says, for those who cannot see it."""

    label: str
    told: str
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A reading in a panel; `low` and `high` are the ends of its interval."""

    x: float
    y: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A curve, with that of everybody and what it is compared with behind it."""

    label: str
    points: tuple[Point, ...]
    line: str
    band: str
    everybody: str
    usual: float | None
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    told: str


def draw_curves(curves: Sequence[Curve], everybody: Sequence[Reading]) -> tuple[Panel, ...]:
    """A panel for each curve, all on the same axes."""
    drawn = [one for curve in curves for one in curve.readings] + list(everybody)
    across = axis_of(known(one.at for one in drawn))
    bounds = known(bound for one in drawn for bound in (one.low, one.high))
    up = axis_of(known(one.value for one in drawn), bounds)
    behind = _path([(p.x, p.y) for p in _points(everybody, across, up)])
    return tuple(_panel(curve, behind, across, up) for curve in curves)


def _panel(curve: Curve, behind: str, across: Axis, up: Axis) -> Panel:
    points = _points(curve.readings, across, up)
    usual = next((one.value for one in curve.readings if one.at is None), None)
    banded = [(p.x, p.low, p.high) for p in points if p.low is not None and p.high is not None]
    band = [*((x, low) for x, low, _ in banded), *((x, high) for x, _, high in reversed(banded))]
    return Panel(
        label=curve.label,
        points=points,
        line=_path([(p.x, p.y) for p in points]),
        band=_path(band),
        everybody=behind,
        usual=None if usual is None else _y(usual, up),
        across=tuple((_x(tick, across), f"{tick:g}") for tick in across.ticks),
        up=tuple((_y(tick, up), rate(tick)) for tick in up.ticks),
        told=curve.told,
    )


def _points(readings: Sequence[Reading], across: Axis, up: Axis) -> tuple[Point, ...]:
    return tuple(
        Point(
            x=_x(one.at, across),
            y=_y(one.value, up),
            low=None if one.low is None else _y(one.low, up),
            high=None if one.high is None else _y(one.high, up),
        )
        for one in readings
        if one.at is not None and one.value is not None
    )


def _x(value: float, axis: Axis) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * (axis.place(value) or 0.0) / 100, 1)


def _y(value: float, axis: Axis) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (axis.place(value) or 0.0) / 100, 1)


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Points of a polyline or polygon."""
    return " ".join(f"{x:g},{y:g}" for x, y in points)
