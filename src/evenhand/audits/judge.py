"""Cube to verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.audits.comparison import Comparison, compare, contrast_covariance
from evenhand.audits.rates import bounds_of, rates_of
from evenhand.audits.result import Contrast, Estimate, Gap, Group, Missing, Refused, Verdict
from evenhand.audits.rules import Rules
from evenhand.audits.sets import cells_of
from evenhand.cubes import Cube, Estimates, estimate
from evenhand.errors import REASONS
from evenhand.groups import Attribute, Partition
from evenhand.stats import contrasts, simultaneous, spread
from evenhand.stats.forms import Form, Ratio
from evenhand.stats.intervals import z_of
from evenhand.stats.power import minimum_detectable_difference, steadied_variance
from evenhand.stats.shrinkage import shrink
from evenhand.stats.suppression import suppress

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
# With more sets than this, covariances of all pairs cost too much: Holm and Bonferroni instead.
MAX_T_SETS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What `judge` finds; the parts of an audit that follow from the cube."""

    overall: Estimate
    groups: tuple[Group, ...]
    gaps: tuple[Gap, ...]
    refused: tuple[Refused, ...]
    missing: tuple[Missing, ...]
    comparisons: int
    adjust: str


def judge(
    cube: Cube,
    form: Form,
    attributes: Sequence[Attribute],
    partitions: Sequence[Partition],
    rules: Rules,
    *,
    proportion: bool = False,
) -> Judgement:
    """Estimate every group, compare it with its reference and give a verdict.

    Parameters
    ----------
    cube : Cube
        Counts by the attributes.
    form : Form
        How the metric's value follows from them.
    attributes, partitions
        What the groups are.
    rules : Rules
        How to judge.
    proportion : bool
        Whether the metric is a proportion of rows; with rows as their own units it gets
        binomial intervals.
    """
    return _Court(cube, form, attributes, partitions, rules, proportion).judgement()


