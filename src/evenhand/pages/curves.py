"""Line charts: one small panel a curve, in the units of an SVG view box."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evenhand.pages.axis import Axis, axis_of, known
from evenhand.pages.numbers import minus, rate

#: Size of a panel, and its margins: left, top, right, bottom.
WIDTH, HEIGHT = 320, 222
LEFT, TOP, RIGHT, BOTTOM = 52, 12, 12, 56


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
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
    readings: tuple[CurvePoint, ...]


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
    ideal: str
    usual: float | None
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    told: str


def _number(place: float) -> str:
    return minus(f"{place:g}")


def draw_curves(
    curves: Sequence[Curve],
    everybody: Sequence[CurvePoint],
    write: Callable[[float | None], str] = rate,
    ideal: Sequence[CurvePoint] = (),
    along: Callable[[float], str] = _number,
) -> tuple[Panel, ...]:
    """A panel for each curve, all on the same axes; `write` labels values, `ideal` is where all should be.

    `along` labels the places on the horizontal axis.
    """
    drawn = [one for curve in curves for one in curve.readings] + [*everybody, *ideal]
    places = known(one.at for one in drawn)
    across = axis_of(places, whole=all(place.is_integer() for place in places))
    bounds = known(bound for one in drawn for bound in (one.low, one.high))
    up = axis_of(known(one.value for one in drawn), bounds)
    behind = _path([(p.x, p.y) for p in _points(everybody, across, up)])
    wanted = _path([(p.x, p.y) for p in _points(ideal, across, up)])
    ticks = tuple((_y(tick, up), write(tick)) for tick in up.ticks)
    marks = tuple((_x(tick, across), along(tick)) for tick in across.ticks)
    return tuple(_panel(curve, (behind, wanted), (marks, ticks), across, up) for curve in curves)


def _panel(
    curve: Curve,
    behind: tuple[str, str],
    ticks: tuple[tuple[tuple[float, str], ...], tuple[tuple[float, str], ...]],
    across: Axis,
    up: Axis,
) -> Panel:
    points = _points(curve.readings, across, up)
    usual = next((one.value for one in curve.readings if one.at is None), None)
    banded = [(p.x, p.low, p.high) for p in points if p.low is not None and p.high is not None]
    band = [*((x, low) for x, low, _ in banded), *((x, high) for x, _, high in reversed(banded))]
    return Panel(
        label=curve.label,
        points=points,
        line=_path([(p.x, p.y) for p in points]),
        band=_path(band),
        everybody=behind[0],
        ideal=behind[1],
        usual=None if usual is None else _y(usual, up),
        across=ticks[0],
        up=ticks[1],
        told=curve.told,
    )


def _points(readings: Sequence[CurvePoint], across: Axis, up: Axis) -> tuple[Point, ...]:
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
