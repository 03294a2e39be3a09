"""Forms: how a metric's value follows from its sums, with its gradient.

Every metric is a function of sums over independent units that does not change when all sums are
doubled.  For such a function Euler's theorem makes the *influence* of unit ``u`` simply
``gradient . s_u``: no mean has to be taken off, and influences of all units add up to zero.

Arrays of sums have shape (sets, levels, parts): one row a set of records, `levels` is 1 except
for metrics that need a distribution (auc), `parts` are the metric's counts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Form(Protocol):
    """Value and gradient of a metric at given sums."""

    def value(self, sums: Floats) -> Floats:
        """Value of each set, shape (sets,); NaN where undefined."""
        ...

    def gradient(self, sums: Floats) -> Floats:
        """Derivative of each value by each sum, shape (sets, levels, parts); 0 where undefined."""
        ...

    @property
    def sides(self) -> tuple[tuple[int, ...], ...]:
        """Groups of counts that the value needs units of; the scarcest decides how much is known."""
        ...


@runtime_checkable
class Sized(Protocol):
    """A form whose units have sizes on each of its sides: parts of a denominator."""

    @property
    def sizes(self) -> tuple[tuple[float, ...], ...]:
        """Weights of the counts whose sum is a unit's size, of each side."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A ratio of two weighted sums: ``(numerator . s) / (denominator . s)``.

    Linearisation: Cochran, Sampling Techniques (1977), section 6.3; Woodruff (1971),
    doi:10.1080/01621459.1971.10482279.

    Examples
    --------
    >>> rate = Ratio(numerator=(1, 0), denominator=(1, 1))
    >>> rate.value(np.array([[[3.0, 1.0]], [[0.0, 0.0]]]))
    array([0.75,  nan])
    """

    numerator: tuple[float, ...]
    denominator: tuple[float, ...]
    needs: tuple[tuple[int, ...], ...] = ()
    """Sides, where they are not all counts with a weight."""

    def split(self, sums: Floats) -> tuple[Floats, Floats]:
        """Numerator and denominator of each set, each of shape (sets,)."""
        flat = sums[..., 0, :]
        return flat @ np.asarray(self.numerator, float), flat @ np.asarray(self.denominator, float)

    def value(self, sums: Floats) -> Floats:
        """Value of each set; NaN where the denominator is 0."""
        above, below = self.split(sums)
        out: Floats = np.full(below.shape, np.nan)
        np.divide(above, below, out=out, where=below != 0)
        return out

    def gradient(self, sums: Floats) -> Floats:
        """``(numerator - value * denominator) / (denominator . s)``."""
        _, below = self.split(sums)
        value = np.nan_to_num(self.value(sums))
        weights = np.asarray(self.numerator, float) - value[:, None] * np.asarray(
            self.denominator, float
        )
        out: Floats = np.zeros_like(weights)
        np.divide(weights, below[:, None], out=out, where=(below != 0)[:, None])
        return out[:, None, :]

    @property
    def sides(self) -> tuple[tuple[int, ...], ...]:
        """Counts with a weight in numerator or denominator, or what it `needs`."""
        if self.needs:
            return self.needs
        weights = np.abs(self.numerator) + np.abs(self.denominator)
        return (tuple(np.flatnonzero(weights).tolist()),)

    @property
    def sizes(self) -> tuple[tuple[float, ...], ...]:
        """The denominator, whatever it `needs`."""
        return (self.denominator,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Smooth:
    """Any smooth function of the sums; its gradient is taken by a complex step.

    The complex step (Squire & Trapp 1998, doi:10.1137/S003614459631241X) is exact to rounding,
    so that a metric file states its formula once.  `function` maps an array of shape (…, parts)
    to one of shape (…) by analytic numpy operations, and gives NaN where undefined.  `sides` as in
    `Form`: positives and negatives, or the classes of an average.  Where a row adds several votes to
    a side, `votes` are all such counts, and the first count is the rows.
    """

    function: Callable[[npt.NDArray[np.complex128]], npt.NDArray[np.complex128]]
    sides: tuple[tuple[int, ...], ...]
    votes: tuple[int, ...] = ()
    #: The recipe that made it and what it was given: see `written_forms`.
    made_by: tuple[str, dict[str, object]] = ("", {})

    def value(self, sums: Floats) -> Floats:
        """Value of each set."""
        with np.errstate(all="ignore"):
            return np.real(self.function(sums[..., 0, :].astype(complex))).astype(float)

    def gradient(self, sums: Floats) -> Floats:
        """Derivative by each sum."""
        step = 1e-30
        flat = sums[..., 0, :].astype(complex)
        parts = flat.shape[-1]
        moved = flat[..., None, :] + 1j * step * np.eye(parts)
        with np.errstate(all="ignore"):
            slopes = np.imag(self.function(moved)) / step
        return np.nan_to_num(slopes, posinf=0.0, neginf=0.0)[:, None, :]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormDifference:
    """The value of one form at the last counts less that of another at the first `split` counts.

    Two services on the same rows: the influence of a row is the difference of its two influences.

    Examples
    --------
    >>> rate = Ratio(numerator=(1, 0), denominator=(1, 1))
    >>> FormDifference(first=rate, second=rate, split=2).value(np.array([[[3.0, 1.0, 1.0, 3.0]]]))
    array([-0.5])
    """

    first: Form
    second: Form
    split: int

    def value(self, sums: Floats) -> Floats:
        """Second less first; NaN where one is undefined."""
        before, after = sums[..., : self.split], sums[..., self.split :]
        return self.second.value(after) - self.first.value(before)

    def gradient(self, sums: Floats) -> Floats:
        """Derivative by each count."""
        before, after = sums[..., : self.split], sums[..., self.split :]
        return np.concatenate([-self.first.gradient(before), self.second.gradient(after)], axis=-1)

    @property
    def sides(self) -> tuple[tuple[int, ...], ...]:
        """Those of both."""
        after = (tuple(part + self.split for part in side) for side in self.second.sides)
        return (*self.first.sides, *after)


@dataclass(frozen=True, slots=True)
class AreaUnderCurve:
    """Area under the ROC curve from counts of (positives, negatives) at each score level.

    The value is the Mann-Whitney probability that a positive scores above a negative, ties
    counting a half.  It is no ratio of sums, since each row is compared with all others; its
    influence values are the placements of DeLong, DeLong & Clarke-Pearson (1988),
    doi:10.2307/2531595.  Levels must be in rising order.
    """

    def _placements(self, sums: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        positives, negatives = sums[..., 0], sums[..., 1]
        below = np.cumsum(negatives, axis=1) - negatives / 2
        above = positives.sum(1, keepdims=True) - np.cumsum(positives, axis=1) + positives / 2
        return positives, negatives, below, above

    def value(self, sums: Floats) -> Floats:
        """Probability that a positive outranks a negative; NaN without both."""
        positives, negatives, below, _ = self._placements(sums)
        pairs = positives.sum(1) * negatives.sum(1)
        out: Floats = np.full(pairs.shape, np.nan)
        np.divide((positives * below).sum(1), pairs, out=out, where=pairs > 0)
        return out

    def gradient(self, sums: Floats) -> Floats:
        """Placement of each level less the area, over the number of its class."""
        positives, negatives, below, above = self._placements(sums)
        area = np.nan_to_num(self.value(sums))[:, None]
        p, n = positives.sum(1, keepdims=True), negatives.sum(1, keepdims=True)
        defined = (p > 0) & (n > 0)
        out = np.zeros_like(sums)
        both = np.maximum(p, 1), np.maximum(n, 1)
        out[..., 0] = np.where(defined, (below / both[1] - area) / both[0], 0.0)
        out[..., 1] = np.where(defined, (above / both[0] - area) / both[1], 0.0)
        return out

    @property
    def sides(self) -> tuple[tuple[int, ...], ...]:
        """Positives and negatives."""
        return ((0,), (1,))


@dataclass(frozen=True, slots=True)
class AveragePrecision:
    """Average precision from counts of (positives, negatives) at each score level.

    The mean over positives of the precision among all rows that score at least as high, which is the
    step-wise area under the precision-recall curve (Boyd, Eng & Page 2013,
    doi:10.1007/978-3-642-40994-3_29).  A smooth function of the counts, whose derivatives are its
    influence values.  Levels must be in rising order; rows of one level stand in no order.

    Examples
    --------
    >>> AveragePrecision().value(np.array([[[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]]))
    array([0.83333333])
    """

    def _from_above(self, sums: Floats) -> tuple[Floats, Floats]:
        """Positives, and all rows, of each level and those above; at least 1 where they divide."""
        upto = np.cumsum(sums[:, ::-1, :], axis=1)[:, ::-1, :]
        total = upto.sum(axis=2)
        return upto[..., 0], np.where(total > 0, total, 1.0)

    def value(self, sums: Floats) -> Floats:
        """Mean precision at the positives; NaN without any."""
        right, taken = self._from_above(sums)
        positives = sums[..., 0].sum(axis=1)
        out: Floats = np.full(positives.shape, np.nan)
        above = (sums[..., 0] * right / taken).sum(axis=1)
        np.divide(above, positives, out=out, where=positives > 0)
        return out

    def gradient(self, sums: Floats) -> Floats:
        """Own precision, and what a row does to the precision at all levels below it."""
        right, taken = self._from_above(sums)
        positives = sums[..., 0].sum(axis=1, keepdims=True)
        value = np.nan_to_num(self.value(sums))[:, None]
        lost = np.cumsum(sums[..., 0] * right / taken**2, axis=1)
        gained = np.cumsum(sums[..., 0] / taken, axis=1)
        out = np.zeros_like(sums)
        known = np.maximum(positives, 1)
        out[..., 0] = np.where(positives > 0, (right / taken + gained - lost - value) / known, 0.0)
        out[..., 1] = np.where(positives > 0, -lost / known, 0.0)
        return out

    @property
    def sides(self) -> tuple[tuple[int, ...], ...]:
        """Positives and negatives."""
        return ((0,), (1,))


@dataclass(frozen=True, slots=True)
class Median:
    """Median of a value from counts of (rows, sum of the value) at each of its levels.

    The value is exact: the mean of the lower and the upper median.  It is a step function of the
    counts, so that its gradient is that of the influence function, ``sign(x - median) / (2 f)``, with
    the density ``f`` at the median from the width of Woodruff's interval (1952,
    doi:10.1080/01621459.1952.10483443): the values that the empirical distribution has at ``1/2 ± h``,
    ``h`` twice the standard error of a share of one half.  Where they are one value, there is no
    gradient.  Levels must be in rising order.

    Examples
    --------
    >>> rows = np.array([1.0, 2.0, 1.0])
    >>> Median().value(np.stack([rows, rows * [3.0, 5.0, 9.0]], axis=-1)[None])
    array([5.])
    """

    #: Its value moves in steps, which no small difference tells.
    steps = True

    def value(self, sums: Floats) -> Floats:
        """Mean of the lower and the upper median; NaN without rows."""
        return (self._quantile(sums, 0.5, upper=False) + self._quantile(sums, 0.5, upper=True)) / 2

    def gradient(self, sums: Floats) -> Floats:
        """Sign of each level beside the median, centred, over twice the density and the rows."""
        rows = sums[..., 0]
        n = rows.sum(axis=1)
        known = np.maximum(n, 1)
        half = np.minimum(1 / np.sqrt(known), 0.5)
        wide = self._quantile(sums, 0.5 + half, upper=True) - self._quantile(
            sums, 0.5 - half, upper=False
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            levels = sums[..., 1] / rows
            side = np.nan_to_num(np.sign(levels - self.value(sums)[:, None]))
        side -= (side * rows).sum(axis=1, keepdims=True) / known[:, None]
        scale = np.nan_to_num(wide / (4 * half)) / known
        out = np.zeros_like(sums)
        out[..., 0] = side * scale[:, None]
        return out

    def _quantile(self, sums: Floats, share: Floats | float, *, upper: bool) -> Floats:
        """Value of the level at which the rows reach a share, or pass it."""
        rows = sums[..., 0]
        upto, n = np.cumsum(rows, axis=1), rows.sum(axis=1)
        wanted = np.clip(np.broadcast_to(share, n.shape), 0, 1) * n
        # Shares of counts are rounded; half a count and more apart they are not one.
        slack = 1e-9 * np.maximum(n, 1)
        reached = upto > (wanted + slack)[:, None] if upper else upto >= (wanted - slack)[:, None]
        reached &= rows > 0
        last = rows.shape[1] - 1 - np.argmax(rows[:, ::-1] > 0, axis=1)
        place = np.where(reached.any(axis=1), np.argmax(reached, axis=1), last)
        each = np.arange(len(n))
        out: Floats = np.full(n.shape, np.nan)
        np.divide(sums[each, place, 1], rows[each, place], out=out, where=n > 0)
        return out

    @property
    def sides(self) -> tuple[tuple[int, ...], ...]:
        """The rows."""
        return ((0,),)