class _Court:
    """One judgement in the making: sets, estimates and comparisons, by index."""

    def __init__(
        self,
        cube: Cube,
        form: Form,
        attributes: Sequence[Attribute],
        partitions: Sequence[Partition],
        rules: Rules,
        proportion: bool,
    ) -> None:
        self.cube, self.form, self.rules = cube, form, rules
        self.binomial = proportion and cube.units is None and isinstance(form, Ratio)
        self.rng = np.random.default_rng(rules.seed)
        found = [cell for partition in partitions for cell in cells_of(cube, partition, attributes)]
        self.cells = [cell for cell in found if not cell.missing]
        self.absent = [cell for cell in found if cell.missing and len(cell.key) == 1]
        self._estimate()
        self._compare()
        self.hidden = self._suppress()

    # -- sets: 0 is everything, then the groups, the absent, the references -----------------

    def _estimate(self) -> None:
        everything = np.ones(len(self.cube.keys), bool)
        groups = [cell.members for cell in self.cells]
        sets = [everything, *groups, *(cell.members for cell in self.absent)]
        self.group_index = np.arange(1, 1 + len(groups))
        self.absent_index = np.arange(1 + len(groups), len(sets))
        self.reference_index = np.full(len(groups), -1)
        references = self._references(sets)
        stacked = np.array([*sets, *references])
        pairs = None
        if len(stacked) > MAX_T_SETS:
            pairs = np.stack([self.group_index, np.maximum(self.reference_index, 0)], axis=1)
        self.estimates: Estimates = estimate(self.cube, self.form, stacked, pairs)
        if self.rules.versus == "best":
            self._find_best(pairs is not None)
        self.full = pairs is None or self.estimates.covariance.ndim == 2
        self.rates = rates_of(
            self.estimates, self.form, self.cube.parts, self.rules, binomial=self.binomial
        )

    def _references(self, sets: list[Bools]) -> list[Bools]:
        """Sets to compare with; fills `reference_index`."""
        rules, references = self.rules, list[Bools]()
        if rules.versus in ("rest", "overall"):
            for number, cell in enumerate(self.cells):
                known = cell.known if rules.versus == "rest" else np.ones_like(cell.members)
                references.append(known & ~cell.members)
                self.reference_index[number] = len(sets) + number
        elif rules.versus != "best":
            codes, keys = self.cube.codes((rules.versus,))
            chosen = np.array([key == (True,) for key in keys])[codes]
            references.append(chosen)
            for number, cell in enumerate(self.cells):
                same = bool((cell.members == chosen).all())
                self.reference_index[number] = -1 if same else len(sets)
        return references

    def _find_best(self, many: bool) -> None:
        """The group with the best value of each partition, chosen by the data."""
        sign = 1 if self.rules.higher_is_worse else -1
        for names in dict.fromkeys(cell.partition.names for cell in self.cells):
            members = [i for i, cell in enumerate(self.cells) if cell.partition.names == names]
            able = [i for i in members if self._able(self.group_index[i])]
            if len(able) < 2:
                continue
            best = min(able, key=lambda i: sign * self.estimates.values[self.group_index[i]])
            for i in members:
                self.reference_index[i] = -1 if i == best else self.group_index[best]
        if many:
            pairs = np.stack([self.group_index, np.maximum(self.reference_index, 0)], axis=1)
            sets = np.array(
                [
                    np.ones(len(self.cube.keys), bool),
                    *(cell.members for cell in (*self.cells, *self.absent)),
                ]
            )
            self.estimates = estimate(self.cube, self.form, sets, pairs)

    def _able(self, index: int | np.integer[Any]) -> bool:
        """Whether a set has a value and enough units."""
        return bool(
            self.estimates.n_units[index] >= self.rules.min_units
            and np.isfinite(self.estimates.values[index])
        )

    # -- comparisons -------------------------------------------------------------------------

    def _compare(self) -> None:
        reference = np.maximum(self.reference_index, 0)
        compared = compare(
            self.estimates, self.form, self.group_index, reference, proportion=self.binomial
        )
        able = [
            r >= 0 and self._able(g) and self._able(r)
            for g, r in zip(self.group_index, self.reference_index, strict=True)
        ]
        self.compared: Comparison = compared
        self.tested = np.flatnonzero(np.array(able, bool) & np.isfinite(compared.z))
        self.z_joint, self.p_adjusted = self._adjust()
        self.low, self.high = compared.interval(self.z_joint)
        if self.rules.versus == "overall":
            self._convert_to_overall()

    def _adjust(self) -> tuple[float, Floats]:
        """Quantile at which all comparisons hold at once, and adjusted p-values."""
        rules, tested = self.rules, self.tested
        out = np.full(len(self.cells), np.nan)
        if not len(tested):
            return float(z_of(rules.joint_level)), out
        z = self.compared.z[tested]
        self.adjust = rules.adjust if self.full or rules.adjust != "max-t" else "holm"
        number = len(tested) * (self._pairs_per_group() if rules.versus == "best" else 1)
        joint = simultaneous.bonferroni_quantile(number, rules.joint_level)
        raw = contrasts.p_of_z(z)
        if self.adjust == "max-t":
            joint, adjusted = self._max_t(z, joint)
        elif self.adjust == "holm":
            adjusted = np.minimum(simultaneous.holm(raw) * (number / len(tested)), 1.0)
        else:
            adjusted = simultaneous.benjamini_hochberg(raw)
        out[tested] = np.minimum(adjusted * rules.family, 1.0)
        return joint, out

    def _pairs_per_group(self) -> int:
        """The best group was chosen by the data, so any pair might have been compared."""
        return max(1, int(np.ceil((len(self.tested) + 1) / 2)))

    def _max_t(self, z: Floats, bonferroni: float) -> tuple[float, Floats]:
        first, second = self.group_index[self.tested], self.reference_index[self.tested]
        if self.rules.versus == "best":
            able = np.array([i for i in self.group_index if self._able(i)])
            first, second = (able[index] for index in np.triu_indices(len(able), 1))
            if len(first) > MAX_T_SETS:
                return bonferroni, np.minimum(
                    simultaneous.holm(contrasts.p_of_z(z)) * self._pairs_per_group(), 1.0
                )
        covariance = contrast_covariance(self.estimates.covariance, first, second)
        draws = simultaneous.draw_normal(covariance, self.rules.draws, self.rng)
        joint = min(simultaneous.max_t_quantile(draws, self.rules.joint_level), bonferroni)
        if self.rules.versus == "best":
            largest = np.abs(draws).max(axis=1)
            adjusted = np.array(
                [(1 + np.count_nonzero(largest >= value)) / (len(draws) + 1) for value in z]
            )
            return joint, np.minimum(adjusted, np.minimum(contrasts.p_of_z(z) * len(first), 1.0))
        return joint, simultaneous.step_down(z, draws)

    def _convert_to_overall(self) -> None:
        """Difference to all = (1 - share of the denominator) · difference to the rest."""
        if not isinstance(self.form, Ratio):
            share = self.estimates.n_rows / max(self.estimates.n_rows[0], 1)
        else:
            _, below = self.form.split(self.estimates.sums)
            share = below / below[0] if below[0] else np.zeros_like(below)
        keep = 1 - share[self.group_index]
        self.low, self.high = self.low * keep, self.high * keep
        self.scale = keep

    # -- results -----------------------------------------------------------------------------

    def judgement(self) -> Judgement:
        """Everything found, as values."""
        shrunk = self._shrunk()
        sensitivity = self._sensitivity()
        groups = tuple(self._group(i, shrunk[i], sensitivity[i]) for i in range(len(self.cells)))
        return Judgement(
            overall=self._rate(0),
            groups=groups,
            gaps=self._gaps(),
            refused=tuple(
                self._refused(i)
                for i in range(len(self.cells))
                if not self._able(self.group_index[i])
            ),
            missing=self._missing(),
            comparisons=len(self.tested),
            adjust=getattr(self, "adjust", self.rules.adjust),
        )

    def _rate(self, index: int | np.integer[Any]) -> Estimate:
        return self.rates[index]

    def _group(self, i: int, shrunk: float | None, sensitivity: float | None) -> Group:
        cell, rate = self.cells[i], self._rate(self.group_index[i])
        hidden = self.hidden.get(self.group_index[i])
        group = Group(
            by=cell.partition.names,
            group=dict(zip(cell.partition.names, cell.label, strict=True)),
            predicate=cell.predicate,
            estimate=rate,
            shrunk=shrunk,
            versus=self._contrast(i),
            minimum_detectable_difference=sensitivity,
            verdict=self._verdict(i),
        )
        if hidden is None:
            return group
        return replace(
            group,
            estimate=_hide(rate, hidden),
            shrunk=None,
            versus=None,
            minimum_detectable_difference=None,
            verdict="insufficient evidence",
            suppressed=True,
        )

    def _contrast(self, i: int) -> Contrast | None:
        reference = self.reference_index[i]
        if reference < 0 or self.hidden.get(reference):
            return None
        name = self._reference_name(i)
        if i not in self.tested:
            return Contrast(
                reference=name,
                difference=None,
                low=None,
                high=None,
                ratio=None,
                ratio_low=None,
                ratio_high=None,
                p_value=None,
                p_adjusted=None,
                method=None,
                reason=self._untested_reason(i),
            )
        keep = self.scale[i] if self.rules.versus == "overall" else 1.0
        versus = 0 if self.rules.versus == "overall" else reference
        ratio, ratio_low, ratio_high = self._ratio(self.group_index[i], versus)
        return Contrast(
            reference=name,
            difference=float(self.compared.difference[i] * keep),
            low=float(self.low[i]),
            high=float(self.high[i]),
            ratio=ratio,
            ratio_low=ratio_low,
            ratio_high=ratio_high,
            p_value=float(contrasts.p_of_z(self.compared.z[i])),
            p_adjusted=float(self.p_adjusted[i]),
            method=self.compared.methods[i],
            reason=None,
        )

    def _reference_name(self, i: int) -> str:
        if self.rules.versus in ("rest", "overall"):
            return self.rules.versus
        if self.rules.versus == "best":
            return str(self.cells[self.reference_index[i] - 1].predicate)
        return self.rules.versus

    def _untested_reason(self, i: int) -> str:
        for index in (self.group_index[i], self.reference_index[i]):
            if not np.isfinite(self.estimates.values[index]):
                return "no_denominator" if index == self.group_index[i] else "no_reference"
            if self.estimates.n_units[index] < self.rules.min_units:
                return "too_few_units" if index == self.group_index[i] else "no_reference"
        return "no_variation"

    def _ratio(self, first: int, second: int) -> tuple[float | None, float | None, float | None]:
        """Ratio of two rates, for rates that have a meaningful zero."""
        v1, v2 = self.estimates.values[first], self.estimates.values[second]
        if self.rules.low != 0 or not v2 > 0 or second == 0 or not self.full:
            plain = float(v1 / v2) if self.rules.low == 0 and v2 > 0 else None
            return plain, None, None
        level = self.rules.level
        one, two = self.rates[first], self.rates[second]
        if self.estimates.shared[first, second] == 0 and None not in (
            one.low,
            one.high,
            two.low,
            two.high,
        ):
            bounds = (v1, one.low, one.high, v2, two.low, two.high)
            low, high = contrasts.mover_ratio(*map(np.asarray, bounds))
        else:
            covariance = self.estimates.covariance
            variance = (
                (
                    covariance[first, first] / v1**2
                    + covariance[second, second] / v2**2
                    - 2 * covariance[first, second] / (v1 * v2)
                )
                if v1 > 0
                else np.nan
            )
            df = np.float64(
                max(min(self.estimates.n_units[first], self.estimates.n_units[second]) - 1, 1)
            )
            first_value, second_value, spread_of_log = map(np.asarray, (v1, v2, variance))
            low, high = contrasts.log_ratio(
                first_value, second_value, spread_of_log, np.asarray(df), level
            )
        return float(v1 / v2), _number(float(low)), _number(float(high))

    def _verdict(self, i: int) -> Verdict:
        """The whole interval decides, never the point."""
        if i not in self.tested:
            return "insufficient evidence"
        low, high = (
            (self.low[i], self.high[i])
            if self.rules.higher_is_worse
            else (-self.high[i], -self.low[i])
        )
        if low > self.rules.tolerance:
            return "worse"
        return "not worse" if high <= self.rules.tolerance else "insufficient evidence"

    def _refused(self, i: int) -> Refused:
        cell, index = self.cells[i], self.group_index[i]
        n, needed = int(self.estimates.n_units[index]), self.rules.min_units
        defined = np.isfinite(self.estimates.values[index])
        reason = ("too_few_units" if n < needed else "class_absent") if n else "no_denominator"
        if n and defined and n >= needed:
            reason = "too_few_units"
        plural = self.rules.unit if n == 1 else f"{self.rules.unit}s"
        message = f"Refused [{reason}]: group {cell.predicate} has {n} {plural}"
        message += (
            f"; this interval needs at least {needed}."
            if reason == "too_few_units"
            else f": {REASONS[reason]}."
        )
        if self.hidden.get(int(index)):
            return Refused(
                by=cell.partition.names,
                predicate=cell.predicate,
                reason="suppressed",
                n_units=None,
                needed=needed,
                message=f"Refused [suppressed]: group {cell.predicate} is {REASONS['suppressed']}.",
            )
        return Refused(
            by=cell.partition.names,
            predicate=cell.predicate,
            reason=reason,
            n_units=n,
            needed=needed,
            message=message,
        )

    def _missing(self) -> tuple[Missing, ...]:
        inputs = tuple(Missing(attribute=name, n_rows=count) for name, count in self.cube.missing)
        shown = []
        for cell, index in zip(self.absent, self.absent_index, strict=True):
            rate, hidden = self._rate(index), self.hidden.get(int(index))
            rows = None if hidden else rate.n_rows
            shown.append(
                Missing(
                    attribute=cell.partition.names[0],
                    n_rows=rows,
                    estimate=_hide(rate, hidden) if hidden else rate,
                )
            )
        return (*shown, *inputs)

    # -- whole partitions --------------------------------------------------------------------

    def _by_partition(self) -> list[tuple[Partition, Integers]]:
        partitions = {cell.partition.names: cell.partition for cell in self.cells}
        return [
            (
                partition,
                np.array([i for i, cell in enumerate(self.cells) if cell.partition == partition]),
            )
            for partition in partitions.values()
        ]

    def _shrunk(self) -> list[float | None]:
        out: list[float | None] = [None] * len(self.cells)
        for _, everyone in self._by_partition():
            index = self.group_index[everyone]
            usable = np.isfinite(self.estimates.values[index]) & (self.estimates.n_units[index] > 0)
            members, index = everyone[usable], index[usable]
            variances = steadied_variance(
                np.nan_to_num(self.estimates.variances[index]),
                self.estimates.n_units[index].astype(float),
            )
            if len(members) < 3 or not (variances > 0).all():
                continue
            codes = np.array([self.cells[i].codes for i in members]).T
            for i, value in zip(
                members, shrink(self.estimates.values[index], variances, list(codes)), strict=True
            ):
                out[i] = float(value)
        return out

    def _sensitivity(self) -> list[float | None]:
        """Minimum detectable difference of each comparison."""
        out: list[float | None] = [None] * len(self.cells)
        if not len(self.tested):
            return out
        first, second = self.group_index[self.tested], self.reference_index[self.tested]
        steady = steadied_variance(
            np.nan_to_num(self.estimates.variances), self.estimates.n_units.astype(float)
        )
        own = self.estimates.variances
        extra = np.maximum(steady[first] - own[first], 0) + np.maximum(
            steady[second] - own[second], 0
        )
        extra = np.where(self.compared.variance[self.tested] > 0, 0.0, extra)
        error = np.sqrt(self.compared.variance[self.tested] + extra)
        keep = self.scale[self.tested] if self.rules.versus == "overall" else 1.0
        for i, value in zip(
            self.tested, minimum_detectable_difference(error, self.z_joint) * keep, strict=True
        ):
            out[i] = float(value) if value > 0 else None
        return out

    def _gaps(self) -> tuple[Gap, ...]:
        partitions = self._by_partition()
        level = 1 - (1 - self.rules.joint_level) / max(len(partitions), 1)
        return tuple(self._gap(partition, members, level) for partition, members in partitions)

    def _gap(self, partition: Partition, members: Integers, level: float) -> Gap:
        index = np.array([g for g in self.group_index[members] if self._able(g)], int)
        if len(index) < 2:
            return Gap(
                by=partition.names,
                largest=None,
                lower_bound=None,
                between_group_sd=None,
                homogeneity_p=None,
                smallest_ratio=None,
                reason="too_few_units" if len(members) > 1 else "no_reference",
            )
        values = self.estimates.values[index]
        published = not any(self.hidden.get(i) for i in self.group_index[members])
        return Gap(
            by=partition.names,
            largest=float(np.ptp(values)) if published else None,
            lower_bound=self._gap_bound(index, level),
            between_group_sd=spread.between_group_sd(values, self.estimates.variances[index]),
            homogeneity_p=self._homogeneity(index),
            smallest_ratio=float(values.min() / values.max())
            if self.rules.low == 0 and values.max() > 0 and published
            else None,
            reason=None if published else "suppressed",
        )

    def _gap_bound(self, index: Integers, level: float) -> float | None:
        """Lower bound of the widest difference, all pairs bounded at once."""
        first, second = np.triu_indices(len(index), 1)
        if not self.full:
            z = float(z_of(1 - (1 - level) / len(index)))
            wide = replace(self.rules, level=contrasts.level_of_z(z))
            low, high, _ = bounds_of(self.estimates, self.form, wide, binomial=self.binomial)
            return max(float(np.nanmax(low[index]) - np.nanmin(high[index])), 0.0)
        covariance = self.estimates.covariance[np.ix_(index, index)].copy()
        steady = steadied_variance(
            self.estimates.variances[index], self.estimates.n_units[index].astype(float)
        )
        flat = self.estimates.variances[index] == 0
        covariance[flat, flat] = steady[flat]
        if not (np.diag(covariance) > 0).all():
            return 0.0 if np.ptp(self.estimates.values[index]) == 0 else None
        draws = simultaneous.draw_normal(covariance, self.rules.draws, self.rng)
        z = spread.largest_pair_quantile(covariance, draws, level)
        pairs = compare(
            self.estimates, self.form, index[first], index[second], proportion=self.binomial
        )
        low, high = pairs.interval(z)
        return max(float(np.nanmax(np.concatenate([low, -high, [0.0]]))), 0.0)

    def _homogeneity(self, index: Integers) -> float | None:
        estimates = self.estimates
        if self.binomial and isinstance(self.form, Ratio):
            above, below = self.form.split(estimates.sums)
            return spread.chi_square_p(above[index], below[index], self.rng)
        values, n_units = estimates.values[index], estimates.n_units[index]
        if self.full:
            shared = estimates.shared[np.ix_(index, index)].copy()
            np.fill_diagonal(shared, 0)
            if shared.any():
                covariance = estimates.covariance[np.ix_(index, index)]
                return spread.wald_p(values, covariance, int(n_units.min()))
        return spread.welch_p(values, estimates.variances[index], n_units.astype(float))

    def _suppress(self) -> dict[int, str]:
        """Index of each hidden set, with the reason."""
        if self.rules.suppress_below <= 0:
            return {}
        everyone = [*self.cells, *self.absent]
        index = np.concatenate([self.group_index, self.absent_index])
        counts = self.estimates.n_units[index]
        totals: list[tuple[int | None, Sequence[int]]] = []
        for names in dict.fromkeys(cell.partition.names for cell in everyone):
            parts = [i for i, cell in enumerate(everyone) if cell.partition.names == names]
            if len(names) == 1:
                totals.append((None, parts))
            for i, cell in enumerate(everyone):
                inside = [j for j in parts if (everyone[j].members <= cell.members).all()]
                if len(cell.partition.names) < len(names) and inside:
                    totals.append((i, inside))
        primary, complementary = suppress(counts, totals, self.rules.suppress_below)
        hidden = {int(index[i]): "suppressed" for i in np.flatnonzero(primary)}
        hidden |= {int(index[i]): "suppressed_complementary" for i in np.flatnonzero(complementary)}
        return hidden


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _hide(rate: Estimate, reason: str) -> Estimate:
    return replace(
        rate,
        value=None,
        low=None,
        high=None,
        standard_error=None,
        n_rows=None,
        n_units=None,
        numerator=None,
        denominator=None,
        counts=None,
        method=None,
        reason=reason,
    )
