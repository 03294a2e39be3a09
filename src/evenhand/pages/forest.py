"""Forest plots: differences with their intervals, one a line, against zero and what is tolerated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evenhand.pages.axis import Axis, axis_of, known

#: Axes with longer labels show every second one where there is little room.
LONG = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a line shows; `kind` is one of `marks.MARKS`."""

    name: str
    kind: str
    verdict: str
    value: str
    point: float | None
    low: float | None
    high: float | None
    note: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestRow:
    """A line drawn: positions are percentages of its width, and ends beyond it are marked as cut."""

    name: str
    kind: str
    verdict: str
    value: str
    note: str
    link: str
    point: float | None
    low: float | None
    high: float | None
    cut_low: bool
    cut_high: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """Lines on one axis; `band` is where what is tolerated starts, and its width."""

    rows: tuple[ForestRow, ...]
    zero: float | None
    band: tuple[float, float] | None
    ticks: tuple[tuple[float, str], ...]

    @property
    def label(self) -> int:
        """Letters of the longer one of the first and the last label, which stand half beyond their ends."""
        return max((len(label) for _, label in (self.ticks[0], self.ticks[-1])), default=0)

    @property
    def long(self) -> bool:
        """Whether labels need more room than a phone has."""
        return any(len(label) > LONG for _, label in self.ticks)


def draw_forest(
    differences: Sequence[Difference],
    write: Callable[[float], str],
    *,
    tolerated: tuple[float, float] | None = None,
) -> Forest:
    """Places of differences on an axis that holds zero; `write` labels its ticks."""
    bounds = known(bound for one in differences for bound in (one.low, one.high))
    values = known(one.point for one in differences)
    axis = axis_of([0.0, *values, *known(tolerated or ())], bounds)
    return Forest(
        rows=tuple(_row(one, axis) for one in differences),
        zero=axis.place(0.0),
        band=_band(tolerated, axis),
        ticks=tuple((axis.place(tick) or 0.0, write(tick)) for tick in axis.ticks),
    )


def _row(one: Difference, axis: Axis) -> ForestRow:
    return ForestRow(
        name=one.name,
        kind=one.kind,
        verdict=one.verdict,
        value=one.value,
        note=one.note,
        link=one.link,
        point=axis.place(one.point),
        low=axis.place(one.low),
        high=axis.place(one.high),
        cut_low=one.low is not None and one.low < axis.start,
        cut_high=one.high is not None and one.high > axis.stop,
    )


def _band(tolerated: tuple[float, float] | None, axis: Axis) -> tuple[float, float] | None:
    if tolerated is None:
        return None
    start, stop = (axis.place(end) or 0.0 for end in tolerated)
    return start, round(stop - start, 2)
