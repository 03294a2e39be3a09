"""Axes of the pictures in reports: round ends, a few ticks, places in percent."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

#: Smaller spans are none.
_LEAST = 1e-300
#: Bounds that lie so many times as far beyond the values as the middle one are still shown whole.
_MORE = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A linear axis; positions on it are percentages."""

    start: float
    stop: float
    ticks: tuple[float, ...]

    def place(self, value: float | None) -> float | None:
        """Where a value stands; values beyond the ends stand at the ends."""
        if value is None or not math.isfinite(value):
            return None
        share = (value - self.start) / (self.stop - self.start)
        return round(min(max(share, 0.0), 1.0) * 100, 2)


def known(values: Iterable[float | None]) -> list[float]:
    """Those of the values that are numbers."""
    return [value for value in values if value is not None and math.isfinite(value)]


def axis_of(values: Sequence[float], bounds: Sequence[float] = (), *, whole: bool = False) -> Axis:
    """Axis with round ends; bounds far beyond all others do not stretch it; `whole` numbers have no tick between.

    Examples
    --------
    >>> axis_of([0.0, 0.4], bounds=[-0.1, 9.0]).ticks
    (-0.25, 0.0, 0.25, 0.5, 0.75, 1.0)
    >>> axis_of([0.0, 0.4], bounds=[-5.0, 5.0]).ticks
    (-5.0, -2.5, 0.0, 2.5, 5.0)
    """
    if not values:
        return Axis(start=0.0, stop=1.0, ticks=())
    spread = max(values) - min(values)
    # What is smaller has no fourth part that is a number of full precision.
    reach = next(filter(lambda size: size > _LEAST, (spread, abs(values[0]))), 1.0)
    beyond = [max(min(values) - bound, bound - max(values), 0.0) for bound in bounds]
    if beyond:
        reach = max(reach, _MORE * statistics.median_low(beyond))
    low = max(min([*bounds, *values]), min(values) - reach)
    high = min(max([*bounds, *values]), max(values) + reach)
    step = round_step(high - low if high - low > _LEAST else reach)
    if whole:
        step = max(float(math.ceil(step)), 1.0)
    first, last = math.floor(low / step), math.ceil(high / step)
    last += first == last
    ticks = tuple(float(f"{index * step:.10g}") for index in range(first, last + 1))
    return Axis(start=ticks[0], stop=ticks[-1], ticks=ticks)


def round_step(span: float) -> float:
    """Round step that gives about four ticks."""
    rough = span / 4
    power = 10.0 ** math.floor(math.log10(rough))
    return next((mark * power for mark in (1, 2, 2.5, 5) if mark * power >= rough), 10 * power)
