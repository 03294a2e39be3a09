"""The reference and some conditions: costs of everybody, groups and rests, and how they go together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.comparisons.comparison import (
    Comparison,
    Pools,
    Range,
    compare,
    contrast_covariance,
    differences,
)
from evenhand.comparisons.limits import contrast_limit, rows_limit
from evenhand.comparisons.rates import rates_of
from evenhand.comparisons.rules import VerdictRules
from evenhand.comparisons.sets import GroupSet
from evenhand.cubes import Cube, Estimates, contrast_powers, estimate, unit_turns, unit_values
from evenhand.results.estimate import Estimate
from evenhand.stats.forms import Form, Ratio

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Comparisons of one kind, not yet judged.

    `covariance` gives that of some of them, and `limit` what the harm of one, told from its first
    side or (-1) from its second, may be at most at a probability beyond, whatever the distribution of
    bounded units; -inf where these are unknown.  `reach` is the largest size that one can have.
    """

    compared: Comparison
    able: Bools
    why: tuple[str | None, ...]
    covariance: Callable[[Integers], Floats]
    reach: float
    limit: Callable[[int, float, float], float]


class Block:
    """The reference and some conditions: estimates of everybody, groups and rests under each.

    Sets are numbered side by side: everybody, the groups, their rests; within a side by condition,
    the reference first.  Costs likewise, without the reference.
    """

    def __init__(
        self,
        cube: Cube,
        form: Form,
        cells: Sequence[GroupSet],
        members: Bools,
        rules: VerdictRules,
        *,
        proportion: bool,
        one_row_each: bool = False,
    ) -> None:
        self.form, self.rules, self.cells = form, rules, cells
        #: Whether units are rows of 0 and 1, which have an exact test of their own.
        self.turning = proportion and one_row_each and cube.units is not None
        self.sides, self.conditions = 1 + 2 * len(cells), len(members) - 1
        # Cells of the other conditions are in no set: left out, a long sweep costs no more than its parts.
        kept = np.flatnonzero(members.any(axis=0))
        cube, members = _some_cells(cube, kept), members[:, kept]
        everybody = np.ones(len(kept), bool)
        inside = [cell.members[kept] for cell in cells]
        rests = [(cell.known & ~cell.members)[kept] for cell in cells]
        sides = np.array([everybody, *inside, *rests])
        sets = (sides[:, None, :] & members[None, :, :]).reshape(-1, len(kept))
        shares = proportion and cube.units is None and isinstance(form, Ratio)
        self.binomial = shares and cube.weights is None
        self.cube, self.sets = cube, sets
        self.estimates: Estimates = estimate(cube, form, sets)
        number = np.arange(len(sets)).reshape(self.sides, -1)
        self.treated = number[:, 1:].ravel()
        self.plain = np.repeat(number[:, 0], self.conditions)
        powers = None
        if cube.units is not None:
            powers = contrast_powers(cube, form, sets, self.treated, self.plain)
        self.costs: Estimates = differences(
            self.estimates, form, self.treated, self.plain, powers, self.bounds
        )
        rates = rates_of(self.estimates, form, cube.parts, rules, binomial=shares)
        #: Of everybody and of each group.
        self.rates: list[Estimate] = rates[: (1 + len(cells)) * (1 + self.conditions)]

    @property
    def bounds(self) -> Range:
        """Between which units' values lie, where it is known."""
        low, high = self.rules.low, self.rules.high
        if low is None or high is None or not isinstance(self.form, Ratio):
            return None
        return low, high

    @property
    def width(self) -> float:
        """The largest difference that two values of the metric can have."""
        low, high = self.rules.low, self.rules.high
        return np.inf if low is None or high is None else high - low

    def seen_ends(self) -> tuple[float, float]:
        """Least and largest value of a unit, or of a set where rows are units."""
        values = self.estimates.values
        if self.cube.units is not None and isinstance(self.form, Ratio):
            everybody = self.sets[: 1 + self.conditions]
            values = np.concatenate([unit_values(self.cube, self.form, s)[0] for s in everybody])
        values = values[np.isfinite(values)]
        return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)

    def cost(self, side: Integers) -> Integers:
        """Numbers of the costs of some sides under each condition, side by side."""
        return (side[:, None] * self.conditions + np.arange(self.conditions)).ravel()

    def paid(self, sides: Integers) -> Costs:
        """Costs of some sides."""
        chosen = self.cost(sides)
        first, second = self.treated[chosen], self.plain[chosen]
        compared = compare(
            self.estimates,
            self.form,
            first,
            second,
            proportion=self.binomial,
            bounds=self.bounds,
        )
        if self.turning and isinstance(self.form, Ratio):
            turns = unit_turns(self.cube, self.form, self.sets, first, second)
            compared = replace(compared, turns=turns)
        why = self._why(np.stack([first, second]), ("", "no_reference"))

        def covariance(kept: Integers) -> Floats:
            return contrast_covariance(self.estimates.covariance, first[kept], second[kept])

        def limit(i: int, told: float, tail: float) -> float:
            return self._limit((first[i], second[i]), told, tail)

        return Costs(
            compared=compared,
            able=_none(why),
            why=why,
            covariance=covariance,
            reach=self.width,
            limit=limit,
        )

    def beyond(self, sides: Integers, others: Integers) -> Costs:
        """Costs of some sides beyond those of others."""
        first, second = self.cost(sides), self.cost(others)
        bounds = self.bounds and (self.bounds[0] - self.bounds[1], self.bounds[1] - self.bounds[0])
        compared = compare(
            self.costs,
            self.form,
            first,
            second,
            proportion=False,
            pools=self._pools(sides),
            bounds=bounds,
        )
        sets = [side[costs] for costs in (first, second) for side in (self.treated, self.plain)]
        why = self._why(np.stack(sets), ("", "no_reference", "no_reference", "no_reference"))

        def covariance(kept: Integers) -> Floats:
            return contrast_covariance(self.costs.covariance, first[kept], second[kept])

        def limit(i: int, told: float, tail: float) -> float:
            one, two = first[i], second[i]
            costs = (self.treated[one], self.plain[one], self.plain[two], self.treated[two])
            return self._limit(costs, told, tail)

        return Costs(
            compared=compared,
            able=_none(why),
            why=why,
            covariance=covariance,
            reach=2 * self.width,
            limit=limit,
        )

    def _pools(self, sides: Integers) -> Pools:
        """Costs of one condition to the groups of one partition tell about each other's variances.

        So do, a little, those of all conditions.
        """
        number = partition_numbers(self.cells)
        groups = [1 + np.flatnonzero(number == one) for one in range(number.max() + 1)]
        costs = [self.cost(some).reshape(-1, self.conditions) for some in groups]
        pool = np.arange(len(groups) * self.conditions).reshape(-1, self.conditions)
        return Pools(
            members=tuple(column for own in costs for column in own.T),
            of_pair=pool[number[sides - 1]].ravel(),
            families=tuple(pool),
            shared=np.array([self._resemblance(own) for own in costs]),
        )

    def _resemblance(self, costs: Integers) -> float:
        """Mean squared correlation of what two conditions cost a group; shape (groups, conditions)."""
        if self.conditions < 2:
            return 0.0
        covariance = self.costs.covariance[costs[:, :, None], costs[:, None, :]]
        variance = np.diagonal(covariance, axis1=1, axis2=2)
        with np.errstate(divide="ignore", invalid="ignore"):
            square = covariance**2 / (variance[:, :, None] * variance[:, None, :])
        each = np.where(np.isfinite(square), square, 0.0)[np.isfinite(variance).all(axis=1)]
        if not len(each):
            return 1.0
        pairs = self.conditions * (self.conditions - 1)
        own = np.diagonal(each, axis1=1, axis2=2).sum(axis=1)
        return float(np.clip((each.sum(axis=(1, 2)) - own).mean() / pairs, 0.0, 1.0))

    def _limit(self, sets: Sequence[Any], told: float, tail: float) -> float:
        """Upper limit of the harm of signed sets, the odd ones negative; of all turned if told so."""
        if self.bounds is None or not isinstance(self.form, Ratio):
            return -np.inf
        signs = told * np.resize([1.0, -1.0], len(sets))
        if not self.rules.higher_is_worse:
            signs = -signs
        if self.cube.units is None:
            own, form, bounds = self.estimates, self.form, self.bounds
            return rows_limit(own, form, sets, signs, bounds, tail, proportion=self.binomial)
        return contrast_limit(self.cube, self.form, self.sets[list(sets)], signs, self.bounds, tail)

    def _why(self, sets: Integers, absent: Sequence[str]) -> tuple[str | None, ...]:
        """Why some comparisons cannot be judged, by the sets that each of them needs."""
        values, n_units = self.estimates.values[sets], self.estimates.n_units[sets]
        out: list[str | None] = [None] * sets.shape[1]
        for i in range(sets.shape[1]):
            for row, instead in enumerate(absent):
                if not np.isfinite(values[row, i]):
                    out[i] = instead or "no_denominator"
                elif n_units[row, i] < self.rules.min_units:
                    out[i] = "too_few_units"
                else:
                    continue
                break
        return tuple(out)


def _some_cells(cube: Cube, kept: Integers) -> Cube:
    """The same cube with some of its cells."""
    units = cube.units
    if units is not None:
        place = np.full(len(cube.keys), -1)
        place[kept] = np.arange(len(kept))
        own = place[units.cell] >= 0
        units = replace(
            units, cell=place[units.cell[own]], unit=units.unit[own], sums=units.sums[own]
        )
    return replace(
        cube,
        keys=cube.keys.take(kept),
        n_rows=cube.n_rows[kept],
        n_defined=cube.n_defined[kept],
        sums=cube.sums[kept],
        comoments=cube.comoments[kept],
        powers=None if cube.powers is None else cube.powers[kept],
        weights=None if cube.weights is None else cube.weights[kept],
        level=cube.level[kept],
        units=units,
    )


def partition_numbers(cells: Sequence[GroupSet]) -> Integers:
    """Which partition each group is of."""
    numbers = {name: i for i, name in enumerate(dict.fromkeys(c.partition.names for c in cells))}
    return np.array([numbers[cell.partition.names] for cell in cells], np.int64)


def _none(why: Sequence[str | None]) -> Bools:
    return np.array([reason is None for reason in why], bool)
