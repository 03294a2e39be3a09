"""What the data say about every group of an audit: estimates, comparisons, adjusted p-values.

Sets of cells are numbered: 0 is everything, then the groups, then those whose attribute is missing,
then the references.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.audits.disclosure.hiding import NOTHING, Hidden
from evenhand.comparisons.comparison import Comparison, Pools, compare, contrast_covariance
from evenhand.comparisons.family import MAX_T_SETS, JudgedFamily, judge_family
from evenhand.comparisons.rates import bounds_of, rates_of
from evenhand.comparisons.rules import VerdictRules
from evenhand.comparisons.sets import GroupSet, cells_of
from evenhand.cubes import Cube, Estimates, estimate, unit_values
from evenhand.errors import NoRowError
from evenhand.groups import Attribute, Partition
from evenhand.questions.crowding import check_groups
from evenhand.results.estimate import Estimate
from evenhand.stats import contrasts
from evenhand.stats.assisted import Assisted
from evenhand.stats.forms import Form, Ratio

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
NONE = -1


class GroupEvidence:
    """Estimates of all sets and comparisons of groups with their references.

    Attributes
    ----------
    cells, absent : list of GroupSet
        The groups, and the sets of rows that lack an attribute.
    group_index, absent_index, reference_index : integer arrays
        Numbers of their sets, and of each group's reference; -1 where there is none.
    sets : bool array of shape (sets, cells)
        Which cells belong to each set.
    estimates : Estimates
        Of all sets.
    rates : list of Estimate
        The same as results, with intervals.
    compared : Comparison
        Each group with its reference.
    tested : integer array
        Groups whose comparison can be judged.
    joint_z : float
        Normal quantile at which all comparisons hold at once.
    p_adjusted : array
        Of each group; NaN where not tested.
    adjust : str
        Correction that was used.
    """

    def __init__(
        self,
        cube: Cube,
        form: Form,
        attributes: Sequence[Attribute],
        partitions: Sequence[Partition],
        rules: VerdictRules,
        *,
        proportion: bool,
        hidden: Hidden = NOTHING,
    ) -> None:
        self.cube, self.form, self.rules = cube, form, rules
        #: Whether values are proportions of independent rows, and of rows that count whole.
        self.shares = proportion and cube.units is None and isinstance(form, Ratio)
        self.binomial = self.shares and cube.weights is None
        self.rng = np.random.default_rng(rules.seed)
        check_groups(cube, partitions)
        found = [cell for partition in partitions for cell in cells_of(cube, partition, attributes)]
        self.cells = [cell for cell in found if not cell.missing]
        _check_occurrence(attributes, partitions, self.cells)
        self.absent = [cell for cell in found if cell.missing and len(cell.key) == 1]
        self.group_index = np.arange(1, 1 + len(self.cells))
        self.absent_index = np.arange(1 + len(self.cells), 1 + len(self.cells) + len(self.absent))
        self.reference_index = np.full(len(self.cells), NONE)
        self.not_shown = hidden
        self.hidden = self._hidden_numbers(hidden)
        self._estimate()
        self.hidden |= self._hidden_references(hidden)
        self.rates: list[Estimate] = rates_of(
            self.estimates, form, cube.parts, rules, binomial=self.shares
        )
        if hidden:  # only what the value consists of is protected, not each of its counts
            self.rates = [replace(rate, counts=None) for rate in self.rates]
        if rules.suppress_below:
            # Sums of squared weights are protected by nothing.
            self.rates = [replace(rate, effective_sample_size=None) for rate in self.rates]
            # How many are of the scarcer class is nobody's to subtract.
            rows = [self.rows_of_classes(index) for index in range(len(self.rates))]
            self.rates = [
                replace(rate, n_units=count) if count else rate
                for rate, count in zip(self.rates, rows, strict=True)
            ]
        self._compare()

    def rows_of_classes(self, index: int) -> int:
        """Rows of a set of which only those of the scarcer class count as units; 0 where all do."""
        if self.cube.units is not None or isinstance(self.form, Ratio | Assisted):
            return 0
        rows = int(self.sets[index] @ self.cube.n_defined)
        return rows if self.estimates.n_units[index] < rows else 0

    # -- sets ----------------------------------------------------------------------------------

    def _estimate(self) -> None:
        everything = np.ones(len(self.cube.keys), bool)
        sets = [everything, *(cell.members for cell in (*self.cells, *self.absent))]
        sets += self._references(len(sets))
        stacked = self.sets = np.array(sets)
        self.full = len(stacked) <= MAX_T_SETS
        self.estimates: Estimates = self._estimate_sets(stacked)
        if self.rules.versus == "best":
            self._find_best()
            if not self.full:
                self.estimates = self._estimate_sets(stacked)

    def _estimate_sets(self, sets: Bools) -> Estimates:
        pairs = np.stack([self.group_index, np.maximum(self.reference_index, 0)], axis=1)
        return estimate(self.cube, self.form, sets, None if self.full else pairs)

    def _references(self, first: int) -> list[Bools]:
        """Sets to compare with; fills `reference_index`."""
        versus, index = self.rules.versus, self.reference_index
        if versus == "best":
            return []
        if versus == "overall" and not isinstance(self.form, Ratio):
            index[:] = 0
            return []
        if versus in ("rest", "overall"):
            index[:] = first + np.arange(len(self.cells))
            everywhere = np.ones(len(self.cube.keys), bool)
            return [
                (cell.known if versus == "rest" and not self.not_shown.mixes(cell) else everywhere)
                & ~cell.members
                for cell in self.cells
            ]
        chosen = self.chosen_reference()
        if not chosen.any():
            raise NoRowError(f"No row satisfies {versus}, so there is nothing to compare with.")
        same = [bool((cell.members == chosen).all()) for cell in self.cells]
        index[:] = np.where(same, NONE, first)
        return [chosen]

    def chosen_reference(self) -> Bools:
        """Cells of the reference that a predicate names."""
        codes, keys = self.cube.codes((self.rules.versus,))
        return np.asarray([key == (True,) for key in keys], bool)[codes]

    def _find_best(self) -> None:
        """Take as reference the group with the best value of each partition."""
        sign = 1 if self.rules.higher_is_worse else -1
        for _, members in self.partitions:
            able = [i for i in members if self.able(self.group_index[i])]
            if len(able) > 1:
                best = min(able, key=lambda i: sign * self.estimates.values[self.group_index[i]])
                self.reference_index[members] = self.group_index[best]
                self.reference_index[best] = NONE

    @cached_property
    def partitions(self) -> list[tuple[Partition, Integers]]:
        """Each partition with the numbers of its groups."""
        found = {cell.partition.names: cell.partition for cell in self.cells}
        return [
            (partition, np.array([i for i, c in enumerate(self.cells) if c.partition == partition]))
            for partition in found.values()
        ]

    def able(self, index: int | np.integer[Any]) -> bool:
        """Whether a set has a value and enough units."""
        if int(index) in self.hidden:
            return False
        enough = self.estimates.n_units[index] >= self.rules.min_units
        return bool(enough and np.isfinite(self.estimates.values[index]))

    def _hidden_numbers(self, hidden: Hidden) -> frozenset[int]:
        """Numbers of the hidden groups: nothing is computed from them that could be shown."""
        index = [*self.group_index, *self.absent_index]
        everyone = zip([*self.cells, *self.absent], index, strict=True)
        return frozenset(int(i) for cell, i in everyone if hidden.covers(cell))

    def _hidden_references(self, hidden: Hidden) -> frozenset[int]:
        versus, everyone = self.rules.versus, zip(self.cells, self.reference_index, strict=True)
        if versus == "best":
            return frozenset()
        return frozenset(
            int(i) for cell, i in everyone if i != NONE and hidden.leaves_uncompared(cell, versus)
        )

    # -- comparisons ---------------------------------------------------------------------------

    def _compare(self) -> None:
        reference = np.maximum(self.reference_index, 0)
        least, most, seen = self._bounds()
        self.compared: Comparison = compare(
            self.estimates,
            self.form,
            self.group_index,
            reference,
            proportion=self.binomial,
            # Two groups of one partition are one comparison, told from both sides.
            exact=self.rules.family > 1 or len(self.partitions) > 1 or len(self.cells) > 2,
            pools=self._pools(),
            bounds=None if least is None or most is None else (least, most),
            seen=seen,
        )
        pairs = zip(self.group_index, self.reference_index, strict=True)
        able = [r != NONE and self.able(g) and self.able(r) for g, r in pairs]
        z = self.compared.z
        self.is_tested: Bools = np.asarray(able, bool) & np.isfinite(z)
        self.tested = np.flatnonzero(self.is_tested)
        family = self._family(z)
        self.joint_z, self.adjust = family.joint_z, family.adjust
        self.p_adjusted = np.full(len(self.cells), np.nan)
        self.p_adjusted[self.tested] = family.p_adjusted
        self.scale = self._share_of_others()
        low, high = self.compared.interval(self.joint_z)
        self.low, self.high = low * self.scale, high * self.scale

    def _pools(self) -> Pools:
        """Groups of one partition tell about each other's variances."""
        of_pair = np.zeros(len(self.cells), np.int64)
        for number, (_, members) in enumerate(self.partitions):
            of_pair[members] = number
        groups = tuple(self._variable(self.group_index[members]) for _, members in self.partitions)
        return Pools(members=groups, of_pair=of_pair)

    def _variable(self, groups: Integers) -> Integers:
        """Of a single group that a predicate picks, its reference too: the two are the pool."""
        if len(groups) > 1 or self.reference_index[groups[0] - 1] == NONE:
            return groups
        return np.append(groups, self.reference_index[groups[0] - 1])

    def _bounds(self) -> tuple[float | None, float | None, bool]:
        """Between which values of units lie, and whether that is only what was seen."""
        low, high = self.rules.low, self.rules.high
        if isinstance(self.form, Assisted):
            return None, None, False
        if (low is not None and high is not None) or not isinstance(self.form, Ratio):
            return low, high, False
        if not (self.estimates.variances == 0).any():
            return None, None, False
        values = self.estimates.values
        if self.cube.units is not None:
            everything = np.ones(len(self.cube.keys), bool)
            values = np.concatenate([values, unit_values(self.cube, self.form, everything)[0]])
        values = values[np.isfinite(values)]
        if not len(values) or np.ptp(values) <= 1e-12 * np.abs(values).max():
            return None, None, False
        return (
            float(values.min()) if low is None else low,
            float(values.max()) if high is None else high,
            True,
        )

    def _family(self, z: Floats) -> JudgedFamily:
        """The comparisons that can be judged, judged together."""
        first, second = self.group_index[self.tested], self.reference_index[self.tested]
        best = self.rules.versus == "best"
        if best:
            able = np.array([i for i in self.group_index if self.able(i)], np.int64)
            first, second = (able[index] for index in np.triu_indices(len(able), 1))
        # Correlations of groups that share rows would tell how many: not where people are to be hidden.
        alone = not self.full or self.rules.suppress_below > 0 or len(first) > MAX_T_SETS
        return judge_family(
            z[self.tested],
            self.rules,
            self.rng,
            None
            if alone
            else lambda: contrast_covariance(self.estimates.covariance, first, second),
            # The best group is chosen by the data, so any pair might have been compared.
            among=(len(self.tested) + 1) / 2 if best else 1.0,
            chosen=best,
        )

    def _share_of_others(self) -> Floats:
        """Difference to all = share of the others' denominator · difference to the others."""
        if self.rules.versus != "overall" or not isinstance(self.form, Ratio):
            return np.ones(len(self.cells))
        _, below = self.form.split(self.estimates.sums)
        share = below[self.group_index] / below[0] if below[0] else np.zeros(len(self.cells))
        return np.asarray(1 - share, float)

    @cached_property
    def joint_bounds(self) -> tuple[Floats, Floats]:
        """Interval of each set's own value at the confidence of all comparisons at once."""
        rules = replace(self.rules, level=contrasts.level_of_z(self.joint_z))
        if self.compared.exact:
            rules = replace(rules, interval="clopper-pearson")
        low, high, _ = bounds_of(self.estimates, self.form, rules, binomial=self.shares)
        return low, high

    @cached_property
    def ratio_bounds(self) -> tuple[Floats, Floats]:
        """Interval of each group's ratio to its reference at the confidence of all comparisons at once.

        The best group was chosen by the data: its rate at the level of one is too high on average.
        """
        estimates, (low, high) = self.estimates, self.joint_bounds
        first, second = self.group_index, self.reference_index
        sides = [[of[s] for of in (estimates.values, low, high)] for s in (first, second)]
        ratio_low, ratio_high = contrasts.mover_ratio(*sides[0], *sides[1])
        apart = (estimates.shared[first, second] == 0) & np.isfinite(sides).all(axis=(0, 1))
        for i in np.flatnonzero(self.is_tested & ~apart & (estimates.values[second] > 0)):
            ratio_low[i], ratio_high[i] = self._log_ratio(first[i], second[i])
        return ratio_low, ratio_high

    def _log_ratio(self, first: int, second: int) -> tuple[Floats, Floats]:
        """Interval of a ratio of two sets that share units."""
        estimates = self.estimates
        v1, v2 = estimates.values[first], estimates.values[second]
        variance = np.asarray(np.nan)
        if v1 > 0:
            scale = np.array([1 / v1, -1 / v2])
            variance = scale @ self.covariance_of(np.array([first, second])) @ scale
        df = np.asarray(max(min(estimates.n_effective[[first, second]]) - 1, 1), float)
        level = contrasts.level_of_z(self.joint_z)
        return contrasts.log_ratio(np.asarray(v1), np.asarray(v2), variance, df, level)

    @cached_property
    def p_value(self) -> Floats:
        """Of each comparison by itself."""
        return contrasts.p_of_z(self.compared.z)

    def covariance_of(self, index: Integers) -> Floats:
        """Covariance of some sets' values; needs `full`."""
        return self.estimates.covariance[np.ix_(index, index)]

    def cell_of(self, index: int) -> GroupSet:
        """The group behind the number of a set."""
        return self.cells[index - 1]


def _check_occurrence(
    attributes: Sequence[Attribute], partitions: Sequence[Partition], cells: Sequence[GroupSet]
) -> None:
    """Refuse a predicate that no row satisfies."""
    met = {cell.partition.names for cell in cells}
    for attribute in attributes:
        asked = Partition(names=(attribute.name,)) in partitions
        if attribute.predicate is not None and asked and (attribute.name,) not in met:
            raise NoRowError(
                f"No row satisfies {attribute.name}.  Look at the values of its columns."
            )
