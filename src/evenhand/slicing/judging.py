"""Judging: the difference of slices to their rest, by the audit's own comparison."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from evenhand.comparisons.comparison import Comparison, compare
from evenhand.cubes import Cells, Estimates, estimate
from evenhand.deferred import special
from evenhand.slicing.space import Item, mask_of
from evenhand.slicing.studentised import Contrasts, student
from evenhand.stats.contrasts import level_of_z, newcombe, t_interval
from evenhand.stats.exact import hypergeometric_tail
from evenhand.stats.forms import Form, Ratio
from evenhand.stats.intervals import clopper_pearson

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What the search is about: the metric's form and direction."""

    form: Form
    higher_is_worse: bool
    proportion: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JudgedSlices:
    """Slices with their rests; arrays have one value a slice.

    `contrasts` are their studentised ones, where a maximum was drawn of such; `shares` says whether
    every loss lies within [0, 1].
    """

    estimates: Estimates
    comparison: Comparison
    p: Floats
    n_rows: npt.NDArray[np.int64]
    n_units: npt.NDArray[np.int64]
    contrasts: Contrasts | None = None
    shares: bool = False

    @property
    def count(self) -> int:
        """Number of slices."""
        return len(self.p)

    def value_bounds(self, number: int, z: float) -> tuple[float, float]:
        """Bounds of a slice's own value at a quantile of the normal scale; NaN where undefined."""
        index, units = 1 + number, float(self.n_units[number])
        if self.comparison.trials is not None:
            above, below, *_ = (side[number] for side in self.comparison.trials)
            low, high = clopper_pearson(above, below, tail=special.ndtr(-z))
        else:
            variance = self.estimates.variances[index : index + 1]
            df = np.array([max(units - 1, 1.0)])
            low, high = t_interval(
                self.estimates.values[index : index + 1], variance, df, level_of_z(z)
            )
        return float(np.ravel(low)[0]), float(np.ravel(high)[0])

    def bounds(self, number: int, z: float) -> tuple[float, float]:
        """Bounds of a slice's difference at a quantile of the normal scale; NaN where undefined."""
        low, high = (float(side[number]) for side in self.comparison.interval(z))
        if self.contrasts is None:
            return low, high
        if np.isnan(low) and self.shares:
            low, high = self._bounds_of_equals(number, z)
        # Never beyond 0 where the statistic of the p-value is not, so that the two agree; else the
        # comparison's, which fits the metric (ratios: about the slice's own rate).
        difference, t = float(self.comparison.difference[number]), abs(self.contrasts.t[number])
        wide = float(student(z, self.contrasts.df[number])) / t if t > 0 else np.inf
        if not (np.isfinite(low) and wide < 1):
            half = abs(difference) * wide if t > 0 else 0.0
            low, high = np.fmin(low, difference - half), np.fmax(high, difference + half)
        limit = 1.0 if self.shares else np.inf
        return float(np.maximum(low, -limit)), float(np.minimum(high, limit))

    def _bounds_of_equals(self, number: int, z: float) -> tuple[float, float]:
        """Bounds where all units of a side are alike, so that they have no spread.

        No loss within [0, 1] has wider tails than one of 0 or 1.
        """
        inside, outside = (self.estimates.n_units[i] for i in (1 + number, 1 + self.count + number))
        value, rest = self.values[number], self.rests[number]
        low, high = newcombe(value * inside, inside, rest * outside, outside, z, exact=True)
        return float(low), float(high)

    def completed(self, contrasts: Contrasts, *, shares: bool) -> "JudgedSlices":
        """The same with evidence from studentised contrasts where the comparison has none."""
        unknown = np.isnan(self.comparison.z) & contrasts.usable
        p = np.where(unknown, one_sided(np.where(unknown, contrasts.z, 0.0)), self.p)
        return replace(self, contrasts=contrasts, p=p, shares=shares)

    @property
    def values(self) -> Floats:
        """Value of each slice; NaN where undefined."""
        return self.estimates.values[1 : 1 + self.count]

    @property
    def rests(self) -> Floats:
        """Value of each rest."""
        return self.estimates.values[1 + self.count :]


def judge_slices(
    cells: Cells, question: Aim, slices: Sequence[Sequence[Item]], *, exact: bool
) -> JudgedSlices:
    """Compare slices with their rests.

    Parameters
    ----------
    cells : Cells
        The evidence.
    question : Aim
        The metric.
    slices : sequence of literals
        What to judge.
    exact : bool
        Whether one-sided p-values are Fisher's; else they come from Student's t on influence values.
    """
    masks = np.array([mask_of(cells, items) for items in slices], bool)
    masks = masks.reshape(len(slices), len(cells))
    group, patterns = patterns_of(masks)
    cube = cells.to_cube(group)
    inside = patterns.T
    sets = np.concatenate([np.ones((1, len(patterns)), bool), inside, ~inside])
    first = np.arange(1, len(slices) + 1)
    pairs = np.stack([first, first + len(slices)], axis=1)
    estimates = estimate(cube, question.form, sets, pairs)
    proportion = question.proportion and cells.unit is None
    compared = compare(
        estimates, question.form, pairs[:, 0], pairs[:, 1], proportion=proportion, exact=True
    )
    return JudgedSlices(
        estimates=estimates,
        comparison=compared,
        p=_exact(estimates, question, first) if exact else _approximate(compared, question),
        n_rows=estimates.n_rows[first],
        n_units=estimates.n_units[first],
    )


def patterns_of(masks: Bools) -> tuple[npt.NDArray[np.int64], Bools]:
    """Number of each cell's combination of slices, and the combinations.

    Parameters
    ----------
    masks : bool array of shape (slices, cells)
        Which cells each slice has.

    Returns
    -------
    (group, patterns)
        Integers of shape (cells,), and booleans of shape (patterns, slices).
    """
    group = np.zeros(masks.shape[1], np.int64)
    patterns = np.zeros((1, 0), bool)
    for mask in masks:
        # Twice as many combinations with every slice, of which those that occur are kept.
        group = 2 * group + mask
        there = np.flatnonzero(np.bincount(group, minlength=2 * len(patterns)))
        place = np.zeros(2 * len(patterns), np.int64)
        place[there] = np.arange(len(there))
        group = place[group]
        patterns = np.column_stack([patterns[there // 2], there % 2 == 1])
    return group, patterns


def _exact(estimates: Estimates, question: Aim, slices: npt.NDArray[np.int64]) -> Floats:
    assert isinstance(question.form, Ratio)
    above, below = (np.rint(side).astype(int) for side in question.form.split(estimates.sums))
    if not question.higher_is_worse:
        above = below - above
    tails = [
        hypergeometric_tail(int(above[i]), int(below[i]), int(above[0]), int(below[0]))
        for i in slices
    ]
    return np.array(tails, float)


def _approximate(compared: Comparison, question: Aim) -> Floats:
    """One-sided p-values; 1 where the data cannot tell."""
    return one_sided(harm_z(compared, question))


def harm_z(compared: Comparison, question: Aim) -> Floats:
    """Evidence of harm on the normal scale; NaN where the data cannot tell."""
    sign = np.sign(compared.difference) * (1 if question.higher_is_worse else -1)
    return np.asarray(compared.z * sign, float)


def one_sided(z: Floats) -> Floats:
    """Upper tail of the normal distribution; 1 where `z` is NaN."""
    return np.asarray(np.where(np.isnan(z), 1.0, special.ndtr(-np.nan_to_num(z))), float)
