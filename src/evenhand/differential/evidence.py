"""What the data say about costs: of conditions to groups, and beyond those to the others.

A *cost* is the difference of one set of cells under a condition and under the reference.  Sets are
everybody, the groups, and the rest of each group.  Costs are differences of estimates, and what is
compared are costs again, so that all variances come from the covariances of the sets: units that
occur under several conditions, or in several groups, are their own controls.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from evenhand.comparisons.comparison import (
    ON_UNITS,
)
from evenhand.comparisons.family import MAX_T_SETS, judge_family
from evenhand.comparisons.limits import interval_alone
from evenhand.comparisons.rules import VerdictRules
from evenhand.comparisons.sets import GroupSet
from evenhand.comparisons.sizes import unequal_units
from evenhand.cubes import Cube
from evenhand.deferred import special
from evenhand.differential.block import Block, Costs, partition_numbers
from evenhand.differential.losses import Loss, loss_of, possible_bias
from evenhand.errors import Note
from evenhand.results.estimate import Estimate
from evenhand.stats import contrasts
from evenhand.stats.forms import Form
from evenhand.stats.power import minimum_detectable_difference

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
#: Groups of a partition between which all pairs are compared, at most.
PAIRED_GROUPS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedCosts:
    """Comparisons of one kind, judged together; arrays have one value each, positive is harm.

    `told` is -1 where the second of a pair is told to pay more, and 1 elsewhere.  `limit` is what
    the harm may be at most whatever bounded units are like, of the one that is told, where the
    interval alone excludes it; -inf elsewhere.

    `why` names why one could not be tested: a set that is undefined, has too few units, or does
    not vary.
    """

    difference: Floats
    low: Floats
    high: Floats
    told: Floats
    limit: Floats
    standard_error: Floats
    p: Floats
    p_adjusted: Floats
    detectable: Floats
    methods: tuple[str, ...]
    tested: Bools
    why: tuple[str | None, ...]
    adjust: str


class ConditionEvidence:
    """Costs of all conditions to all groups.

    Arrays of costs have one value for each group and condition, group by group in the order of
    `cells`, conditions in their own order without the reference.

    Attributes
    ----------
    everybody : list of Estimate
        Under each condition, the reference first.
    rates : list of lists of Estimate
        Of each group under each condition, the reference first.
    overall, paid, beyond : JudgedCosts
        Costs to everybody, to each group, and of each group beyond its rest.
    pairs : JudgedCosts
        Of two groups of one partition; `first`, `second` and `under` number groups and conditions.
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
        self.rules, self.cells, self.conditions = rules, cells, len(members) - 1
        self.rng = np.random.default_rng(rules.seed)
        self.blocks = [
            Block(
                cube,
                form,
                cells,
                members[[0, *some]],
                rules,
                proportion=proportion,
                one_row_each=one_row_each,
            )
            for some in _shares(self.conditions, 1 + 2 * len(cells))
        ]
        groups = np.arange(1, 1 + len(cells))
        self._rates()
        self.overall = self._judge([b.paid(np.zeros(1, int)) for b in self.blocks])
        self.paid = self._judge([b.paid(groups) for b in self.blocks])
        self.loss = self._loss()
        self.beyond = self._judge([b.beyond(groups, groups + len(cells)) for b in self.blocks])
        rest = groups + len(cells)
        self.beyond = self._allowing(self.beyond, (groups, rest), (self.loss.own, self.loss.rest))
        self._find_pairs()

    def _rates(self) -> None:
        rows = []
        for side in range(1 + len(self.cells)):
            row: list[Estimate] = []
            for block in self.blocks:
                start, stop = (at * (1 + block.conditions) for at in (side, side + 1))
                # Each block has the reference again.
                row += block.rates[start + bool(row) : stop]
            rows.append(row)
        self.everybody, self.rates = rows[0], rows[1:]

    def _find_pairs(self) -> None:
        firsts, seconds = [np.zeros(0, int)], [np.zeros(0, int)]
        for names in dict.fromkeys(cell.partition.names for cell in self.cells):
            own = np.array([i for i, c in enumerate(self.cells) if c.partition.names == names])
            if len(own) <= PAIRED_GROUPS:
                one, two = np.triu_indices(len(own), 1)
                firsts.append(own[one])
                seconds.append(own[two])
        self.first, self.second = np.concatenate(firsts), np.concatenate(seconds)

    @cached_property
    def pairs(self) -> JudgedCosts:
        """Costs of two groups of one partition, one beyond the other; judged when they are asked for."""
        sides = (self.first + 1, self.second + 1)
        lost = (self.loss.own[self.first], self.loss.own[self.second])
        return self._allowing(
            self._judge([b.beyond(*sides) for b in self.blocks], pairs=True), sides, lost
        )

    def _loss(self) -> Loss:
        """Shares of rows that groups lose under conditions."""
        groups = np.arange(1, 1 + len(self.cells))
        return loss_of(
            self._of_sides(groups, "n_rows", reference=True),
            self._of_sides(groups + len(self.cells), "n_rows", reference=True),
            partition_numbers(self.cells),
        )

    def refused(self, judged: JudgedCosts) -> Iterator[tuple[int, int, str]]:
        """Numbers of the group and the condition of each cost that could not be judged, and the reason."""
        for i in range(len(self.cells)):
            for k in range(self.conditions):
                reason = judged.why[i * self.conditions + k]
                if reason is not None:
                    yield i, k, reason

    def gaps(self) -> Floats:
        """How much worse off each group is than its rest, under the reference and each condition.

        Shape (groups, 1 + conditions); NaN where a side is undefined.
        """
        groups = np.arange(1, 1 + len(self.cells))
        own, rest = (
            self._of_sides(sides, "values", reference=True)
            for sides in (groups, groups + len(self.cells))
        )
        return own - rest if self.rules.higher_is_worse else rest - own

    def _of_sides(self, sides: Integers, field: str, *, reference: bool) -> Floats:
        """An array of estimates of some sides under each condition; shape (sides, conditions)."""
        columns = []
        for number, block in enumerate(self.blocks):
            own = getattr(block.estimates, field).reshape(block.sides, -1)[sides]
            columns.append(own if reference and not number else own[:, 1:])
        return np.concatenate(columns, axis=1).astype(float)

    def _allowing(
        self, judged: JudgedCosts, sides: tuple[Integers, Integers], lost: tuple[Floats, Floats]
    ) -> JudgedCosts:
        """Intervals that allow for what is unknown of rows that one side lost more of."""
        # Of a pair it is uneven where it is of the partition.
        uneven = self.loss.uneven[sides[0] - 1].ravel()
        if not uneven.any():
            return judged
        mine, others = (np.where(uneven, side.ravel(), 0.0) for side in lost)
        values = [self._of_sides(side, "values", reference=False).ravel() for side in sides]
        below, above = possible_bias(mine, others, (values[0], values[1]), self.ends())
        if not self.rules.higher_is_worse:
            below, above = above, below
        below, above = np.nan_to_num(below), np.nan_to_num(above)
        # What bounds say of the units at hand says nothing of those that are lost.
        limit = judged.limit + np.where(judged.told > 0, above, below)
        return replace(judged, low=judged.low - below, high=judged.high + above, limit=limit)

    def notes(self, names: Sequence[str]) -> Iterator[Note]:
        """What is told of units, and of what rests on intervals alone."""
        yield from self.unit_notes(names)
        yield from self.alone_notes((self.beyond, self.pairs), "not more")

    def unit_notes(self, names: Sequence[str]) -> Iterator[Note]:
        """What is told of the units of everybody and of the groups under the reference."""
        block = self.blocks[0]
        number = np.arange(1 + len(self.cells)) * (1 + block.conditions)
        under = f" under {names[0]}"
        called = [f"all{under}", *(cell.predicate + under for cell in self.cells)]
        yield from unequal_units(
            block.cube, block.form, block.estimates, (block.sets, number, called), self.rules
        )

    def alone_notes(
        self, judged: Sequence[JudgedCosts], verdict: str, *, better: bool = True
    ) -> Iterator[Note]:
        """Whether somebody is told `verdict` by an interval alone, among what was judged.

        `better` says whether what is proven to be better counts as told so.
        """
        if any(self._denies_alone(one, better=better) for one in judged):
            units = [rate.n_units or 0 for rates in self.rates for rate in rates]
            fewest = min(n for n in units if n >= self.rules.min_units)
            yield from interval_alone(fewest, self.rules.unit, verdict)

    def _denies_alone(self, judged: JudgedCosts, *, better: bool) -> bool:
        """Whether somebody is told not to pay more where no limit stands beside the interval."""
        at_most = np.where(judged.told > 0, judged.high, -judged.low)
        at_least = np.where(judged.told > 0, judged.low, -judged.high)
        within = judged.tested & (at_most <= self.rules.tolerance) & np.isneginf(judged.limit)
        within &= better | (at_least >= -self.rules.tolerance)
        on_units = np.array([method == ON_UNITS for method in judged.methods], bool)
        return bool((within & on_units).any())

    def ends(self) -> tuple[float, float]:
        """Between which values of lost rows are taken to lie: the metric's bounds, or units' values."""
        low, high = self.rules.low, self.rules.high
        seen = [block.seen_ends() for block in self.blocks]
        return (
            min(end for end, _ in seen) if low is None else low,
            max(end for _, end in seen) if high is None else high,
        )

    def _judge(self, kinds: Sequence[Costs], *, pairs: bool = False) -> JudgedCosts:
        """Judge comparisons together; those of several blocks are put in one order."""
        order = self._order([len(kind.able) for kind in kinds])
        able = np.concatenate([kind.able for kind in kinds])[order]
        z = np.concatenate([kind.compared.z for kind in kinds])[order]
        variance = np.concatenate([kind.compared.variance for kind in kinds])[order]
        # What is left where covariances cancel is their rounding, not variation.
        flat = np.concatenate([kind.compared.flat for kind in kinds])[order]
        varies = variance > (1e-6 * self._largest_error()) ** 2
        tested = able & np.isfinite(z) & (varies | flat)
        kept = np.flatnonzero(tested)
        whole = kinds[0] if len(kinds) == 1 and len(kept) <= MAX_T_SETS else None
        family = judge_family(
            z[kept], self.rules, self.rng, None if whole is None else lambda: whole.covariance(kept)
        )
        joint, p_adjusted = family.joint_z, np.full(len(z), np.nan)
        p_adjusted[kept] = family.p_adjusted
        bounds = [kind.compared.interval(joint) for kind in kinds]
        low, high = (np.concatenate([b[k] for b in bounds])[order] for k in (0, 1))
        reach = kinds[0].reach
        low, high = np.maximum(low, -reach), np.minimum(high, reach)
        difference = np.concatenate([kind.compared.difference for kind in kinds])[order]
        if not self.rules.higher_is_worse:
            difference, low, high = -difference, -high, -low
        power = np.concatenate([kind.compared.power_variance for kind in kinds])[order]
        df = np.concatenate([kind.compared.df for kind in kinds])[order]
        methods = [k.compared.method(i) for k in kinds for i in range(len(k.able))]
        why = [reason for kind in kinds for reason in kind.why]
        with np.errstate(invalid="ignore"):
            error = np.sqrt(variance)
            detectable = minimum_detectable_difference(
                power**0.5, joint, df, tolerance=self.rules.tolerance
            )
            detectable = np.where(detectable <= reach, detectable, np.nan)
        # Of a pair it is told who pays more.
        told = np.where(pairs & (difference < 0), -1.0, 1.0)
        asked = tested & (np.where(told > 0, high, -low) <= self.rules.tolerance)
        return JudgedCosts(
            difference=difference,
            low=low,
            high=high,
            told=told,
            limit=self._limits(kinds, order, np.where(asked, told, 0.0), joint),
            standard_error=error,
            p=contrasts.p_of_z(z),
            p_adjusted=p_adjusted,
            detectable=detectable,
            methods=tuple(methods[i] for i in order),
            tested=tested,
            why=tuple(_reason(why[i], tested=t) for i, t in zip(order, tested, strict=True)),
            adjust=family.adjust,
        )

    @staticmethod
    def _limits(kinds: Sequence[Costs], order: Integers, told: Floats, joint: float) -> Floats:
        """Limits of the harm that intervals alone exclude, where `told` is not 0."""
        out = np.full(len(told), -np.inf)
        places = [(kind, i) for kind in kinds for i in range(len(kind.able))]
        for number in np.flatnonzero(told):
            kind, i = places[order[number]]
            if not (kind.compared.flat[i] or kind.compared.score[i]):
                out[number] = kind.limit(i, float(told[number]), float(special.ndtr(-joint)))
        return out

    def _largest_error(self) -> float:
        """The largest standard error of any set, beside which rounding is judged."""
        errors = (rate.standard_error for block in self.blocks for rate in block.rates)
        return max((error for error in errors if error is not None), default=0.0)

    def _order(self, lengths: Sequence[int]) -> Integers:
        """Places of the comparisons: each side's conditions together, over all blocks."""
        places, start = [], 0
        for block, length in zip(self.blocks, lengths, strict=True):
            places.append(np.arange(start, start + length).reshape(-1, block.conditions))
            start += length
        return np.concatenate(places, axis=1).ravel()


def _reason(why: str | None, *, tested: bool) -> str | None:
    return None if tested else (why or "no_variation")


def _shares(conditions: int, sides: int) -> list[Integers]:
    """Conditions of each block, so that its covariances stay cheap."""
    size = max(1, MAX_T_SETS // sides - 1)
    return [
        np.arange(start, min(start + size, conditions)) + 1 for start in range(0, conditions, size)
    ]
